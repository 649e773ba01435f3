"""record."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Final

import typer

from shared_schema import ids
from shared_schema.errors import Malformed, Refused
from shared_schema.records import RecordType, code_list
from sync.attachment import without_key
from sync.change import CellKey, FieldKey
from sync.device.across import notices
from sync.device.cli import frame, terminal
from sync.device.cli.frame import FileArg, Json, RecordArg, Yes, command
from sync.device.cli.terminal import Words, emit, emit_json, plain, say, table, when
from sync.device.recording import conflicts, finding, reading, records
from sync.device.recording.needs import Needed
from sync.device.recording.typed import parse_cell, parse_text
from sync.device.removal.removed import Gone, gone_with
from sync.device.session import Session
from sync.device.storage.tables import READ
from sync.fold import PENDING, Live, Record, Shown, is_marker, is_void, out_of_role, unweighed

record = typer.Typer(help="Records of any type.", no_args_is_help=True)

SetOption = Annotated[list[str] | None, typer.Option("--set", help="FIELD=VALUE; repeat for several. `missing:not_known` for a missing reason.")]
_WORKERS: Final = ("user", "users")
_CELL = re.compile(r"^(\w+)\[(\d+)\]\.(\w+)$")


def parse_sets(opened: Session, type_name: str, texts: list[str] | None) -> dict[str, Any]:
    """The --set options as values. A field named twice gathers its members or rows; workers may be given by their names."""
    values: dict[str, Any] = {}
    fields = opened.types[type_name].fields
    for text in texts or []:
        name, sign, value = text.partition("=")
        if not sign:
            raise Refused("bad-value", "want --set FIELD=VALUE")
        if name in fields and fields[name].kind in _WORKERS and value.strip():
            several = value.split(",") if fields[name].kind == "users" else [value]
            value = ",".join(ids.show(frame.person(opened, one.strip())) for one in several)
        parsed = parse_text(type_name, name, value.replace("\r\n", "\n"))
        if isinstance(parsed, list) and name in values:
            values[name] = values[name] + parsed
        elif name in values:
            raise Refused("bad-value", f"{name} is given twice: want one value")
        else:
            values[name] = parsed
    return values


def needs_lines(missing: Sequence[Needed], record: bytes) -> list[str]:
    """What is still needed to sign, a line each, and how to give it."""
    if not missing:
        return []
    lines = [f"  {one}" for one in missing]
    return [f"To sign it you still need, with fieldkeep record edit {terminal.short(record)} --set FIELD=VALUE:", *lines]


def needs_json(missing: Sequence[Needed]) -> list[dict[str, Any]]:
    """The same as plain values."""
    return [{"fields": list(one.fields), "label": one.label, "wanted": one.wanted} for one in missing]


def told_across(opened: Session, log: bytes, made: bytes) -> str | None:
    """What the victim side will be told of a record, by rule; None for nothing."""
    labels = {term.code: term.label for term in code_list("notice_kind").terms}
    return "; ".join(labels[notice["notice"]] for notice in notices.told_of(opened, log, made)) or None


def told_lines(told: str | None) -> list[str]:
    """The same as one line, shown before it goes."""
    return [f"Partner support will be told: {told.lower()}."] if told else []


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
        log = finding.find_file(opened, file)
        values = parse_sets(opened, records.record_type(opened, log, type_).name, set_)
        made = records.add_by_hand(opened, log, type_, values)
        missing, told = records.missing_to_sign(opened, log, made), told_across(opened, log, made)
    found = {"record": ids.show(made), "file": ids.show(log), "type": type_, "missing_to_sign": needs_json(missing), "told": told}
    emit(found, ids.show(made), "Saved on this device.", *needs_lines(missing, made), *told_lines(told), as_json=as_json)


@record.command("edit")
@command
def record_edit(which: RecordArg, set_: SetOption = None, as_json: Json = False) -> None:
    """Change fields of a record: all that are given, or none. A row's cell is named LIST[N].CELL, rows counted from 1.

    Example: fieldkeep record edit 9c1e --set means_discussed=yes --set "warning_signs[2].order=1"
    """
    if not set_:
        raise Refused("bad-value", "nothing to change: give at least one --set")
    with frame.session() as opened:
        log, target = finding.find_record(opened, which)
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
        edited = records.edit(opened, log, target, parse_sets(opened, type_name, whole), cells)
        told = told_across(opened, log, target)
    note_id = ids.show(edited.own_note) if edited.own_note else None
    lines = ["Saved on this device."]
    if note_id:
        lines.append(f"Somebody else wrote that narrative: your words are a note of your own, {note_id}.")
    if edited.proposed:
        lines.append(
            f"Somebody else wrote {', '.join(edited.proposed)}: your words are kept as a proposal that its author is shown. "
            f"To add what you know yourself: fieldkeep note addend {terminal.short(target)}"
        )
    lines += told_lines(told)
    emit({"record": ids.show(target), "own_note": note_id, "proposed": list(edited.proposed), "told": told}, *lines, as_json=as_json)


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
        log, target = finding.find_record(opened, which)
        found, values = finding.shown(opened, log, target)
        _check_may_see(opened, log, found.type)
        reading.looked(opened, log, target)
        type_ = opened.types.get(found.type)
        unread = unweighed(found, opened.types)
        if as_json:
            emit_json(_record_json(opened, log, found, values))
            return
        marked = out_of_role(found, opened.types)
        rows = []
        for name, one in values.items():
            rows += _field_rows(opened, log, type_, name, one)
            rows += [["  proposed, not read by its author", _said(opened, op)] for op in unread.get(name, ())]
            rows += [["  not theirs to write", _role_said(opened, op)] for key, ops in marked.items() if _list_of(key) == name for op in ops]
        table(f"{found.type or 'record'} {ids.show(target)} · {_mark(found)}", ["field", "value"], rows)
        if unread and found.creator_user == opened.identity.user:
            say(f"To say that you have read what was proposed: fieldkeep note sign {terminal.short(target)}")
        if type_ is None:
            lacks = "This type needs a newer app" if found.type else "This record needs a newer app or its first change has not come yet"
            say(f"{lacks}: everything is kept.")


def _check_may_see(opened: Session, log: bytes, type_: str) -> None:
    """Raises Refused for a record of who read what, to whoever neither leads the file nor is a records officer."""
    if type_ == READ and not reading.may_see(opened, log):
        raise Refused("not-permitted", "who read what is shown to those who lead the file, and to records officers")


def _mark(found: Record) -> str:
    if found.hidden or is_void(found):
        return "deleted" if found.hidden else "void"
    return "not sent yet" if found.pending else f"received (entry {found.last_seq})"


def _of_another_version(type_: RecordType | None, name: str, value: Any) -> str:
    """What codes mean that an older or a newer version of their list was written under; empty for codes of today. The stored code stays."""
    spec = type_.fields.get(name) if type_ else None
    if spec is None or not spec.codes:
        return ""
    known = code_list(spec.codes)
    codes = [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]
    said = [f"{one} needs a newer app, and is kept as it is" for one in codes if one not in known.codes]
    said += [f"{one} is said no more; today: {known.today(one) or 'nothing'}" for one in codes if one in known.codes and one not in known.offered]
    return "; ".join(said)


def _field_rows(opened: Session, log: bytes, type_: RecordType | None, name: str, one: Shown) -> list[list[str]]:
    """A field's line; of a list one for each row, with who wrote it and when."""
    label = _label(type_, name)
    if not _has_rows(one):
        later = _of_another_version(type_, name, one.value)
        return [[label, cell(opened, log, _with_names(opened, type_, name, one))], *([["  of another version", later]] if later else [])]
    rows = list(zip(one.value, one.siblings, strict=True))
    return [[label if number == 1 else "", f"{number}. {_said(opened, op, row)}"] for number, (row, op) in enumerate(rows, 1)]


def _with_names(opened: Session, type_: RecordType | None, name: str, one: Shown) -> Shown:
    """A field of workers, by their names."""
    if type_ is None or name not in type_.fields or type_.fields[name].kind not in _WORKERS:
        return one
    return replace(one, value=_named(opened, one.value), siblings=tuple(op._replace(value=_named(opened, op.value)) for op in one.siblings))


def _named(opened: Session, value: Any) -> Any:
    if isinstance(value, list):
        return [_named(opened, item) for item in value]
    try:
        return opened.name_of(ids.parse(value))
    except (Malformed, TypeError, AttributeError):  # another device may have written anything
        return value


def _has_rows(one: Shown) -> bool:
    return isinstance(one.value, list) and any(isinstance(row, dict) for row in one.value) and len(one.value) == len(one.siblings)


@record.command("list")
@command
def record_list(
    file: FileArg, type_: Annotated[str | None, typer.Option("--type", help="Of one type only, for example task.")] = None, as_json: Json = False
) -> None:
    """List the records of a file, those of unknown types and those whose first change has not come included; who read what has `file reads`.

    Example: fieldkeep record list 3fa8 --type task
    """
    with frame.session() as opened:
        log = finding.find_file(opened, file)
        if type_ is not None and type_ not in opened.types and not opened.store.records(log, type_):
            raise Refused("bad-value", f"no record type of that name; known: {', '.join(sorted(opened.types))}")
        _check_may_see(opened, log, type_ or "")
        found = [one for one in opened.records(log).values() if one.type == type_ or (type_ is None and one.type != READ)]
        rows: list[dict[str, Any]] = [
            {
                "record": ids.show(one.id), "type": one.type or None, "by": opened.name_of(one.creator_user), "signed": records.is_signed(one),
                "deleted": one.hidden, "void": is_void(one), "pending": one.pending, "mark": _mark(one),
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


def cell(opened: Session, log: bytes, one: Shown) -> str:
    """A field's value in words; all of its values, with who and when, where it is in conflict. Of what was expunged, when and why."""
    if is_marker(one.value) and (gone := gone_of(opened, log, one)):
        return removed_words(gone)
    if not one.conflict:
        return plain(one.value)
    lead = "IN CONFLICT, nobody may act on it" if one.stop else "IN CONFLICT" + (f", acting on {plain(one.value)}" if one.value is not None else "")
    return f"{lead}: {' | '.join(_said(opened, op) for op in one.siblings)}"


def gone_of(opened: Session, log: bytes, one: Shown) -> Gone | None:
    """How the newest of a field's values that have gone was removed."""
    marked = [op for op in one.siblings if is_marker(op.value)]
    return gone_with(opened, log, marked[-1].id.device, marked[-1].id.c) if marked else None


def removed_words(gone: Gone) -> str:
    """When and why something was removed."""
    return f"(removed on {when(gone.ms)}, because: {gone.reason})"


def gone_json(opened: Session, gone: Gone | None) -> dict[str, Any] | None:
    """The same as plain values, and by whom."""
    if gone is None:
        return None
    return {
        "ms": gone.ms, "reason": gone.reason, "first": opened.name_of(gone.first) if gone.first else None, "second": opened.name_of(gone.second), "entry": gone.seq,
    }  # fmt: skip


def _said(opened: Session, op: Live, value: Any = None) -> str:
    return Words(f"{plain(op.value if value is None else value)} ({opened.name_of(op.user)}, {when(op.at)})")


def ops_json(opened: Session, ops: Sequence[Live]) -> list[dict[str, Any]]:
    """Who said what, where in the log."""
    return [
        {
            "value": without_key(op.value), "by": opened.name_of(op.user), "claimed_ms": op.at, "seq": None if op.seq == PENDING else op.seq,
            "device": ids.show(op.id.device),
        }
        for op in ops
    ]  # fmt: skip


def _list_of(key: FieldKey) -> str:
    """The field, or the list of a cell."""
    return key if isinstance(key, str) else key.list


def _role_said(opened: Session, op: Live) -> str:
    """Who wrote what the schema gives to others, in which role."""
    return f"{plain(op.value)} ({opened.name_of(op.user)}, {op.role.replace('_', ' ')})"


def _rows_json(opened: Session, one: Shown) -> list[dict[str, Any]]:
    said = ops_json(opened, one.siblings)
    return [{**op, "value": row} for row, op in zip(one.value, said, strict=True)]


def _record_json(opened: Session, log: bytes, found: Record, values: dict[str, Shown]) -> dict[str, Any]:
    unread = unweighed(found, opened.types)
    marked: dict[str, list[Live]] = {}
    for key, ops in out_of_role(found, opened.types).items():
        marked.setdefault(_list_of(key), []).extend(ops)
    fields = {
        name: {
            "value": without_key(one.value), "conflict": one.conflict, "stop": one.stop, "values": ops_json(opened, one.siblings) if one.conflict else None,
            "rows": _rows_json(opened, one) if _has_rows(one) else None,
            "out_of_role": [said | {"role": op.role} for op, said in zip(marked.get(name, ()), ops_json(opened, marked.get(name, ())), strict=True)] or None,
            "proposals": ops_json(opened, one.proposals) or None, "unread": ops_json(opened, unread.get(name, ())) or None,
            "removed": gone_json(opened, gone_of(opened, log, one)),
        }
        for name, one in values.items()
    }  # fmt: skip
    signatures = [{"by": opened.name_of(one.user), "seq": None if one.seq == PENDING else one.seq} for one in found.signatures]
    return {
        "record": ids.show(found.id), "file": ids.show(log), "type": found.type or None, "version": found.version,
        "author": opened.name_of(found.creator_user), "fields": fields, "signed": records.is_signed(found), "signatures": signatures,
        "unread": sum(len(ops) for ops in unread.values()), "deleted": found.hidden, "void": is_void(found), "pending": found.pending,
        "flags": [why for _, why in found.flags], "known": found.type in opened.types,
    }  # fmt: skip


@record.command("history")
@command
def record_history(which: RecordArg, as_json: Json = False) -> None:
    """Show every edit of a record: who, when, where in the log.

    Example: fieldkeep record history 9c1e
    """
    with frame.session() as opened:
        log, target = finding.find_record(opened, which)
        lines = finding.history(opened, log, target)
        _check_may_see(opened, log, opened.record(log, target).type)
        reading.looked(opened, log, target)
        rows: list[dict[str, Any]] = [
            {
                "seq": line.seq, "received_ms": line.received_ms, "claimed_ms": line.claimed_ms, "clock_unsure": line.unsure,
                "by": opened.name_of(line.user), "device": ids.show(line.device), "field": conflicts.field_name(line.field), "action": line.action, "value": without_key(line.value),
                "removed": gone_json(opened, gone_with(opened, log, line.device, line.c)),
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
            _history_value(row),
        ]
        for row in rows
    ]
    table("History", ["entry", "written", "received", "by", "field", "act", "value"], cells)


def _history_value(row: dict[str, Any]) -> str:
    gone = row["removed"]
    value = row["value"][0] if row["action"] == "resolve" and isinstance(row["value"], list) else row["value"]
    if gone is not None and is_marker(value):
        return f"(removed on {when(gone['ms'])}, because: {gone['reason']}; entry {gone['entry']})"
    return plain(row["value"])


@record.command("undo")
@command
def record_undo(which: RecordArg, yes: Yes = False, as_json: Json = False) -> None:
    """Take back what was last typed in a record, while it is on this device only. A record that is all new is gone with its first change.

    Once synced, nothing is taken back: correct it with `record edit`, or make it void with `note void`.

    Example: fieldkeep record undo 9c1e
    """
    with frame.session() as opened:
        log, target = finding.find_record(opened, which)
        terminal.confirm(f"Take back the last change of {terminal.short(target)}?", yes=yes)
        lines = records.undo(opened, log, target)
        undone = [{"field": conflicts.field_name(line.field), "action": line.action, "value": line.value} for line in lines]
        gone = not opened.store.changes_of(log, target)
    said = [f"Taken back: {one['field']} {one['action']}: {plain(one['value'])}" for one in undone]
    emit({"record": ids.show(target), "undone": undone, "gone": gone}, *said, *(["The record is gone."] if gone else []), as_json=as_json)


@record.command("delete")
@command
def record_delete(which: RecordArg, yes: Yes = False, as_json: Json = False) -> None:
    """Delete a record of a type that may be deleted, such as a task. Its history stays; any later edit brings it back.

    Example: fieldkeep record delete 9c1e
    """
    with frame.session() as opened:
        log, target = finding.find_record(opened, which)
        terminal.confirm(f"Delete {terminal.short(target)} for everybody in the file?", yes=yes)
        records.delete(opened, log, target)
    emit({"record": ids.show(target), "deleted": True}, "Deleted. Its history stays.", as_json=as_json)
