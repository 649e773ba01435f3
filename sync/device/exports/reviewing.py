"""What names somebody else in a copy for the person whom a file is about: a second person decides it, passage by passage (docs/spec.md §16.4)."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared_schema import ids
from shared_schema.errors import Refused
from shared_schema.records import Field, code_list
from shared_schema.roles import may_sign
from sync import passages
from sync.change import Op
from sync.device.exports.export_content import records_of
from sync.device.exports.exporting import REQUEST, SUBJECT, Request
from sync.device.recording import reading, records
from sync.device.recording.finding import Line, history, only
from sync.device.recording.values import check_row
from sync.device.session import Session
from sync.passages import Passage, Said

DECISIONS: Final = "third_party_decision"
_TEXTS: Final = frozenset({"text", "long"})
_NAMING: Final = (("linked_person", "called"), ("child", "names"))
"""Where a file's own records name other people."""
_NOT_SAID: Final = frozenset({frozenset({"missing"}), frozenset({"removed"}), frozenset({"form", "size", "hash"})})
"""Values in which nobody's words are: a reason why there is none, what was expunged, what an attachment holds."""
_FORMS: Final = {
    kind: re.compile(form)
    for kinds, form in (
        (("ref", "refs", "user", "users", "random_id"), r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
        (("hash",), r"[0-9a-f]{64}"),
        (("date", "when"), r"[0-9]{4}(?:-[0-9]{2}){0,2}(?:T[0-9:]{5})?|minute|hour|day|month|year|about"),
        (("yn",), r"yes|no"),
    )
    for kind in kinds
}


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A passage, and what was decided of it: `decision` is "" while nothing was."""

    passage: Passage
    decision: str = ""
    why: str = ""
    by: bytes = b""
    ms: int | None = None


# --- what there is -------------------------------------------------------------------------------------------------------------------------


def review(session: Session, request: Request, found: Sequence[dict[str, Any]] | None = None) -> list[Reviewed]:
    """Every passage of a request, with what was decided; of a purpose other than subject access there are none. `found` are its records, where they are known."""
    if request.purpose != SUBJECT:
        return []
    shown = records_of(session, request) if found is None else found
    decided = _decided(session, request)
    return [Reviewed(one, *decided.get(one.id, ())) for one in _passages(session, request, shown)]


def _passages(session: Session, request: Request, found: Sequence[dict[str, Any]]) -> tuple[Passage, ...]:
    named = [name for type_, field in _NAMING for name in _values_of(found, type_, field)]
    known = [name for field in ("names", "known_as") for name in _values_of(found, "person", field)]
    workers = [one.subject.name for one in session.registry.devices.values()]
    return passages.find(texts(session, found), named=named, known=[*known, *workers], searched=searched(session, request))


def _values_of(found: Iterable[dict[str, Any]], type_: str, field: str) -> Iterator[str]:
    """All that was ever said in a field: a name that somebody took back is a name."""
    for one in found:
        if one["type"] == type_:
            said = [line["value"] for line in one["history"] if line["field"] == field]
            for value in said:
                name = value.get("name") if isinstance(value, dict) else value
                if isinstance(name, str):
                    yield name


def texts(session: Session, found: Iterable[dict[str, Any]]) -> Iterator[Said]:
    """What people wrote in these records, wherever it stands."""
    for one in found:
        type_ = session.types.get(one["type"] or "")
        for field, values in _places(one):
            spec = type_.fields.get(field) if type_ else None
            cells = spec.cells if spec is not None else {}
            for value in values:
                yield from (Said(one["record"], field, text, short) for text, short in _said(spec, cells, value))


def _places(one: dict[str, Any]) -> Iterator[tuple[str, list[Any]]]:
    """Each field of an exported record with all of its values."""
    for field in one["fields"]:
        ops = [*field["values"], *field["proposed"]]
        yield field["field"], [field["value"], *(op["value"] for op in ops), *(op["reason"] for op in ops)]
    for line in one["history"]:
        name, _, cell = line["field"].partition(".")
        value = {cell.rpartition(".")[2]: line["value"]} if cell else line["value"]
        yield name, [*value[:1], *map(str, value[1:])] if line["action"] == "resolve" and isinstance(value, list) else [value]


def _said(spec: Field | None, cells: Any, value: Any) -> Iterator[tuple[str, bool]]:
    if isinstance(value, str):
        if not _formal(spec, value):
            yield value, spec is not None and spec.kind == "text"
    elif isinstance(value, list):
        for item in value:
            yield from _said(spec, cells, item)
    elif isinstance(value, dict) and frozenset(value) not in _NOT_SAID:
        for name, item in value.items():
            yield from _said(cells.get(name, spec), {}, item)


def _formal(spec: Field | None, value: str) -> bool:
    """True for what nobody wrote in words of their own: a code, an id, a day."""
    if spec is None or spec.kind in _TEXTS:
        return False
    if spec.codes:
        return value in code_list(spec.codes).codes
    form = _FORMS.get(spec.kind)
    return form is not None and form.fullmatch(value) is not None


# --- what was decided ----------------------------------------------------------------------------------------------------------------------


def searched(session: Session, request: Request) -> list[str]:
    """What people looked for, each once."""
    rows = (line.value for line in _rows(session, request, "searched"))
    return list(dict.fromkeys(row["words"] for row in rows if isinstance(row.get("words"), str) and row["words"].strip()))


def _rows(session: Session, request: Request, field: str) -> Iterator[Line]:
    for line in history(session, request.log, request.record):
        if line.field == field and line.action == "add" and isinstance(line.value, dict):
            yield line


def _decided(session: Session, request: Request) -> dict[bytes, tuple[str, str, bytes, int | None]]:
    """By passage: decision, reason, who and when, from the last row that counts."""
    found: dict[bytes, tuple[str, str, bytes, int | None]] = {}
    for line in _rows(session, request, "decided"):
        passage, decision, why = (line.value.get(name) for name in ("passage", "decision", "why"))
        if _counts(session, request, line.user) and decision in code_list(DECISIONS).codes and isinstance(passage, str):
            found[_hash(passage)] = (str(decision), str(why), line.user, line.received_ms)
    return found


def _hash(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def _counts(session: Session, request: Request, user: bytes) -> bool:
    """Whether what somebody decides is a second person's word."""
    state = session.require_file(request.log)
    return user != request.by and may_sign("export", state.file, state.side, state.members.get(user, ""))


def require_decided(found: Iterable[Reviewed]) -> None:
    """Raises Refused while a passage waits."""
    waiting = sum(not one.decision for one in found)
    if waiting:
        raise Refused("not-approved", f"{waiting} passage(s) about others have not been decided by a second person: `export review` lists them")


# --- deciding ------------------------------------------------------------------------------------------------------------------------------


def search(session: Session, request: Request, words: str) -> list[Reviewed]:
    """Look for words in what the person would be given: on record, and each place where they stand is a passage from now on. Returns these."""
    _may(session, request)
    if words.casefold() not in (one.casefold() for one in searched(session, request)):
        check_row(REQUEST, "searched", {"words": words})
        records.write(session, request.log, request.record, REQUEST, [Op("searched", "add", {"words": words}, ())])
    return [one for one in review(session, request) if words.casefold() == one.passage.words.casefold()]


def decide(session: Session, request: Request, prefixes: Sequence[str], decision: str, why: str, *, same: bool = False) -> list[Reviewed]:
    """Decide what becomes of passages, named by the beginnings of their ids; with `same` also of all others of equal words. Returns them as they stand."""
    _may(session, request)
    reading_here = review(session, request)
    known = [(one.passage.id, one) for one in reading_here]
    wanted = {only(known, prefix, "passage", lambda one: one.passage.words[:40]).passage.id: None for prefix in prefixes}
    if same:
        words = {one.passage.words.casefold() for one in reading_here if one.passage.id in wanted}
        wanted |= {one.passage.id: None for one in reading_here if one.passage.words.casefold() in words}
    place = {one.passage.id: one.passage.record for one in reading_here}
    rows = [{"passage": one.hex(), "record": place[one], "decision": decision, "why": why} for one in wanted]
    for row in rows:
        check_row(REQUEST, "decided", row)
    with session.store.transaction():
        for row in rows:  # a change each: however many there are, each fits in an entry
            records.write(session, request.log, request.record, REQUEST, [Op("decided", "add", row, ())])
    return [one for one in review(session, request) if one.passage.id in wanted]


def _may(session: Session, request: Request) -> None:
    if request.purpose != SUBJECT:
        raise Refused("not-permitted", f"an export for {request.purpose.replace('_', ' ')} is the whole file: nothing is taken out of it")
    if request.state != "open":
        raise Refused("not-permitted", f"that request is {request.state}")
    if request.by == session.identity.user:
        raise Refused("not-approved", "this takes two people: a colleague decides on passages of what you asked for")
    if not _counts(session, request, session.identity.user):
        raise Refused("not-permitted", "you may not export this file, and so not decide what is taken out of it")


def looked(session: Session, request: Request, found: Iterable[Reviewed]) -> None:
    """Who reviews an export has read these records (docs/spec.md §16.1)."""
    seen = dict.fromkeys(one.passage.record for one in found)
    reading.looked_at(session, request.log, [(ids.parse(record), "") for record in seen])


# --- taking out ----------------------------------------------------------------------------------------------------------------------------


def by_field(found: Iterable[Reviewed]) -> passages.Decided:
    """Words and what was decided of them, by record and field."""
    return passages.by_field((one.passage.record, one.passage.field, one.passage.words, one.decision) for one in found)


def kept(session: Session, request: Request, found: Iterable[Reviewed]) -> dict[str, Any]:
    """What is kept of it, beside the copy: never handed over."""
    rows = [
        {
            "passage": one.passage.id.hex(), "record": one.passage.record, "field": one.passage.field, "words": one.passage.words,
            "flagged": list(one.passage.why), "decision": one.decision, "why": one.why, "by": session.name_of(one.by), "decided_ms": one.ms,
        }
        for one in found
    ]  # fmt: skip
    rows.sort(key=lambda row: (str(row["record"]), str(row["field"]), str(row["words"])))
    return {"format": "fieldkeep-file-export-decisions", "v": 1, "number": request.number, "passages": rows}
