"""instruction ask, asked, agree, withdraw: words of one's own for a case of the other side, which take two people."""

from typing import Annotated, Any

import typer

from shared_schema import ids
from shared_schema.records import code_list
from sync.device.across import agreeing
from sync.device.across.agreeing import Asked
from sync.device.cli import frame, terminal
from sync.device.cli.across import pick_case
from sync.device.cli.frame import Json, Yes, command
from sync.device.cli.sending import try_sync
from sync.device.cli.terminal import emit, emit_json, short, table, when
from sync.device.cli.two_people import said
from sync.device.recording import finding
from sync.device.session import Session
from sync.wording import look

RequestArg = Annotated[str, typer.Argument(metavar="REQUEST", help="The first characters of its id, as `instruction asked` shows it.")]


@command
def ask(
    text: Annotated[str, typer.Argument(help="What to do, in your own words: an action, never a fact.")],
    file: Annotated[str, typer.Option("--file", help="Your own file that this is about, or the desk's.")],
    based_on: Annotated[
        list[str], typer.Option(help=f"Whose knowledge it is; repeat for several: {', '.join(code_list('source_of_information').codes)}.")
    ],
    weeks: Annotated[int, typer.Option(help="For how many whole weeks, from today.")] = 1,
    say: Annotated[list[str] | None, typer.Option(help="Of the closed list, besides.")] = None,
    ring_first: Annotated[str, typer.Option(help="duty_desk or coordinator.")] = "duty_desk",
    why: Annotated[str | None, typer.Option(help="Why: it stays on this side.")] = None,
    her_view: Annotated[str | None, typer.Option(help="agreed, not_asked_for_safety or objected: it stays on this side.")] = None,
    case: Annotated[str | None, typer.Option(help="The case of the other side, where your file has several.")] = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Ask that a case is told something in your own words. Nothing goes until a second person has read exactly these words and agrees.

    Words that name a place, a number or a day are refused, and so is what nobody but she or a child knows: for that there is the closed list.

    Example: fieldkeep instruction ask "Ring the coordinator before you set out." --file 3fa8 --based-on police --weeks 2
    """
    about = {name: value for name, value in (("why", why), ("her_view", her_view)) if value}
    with frame.session() as opened:
        log = finding.find_file(opened, file)
        to = pick_case(opened, log, case)
        seen = [str(one) for one in look(text) if not one.stops]
        if seen:
            said([f"Look at these words again: {', '.join(seen)}. Do they say what to do, or what is so?"], as_json=as_json)
            terminal.confirm("Ask for them as they are?", yes=yes)
        made = agreeing.ask(opened, log, to, text, weeks=weeks, based_on=based_on, say=say or (), ring_first=ring_first, about=about)
        sent = try_sync(opened)
        one = next(one for one in agreeing.list_asked(opened, log) if one.record == made)
        found = _json(opened, one) | {"sent": sent}
    until = when(one.approval.until)
    line = f"Asked for. A second person of the file sees it{'' if sent else ', when this device has synced,'} and has until {until}:"
    emit(found, ids.show(made), line, f"  fieldkeep instruction agree {short(made)}", as_json=as_json)


def _json(opened: Session, one: Asked) -> dict[str, Any]:
    return {
        "request": ids.show(one.record), "file": ids.show(one.log), "file_label": finding.label(opened, one.log), "case": ids.show(one.case),
        "by": opened.name_of(one.by), "text": one.body["free_text"], "say": one.body.get("say", []), "from": one.body["from"],
        "until": one.body["until"], "ring_first": one.body["ring_first"], "why": one.about.get("why"), "her_view": one.about.get("her_view"),
        "based_on": list(one.about.get("based_on", ())), "seen": [str(seen) for seen in one.seen], "state": one.state, "ends_ms": one.approval.until,
    }  # fmt: skip


@command
def asked(
    everything: Annotated[bool, typer.Option("--all", help="What was sent, taken back or has ended too.")] = False, as_json: Json = False
) -> None:
    """List the words that people ask to send, with who asked and until when somebody can agree.

    Example: fieldkeep instruction asked
    """
    with frame.session() as opened:
        rows = [_json(opened, one) for one in agreeing.list_asked(opened) if everything or one.state in ("open", "agreed")]
    if as_json:
        emit_json({"asked": rows})
        return
    cells = [[row["request"][:8], row["file_label"], row["by"], row["text"], f"{row['from']} to {row['until']}", row["state"]] for row in rows]
    table("Words that take two people", ["id", "file", "asked by", "words", "in force", "state"], cells)
    if not rows:
        terminal.say("Nobody asks for anything.")


@command
def agree(which: RequestArg, yes: Yes = False, as_json: Json = False) -> None:
    """Read the exact words that a colleague asks to send, agree, and send them.

    Example: fieldkeep instruction agree 5d20
    """
    with frame.session() as opened:
        try_sync(opened)
        one = _find(opened, which)
        said(_lines(opened, one), as_json=as_json)
        terminal.confirm("Send exactly these words?", yes=yes)
        made = agreeing.agree(opened, one)
        sent = try_sync(opened)
        state = next(again.state for again in agreeing.list_asked(opened, one.log) if again.record == one.record)
    found = {"request": ids.show(one.record), "parcel": ids.show(made), "until": one.body["until"], "sent": sent, "state": state}
    text = "It has gone." if state == "sent" else "It goes out with the next sync."
    emit(found, f"{text} It holds until {one.body['until']}, that day included.", as_json=as_json)


def _lines(opened: Session, one: Asked) -> list[str]:
    said_too = f" Besides: {', '.join(one.body['say'])}." if one.body.get("say") else ""
    seen = f"Look at: {', '.join(map(str, one.seen))}." if one.seen else "Nothing in it has the form of a place, a number, a day or a name."
    known = ", ".join(one.about.get("based_on", ()))
    return [
        f"{opened.name_of(one.by)} asks to tell a case of the other side, from {one.body['from']} to {one.body['until']}:",
        f"  “{one.body['free_text']}”{said_too}",
        seen,
        f"Known from: {known}. Why (it stays here): {one.about.get('why', 'not said')}. Her view: {one.about.get('her_view', 'not said')}.",
        "They will read these words and nothing else. What you send cannot be taken back.",
    ]


def _find(opened: Session, prefix: str) -> Asked:
    return finding.only([(one.record, one) for one in agreeing.list_asked(opened)], prefix, "request", lambda one: finding.label(opened, one.log))


@command
def withdraw(
    which: RequestArg, reason: Annotated[str, typer.Option(help="Why you take it back.")] = "not needed any more", as_json: Json = False
) -> None:
    """Take back what you asked for, while it has not gone.

    Example: fieldkeep instruction withdraw 5d20 --reason "she has moved already"
    """
    frame.reason("--reason", reason)
    with frame.session() as opened:
        try_sync(opened)
        one = _find(opened, which)
        agreeing.withdraw(opened, one, reason)
        sent = try_sync(opened)
    text = "Taken back." if sent else "Taken back on this device; your colleagues see it when it has synced."
    emit({"request": ids.show(one.record), "state": "withdrawn", "sent": sent}, text, as_json=as_json)


def add_to(instruction: typer.Typer) -> None:
    """These commands among those of `instruction`."""
    for name, function in (("ask", ask), ("asked", asked), ("agree", agree), ("withdraw", withdraw)):
        instruction.command(name)(function)
