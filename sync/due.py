"""What is due, and for whom: a function of the records and the day (docs/spec.md §5.10). Pure. Vectors: due.

It goes by effective values alone, and reminds; it sets nothing, and no status follows from a day that has passed.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, NamedTuple

from sync.days import day_of


class Said(NamedTuple):
    """A record as it stands: where, of what type, whose, and its effective values. Void, hidden and corrected ones are left out by whoever asks."""

    file: bytes
    record: bytes
    type: str
    author: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """A day in a record, or in the rows of a list, that something is due on.

    `what` names the words, else `called` are said. It is over when `over` holds one of `terms`, or without terms anything. Of a type with
    `newest` only the last record in the log counts, for each combination of the fields that it names (of all, where it names none).
    """

    type: str
    field: str
    called: str
    what: str = ""
    owner: str = ""
    over: str = ""
    terms: tuple[str, ...] = ()
    rows: str = ""
    newest: tuple[str, ...] | None = None


_DONE: Final = ("done", "dropped")
_ENDED: Final = ("refused", "withdrawn", "expired")
RULES: Final[tuple[Rule, ...]] = (
    Rule("task", "due", "Task", what="what", owner="owner", over="task_state", terms=_DONE),
    Rule("forum_action", "due", "Forum action", what="action", owner="owner", over="done_on"),
    Rule("information_request", "due_on", "Answer to a request for information", what="agency", over="answered_on"),
    Rule("case_status", "look_again_on", "Look again at where the case stands", newest=()),
    Rule("consent", "look_again_on", "Look again at the consent", newest=("about_p", "about_v"), over="status", terms=_ENDED),
    Rule("consent", "expires_on", "Consent ends", newest=("about_p", "about_v"), over="status", terms=_ENDED),
    Rule("risk_assessment", "next_review", "Review of risk", newest=()),
    Rule("risk_management_plan", "review_on", "Review of the risk management plan", newest=()),
    Rule(
        "risk_management_plan", "due", "Action of the risk management plan", what="action", owner="owner", over="state", terms=_DONE, rows="actions"
    ),
    Rule("support_plan", "review_on", "Review of the support plan", newest=()),
    Rule("need", "due", "Step of the support plan", what="step", over="state", terms=_DONE, rows="steps"),
    Rule("own_safety_plan", "review_on", "Review of the plan for one's own safety", newest=()),
    Rule("victim_safety_plan", "review_on", "Review of the safety plan", newest=()),
    Rule("staff_safety_plan", "review_on", "Review of the staff safety plan", newest=()),
    Rule("contact_strategy", "review_on", "Review of the contact strategy", newest=()),
    Rule("case_review", "next_on", "Next case review", newest=()),
    Rule("case_review", "due", "Decision of a case review", what="decision", owner="owner", over="state", terms=_DONE, rows="decisions"),
    Rule("dash_assessment", "again_on", "Ask the risk questions again", newest=()),
    Rule("safe_contact", "check_again_on", "Check the safe ways to contact", newest=()),
    Rule("role_check", "review_on", "Look again at who does what to whom", newest=("pack", "who")),
    Rule("data_request", "due", "Reply to a request for records", over="released"),
    Rule("supervision", "due", "Decision of a supervision", what="decision", owner="owner", over="state", terms=_DONE, rows="decisions"),
    Rule("sharing_agreement", "expires", "Sharing agreement ends", what="name"),
    Rule("legal_order", "ends", "Order ends", over="order_state", terms=("ended",)),
)
TYPES: Final = frozenset(rule.type for rule in RULES)


class Due(NamedTuple):
    """Something due on a day. `owner` is a user id as text, empty for nobody; `days` are left, below 0 when it is overdue."""

    day: date
    file: bytes
    record: bytes
    type: str
    field: str
    called: str
    what: str
    owner: str
    days: int

    @property
    def state(self) -> str:
        """overdue, today, or coming."""
        return "overdue" if self.days < 0 else "today" if self.days == 0 else "coming"


def due(said: Iterable[Said], leads: Mapping[bytes, str], today: date, ahead: int, *, whose: str = "") -> list[Due]:
    """What is overdue, due today, or due in `ahead` days, the earliest first: of one worker, or without `whose` everybody's.

    `said` are the records of `TYPES` in log order of each file; `leads` are the lead workers of files. What names no owner is the lead's,
    then its author's. In a closed case only tasks, requests and actions are left.
    """
    known = list(said)
    closed = _closed(known)
    found = [
        Due(day, one.file, one.record, one.type, rule.field, rule.called, _words(row, rule), _owner(row, one, rule, leads), (day - today).days)
        for rule in RULES
        for one in _of(known, rule)
        if not (rule.newest is not None and one.file in closed)
        for row in _rows(one, rule)
        if (day := day_of(row.get(rule.field))) is not None and not _is_over(row, rule)
    ]
    wanted = [one for one in found if one.days <= ahead and whose in ("", one.owner)]
    return sorted(wanted, key=lambda one: (one.day, one.file, one.record))  # where these are alike: rules and rows in their own order


def _closed(known: Iterable[Said]) -> frozenset[bytes]:
    status = {one.file: one.values.get("status") for one in known if one.type == "case_status"}
    return frozenset(file for file, value in status.items() if value == "closed")


def _of(known: Iterable[Said], rule: Rule) -> Iterable[Said]:
    mine = [one for one in known if one.type == rule.type]
    if rule.newest is None:
        return mine
    return {(one.file, *(repr(one.values.get(name)) for name in rule.newest)): one for one in mine}.values()


def _rows(one: Said, rule: Rule) -> Iterator[Mapping[str, Any]]:
    if not rule.rows:
        yield one.values
        return
    rows = one.values.get(rule.rows)
    yield from (row for row in (rows if isinstance(rows, list) else ()) if isinstance(row, Mapping) and row.get("withdrawn") != "yes")


def _is_over(row: Mapping[str, Any], rule: Rule) -> bool:
    value = row.get(rule.over) if rule.over else None
    return value in rule.terms if rule.terms else value not in (None, []) and not isinstance(value, Mapping)


def _words(row: Mapping[str, Any], rule: Rule) -> str:
    words = row.get(rule.what) if rule.what else None
    return words if isinstance(words, str) else ""


def _owner(row: Mapping[str, Any], one: Said, rule: Rule, leads: Mapping[bytes, str]) -> str:
    named = row.get(rule.owner) if rule.owner else None
    return named if isinstance(named, str) else leads.get(one.file) or one.author
