"""request: information that others were asked for, chasing it, and taking it further."""

from typing import Annotated, Any

import typer

from shared_schema import ids
from shared_schema.errors import Refused
from sync.chasing import Chased
from sync.device.cli import frame
from sync.device.cli.agenda import where
from sync.device.cli.frame import Json, RecordArg, command
from sync.device.cli.terminal import emit, emit_json, plain, short, table
from sync.device.recording import agenda, finding, reading, records
from sync.device.recording.agenda import Seen
from sync.device.recording.typed import parse_text
from sync.device.session import Session

request = typer.Typer(help="Requests for information: chased until there is an answer.", no_args_is_help=True)
_NEXT = {"chase": "chase", "escalate": "take it further", "answer": "we are to answer", "nothing": ""}


@request.command("list")
@command
def request_list(as_json: Json = False) -> None:
    """List the requests that were not answered, and what to do next. After the second chase it is offered to take one further.

    Example: fieldkeep request list
    """
    with frame.session() as opened:
        rows = [_row(opened, one) for one in agenda.requests(opened)]
        for one in rows:
            reading.looked(opened, ids.parse(one["file"]), ids.parse(one["record"]))
    if as_json:
        emit_json({"requests": rows})
        return
    cells = [[one["record"][:8], plain(one["agency"]), one["state"], str(one["chases"]), _next(one), one["file_label"]] for one in rows]
    table("Not answered" if rows else "No request waits for an answer", ["id", "whom", "", "chased", "next", "file"], cells)


def _row(opened: Session, one: Seen[Chased]) -> dict[str, Any]:
    values = one.said.values
    return {
        **where(opened, one.said), "agency": values.get("agency"), "direction": values.get("direction"), "asked_on": values.get("asked_on"),
        "due_on": values.get("due_on"), "state": one.rule.state, "chases": one.rule.chases, "next": one.rule.next,
        "on": one.rule.on.isoformat() if one.rule.on else None, "now": one.rule.on is not None and one.rule.on <= agenda.now(opened).date(),
    }  # fmt: skip


def _next(one: dict[str, Any]) -> str:
    when = ", now" if one["now"] else f" on {one['on']}" if one["on"] else ""
    return _NEXT[one["next"]] + when


def _open(opened: Session, which: str) -> tuple[bytes, bytes]:
    log, target = finding.find_record(opened, which)
    if opened.record(log, target).type != "information_request":
        raise Refused("bad-value", "that is no request for information")
    return log, target


@request.command("chase")
@command
def request_chase(
    which: RecordArg,
    who: Annotated[str, typer.Option("--to", help="Whom you asked, there.")],
    how: Annotated[str, typer.Option(help="telephone, email, letter …")] = "telephone",
    result: Annotated[str | None, typer.Option(help="What came of it.")] = None,
    as_json: Json = False,
) -> None:
    """Write down that you have chased it again.

    Example: fieldkeep request chase 9c1e --to "duty officer" --result "will look for it"
    """
    with frame.session() as opened:
        log, target = _open(opened, which)
        row = {"when": parse_text("visit_plan", "start", agenda.now(opened).isoformat(timespec="minutes")), "how": how, "who": who}
        records.edit(opened, log, target, {"chases": [row | ({"result": result} if result else {})]})
        after = _after(opened, target)
    emit({"record": ids.show(target), **after}, f"{short(target)}: chased {after['chases']} time(s). Next: {_next(after)}.", as_json=as_json)


@request.command("escalate")
@command
def request_escalate(which: RecordArg, to: Annotated[str, typer.Option(help="Whom it is taken to.")], as_json: Json = False) -> None:
    """Write down that it was taken further: to a manager there, a forum, an agreement's contact.

    Example: fieldkeep request escalate 9c1e --to "team manager, children's services"
    """
    with frame.session() as opened:
        log, target = _open(opened, which)
        records.edit(opened, log, target, {"escalated_to": to, "escalated_on": agenda.now(opened).date().isoformat()})
        after = _after(opened, target)
    emit({"record": ids.show(target), **after}, f"{short(target)}: taken further. Next: {_next(after)}.", as_json=as_json)


@request.command("answer")
@command
def request_answer(
    which: RecordArg,
    words: Annotated[str, typer.Argument(help="What was answered.")],
    on: Annotated[str | None, typer.Option(help="The day; default today.")] = None,
    as_json: Json = False,
) -> None:
    """Write down the answer: from then on it is chased no more.

    Example: fieldkeep request answer 9c1e "No record of him."
    """
    with frame.session() as opened:
        log, target = _open(opened, which)
        day = parse_text("information_request", "answered_on", on) if on else agenda.now(opened).date().isoformat()
        records.edit(opened, log, target, {"answered_on": day, "answer": words})
    emit({"record": ids.show(target), "answered_on": day}, f"{short(target)}: answered.", as_json=as_json)


def _after(opened: Session, target: bytes) -> dict[str, Any]:
    return next(_row(opened, one) for one in agenda.requests(opened) if one.said.record == target)
