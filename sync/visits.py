"""Where a planned visit stands, and who is to do what when nobody comes back (docs/spec.md §5.10). Pure. Vectors: due.

The buddy raises the alarm, for the visitor may have no signal. Nothing is sent or set by itself.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from sync.days import span_of

_OPEN_GATES: Final = ("clear", "clear_after_date", "ring_first")


class Visit(NamedTuple):
    """`state`: planned, out, overdue or back. `wanting` says what keeps people from setting out; `late_minutes` counts from the time that was said."""

    state: str
    late_minutes: int
    wanting: tuple[str, ...]


def visit(values: Mapping[str, Any], now: datetime) -> Visit:
    """A `visit_plan` with these effective values at `now`. A day, or an hour, that is all that was said is over when it has passed."""
    if values.get("checked_out") is not None:
        return Visit("back", 0, ())
    start, back = span_of(values.get("start")), span_of(values.get("due_back"))
    wanting = tuple(_wanting(values))
    late = int((now - back.last).total_seconds() // 60) if back is not None else 0
    if late > 0:
        return Visit("overdue", late, wanting)
    begun = values.get("checked_in") is not None or (start is not None and start.first <= now)
    return Visit("out" if begun else "planned", 0, wanting)


def _wanting(values: Mapping[str, Any]) -> list[str]:
    buddy, visitors = values.get("buddy"), values.get("visitors")
    found = []
    if not isinstance(buddy, str):
        found.append("nobody is agreed on as buddy")
    elif isinstance(visitors, list) and buddy in visitors:
        found.append("the buddy is one of the visitors")
    if span_of(values.get("due_back")) is None:
        found.append("no time to be back")
    if values.get("gate_seen") not in _OPEN_GATES:
        found.append("partner support has not said that contact is clear")
    if values.get("hazards_read") != "yes":
        found.append("the hazards were not read")
    return found
