"""Holding an export of a file against an audit export: every edit stands in the log where it says, and the values follow from them (docs/spec.md §16.3)."""

import base64
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from shared_schema import ids
from shared_schema.entry import Entry, decode_entry_alone
from shared_schema.errors import Malformed, ProtocolError, Refused
from shared_schema.records import record_types
from sync import sealing
from sync.attachment import without_key
from sync.audit import Export
from sync.change import decode_part
from sync.device.exports.export_content import ELSEWHERE, left, name_of, open_tasks, reaches
from sync.device.exports.export_files import HANDED, KEPT
from sync.device.exports.export_page import note, page
from sync.device.exports.export_tables import tables
from sync.device.exports.exporting import SUBJECT
from sync.device.recording.conflicts import field_name
from sync.fold import Occurrence, fold_record, show
from sync.passages import Decided, by_field, taken_out
from sync.registry import Registry

_STREAM: Final = re.compile(rb"stream\n(.*?)\nendstream", re.DOTALL)
_SHOWS: Final = (b" Tj", b"beginbf")  # text, and which characters it is


def check(folder: Path, audit: Export, registry: Registry) -> list[str]:
    """What is wrong with an export, held against an audit export that has verified, and its registry; nothing, when all of it is as the log has it.

    Raises Refused `bad-export` for what is no export.
    """
    try:
        found = json.loads((folder / HANDED / "content.json").read_text(encoding="utf-8"))
        places = json.loads((folder / KEPT / "places.json").read_text(encoding="utf-8"))
        decided = json.loads((folder / KEPT / "decisions.json").read_text(encoding="utf-8"))
        return _Checking(audit, registry, ids.parse(places["log"]), _decisions(decided)).run(folder, found, places, decided)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, ProtocolError) as error:
        raise Refused("bad-export", f"{folder} holds no export that could be checked: {type(error).__name__}") from None


def _decisions(decided: dict[str, Any]) -> Decided:
    return by_field((one["record"], one["field"], one["words"], one["decision"]) for one in decided["passages"])


class _Checking:
    def __init__(self, audit: Export, registry: Registry, log: bytes, decisions: Decided) -> None:
        self.registry, self.log, self.types, self.decisions = registry, log, record_types(), decisions
        self.purpose = ""
        self.entries = {row.seq: row for row in audit.logs.get(log, ())}
        self.said: dict[str, list[Occurrence]] = {}

    def run(self, folder: Path, found: dict[str, Any], places: dict[str, Any], decided: dict[str, Any]) -> list[str]:
        self.purpose = found["purpose"]
        wrong = [text for one in places["parts"] if (text := self._part(one))]
        wrong += [text for one in found["records"] if (text := self._record(one, self.said.pop(one["record"], [])))]
        wrong += [f"record {record} stands among the places and nowhere else" for record in self.said]
        if not found["number"] == places["number"] == decided["number"]:
            wrong.append("the two folders are of different exports")
        if decided["passages"] and self.purpose != SUBJECT:
            wrong.append("something was taken out of a file that is given out whole")
        if found["open_tasks"] != (open_tasks(found["records"]) if self.purpose == ELSEWHERE else []):
            wrong.append("the open tasks are others than the records say")
        return wrong + list(self._forms(folder / HANDED, found))

    def _forms(self, folder: Path, found: dict[str, Any]) -> Iterator[str]:
        """Every other form of the content says the same."""
        from sync.device.exports.export_paper import document  # slow to load, and needed by nothing else a command does

        texts = {"content.html": page(found), "note.txt": note(found)}
        texts |= {f"csv/{name}": table for name, table in tables(found, self.types).items()}
        for name, text in texts.items():
            if (folder / name).read_bytes() != text.encode():
                yield f"{name} says other than content.json"
        if _drawn((folder / "content.pdf").read_bytes()) != _drawn(document(found, self.types)):
            yield "content.pdf says other than content.json"

    def _part(self, one: dict[str, Any]) -> str:
        """What is wrong with the place of a part, "" for nothing; what the part says is kept."""
        row, i, where = self.entries.get(one["seq"]), one["part"], f"part {one['part']} of entry {one['seq']}"
        entry = decode_entry_alone(row.cose) if row is not None and row.cose else None
        sealed = entry.sealed if entry is not None else None
        if row is None or sealed is None or sealed.id.hex() != one["entry"] or row.received_ms != one["received_ms"]:
            return f"{where} does not stand in the log"
        part = base64.b64decode(one["sealed"], validate=True)
        if not 0 <= i < len(sealed.hashes) or ids.sha256(part) != sealed.hashes[i] or one["hash"] != sealed.hashes[i].hex():
            return f"{where} is another than the log has"
        try:
            key = base64.b64decode(one["key"], validate=True)
            changes = decode_part(sealing.open_with(key, sealed.sign1.protected, part, i, len(sealed.hashes)))
        except Malformed:
            return f"{where} does not open with its key"
        if any(ids.show(change.r) != one["record"] for change in changes):
            return f"{where} is of another record"
        late = sealed is not entry
        found = [Occurrence(row.seq, row.received_ms, sealed.author, self._user(sealed), "", change, late) for change in changes]
        self.said.setdefault(one["record"], []).extend(found)
        return ""

    def _user(self, sealed: Entry) -> bytes:
        return self.registry.devices[sealed.author].subject.user

    def _name(self, user: bytes) -> str:
        return next(one.subject.name for one in self.registry.devices.values() if one.subject.user == user)

    def _record(self, one: dict[str, Any], said: list[Occurrence]) -> str:
        """That its edits are those of the log, and its values what follows from them; of what was removed no more can be said."""
        lines = [line for line in one["history"] if not line["removed"]]
        record = one["record"]
        told = [_edit(line["field"], line["action"], line["value"], line["written_ms"], line["received_ms"], line["by"]) for line in lines]
        type_ = self.types.get(one["type"] or "")
        there = [
            _edit(
                field_name(op.field),
                op.action,
                self._given(record, name_of(op.field), without_key(op.value)),
                at.change.at,
                at.received_ms,
                self._name(at.user),
            )
            for at in said
            for op in at.change.ops
            if reaches(self.purpose, type_, name_of(op.field))
        ]
        if sorted(told) != sorted(there):
            return f"record {one['record']} says other than its parts in the log"
        if len(lines) < len(one["history"]) or not said:
            return ""
        folded = fold_record(self.log, ids.parse(one["record"]), sorted(said, key=lambda at: (at.seq, at.change.c)), self.types)
        values = {
            name: [self._given(record, name, left(shown.value)), shown.conflict]
            for name, shown in show(folded, self.types).items()
            if reaches(self.purpose, type_, name)
        }
        given = {field["field"]: [field["value"], field["in_conflict"]] for field in one["fields"]}
        return (
            "" if _edit(values) == _edit(given) and folded.type == (one["type"] or "") else f"record {one['record']} shows other than its edits give"
        )

    def _given(self, record: str, field: str, value: Any) -> Any:
        """A value of the log without what was decided to be taken out of it."""
        return taken_out(value, self.decisions.get((record, field), {}))


def _drawn(document: bytes) -> list[bytes]:
    """What stands on the pages of a document: how fonts were packed may differ from one computer to another."""
    found = []
    for packed in _STREAM.findall(document):
        try:
            said = zlib.decompress(packed)
        except zlib.error:
            continue
        if any(one in said for one in _SHOWS):
            found.append(said)
    return found


def _edit(*edit: Any) -> str:
    return json.dumps(edit, sort_keys=True)
