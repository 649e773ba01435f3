"""urgent."""

from contextlib import suppress
from typing import Annotated, Any

import typer

from shared_schema import ids
from shared_schema.errors import Refused
from shared_schema.records import code_list
from sync.device.across import urgent as alerts
from sync.device.across.urgent import Alert
from sync.device.cli import frame
from sync.device.cli.frame import Json, command
from sync.device.cli.sending import try_sync
from sync.device.cli.terminal import emit, emit_json, plain, say, table, when
from sync.device.recording import finding, reading
from sync.device.session import Session

urgent = typer.Typer(help="Danger now: ring first, then record it here.", no_args_is_help=True)
WhichAlert = Annotated[str, typer.Argument(metavar="ALERT", help="The first characters of its id, as `urgent list` shows it.")]
_CALLS = ", ".join(code_list("urgent_call").codes)


def _labels(name: str) -> dict[str, str]:
    return {term.code: term.label for term in code_list(name).terms}


def _number_lines(opened: Session) -> list[str]:
    labels = _labels("urgent_call")
    return [f"  {labels[name]}: {number}" for name, number in alerts.numbers(opened).items()]


@urgent.command("numbers")
@command
def urgent_numbers(
    set_: Annotated[list[str] | None, typer.Option("--set", help=f"NAME=NUMBER; NAME is one of {_CALLS}.")] = None, as_json: Json = False
) -> None:
    """Show whom to ring, or keep a number on this device: it is there without a connection.

    Example: fieldkeep urgent numbers --set duty_desk=01642000000
    """
    with frame.session() as opened:
        for text in set_ or []:
            name, sign, number = text.partition("=")
            if not sign or not number.strip():
                raise Refused("bad-value", "want NAME=NUMBER")
            alerts.set_number(opened, name, number.strip())
        found, lines = alerts.numbers(opened), _number_lines(opened)
    emit({"numbers": found}, "Whom to ring:", *lines, as_json=as_json)


@urgent.command("raise")
@command
def urgent_raise(
    file: Annotated[str, typer.Option("--file", help="The file that it is about.")],
    what: Annotated[str, typer.Option(help=f"One of: {', '.join(code_list('urgent_kind').codes)}.")],
    at_risk: Annotated[list[str], typer.Option(help=f"Who; repeat for several: {', '.join(code_list('at_risk').codes)}.")],
    words: Annotated[str | None, typer.Option(help="What was said or seen.")] = None,
    called: Annotated[list[str] | None, typer.Option(help=f"Whom you have rung, of: {_CALLS}; repeat for several.")] = None,
    as_json: Json = False,
) -> None:
    """Record a danger, and tell both sides' desks. Ring first: the numbers are shown, and need no connection. It is sent ahead of everything else.

    Example: fieldkeep urgent raise --file 3fa8 --what says_he_will_go_to_her --at-risk partner --called duty_desk
    """
    with frame.session() as opened:
        log = finding.find_file(opened, file)
        if not as_json:
            say("RING FIRST:", *_number_lines(opened))
        known = alerts.numbers(opened)
        calls = [{"call": name, "at": alerts.now(opened), **({"number": known[name]} if known.get(name) else {})} for name in called or []]
        values = {"what": what, "at_risk": at_risk, **({"words": words} if words else {}), **({"calls": calls} if calls else {})}
        made = alerts.raise_alert(opened, log, values)
        sent = False
        with suppress(Refused):  # it is kept, and goes out first with the next sync
            sent = try_sync(opened)
    line = "It is with the desks." if sent else "You have no signal: leave, then ring. It is kept here and goes out first."
    rung = "" if called else "No call is recorded yet: fieldkeep urgent call"
    emit({"alert": ids.show(made), "sent": sent, "calls": len(called or [])}, ids.show(made), line, *([rung] if rung else []), as_json=as_json)


@urgent.command("list")
@command
def urgent_list(everything: Annotated[bool, typer.Option("--all", help="Those that were stood down too.")] = False, as_json: Json = False) -> None:
    """List open alerts: what, since when, who has it.

    Example: fieldkeep urgent list
    """
    with frame.session() as opened:
        found = [one for one in alerts.alerts(opened) if everything or one.open]
        rows = [_row(opened, one) for one in found]
        for log in {one.log for one in found}:
            reading.looked_at(opened, log, [(one.record, "") for one in found if one.log == log])
    if as_json:
        emit_json({"alerts": rows})
        return
    labels = _labels("urgent_kind")
    table(
        "Urgent",
        ["id", "what", "who", "since", "file", "state"],
        [
            [row["alert"][:8], labels.get(row["what"], row["what"]), ", ".join(row["at_risk"]), when(row["at_ms"]), row["file"][:8], row["state"]]
            for row in rows
        ],
    )
    if not rows:
        say("No alert is open.")


def _row(opened: Session, one: Alert) -> dict[str, Any]:
    state = (
        "stood down"
        if not one.open
        else "acknowledged"
        if one.acknowledged
        else "RING THE NEXT NUMBER"
        if one.overdue(opened.now_ms())
        else "nobody has it yet"
    )
    return {
        "alert": ids.show(one.record), "file": ids.show(one.log), "what": one.values.get("what", ""), "at_risk": list(one.values.get("at_risk", ())),
        "words": one.values.get("words"), "at_ms": one.at_ms, "state": state, "acknowledged": one.acknowledged, "open": one.open,
        "calls": [plain(call.get("call")) for call in one.values.get("calls", ())],
    }  # fmt: skip


def _which(opened: Session, wanted: str) -> Alert:
    return finding.only(((one.record, one) for one in alerts.alerts(opened)), wanted, "alert", lambda one: str(one.values.get("what", "")))


@urgent.command("call")
@command
def urgent_call(
    which: WhichAlert,
    call: Annotated[str, typer.Option(help=f"Whom: {_CALLS}.")],
    number: Annotated[str | None, typer.Option(help="Which number.")] = None,
    spoke_to: Annotated[str | None, typer.Option(help="To whom you spoke.")] = None,
    read_back: Annotated[bool, typer.Option(help="They read back what you said.")] = False,
    as_json: Json = False,
) -> None:
    """Record a call that you made.

    Example: fieldkeep urgent call 9c1e --call emergency_999 --spoke-to "control room" --read-back
    """
    with frame.session() as opened:
        found = _which(opened, which)
        row: dict[str, Any] = {"call": call, "at": alerts.now(opened)}
        row |= {name: value for name, value in (("number", number or alerts.numbers(opened).get(call)), ("spoke_to", spoke_to)) if value}
        row |= {"read_back": "yes"} if read_back else {}
        alerts.call(opened, found, row)
        with suppress(Refused):
            try_sync(opened)
    emit({"alert": ids.show(found.record), "call": call}, "Recorded.", as_json=as_json)


@urgent.command("acknowledge")
@command
def urgent_acknowledge(
    which: WhichAlert, how: Annotated[str, typer.Option(help=f"One of: {', '.join(code_list('ack').codes)}.")] = "received", as_json: Json = False
) -> None:
    """Say that your desk has it. The other side hears the same words, whatever there is here.

    Example: fieldkeep urgent acknowledge 9c1e --how acting
    """
    with frame.session() as opened:
        found = _which(opened, which)
        alerts.acknowledge(opened, found, how)
        with suppress(Refused):
            try_sync(opened)
    emit({"alert": ids.show(found.record), "how": how}, "Acknowledged.", as_json=as_json)


@urgent.command("stand-down")
@command
def urgent_stand_down(which: WhichAlert, why: Annotated[str, typer.Option(help="Why it is over.")], as_json: Json = False) -> None:
    """End an alert; somebody else than who raised it does.

    Example: fieldkeep urgent stand-down 9c1e --why "police have arrested him"
    """
    frame.reason("--why", why)
    with frame.session() as opened:
        found = _which(opened, which)
        alerts.stand_down(opened, found, why)
        with suppress(Refused):
            try_sync(opened)
    emit({"alert": ids.show(found.record)}, "Stood down.", as_json=as_json)


def needs(opened: Session) -> list[str]:
    """What a person has to know of alerts that are open on this device."""
    labels, found = _labels("urgent_kind"), []
    for one in alerts.alerts(opened):
        if one.open:
            state = "RING THE NEXT NUMBER" if one.overdue(opened.now_ms()) else "acknowledged" if one.acknowledged else "nobody has acknowledged it"
            found.append(
                f"URGENT, {labels.get(str(one.values.get('what')), 'alert')}, {finding.label(opened, one.log)}: {state}: fieldkeep urgent list"
            )
    return found
