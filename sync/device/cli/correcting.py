"""record correct, note correct; contact list, contact same: what counts once."""

from pathlib import Path
from typing import Annotated, Any

import typer

from shared_schema import ids
from shared_schema.errors import Refused
from sync.device.cli import frame
from sync.device.cli.frame import FileArg, Json, RecordArg, command
from sync.device.cli.noting import narrative
from sync.device.cli.recording import SetOption, needs_json, needs_lines, parse_sets
from sync.device.cli.terminal import emit, emit_json, plain, say, short, table
from sync.device.recording import finding, reading, records
from sync.device.returning import counted
from sync.device.session import Session

contact = typer.Typer(help="Contacts: attempts and meetings, each counted once.", no_args_is_help=True)


@command
def record_correct(which: RecordArg, set_: SetOption = None, as_json: Json = False) -> None:
    """Correct a signed record by a new one that takes its place: with all that it says, and what you --set. The old one stays readable.

    Of a colleague's record the narrative is left out: write your own.

    Example: fieldkeep record correct 9c1e --set result=no_answer
    """
    with frame.session() as opened:
        log, target = finding.find_record(opened, which)
        type_ = records.type_of(opened, log, opened.record(log, target))
        made = counted.correct(opened, log, target, parse_sets(opened, type_.name, set_))
        _tell(opened, log, target, made, as_json=as_json)


@command
def note_correct(
    which: RecordArg,
    body: Annotated[str | None, typer.Argument(help="The note as it should read; - reads standard input.")] = None,
    body_file: Annotated[Path | None, typer.Option("--from", help="Read the note from a text file.")] = None,
    set_: SetOption = None,
    as_json: Json = False,
) -> None:
    """Correct a signed note by a new note that takes its place. It is a draft until you sign it; the old words stay readable.

    Example: fieldkeep note correct 9c1e "He rang on Monday, not on Tuesday."
    """
    if body and body_file:
        raise Refused("bad-value", "give the note's words or --from, not both")
    words = narrative(body, body_file)
    with frame.session() as opened:
        log, target = finding.find_record(opened, which)
        if opened.record(log, target).type != "case_note":
            raise Refused("bad-value", "that is no case note: use `record correct`")
        changed = parse_sets(opened, "case_note", set_) | ({"body": words} if words else {})
        made = counted.correct(opened, log, target, changed)
        _tell(opened, log, target, made, as_json=as_json)


def _tell(opened: Session, log: bytes, old: bytes, made: bytes, *, as_json: bool) -> None:
    missing, signed = records.missing_to_sign(opened, log, made), records.is_signed(opened.record(log, made))
    found = {"record": ids.show(made), "corrects": ids.show(old), "file": ids.show(log), "signed": signed, "missing_to_sign": needs_json(missing)}
    then = "Signed by saving." if signed else f"It is a draft: fieldkeep note sign {short(made)}"
    emit(found, ids.show(made), f"Saved on this device: it takes the place of {short(old)}.", then, *needs_lines(missing, made), as_json=as_json)


@contact.command("list")
@command
def contact_list(file: FileArg, as_json: Json = False) -> None:
    """List the contacts of a file, each counted once, and those of different people that may be the same.

    Example: fieldkeep contact list 3fa8
    """
    with frame.session() as opened:
        log = finding.find_file(opened, file)
        rows = [_row(opened, log, one.stand, one.all) for one in counted.counted(opened, log, "contact")]
        maybe = [[ids.show(one.later), ids.show(one.earlier)] for one in counted.alike(opened, log)]
        reading.looked(opened, log, kind="contact")
    if as_json:
        emit_json({"file": ids.show(log), "count": len(rows), "contacts": rows, "maybe_same": maybe})
        return
    table(
        f"{len(rows)} contact(s)",
        ["id", "by", "how", "ended", "when", ""],
        [
            [
                one["record"][:8],
                ", ".join(one["by"]),
                plain(one["mode"]),
                plain(one["result"]),
                plain(one["event_at"]),
                f"{one['records']} records, one contact" if one["records"] > 1 else "",
            ]
            for one in rows
        ],
    )
    if maybe:
        say(*[f"May be the same: fieldkeep contact same {later[:8]} {earlier[:8]}" for later, earlier in maybe])


def _row(opened: Session, log: bytes, stand: tuple[bytes, ...], all_: tuple[bytes, ...]) -> dict[str, Any]:
    values = records.values(opened, log, stand[0])
    said = {name: values[name].value if name in values else None for name in ("mode", "result", "event_at")}
    by = list(dict.fromkeys(opened.name_of(opened.record(log, one).creator_user) for one in stand))
    return {"record": ids.show(stand[0]), "by": by, **said, "records": len(all_), "also": [ids.show(one) for one in all_ if one != stand[0]]}


@contact.command("same")
@command
def contact_same(
    which: RecordArg, other: Annotated[str, typer.Argument(help="The contact that it is the same as, in the same file.")], as_json: Json = False
) -> None:
    """Say that a contact of yours is one that a colleague wrote down too: both stay, and count once.

    Example: fieldkeep contact same 9c1e 4b7d
    """
    with frame.session() as opened:
        log, target = finding.find_record(opened, which)
        made = counted.say_same(opened, log, target, finding.find_record(opened, other, log)[1])
    emit({"record": ids.show(made), "file": ids.show(log)}, ids.show(made), "The two count once.", as_json=as_json)
