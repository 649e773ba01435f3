"""Rows that no field holds, but a rule over a file (docs/returns.md). Each gives the rows in which a file or a record stands; none where nothing is known."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from types import MappingProxyType
from typing import Any, Final

from sync.returns.cases import Case, Rec, day_of, is_missing

Rule = Callable[[Case, Rec, date, date], Iterable[str]]

_REACHED: Final = "spoke"
_WAITING: Final = frozenset({"referred", "awaiting_consent", "waiting"})
_OVER: Final = frozenset({"closed", "not_suitable"})
_BANDS: Final = ((18, "under_18"), (26, "18_25"), (35, "26_34"), (45, "35_44"), (55, "45_54"), (65, "55_64"))


def support_given(case: Case, _one: Rec, begins: date, ends: date) -> Iterable[str]:
    """Declined: asked, and refused, and never spoken with. One, or several: on how many days somebody spoke with them."""
    contacts = [
        (day, one.values.get("result"))
        for one in case.of("contact")
        if (day := day_of(one.values.get("event_at")) or one.written) and begins <= day <= ends
    ]
    spoke = {day for day, result in contacts if result == _REACHED}
    if spoke:
        return ["multiple" if len(spoke) > 1 else "single"]
    return ["declined"] if any(result == "refused" for _, result in contacts) else []


def status_at_end(case: Case, _one: Rec, _begins: date, ends: date) -> Iterable[str]:
    """The newest status that began by the last day."""
    status = _status(case, ends)
    return [status] if status else []


def open_at_end(case: Case, _one: Rec, _begins: date, ends: date) -> Iterable[str]:
    """Open, waiting, or over, on the last day."""
    status = _status(case, ends)
    if status is None:
        return []
    return ["over" if status in _OVER else "waiting" if status in _WAITING else "open"]


def supported(case: Case, _one: Rec, begins: date, ends: date) -> Iterable[str]:
    """Yes where somebody spoke with them in the period."""
    return ["yes" if set(support_given(case, _one, begins, ends)) & {"single", "multiple"} else "no"]


def age_at_end(case: Case, _one: Rec, _begins: date, ends: date) -> Iterable[str]:
    """The age band on the last day."""
    day = next((day for one in case.of("person") if (day := day_of(one.values.get("born")))), None)
    if day is None:
        return []
    years = ends.year - day.year - ((ends.month, ends.day) < (day.month, day.day))
    return [next((band for below, band in _BANDS if years < below), "65_plus")]


def complex_needs(case: Case, _one: Rec, _begins: date, ends: date) -> Iterable[str]:
    """How many of the four the newest plan has; nothing where one of them is not said to be or not to be."""
    plans = sorted(
        ((day_of(one.values.get("agreed_on")) or one.written, one.id, one) for one in case.of("support_plan")), key=lambda found: found[:2]
    )
    said: dict[Any, Any] = {}
    for day, _, one in plans:
        if day <= ends and isinstance(one.values.get("complex_needs"), list):
            said |= {row.get("need"): row.get("present") for row in one.values["complex_needs"] if isinstance(row, Mapping)}
    known = [value for value in said.values() if value in ("yes", "no")]
    return [str(known.count("yes"))] if len(known) == 4 else []


def severity_change(case: Case, _one: Rec, begins: date, ends: date) -> Iterable[str]:
    """Of each kind of abuse its severity in the first and the last assessment with a grid: `kind / first / last`. One that only one of them knows is left out."""
    found = sorted(
        ((day_of(one.values.get("event_at")) or one.written, one.id, one) for one in case.of("risk_assessment") if one.signed),
        key=lambda pair: pair[:2],
    )
    grids = [_grid(one) for day, _, one in found if begins <= day <= ends and _grid(one)]
    if len(grids) < 2:
        return []
    first, last = grids[0], grids[-1]
    return [f"{kind} / {first[kind]} / {last[kind]}" for kind in first if kind in last]


def _grid(one: Rec) -> dict[str, str]:
    rows = one.values.get("grid")
    if not isinstance(rows, list):
        return {}
    return {
        row["dva_type"]: row["severity"]
        for row in rows
        if isinstance(row, Mapping) and isinstance(row.get("dva_type"), str) and not is_missing(row.get("severity"))
    }


def _status(case: Case, ends: date) -> str | None:
    began = sorted(
        (day, one.id, one.values["status"])
        for one in case.of("case_status")
        if isinstance(one.values.get("status"), str) and (day := day_of(one.values.get("from"))) and day <= ends
    )
    return began[-1][2] if began else None


RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {rule.__name__: rule for rule in (support_given, status_at_end, open_at_end, supported, age_at_end, complex_needs, severity_change)}
)

GROWING: Final[Mapping[str, frozenset[str]]] = MappingProxyType({"supported": frozenset({"yes"})})
"""The rules, and of each the rows, in which a file that stands there for a part of a time stands there for the whole, and only then."""
