"""handover, cover."""

from typing import Annotated, Any

import typer

from shared_schema import ids
from shared_schema.errors import Refused
from shared_schema.records import code_list
from sync.device.cli import frame
from sync.device.cli.frame import FileArg, Json, command
from sync.device.cli.membership import change_people, sync_first
from sync.device.cli.sending import try_sync
from sync.device.cli.terminal import emit, emit_json, say, short, table
from sync.device.exchanging.syncing import sync
from sync.device.people import cover as covering
from sync.device.people import handovers
from sync.device.people.handovers import Handover
from sync.device.recording import finding, records
from sync.device.session import Session

handover = typer.Typer(help="A case goes from one worker to another.", no_args_is_help=True)
cover = typer.Typer(help="A colleague in a case for a time.", no_args_is_help=True)
WhichHandover = Annotated[str, typer.Argument(metavar="HANDOVER", help="The first characters of its id, as `handover list` shows it.")]
_REASONS = ", ".join(code_list("handover_reason").codes)
_OPEN = ", ".join(code_list("left_open").codes)
_NEXT = {
    "name": "a coordinator says who takes it: fieldkeep handover name",
    "accept": "who is named accepts: fieldkeep handover accept",
    "finish": "a coordinator changes who is in the file: fieldkeep handover finish",
    "": "done",
}


def _which(opened: Session, wanted: str) -> Handover:
    found = ((one.record, one) for one in handovers.handovers(opened))
    return finding.only(found, wanted, "handover", lambda one: finding.label(opened, one.log))


def _row(opened: Session, one: Handover) -> dict[str, Any]:
    return {
        "handover": ids.show(one.record), "file": ids.show(one.log), "file_label": finding.label(opened, one.log), "from": opened.name_of(one.leaves),
        "to": opened.name_of(one.to) if one.to else None, "why": one.values.get("why"), "left_open": list(one.values.get("left_open") or ()),
        "accepted": one.accepted, "waits_for": one.waits_for,
    }  # fmt: skip


@handover.command("ask")
@command
def handover_ask(
    which: FileArg,
    why: Annotated[str, typer.Option(help=f"One of: {_REASONS}.")],
    to: Annotated[str | None, typer.Option(help="Who is to take it; a coordinator can say so later.")] = None,
    from_: Annotated[str | None, typer.Option("--from", help="Whose case it is, where a coordinator asks for somebody who cannot.")] = None,
    explain: Annotated[list[str] | None, typer.Option(help=f"KIND=TEXT for what is still open; repeat. KIND: {_OPEN}.")] = None,
    client_told: Annotated[bool, typer.Option("--client-told", help="The client knows.")] = False,
    notes: Annotated[str | None, typer.Option(help="What the next worker should know.")] = None,
    as_json: Json = False,
) -> None:
    """Ask that a case goes to a colleague. What is open in it has to be settled or explained first. Also how one asks to leave.

    Example: fieldkeep handover ask 3fa8 --why leaver --to Priya --explain tasks="two, both for Priya now"
    """
    explained = {}
    for text in explain or []:
        kind, sign, words = text.partition("=")
        if not sign or not words.strip():
            raise Refused("bad-value", "want --explain KIND=TEXT")
        explained[kind] = words
    with frame.session() as opened:
        try_sync(opened)
        log = finding.find_file(opened, which)
        leaves = frame.person(opened, from_) if from_ else opened.identity.user
        more = {**({"client_told": "yes"} if client_told else {}), **({"notes": notes} if notes else {})}
        made = handovers.ask(opened, log, leaves, frame.person(opened, to) if to else None, why, explained, more)
        sent = try_sync(opened)
        row = _row(opened, _which(opened, ids.show(made)))
    emit(row | {"sent": sent}, ids.show(made), f"Asked. Next: {_NEXT[row['waits_for']]} {row['handover'][:8]}", as_json=as_json)


@handover.command("list")
@command
def handover_list(everything: Annotated[bool, typer.Option("--all", help="Those that are done too.")] = False, as_json: Json = False) -> None:
    """List handovers: of whose case, to whom, what waits.

    Example: fieldkeep handover list
    """
    with frame.session() as opened:
        rows = [_row(opened, one) for one in handovers.handovers(opened) if everything or not one.done]
    if as_json:
        emit_json({"handovers": rows})
        return
    table(
        "Handovers",
        ["id", "file", "from", "to", "why", "next"],
        [[row["handover"][:8], row["file_label"], row["from"], row["to"] or "?", row["why"], _NEXT[row["waits_for"]]] for row in rows],
    )
    for row in rows:
        say(*(f"  {row['handover'][:8]} left open: {one['count']} {one['kind']}: {one.get('explained', '')}" for one in row["left_open"]))


@handover.command("name")
@command
def handover_name(
    which: WhichHandover, to: Annotated[str | None, typer.Option(help="Who takes it; nobody named: who was asked for.")] = None, as_json: Json = False
) -> None:
    """Say who takes a case, and let them into it, so that they can read before they accept. For coordinators.

    Example: fieldkeep handover name 9c1e --to Priya
    """
    with frame.session() as opened, frame.online(opened) as transport:
        sync_first(opened, transport, "Nobody is named")
        one = _which(opened, which)
        user = frame.person(opened, to) if to else one.to
        if not user:
            raise Refused("bad-value", "want --to NAME: nobody was asked for")
        handovers.name(opened, one, user)
        if user not in opened.require_file(one.log).members:
            change_people(opened, transport, one.log, user, handovers.role_for(opened, one))
        sync(opened, transport)
        row = _row(opened, _which(opened, which))
    emit(row, f"{row['to']} is in the case, and can read it. Next: {_NEXT[row['waits_for']]} {row['handover'][:8]}", as_json=as_json)


@handover.command("accept")
@command
def handover_accept(which: WhichHandover, as_json: Json = False) -> None:
    """Take a case that is handed over to you.

    Example: fieldkeep handover accept 9c1e
    """
    with frame.session() as opened:
        try_sync(opened)
        handovers.accept(opened, _which(opened, which))
        try_sync(opened)
        row = _row(opened, _which(opened, which))
    emit(row, f"You have taken it over. Next: {_NEXT[row['waits_for']]} {row['handover'][:8]}", as_json=as_json)


@handover.command("finish")
@command
def handover_finish(
    which: WhichHandover,
    force: Annotated[bool, typer.Option("--force", help="Although it was not accepted.")] = False,
    reason: Annotated[str | None, typer.Option(help="Why, with --force.")] = None,
    stays: Annotated[bool, typer.Option("--stays", help="Who hands over stays in the file.")] = False,
    as_json: Json = False,
) -> None:
    """Change who is in the file, after the acceptance: who hands over leaves it, its key changes, and who takes it leads. For coordinators.

    Example: fieldkeep handover finish 9c1e
    """
    if force != bool(reason):
        raise typer.BadParameter("--force and --reason go together")
    if reason is not None:
        frame.reason("--reason", reason)
    with frame.session() as opened, frame.online(opened) as transport:
        sync_first(opened, transport, "Nothing is changed")
        one = _which(opened, which)
        handovers.require_finish(opened, one, reason or "")
        if one.to not in opened.require_file(one.log).members:
            change_people(opened, transport, one.log, one.to, handovers.role_for(opened, one))
        if not stays and one.leaves in opened.require_file(one.log).members:
            change_people(opened, transport, one.log, one.leaves, None)
        handovers.finished(opened, one, reason or "")
        sync(opened, transport)
        row = _row(opened, _which(opened, which))
    emit(row, f"{row['to']} leads the case; {row['from']} {'stays' if stays else 'is out of'} it.", as_json=as_json)


@handover.command("withdraw")
@command
def handover_withdraw(which: WhichHandover, reason: Annotated[str, typer.Option(help="Why: it is kept.")], as_json: Json = False) -> None:
    """Take back what you asked for, while it is not done.

    Example: fieldkeep handover withdraw 9c1e --reason "I am staying after all"
    """
    frame.reason("--reason", reason)
    with frame.session() as opened:
        one = _which(opened, which)
        if one.done:
            raise Refused("not-permitted", "this handover is done")
        records.make_void(opened, one.log, one.record, reason)
        sent = try_sync(opened)
    emit({"handover": ids.show(one.record), "withdrawn": True, "sent": sent}, "Taken back. It stays on record, as void.", as_json=as_json)


@cover.command("start")
@command
def cover_start(
    which: FileArg,
    who: Annotated[str, typer.Argument(help="Display name or user id.")],
    until: Annotated[str, typer.Option(help="The last day, as YYYY-MM-DD.")],
    role: Annotated[str, typer.Option(help="Role in this file.")] = "navigator",
    as_json: Json = False,
) -> None:
    """Let a colleague into a case until a day; your device takes them out again when it next syncs after that. For coordinators.

    Example: fieldkeep cover start 3fa8 Priya --until 2026-12-20
    """
    with frame.session() as opened, frame.online(opened) as transport:
        sync_first(opened, transport, f"{who} does NOT cover")
        log, user = finding.find_file(opened, which), frame.person(opened, who)
        covering.check(opened, log, user, until)
        change_people(opened, transport, log, user, role)
        covering.arrange(opened, log, user, until)
        sync(opened, transport)
        name = opened.name_of(user)
    emit(
        {"file": ids.show(log), "cover": name, "until": until}, f"{name} is in case {short(log)} until {until}, and reads all of it.", as_json=as_json
    )


@cover.command("end")
@command
def cover_end(which: FileArg, as_json: Json = False) -> None:
    """End a cover today: who covered is out of the file, and its key changes.

    Example: fieldkeep cover end 3fa8
    """
    with frame.session() as opened, frame.online(opened) as transport:
        sync_first(opened, transport, "The cover does NOT end")
        log = finding.find_file(opened, which)
        user = covering.end(opened, log)
        change_people(opened, transport, log, user, None)
        name = opened.name_of(user)
    emit({"file": ids.show(log), "cover": name, "ended": True}, f"{name} is out of case {short(log)}, and its key has changed.", as_json=as_json)
