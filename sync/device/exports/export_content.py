"""What stands in an export of a file: its records with all that was ever said in them, and where each of it stands in the log (docs/spec.md §16.3).

Plain values, as JSON holds them. Nothing is in it that does not stand in this one file's log, up to the entry that was approved.
"""

import base64
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from shared_schema import cbor, ids
from shared_schema.entry import decode_entry
from shared_schema.records import RecordType
from sync import keys, sealing
from sync.attachment import is_manifest, without_key
from sync.change import DELETED, SIGNED, FieldKey
from sync.device.exchanging.parts import changes_of
from sync.device.exports.exporting import SUBJECT, Request
from sync.device.exports.exports import Exported
from sync.device.recording import finding
from sync.device.recording.conflicts import field_name
from sync.device.recording.finding import Line
from sync.device.removal.removed import gone_with
from sync.device.session import Session
from sync.fold import GONE, Live, Record, Shown, fold_log, is_marker, is_void, show
from sync.passages import Decided, taken_out

ELSEWHERE: Final = "handover_elsewhere"
_NEVER: Final = "9999-12-31"
FORMAT: Final = "fieldkeep-file-export"
LEFT_OUT: Final = (
    "Left out of every export for a subject access request, whether or not there is any of it: what services tell or ask each other, and that they "
    "did; who has read this file, and requests to remove or export parts of it; and every other file. Photographs and documents are named here, and are handed over as files of their own. "
    "Exemptions may apply to more than that: whoever hands this over says so."
)
WHOLE: Final = "All records of this one file are here. No other file is. Photographs and documents are named here with their hashes, and are handed over as files of their own."


def records_of(session: Session, request: Request) -> list[dict[str, Any]]:
    """Every record that the purpose reaches, as it is: nothing is taken out."""
    return [_record(session, request, one) for one in reached(session, request)]


def content(session: Session, request: Request, made: Exported, found: Sequence[dict[str, Any]], decisions: Decided) -> dict[str, Any]:
    """The export as it is handed over: who approved and made it, and these records without what was decided to be taken out."""
    state = session.require_file(request.log)
    given = [without(one, decisions) for one in found]
    return {
        "format": FORMAT, "v": 1, "number": request.number, "purpose": request.purpose, "to": request.to,
        "approved_by": session.name_of(made.approver), "exported_by": session.name_of(made.user), "exported_ms": made.received_ms,
        "file": {"kind": state.file, "side": state.side, "service": ids.show(session.identity.svc), "id": ids.show(request.log)},
        "left_out": LEFT_OUT if request.purpose == SUBJECT else WHOLE,
        "open_tasks": open_tasks(given) if request.purpose == ELSEWHERE else [],
        "people": _people(session, given), "records": given,
    }  # fmt: skip


def without(one: dict[str, Any], decisions: Decided) -> dict[str, Any]:
    """A record without what is taken out of its fields, and of what they said before."""

    def given(field: str, value: Any) -> Any:
        return taken_out(value, decisions.get((one["record"], field), {}))

    def ops(field: str, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [op | {"value": given(field, op["value"]), "reason": given(field, op["reason"])} for op in found]

    fields = [
        field | {"value": given(name, field["value"]), "values": ops(name, field["values"]), "proposed": ops(name, field["proposed"])}
        for field in one["fields"]
        for name in [field["field"]]
    ]
    lines = [line | {"value": given(line["field"].partition(".")[0], line["value"])} for line in one["history"]]
    return one | {"fields": fields, "history": lines}


def open_tasks(found: Iterable[dict[str, Any]]) -> list[str]:
    """What has to be done by whoever takes a case over: the first to fall due first."""
    tasks = []
    for at, one in enumerate(found):
        values = {field["field"]: field["value"] for field in one["fields"]}
        if one["type"] == "task" and one["state"] not in ("void", "deleted") and values.get("task_state") in (None, "open"):
            due = values.get("due")
            tasks.append((due if isinstance(due, str) else _NEVER, at, one["record"]))
    return [record for _, _, record in sorted(tasks)]


def _people(session: Session, records: list[dict[str, Any]]) -> dict[str, str]:
    """The names of the workers whom these records name by their ids."""
    said = json.dumps(records)
    return {user: one.subject.name for one in session.registry.devices.values() if (user := ids.show(one.subject.user)) in said}


def reached(session: Session, request: Request) -> list[Record]:
    """The records that the purpose reaches, as they stood at the entry that was approved, but for what was expunged since; in order of creation.

    What this app does not know is in no subject access export: nobody could say what it is.
    """
    upto = request.upto
    there = [one for one in session.occurrences(request.log, pending=False) if one.seq <= upto]
    found = list(fold_log(request.log, there, session.types).values())
    return [one for one in found if request.purpose != SUBJECT or ((type_ := session.types.get(one.type)) and type_.subject_access)]


def reaches(purpose: str, type_: RecordType | None, field: str) -> bool:
    """True when an export for this purpose has this field of the records of a type: for the person, nothing that tells what the other side asked for."""
    spec = type_.fields.get(field) if type_ else None
    return purpose != SUBJECT or field in (SIGNED, DELETED) or (spec is not None and spec.subject_access)


def unknown(session: Session, request: Request) -> int:
    """How many records of types that this app does not know a subject access export leaves out."""
    there = {one.change.r: one.change.t for one in session.occurrences(request.log, pending=False) if one.seq <= request.upto}
    return sum(type_ not in session.types for type_ in there.values()) if request.purpose == SUBJECT else 0


def _record(session: Session, request: Request, one: Record) -> dict[str, Any]:
    type_ = session.types.get(one.type)
    lines = [
        line
        for line in finding.history(session, request.log, one.id)
        if line.seq is not None and line.seq <= request.upto and reaches(request.purpose, type_, name_of(line.field))
    ]
    late = {op.id for register in one.registers.values() for op in (*register.live.values(), *register.proposals) if op.late}
    author = session.name_of(one.creator_user)
    return {
        "record": ids.show(one.id), "type": one.type or None, "label": type_.label if type_ else None, "version": one.version, "author": author,
        "written_ms": lines[0].claimed_ms, "clock_unsure": lines[0].unsure, "received_ms": lines[0].received_ms, "came_late": bool(late),
        "state": "deleted" if one.hidden else "void" if is_void(one) else "signed" if any(sign.user == one.creator_user for sign in one.signatures) else "not signed",
        "signed_by": [session.name_of(sign.user) for sign in one.signatures],
        "fields": [_field(session, type_, name, shown) for name, shown in sorted(show(one, session.types).items()) if reaches(request.purpose, type_, name)],
        "history": [_line(session, request.log, line) for line in lines if reaches(request.purpose, type_, name_of(line.field))],
    }  # fmt: skip


def name_of(field: FieldKey) -> str:
    """The field that an op is about, of a cell its list."""
    return field if isinstance(field, str) else field.list


def _field(session: Session, type_: RecordType | None, name: str, one: Shown) -> dict[str, Any]:
    spec = type_.fields.get(name) if type_ else None
    return {
        "field": name, "label": spec.label if spec else name, "value": left(one.value), "in_conflict": one.conflict,
        "values": [_op(session, op) for op in one.siblings] if one.conflict else [], "proposed": [_op(session, op) for op in one.proposals],
    }  # fmt: skip


def _op(session: Session, op: Live) -> dict[str, Any]:
    return {"value": left(op.value), "by": session.name_of(op.user), "written_ms": op.at, "came_late": op.late, "reason": op.reason}


def _line(session: Session, log: bytes, line: Line) -> dict[str, Any]:
    gone = gone_with(session, log, line.device, line.c)
    return {
        "field": field_name(line.field), "action": line.action, "value": left(line.value) if gone else without_key(line.value), "by": session.name_of(line.user),
        "written_ms": line.claimed_ms, "clock_unsure": line.unsure, "received_ms": line.received_ms,
        "removed": {"ms": gone.ms, "reason": gone.reason} if gone else None,
    }  # fmt: skip


def left(value: Any) -> Any:
    """A value, but for what was expunged of it, and for the key to an attachment."""
    if is_manifest(value):
        return without_key(value)
    if isinstance(value, list):
        return [left(item) for item in value]
    if is_marker(value):
        return {"removed": True}
    return {name: left(item) for name, item in value.items() if name != GONE} if isinstance(value, dict) else value


# --- places --------------------------------------------------------------------------------------------------------------------------------


def proof(session: Session, request: Request, made: Exported) -> dict[str, Any]:
    """Where each of it stands in the log: entry, part, hash, and the sealed part with its own key, which opens nothing else."""
    records = {one.id for one in reached(session, request)}
    return {
        "format": "fieldkeep-file-export-places", "v": 1, "number": request.number, "log": ids.show(request.log), "upto": request.upto,
        "on_record": {"seq": made.seq, "received_ms": made.received_ms, "approval": _b64(request.approval.cose)},
        "parts": list(_places(session, request, records)),
    }  # fmt: skip


def _places(session: Session, request: Request, records: set[bytes]) -> Iterator[dict[str, Any]]:
    secrets = session.store.secrets(request.log)
    for row in session.store.entries(request.log, 0, request.upto):
        sealed = decode_entry(row.cose, cbor.decode(row.parts)).sealed if row.cose and not row.void else None
        for i, part in enumerate(sealed.parts if sealed else ()):
            changes = changes_of(session, request.log, sealed, i) if sealed and part is not None else []
            if sealed is None or part is None or not changes or changes[0].r not in records:
                continue
            epoch = sealed.epoch or 0
            ctx = keys.context(sealed.svc, request.log, epoch)
            key = sealing.part_key(secrets[epoch], ctx, sealed.author, sealed.sq, part, i)
            yield {
                "record": ids.show(changes[0].r), "seq": row.seq, "received_ms": row.received_ms, "entry": sealed.id.hex(), "part": i,
                "hash": sealed.hashes[i].hex(), "sealed": _b64(part), "key": _b64(key),
            }  # fmt: skip


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
