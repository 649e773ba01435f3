"""visit: where somebody goes, who waits for them, and what is done when they are not back."""

from typing import Annotated, Any

import typer

from shared_schema import ids
from shared_schema.errors import Refused
from sync.device.across import cases, instructions
from sync.device.cli import frame
from sync.device.cli.agenda import name_of, where
from sync.device.cli.frame import Json, RecordArg, command
from sync.device.cli.recording import SetOption, needs_json, needs_lines, parse_sets, told_across, told_lines
from sync.device.cli.terminal import emit, emit_json, plain, say, short, table
from sync.device.recording import agenda, finding, reading, records
from sync.device.recording.agenda import Seen
from sync.device.recording.typed import parse_text
from sync.device.session import Session
from sync.visits import Visit

visit = typer.Typer(help="Visits: where, until when, and the buddy who raises the alarm.", no_args_is_help=True)


@visit.command("plan")
@command
def visit_plan(
    purpose: Annotated[str, typer.Argument(help="What for.")],
    file: Annotated[str, typer.Option("--file", help="File id, or the first characters of it.")],
    place: Annotated[str, typer.Option(help="What kind of place: their_home, office, doorstep …")],
    start: Annotated[str, typer.Option(help="When: 2026-11-20T14:00.")],
    back: Annotated[str, typer.Option(help="When you are due back: 2026-11-20T15:30.")],
    buddy: Annotated[str, typer.Option(help="Who raises the alarm. They stay where there is a signal.")],
    if_overdue: Annotated[str, typer.Option("--if-overdue", help="What the buddy does when you are not back.")],
    with_: Annotated[list[str] | None, typer.Option("--with", help="Who goes along; repeat. You are one of them.")] = None,
    hazards_read: Annotated[bool, typer.Option("--hazards-read", help="You have read the hazards in the file.")] = False,
    set_: SetOption = None,
    as_json: Json = False,
) -> None:
    """Plan a visit; works offline. What keeps you from setting out is said, and kept from nobody.

    Example: fieldkeep visit plan "First assessment" --file 3fa8 --place office --start 2026-11-20T14:00 --back 2026-11-20T15:30 --buddy Nia --if-overdue "ring me, then the duty desk" --hazards-read
    """
    with frame.session() as opened:
        log = finding.find_file(opened, file)
        going = [opened.identity.user, *(frame.person(opened, one) for one in with_ or [])]
        who = frame.person(opened, buddy)
        for one in (who, *going):
            if one not in opened.require_file(log).members:
                raise Refused("bad-value", f"{opened.name_of(one)} does not belong to that file, and would not see the plan")
        values = {
            "purpose": purpose, "place_kind": parse_text("visit_plan", "place_kind", place), "start": parse_text("visit_plan", "start", start),
            "due_back": parse_text("visit_plan", "due_back", back), "visitors": list(dict.fromkeys(map(ids.show, going))), "buddy": ids.show(who),
            "gate_seen": _gate(opened, log), "hazards_read": "yes" if hazards_read else "no", "if_overdue": if_overdue,
        } | parse_sets(opened, "visit_plan", set_)  # fmt: skip
        if values["gate_seen"] is None:
            del values["gate_seen"]
        made = records.add_by_hand(opened, log, "visit_plan", values)
        missing, told = records.missing_to_sign(opened, log, made), told_across(opened, log, made)
        wanting = next((one.rule.wanting for one in agenda.planned(opened) if one.said.record == made), ())
    found = {"record": ids.show(made), "file": ids.show(log), "wanting": list(wanting), "missing_to_sign": needs_json(missing), "told": told}
    lines = [f"! Before you set out: {one}." for one in wanting]
    emit(found, ids.show(made), "Saved on this device.", *lines, *needs_lines(missing, made), *told_lines(told), as_json=as_json)


def _gate(opened: Session, log: bytes) -> str | None:
    """What partner support asks for in a case of the perpetrator side, as this device knows it; unknown acts as hold."""
    found = cases.liaison_of(opened, log)
    if found is None:
        return None
    return instructions.in_force(opened, found[0]).gate if opened.file(found[0]) is not None else "hold"


@visit.command("list")
@command
def visit_list(as_json: Json = False) -> None:
    """List the visits from which nobody is back, whoever is overdue first.

    Example: fieldkeep visit list
    """
    with frame.session() as opened:
        rows = [row_of(opened, one) for one in agenda.planned(opened)]
        for one in rows:
            reading.looked(opened, ids.parse(one["file"]), ids.parse(one["record"]))
    if as_json:
        emit_json({"visits": rows, "overdue": sum(one["state"] == "overdue" for one in rows)})
        return
    cells = [
        [
            one["record"][:8],
            one["state"],
            plain(one["start"]),
            plain(one["due_back"]),
            ", ".join(one["visitors"]),
            one["buddy"] or "nobody",
            one["file_label"],
        ]
        for one in rows
    ]
    table("Visits" if rows else "Nobody is out, and nothing is planned", ["id", "", "start", "due back", "who", "buddy", "file"], cells)
    for one in rows:
        if one["state"] == "overdue":
            say(
                f"! {one['record'][:8]}: {one['late_minutes']} minutes overdue. {one['if_overdue'] or 'Nothing was said for that: ring them, then the duty desk.'}"
            )
        elif one["wanting"]:
            say(f"  {one['record'][:8]}: {'; '.join(one['wanting'])}.")


def row_of(opened: Session, one: Seen[Visit]) -> dict[str, Any]:
    """A visit as it is listed."""
    values = one.said.values
    going = values.get("visitors")
    return {
        **where(opened, one.said), "state": one.rule.state, "late_minutes": one.rule.late_minutes, "wanting": list(one.rule.wanting),
        "start": values.get("start"), "due_back": values.get("due_back"), "buddy": name_of(opened, values.get("buddy")),
        "visitors": [name_of(opened, user) or "?" for user in going] if isinstance(going, list) else [], "if_overdue": values.get("if_overdue"),
        "actions": len(values.get("overdue_actions") or []),
    }  # fmt: skip


def _plan(opened: Session, which: str) -> tuple[bytes, bytes]:
    log, target = finding.find_record(opened, which)
    if opened.record(log, target).type != "visit_plan":
        raise Refused("bad-value", "that is no plan of a visit")
    return log, target


def _time(opened: Session, text: str | None) -> Any:
    return parse_text("visit_plan", "start", text or agenda.now(opened).isoformat(timespec="minutes"))


def _check(which: str, field: str, at: str | None, said: str, *, as_json: bool) -> None:
    with frame.session() as opened:
        log, target = _plan(opened, which)
        records.edit(opened, log, target, {field: (value := _time(opened, at))})
    emit({"record": ids.show(target), field: value}, f"{short(target)}: {said} {plain(value)}.", as_json=as_json)


At = Annotated[str | None, typer.Option("--at", help="When, if not now: 2026-11-20T14:05.")]


@visit.command("in")
@command
def visit_in(which: RecordArg, at: At = None, as_json: Json = False) -> None:
    """Say that you have arrived. No place is recorded.

    Example: fieldkeep visit in 9c1e
    """
    _check(which, "checked_in", at, "arrived", as_json=as_json)


@visit.command("out")
@command
def visit_out(which: RecordArg, at: At = None, as_json: Json = False) -> None:
    """Say that whoever went is back and safe: you, or a colleague who has spoken to them.

    Example: fieldkeep visit out 9c1e
    """
    _check(which, "checked_out", at, "back", as_json=as_json)


@visit.command("overdue")
@command
def visit_overdue(which: RecordArg, what: Annotated[str, typer.Argument(help="What you have done.")], at: At = None, as_json: Json = False) -> None:
    """Write down what was done because somebody is not back: rang them, rang the duty desk, rang 999.

    Example: fieldkeep visit overdue 9c1e "rang twice, no answer; rang the duty desk"
    """
    with frame.session() as opened:
        log, target = _plan(opened, which)
        row = {"who": ids.show(opened.identity.user), "when": _time(opened, at), "what": what}
        records.edit(opened, log, target, {"overdue_actions": [row]})
    emit({"record": ids.show(target), "action": row}, f"{short(target)}: written down.", as_json=as_json)
