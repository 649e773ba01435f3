"""How long an order runs: from what it says, else from the law of England and Wales on its kind (docs/spec.md §5.10). Pure. Vectors: due.

A clock is a reminder and no legal advice; where it rests on a day, or on a device whose clock is off, it says that it is unsure.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sync.days import add_court_hours, add_months, after, day_of, end_of, span_of

_NOTICES: Final = ("domestic_violence_protection_notice", "dapn")
_NOTICE_HOURS: Final = 48  # Crime and Security Act 2010 s. 27; Domestic Abuse Act 2021 s. 29
_DVPO_DAYS: Final = (14, 28)  # Crime and Security Act 2010 s. 28
_OCCUPATION_MONTHS: Final = 6  # Family Law Act 1996 ss. 36 and 38: at most, unless extended


class Clock(NamedTuple):
    """`state`: not_served, running, maybe_over, over, ended or not_known. It ends between `earliest` and `latest`, both the same where that is known."""

    state: str
    says: str
    earliest: datetime | None = None
    latest: datetime | None = None
    unsure: bool = False

    def hours_left(self, now: datetime) -> int | None:
        """Whole hours to the earliest end, below 0 when that is past."""
        return None if self.earliest is None else int((self.earliest - now).total_seconds() // 3600)


def clock(values: Mapping[str, Any], now: datetime, *, clock_unsure: bool = False) -> Clock:
    """The clock of a `legal_order` with these effective values at `now`, the service's own time."""
    kind, state = values.get("kind"), values.get("order_state")
    if state == "ended":
        return Clock("ended", "ended")
    if kind in _NOTICES:
        return _notice(values, now, clock_unsure=clock_unsure)
    if state in ("applied_for", "made_not_served"):
        return Clock("not_served", "not in force: it was not served" if state == "made_not_served" else "applied for")
    said = day_of(values.get("ends"))
    if said is not None:
        end = end_of(said)
        return _judged("ends on the day that it says", end, end, now, unsure=clock_unsure)
    made = day_of(values.get("made_on"))
    if kind == "domestic_violence_protection_order" and made is not None:
        first, last = (after(end_of(made), timedelta(days=days)) for days in _DVPO_DAYS)
        return _judged("14 to 28 days from the day that it was made; the order says how many", first, last, now, unsure=True)
    if kind == "occupation_order" and made is not None:
        end = end_of(add_months(made, _OCCUPATION_MONTHS))
        return _judged("at most six months from the day that it was made, unless extended", end, end, now, unsure=True)
    return Clock("not_known", "its end is not known: look at the paper", unsure=True)


def _notice(values: Mapping[str, Any], now: datetime, *, clock_unsure: bool) -> Clock:
    served = span_of(values.get("served_at"))
    if served is None:
        return Clock("not_served", "48 hours run from when it is served")
    first, last = (add_court_hours(at, _NOTICE_HOURS) for at in (served.first, served.last))
    return _judged(
        "to be heard within 48 hours of being served, Sundays and bank holidays left out", first, last, now, unsure=clock_unsure or not served.exact
    )


def _judged(says: str, earliest: datetime, latest: datetime, now: datetime, *, unsure: bool) -> Clock:
    state = "running" if now < earliest else "over" if now >= latest else "maybe_over"
    return Clock(state, says, earliest, latest, unsure)
