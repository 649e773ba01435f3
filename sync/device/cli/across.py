"""desk, parcel, instruction: what goes over to the other side, and comes from there."""

from typing import Annotated, Any

import typer

from shared_schema import ids
from shared_schema.errors import Refused
from shared_schema.parcel import decode_gate, week_of, week_starts
from shared_schema.records import code_list
from sync.device.across import board, cases, instructions, posting
from sync.device.cli import frame, terminal
from sync.device.cli.founding import AuthorityFolder, authority_in
from sync.device.cli.frame import FileArg, Json, command
from sync.device.cli.recording import SetOption, parse_sets
from sync.device.cli.sync_report import run_sync
from sync.device.cli.terminal import emit, emit_json, plain, table, when
from sync.device.entering.desk_codes import DeskRequest, decode_desk_request, decode_gate_code, gate_code
from sync.device.entering.profile import now_ms
from sync.device.recording import finding, reading
from sync.device.session import Session
from sync.letters import sign_gate

desk = typer.Typer(help="The file where a side receives what the other side sends.", no_args_is_help=True)
parcel = typer.Typer(help="What goes over to the other side.", no_args_is_help=True)
instruction = typer.Typer(help="What partner support asks of a case.", no_args_is_help=True)
_WEEKS = 52


@desk.command("request")
@command
def desk_request(which: FileArg, as_json: Json = False) -> None:
    """Make the code that the authority signs, so that an intake file becomes your side's desk for a year.

    Example: fieldkeep desk request 3fa8
    """
    with frame.session() as opened:
        log = finding.find_file(opened, which)
        address, key = board.desk_request(opened, log)
        code = DeskRequest(opened.identity.svc, opened.identity.side, address, key).text()
    emit(
        {"file": ids.show(log), "request": code}, code, "Whoever keeps the authority: fieldkeep desk certify --authority FOLDER CODE", as_json=as_json
    )


@desk.command("certify")
@command
def desk_certify(
    code: Annotated[str, typer.Argument(help="The code that `desk request` printed.")],
    authority: AuthorityFolder,
    weeks: Annotated[int, typer.Option(help="For how many weeks, 53 at most.")] = _WEEKS,
    after: Annotated[int, typer.Option(help="Begin so many weeks from now: to renew before the last gate ends.")] = 0,
    as_json: Json = False,
) -> None:
    """Sign a desk's gate with the service's authority: from then on the other side trusts it. Needs no connection.

    Example: fieldkeep desk certify --authority office/authority fieldkeep-desk1:pWF…
    """
    wanted = decode_desk_request(code)
    key, svc = authority_in(authority)
    if svc != wanted.svc:
        raise Refused("bad-value", "the code is of another service")
    first = week_of(now_ms()) + after
    gate = sign_gate(key, svc, wanted.side, wanted.address, wanted.key, first, first + weeks - 1)
    until = when(week_starts(first + weeks))
    emit(
        {"gate": gate_code(gate), "from_week": first, "until_week": first + weeks - 1},
        gate_code(gate),
        f"The desk publishes it: fieldkeep desk open FILE CODE. It ends on {until}; renew it before.",
        as_json=as_json,
    )


@desk.command("open")
@command
def desk_open(which: FileArg, code: Annotated[str, typer.Argument(help="The code that `desk certify` printed.")], as_json: Json = False) -> None:
    """Publish a signed gate: the other side can send to this desk.

    Example: fieldkeep desk open 3fa8 fieldkeep-gate1:0oRY…
    """
    gate = decode_gate_code(code)
    with frame.session() as opened, frame.online(opened) as transport:
        run_sync(opened, transport, quiet=True)
        log = finding.find_file(opened, which)
        board.desk_request(opened, log)
        board.publish(opened, transport, gate, only=log)
    found = decode_gate(gate)
    emit({"file": ids.show(log), "from_week": found.first, "until_week": found.last}, "The desk is open.", as_json=as_json)


@desk.command("show")
@command
def desk_show(as_json: Json = False) -> None:
    """Show the other side's desk as this device knows it.

    Example: fieldkeep desk show
    """
    with frame.session() as opened:
        where = board.desk(opened)
    found = {"known": where is not None, "week": where.week if where else None}
    emit(
        found,
        f"The other side's desk is open (key of the week of {when(week_starts(where.week))})." if where else "No desk is known yet.",
        as_json=as_json,
    )


# --- parcels -----------------------------------------------------------------------------------------------------------------


@parcel.command("list")
@command
def parcel_list(as_json: Json = False) -> None:
    """List what was sent across, and what still waits and why.

    Example: fieldkeep parcel list
    """
    with frame.session() as opened:
        waiting = [
            {
                "kind": row.kind,
                "file": ids.show(row.log),
                "made_ms": row.made_ms,
                "urgent": bool(row.urgent),
                "code": row.code,
                "message": row.message,
            }
            for row in opened.store.parcels()
        ]
        sent = [{"file": ids.show(log), **values} for log in opened.file_logs() for values in _sent(opened, log)]
    if as_json:
        emit_json({"waiting": waiting, "sent": sent})
        return
    table(
        "Not sent yet",
        ["what", "file", "since", "why"],
        [[str(one["kind"]), str(one["file"])[:8], when(int(str(one["made_ms"]))), str(one["message"])] for one in waiting],
    )
    table(
        "Sent",
        ["what", "file", "when", "said"],
        [[one.get("category", "–"), one["file"][:8], plain(one.get("sent_at", {}).get("at", "–")), _said(one)] for one in sent],
    )


def _sent(opened: Session, log: bytes) -> list[dict[str, Any]]:
    found = (cases.values_of(opened, log, record) for record, _ in opened.store.records(log, "parcel_sent"))
    return [values for values in found if "hash" in values]


def _said(one: dict[str, Any]) -> str:
    return ", ".join([*one.get("say", ()), *([one["gate"]] if "gate" in one else [])])


@parcel.command("details")
@command
def parcel_details(
    file: Annotated[str, typer.Option("--file", help="The case they were told in.")], set_: SetOption = None, as_json: Json = False
) -> None:
    """Send details of people harmed, taken in the field, to the victim side's desk. They are sealed at once: you cannot read them back.

    Example: fieldkeep parcel details --file 3fa8 --set 'people_harmed={"names": "Cheryl", "contact": "01642 000000"}'
    """
    with frame.session() as opened:
        log = finding.find_file(opened, file)
        values = {
            "received_on": cases.today(opened),
            "case": ids.show(cases.require_case(opened, log)),
            **parse_sets(opened, "referral_intake", set_),
        }
        made = posting.post(opened, log, "referral_intake", values, fixed=True)
    emit(
        {"parcel": ids.show(made)},
        "Sealed for the victim side's desk; it goes out with the next sync. Nothing of it can be read here.",
        as_json=as_json,
    )


# --- instructions ------------------------------------------------------------------------------------------------------------


@instruction.command("send")
@command
def instruction_send(
    file: Annotated[str, typer.Option("--file", help="Your own file that this is about, or the desk's.")],
    say: Annotated[list[str] | None, typer.Option(help=f"What is asked; repeat for several: {', '.join(code_list('instruction').codes)}.")] = None,
    gate: Annotated[str | None, typer.Option(help=f"Whether contact may be made: {', '.join(code_list('contact_gate').codes)}.")] = None,
    weeks: Annotated[int, typer.Option(help="For how many whole weeks, from today.")] = 1,
    ring_first: Annotated[str, typer.Option(help="duty_desk or coordinator.")] = "duty_desk",
    why: Annotated[str | None, typer.Option(help="Why: it stays on this side.")] = None,
    based_on: Annotated[list[str] | None, typer.Option(help="Whose knowledge it is: it stays on this side.")] = None,
    her_view: Annotated[str | None, typer.Option(help="agreed, not_asked_for_safety or objected: it stays on this side.")] = None,
    case: Annotated[str | None, typer.Option(help="The case of the other side, where your file has several.")] = None,
    as_json: Json = False,
) -> None:
    """Ask something of a case of the other side. Nothing of why, and no fact, goes with it; an end that would tell of a day in your file is refused.

    Example: fieldkeep instruction send --file 3fa8 --say ring_before_any_contact --weeks 2 --why "she moves on Friday"
    """
    if bool(say) == bool(gate):
        raise typer.BadParameter("give either --say or --gate")
    about = {name: value for name, value in (("why", why), ("based_on", based_on), ("her_view", her_view)) if value}
    with frame.session() as opened:
        log = finding.find_file(opened, file)
        to = pick_case(opened, log, case)
        word = "contact_gate" if gate else "instruction"
        decided = {"decided_by": ids.show(opened.identity.user), **about}
        made, until = instructions.instruct(opened, log, to, word=word, weeks=weeks, say=say or (), gate=gate, ring_first=ring_first, about=decided)
    found = {"parcel": ids.show(made), "case": to, "until": until}
    emit(found, f"It holds until {until}, that day included; it goes out with the next sync.", as_json=as_json)


def pick_case(opened: Session, log: bytes, wanted: str | None) -> str:
    """The one case that a file is linked to, or the one of several that is named. Raises Refused `not-found`."""
    known = [one for one in instructions.cases_known(opened, log) if wanted is None or one.startswith(wanted.lower())]
    if len(known) != 1:
        which = "no case of the other side is linked to this file" if not known else f"{len(known)} cases are: name one with --case"
        raise Refused("not-found", f"{which}; the desk links them: fieldkeep record add link --file DESK --set case=… --set file=…")
    return known[0]


@instruction.command("list")
@command
def instruction_list(which: Annotated[str | None, typer.Argument(metavar="CASE", help="One case only.")] = None, as_json: Json = False) -> None:
    """What partner support asks of your cases today. Where nothing was said, contact is on hold.

    Example: fieldkeep instruction list 3fa8
    """
    with frame.session() as opened:
        logs = [finding.find_file(opened, which)] if which else opened.file_logs()
        rows = [(log, found[0]) for log in logs if (found := cases.liaison_of(opened, log)) is not None]
        shown = [(log, finding.label(opened, log), instructions.in_force(opened, liaison)) for log, liaison in rows]
        for _, liaison in rows:
            reading.looked(opened, liaison, kind="instruction")
    listed = [
        {"case": ids.show(log), "gate": one.gate, "say": list(one.say), "words": list(one.words), "ring_first": one.ring_first, "until": one.until}
        for log, _, one in shown
    ]
    if as_json:
        emit_json({"instructions": listed})
        return
    labels = {term.code: term.label for name in ("contact_gate", "instruction", "ring_first") for term in code_list(name).terms}
    cells = [
        [
            name,
            labels.get(one.gate, one.gate),
            "; ".join([*(labels.get(word, word) for word in one.say), *one.words]),
            labels.get(one.ring_first or "", ""),
            one.until or "",
        ]
        for _, name, one in shown
    ]
    table("In force today", ["case", "contact", "asked", "ring", "until"], cells)
    if not cells:
        terminal.say("No case on this device has a letter box for partner support.")
