"""sync, conflicts."""

from typing import Annotated, Any

import typer

from shared_schema import ids
from shared_schema.errors import Refused
from sync.change import CellKey
from sync.device.cli import frame, watching
from sync.device.cli.frame import Json, RecordArg, command
from sync.device.cli.recording import ops_json
from sync.device.cli.sync_report import report_json, report_lines, run_sync
from sync.device.cli.terminal import Words, emit, emit_json, plain, say, table, when
from sync.device.recording import conflicts as conflict_rules
from sync.device.recording import finding, proposing, reading
from sync.device.recording.conflicts import Conflict
from sync.device.recording.typed import parse_cell, parse_text
from sync.device.session import Session
from sync.fold import same

conflicts = typer.Typer(help="What two people changed while apart.", no_args_is_help=True)


@command
def sync_command(
    watch: Annotated[bool, typer.Option("--watch", help="Stay connected and sync whenever something is new.")] = False,
    now: Annotated[bool, typer.Option("--now", help="Where cover traffic is on: send what waits for its hour. The time shows.")] = False,
    as_json: Json = False,
) -> None:
    """Send what waits and fetch what is new. Nothing leaves the outbox without a receipt. Exit 1 when something is still not sent.

    Example: fieldkeep sync --watch
    """
    if watch:
        watching.watch(as_json=as_json)
        return
    with frame.session(ending=True) as opened, frame.online(opened) as transport:
        report = run_sync(opened, transport, quiet=as_json, at_once=now)
        found = report_json(opened, report)
    emit(found, *report_lines(found), as_json=as_json)
    if found["contradictions"] or found["unsent"] > found["waits"]:
        raise typer.Exit(1)


def _conflict_json(opened: Session, one: Conflict) -> dict[str, Any]:
    return {
        "kind": "proposal" if one.proposal else "conflict", "file": ids.show(one.log), "record": ids.show(one.record), "type": one.type,
        "field": conflict_rules.field_name(one.field), "author": opened.name_of(one.author), "values": ops_json(opened, one.siblings),
        "choices": conflict_rules.choices(one), "together": _together_json(opened, one), "age_days": max(0, (opened.now_ms() - one.since_ms) // 86_400_000),
    }  # fmt: skip


def _together_json(opened: Session, one: Conflict) -> dict[str, Any] | None:
    """Two texts put together by words; `text` is null where both changed the same words, and `clashes` says which."""
    merged = proposing.proposal(opened, one)
    if merged is None:
        return None
    return {"text": merged.proposal, "clashes": [{"was": piece.was, "a": piece.a, "b": piece.b} for piece in merged.pieces if piece.kind == "clash"]}


@conflicts.command("list")
@command
def conflicts_list(as_json: Json = False) -> None:
    """List fields in conflict, and what others propose to a record's author: every value, who, when, where in the log.

    Example: fieldkeep conflicts list
    """
    with frame.session() as opened:
        waiting = conflict_rules.list_open(opened)
        found = [_conflict_json(opened, one) for one in waiting]
        for log in {one.log for one in waiting}:
            reading.looked_at(opened, log, {(one.record, "") for one in waiting if one.log == log})
    if as_json:
        emit_json({"conflicts": found})
        return
    columns = ["record", "type", "field", "no.", "value", "who, when, where"]
    table("In conflict", columns, [row for one in found if one["kind"] == "conflict" for row in _rows(one)])
    for one in found:
        _say_together(one)
    if any(one["kind"] == "proposal" for one in found):
        table("Proposed, not read by the record's author", columns, [row for one in found if one["kind"] == "proposal" for row in _rows(one)])
        say("The author says that it was read: fieldkeep note sign RECORD")


def _say_together(one: dict[str, Any]) -> None:
    together = one["together"]
    if together is not None and together["text"] is not None:
        say(f"{one['record'][:8]} {one['field']}, both put together, by conflicts resolve --together:", Words(together["text"]))
    elif together is not None:
        words = "; ".join(f"“{clash['a'].strip() or '(nothing)'}” or “{clash['b'].strip() or '(nothing)'}”" for clash in together["clashes"])
        say(f"{one['record'][:8]} {one['field']}: both changed the same words: {words}")


def _rows(one: dict[str, Any]) -> list[list[str]]:
    rows = []
    for number, choice in enumerate(one["choices"], 1):
        who = [
            f"{value['by']}, {when(value['claimed_ms'])}, entry {value['seq'] or 'not sent'}"
            for value in one["values"]
            if same(value["value"], choice)
        ]
        rows.append([one["record"][:8], one["type"], one["field"], str(number) if one["kind"] == "conflict" else "–", plain(choice), "; ".join(who)])
    return rows


@conflicts.command("resolve")
@command
def conflicts_resolve(
    which: RecordArg,
    field: Annotated[str, typer.Argument(help="The field, as `conflicts list` names it.")],
    reason: Annotated[str, typer.Option(help="Why: it is kept with the decision.")],
    choose: Annotated[int | None, typer.Option(help="Number of the value to keep, from `conflicts list`.")] = None,
    value: Annotated[str | None, typer.Option(help="Another value, for example a combination of both.")] = None,
    together: Annotated[bool, typer.Option("--together", help="Both texts put together, as `conflicts list` shows them.")] = False,
    as_json: Json = False,
) -> None:
    """Decide a conflict. The decision is a signed record that names every value that it settles.

    Example: fieldkeep conflicts resolve 9c1e likely_to_use --choose 2 --reason "asked him again together"
    """
    if (choose is not None) + (value is not None) + together != 1:
        raise typer.BadParameter("give one of --choose, --value and --together")
    frame.reason("--reason", reason)
    with frame.session() as opened:
        log, target = finding.find_record(opened, which)
        found = [one for one in conflict_rules.list_conflicts(opened, log) if one.record == target and conflict_rules.field_name(one.field) == field]
        if not found:
            raise Refused("not-found", "that field is not in conflict")
        settled: Any
        if together:
            settled = _put_together(opened, found[0])
        elif choose is not None:
            settled = _chosen(found[0], choose)
        else:
            settled = _parsed(found[0], value or "")
        conflict_rules.resolve(opened, log, target, found[0].field, settled, reason)
    emit({"record": ids.show(target), "field": field, "value": settled}, "Decided. Both values stay in the history.", as_json=as_json)


def _put_together(opened: Session, one: Conflict) -> str:
    merged = proposing.proposal(opened, one)
    if merged is None or merged.proposal is None:
        raise Refused("bad-value", "those two cannot be put together by themselves: give --value with the words that should stand, or --choose")
    return merged.proposal


def _chosen(one: Conflict, number: int) -> Any:
    values = conflict_rules.choices(one)
    if not 1 <= number <= len(values):
        raise Refused("bad-value", f"there are {len(values)} values to choose from")
    return values[number - 1]


def _parsed(one: Conflict, text: str) -> Any:
    if isinstance(one.field, CellKey):
        return parse_cell(one.type, one.field.list, one.field.cell, text)
    return parse_text(one.type, one.field, text)
