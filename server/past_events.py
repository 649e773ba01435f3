"""The turn from one audit tree to the next, when a side that came back is declared (docs/spec.md §19.2). The SQL of it; the caller owns the transaction.

The new tree begins with `restored`, then tells of every entry that the database has: of the registry, then of the files by id. What it tells is what the
old tree told, so its events are copied. The old ones are kept.
"""

from typing import Final

from sqlalchemy import Connection, text

from server.append.commit import Turn
from shared_schema import cbor

_STEPS: Final = (
    "INSERT INTO past_event (incarnation, n, event) SELECT :old, n, event FROM audit_event",
    "DELETE FROM audit_event",
    "DELETE FROM audit_tile",
    "DELETE FROM checkpoint",
    "CREATE TEMPORARY TABLE moved AS SELECT log_id, seq, leaf AS old, row_number() OVER (ORDER BY log_id <> :registry, log_id, seq) AS n FROM entry",
    "CREATE UNIQUE INDEX moved_place ON moved (log_id, seq)",
    "INSERT INTO audit_event (n, event) VALUES (0, :first)",
    "INSERT INTO audit_event (n, event) SELECT moved.n, event FROM moved JOIN past_event ON past_event.n = moved.old WHERE incarnation = :old ORDER BY moved.n",
    "UPDATE entry SET leaf = moved.n FROM moved WHERE moved.log_id = entry.log_id AND moved.seq = entry.seq",
    "DROP TABLE moved",
)


def turn(tx: Connection, registry: bytes, ended: Turn, now_ms: int) -> None:
    """Begin the tree of the new incarnation."""
    before = None if ended.before is None else list(ended.before)
    first = cbor.encode({"e": "restored", "before": before, "ms": now_ms})
    values = {"old": ended.incarnation, "registry": registry, "first": first}
    for step in _STEPS:
        tx.execute(text(step), {name: value for name, value in values.items() if f":{name}" in step})
