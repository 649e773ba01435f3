"""A present caseload from a table, a case a row: judged first and whole, then begun row by row, each at once or not at all (docs/spec.md §5.11).

Rows that name what is here already are refused, so a table can be corrected and given again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from shared_schema import ids
from shared_schema.errors import ProtocolError
from sync import importing
from sync.device.across import cases
from sync.device.people import files
from sync.device.recording import agenda, records
from sync.device.recording.typed import parse_text
from sync.device.recording.values import check_value
from sync.device.session import Session
from sync.importing import Row, Wrong

SYSTEM: Final = "imported"
"""What `external_refs` of a referral calls the numbers of a table."""
_WORKERS: Final = ("lead", "second_worker")
_FIELDS: Final[dict[str, tuple[str, str]]] = {
    "known_as": ("person", "known_as"), "born": ("person", "born"), "gender": ("person", "gender"), "status": ("case_status", "status"),
    "status_from": ("case_status", "from"), "hold_reason": ("case_status", "hold_reason"), "look_again_on": ("case_status", "look_again_on"),
    "area": ("allocation", "area"), "received_on": ("referral", "received_on"), "referral_source": ("referral", "referral_source"),
}  # fmt: skip
_POINTS: Final = {"phone": "phone", "email": "email", "address": "address"}
_DAYS: Final[dict[str, Callable[[str], str]]] = {
    "born": importing.born, "status_from": importing.day, "look_again_on": importing.day, "received_on": importing.day, "task_due": importing.day,
}  # fmt: skip
REQUIRED: Final = ("name", "lead")
_OF_HIM: Final = ("reference", "received_on", "referral_source")
_ROLES: Final = {"perpetrator": "navigator", "victim": "link_worker"}


@dataclass(frozen=True, slots=True)
class Planned:
    """A case that is to begin: who belongs to it, and its records by type, in order."""

    line: int
    members: dict[bytes, str]
    records: tuple[tuple[str, dict[str, Any]], ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a table would become, and what is wrong with its rows. A row that is wrong anywhere is not planned."""

    planned: tuple[Planned, ...]
    wrong: tuple[Wrong, ...]


def columns(session: Session) -> list[str]:
    """The columns that a table of this side may have."""
    every = ["name", "lead", "second_worker", *_FIELDS, *_POINTS, "task", "task_due", "reference"]
    return [name for name in every if session.identity.side == "perpetrator" or name not in _OF_HIM]


def plan(session: Session, text: str, user_of: Callable[[str], bytes]) -> Plan:
    """Judge a whole table. Nothing is written. Raises Refused for what is no table of a caseload."""
    files.own_role(session, "genesis", "case")
    rows, wrong = importing.read_table(text, columns(session), REQUIRED)
    known = _known(session)
    planned = []
    for row in rows:
        found = _Reading(session, user_of, row)
        made = found.planned()
        errors = [*found.wrong, *_again(row, made, known)]
        wrong += errors
        if not errors and not any(one.line == row.line for one in wrong):
            planned.append(made)
    return Plan(tuple(planned), tuple(sorted(wrong)))


def begin(session: Session, one: Planned) -> bytes:
    """Begin a case with all its records, or nothing. Returns its file."""
    try:
        with session.store.transaction():
            log = cases.open_case(session, one.members)
            for type_, values in one.records:
                records.add(session, log, type_, values)
    except BaseException:
        session.forget_readers()
        raise
    return log


class _Reading:
    """One row, cell by cell; what is wrong with one keeps no other from being looked at."""

    def __init__(self, session: Session, user_of: Callable[[str], bytes], row: Row) -> None:
        self.session, self.user_of, self.row, self.wrong = session, user_of, row, list[Wrong]()
        self.records: dict[str, dict[str, Any]] = {}

    def planned(self) -> Planned:
        cells = self.row.cells
        if "name" in cells:
            self._put("name", "person", "names", [{"name": cells["name"]}])
        for column, (type_, field) in _FIELDS.items():
            if column in cells:
                self._parse(column, type_, field)
        members = self._workers()
        if "reference" in cells:
            self._put("reference", "referral", "external_refs", [{"system": SYSTEM, "value": cells["reference"]}])
        self._task()
        return Planned(self.row.line, members, (*self.records.items(), *self._points()))

    def _parse(self, column: str, type_: str, field: str) -> None:
        self._try(column, lambda text: self._set(type_, field, parse_text(type_, field, _DAYS.get(column, str)(text))))

    def _put(self, column: str, type_: str, field: str, value: Any) -> None:
        self._try(column, lambda _: self._set(type_, field, value))

    def _set(self, type_: str, field: str, value: Any) -> None:
        check_value(type_, field, value)
        self.records.setdefault(type_, {})[field] = value

    def _try(self, column: str, read: Callable[[str], None]) -> None:
        try:
            read(self.row.cells[column])
        except ProtocolError as error:
            self.wrong.append(Wrong(self.row.line, column, str(error)))

    def _workers(self) -> dict[bytes, str]:
        members: dict[bytes, str] = {}
        for column in _WORKERS:
            if column in self.row.cells:
                self._try(column, partial(self._worker, column, members))
        return members

    def _worker(self, column: str, members: dict[bytes, str], text: str) -> None:
        user, role = self.user_of(text), _ROLES[self.session.identity.side]
        if user != self.session.identity.user:
            files.check_person(self.session, "case", user, role)
            members[user] = role
        self._set("allocation", column, [ids.show(user)] if column == "second_worker" else ids.show(user))

    def _task(self) -> None:
        cells = self.row.cells
        if "task" in cells or "task_due" in cells:
            for column, field in (("task", "what"), ("task_due", "due")):
                if column not in cells:
                    self.wrong.append(Wrong(self.row.line, column, "empty: a task needs what, and the day"))
                else:
                    self._parse(column, "task", field)
            if lead := self.records.get("allocation", {}).get("lead"):
                self.records.setdefault("task", {}).update(owner=lead, task_state="open")

    def _points(self) -> list[tuple[str, dict[str, Any]]]:
        found: list[tuple[str, dict[str, Any]]] = []
        for column, kind in _POINTS.items():
            if column in self.row.cells:
                self._try(column, partial(self._point, kind, found))
        return found

    def _point(self, kind: str, found: list[tuple[str, dict[str, Any]]], text: str) -> None:
        check_value("contact_point", "value", text)
        found.append(("contact_point", {"kind": kind, "value": text, "in_use": "current"}))


# --- what is here already ----------------------------------------------------------------------------------------------------


def _key(name: str, born: Any) -> str:
    return f"{' '.join(name.lower().split())}|{born if isinstance(born, str) else ''}"


def _known(session: Session) -> dict[str, str]:
    """What rows are compared with: names with birthdays, and numbers of an earlier table; and the file of each."""
    found: dict[str, str] = {}
    for one in agenda.said(session, ("person", "referral")):
        names, refs = one.values.get("names") or [], one.values.get("external_refs") or []
        if one.type == "person":
            found |= {_key(str(row.get("name")), one.values.get("born")): f"in file {one.file.hex()[:8]}" for row in names if isinstance(row, dict)}
        else:
            found |= {
                f"#{row.get('value')}": f"in file {one.file.hex()[:8]}" for row in refs if isinstance(row, dict) and row.get("system") == SYSTEM
            }
    return found


def _again(row: Row, made: Planned, known: dict[str, str]) -> list[Wrong]:
    person = next((values for type_, values in made.records if type_ == "person"), {})
    keys = {"name": _key(row.cells.get("name", ""), person.get("born"))} | (
        {"reference": f"#{row.cells['reference']}"} if "reference" in row.cells else {}
    )
    wrong = [Wrong(row.line, column, f"the same is {known[key]} already") for column, key in keys.items() if key in known]
    known |= {key: f"in line {row.line}" for key in keys.values() if key not in known}
    return wrong
