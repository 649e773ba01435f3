"""The operations of the topic `due`: what follows from records and the clock (docs/spec.md §5.10)."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Final

from sync import chasing, clocks, visits
from sync.days import bank_holidays, local
from sync.due import Said, due

In = dict[str, Any]


def _minute(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="minutes")


def _due_items(given: In) -> Any:
    said = [Said(*one) for one in given["said"]]
    today = local(given["ms"]).date()
    found = due(said, {file: lead for file, lead in given["leads"]}, today, given["ahead"], whose=given["whose"])  # noqa: C416 - a map of rows
    return [[one.day.isoformat(), one.file, one.record, f"{one.type}.{one.field}", one.owner, one.what, one.days] for one in found]


def _order_clock(given: In) -> Any:
    now = local(given["ms"])
    found = clocks.clock(given["values"], now, clock_unsure=given["clock_unsure"])
    times = {"earliest": _minute(found.earliest), "latest": _minute(found.latest)}
    return {"state": found.state, **times, "unsure": found.unsure, "hours_left": found.hours_left(now)}


def _request_stands(given: In) -> Any:
    found = chasing.chased(given["values"], local(given["ms"]).date())
    return {"state": found.state, "chases": found.chases, "next": found.next, "on": found.on.isoformat() if isinstance(found.on, date) else None}


def _visit_stands(given: In) -> Any:
    found = visits.visit(given["values"], local(given["ms"]))
    return {"state": found.state, "late_minutes": found.late_minutes}


DUE_OPERATIONS: Final[Mapping[str, Callable[[In], Any]]] = {
    "local_time": lambda given: _minute(local(given["ms"])),
    "bank_holidays": lambda given: [day.isoformat() for day in sorted(bank_holidays(given["year"]))],
    "due_items": _due_items,
    "order_clock": _order_clock,
    "request_stands": _request_stands,
    "visit_stands": _visit_stands,
}
