"""What each transaction changed of what every process keeps in memory, for the other processes that serve the same database
(docs/decisions/0022-several-workers.md).

A row of the journal is written in the transaction that it tells of. Rows are numbered without a gap from 1, for writing transactions of a side come one
after another; the newest is never deleted. What changes seldom is only named, in `again`: it is read from the database anew.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, delete, func, insert, select, text
from sqlmodel import col

from server.append.commit import Commit
from server.tables import ChangeRow
from shared_schema import cbor

CHANNEL: Final = "fieldkeep_"
"""Before the schema's name: the channel on which PostgreSQL tells the processes that the journal has grown."""
KEPT: Final = 100_000
_AT_ONCE: Final = 512
_DELETE_EVERY: Final = 1024

TURN: Final = "turn"
TREE: Final = "tree"
UNBORN: Final = "unborn"
GONE: Final = "gone"
BOARD: Final = "board"


class Move(NamedTuple):
    """Somebody is named in a file in a `role`, or with "" is no more from place `upto` on."""

    log: bytes
    user: bytes
    role: str
    upto: int


class Change(NamedTuple):
    """`heads` are the logs that grew, to (kind, seq, chain); `begun` those of them that are new; `held` how many more entries of a log wait for a decision;
    `came` the number of the newest parcel of a file; `claimed` the logs of which other parts are waited for, with the chunks that they name.
    """

    heads: Mapping[bytes, tuple[str, int, bytes]] = {}
    begun: frozenset[bytes] = frozenset()
    moves: tuple[Move, ...] = ()
    held: tuple[tuple[bytes, int], ...] = ()
    erased: tuple[bytes, ...] = ()
    refused: frozenset[bytes] = frozenset()
    came: Mapping[bytes, int] = {}
    claimed: frozenset[bytes] = frozenset()
    again: frozenset[str] = frozenset()

    @property
    def grown(self) -> set[bytes]:
        """The logs of which there is something new to fetch."""
        return {*self.heads, *self.came}


def of(commit: Commit) -> Change:
    """What a transaction changes, once it is committed."""
    batch, parcels = commit.batch, commit.parcels
    named = {
        TURN: commit.turn is not None,
        UNBORN: bool(commit.unborn or commit.unborn_before.keys() & batch.new_heads),
        GONE: bool(batch.gone),
        BOARD: bool(parcels.addresses or parcels.gates),
    }
    return Change(
        heads={log: (row["kind"], row["seq"], row["chain"]) for log, row in batch.heads.items()},
        begun=frozenset(batch.new_heads),
        moves=tuple(
            Move(row["log_id"], row["user_id"], row["role"], 0) if joins else Move(row["log"], row["user"], "", row["left"])
            for joins, row in batch.moves
        ),
        held=(*((row["log_id"], 1) for row in batch.held), *((row["log"], -1) for row in batch.settled)),
        erased=tuple(row["log_id"] for row in batch.gone if not row["entry_id"]),
        refused=frozenset(commit.refused_logs),
        came={row["log_id"]: row["n"] for row in parcels.came},
        claimed=commit.chunks.claimed,
        again=frozenset(name for name, true in named.items() if true),
    )


def newest(tx: Connection) -> int:
    """The number of the newest row; 0 where there is none."""
    return int(tx.execute(select(func.coalesce(func.max(col(ChangeRow.n)), 0))).scalar() or 0)


def since(tx: Connection, seen: int) -> Iterator[tuple[int, bytes]]:
    """(n, what it says) of the row with the number `seen` and those after it, which may lack some in between."""
    while True:
        query = select(col(ChangeRow.n), col(ChangeRow.said)).where(col(ChangeRow.n) >= seen).order_by(col(ChangeRow.n)).limit(_AT_ONCE)
        rows = tx.execute(query).all()
        for row in rows:
            yield row.n, row.said
        if len(rows) < _AT_ONCE:
            return
        seen = rows[-1].n + 1


def put(tx: Connection, n: int, change: Change) -> None:
    """Write row `n`, and tell the other processes when it is committed."""
    tx.execute(insert(ChangeRow).values(n=n, said=_encode(change)))
    if n % _DELETE_EVERY == 0:
        tx.execute(delete(ChangeRow).where(col(ChangeRow.n) <= n - KEPT))
    tx.execute(text("SELECT pg_notify(:channel || current_schema(), :n)"), {"channel": CHANNEL, "n": str(n)})


def _encode(change: Change) -> bytes:
    said: dict[str, Any] = {
        "heads": [[log, *head] for log, head in change.heads.items()],
        "begun": sorted(change.begun),
        "moves": [list(move) for move in change.moves],
        "held": [[log, more > 0] for log, more in change.held],
        "erased": list(change.erased),
        "refused": sorted(change.refused),
        "came": [list(one) for one in change.came.items()],
        "claimed": sorted(change.claimed),
        "again": sorted(change.again),
    }
    return cbor.encode({name: value for name, value in said.items() if value})


def decode(data: bytes) -> Change:
    """What a row says."""
    said = cbor.decode(data)
    return Change(
        heads={log: (kind, seq, chain) for log, kind, seq, chain in said.get("heads", ())},
        begun=frozenset(said.get("begun", ())),
        moves=tuple(Move(*move) for move in said.get("moves", ())),
        held=tuple((log, 1 if more else -1) for log, more in said.get("held", ())),
        erased=tuple(said.get("erased", ())),
        refused=frozenset(said.get("refused", ())),
        came=dict(map(tuple, said.get("came", ()))),
        claimed=frozenset(said.get("claimed", ())),
        again=frozenset(said.get("again", ())),
    )
