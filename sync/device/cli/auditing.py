"""audit verify, export, wall."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import typer

from shared_schema import ids
from shared_schema.errors import ProtocolError, Refused
from shared_schema.ids import SIDES
from sync import audit as rules
from sync import wall as wall_rules
from sync.audit import Audited, Finding, Removed
from sync.device.cli import frame, terminal
from sync.device.cli.frame import Json, command
from sync.device.cli.terminal import emit
from sync.device.exports import audit_files, exports
from sync.device.session import Session, entry_of

audit = typer.Typer(help="Prove what happened, without reading it.", no_args_is_help=True)
_MOST_LISTED: Final = 50
Authority = Annotated[
    str | None,
    typer.Option(help="Authority fingerprint to trust (64 hex). Without it this profile's; without a profile the export's own, unverified."),
]


def _finding(one: Finding) -> dict[str, Any]:
    return {"code": one.code, "log": ids.show(one.log) if len(one.log) == 16 else None, "seq": one.seq, "text": one.text}


def _listed(findings: Sequence[Finding]) -> list[str]:
    """A line each, as many as a person reads."""
    more = len(findings) - _MOST_LISTED
    return [_finding_text(one) for one in findings[:_MOST_LISTED]] + ([f"  … and {more} more; --json lists all"] if more > 0 else [])


def _finding_text(one: Finding) -> str:
    return f"  {one.code}: log {ids.show(one.log) if len(one.log) == 16 else '–'}, entry {one.seq}: {one.text}"


class Pin(NamedTuple):
    """The authority that an export is checked against, and where it is from. One that the export itself claims proves nothing of who made it."""

    fingerprint: bytes
    source: str
    verified: bool = True

    def said(self) -> str:
        """The line that says what the rest is worth."""
        return f"Authority {self.fingerprint.hex()}: {self.source}."


def pin_of(authority: str | None, claimed: bytes) -> Pin:
    """The authority to trust: as given, as this profile pins it, or as the export claims, `claimed`. Raises typer.BadParameter."""
    if authority is not None:
        try:
            fingerprint = bytes.fromhex(authority)
        except ValueError:
            fingerprint = b""
        if len(fingerprint) != 32:
            raise typer.BadParameter("an authority fingerprint is 64 hex digits")
        return Pin(fingerprint, "as given with --authority")
    if (terminal.context().profile / "profile.json").exists():
        with frame.session() as opened:
            return Pin(opened.identity.authority, f"as pinned by the profile in {terminal.context().profile}")
    return Pin(
        claimed, "taken from the export itself and NOT verified; compare it with the one you were given, or give it with --authority", verified=False
    )


def _check_named(pin: Pin, claimed: bytes, path: Path) -> None:
    """Of an export that does not verify. Raises Refused when it names another authority: then each of its signatures was a finding."""
    if claimed != pin.fingerprint:
        text = f"{path} names authority {claimed.hex()}, and you trust {pin.fingerprint.hex()} ({pin.source}): it is of another service, or forged"
        raise Refused("bad-export", f"{text}. Nothing of it was believed")


def _roles(opened: Session) -> tuple[str, ...]:
    certificate = opened.registry.devices.get(opened.identity.device)
    return certificate.subject.roles if certificate else ()


def supervised(opened: Session) -> str:
    """The side that this device's person may audit. Raises Refused `not-permitted`."""
    for side in SIDES:
        if f"supervisor_{side}" in _roles(opened):
            return side
    raise Refused("not-permitted", f"as {' and '.join(_roles(opened)) or 'nobody'} you supervise no side; a supervisor does")


def is_side(side: str | None) -> str | None:
    """A side as it was typed, or None for none. Raises typer.BadParameter for anything else."""
    if side is not None and side not in SIDES:
        raise typer.BadParameter(f"side is one of {', '.join(SIDES)}")
    return side


def check_may_audit(opened: Session, side: str) -> None:
    """Raises Refused `not-permitted` for a side that this device's person does not supervise."""
    roles = _roles(opened)
    may = [one for one in SIDES if f"supervisor_{one}" in roles]
    if side not in may:
        what = f"you may audit the {' and the '.join(may)} side" if may else "you may export your own logs only, without --side"
        raise Refused("not-permitted", f"as {' and '.join(roles) or 'nobody'} {what}; the {side} side is for its supervisor")


@audit.command("export")
@command
def audit_export(
    out: Annotated[Path, typer.Option(help="File to write.")],
    side: Annotated[str | None, typer.Option(help="For supervisors: the side to fetch whole from the server.", callback=is_side)] = None,
    as_json: Json = False,
) -> None:
    """Export logs for an auditor: signed entries, heads, receipts, checkpoint; never any content.

    A worker's device exports the logs that it holds; a supervisor's fetches all logs and audit events of a side.

    Example: fieldkeep audit export --out perpetrator.jsonl
    """
    with frame.session() as opened:
        if side is None:
            export = audit_files.from_store(opened)
        else:
            check_may_audit(opened, side)
            with frame.online(opened) as transport, terminal.progress("fetching logs", quiet=as_json) as advance:
                export = audit_files.from_server(lambda path: transport.signed(opened, "GET", path), side, opened.identity.svc, advance)
        lines = audit_files.write_export(export, out, opened.identity.authority, opened.now_ms())
    entries = sum(len(log) for log in export.logs.values())
    found = {"out": str(out), "side": export.side, "logs": len(export.logs), "entries": entries, "events": len(export.events), "lines": lines}
    emit(found, f"{out}: {len(export.logs)} logs, {entries} entries, {len(export.events)} audit events of the {export.side} side.", as_json=as_json)


@audit.command("verify")
@command
def audit_verify(
    export: Annotated[Path | None, typer.Argument(help="Export file; without, this device's own store.")] = None,
    authority: Authority = None,
    as_json: Json = False,
) -> None:
    """Verify chains, signatures, receipts and the audit tree. Exit 1 names the log and the entry that is wrong.

    Example: fieldkeep audit verify perpetrator.jsonl
    """
    if export is None:
        with frame.session() as opened, terminal.progress("verifying", quiet=as_json):
            pin = Pin(opened.identity.authority, "as pinned by this device")
            audited = rules.verify_export(audit_files.from_store(opened), pin.fingerprint)
            _check_parts(opened, audited)
    else:
        read, claimed = audit_files.read_export(export)
        pin = pin_of(authority, claimed)
        with terminal.progress("verifying", quiet=as_json):
            audited = rules.verify_export(read, pin.fingerprint)
        if audited.findings:
            _check_named(pin, claimed, export)
    found = {
        "ok": not audited.findings, "side": audited.side, "logs": len(audited.chains), "entries": audited.entries, "receipts": audited.receipts,
        "leaves": audited.leaves, "tree_size": audited.tree_size, "beyond_tree": audited.beyond,
        "not_proved_complete": [] if audited.complete else [audited.side], "voids": audited.voids, "recovery": {"granted": audited.regranted, "files": len(audited.living)}, "rotation": {"pending": [ids.show(log) for log in audited.unrotated], "files": len(audited.living)}, "authority": pin.fingerprint.hex(),
        "authority_from": pin.source, "authority_verified": pin.verified,
        "findings": [_finding(one) for one in audited.findings], "notices": [_finding(one) for one in audited.notices],
        "removed": [_removed(one) for one in audited.removed.values()],
    }  # fmt: skip
    head = f"{audited.side} side: {len(audited.chains)} logs, {audited.entries} entries, {audited.receipts} receipts, {audited.leaves} audit leaves, tree {audited.tree_size}."
    what = "A device keeps no audit events" if export is None else "The export has no audit events"
    tree = "holds, and the audit tree." if audited.leaves else f"holds. {what}, so nothing is said of the audit tree."
    good = f"Verified: every chain, signature and receipt {tree}" if not audited.findings else f"NOT verified: {len(audited.findings)} finding(s)."
    beyond = [f"{audited.beyond} event(s) lie beyond the audit tree: nobody vouches for them, and that this is every log of the side is not proved."]
    owed = [f"rotation pending: {len(audited.unrotated)} of {len(audited.living)} files."] if audited.unrotated else []
    if audited.regranted < len(audited.living):
        owed.append(f"recovery: {audited.regranted} of {len(audited.living)} files are granted to the recovery key in force.")
    emit(
        found,
        head,
        good,
        *(beyond if audited.beyond else ()),
        *owed,
        *_removed_lines(audited, told=bool(audited.leaves)),
        *_listed([*audited.findings, *audited.notices]),
        pin.said(),
        as_json=as_json,
    )
    if audited.findings:
        raise typer.Exit(1)


def _check_parts(opened: Session, audited: Audited) -> None:
    """The device's own store also holds the parts: each must match its hash, and none be absent, or still there, but as the statements say."""
    for log, *_ in opened.store.logs():
        state = opened.file(log) if log != opened.registry.log else None
        for one in exports.exported(opened, log) if state is not None else ():
            if one.wrong:
                audited.add("not-approved", log, one.seq, f"an export that no second person approved: {one.wrong}")
        left = state is not None and opened.identity.user not in state.members  # what was expunged since they are not told
        for row in opened.store.entries(log):
            if not row.cose:
                continue
            try:
                parts = entry_of(row).parts
            except ProtocolError as error:
                audited.add("contradiction", log, row.seq, str(error))
                continue
            for i, part in enumerate(parts):
                gone = audited.has_gone(log, row.seq, i)
                if part is None and not gone and not left:
                    audited.add("contradiction", log, row.seq, f"part {i} is absent, and no statement expunged it")
                elif part is not None and gone:
                    audited.add("kept", log, row.seq, f"part {i} was expunged, and is still on this device")


def _removed(one: Removed) -> dict[str, Any]:
    return {
        "log": ids.show(one.log), "entry": one.at or None, "part": one.part, "by_entry": one.seq, "statement": one.id.hex(), "reason": one.reason,
        "whole_file": one.part is None, "devices": sorted(map(ids.show, one.devices)), "purged": sorted(map(ids.show, one.purged)),
        "not_yet": sorted(map(ids.show, one.devices - one.purged)),
    }  # fmt: skip


def _removed_lines(audited: Audited, *, told: bool) -> list[str]:
    """What has gone, each with the statement that says so; where there are audit events, with the devices that have purged it."""
    parts = sum(one.part is not None for one in audited.removed.values())
    lines = [f"{parts} part(s) and {len(audited.removed) - parts} file(s) are gone, as statements of two people say:"] if audited.removed else []
    for one in list(audited.removed.values())[:_MOST_LISTED]:
        what = "the whole file" if one.part is None else f"part {one.part} of entry {one.at}" if one.at else f"part {one.part} of what was held"
        done = f"; purged on {len(one.devices & one.purged)} of {len(one.devices)} devices" if told and one.devices else ""
        done = f"; purged on {len(one.purged)} device(s)" if told and not one.devices else done
        lines.append(f"  log {ids.show(one.log)}: {what}, by entry {one.seq} ({one.reason}){done}")
    return lines


@audit.command("wall")
@command
def audit_wall(
    exports: Annotated[list[Path], typer.Argument(help="Export files, one per side.")], authority: Authority = None, as_json: Json = False
) -> None:
    """Prove the wall from exports and public keys alone: no grant ever crossed, and the sides share nothing but the authority.

    Example: fieldkeep audit wall perpetrator.jsonl victim.jsonl
    """
    read = [audit_files.read_export(path) for path in exports]
    sides = [export.side for export, _ in read]
    if len(set(sides)) != len(sides):
        raise Refused("bad-export", "give one export per side")
    if len({export.svc for export, _ in read}) != 1 or len({claimed for _, claimed in read}) != 1:
        raise Refused("bad-export", "the exports are of different services")
    pin = pin_of(authority, read[0][1])
    with terminal.progress("verifying", quiet=as_json):
        wall = wall_rules.prove_wall([rules.verify_export(export, pin.fingerprint) for export, _ in read])
    holds = not wall.findings
    if not holds:
        _check_named(pin, read[0][1], exports[0])
    missing = sorted({"perpetrator", "victim"} - set(sides))
    found = {
        "ok": holds, "sides": list(wall.sides), "not_given": missing, "logs": wall.logs, "grants": wall.grants, "recipients": wall.recipients,
        "crossings": len(wall.crossings), "not_proved_complete": list(wall.unproved), "authority": pin.fingerprint.hex(), "authority_from": pin.source, "authority_verified": pin.verified,
        "as_of_ms": wall.as_of_ms, "erased": wall.erased,
        "findings": [_finding(one) for one in wall.findings],
        "notices": [_finding(one) for one in wall.notices],
    }  # fmt: skip
    lines = [f"{wall.grants} grants to {wall.recipients} recipients in {wall.logs} logs of {' and '.join(sides)}."]
    lines += [f"The {side} side as it was on {terminal.when(ms)} UTC." for side, ms in wall.as_of_ms.items() if ms]
    lines += [f"The {side} side's export was not given: this proves the wall from one side only." for side in missing]
    lines += [
        f"The {side} side's export has no audit events, or some beyond its checkpoint: that it holds every log of that side is not proved."
        for side in wall.unproved
    ]
    if wall.erased:
        lines.append(f"{wall.erased} file(s) were erased: the grants in them have gone with them, and are not examined any more.")
    if wall.crossings:
        lines.append(f"THE WALL IS BROKEN: {len(wall.crossings)} crossing(s).")
    elif not holds:
        lines.append(f"CANNOT TELL: what was given does not verify, {len(wall.findings)} finding(s). Nothing in it crosses.")
    elif missing:
        lines.append("No grant crossed in what was given. What the two working sides share can be seen only from the exports of both.")
    else:
        lines.append("The wall holds: no grant crossed, and no key, device, person or log is on two sides.")
    emit(found, *lines, *_listed([*wall.findings, *wall.notices]), pin.said(), as_json=as_json)
    if not holds:
        raise typer.Exit(1)
