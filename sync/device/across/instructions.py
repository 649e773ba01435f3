"""What the victim side asks of a case of the other side, in a closed list and whole weeks, and what is in force there (docs/spec.md §15.5)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from shared_schema import cbor, ids, limits
from shared_schema.errors import Refused
from shared_schema.parcel import week_of, week_starts
from shared_schema.records import code_list
from sync.device.across import board, cases, posting
from sync.device.recording import records
from sync.device.session import Session
from sync.letters import filler_id

MOST_WEEKS: Final = limits.LETTER_WEEKS
_ACROSS: Final = frozenset({"parcel_sent", "letter_request", "instruction", "notice", "case_opened"})  # whose days are known over there
_FRIDAY_NOON_MS: Final = 4 * 86_400_000 + 12 * 3_600_000


@dataclass(frozen=True, slots=True)
class InForce:
    """What holds in a case today. No word ever is `hold`: unknown acts as hold."""

    gate: str
    say: tuple[str, ...]
    words: tuple[str, ...]
    ring_first: str | None
    until: str | None


def cases_known(session: Session, log: bytes | None = None) -> list[str]:
    """The cases of the other side that letters of the desk, or of one file, have named."""
    found: dict[str, None] = {}
    for one in [log] if log else session.file_logs():
        for record, _ in session.store.records(one, "case_opened"):
            case = records.values(session, one, record).get("case")
            if case is not None and isinstance(case.value, str):
                found[case.value] = None
    return list(found)


def instruct(
    session: Session,
    log: bytes,
    case: str,
    *,
    word: str,
    weeks: int,
    say: Iterable[str] = (),
    gate: str | None = None,
    ring_first: str = "duty_desk",
    about: Mapping[str, Any] | None = None,
) -> tuple[bytes, str]:
    """Ask something of a case, from today, for whole weeks; returns the letter's id and the last day. `about` is why: it stays in file `log`.

    Raises Refused for an end that equals a day of this file: it would tell of it.
    """
    first, last = period(session, log, weeks)
    body: dict[str, Any] = {"word": word, "from": first, "until": last, "ring_first": ring_first}
    body |= {"say": list(say)} if list(say) else {}
    body |= {"gate": gate} if gate else {}
    kept: dict[str, Any] = {name: body[name] for name in ("word", "say", "gate", "from", "until") if name in body}
    letter = posting.post(session, log, "instruction", body, to=ids.parse(case), about={"to_case": case, **kept, **(about or {})})
    return letter, last


def period(session: Session, log: bytes, weeks: int) -> tuple[str, str]:
    """The first and the last day of whole weeks from today on. Raises Refused for an end that would tell of a day in file `log`."""
    if not 1 <= weeks <= MOST_WEEKS:
        raise Refused("bad-value", f"whole weeks, from 1 to {MOST_WEEKS}")
    first = date.fromisoformat(cases.today(session))
    last = (first + timedelta(days=7 * weeks - 1)).isoformat()
    check_end(session, log, last)
    return first.isoformat(), last


def latest_end(ms: int) -> str:
    """The last day that an instruction may name which was sent at that time (docs/spec.md §15.7)."""
    return (datetime.fromtimestamp(ms / 1000, UTC).date() + timedelta(days=7 * MOST_WEEKS - 1)).isoformat()


def check_end(session: Session, log: bytes, last: str) -> None:
    """Raises Refused for a last day that a record of this file names, or that is the day before one."""
    days = days_in(session, log)
    if last in days or (date.fromisoformat(last) + timedelta(days=1)).isoformat() in days:
        raise Refused("bad-value", f"an end on {last} would tell of a day in this file: take more weeks, or fewer")


def days_in(session: Session, log: bytes) -> set[str]:
    """Every day that a record of a file names, but for what was sent across."""
    found: set[str] = set()
    for record in session.records(log).values():
        if record.type not in _ACROSS:
            for register in record.registers.values():
                for live in register.live.values():
                    found |= set(_days(live.value))
    return found


def _days(value: Any) -> Iterable[str]:
    if isinstance(value, str) and len(value) >= 10 and value[4:5] == value[7:8] == "-" and value[:4].isdecimal():
        yield value[:10]
    elif isinstance(value, list):
        for item in value:
            yield from _days(item)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _days(item)


def acknowledge(session: Session, log: bytes, case: str) -> bytes:
    """Say in constant words that an alert was received."""
    return posting.post(
        session, log, "instruction", {"word": "acknowledgement"}, to=ids.parse(case), about={"to_case": case, "word": "acknowledgement"}
    )


def in_force(session: Session, liaison: bytes) -> InForce:
    """What the letters in a liaison file ask for today. All of them apply, and of gates the strictest."""
    today, order = cases.today(session), code_list("contact_gate").codes
    gates: list[tuple[str, str]] = []
    say: dict[str, None] = {}
    words: list[str] = []
    rings, untils = [], []
    for values in letters(session, liaison):
        if not values.get("from", "") <= today <= values.get("until", ""):
            continue
        say |= dict.fromkeys(values.get("say", ()))
        words += [values["free_text"]] if "free_text" in values else []
        rings.append(values.get("ring_first"))
        untils.append(values["until"])
        if "gate" in values:
            gates.append((values["from"], values["gate"]))
    gate = max((one if one in order else "hold" for _, one in gates), key=order.index, default="hold")
    return InForce(gate, tuple(say), tuple(words), rings[-1] if rings else None, max(untils, default=None))


def letters(session: Session, liaison: bytes) -> list[dict[str, Any]]:
    """What came to a liaison file, in order; of several records with one parcel the first."""
    found: dict[str, dict[str, Any]] = {}
    for record, _ in session.store.records(liaison, "instruction"):
        values = cases.plain(records.values(session, liaison, record))
        if not isinstance(values.get("word"), str):  # its time is over, and its words have gone
            continue
        found.setdefault(str(values.get("parcel", ids.show(record))), values)
    return list(found.values())


def fill(session: Session) -> int:
    """After Friday noon, a filler to each case to which nothing else went this week, so that a quiet week looks like a busy one.

    Its id follows from the desk's first key, case and week: whichever device sends it, it is taken once.
    """
    now = session.now_ms() + session.clock_offset()
    week, made = week_of(now), 0
    if session.identity.side != "victim":
        return 0
    _end_old(session, week)
    if now < week_starts(week) + _FRIDAY_NOON_MS:
        return 0
    for desk in board.receiving_files(session):
        mark = f"filled:{desk.hex()}"
        secret = session.store.secrets(desk).get(1)
        if session.require_file(desk).file != "intake" or secret is None or session.store.fact(mark) == str(week).encode():
            continue
        sent = _sent_in(session, week)
        with session.store.transaction():
            for case in cases_known(session, desk):
                if case not in sent:
                    letter_id = filler_id(secret, ids.parse(case), week)
                    about = {"to_case": case, "word": "filler"}
                    posting.post(session, desk, "instruction", {"word": "filler"}, to=ids.parse(case), about=about, letter_id=letter_id)
                    made += 1
            session.store.set_fact(mark, str(week).encode())
    return made


def _end_old(session: Session, week: int) -> None:
    """A filler that could not be sent ends with its week: for an address that does not exist, or no more, they would be more with each."""
    for row in session.store.parcels():
        if row.letter is not None and row.kind == "instruction" and week_of(row.made_ms + session.clock_offset()) < week and _is_filler(row.letter):
            session.store.drop_parcel(row.id)


def _is_filler(letter: bytes) -> bool:
    return bool(cbor.decode(letter)["body"].get("word") == "filler")


def _sent_in(session: Session, week: int) -> set[str]:
    """The cases to which this device knows something to have gone in a week."""
    first, last = (datetime.fromtimestamp(week_starts(one) / 1000, UTC).date().isoformat() for one in (week, week + 1))
    found = set()
    for log in session.file_logs():
        for record, _ in session.store.records(log, "parcel_sent"):
            values = cases.plain(records.values(session, log, record))
            at = values.get("sent_at", {}).get("at", "")[:10]
            if first <= at < last and "to_case" in values:
                found.add(values["to_case"])
    return found
