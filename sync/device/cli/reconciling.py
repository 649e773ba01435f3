"""sync, status, conflicts."""

import time
from contextlib import ExitStack
from typing import Annotated, Any

import typer

from shared_schema import ids, limits
from shared_schema.errors import Refused
from sync.change import CellKey
from sync.device import conflicts as conflict_rules
from sync.device import records
from sync.device.cli import frame
from sync.device.cli.frame import Json, RecordArg, command, emit, emit_json, plain, say, table, warn, when
from sync.device.cli.writing import ops_json
from sync.device.conflicts import Conflict
from sync.device.profile import open_session
from sync.device.session import Session
from sync.device.syncing import Report, sync
from sync.device.transport import HttpTransport
from sync.device.values import parse_cell, parse_text
from sync.fold import same

conflicts = typer.Typer(help="What two people changed while apart.", no_args_is_help=True)


@command
def sync_command(
    watch: Annotated[bool, typer.Option("--watch", help="Stay connected and sync whenever something is new.")] = False, as_json: Json = False
) -> None:
    """Send what waits and fetch what is new. Nothing leaves the outbox without a receipt. Exit 1 when something is still not sent.

    Example: fieldkeep sync --watch
    """
    if watch:
        _watch(as_json=as_json)
        return
    with frame.session() as opened, frame.online(opened) as transport:
        report = _sync(opened, transport, quiet=as_json)
        found = report_json(opened, report)
    emit(found, *report_lines(found), as_json=as_json)
    if found["contradictions"] or found["unsent"]:
        raise typer.Exit(1)


def _sync(opened: Session, transport: HttpTransport, *, quiet: bool) -> Report:
    with frame.progress("syncing", quiet=quiet) as advance:
        return sync(opened, transport, lambda report: advance(report.received + report.accepted, None))


def report_json(opened: Session, report: Report) -> dict[str, Any]:
    """A sync's report as plain values."""
    return {
        "sent": report.sent, "accepted": report.accepted, "received": report.received, "rounds": report.rounds,
        "unsent": opened.store.unsent(), "conflicts": conflict_rules.count_conflicts(opened), "holes": report.holes,
        "receipts": [
            {"file": ids.show(one.log), "entry": one.id.hex(), "seq": one.seq, "received_ms": one.received_ms} for one in report.receipts
        ],
        "rotated": report.rotated, "granted": report.granted,
        "refused": [{"file": ids.show(one.log), "code": one.code, "message": one.message, "final": one.final} for one in report.refused],
        "contradictions": [{"code": "contradiction", "log": ids.show(log), "message": text} for log, text in report.contradictions],
    }  # fmt: skip


def report_lines(found: dict[str, Any]) -> list[str]:
    """A sync's report in words."""
    lines = [f"Received {found['received']}, sent {found['accepted']} with receipts, {found['unsent']} not sent, {found['conflicts']} in conflict."]
    lines += [f"  receipt: file {one['file'][:8]}, entry {one['seq']}, received {when(one['received_ms'])}" for one in found["receipts"]]
    lines += [f"  not taken: {one['code']}: {one['message']}" for one in found["refused"] if not one["final"]]
    lines += [f"  contradiction in {one['log'][:8]}: {one['message']}. Your data and the evidence are kept." for one in found["contradictions"]]
    return lines


def _watch(*, as_json: bool) -> None:
    secret, folder = frame.passphrase(), frame.context().profile
    wait = 1.0
    while True:
        try:
            with ExitStack() as stack:
                with open_session(folder, secret) as opened:
                    transport = stack.enter_context(HttpTransport(opened.identity.server, opened.identity.ca))
                    _say(opened, _sync(opened, transport, quiet=True), as_json=as_json)
                    names = stack.enter_context(transport.events(opened))
                wait = 1.0
                for name in names:
                    if name == "pull":
                        with open_session(folder, secret) as opened:
                            _say(opened, _sync(opened, transport, quiet=True), as_json=as_json)
        except Refused as error:
            if error.retry != "after-time":
                raise
            warn(f"{error.code}: {error}; trying again in {wait:.0f} s")
        time.sleep(wait)
        wait = min(wait * 2, 60.0)


def _say(opened: Session, report: Report, *, as_json: bool) -> None:
    found = report_json(opened, report)
    emit(found, *report_lines(found), as_json=as_json)


@command
def status(
    seen: Annotated[list[int] | None, typer.Option("--seen", help="Number of an alarm that you have seen; repeat for several. It is kept.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Also list the alarms that were seen.")] = False,
    as_json: Json = False,
) -> None:
    """One line of truth: what is not sent, when this device last synced, what needs you.

    Example: fieldkeep status        or, when you have dealt with alarm 3: fieldkeep status --seen 3
    """
    with frame.session() as opened:
        with opened.store.transaction():
            for n in seen or []:
                if not opened.store.see_alarm(n):
                    raise Refused("not-found", f"there is no alarm {n}")
        found = _status(opened, everything=all_)
    if as_json:
        emit_json(found)
        return
    last = f"last synced {when(found['synced_ms'])}" if found["synced_ms"] else "never synced"
    needs = f"{len(found['needs_you'])} need you" if found["needs_you"] else "nothing needs you"
    say(f"{found['name']} · {found['side']} side · {found['unsent']} not sent · {last} · {needs}", *[f"  - {one}" for one in found["needs_you"]])
    for one in found["alarms"]:
        if one["seen"]:
            say(f"  seen: {_alarm_text(one)}")


def _status(opened: Session, *, everything: bool) -> dict[str, Any]:
    store = opened.store
    synced = store.fact("synced_ms")
    labels = {log: records.label(opened, log) for log in opened.file_logs()} | {opened.registry.log: "the registry"}
    alarms = [
        {
            "n": n, "at_ms": at_ms, "log": ids.show(log) if log else None, "file": labels.get(log), "seq": seq or None, "code": code, "text": text,
            "times": times, "seen": bool(seen),
        }
        for n, at_ms, log, seq, code, text, times, seen in store.alarm_causes()
        if everything or not seen
    ]  # fmt: skip
    unsent, waiting = store.unsent(), conflict_rules.list_open(opened)
    in_conflict, proposals = [one for one in waiting if not one.proposal], [one for one in waiting if one.proposal]
    mine = [one for one in proposals if one.author == opened.identity.user]
    refused = [{"file": ids.show(item.log), "code": item.code, "message": item.message} for item in store.outbox() if item.code]
    needs = [f"{len(in_conflict)} field(s) in conflict: fieldkeep conflicts list"] if in_conflict else []
    needs += [f"{len(mine)} field(s) of yours that others propose to change: fieldkeep conflicts list"] if mine else []
    needs += [f"{labels.get(ids.parse(one['file']), 'the registry')}: not taken by the server: {one['code']}: {one['message']}" for one in refused]
    needs += [f"{_alarm_text(one)} (fieldkeep status --seen {one['n']})" for one in alarms if not one["seen"]]
    needs += _gone_files(opened, labels)
    if opened.clock_unsure:
        needs.append(f"your clock is off by {abs(opened.clock_offset()) // 1000} seconds: times are marked unsure, work goes on")
    if unsent > limits.UNSENT_ITEMS_NUDGE:
        needs.append(f"{unsent} items are on this device only: find a signal")
    if store.fact("frozen"):
        needs.append("another copy of this device has written: it is frozen, enrol it anew")
    return {
        "name": opened.identity.name, "side": opened.identity.side, "device": ids.show(opened.identity.device), "server": opened.identity.server,
        "unsent": unsent, "synced_ms": int(synced) if synced else None, "conflicts": len(in_conflict), "proposals": len(proposals),
        "clock_offset_ms": opened.clock_offset(), "alarms": alarms, "outbox": refused, "checkpoint_size": opened.witness().size,
        "proofs_due": len(store.due_proofs(100_000)), "needs_you": needs,
    }  # fmt: skip


def _alarm_text(one: dict[str, Any]) -> str:
    where = "".join([f", {one['file']}" if one["file"] else "", f", entry {one['seq']}" if one["seq"] else ""])
    return f"alarm {one['n']}{where}: {one['code']}: {one['text']}" + (f" ({one['times']} times)" if one["times"] > 1 else "")


def _gone_files(opened: Session, labels: dict[bytes, str]) -> list[str]:
    return [
        f"{labels[log]}: {len(opened.store.unsealed(log))} change(s) stay on this device, you are no longer a member"
        for log in opened.store.logs_with_unsealed()
        if (state := opened.file(log)) is not None and opened.identity.user not in state.members
    ]


def _conflict_json(opened: Session, one: Conflict) -> dict[str, Any]:
    return {
        "kind": "proposal" if one.proposal else "conflict", "file": ids.show(one.log), "record": ids.show(one.record), "type": one.type,
        "field": conflict_rules.field_name(one.field), "author": opened.name_of(one.author), "values": ops_json(opened, one.siblings),
        "choices": conflict_rules.choices(one), "age_days": max(0, (opened.now_ms() - one.since_ms) // 86_400_000),
    }  # fmt: skip


@conflicts.command("list")
@command
def conflicts_list(as_json: Json = False) -> None:
    """List fields in conflict, and what others propose to a record's author: every value, who, when, where in the log.

    Example: fieldkeep conflicts list
    """
    with frame.session() as opened:
        found = [_conflict_json(opened, one) for one in conflict_rules.list_open(opened)]
    if as_json:
        emit_json({"conflicts": found})
        return
    columns = ["record", "type", "field", "no.", "value", "who, when, where"]
    table("In conflict", columns, [row for one in found if one["kind"] == "conflict" for row in _rows(one)])
    if any(one["kind"] == "proposal" for one in found):
        table("Proposed, not read by the record's author", columns, [row for one in found if one["kind"] == "proposal" for row in _rows(one)])
        say("The author says that it was read: fieldkeep note sign RECORD")


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
    as_json: Json = False,
) -> None:
    """Decide a conflict. The decision is a signed record that names every value that it settles.

    Example: fieldkeep conflicts resolve 9c1e likely_to_use --choose 2 --reason "asked him again together"
    """
    if (choose is None) == (value is None):
        raise typer.BadParameter("give either --choose or --value")
    with frame.session() as opened:
        log, target = records.find_record(opened, which)
        found = [one for one in conflict_rules.list_conflicts(opened, log) if one.record == target and conflict_rules.field_name(one.field) == field]
        if not found:
            raise Refused("not-found", "that field is not in conflict")
        settled = _chosen(found[0], choose) if choose is not None else _parsed(found[0], value or "")
        conflict_rules.resolve(opened, log, target, found[0].field, settled, reason)
    emit({"record": ids.show(target), "field": field, "value": settled}, "Decided. Both values stay in the history.", as_json=as_json)


def _chosen(one: Conflict, number: int) -> Any:
    values = conflict_rules.choices(one)
    if not 1 <= number <= len(values):
        raise Refused("bad-value", f"there are {len(values)} values to choose from")
    return values[number - 1]


def _parsed(one: Conflict, text: str) -> Any:
    if isinstance(one.field, CellKey):
        return parse_cell(one.type, one.field.list, one.field.cell, text)
    return parse_text(one.type, one.field, text)
