"""expunge."""

from typing import Annotated, Any

import typer

from shared_schema import ids
from shared_schema.errors import Refused
from shared_schema.removal import REASONS
from sync.device.cli import frame, terminal
from sync.device.cli.frame import Json, Yes, command
from sync.device.cli.sending import try_sync
from sync.device.cli.terminal import emit, emit_json, plain, short, table, when
from sync.device.cli.two_people import (
    NOT_REACHED,
    carry_out,
    devices_json,
    devices_line,
    find_request,
    online_if_possible,
    request_json,
    request_row,
    said,
)
from sync.device.exchanging.transport import HttpTransport
from sync.device.people import holding
from sync.device.recording import finding
from sync.device.removal import removed, removing
from sync.device.removal.removed import Gone
from sync.device.removal.removing import Part, Request
from sync.device.session import Session
from sync.fold import STATE

expunge = typer.Typer(help="Remove for good what should not be in a file: one person asks, a second one does it.", no_args_is_help=True)
RequestArg = Annotated[str, typer.Argument(metavar="REQUEST", help="The first characters of its id, as `expunge list` shows it.")]
Reason = Annotated[str, typer.Option(help=f"One of: {', '.join(REASONS)}.")]
Why = Annotated[str, typer.Option(help="Why, for your colleagues. Do not repeat what is to go: this stays.")]


@expunge.command("request")
@command
def expunge_request(
    reason: Reason,
    which: Annotated[str | None, typer.Argument(metavar="RECORD", help="Record id, or the first characters of it.")] = None,
    held: Annotated[str | None, typer.Option(help="Instead of a record: id of a held entry, as `held list` shows it.")] = None,
    entry: Annotated[list[int] | None, typer.Option(help="Only what stands in this entry, as `record history` shows it; repeat for several.")] = None,
    why: Why = "",
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Ask that what a record says is removed for good, and approve it: nothing goes until a second person does it.

    What was typed together goes together. Its place, who wrote it, when, and that it was signed stay.

    Example: fieldkeep expunge request 9c1e --reason spill --why "her address; told Ruth"
    """
    if (which is None) == (held is None):
        raise typer.BadParameter("name a record, or a held entry with --held")
    with frame.session() as opened:
        if held is not None:
            log, about, parts = _held_parts(opened, held)
        else:
            try_sync(opened)
            log, about, parts = _record_parts(opened, which or "", entry or [])
        said(_before(opened, log, about, parts), as_json=as_json)
        terminal.confirm("Ask for this to be removed for good?", yes=yes)
        made = removing.ask_expunge(opened, log, parts, reason, why, about)
        sent = try_sync(opened)
        (request,) = [one for one in removing.list_requests(opened, log) if one.record == made]
        found = request_json(opened, request) | {"sent": sent, "also_said": [_also(*one) for one in removing.also_said(opened, log, parts)]}
    text = f"Asked for. A second person of the file sees it{'' if sent else ', when this device has synced,'} and has until {when(request.until)}:"
    emit(found, ids.show(made), text, f"  fieldkeep expunge approve {short(made)}", as_json=as_json)


def _record_parts(opened: Session, which: str, entries: list[int]) -> tuple[bytes, bytes, list[Part]]:
    log, record = finding.find_record(opened, which)
    parts = [part for part in removing.parts_of(opened, log, record) if part.at in entries or (not entries and _says(part))]
    if len({part.at for part in parts}) < len(set(entries)):
        raise Refused("not-found", "this record has nothing in one of these entries; `record history` shows them")
    if not parts:
        raise Refused("not-found", "nothing of it is in the log: what is on this device only is taken back with `record undo`")
    return log, record, parts


def _says(part: Part) -> bool:
    """False for a part that signs, deletes or changes the state alone."""
    return any(op.action in ("set", "add", "resolve") and op.field != STATE for change in part.changes for op in change.ops)


def _held_parts(opened: Session, prefix: str) -> tuple[bytes, None, list[Part]]:
    with frame.online(opened) as transport:
        online_if_possible(opened, transport)
        one = holding.find(list(holding.fetch(opened, transport, sorted(holding.waiting(opened)))), prefix)
    return one.log, None, removing.parts_in(opened, one.log, one.entry, 0)


def _before(opened: Session, log: bytes, about: bytes | None, parts: list[Part]) -> list[str]:
    """What is there now, what of it goes, and what does not."""
    lines = _record_lines(opened, log, about) if about else ["Something that is held, and not in the file:"]
    lines.append("This goes, everywhere, and there is no way back:")
    for part in parts:
        fields = dict.fromkeys(str(op.field if isinstance(op.field, str) else op.field.list) for change in part.changes for op in change.ops)
        where = f"entry {part.at}" if part.at else "held"
        lines.append(f"  {where}, part {part.index}: {', '.join(fields) or 'nothing that this device can read'}")
    if not about:
        lines.append("The rest of what is held cannot be let in any more: let it in first, and have the part expunged then, if the rest is wanted.")
    lines += [f"It is also said in entry {seq}, record {short(record)}: that stays." for seq, record in removing.also_said(opened, log, parts)]
    lines += ["The letter of the other side that it was made from goes too, from this side's server."] if any(part.parcel for part in parts) else []
    lines += [
        f"The {finding.label(opened, file)} has a copy, record {short(record)}: that stays." for file, record in removing.copies(opened, log, parts)
    ]
    names = ", ".join(sorted({opened.name_of(user) for user in opened.require_file(log).members}))
    return [*lines, f"Reached: the server at once; the devices of {names} at their next sync.", NOT_REACHED]


def _record_lines(opened: Session, log: bytes, record: bytes) -> list[str]:
    found, values = finding.shown(opened, log, record)
    lines = [f"{found.type or 'record'} {short(record)} by {opened.name_of(found.creator_user)}, in the {finding.label(opened, log)}:"]
    return lines + [f"  {name}: {plain(one.value)}" for name, one in values.items() if one.value is not None]


def _also(seq: int, record: bytes) -> dict[str, Any]:
    return {"entry": seq, "record": ids.show(record)}


@expunge.command("list")
@command
def expunge_list(
    of_file: Annotated[str | None, typer.Option("--file", help="Only of this file.")] = None,
    devices: Annotated[bool, typer.Option("--devices", help="Ask the server which devices have purged what was removed.")] = False,
    as_json: Json = False,
) -> None:
    """List what colleagues ask to remove, and what was removed.

    Example: fieldkeep expunge list --devices
    """
    with frame.session() as opened, frame.online(opened) as transport:
        asked = transport if devices and online_if_possible(opened, transport) else None
        log = finding.find_file(opened, of_file) if of_file else None
        rows = [request_json(opened, one) for one in removing.list_requests(opened, log) if one.act == "expunge"]
        gone = [
            _gone_json(opened, asked, one) for file in ([log] if log else opened.file_logs()) for one in removed.all_gone(opened, file) if one.part
        ]
    if as_json:
        emit_json({"requests": rows, "removed": gone})
        return
    table("Requests", ["id", "file", "by", "reason", "", "why"], [request_row(row) for row in rows])
    cells = [
        [row["file_label"], row["what"], when(row["ms"]), row["reason"], f"{row['first'] or 'the calendar'}, {row['second']}", devices_line(row)]
        for row in gone
    ]
    table("Removed", ["file", "what", "when", "because", "by", "devices"], cells)


def _gone_json(opened: Session, transport: HttpTransport | None, one: Gone) -> dict[str, Any]:
    at, envelope, part = one.part or (0, b"", 0)
    return {
        "file": ids.show(one.log), "file_label": finding.label(opened, one.log), "by_entry": one.seq, "statement": one.id.hex(), "ms": one.ms,
        "reason": one.reason, "first": opened.name_of(one.first) if one.first else None, "second": opened.name_of(one.second), "entry": at or None, "id": envelope.hex(),
        "part": part, "what": f"entry {at}, part {part}" if at else f"part {part} of what was held", **devices_json(opened, transport, one),
    }  # fmt: skip


@expunge.command("approve")
@command
def expunge_approve(which: RequestArg, yes: Yes = False, as_json: Json = False) -> None:
    """Remove for good what a colleague asked to remove. You are shown it first.

    Example: fieldkeep expunge approve 5d20
    """
    with frame.session() as opened, frame.online(opened) as transport:
        online_if_possible(opened, transport)
        request = find_request(opened, ("expunge",), which)
        said(_request_lines(opened, transport, request), as_json=as_json)
        terminal.confirm("Remove this for good?", yes=yes)
        done = carry_out(opened, transport, request)
        gone = [_gone_json(opened, transport, one) for one in removed.all_gone(opened, request.log) if one.id in {entry.id for entry in done}]
    emit(
        {"request": ids.show(request.record), "removed": gone},
        "Removed.",
        *(f"  {row['what']}: {devices_line(row)}" for row in gone),
        as_json=as_json,
    )


def _request_lines(opened: Session, transport: HttpTransport, request: Request) -> list[str]:
    parts = []
    for asked in request.left:
        at, entry_id, index, *_ = asked.part or (0, b"", 0, b"", None)
        found = removing.parts_at(opened, request.log, at) if at else _of_held(opened, transport, request.log, entry_id)
        parts += [part for part in found if (part.id, part.index) == (entry_id, index)]
    who = f"{opened.name_of(request.by)} asks for this: {request.reason}{f' ({request.why})' if request.why else ''}."
    return [who, *_before(opened, request.log, request.about, parts)]


def _of_held(opened: Session, transport: HttpTransport, log: bytes, entry_id: bytes) -> list[Part]:
    found = next((one.entry for one in holding.fetch(opened, transport, [log]) if one.entry.id == entry_id), None)
    return [] if found is None else removing.parts_in(opened, log, found, 0)


@expunge.command("cancel")
@command
def expunge_cancel(
    which: RequestArg, reason: Annotated[str, typer.Option(help="Why you take it back.")] = "not needed any more", as_json: Json = False
) -> None:
    """Take back a request of your own, while nobody has carried it out.

    Example: fieldkeep expunge cancel 5d20 --reason "it was the other note"
    """
    cancel(("expunge",), which, reason, as_json=as_json)


def cancel(acts: tuple[str, ...], which: str, reason: str, *, as_json: bool) -> None:
    """Take back a request of these acts."""
    frame.reason("--reason", reason)
    with frame.session() as opened:
        try_sync(opened)
        request = find_request(opened, acts, which)
        removing.withdraw(opened, request, reason)
        sent = try_sync(opened)
    text = "Taken back." if sent else "Taken back on this device; your colleagues see it when it has synced."
    emit({"request": ids.show(request.record), "state": "withdrawn", "sent": sent}, text, as_json=as_json)
