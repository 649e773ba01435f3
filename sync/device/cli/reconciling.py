"""sync, status, conflicts."""

import time
from contextlib import ExitStack
from typing import Annotated, Any

import typer

from shared_schema import ids, limits
from shared_schema.errors import Refused
from sync.device import conflicts as conflict_rules
from sync.device import records
from sync.device.cli import frame
from sync.device.cli.frame import Json, RecordArg, command, emit, emit_json, plain, table, when
from sync.device.conflicts import Conflict
from sync.device.profile import open_session
from sync.device.session import Session
from sync.device.syncing import Report, sync
from sync.device.transport import HttpTransport
from sync.device.values import parse_text

conflicts = typer.Typer(help="What two people changed while apart.", no_args_is_help=True)


@command
def sync_command(
    watch: Annotated[bool, typer.Option("--watch", help="Stay connected and sync whenever something is new.")] = False, as_json: Json = False
) -> None:
    """Send what waits and fetch what is new. Nothing leaves the outbox without a receipt.

    Example: fieldkeep sync --watch
    """
    if watch:
        _watch(as_json=as_json)
        return
    with frame.session() as opened, frame.online(opened) as transport:
        report = _sync(opened, transport, quiet=as_json)
        found = report_json(opened, report)
    emit(found, report_text(found), as_json=as_json)
    if found["contradictions"]:
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


def report_text(found: dict[str, Any]) -> str:
    """A sync's report in words."""
    lines = [f"Received {found['received']}, sent {found['accepted']} with receipts, {found['unsent']} not sent, {found['conflicts']} in conflict."]
    lines += [f"  receipt: file {one['file'][:8]}, entry {one['seq']}, received {when(one['received_ms'])}" for one in found["receipts"]]
    lines += [f"  not taken: {one['code']}: {one['message']}" for one in found["refused"] if not one["final"]]
    lines += [f"  contradiction in {one['log'][:8]}: {one['message']}. Your data and the evidence are kept." for one in found["contradictions"]]
    return "\n".join(lines)


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
            frame.context().err.print(f"{error.code}: {error}; trying again in {wait:.0f} s")
        time.sleep(wait)
        wait = min(wait * 2, 60.0)


def _say(opened: Session, report: Report, *, as_json: bool) -> None:
    found = report_json(opened, report)
    emit(found, report_text(found), as_json=as_json)


@command
def status(as_json: Json = False) -> None:
    """One line of truth: what is not sent, when it was last sent, what needs you.

    Example: fieldkeep status
    """
    with frame.session() as opened:
        found = _status(opened)
    if as_json:
        emit_json(found)
        return
    last = f"last sent {when(found['synced_ms'])}" if found["synced_ms"] else "never synced"
    needs = len(found["needs_you"])
    frame.context().out.print(
        f"{found['name']} · {found['side']} side · {found['unsent']} not sent · {last} · " + (f"{needs} need you" if needs else "nothing needs you")
    )
    for one in found["needs_you"]:
        frame.context().out.print(f"  - {one}".replace("[", r"\["))


def _status(opened: Session) -> dict[str, Any]:
    store = opened.store
    synced = store.fact("synced_ms")
    alarms = [
        {"at_ms": at_ms, "log": ids.show(log) if log else None, "seq": seq or None, "code": code, "text": text}
        for _, at_ms, log, seq, code, text, _ in store.alarms()
    ]
    unsent, in_conflict = store.unsent(), conflict_rules.list_conflicts(opened)
    waiting = [{"file": ids.show(item.log), "code": item.code, "message": item.message} for item in store.outbox() if item.code]
    needs = [f"{len(in_conflict)} field(s) in conflict: fieldkeep conflicts list"] if in_conflict else []
    needs += [f"not taken by the server: {one['code']}: {one['message']}" for one in waiting]
    needs += [f"{one['code']} at entry {one['seq']}: {one['text']}" for one in alarms]
    needs += _gone_files(opened)
    if opened.clock_unsure:
        needs.append(f"your clock is off by {abs(opened.clock_offset()) // 1000} seconds: times are marked unsure, work goes on")
    if unsent > limits.UNSENT_ITEMS_NUDGE:
        needs.append(f"{unsent} items are on this device only: find a signal")
    if store.fact("frozen"):
        needs.append("another copy of this device has written: it is frozen, enrol it anew")
    return {
        "name": opened.identity.name, "side": opened.identity.side, "device": ids.show(opened.identity.device), "server": opened.identity.server,
        "unsent": unsent, "synced_ms": int(synced) if synced else None, "conflicts": len(in_conflict), "clock_offset_ms": opened.clock_offset(),
        "alarms": alarms, "outbox": waiting, "checkpoint_size": opened.witness().size, "proofs_due": len(store.due_proofs(100_000)), "needs_you": needs,
    }  # fmt: skip


def _gone_files(opened: Session) -> list[str]:
    return [
        f"file {log.hex()[:8]}: {len(opened.store.unsealed(log))} change(s) stay on this device, you are no longer a member"
        for log in opened.store.logs_with_unsealed()
        if (state := opened.file(log)) is not None and opened.identity.user not in state.members
    ]


def _conflict_json(opened: Session, one: Conflict) -> dict[str, Any]:
    return {
        "file": ids.show(one.log), "record": ids.show(one.record), "type": one.type, "field": conflict_rules.field_name(one.field),
        "values": [
            {"value": op.value, "by": opened.name_of(op.user), "claimed_ms": op.at, "seq": None if op.seq == 2**53 - 1 else op.seq, "device": ids.show(op.id.device)}
            for op in one.siblings
        ],
        "choices": conflict_rules.choices(one), "age_days": max(0, (opened.now_ms() - one.since_ms) // 86_400_000),
    }  # fmt: skip


@conflicts.command("list")
@command
def conflicts_list(as_json: Json = False) -> None:
    """List fields in conflict: every value, who, when, where in the log.

    Example: fieldkeep conflicts list
    """
    with frame.session() as opened:
        found = [_conflict_json(opened, one) for one in conflict_rules.list_conflicts(opened)]
    if as_json:
        emit_json({"conflicts": found})
        return
    rows = []
    for one in found:
        for number, choice in enumerate(one["choices"], 1):
            who = [
                f"{value['by']}, {when(value['claimed_ms'])}, entry {value['seq'] or 'not sent'}"
                for value in one["values"]
                if value["value"] == choice
            ]
            rows.append([one["record"][:8], one["type"], one["field"], str(number), plain(choice), "; ".join(who)])
    table("In conflict", ["record", "type", "field", "no.", "value", "who, when, where"], rows)


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
        settled = _chosen(found[0], choose) if choose is not None else parse_text(found[0].type, field, value or "")
        conflict_rules.resolve(opened, log, target, found[0].field, settled, reason)
    emit({"record": ids.show(target), "field": field, "value": settled}, "Decided. Both values stay in the history.", as_json=as_json)


def _chosen(one: Conflict, number: int) -> Any:
    values = conflict_rules.choices(one)
    if not 1 <= number <= len(values):
        raise Refused("bad-value", f"there are {len(values)} values to choose from")
    return values[number - 1]
