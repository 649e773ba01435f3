"""The folder of an export: what is handed over and what is kept apart from it; written whole or not at all (docs/spec.md §16.3)."""

import base64
import json
import shutil
from pathlib import Path
from typing import Any, Final

from shared_schema import ids
from shared_schema.entry import decode_entry_alone
from shared_schema.errors import Malformed, ProtocolError, Refused
from sync import sealing
from sync.audit import Export
from sync.change import decode_part
from sync.device.conflicts import field_name
from sync.device.export_content import content, proof
from sync.device.export_page import note, page
from sync.device.exporting import SUBJECT, Request
from sync.device.exports import Exported
from sync.device.private_files import sync_folder, write_private
from sync.device.session import Session

HANDED: Final = "to-hand-over"
KEPT: Final = "to-keep"
_KEEP_NOTE: Final = "What is in this folder shows where each record stands in the log. It is for the service, its auditor and the regulator{more}.\n"


def require_free(out: Path) -> None:
    """Raises Refused where something is there already, or nothing could be put there."""
    if out.exists() or out.is_symlink():
        raise Refused("not-permitted", f"{out} is there already: nothing is overwritten, give another name")
    if _unfinished(out).exists():
        raise Refused("not-permitted", f"{_unfinished(out)} was left by an attempt that was cut short: look at it, and remove it")
    if not out.absolute().parent.is_dir():
        raise Refused("not-found", f"{out.absolute().parent}: there is no such folder")


def write(session: Session, request: Request, made: Exported, out: Path) -> dict[str, Any]:
    """Write the export; returns its content. Folders are 0700 and files 0600. Raises OSError, and then nothing is left."""
    require_free(out)
    found = content(session, request, made)
    beside = _unfinished(out)
    try:
        for name in ("", HANDED, KEPT):
            (beside / name).mkdir(mode=0o700)
        for name in (HANDED, KEPT):
            write_private(beside / name / "note.txt", note(found), new=True)
        write_private(beside / HANDED / "content.json", _json(found), new=True)
        write_private(beside / HANDED / "content.html", page(found), new=True)
        more = ", and never part of what the person receives" if request.purpose == SUBJECT else ""
        write_private(beside / KEPT / "READ-ME.txt", _KEEP_NOTE.format(more=more), new=True)
        write_private(beside / KEPT / "places.json", _json(proof(session, request, made)), new=True)
        beside.rename(out)
        sync_folder(out.absolute().parent)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    return found


def _unfinished(out: Path) -> Path:
    return out.with_name(f"{out.name}.unfinished")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


# --- checking ------------------------------------------------------------------------------------------------------------------------------


def check(folder: Path, audit: Export) -> list[str]:
    """What is wrong with an export, held against an audit export that has verified: nothing, when every record in it stands in the log as it is said.

    Raises Refused `bad-export` for what is no export.
    """
    try:
        found = json.loads((folder / HANDED / "content.json").read_text(encoding="utf-8"))
        places = json.loads((folder / KEPT / "places.json").read_text(encoding="utf-8"))
        entries = {row.seq: row for row in audit.logs.get(ids.parse(places["log"]), ())}
        if found["number"] != places["number"]:
            return ["the two folders are of different exports"]
        said: dict[str, list[str]] = {}
        wrong = [text for one in places["parts"] if (text := _check_part(one, entries, said))]
        return wrong + [text for one in found["records"] if (text := _check_record(one, said.get(one["record"], [])))]
    except (KeyError, TypeError, ValueError, ProtocolError) as error:
        raise Refused("bad-export", f"{folder} holds no export that could be checked: {type(error).__name__}") from None


def _check_part(one: dict[str, Any], entries: dict[int, Any], said: dict[str, list[str]]) -> str:
    """What is wrong with the place of a part, "" for nothing; what it says goes into `said`."""
    row, where = entries.get(one["seq"]), f"part {one['part']} of entry {one['seq']}"
    entry = decode_entry_alone(row.cose).sealed if row is not None and row.cose else None
    if row is None or entry is None or entry.id.hex() != one["entry"] or row.received_ms != one["received_ms"]:
        return f"{where} does not stand in the log"
    part, i = base64.b64decode(one["sealed"], validate=True), one["part"]
    if not 0 <= i < len(entry.hashes) or ids.sha256(part) != entry.hashes[i] or one["hash"] != entry.hashes[i].hex():
        return f"{where} is another than the log has"
    try:
        changes = decode_part(sealing.open_with(base64.b64decode(one["key"], validate=True), entry.sign1.protected, part, i, len(entry.hashes)))
    except Malformed:
        return f"{where} does not open with its key"
    if any(ids.show(change.r) != one["record"] for change in changes):
        return f"{where} is of another record"
    said.setdefault(one["record"], []).extend(
        _edit(field_name(op.field), op.action, op.value, change.at, row.received_ms) for change in changes for op in change.ops
    )
    return ""


def _check_record(one: dict[str, Any], said: list[str]) -> str:
    """That its edits are those of the log; what was removed stands in no part any more."""
    lines = (line for line in one["history"] if not line["removed"])
    told = [_edit(line["field"], line["action"], line["value"], line["written_ms"], line["received_ms"]) for line in lines]
    return "" if sorted(told) == sorted(said) else f"record {one['record']} says other than its parts in the log"


def _edit(*edit: Any) -> str:
    return json.dumps(edit, sort_keys=True)
