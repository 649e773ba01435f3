"""Where a request for information stands, and what to do next: chase, take it further (docs/spec.md §5.10). Pure. Vectors: due."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final, NamedTuple

from sync.days import add_working_days, day_of, span_of

CHASE_DAYS: Final = 5
ESCALATE_AFTER: Final = 2
"""Working days after which an answer is chased again; chases after which it is offered to take it further."""


class Chased(NamedTuple):
    """`state`: waiting, late, chased, escalated or answered. `next`: nothing, chase, escalate or answer, from `on`."""

    state: str
    chases: int
    next: str
    on: date | None


def chased(values: Mapping[str, Any], today: date) -> Chased:
    """An `information_request` with these effective values on a day. What others asked of us waits for our answer, and is not chased."""
    rows = values.get("chases")
    days = [span.first.date() for row in (rows if isinstance(rows, list) else ()) if isinstance(row, Mapping) and (span := span_of(row.get("when")))]
    if day_of(values.get("answered_on")) is not None:
        return Chased("answered", len(days), "nothing", None)
    due_on = day_of(values.get("due_on"))
    late = due_on is not None and due_on < today
    if values.get("direction") == "they_asked":
        return Chased("late" if late else "waiting", 0, "answer", due_on)
    escalated = day_of(values.get("escalated_on"))
    begun = [day for day in (*days, escalated) if day is not None]
    on = add_working_days(max(begun), CHASE_DAYS) if begun else due_on
    if escalated is not None:
        return Chased("escalated", len(days), "chase", on)
    state = "chased" if days else "late" if late else "waiting"
    return Chased(state, len(days), "escalate" if len(days) >= ESCALATE_AFTER else "chase", on)
