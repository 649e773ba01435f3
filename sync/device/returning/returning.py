"""Returns of a device (docs/returns.md): cases from the files that it holds, and the records of returns in the desk file.

Names of people go nowhere: a case is a number, and of a record only what is counted is passed on.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from shared_schema import ids
from shared_schema.errors import Refused
from shared_schema.returns import Return, Table, returns
from sync.counting import groups
from sync.device.recording import persons, records
from sync.device.session import Session
from sync.fold import Record, is_marker, is_void, show
from sync.returns.assembling import Part, lists_said
from sync.returns.cases import Case, Rec, counted
from sync.returns.counting import Figure, Period
from sync.returns.publishing import Form, Shown

PART: Final = "return_part"
_LAST_MS: Final = 253_402_300_800_000  # the year 10000
FUNDER, PUBLICATION = "funder", "publication"


@dataclass(frozen=True, slots=True)
class Counted:
    """The cases of a device. `unknown` records are of types that this app does not know; `unread` envelopes did not open."""

    cases: tuple[Case, ...]
    unknown: int
    unread: int


def cases(session: Session, asked: Return) -> Counted:
    """Every file of the kinds that a return counts, as far as this device holds it."""
    kinds = {kind for table in asked.tables if table.side == session.identity.side for kind in table.kinds}
    found: list[Case] = []
    unknown = unread = 0
    people = _people(session)
    for log in session.file_logs():
        state = session.file(log)
        if state is None or state.erased is not None or state.file not in kinds:
            continue
        there, first = list(session.records(log).values()), _first_days(session, log)
        found.append(
            counted(
                f"file {len(found) + 1}", state.file, [_rec(session, one, first) for one in there if one.type in session.types], people.get(log, "")
            )
        )
        unknown += sum(1 for one in there if one.type not in session.types and not one.hidden)
        unread += session.store.unopened(log)
    return Counted(tuple(found), unknown, unread)


def _people(session: Session) -> dict[bytes, str]:
    """A word for each file whose person is on record: the same for two files of which somebody said that their persons are one."""
    everybody = persons.everybody(session)
    together = [(group[0][0], log) for group in everybody for log, _ in group]
    files = dict.fromkeys(log for group in everybody for log, _ in group)
    return {log: f"person {n}" for n, logs in enumerate(groups(together, files), 1) for log in logs}


def _first_days(session: Session, log: bytes) -> dict[tuple[bytes, bytes], date]:
    """The day of each record's first change by each device, by that device's clock."""
    found: dict[tuple[bytes, bytes], date] = {}
    for at in session.occurrences(log):
        found.setdefault((at.change.r, at.device), _day(at.change.at))
    return found


def _day(ms: int) -> date:
    """The day, in UTC; for a clock beyond any calendar the last day there is, which no period has in it."""
    return datetime.fromtimestamp(ms / 1000, UTC).date() if ms < _LAST_MS else date.max


def _rec(session: Session, one: Record, first: Mapping[tuple[bytes, bytes], date]) -> Rec:
    values = {name: shown.value for name, shown in show(one, session.types).items() if shown.value is not None and not is_marker(shown.value)}
    return Rec(ids.show(one.id), one.type, values, records.is_signed(one), first[one.id, one.creator], not (one.hidden or is_void(one)))


# --- the desk file ---------------------------------------------------------------------------------------------------------


def desk(session: Session) -> bytes:
    """The desk file that returns are kept in. Raises Refused where there is none, or are several."""
    found = [log for log in session.file_logs() if (state := session.file(log)) is not None and state.file == "desk" and state.erased is None]
    if len(found) != 1:
        raise Refused("not-found", f"a return is kept in the desk file, and this device has {len(found)} of them")
    return found[0]


def keep_part(session: Session, log: bytes, asked: Return, one: Part) -> list[bytes]:
    """Keep a side's part in the desk file, signed: a record for each table. All of them or none."""
    with session.store.transaction():
        return [
            _keep(session, log, f"{asked.name}/{table.name}", FUNDER, one.period, table, [_row(figure) for figure in one.tables[table.name]])
            for table in asked.tables
            if one.tables.get(table.name)
        ]


def keep_shown(session: Session, log: bytes, asked: Return, period: Period, shown: Iterable[Shown]) -> list[bytes]:
    """Keep what is published in the desk file, signed: what was shown, and no exact figure."""
    cells = list(shown)
    made = []
    with session.store.transaction():
        for table in asked.tables:
            name = f"{asked.name}/{table.name}"
            rows = [
                {"row": one.row, "from": one.from_.isoformat(), "until": one.until.isoformat(), "shown": one.says}
                for one in cells
                if one.table == name
            ]
            if rows:
                made.append(_keep(session, log, name, PUBLICATION, period, table, rows))
    return made


def _keep(session: Session, log: bytes, name: str, form: str, period: Period, table: Table, rows: list[dict[str, Any]]) -> bytes:
    days = {"from": period.from_.isoformat(), "until": period.until.isoformat()}
    made = records.add(session, log, PART, {"table": name, "form": form, **days, "rows": rows, "rule": table.rule, "lists": lists_said(table)})
    records.sign(session, log, made)
    return made


def _row(one: Figure) -> dict[str, Any]:
    said = {"row": one.row, "column": one.column, "numerator": one.numerator, "denominator": one.denominator, "missing": one.missing}
    return {name: value for name, value in said.items() if value not in (None, "")}


def published(session: Session, log: bytes) -> list[Shown]:
    """Every cell that this side has published, of what is in the log and what waits here."""
    return list(_published(session, log))


def _published(session: Session, log: bytes) -> Iterator[Shown]:
    for record, _ in session.store.records(log, PART):
        found = session.record(log, record)
        values = {name: one.value for name, one in show(found, session.types).items()}
        if found.hidden or values.get("form") != PUBLICATION:
            continue  # one that was made void is counted all the same: somebody may have read it
        for row in values.get("rows") or ():
            cell = _shown(values.get("table"), row)
            if cell is not None:
                yield cell


def _shown(table: Any, row: Any) -> Shown | None:
    """A cell from its row; None for one that another app wrote differently."""
    try:
        cell = Shown(table, row["row"], date.fromisoformat(row["from"]), date.fromisoformat(row["until"]), row["shown"])
        return cell if isinstance(table, str) and (cell.says == "c" or int(cell.says) >= 0) else None
    except (KeyError, TypeError, ValueError):
        return None


def form_of(session: Session, log: bytes, today: date) -> Form:
    """8 and 5, or what the newest rules of the service in force say where that is stricter."""
    found = Form()
    rules = sorted(
        (str(values["from"]), one.id, values)
        for one in session.records(log).values()
        if one.type == "policy" and not one.hidden and not is_void(one) and records.is_signed(one)
        and (values := {name: shown.value for name, shown in show(one, session.types).items()}).get("from")
        and str(values["from"]) <= today.isoformat()
    )  # fmt: skip
    if rules:
        values = rules[-1][2]
        smallest, base = (values.get(name) for name in ("smallest_count", "rounded_to"))
        found = found.stricter(smallest if isinstance(smallest, int) else 0, base if isinstance(base, int) else 0)
    return found


def find_return(name: str) -> Return:
    """Raises Refused for a name that no return has."""
    found = returns().get(name)
    if found is None:
        raise Refused("not-found", f"there is no return of that name; there are {', '.join(returns())}")
    return found
