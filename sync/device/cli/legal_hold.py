"""hold."""

from typing import Annotated, Any

import typer

from shared_schema import ids
from shared_schema.entry import Entry
from shared_schema.errors import Refused
from shared_schema.records import code_list
from sync.device.cli import frame, terminal
from sync.device.cli.frame import FileArg, Json, Yes, command
from sync.device.cli.removing import RequestArg, cancel
from sync.device.cli.sending import require_taken, try_sync
from sync.device.cli.terminal import emit, emit_json, short, table, when
from sync.device.cli.two_people import carry_out, find_request, online_if_possible, overtaken, request_json, request_row, said
from sync.device.exchanging.syncing import sync
from sync.device.exchanging.transport import HttpTransport
from sync.device.money import funds
from sync.device.recording import finding, records
from sync.device.removal import removing
from sync.device.session import Session

hold = typer.Typer(help="Keep a file whatever its age: one person begins a legal hold, two end it.", no_args_is_help=True)
Desk = Annotated[str | None, typer.Option(help="The desk file that the reason is written in, where there are several.")]


@hold.command("set")
@command
def hold_set(
    which: FileArg,
    kind: Annotated[str, typer.Option(help=f"One of: {', '.join(code_list('hold_kind').codes)}.")],
    reason: Annotated[str, typer.Option(help="Why. It is written in the desk file, and stays unseen in the file that is held.")],
    authority: Annotated[str, typer.Option(help="Who asks for it.")] = "",
    desk: Desk = None,
    as_json: Json = False,
) -> None:
    """Put a hold on a file: nothing in it goes by age, and it is not erased. A spill is removed all the same.

    Example: fieldkeep hold set 3fa8 --kind police --reason "investigation 44; see letter of 2 March"
    """
    frame.reason("--reason", reason)
    if kind not in code_list("hold_kind").codes:
        raise typer.BadParameter(f"kind is one of {', '.join(code_list('hold_kind').codes)}")
    with frame.session() as opened, frame.online(opened) as transport:
        sync(opened, transport)
        log, at = finding.find_file(opened, which), _desk(opened, desk)
        entry = _signed(opened, transport, log)
        values: dict[str, Any] = {"kind": kind, "reason": reason, "from": funds.today(opened), "files": [_row(log, entry.id)]}
        made = records.add(opened, at, "legal_hold", values | ({"authority": authority} if authority else {}))
        try_sync(opened)
    found = {"file": ids.show(log), "hold": entry.id.hex(), "record": ids.show(made), "desk": ids.show(at)}
    emit(found, entry.id.hex(), "The hold is on. Two people end it: fieldkeep hold release.", as_json=as_json)


def _signed(opened: Session, transport: HttpTransport, log: bytes) -> Entry:
    """Begin a hold; once more when a colleague changed the file meanwhile."""
    for attempt in (1, 2, 3):
        entry = removing.set_hold(opened, log)
        report = sync(opened, transport)
        if attempt == 3 or not overtaken(report, entry):
            break
    require_taken(opened, entry, report)
    return entry


def _row(log: bytes, statement: bytes) -> dict[str, str]:
    return {"file": ids.show(log), "statement": statement.hex()}


def _desk(opened: Session, named: str | None) -> bytes:
    if named is not None:
        return finding.find_file(opened, named)
    desks = [
        log
        for log in opened.file_logs()
        if (state := opened.file(log)) is not None and state.file == "desk" and opened.identity.user in state.members
    ]
    if len(desks) != 1:
        which = "you are in no desk file: begin one (file create desk)" if not desks else "you are in several desk files: name one with --desk"
        raise Refused("not-found", f"why a file is held is written in a desk file, and {which}")
    return desks[0]


@hold.command("list")
@command
def hold_list(as_json: Json = False) -> None:
    """List the holds on your files, and requests to end them.

    Example: fieldkeep hold list
    """
    with frame.session() as opened:
        rows = [row for log in opened.file_logs() for row in _holds(opened, log)]
        requests = [request_json(opened, one) for one in removing.list_requests(opened) if one.act == "release"]
    if as_json:
        emit_json({"holds": rows, "requests": requests})
        return
    cells = [[row["hold"][:8], row["file_label"], row["by"], when(row["since_ms"]), row["kind"] or "", row["reason"] or ""] for row in rows]
    table("Holds", ["id", "file", "by", "since", "kind", "reason"], cells)
    table("Requests to end one", ["id", "file", "by", "", "", "why"], [request_row(row) for row in requests])


def _holds(opened: Session, log: bytes) -> list[dict[str, Any]]:
    state = opened.file(log)
    found = []
    for statement in sorted(state.holds) if state is not None else ():
        row = opened.store.entry_by_id(log, statement)
        certificate = opened.registry.devices.get(row.author) if row is not None else None
        kind, reason = _why(opened, log, statement)
        found.append(
            {
                "hold": statement.hex(), "file": ids.show(log), "file_label": finding.label(opened, log), "since_ms": row.received_ms if row else 0,
                "by": opened.name_of(certificate.subject.user) if certificate else "unknown", "kind": kind, "reason": reason,
            }
        )  # fmt: skip
    return found


def _why(opened: Session, log: bytes, statement: bytes) -> tuple[str | None, str | None]:
    """What the desk says of a hold, for whoever is in the desk."""
    for desk in opened.file_logs():
        for record, _ in opened.store.records(desk, "legal_hold"):
            values = {name: one.value for name, one in finding.shown(opened, desk, record)[1].items()}
            if any(
                isinstance(row, dict) and (row.get("file"), row.get("statement")) == (ids.show(log), statement.hex())
                for row in values.get("files") or ()
            ):
                return values.get("kind"), values.get("reason")
    return None, None


@hold.command("release")
@command
def hold_release(
    which: Annotated[str, typer.Argument(metavar="HOLD", help="The first characters of its id, as `hold list` shows it.")],
    why: Annotated[str, typer.Option(help="Why it ends.")],
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Ask that a hold ends, and approve it: it ends when a second person agrees.

    Example: fieldkeep hold release 77ab --why "the police have what they asked for"
    """
    frame.reason("--why", why)
    with frame.session() as opened:
        try_sync(opened)
        pairs = [(statement, (log, statement)) for log in opened.file_logs() if (state := opened.file(log)) for statement in state.holds]
        log, statement = finding.only(pairs, which, "hold", lambda pair: finding.label(opened, pair[0]))
        said([f"A hold on the {finding.label(opened, log)}. When it has ended, the file goes by age like any other."], as_json=as_json)
        terminal.confirm("Ask for this hold to end?", yes=yes)
        made = removing.ask_release(opened, log, statement, why)
        sent = try_sync(opened)
        (request,) = [one for one in removing.list_requests(opened, log) if one.record == made]
        found = request_json(opened, request) | {"sent": sent}
    emit(found, ids.show(made), f"Asked for. A second person: fieldkeep hold approve {short(made)}", as_json=as_json)


@hold.command("approve")
@command
def hold_approve(which: RequestArg, yes: Yes = False, as_json: Json = False) -> None:
    """End the hold that a colleague asked to end.

    Example: fieldkeep hold approve 5d20
    """
    with frame.session() as opened, frame.online(opened) as transport:
        online_if_possible(opened, transport)
        request = find_request(opened, ("release",), which)
        said([f"{opened.name_of(request.by)} asks that a hold on the {finding.label(opened, request.log)} ends: {request.why}"], as_json=as_json)
        terminal.confirm("End this hold?", yes=yes)
        carry_out(opened, transport, request)
        left = len(opened.require_file(request.log).holds)
    text = "The hold has ended." + (f" {left} other(s) are still on the file." if left else "")
    emit({"request": ids.show(request.record), "file": ids.show(request.log), "holds": left}, text, as_json=as_json)


@hold.command("cancel")
@command
def hold_cancel(
    which: RequestArg, reason: Annotated[str, typer.Option(help="Why you take it back.")] = "not needed any more", as_json: Json = False
) -> None:
    """Take back your request to end a hold.

    Example: fieldkeep hold cancel 5d20
    """
    cancel(("release",), which, reason, as_json=as_json)
