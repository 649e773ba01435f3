"""One sync on the command line: its progress, and what it did, as plain values and in words."""

from typing import Any

from shared_schema import ids
from sync.device.cli import terminal
from sync.device.cli.terminal import when
from sync.device.exchanging import covering
from sync.device.exchanging.syncing import Report, sync
from sync.device.exchanging.transport import HttpTransport
from sync.device.recording import conflicts as conflict_rules
from sync.device.session import Session


def run_sync(opened: Session, transport: HttpTransport, *, quiet: bool, at_once: bool = False) -> Report:
    """One sync, with its progress."""
    with terminal.progress("syncing", quiet=quiet) as advance:
        return sync(opened, transport, lambda report: advance(report.received + report.accepted, None), at_once=at_once, sending=advance)


def report_json(opened: Session, report: Report) -> dict[str, Any]:
    """A sync's report as plain values."""
    return {
        "sent": report.sent, "accepted": report.accepted, "received": report.received, "rounds": report.rounds,
        "unsent": opened.store.unsent(), "waits": covering.waits(opened), "waits_until_ms": covering.next_ms(opened) if covering.waits(opened) else None, "held": opened.store.held(), "conflicts": conflict_rules.count_conflicts(opened), "holes": report.holes,
        "receipts": [
            {"file": ids.show(one.log), "entry": one.id.hex(), "seq": one.seq, "received_ms": one.received_ms} for one in report.receipts
        ],
        "attachments": {"sent": report.attached.chunks, "left": report.attached.left, "code": report.attached.code or None, "why": report.attached.why or None},
        "rotated": report.rotated, "granted": report.granted,
        "refused": [{"file": ids.show(one.log), "code": one.code, "message": one.message, "final": one.final, "statement": one.statement} for one in report.refused],
        "contradictions": [{"code": "contradiction", "log": ids.show(log), "message": text} for log, text in report.contradictions],
    }  # fmt: skip


def report_lines(found: dict[str, Any]) -> list[str]:
    """A sync's report in words."""
    lines = [f"Received {found['received']}, sent {found['accepted']} with receipts, {found['unsent']} not sent, {found['conflicts']} in conflict."]
    lines += [f"  receipt: file {one['file'][:8]}, entry {one['seq']}, received {when(one['received_ms'])}" for one in found["receipts"]]
    if found["waits"]:
        lines.append(f"  {found['waits']} wait until {when(found['waits_until_ms'])}: cover traffic is on. What cannot wait: fieldkeep sync --now")
    if (attached := found["attachments"])["left"]:
        lines.append(f"  {attached['left']} attachment(s) not sent yet: {attached['why'] or 'the next sync goes on where this one stopped'}")
    if any(one["code"] == "held" for one in found["refused"]):
        lines.append(f"  {found['held']} held: you are not in that file any more. A colleague reads it and lets it in or not; nothing of it is lost.")
    lines += [f"  not taken: {one['code']}: {one['message']}" for one in found["refused"] if not one["final"] or one["statement"]]
    lines += [f"  contradiction in {one['log'][:8]}: {one['message']}. Your data and the evidence are kept." for one in found["contradictions"]]
    return lines
