"""erase."""

from pathlib import Path
from typing import Annotated, Any

import typer

from shared_schema import ids
from shared_schema.errors import Refused
from sync.device.across import cases
from sync.device.cli import frame, terminal
from sync.device.cli.frame import FileArg, Json, Yes, command
from sync.device.cli.removing import Reason, RequestArg, Why, cancel
from sync.device.cli.sending import try_sync
from sync.device.cli.terminal import emit, emit_json, short, table, when
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
from sync.device.recording import finding
from sync.device.removal import removed, removing
from sync.device.session import Session

erase = typer.Typer(help="Erase a whole file, at the end of its time: one person asks, a second one does it.", no_args_is_help=True)


@erase.command("request")
@command
def erase_request(
    which: FileArg,
    reason: Reason,
    why: Why = "",
    liaison: Annotated[bool, typer.Option("--liaison", help="Of a case also its liaison file, where the other side's letters come to.")] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Ask that a whole file is erased, and approve it: nothing goes until a second person does it.

    A case and its liaison file are two files: with --liaison both are asked for, each with a request of its own.

    Example: fieldkeep erase request 3fa8 --reason retention --liaison
    """
    with frame.session() as opened:
        try_sync(opened)
        log = finding.find_file(opened, which)
        logs = cases.with_liaison(opened, log)
        if liaison and len(logs) < 2:
            raise Refused("bad-value", "that is no case with a liaison file, or its liaison file is not on this device, or was erased")
        logs = logs if liaison else [log]
        said([line for one in logs for line in _before(opened, one)], as_json=as_json)
        terminal.confirm("Ask for both to be erased?" if liaison else "Ask for this file to be erased?", yes=yes)
        with opened.store.transaction():
            made = [removing.ask_erase(opened, one, reason, why) for one in logs]
        sent = try_sync(opened)
        asked = [request_json(opened, one) for one in removing.list_requests(opened) if one.record in made]
    rows = {row["file"]: row for row in asked}
    found = rows[ids.show(log)] | {"sent": sent, "liaison": rows[ids.show(logs[1])] if liaison else None}
    text = (
        f"Asked for. A second person of the file sees it{'' if sent else ', when this device has synced,'} and has until {when(found['until_ms'])}:"
    )
    emit(found, ids.show(made[0]), text, *(f"  fieldkeep erase approve {short(one)}" for one in made), as_json=as_json)


def _before(opened: Session, log: bytes) -> list[str]:
    records = opened.records(log)
    state = opened.require_file(log)
    kinds = sorted({one.type or "unknown" for one in records.values()})
    people = ", ".join(sorted(opened.name_of(user) for user in state.members))
    return [
        f"The {finding.label(opened, log)}: {len(records)} record(s) ({', '.join(kinds)}), {opened.reader(log).log.head.seq} entries.",
        f"All of it goes, with its keys, and there is no way back: from the server at once, from the devices of {people} at their next sync,",
        "with whatever they have written in it and not sent. There remain the ids and times of its entries, who erased it, and why.",
        *_liaison_lines(opened, log),
        NOT_REACHED,
    ]


def _liaison_lines(opened: Session, log: bytes) -> list[str]:
    """Of a case what becomes of its liaison file, of a liaison file what becomes of letters to it."""
    if opened.require_file(log).file == "liaison":
        return ["Letters of the other side that come to it from then on are not kept, and the other side is not told."]
    others = cases.with_liaison(opened, log)[1:]
    asked = {one.log: one.record for one in removing.list_requests(opened) if one.act == "erase" and one.state == "open"}
    how = {other: f"fieldkeep erase approve {short(asked[other])}" if other in asked else "--liaison asks for both" for other in others}
    return [
        f"Its liaison file {ids.show(other)[:8]}, with the other side's letters, is a file of its own and stays: {how[other]}." for other in others
    ]


@erase.command("list")
@command
def erase_list(as_json: Json = False) -> None:
    """List requests to erase files, and the files that were erased.

    Example: fieldkeep erase list
    """
    with frame.session() as opened:
        rows = [request_json(opened, one) for one in removing.list_requests(opened) if one.act == "erase"]
        gone = [_certificate(opened, None, log) for log in _erased(opened)]
    if as_json:
        emit_json({"requests": rows, "erased": gone})
        return
    table("Requests", ["id", "file", "by", "reason", "", "why"], [request_row(row) for row in rows])
    cells = [[row["file"][:8], row["kind"], when(row["erased_ms"]), row["reason"], f"{row['first']}, {row['second']}"] for row in gone]
    table("Erased", ["file", "kind", "when", "because", "by"], cells)


@erase.command("approve")
@command
def erase_approve(which: RequestArg, yes: Yes = False, as_json: Json = False) -> None:
    """Erase the file that a colleague asked to erase. A certificate of destruction is printed.

    Example: fieldkeep erase approve 5d20
    """
    with frame.session() as opened, frame.online(opened) as transport:
        online_if_possible(opened, transport)
        request = find_request(opened, ("erase",), which)
        who = f"{opened.name_of(request.by)} asks for this: {request.reason}{f' ({request.why})' if request.why else ''}."
        said([who, *_before(opened, request.log)], as_json=as_json)
        terminal.confirm("Erase this file for good?", yes=yes)
        carry_out(opened, transport, request)
        found = _certificate(opened, transport, request.log)
    emit(found, *_certificate_lines(found), as_json=as_json)


@erase.command("cancel")
@command
def erase_cancel(
    which: RequestArg, reason: Annotated[str, typer.Option(help="Why you take it back.")] = "not needed any more", as_json: Json = False
) -> None:
    """Take back a request of your own, while nobody has carried it out.

    Example: fieldkeep erase cancel 5d20
    """
    cancel(("erase",), which, reason, as_json=as_json)


@erase.command("certificate")
@command
def erase_certificate(
    which: FileArg, out: Annotated[Path | None, typer.Option(help="Also write it to this text file.")] = None, as_json: Json = False
) -> None:
    """Print the certificate of destruction of a file: what was removed, when, by whom, and what could not be reached.

    Example: fieldkeep erase certificate 3fa8 --out certificate.txt
    """
    with frame.session() as opened, frame.online(opened) as transport:
        asked = transport if online_if_possible(opened, transport) else None
        log = finding.find_file(opened, which)
        if log not in _erased(opened):
            raise Refused("not-found", "that file was not erased")
        found = _certificate(opened, asked, log)
    lines = _certificate_lines(found)
    if out is not None:
        out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    emit(found, *lines, as_json=as_json)


def _erased(opened: Session) -> list[bytes]:
    return [log for log in opened.file_logs() if (state := opened.file(log)) is not None and state.erased]


def _certificate(opened: Session, transport: HttpTransport | None, log: bytes) -> dict[str, Any]:
    (gone,) = [one for one in removed.all_gone(opened, log) if one.part is None]
    kept = removed.certificate(opened, log)
    state = opened.require_file(log)
    return {
        "file": ids.show(log), "kind": state.file, "side": state.side, "svc": ids.show(opened.identity.svc), "entries": gone.seq,
        "records": kept.get("records"), "begun_ms": kept.get("begun_ms") or None, "erased_ms": gone.ms, "reason": gone.reason,
        "first": opened.name_of(gone.first), "second": opened.name_of(gone.second), "statement": gone.id.hex(),
        "members": [{"name": opened.name_of(user), "role": role} for user, role in kept.get("members", [])],
        "not_reached": NOT_REACHED, **devices_json(opened, transport, gone),
    }  # fmt: skip


def _certificate_lines(found: dict[str, Any]) -> list[str]:
    people = ", ".join(f"{one['name']} ({one['role']})" for one in found["members"])
    records = f", {found['records']} record(s) as this device knew it" if found["records"] is not None else ""
    return [
        "Certificate of destruction",
        f"  file       {found['file']}, {found['kind']}, {found['side']} side of service {found['svc']}",
        f"  held       {found['entries']} entries{records}, begun {when(found['begun_ms'])} UTC",
        f"  members    {people or 'not known to this device'}",
        f"  removed    {when(found['erased_ms'])} UTC, because: {found['reason']}",
        f"  by         {found['first']}, who asked for it and approved it, and {found['second']}, who carried it out",
        f"  statement  {found['statement']}",
        "  Content, keys, the keys granted for recovery, and who wrote what were removed from the server. The ids and times of the entries remain.",
        f"  {devices_line(found)}",
        f"  {found['not_reached']}",
    ]
