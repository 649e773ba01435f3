"""One side's tables, shared out among the nodes of a Citus cluster (docs/decisions/0023-shared-out-by-log.md).

What belongs to a log lies where all of that log lies, so that no request asks two nodes; what belongs to the side as a whole stays on the coordinator, in the
side's own schema. Refuses to begin while a process serves the side, and a table that lies otherwise than here.
"""

from typing import Any, Final

from sqlalchemy import Connection, Engine, text

from server import engines
from server.cannot import CannotServe
from server.engines import Postgres

BY_LOG: Final = (
    "entry", "log_head", "author_head", "receipt", "verdict", "held", "gone", "purge", "chunk", "claim", "member", "intake_key", "parcel",
)  # fmt: skip
"""Lie together, by `log_id`."""
BY_PLACE: Final = ("body",)
"""Lie by `place`, which is drawn by lot: bytes of attachments, spread evenly however large one file is."""
KEPT: Final = (
    "meta", "audit_event", "past_event", "audit_tile", "checkpoint", "change", "going", "address", "gate", "parcel_out", "device_status",
)  # fmt: skip
"""Stay on the coordinator, and Citus knows them: it commits a transaction that writes one of them and a shard as one, in two phases."""
ALONE: Final = ("nonce", "alembic_version")
"""Stay there unknown to Citus: no transaction writes one of them and anything else."""

_WHERE: Final = text(
    "SELECT partmethod::text, column_to_column_name(logicalrelid, partkey), colocationid FROM pg_dist_partition WHERE logicalrelid = to_regclass(:name)"
)
_OTHERS: Final = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'fieldkeep' AND pid <> pg_backend_pid()"
)
_CITUS: Final = text("SELECT to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL")
_LOOKS: Final = ("SELECT max(n) FROM change", "SELECT max(seq) FROM log_head", "SELECT max(ms) FROM body")
_LOCAL: Final = "n"


class CannotShare(CannotServe):
    """These tables cannot be shared out as they are."""


class Unsettled(OSError):
    """A node does not show yet what was committed: it ended between the two phases, and Citus brings it to an end within a minute or so."""


def is_shared_out(engine: Engine) -> bool:
    """Whether a side's tables lie on the nodes of a cluster."""
    if not engines.is_shared(engine):
        return False
    with engine.connect() as tx, tx.begin():
        return bool(tx.execute(_CITUS).scalar()) and _where(tx, BY_LOG[0]) is not None


def settle(engine: Engine) -> None:
    """Wait until the writing transactions that are under way have ended, on every node: the coordinator shows its rows of one a moment before the others do,
    and its writer's lock goes after that.
    """
    with engine.connect() as tx, tx.begin():
        engines.wait_for_writer(tx)


def fix_moment(reading: Connection) -> None:
    """What a transaction that only reads sees is one moment on every node: its first look at each is while nobody writes, and over the only connection to it."""
    if is_shared_out(reading.engine):
        reading.exec_driver_sql("SET LOCAL citus.max_adaptive_executor_pool_size = 1")
        with reading.engine.connect().execution_options(writes=True) as held, held.begin():
            for look in _LOOKS:
                reading.exec_driver_sql(look)


def share_out(place: Postgres) -> list[str]:
    """Give every table of a side its place, all or none; those that have it keep it. Returns the names of those that were given one. Raises CannotShare,
    and what the database raises.
    """
    with engines.open_engine(place, readers=0).connect().execution_options(writes=True) as tx, tx.begin():
        if not tx.execute(_CITUS).scalar():
            raise CannotShare("this database has no Citus: CREATE EXTENSION citus on each node, and add the nodes")
        if tx.execute(_OTHERS).scalar():
            raise CannotShare("a process of the service uses this database: stop all of them first")
        return give_places(tx)


def share_out_again(place: Postgres) -> None:
    """After a migration: tables that are new take their places, where the others have theirs. Raises CannotShare."""
    engine = engines.open_engine(place, readers=0)
    if is_shared_out(engine):
        with engine.connect().execution_options(writes=True) as tx, tx.begin():
            give_places(tx)


def give_places(tx: Connection) -> list[str]:
    """In a transaction of the caller's."""
    given = [name for name in BY_LOG if _by(tx, name, "log_id", BY_LOG[0])]
    given += [name for name in BY_PLACE if _by(tx, name, "place", BY_PLACE[0])]
    return given + [name for name in KEPT if _keep(tx, name)]


def _where(tx: Connection, name: str) -> Any:
    """(method, column, group) of a table that Citus knows."""
    return tx.execute(_WHERE, {"name": name}).first()


def _by(tx: Connection, name: str, column: str, beside: str) -> bool:
    """Share a table out by a column, beside another. What it had stays behind, hidden, unless it is cut off: what is removed later must be nowhere."""
    found = _where(tx, name)
    if found is None:
        tx.execute(
            text("SELECT create_distributed_table(:name, :column, colocate_with => :beside)"),
            {"name": name, "column": column, "beside": "none" if name == beside else beside},
        )
        tx.execute(text("SELECT truncate_local_data_after_distributing_table(to_regclass(:name))"), {"name": name})
        return True
    if found[1] != column or found[2] != _where(tx, beside)[2]:
        raise CannotShare(f"the table {name} is shared out by {found[1]} already, want it by {column} beside {beside}")
    return False


def _keep(tx: Connection, name: str) -> bool:
    found = _where(tx, name)
    if found is None:
        tx.execute(text("SELECT citus_add_local_table_to_metadata(to_regclass(:name))"), {"name": name})
        return True
    if (found[0], found[1]) != (_LOCAL, None):
        raise CannotShare(f"the table {name} is shared out, want it on the coordinator")
    return False
