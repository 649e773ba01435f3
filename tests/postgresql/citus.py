"""`python -m tests.postgresql.citus URL [TEST …]`: the tests of PostgreSQL on a Citus cluster that is there already, and what Citus itself says of each
statement that devices wait for.

URL names a database of the cluster's coordinator that knows its nodes, as a role that may make databases on all of them. Services get databases of their own
in it. Citus is in no package registry that this project is built from, so `make test` cannot do this; docs/operations/postgresql.md has what it gave.
"""

import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from sqlalchemy import text

from tests import database
from tests.postgresql import cluster
from tests.postgresql.day import World, brought_about
from tests.postgresql.shards import Ran, faults

TESTS: Final = (
    "tests/postgresql/test_workers.py",
    "tests/postgresql/test_moving.py::test_while_the_database_is_away",
    "tests/postgresql/test_one_moment.py",
    "tests/postgresql/test_settling.py",
    "tests/postgresql/test_shards.py",
    "tests/system/test_server_state.py",
    "tests/system/test_erasing.py",
    "tests/system/test_coming_back.py",
    "tests/system/test_chunk_keeping.py",
    "tests/stateful/test_sync_machine.py",
)
"""What a server does with its tables, unless others are named."""
_EXPLAINED: Final = ("SELECT", "INSERT", "UPDATE", "DELETE")


def main() -> int:
    """Exit status 1 when a test fails, or Citus would ask more than one shard for anything that devices wait for."""
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    url, tests = sys.argv[1], sys.argv[2:] or list(TESTS)
    os.environ |= {database.SERVER: url, cluster.CLUSTER: "yes"}
    print(f"{cluster.version(url)}; {len(cluster.nodes(url))} nodes", flush=True)
    wrong = _explain()
    failed = subprocess.run([sys.executable, "-m", "pytest", "-q", "--database", "postgresql", *tests], check=False).returncode
    return int(wrong or failed != 0)


def _explain() -> bool:
    """Print how many shards the statements of a day's work ask. True when any asks more than one."""
    with tempfile.TemporaryDirectory() as folder, brought_about(Path(folder)) as world:
        seen = {(one.by, one.sql): one for one in world.of_the_day if one.sql.lstrip().upper().startswith(_EXPLAINED)}
        asked = list(_tasks(seen.values()))
        found = Counter(tasks for _, tasks in asked)
        print(
            f"a day's work: {len(asked)} statements; asked of shards: " + ", ".join(f"{count} of {tasks}" for tasks, count in sorted(found.items()))
        )
        phases = _phases(world)
        print(f"a transaction of one log and one event: {', then '.join(phases)}")
        wrong = [(one, tasks) for one, tasks in asked if tasks > 1]
        for one, tasks in wrong:
            print(f"  {tasks} shards: {one.by}: {one.sql}")
        several = {one.sql: one for one in world.ran if faults(one.sql) and one.sql.startswith("SELECT")}
        control = [tasks for _, tasks in _tasks(several.values())]
        print(f"control: {sum(tasks > 1 for tasks in control)} of {len(control)} queries that the parser finds on several shards are so by Citus")
        return (
            bool(wrong)
            or not any(tasks > 1 for tasks in control)
            or (len(cluster.nodes(os.environ[database.SERVER])) > 1 and "PREPARE" not in phases)
        )


def _phases(world: World) -> list[str]:
    """What the coordinator tells a worker node at the end of a transaction of a note: its head and its audit event."""
    said: list[str] = []
    engine = world.cast.realm("perpetrator").engine
    with engine.connect().execution_options(writes=True) as tx, tx.begin():
        driver: Any = tx.connection.driver_connection
        driver.add_notice_handler(lambda notice: said.append(str(notice.message_primary)))
        tx.exec_driver_sql("SET LOCAL citus.log_remote_commands = on")
        tx.exec_driver_sql("SET LOCAL client_min_messages = log")
        tx.exec_driver_sql("UPDATE log_head SET seq = seq WHERE log_id = %s", (world.cast.logs["case"],))
        tx.exec_driver_sql("UPDATE audit_event SET n = n WHERE n = 0")
    return [word for one in said for word in ("PREPARE", "COMMIT PREPARED", "COMMIT") if one.startswith(f"issuing {word}")][:2]


def _tasks(statements: Iterable[Ran]) -> Iterator[tuple[Ran, int]]:
    """On how many shards of tables that are shared out Citus would run each: 0 for one that asks none."""
    for one in statements:
        with one.engine.connect() as connection, connection.begin():
            plan = "\n".join(str(row[0]) for row in connection.exec_driver_sql(f"EXPLAIN (COSTS OFF) {one.sql}", one.values))
            where = connection.execute(text("SELECT count(*) FROM pg_dist_partition WHERE partmethod = 'h'")).scalar()
        assert where, "nothing is shared out here"
        yield one, sum(int(line.partition(":")[2]) for line in plan.splitlines() if line.strip().startswith("Task Count:"))


if __name__ == "__main__":
    sys.exit(main())
