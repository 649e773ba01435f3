"""status."""

from typing import Annotated, Any, Final

import typer

from shared_schema import ids, limits
from shared_schema.errors import Refused
from sync.device.across import agreeing
from sync.device.attaching import attachments
from sync.device.cli import frame, urgent
from sync.device.cli.frame import Json, command
from sync.device.cli.terminal import emit_json, say, when
from sync.device.entering import helping
from sync.device.exchanging.syncing import TURNED_AWAY
from sync.device.exports import exporting
from sync.device.money import funds
from sync.device.people import breaches, cover, files, handovers, holding, recovery
from sync.device.recording import agenda, finding, records
from sync.device.recording import conflicts as conflict_rules
from sync.device.removal import removing
from sync.device.session import Session
from sync.device.storage.tables import ERASED, HELD, LET_OUT, SAID_ERASED
from sync.ledger import pounds

_DAY_MS: Final = 86_400_000
_ENDING_HOURS: Final = 24
_ENDS_SOON_MS: Final = 30 * _DAY_MS


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
    drafts = f"{found['drafts']} draft(s) · " if found["drafts"] else ""
    held = f"{found['held']} held for review · " if found["held"] else ""
    say(
        f"{found['name']} · {found['side']} side · {found['unsent']} not sent · {held}{drafts}{last} · {needs}",
        *[f"  - {one}" for one in found["needs_you"]],
    )
    if found["rotation"]["pending"]:
        say(f"  rotation pending: {len(found['rotation']['pending'])} of {found['rotation']['files']} files: sync, or a colleague's phone does it")
    granted, of = found["recovery"]["granted"], found["recovery"]["files"]
    if granted < of:
        say(f"  recovery: {granted} of {of} files re-granted to the fresh recovery key")
    for text in found["shortfalls"]:
        say(f"  ! {text}")
    for one in found["alarms"]:
        if one["seen"]:
            say(f"  seen: {_alarm_text(one)}")


def _status(opened: Session, *, everything: bool) -> dict[str, Any]:
    store = opened.store
    synced = store.fact("synced_ms")
    labels = {log: finding.label(opened, log) for log in opened.file_logs()} | {opened.registry.log: "the registry"}
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
    refused = [
        {"file": ids.show(item.log), "code": item.code, "message": item.message}
        for item in store.outbox()
        if item.code and item.code not in (HELD, LET_OUT, ERASED, SAID_ERASED) and not item.receipted
    ]
    needs = urgent.needs(opened)
    needs += [f"{len(in_conflict)} field(s) in conflict: fieldkeep conflicts list"] if in_conflict else []
    needs += [f"{len(mine)} field(s) of yours that others propose to change: fieldkeep conflicts list"] if mine else []
    needs += [f"{labels.get(ids.parse(one['file']), 'the registry')}: not taken by the server: {one['code']}: {one['message']}" for one in refused]
    needs += [f"{_alarm_text(one)} (fieldkeep status --seen {one['n']})" for one in alarms if not one["seen"]]
    needs += _held(opened, labels) + _not_sent_across(opened, labels) + _removals(opened, labels) + _exports(opened, labels)
    needs += _unopened(opened, labels) + _gone_files(opened, labels) + _turned_away(opened) + _claims(opened, labels)
    needs += _handed_over(opened, labels) + _breaches(opened) + _agenda(opened, labels) + _attachments(opened, labels)
    drafts = records.drafts(opened)
    if old := [one for one in drafts if one.since_ms < opened.now_ms() - _DAY_MS]:
        needs.append(f"{len(old)} draft(s) of yours are older than a day and not signed: {', '.join(sorted({labels[one.log] for one in old}))}")
    if opened.clock_unsure:
        needs.append(f"your clock is off by {abs(opened.clock_offset()) // 1000} seconds: times are marked unsure, work goes on")
    if unsent > limits.UNSENT_ITEMS_NUDGE:
        needs.append(f"{unsent} items are on this device only: find a signal")
    granted, files = recovery.progress(opened)
    if store.fact("frozen"):
        needs.append("another copy of this device has written: it is frozen, enrol it anew")
    return {
        "name": opened.identity.name, "side": opened.identity.side, "device": ids.show(opened.identity.device), "server": opened.identity.server,
        "unsent": unsent, "held": store.held(), "parcels": len(store.parcels()), "synced_ms": int(synced) if synced else None, "conflicts": len(in_conflict), "proposals": len(proposals), "drafts": len(drafts),
        "clock_offset_ms": opened.clock_offset(), "alarms": alarms, "outbox": refused, "checkpoint_size": opened.witness().size,
        "proofs_due": len(store.due_proofs(100_000)), "needs_you": needs,
        "recovery": {"granted": granted, "files": files}, "rotation": {"pending": [ids.show(log) for log in recovery.unrotated(opened)], "files": files}, "shortfalls": _shortfalls(opened), "can_help": helping.who_can(opened),
    }  # fmt: skip


def _shortfalls(opened: Session) -> list[str]:
    """Of who answers for a side: what it lacks."""
    me = opened.registry.devices.get(opened.identity.device)
    answers = me is not None and not {"coordinator", "administrator"}.isdisjoint(me.subject.roles)
    return recovery.shortfalls(opened) if answers else []


def _alarm_text(one: dict[str, Any]) -> str:
    where = "".join([f", {one['file']}" if one["file"] else "", f", entry {one['seq']}" if one["seq"] else ""])
    return f"alarm {one['n']}{where}: {one['code']}: {one['text']}" + (f" ({one['times']} times)" if one["times"] > 1 else "")


def _attachments(opened: Session, labels: dict[bytes, str]) -> list[str]:
    """Attachments that the server did not take when it was last asked to."""
    return [f"{labels.get(log, 'a file')}: an attachment is not sent yet: {why}" for log, why in attachments.waiting_lines(opened)]


def _gone_files(opened: Session, labels: dict[bytes, str]) -> list[str]:
    return [
        f"{labels[log]}: {len(opened.store.unsealed(log))} change(s) stay on this device, you are no longer a member"
        for log in opened.store.logs_with_unsealed()
        if (state := opened.file(log)) is not None and opened.identity.user not in state.members
    ]


def _not_sent_across(opened: Session, labels: dict[bytes, str]) -> list[str]:
    """Letters to the other side that the server does not take, or that have waited for a day."""
    late = opened.now_ms() - _DAY_MS
    return [
        f"{labels[row.log]}: a {row.kind.replace('_', ' ')} for the other side is not sent{f': {row.message}' if row.message else ''}"
        for row in opened.store.parcels()
        if row.code not in ("", "no-such-file") or row.made_ms < late
    ]


def _held(opened: Session, labels: dict[bytes, str]) -> list[str]:
    """What this person has to decide on, and what a colleague did not let in."""
    waiting = {log: count for log, count in holding.waiting(opened).items() if log in labels}  # a server may name any
    found = [f"{labels[log]}: {count} held, waiting for you to let in or not: fieldkeep held list" for log, count in waiting.items()]
    return found + [
        f"{labels[item.log]}: {item.message}; it is kept on this device"
        for item in opened.store.outbox()
        if item.code in (LET_OUT, ERASED, SAID_ERASED)
    ]


def _removals(opened: Session, labels: dict[bytes, str]) -> list[str]:
    """What colleagues ask this person to remove with them."""
    how = {"expunge": "fieldkeep expunge list", "erase": "fieldkeep erase list", "release": "fieldkeep hold list"}
    found = [f"{labels[one.log]}: {opened.name_of(one.by)} asks a second person to {one.act}: {how[one.act]}" for one in removing.waiting_for(opened)]
    return found + [
        f"{labels[one.log]}: {opened.name_of(one.by)} asks a second person to agree to words for the other side: fieldkeep instruction asked"
        for one in agreeing.waiting_for(opened)
    ]


def _exports(opened: Session, labels: dict[bytes, str]) -> list[str]:
    """What colleagues ask this person to export with them."""
    return [
        f"{labels[one.log]}: {opened.name_of(one.by)} asks a second person to export it ({one.purpose}): fieldkeep export list"
        for one in exporting.waiting_for(opened)
    ]


def _unopened(opened: Session, labels: dict[bytes, str]) -> list[str]:
    """Files of which this device lacks an earlier key: whoever granted had none, or gave a wrong one. It rotates by itself where it lacks the newest."""
    found = []
    for log, label in labels.items():
        state = opened.file(log) if log != opened.registry.log else None
        if state is not None and opened.identity.device in state.holders:
            lacking = [epoch for epoch in state.commits if epoch < state.epoch and epoch not in opened.store.secrets(log)]
            unopened = opened.store.unopened(log) if lacking else 0
            if unopened:
                how = f"fieldkeep member grant {log.hex()[:8]} '{opened.identity.name}'"
                found.append(f"{label}: {unopened} entries cannot be opened here for want of an earlier key: ask a colleague to run {how}")
    return found


def _turned_away(opened: Session) -> list[str]:
    """What keeps this whole device from syncing, or soon will."""
    told = (opened.store.fact(TURNED_AWAY) or b"").decode()
    left = f"{opened.store.unsent()} change(s) of it were never sent"
    if told == "revoked":
        return [f"the server says that this device was revoked; {left}: speak to your office, and enrol a new profile"]
    if told == "suspended":
        return [f"the server says that this device was suspended; {left} and stay here: ring a coordinator, who can lift that"]
    certificate = opened.registry.devices.get(opened.identity.device)
    ends = certificate.subject.until if certificate else 0
    if told == "certificate-ended":
        return [f"this device's certificate ended on {when(ends)}; {left}: ask your office for an invitation, and enrol a new profile"]
    if ends and ends < opened.now_ms() + _ENDS_SOON_MS:
        return [f"this device's certificate ends on {when(ends)}: ask your office for an invitation with --second-device before then"]
    return []


def _handed_over(opened: Session, labels: dict[bytes, str]) -> list[str]:
    """Handovers in which this person's step is the next; cover that is over and that somebody else arranged."""
    found = []
    for one in handovers.handovers(opened):
        may, who = files.may_change(opened, one.log), opened.name_of(one.leaves)
        if one.waits_for == "accept" and one.to == opened.identity.user:
            found.append(f"{labels[one.log]}: {who} hands it over to you: fieldkeep handover accept {one.record.hex()[:8]}")
        elif one.waits_for in ("name", "accept") and may and (not one.to or one.to not in opened.require_file(one.log).members):
            found.append(f"{labels[one.log]}: {who} asks to hand it over: fieldkeep handover name {one.record.hex()[:8]}")
        elif one.waits_for == "finish" and may and one.leaves != opened.identity.user:
            found.append(f"{labels[one.log]}: {opened.name_of(one.to)} has accepted it from {who}: fieldkeep handover finish {one.record.hex()[:8]}")
    ended = [log for log in opened.file_logs() if files.may_change(opened, log) and cover.over(opened, log)]
    return found + [f"{labels[log]}: the cover is over: sync, or fieldkeep cover end {log.hex()[:8]}" for log in ended]


def _breaches(opened: Session) -> list[str]:
    """Of who sits at a desk: phones that were lost and are not on record, and the regulator's hours."""
    found = [
        f"{opened.registry.devices[device].subject.name}'s phone was reported: fieldkeep breach open --kind {kind} --device {device.hex()[:8]} --what '…'"
        for device, kind in breaches.unrecorded(opened)
    ]
    for one in breaches.breaches(opened):
        if not one.decided:
            left = one.hours_left(opened.now_ms())
            hours = f"{left} hours are left" if left >= 0 else f"the 72 hours were over {-left} hours ago"
            found.append(
                f"breach {one.record.hex()[:8]}: {hours} to decide whether the regulator is told: fieldkeep breach regulator {one.record.hex()[:8]}"
            )
    return found


def _claims(opened: Session, labels: dict[bytes, str]) -> list[str]:
    """Of a fund holder: what was bought beyond its allowance and waits for a decision; what lost devices still hold. Of a spender: what is to be paid back."""
    found, me = [], opened.identity.user
    for log in opened.file_logs():
        state = opened.file(log)
        owed = sum(one.owed for one in funds.fund(opened, log).spends.values() if one.user == me) if state is not None and state.file == "fund" else 0
        if owed:
            found.append(f"{labels[log]}: {pounds(owed)} that you claimed was refused and is to be paid back: fieldkeep spend list")
    for log in funds.held(opened):
        waiting = [one for one in funds.fund(opened, log).spends.values() if one.disputed and one.user != me]
        if waiting:
            total = pounds(sum(one.disputed for one in waiting))
            found.append(
                f"{labels[log]}: {len(waiting)} spend(s) beyond their allowance, {total}, are claimed and wait for you: fieldkeep fund claims"
            )
        if lost := sum(amount for _, amount in funds.stranded(opened, log)):
            found.append(f"{labels[log]}: lost devices still hold {pounds(lost)}: fieldkeep fund reclaim --lost")
    return found


def _agenda(opened: Session, labels: dict[bytes, str]) -> list[str]:
    """Who is not back, first; what is overdue, orders that end within a day, requests that nobody answers, and of a coordinator who leads too many cases."""
    found = [
        f"{labels[one.said.file]}: a visit is {one.rule.late_minutes} minutes overdue: fieldkeep visit list"
        for one in agenda.planned(opened)
        if one.rule.state == "overdue"
    ]
    overdue = agenda.due(opened, -1)
    found += [f"{len(overdue)} thing(s) of yours are overdue: fieldkeep due"] if overdue else []
    at = agenda.now(opened)
    ending = [
        one for one in agenda.orders(opened) if one.rule.state != "over" and (left := one.rule.hours_left(at)) is not None and left < _ENDING_HOURS
    ]
    found += [f"{labels[one.said.file]}: an order ends within a day, or may have: fieldkeep order list" for one in ending]
    further = [one for one in agenda.requests(opened) if one.rule.next == "escalate" and one.rule.on is not None and one.rule.on <= at.date()]
    found += [f"{len(further)} request(s) were chased twice and not answered: fieldkeep request list"] if further else []
    me = opened.registry.devices.get(opened.identity.device)
    loads = agenda.caseload(opened) if me is not None and "coordinator" in me.subject.roles else []
    return found + [f"{opened.name_of(ids.parse(one.worker))} leads {one.cases} cases: fieldkeep caseload" for one in loads if one.over]
