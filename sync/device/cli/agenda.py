"""due, caseload, order, task: what follows from records and the clock."""

from datetime import date, timedelta
from typing import Annotated, Any

import typer

from shared_schema import ids
from shared_schema.errors import Refused
from shared_schema.records import code_list
from sync import caseload as load_rules
from sync.clocks import Clock
from sync.device.cli import frame
from sync.device.cli.frame import Json, RecordArg, command
from sync.device.cli.terminal import emit, emit_json, say, short, table
from sync.device.recording import agenda, finding, reading, records
from sync.device.recording.typed import parse_text
from sync.device.session import Session
from sync.due import Due, Said

order = typer.Typer(help="Orders and how long they run.", no_args_is_help=True)
task = typer.Typer(help="Tasks: something to be done by someone by a day.", no_args_is_help=True)
_WEEK = 7


def name_of(opened: Session, user: Any) -> str | None:
    """What people call a worker whose id a record says; None for nobody."""
    return opened.name_of(ids.parse(user)) if isinstance(user, str) and user else None


def where(opened: Session, one: Said | Due) -> dict[str, str]:
    """A record and its file, as every list here names them."""
    return {"record": ids.show(one.record), "file": ids.show(one.file), "file_label": finding.label(opened, one.file)}


@command
def due(
    days: Annotated[int, typer.Option(min=0, max=3660, help="How many days ahead to look.")] = _WEEK,
    all_: Annotated[bool, typer.Option("--all", help="Everybody's in your files, not only yours.")] = False,
    as_json: Json = False,
) -> None:
    """List what is overdue, due today and due soon: tasks, reviews, actions, requests, orders, consents.

    Example: fieldkeep due        or, for a supervision: fieldkeep due --all --days 31
    """
    with frame.session() as opened:
        found = agenda.due(opened, days, everybodys=all_)
        rows = [_due_json(opened, one) for one in found]
        _looked(opened, found)
    if as_json:
        emit_json({"due": rows, "overdue": sum(one["state"] == "overdue" for one in rows)})
        return
    cells = [
        [one["day"], _in_days(one["days"]), one["called"], one["what"], one["owner"] or "nobody", one["file_label"], one["record"][:8]]
        for one in rows
    ]
    table("Due" if rows else f"Nothing is due in {days} days", ["day", "", "", "what", "whose", "file", "record"], cells)


def _due_json(opened: Session, one: Due) -> dict[str, Any]:
    return {
        **where(opened, one), "day": one.day.isoformat(), "days": one.days, "state": one.state, "type": one.type, "called": one.called, "what": one.what,
        "owner": name_of(opened, one.owner),
    }  # fmt: skip


def _looked(opened: Session, found: list[Due]) -> None:
    for log in dict.fromkeys(one.file for one in found):
        reading.looked_at(opened, log, [(one.record, "") for one in found if one.file == log and one.what])


def _in_days(days: int) -> str:
    return f"{-days} day(s) overdue" if days < 0 else "today" if days == 0 else f"in {days} day(s)"


@command
def caseload(
    most: Annotated[int, typer.Option(min=1, max=1000, help="Cases that one worker should lead at most.")] = load_rules.MOST, as_json: Json = False
) -> None:
    """Show how many cases each worker leads, and warn where it is more than they should. Only files on this device are counted.

    Waiting and closed cases do not count; a person who came in twice and was joined counts once.

    Example: fieldkeep caseload
    """
    with frame.session() as opened:
        rows = [
            {
                "worker": name_of(opened, one.worker) or one.worker, "cases": one.cases, "quiet": one.quiet, "covering": one.covering, "over": one.over,
                "files": [ids.show(log) for log in one.files],
            }
            for one in agenda.caseload(opened, most)
        ]  # fmt: skip
    if as_json:
        emit_json({"most": most, "caseload": rows})
        return
    cells = [
        [str(one["worker"]), str(one["cases"]), str(one["quiet"]), str(one["covering"]), f"{one['over']} too many" if one["over"] else ""]
        for one in rows
    ]
    table("Caseload" if rows else "Nobody leads a case on this device", ["worker", "cases", "on hold, silent, in custody", "covering", ""], cells)
    for one in rows:
        if one["over"]:
            say(f"! {one['worker']} leads {one['cases']} cases, more than {most}.")


@order.command("list")
@command
def order_list(as_json: Json = False) -> None:
    """List the orders in your files and how long they run. A clock reminds; look at the paper before you rely on it.

    Example: fieldkeep order list
    """
    labels = {term.code: term.label for term in code_list("order_kind").terms}
    with frame.session() as opened:
        at = agenda.now(opened)
        rows: list[dict[str, Any]] = [
            {
                **where(opened, one.said), "kind": one.said.values.get("kind"), "label": labels.get(str(one.said.values.get("kind")), "Order"),
                "state": one.rule.state, "says": one.rule.says, "ends": _ends(one.rule), "hours_left": one.rule.hours_left(at), "unsure": one.rule.unsure,
            }
            for one in agenda.orders(opened)
        ]  # fmt: skip
        for one in rows:
            reading.looked(opened, ids.parse(one["file"]), ids.parse(one["record"]))
    if as_json:
        emit_json({"orders": rows})
        return
    cells = [
        [
            one["record"][:8],
            one["label"],
            one["state"].replace("_", " "),
            _when_ends(one),
            one["says"] + (", unsure" if one["unsure"] else ""),
            one["file_label"],
        ]
        for one in rows
    ]
    table("Orders" if rows else "No orders are on this device", ["id", "order", "", "ends", "", "file"], cells)


def _ends(clock: Clock) -> list[str] | None:
    return [at.isoformat(timespec="minutes") for at in (clock.earliest, clock.latest)] if clock.earliest and clock.latest else None


def _when_ends(one: dict[str, Any]) -> str:
    if one["ends"] is None:
        return "–"
    first, last = (text.replace("T", " ") for text in one["ends"])
    return first if first == last else f"between {first} and {last}"


@task.command("add")
@command
def task_add(
    what: Annotated[str, typer.Argument(help="What is to be done.")],
    file: Annotated[str, typer.Option("--file", help="File id, or the first characters of it.")],
    by: Annotated[str, typer.Option("--due", help="The day: 2026-12-01, or +3 for three days from today.")],
    owner: Annotated[str | None, typer.Option(help="Whose task it is; default yours.")] = None,
    as_json: Json = False,
) -> None:
    """Add a task; works offline.

    Example: fieldkeep task add "Ring the food bank" --file 3fa8 --due +3 --owner Priya
    """
    with frame.session() as opened:
        log = finding.find_file(opened, file)
        who = frame.person(opened, owner) if owner else opened.identity.user
        if who not in opened.require_file(log).members:
            raise Refused("bad-value", f"{opened.name_of(who)} does not belong to that file, and would never see the task")
        values = {"what": what, "owner": ids.show(who), "due": _day(opened, by), "task_state": "open"}
        made = records.add(opened, log, "task", values)
    emit(
        {"record": ids.show(made), "file": ids.show(log), **values}, ids.show(made), f"Saved on this device: due on {values['due']}.", as_json=as_json
    )


def _day(opened: Session, text: str) -> str:
    if text.startswith("+") and text[1:].isdecimal() and len(text) < 5:
        return (agenda.now(opened).date() + timedelta(days=int(text[1:]))).isoformat()
    return date.fromisoformat(str(parse_text("task", "due", text))).isoformat()


@task.command("done")
@command
def task_done(
    which: RecordArg,
    note: Annotated[str | None, typer.Option(help="What was done.")] = None,
    drop: Annotated[bool, typer.Option("--drop", help="It is not done, and need not be any more.")] = False,
    as_json: Json = False,
) -> None:
    """Say that a task is done, or is not needed any more.

    Example: fieldkeep task done 9c1e --note "parcel left with his mother"
    """
    with frame.session() as opened:
        log, target = finding.find_record(opened, which)
        if opened.record(log, target).type != "task":
            raise Refused("bad-value", "that is no task")
        state = "dropped" if drop else "done"
        records.edit(opened, log, target, {"task_state": state} | ({"done_note": note} if note else {}))
    emit({"record": ids.show(target), "task_state": state}, f"{short(target)} is {state}.", as_json=as_json)
