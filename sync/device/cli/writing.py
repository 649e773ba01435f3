"""record and note."""

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from shared_schema import ids
from shared_schema.errors import Refused
from shared_schema.records import RecordType
from sync.change import CellKey
from sync.device import conflicts, records
from sync.device.cli import frame
from sync.device.cli.frame import FileArg, Json, RecordArg, command, emit, emit_json, plain, say, table, when
from sync.device.session import Session
from sync.device.values import parse_cell, parse_text
from sync.fold import PENDING, Live, Record, Shown, unweighed

record = typer.Typer(help="Records of any type.", no_args_is_help=True)
note = typer.Typer(help="Case notes.", no_args_is_help=True)

SetOption = Annotated[list[str] | None, typer.Option("--set", help="FIELD=VALUE; repeat for several. `missing:not_known` for a missing reason.")]
_CELL = re.compile(r"^(\w+)\[(\d+)\]\.(\w+)$")


def parse_sets(type_name: str, texts: list[str] | None) -> dict[str, Any]:
    """The --set options as values. A field named twice gathers its members or rows."""
    values: dict[str, Any] = {}
    for text in texts or []:
        name, sign, value = text.partition("=")
        if not sign:
            raise Refused("bad-value", "want --set FIELD=VALUE")
        parsed = parse_text(type_name, name, value)
        if isinstance(parsed, list) and name in values:
            values[name] = values[name] + parsed
        else:
            values[name] = parsed
    return values


def narrative(text: str | None, file: Path | None) -> str | None:
    """A long text from the command line, from standard input (`-`), or from a file."""
    if file is not None:
        return file.read_text(encoding="utf-8").rstrip("\n")
    return sys.stdin.read().rstrip("\n") if text == "-" else text


@record.command("add")
@command
def record_add(
    type_: Annotated[str, typer.Argument(metavar="TYPE", help="person, contact, case_note, risk_assessment, safe_contact, task …")],
    file: Annotated[str, typer.Option("--file", help="File id, or the first characters of it.")],
    set_: SetOption = None,
    as_json: Json = False,
) -> None:
    """Add a record of any type; works offline. Nothing is refused for being incomplete.

    Example: fieldkeep record add task --file 3fa8 --set what="Ring the food bank" --set due=2026-12-01
    """
    with frame.session() as opened:
        log = records.find_file(opened, file)
        values = parse_sets(records.record_type(opened, log, type_).name, set_)
        made = records.add(opened, log, type_, values)
        missing = records.missing_to_sign(opened, log, made)
    saved = "Saved on this device." + (f" To sign it you still need: {'; '.join(missing)}." if missing else "")
    emit({"record": ids.show(made), "file": ids.show(log), "type": type_, "missing_to_sign": missing}, ids.show(made), saved, as_json=as_json)


@record.command("edit")
@command
def record_edit(which: RecordArg, set_: SetOption = None, as_json: Json = False) -> None:
    """Change fields of a record: all that are given, or none. A row's cell is named LIST[N].CELL, rows counted from 1.

    Example: fieldkeep record edit 9c1e --set state=… --set "steps[2].order=1"
    """
    if not set_:
        raise Refused("bad-value", "nothing to change: give at least one --set")
    with frame.session() as opened:
        log, target = records.find_record(opened, which)
        found = opened.record(log, target)
        type_name = records.type_of(opened, log, found).name
        cells, whole = {}, []
        for text in set_:
            name, _, value = text.partition("=")
            match = _CELL.match(name)
            if match:
                key = _cell_key(found, match)
                cells[key] = parse_cell(type_name, key.list, key.cell, value)
            else:
                whole.append(text)
        edited = records.edit(opened, log, target, parse_sets(type_name, whole), cells)
    note_id = ids.show(edited.own_note) if edited.own_note else None
    lines = ["Saved on this device."]
    if note_id:
        lines.append(f"Somebody else wrote that narrative: your words are a note of your own, {note_id}.")
    if edited.proposed:
        lines.append(
            f"Somebody else wrote {', '.join(edited.proposed)}: your words are kept as a proposal that its author is shown. "
            f"To add what you know yourself: fieldkeep note addend {frame.short(target)}"
        )
    emit({"record": ids.show(target), "own_note": note_id, "proposed": list(edited.proposed)}, *lines, as_json=as_json)


def _cell_key(target: Record, match: "re.Match[str]") -> CellKey:
    name, number, cell = match.group(1), int(match.group(2)), match.group(3)
    register = target.registers.get(name)
    rows = list(register.live) if register else []
    if not 1 <= number <= len(rows):
        raise Refused("not-found", f"{name} has {len(rows)} row(s)")
    return CellKey(name, rows[number - 1], cell)


@record.command("show")
@command
def record_show(which: RecordArg, as_json: Json = False) -> None:
    """Show a record: its values, what is in conflict or proposed, whether it was received.

    Example: fieldkeep record show 9c1e
    """
    with frame.session() as opened:
        log, target = records.find_record(opened, which)
        found, values = records.shown(opened, log, target)
        type_ = opened.types.get(found.type)
        unread = unweighed(found, opened.types)
        if as_json:
            emit_json(_record_json(opened, log, found, values))
            return
        rows = []
        for name, one in values.items():
            rows.append([_label(type_, name), _cell(opened, one)])
            rows += [["  proposed, not read by its author", _said(opened, op)] for op in unread.get(name, ())]
        table(f"{found.type or 'record'} {ids.show(target)} · {_mark(found)}", ["field", "value"], rows)
        if unread and found.creator_user == opened.identity.user:
            say(f"To say that you have read what was proposed: fieldkeep note sign {frame.short(target)}")
        if type_ is None:
            lacks = "This type needs a newer app" if found.type else "This record needs a newer app or its first change has not come yet"
            say(f"{lacks}: everything is kept.")


def _mark(found: Record) -> str:
    return "deleted" if found.hidden else "not sent yet" if found.pending else f"received (entry {found.last_seq})"


@record.command("list")
@command
def record_list(
    file: FileArg, type_: Annotated[str | None, typer.Option("--type", help="Of one type only, for example task.")] = None, as_json: Json = False
) -> None:
    """List the records of a file, those of unknown types and those whose first change has not come included.

    Example: fieldkeep record list 3fa8 --type task
    """
    with frame.session() as opened:
        log = records.find_file(opened, file)
        found = [one for one in opened.records(log).values() if type_ in (None, one.type)]
        rows: list[dict[str, Any]] = [
            {
                "record": ids.show(one.id), "type": one.type or None, "by": opened.name_of(one.creator_user), "signed": records.is_signed(one),
                "deleted": one.hidden, "pending": one.pending, "mark": _mark(one),
            }
            for one in found
        ]  # fmt: skip
    if as_json:
        emit_json({"file": ids.show(log), "records": rows})
        return
    cells = [[row["record"][:8], row["type"] or "unknown", row["by"], "signed" if row["signed"] else "", row["mark"]] for row in rows]
    table("Records", ["id", "type", "by", "", ""], cells)


def _label(type_: RecordType | None, name: str) -> str:
    return type_.fields[name].label if type_ and name in type_.fields else f"{name} (needs a newer app)"


def _cell(opened: Session, one: Shown) -> str:
    if not one.conflict:
        return plain(one.value)
    lead = "IN CONFLICT, nobody may act on it" if one.stop else "IN CONFLICT" + (f", acting on {plain(one.value)}" if one.value is not None else "")
    return f"{lead}: {' | '.join(_said(opened, op) for op in one.siblings)}"


def _said(opened: Session, op: Live) -> str:
    return f"{plain(op.value)} ({opened.name_of(op.user)}, {when(op.at)})"


def ops_json(opened: Session, ops: Sequence[Live]) -> list[dict[str, Any]]:
    """Who said what, where in the log."""
    return [
        {
            "value": op.value, "by": opened.name_of(op.user), "claimed_ms": op.at, "seq": None if op.seq == PENDING else op.seq,
            "device": ids.show(op.id.device),
        }
        for op in ops
    ]  # fmt: skip


def _record_json(opened: Session, log: bytes, found: Record, values: dict[str, Shown]) -> dict[str, Any]:
    unread = unweighed(found, opened.types)
    fields = {
        name: {
            "value": one.value, "conflict": one.conflict, "stop": one.stop, "values": ops_json(opened, one.siblings) if one.conflict else None,
            "proposals": ops_json(opened, one.proposals) or None, "unread": ops_json(opened, unread.get(name, ())) or None,
        }
        for name, one in values.items()
    }  # fmt: skip
    signatures = [{"by": opened.name_of(one.user), "seq": None if one.seq == PENDING else one.seq} for one in found.signatures]
    return {
        "record": ids.show(found.id), "file": ids.show(log), "type": found.type or None, "version": found.version,
        "author": opened.name_of(found.creator_user), "fields": fields, "signed": records.is_signed(found), "signatures": signatures,
        "unread": sum(len(ops) for ops in unread.values()), "deleted": found.hidden, "pending": found.pending,
        "flags": [why for _, why in found.flags], "known": found.type in opened.types,
    }  # fmt: skip


@record.command("history")
@command
def record_history(which: RecordArg, as_json: Json = False) -> None:
    """Show every edit of a record: who, when, where in the log.

    Example: fieldkeep record history 9c1e
    """
    with frame.session() as opened:
        log, target = records.find_record(opened, which)
        lines = records.history(opened, log, target)
        rows: list[dict[str, Any]] = [
            {
                "seq": line.seq, "received_ms": line.received_ms, "claimed_ms": line.claimed_ms, "clock_unsure": line.unsure,
                "by": opened.name_of(line.user), "device": ids.show(line.device), "field": conflicts.field_name(line.field), "action": line.action, "value": line.value,
            }
            for line in lines
        ]  # fmt: skip
    if as_json:
        emit_json({"record": ids.show(target), "history": rows})
        return
    cells = [
        [
            str(row["seq"] or "–"),
            when(row["claimed_ms"]) + (" (clock unsure)" if row["clock_unsure"] else ""),
            when(row["received_ms"]),
            row["by"],
            row["field"],
            row["action"],
            plain(row["value"]),
        ]
        for row in rows
    ]
    table("History", ["entry", "written", "received", "by", "field", "act", "value"], cells)


@note.command("add")
@command
def note_add(
    file: Annotated[str, typer.Option("--file", help="File id, or the first characters of it.")],
    body: Annotated[str | None, typer.Argument(help="The note; - reads standard input.")] = None,
    body_file: Annotated[Path | None, typer.Option("--from", help="Read the note from a text file.")] = None,
    contact: Annotated[str | None, typer.Option(help="Record id of the contact it belongs to.")] = None,
    set_: SetOption = None,
    sign_now: Annotated[bool, typer.Option("--sign", help="Sign it at once.")] = False,
    as_json: Json = False,
) -> None:
    """Write a case note; works offline. It stays a draft until you sign it.

    Example: fieldkeep note add --file 3fa8 "Dropped off a food parcel; he agreed to an assessment by telephone."
    """
    if body and body_file:
        raise Refused("bad-value", "give the note's words or --from, not both")
    words = narrative(body, body_file)
    if not words:
        raise Refused("bad-value", "the note is empty: give its words, or - to read them")
    with frame.session() as opened:
        log = records.find_file(opened, file)
        values = {"body": words, **parse_sets("case_note", set_)}
        if contact:
            values["contact"] = ids.show(records.find_record(opened, contact, log)[1])
        made = records.add(opened, log, "case_note", values)
        if sign_now:
            try:
                records.sign(opened, log, made)
            except Refused as error:
                raise Refused(error.code, f"the note is saved as draft {ids.show(made)[:8]} and is not signed: {error}") from None
    emit({"record": ids.show(made), "file": ids.show(log), "signed": sign_now}, ids.show(made), "Saved on this device.", as_json=as_json)


@note.command("sign")
@command
def note_sign(which: RecordArg, as_json: Json = False) -> None:
    """Sign a note, or any record: evidence freezes, from then on there are only addenda.

    Signing again says that you have read what others proposed since; the signed words stay.

    Example: fieldkeep note sign 9c1e
    """
    with frame.session() as opened:
        log, target = records.find_record(opened, which)
        read = records.sign(opened, log, target)
    text = f"Signed; you have read {read} proposal(s)." if read else "Signed."
    emit({"record": ids.show(target), "signed": True, "read": read}, text, as_json=as_json)


@note.command("addend")
@command
def note_addend(
    which: RecordArg,
    text: Annotated[str, typer.Argument(help="What came later; - reads standard input.")],
    reason: Annotated[str, typer.Option(help="Why it is added.")],
    as_json: Json = False,
) -> None:
    """Add to a signed note. The signed words stay.

    Example: fieldkeep note addend 9c1e "He rang back at four." --reason "came later the same day"
    """
    with frame.session() as opened:
        log, target = records.find_record(opened, which)
        records.addend(opened, log, target, narrative(text, None) or "", reason)
    emit({"record": ids.show(target)}, "Added.", as_json=as_json)


@note.command("list")
@command
def note_list(file: FileArg, as_json: Json = False) -> None:
    """List the notes of a file, in the order in which they were received.

    Example: fieldkeep note list 3fa8
    """
    with frame.session() as opened:
        log = records.find_file(opened, file)
        rows: list[dict[str, Any]] = []
        for target, _ in opened.store.records(log, "case_note"):
            found, values = records.shown(opened, log, target)
            if not found.hidden:
                body = values["body"].value if "body" in values else None
                rows.append(
                    {
                        "record": ids.show(target), "by": opened.name_of(found.creator_user), "signed": records.is_signed(found),
                        "received": not found.pending, "body": body, "addenda": len(values["addenda"].value) if "addenda" in values else 0,
                    }
                )  # fmt: skip
    if as_json:
        emit_json({"file": ids.show(log), "notes": rows})
        return
    cells = [
        [
            row["record"][:8],
            row["by"],
            "signed" if row["signed"] else "draft",
            "received" if row["received"] else "on this device",
            plain(row["body"]),
        ]
        for row in rows
    ]
    table("Notes", ["id", "by", "", "", "words"], cells)
