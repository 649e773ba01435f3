"""export, and file reads."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from shared_schema import ids
from shared_schema.errors import Refused
from shared_schema.records import code_list
from sync.device.cli import auditing, frame, terminal
from sync.device.cli.auditing import Authority
from sync.device.cli.frame import FileArg, Json, Yes, command
from sync.device.cli.membership import sync_first
from sync.device.cli.sending import try_sync
from sync.device.cli.terminal import emit, emit_json, table, when
from sync.device.exports import audit_files, export_checking, export_files, exporting, exports
from sync.device.exports.export_content import LEFT_OUT, WHOLE, unknown
from sync.device.exports.exporting import Request
from sync.device.recording import finding, reading
from sync.device.recording.reading import Read
from sync.device.session import Session

export = typer.Typer(help="Write a file's content out, for somebody who may have it: one person asks, a second one does it.", no_args_is_help=True)
_PURPOSES: Final = code_list("export_purpose").codes
RequestArg = Annotated[str, typer.Argument(help="Id of the request, or the first characters of it.")]


@export.command("request")
@command
def export_request(
    which: FileArg,
    purpose: Annotated[str, typer.Option(help=f"What for: {', '.join(_PURPOSES)}.")],
    to: Annotated[str, typer.Option(help="Who gets it.")],
    why: Annotated[str, typer.Option(help="Why, for colleagues.")] = "",
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Ask that a file is exported as it is in the log now, and approve it: nothing is written until a second person does it, within a week.

    Example: fieldkeep export request 3fa8 --purpose subject_access --to "Jack, by recorded delivery"
    """
    to = frame.called("--to", to)
    with frame.session() as opened:
        try_sync(opened)
        log = finding.find_file(opened, which)
        if not as_json:
            terminal.say(
                f"The {finding.label(opened, log)}, for {purpose.replace('_', ' ')}, to {to}.", LEFT_OUT if purpose == exporting.SUBJECT else WHOLE
            )
        terminal.confirm("Ask for it to be exported?", yes=yes)
        made = exporting.ask(opened, log, purpose, to, why)
        sent = try_sync(opened)
        [one] = [one for one in exporting.list_requests(opened, log) if one.record == made]
        found = _request_json(opened, one) | {"sent": sent}
    text = (
        f"Asked for. A second person of the file sees it{'' if sent else ', when this device has synced,'} and has until {when(found['until_ms'])}:"
    )
    steps = [f"  fieldkeep export review {terminal.short(made)}"] if purpose == exporting.SUBJECT else []
    emit(found, ids.show(made), text, *steps, f"  fieldkeep export make {terminal.short(made)} --out FOLDER", as_json=as_json)


def _request_json(opened: Session, one: Request) -> dict[str, Any]:
    return {
        "request": ids.show(one.record), "file": ids.show(one.log), "file_label": finding.label(opened, one.log), "number": one.number,
        "purpose": one.purpose, "to": one.to, "why": one.why or None, "by": opened.name_of(one.by), "upto": one.upto, "state": one.state,
        "until_ms": one.approval.until,
    }  # fmt: skip


@export.command("list")
@command
def export_list(as_json: Json = False) -> None:
    """List requests to export, and every export that is on record, with those for which no approval holds.

    Example: fieldkeep export list
    """
    with frame.session() as opened:
        asked = [_request_json(opened, one) for one in exporting.list_requests(opened)]
        made = [_made_json(opened, one) for log in opened.file_logs() if _sees(opened, log) for one in exports.exported(opened, log)]
    if as_json:
        emit_json({"requests": asked, "exports": made})
        return
    cells = [[row["request"][:8], row["file_label"], row["by"], row["purpose"], row["to"], row["state"], row["why"] or ""] for row in asked]
    table("Requests", ["id", "file", "by", "for", "to", "", "why"], cells)
    cells = [
        [
            row["number"] or "–",
            row["file"][:8],
            when(row["at_ms"]),
            row["by"],
            row["approved_by"] or "NOBODY",
            row["purpose"],
            row["to"],
            row["wrong"] or "",
        ]
        for row in made
    ]
    table("Exports", ["number", "file", "when", "by", "approved by", "for", "to", ""], cells)


def _sees(opened: Session, log: bytes) -> bool:
    return opened.file(log) is not None and reading.may_see(opened, log)


def _made_json(opened: Session, one: exports.Exported) -> dict[str, Any]:
    return {
        "number": one.approval.hex()[:12] or None, "file": ids.show(one.log), "seq": one.seq, "at_ms": one.received_ms, "by": opened.name_of(one.user),
        "approved_by": opened.name_of(one.approver) if one.approver else None, "purpose": one.purpose, "to": one.to, "upto": one.upto,
        "holds": not one.wrong, "wrong": one.wrong or None,
    }  # fmt: skip


def find_request(opened: Session, prefix: str) -> Request:
    """The one request whose id begins like that. Raises Refused `not-found`."""
    known = [(one.record, one) for one in exporting.list_requests(opened)]
    return finding.only(known, prefix, "request", lambda one: f"{one.purpose}, {finding.label(opened, one.log)}")


@export.command("make")
@command
def export_make(
    which: RequestArg, out: Annotated[Path, typer.Option(help="Folder to make; nothing may be there.")], yes: Yes = False, as_json: Json = False
) -> None:
    """Export the file that a colleague asked to export. It is put on record in the file first: without a connection nothing is written. For a subject
    access request every passage about others has to be decided before: `export review`.

    In OUT/to-hand-over are a document to print (PDF), the same as a page, as JSON and as tables (CSV), and a signed list of these files; in OUT/to-keep
    the place of each record in the log, and what was taken out, for an auditor.

    Example: fieldkeep export make 5d20 --out jack
    """
    with frame.session() as opened, frame.online(opened) as transport:
        export_files.require_free(out)
        sync_first(opened, transport, "Nothing is exported", "an export is put on record in the file before it is written")
        request = find_request(opened, which)
        if not as_json:
            terminal.say(
                f"{opened.name_of(request.by)} asks for this: the {finding.label(opened, request.log)}, for {request.purpose.replace('_', ' ')}, to {request.to}."
                f"{f' ({request.why})' if request.why else ''}",
                LEFT_OUT if request.purpose == exporting.SUBJECT else WHOLE,
            )
        terminal.confirm("Export it? Whoever has the folder can read all of it.", yes=yes)
        export_files.begin(opened, request)
        sync_first(opened, transport, "Nothing is exported", "that you export it is not on record yet")
        made = exporting.on_record(opened, request)
        with terminal.progress("writing", quiet=as_json):
            content = export_files.write(opened, request, made, out)
        exporting.set_made(opened, request)
        found = _made_json(opened, made) | {"out": str(out), "records": len(content["records"]), "unknown_left_out": unknown(opened, request)}
    lines = [f"{out}: export {found['number']}, {found['records']} record(s), on record as entry {found['seq']} of the file."]
    if found["unknown_left_out"]:
        lines.append(f"{found['unknown_left_out']} record(s) of types that this app does not know are NOT in it: install a newer one, and ask again.")
    emit(
        found, *lines, f"Hand over {out / export_files.HANDED} only. It is plain text on this disk: delete it when it is delivered.", as_json=as_json
    )


@export.command("cancel")
@command
def export_cancel(
    which: RequestArg, reason: Annotated[str, typer.Option(help="Why you take it back.")] = "not needed any more", as_json: Json = False
) -> None:
    """Take back a request of your own, while nobody has carried it out.

    Example: fieldkeep export cancel 5d20
    """
    frame.reason("--reason", reason)
    with frame.session() as opened:
        request = find_request(opened, which)
        exporting.withdraw(opened, request, reason)
        sent = try_sync(opened)
    emit({"request": ids.show(request.record), "sent": sent}, "Taken back.", as_json=as_json)


@export.command("check")
@command
def export_check(
    folder: Annotated[
        Path, typer.Argument(help="The folder of an export, with both folders in it; without AUDIT also the one that was handed over.")
    ],
    audit: Annotated[Path | None, typer.Argument(help="An audit export of the same side: fieldkeep audit export.")] = None,
    authority: Authority = None,
    as_json: Json = False,
) -> None:
    """Check that no file of an export was changed since it was written; with an audit export also that its signature is the exporting device's, and that
    every edit in it stands in the log where it says. Exit 1 names what does not.

    Example: fieldkeep export check jack perpetrator.jsonl

    Example: fieldkeep export check jack/to-hand-over
    """
    if audit is None:
        listed = export_checking.unchanged(folder)
        found = {"ok": True, "wrong": [], "number": listed["number"], "files": len(listed["files"]), "held_against_log": False}
        emit(
            found,
            f"Export {listed['number']}: {len(listed['files'])} file(s), none of them changed.",
            "Who wrote it, and whether it is what the log has, only an audit export of the side shows: fieldkeep export check FOLDER AUDIT",
            as_json=as_json,
        )
        return
    export_checking.unchanged(folder)
    read, claimed = audit_files.read_export(audit)
    pin = auditing.pin_of(authority, claimed)
    wrong = export_checking.against(folder, read, pin.fingerprint)
    good = "Every edit in it stands in the log where it says." if not wrong else f"NOT as the log has it: {len(wrong)} finding(s)."
    emit(
        {"ok": not wrong, "wrong": wrong, "authority_verified": pin.verified, "held_against_log": True},
        good, *[f"  {one}" for one in wrong], pin.said(), as_json=as_json,
    )  # fmt: skip
    if wrong:
        raise typer.Exit(1)


# --- who read what -------------------------------------------------------------------------------------------------------------------------


@command
def file_reads(
    which: FileArg,
    record: Annotated[str | None, typer.Option("--record", help="One record only: who had it before them.")] = None,
    as_json: Json = False,
) -> None:
    """List who opened, or exported, what in a file, by when. For those who lead it, and records officers; a device that was stopped may not have told all.

    Example: fieldkeep file reads 3fa8 --record 9c1e
    """
    with frame.session() as opened:
        log = finding.find_file(opened, which)
        if not reading.may_see(opened, log):
            raise Refused("not-permitted", "who read what is shown to those who lead the file, and to records officers")
        target = finding.find_record(opened, record, log)[1] if record else None
        found = [one for one in reading.reads(opened, log) if target is None or reading.about(opened, log, one.cells, target)]
        rows = [_read_json(opened, one) for one in found]
    if as_json:
        emit_json({"file": ids.show(log), "reads": rows})
        return
    cells = [
        [
            row["by"],
            row["how"],
            _what(row),
            row["first"],
            row["last"],
            str(row["times"]),
            when(row["received_ms"]) if row["seq"] else "on this device",
        ]
        for row in rows
    ]
    table("Read", ["who", "how", "what", "first", "last", "times", "told"], cells)


def _read_json(opened: Session, one: Read) -> dict[str, Any]:
    cells = one.cells
    at, until = (cells[name].get("at") if isinstance(cells.get(name), dict) else None for name in ("at", "until"))
    return {
        "by": opened.name_of(one.user), "device": ids.show(one.device), "how": cells.get("how"), "record": cells.get("record"), "kind": cells.get("kind"),
        "upto": cells.get("upto"), "first": at, "last": until or at, "times": cells.get("times", 1), "seq": one.seq, "received_ms": one.received_ms,
        "purpose": cells.get("purpose"), "to": cells.get("to"),
    }  # fmt: skip


def _what(row: dict[str, Any]) -> str:
    if row["record"]:
        return str(row["record"])[:8]
    return f"every {row['kind'] or 'record'} up to entry {row['upto'] or '–'}"
