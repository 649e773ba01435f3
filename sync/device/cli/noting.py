"""note."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from shared_schema import ids
from shared_schema.errors import Refused
from sync.device.cli import frame, terminal
from sync.device.cli.frame import FileArg, Json, RecordArg, Yes, command
from sync.device.cli.recording import SetOption, cell, gone_json, gone_of, needs_json, needs_lines, parse_sets, told_across, told_lines
from sync.device.cli.terminal import emit, emit_json, table
from sync.device.recording import finding, hinting, reading, records
from sync.device.recording.hinting import Hint
from sync.device.returning import counted
from sync.device.session import Session
from sync.fold import Record, Shown, is_marker, is_void

note = typer.Typer(help="Case notes.", no_args_is_help=True)


def narrative(text: str | None, file: Path | None) -> str | None:
    """A long text from the command line, from standard input (`-`), or from a file. Lines end as they do everywhere else, wherever they were pasted from."""
    if file is not None:
        text = file.read_text(encoding="utf-8").rstrip("\n")
    elif text == "-":
        text = sys.stdin.read().rstrip("\r\n")
    return text and text.replace("\r\n", "\n")


@note.command("add")
@command
def note_add(
    file: Annotated[str, typer.Option("--file", help="File id, or the first characters of it.")],
    body: Annotated[str | None, typer.Argument(help="The note; - reads standard input.")] = None,
    body_file: Annotated[Path | None, typer.Option("--from", help="Read the note from a text file.")] = None,
    contact: Annotated[str | None, typer.Option(help="Record id of the contact it belongs to.")] = None,
    set_: SetOption = None,
    sign_now: Annotated[bool, typer.Option("--sign", help="Sign it at once.")] = False,
    yes: Yes = False,
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
        log = finding.find_file(opened, file)
        values = {"body": words, **parse_sets(opened, "case_note", set_)}
        if contact:
            values["contact"] = ids.show(finding.find_record(opened, contact, log)[1])
        made = records.add(opened, log, "case_note", values)
        missing, hints = records.missing_to_sign(opened, log, made), hinting.look(opened, log, made)
        if sign_now and _may_sign(hints, yes=yes):
            try:
                records.sign(opened, log, made)
            except Refused as error:
                raise Refused(error.code, f"the note is saved as draft {ids.show(made)[:8]} and is not signed: {error}") from None
    found = {"record": ids.show(made), "file": ids.show(log), "signed": sign_now, "missing_to_sign": needs_json(missing), "hints": hints_json(hints)}
    saved = "Saved on this device, and signed." if sign_now else "Saved on this device, as a draft."
    emit(found, ids.show(made), saved, *([] if sign_now else hint_lines(hints)), *needs_lines(missing, made), as_json=as_json)


def hint_lines(hints: Sequence[Hint]) -> list[str]:
    """What is worth a second look, a line each."""
    return [f"Worth a second look before you sign ({len(hints)}):", *(f"  {one}" for one in hints)] if hints else []


def hints_json(hints: Sequence[Hint]) -> list[dict[str, Any]]:
    """The same as plain values."""
    return [asdict(one) for one in hints]


def _may_sign(hints: Sequence[Hint], *, yes: bool) -> bool:
    """A hint keeps nobody from signing: a person at a terminal is asked, a script is told in its answer."""
    if hints and not yes and frame.can_talk():
        terminal.warn(*hint_lines(hints))
        terminal.confirm("Sign it as it is?", yes=False)
    return True


@note.command("check")
@command
def note_check(which: RecordArg, as_json: Json = False) -> None:
    """Show what in a note, or any record, is worth a second look before you sign: places, numbers, days, and words that hide who did what.

    On the perpetrator side a note may not tell where anybody else is. It finds what has a form, and not everything: read it yourself too.

    Example: fieldkeep note check 9c1e
    """
    with frame.session() as opened:
        log, target = finding.find_record(opened, which)
        hints = hinting.look(opened, log, target)
    found = {"record": ids.show(target), "hints": hints_json(hints)}
    emit(found, *(hint_lines(hints) or ["Nothing was found. That is no proof: read it once more."]), as_json=as_json)


@note.command("sign")
@command
def note_sign(which: RecordArg, yes: Yes = False, as_json: Json = False) -> None:
    """Sign a note, or any record: evidence freezes, from then on there are only addenda.

    What `note check` finds is shown first, and keeps nobody from signing.

    Signing again says that you have read what others proposed since; the signed words stay.

    Example: fieldkeep note sign 9c1e
    """
    with frame.session() as opened:
        log, target = finding.find_record(opened, which)
        hints = hinting.look(opened, log, target)
        _may_sign(hints, yes=yes)
        read = records.sign(opened, log, target)
        told = told_across(opened, log, target)
    text = f"Signed; you have read {read} proposal(s)." if read else "Signed."
    emit(
        {"record": ids.show(target), "signed": True, "read": read, "told": told, "hints": hints_json(hints)}, text, *told_lines(told), as_json=as_json
    )


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
    frame.reason("--reason", reason)
    words = narrative(text, None)
    if not words or not words.strip():
        raise Refused("bad-value", "the addendum is empty: give its words, or - to read them")
    with frame.session() as opened:
        log, target = finding.find_record(opened, which)
        records.addend(opened, log, target, words, reason)
    emit({"record": ids.show(target)}, "Added.", as_json=as_json)


@note.command("list")
@command
def note_list(file: FileArg, as_json: Json = False) -> None:
    """List the notes of a file, in the order in which they were received.

    Example: fieldkeep note list 3fa8
    """
    with frame.session() as opened:
        log = finding.find_file(opened, file)
        rows = [(*finding.shown(opened, log, target),) for target, _ in opened.store.records(log, "case_note")]
        reading.looked(opened, log, kind="case_note")
        instead = dict(counted.corrected(opened, log, "case_note"))
        notes = [_note_json(opened, log, found, values, instead.get(found.id)) for found, values in rows if not found.hidden]
        bodies = [cell(opened, log, values["body"]) if "body" in values else "–" for found, values in rows if not found.hidden]
    if as_json:
        emit_json({"file": ids.show(log), "notes": notes})
        return
    cells = [
        [one["record"][:8], one["by"], _stands(one), "received" if one["received"] else "on this device", body]
        for one, body in zip(notes, bodies, strict=True)
    ]
    table("Notes", ["id", "by", "", "", "words"], cells)


def _stands(one: dict[str, Any]) -> str:
    return f"{one['state']}, corrected by {one['corrected_by'][:8]}" if one["corrected_by"] else str(one["state"])


def _note_json(opened: Session, log: bytes, found: Record, values: dict[str, Shown], instead: bytes | None) -> dict[str, Any]:
    body, signed = values.get("body"), records.is_signed(found)
    return {
        "record": ids.show(found.id), "by": opened.name_of(found.creator_user), "signed": signed,
        "state": "void" if is_void(found) else "signed" if signed else "draft", "received": not found.pending,
        "body": None if body is None or is_marker(body.value) else body.value, "removed": gone_json(opened, gone_of(opened, log, body)) if body else None,
        "conflict": bool(body and body.conflict),
        "addenda": len(values["addenda"].value) if "addenda" in values else 0, "corrected_by": ids.show(instead) if instead else None,
    }  # fmt: skip


@note.command("void")
@command
def note_void(
    which: RecordArg, reason: Annotated[str, typer.Option(help="Why: it is kept with the note.")], yes: Yes = False, as_json: Json = False
) -> None:
    """Make a note of your own void, draft or signed: it stays readable with the reason, and counts no more. There is no way back.

    Example: fieldkeep note void 9c1e --reason "written in the wrong file"
    """
    frame.reason("--reason", reason)
    with frame.session() as opened:
        log, target = finding.find_record(opened, which)
        terminal.confirm(f"Make {terminal.short(target)} void for good?", yes=yes)
        records.make_void(opened, log, target, reason)
    emit({"record": ids.show(target), "void": True}, "Void. Its words and the reason stay readable.", as_json=as_json)
