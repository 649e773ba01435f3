"""Days and times as records say them (docs/spec.md §5.10): of the service's own country, without a zone. Pure. Vectors: due.

A value that is no day or time says nothing: None.
"""

import re
from calendar import monthrange
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, Final, NamedTuple

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WHEN: Final = re.compile(r"[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2}(?:T[0-9]{2}(?::[0-9]{2})?)?)?)?")
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
NEVER: Final = datetime.combine(date.max, datetime.min.time())


class Span(NamedTuple):
    """The earliest and the latest moment that a time may mean; the latter stands outside it, but for a minute, which is itself."""

    first: datetime
    last: datetime
    exact: bool


def day_of(value: Any) -> date | None:
    """A day, YYYY-MM-DD."""
    try:
        return date.fromisoformat(value) if isinstance(value, str) and _DATE.fullmatch(value) else None
    except ValueError:
        return None


def span_of(value: Any) -> Span | None:
    """What a `when` may mean: {"at": "2026-11-20T14", "precision": "hour"} is any time from two to three o'clock. `about` is the whole of what it names."""
    at = value.get("at") if isinstance(value, Mapping) else None
    if not isinstance(at, str) or not _WHEN.fullmatch(at):
        return None
    try:
        first = min(datetime.fromisoformat(at + "0001-01-01T00:00"[len(at) :]), NEVER)
    except ValueError:
        return None
    exact = len(at) == 16 and value.get("precision") != "about"
    return Span(first, _end(first, len(at)), exact)


def after(at: datetime, by: timedelta) -> datetime:
    """So much later, and never beyond the last day that there is."""
    return at + by if at <= NEVER - by else NEVER


def _end(first: datetime, length: int) -> datetime:
    if length == 4:
        return first.replace(year=first.year + 1) if first.year < date.max.year else NEVER
    return after(first, {7: monthrange(first.year, first.month)[1] * _DAY, 10: _DAY, 13: _HOUR, 16: timedelta(0)}[length])


def end_of(day: date) -> datetime:
    """The midnight with which a day ends."""
    return after(datetime.combine(day, datetime.min.time()), _DAY)


def add_months(day: date, months: int) -> date:
    """The same day of a later month, or that month's last."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1])) if year <= date.max.year else date.max


def add_working_days(day: date, count: int) -> date:
    """The `count`th day after it that is neither at a weekend nor a bank holiday of England and Wales."""
    while count and day < date.max:
        day += _DAY
        count -= day.weekday() < 5 and day not in bank_holidays(day.year)
    return day


def add_court_hours(at: datetime, hours: int) -> datetime:
    """So many hours on, Sundays, Good Friday, Christmas Day and bank holidays left out, as a notice's hearing is counted."""
    left = timedelta(hours=hours)
    while True:
        if at >= NEVER:
            return NEVER
        midnight = end_of(at.date())
        counts = at.weekday() != 6 and at.date() not in bank_holidays(at.year)
        if counts and left <= midnight - at:
            return at + left
        left -= midnight - at if counts else timedelta(0)
        at = midnight


@cache
def bank_holidays(year: int) -> frozenset[date]:
    """Of England and Wales, by the rules that hold since 1978; those given for one occasion alone are not known."""
    easter, fixed = _easter(year), (date(year, 1, 1), date(year, 12, 25), date(year, 12, 26))
    days = {*fixed, easter - 2 * _DAY, easter + _DAY, _monday(year, 5, 1), _monday(year, 5, 25), _monday(year, 8, 25)}
    for day in fixed:
        instead = day
        while day.weekday() > 4 and (instead.weekday() > 4 or instead in days):
            instead += _DAY
        days.add(instead)
    return frozenset(days)


def _monday(year: int, month: int, since: int) -> date:
    day = date(year, month, since)
    return day + (-day.weekday() % 7) * _DAY


def _easter(year: int) -> date:
    """Easter Sunday, by the anonymous Gregorian algorithm."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, day + 1)


def local(ms: int) -> datetime:
    """A moment as clocks in the United Kingdom show it: an hour on from UTC between the last Sundays of March and October, at one o'clock UTC."""
    at = datetime(1970, 1, 1) + timedelta(milliseconds=ms)  # noqa: DTZ001 - what people say and read has no zone
    begins, ends = (datetime.combine(_last_sunday(at.year, month), datetime.min.time()) + _HOUR for month in (3, 10))
    return at + _HOUR if begins <= at < ends else at


def _last_sunday(year: int, month: int) -> date:
    day = date(year, month, 31)
    return day - (day.weekday() + 1) % 7 * _DAY
