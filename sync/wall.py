"""The wall, proved from the exports of both working sides with public keys only (docs/spec.md §10.4). Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from shared_schema.ids import Side
from sync.audit import Audited, Finding


@dataclass(slots=True)
class Wall:
    """The outcome of proving the wall: what was counted per side, what crosses, and of which sides it is not proved that every log was given."""

    sides: list[Side] = field(default_factory=list)
    logs: int = 0
    grants: int = 0
    recipients: int = 0
    erased: int = 0
    findings: list[Finding] = field(default_factory=list)
    notices: list[Finding] = field(default_factory=list)
    unproved: list[Side] = field(default_factory=list)
    as_of_ms: dict[Side, int] = field(default_factory=dict)

    @property
    def crossings(self) -> list[Finding]:
        """What crosses. The other findings say that an export does not verify, and so proves nothing."""
        return [one for one in self.findings if one.code in ("wall", "void:wall")]


def prove_wall(audits: Sequence[Audited]) -> Wall:
    """W1 over verified exports, one per side: no grant leaves its side, and no key, device, person or log exists on two."""
    wall = Wall(sides=[audited.side for audited in audits])
    owners: dict[tuple[str, bytes], tuple[Side, str]] = {}
    for audited in audits:
        wall.findings += audited.findings
        wall.notices += audited.notices
        wall.logs += len(audited.chains)
        wall.erased += sum(file.erased is not None for file in audited.files.values())
        wall.unproved += [] if audited.complete else [audited.side]
        wall.as_of_ms[audited.side] = audited.as_of_ms
        _check_grants(audited, wall)
        for kind, what, value in _identifiers(audited):
            side, there = owners.setdefault((kind, value), (audited.side, what))
            if side != audited.side:
                where = f"on the {side} side{f' as a {there}' if there != what else ''}"
                wall.findings.append(Finding("wall", b"", 0, f"a {what} of the {audited.side} side exists {where}"))
    for audited in audits:
        for (what, value), n in audited.named.items():
            owner, _ = owners.get((what, value), (audited.side, what))
            if owner not in ((audited.side, "oversight") if what == "device" else (audited.side,)):  # a supervisor's device fetches
                wall.findings.append(Finding("wall", b"", n, f"event {n} of the {audited.side} side names a {what} of the {owner} side"))
    return wall


def _check_grants(audited: Audited, wall: Wall) -> None:
    known = audited.registry
    if known is None or known.root is None:
        return
    allowed = known.devices.keys() | {key.id for key in known.recovery.keys}
    seen: set[bytes] = set()
    for log, seq, statement in audited.statements:
        if getattr(statement, "side", audited.side) != audited.side:
            wall.findings.append(Finding("wall", log, seq, "a file of another side stands in this side's logs"))
        for grant in statement.grants:
            wall.grants += 1
            seen.add(grant.to)
            if grant.to not in allowed:
                wall.findings.append(Finding("wall", log, seq, "a grant goes to a key that is not on this side"))
    wall.recipients += len(seen)


def _identifiers(audited: Audited) -> Iterable[tuple[str, str, bytes]]:
    """(kind, what it is called, value) of all that may exist on one side only. Keys are of one kind: whoever holds one holds it for every use."""
    known = audited.registry
    if known is None:
        return
    for certificate in known.devices.values():
        yield "device", "device", certificate.keys.device
        yield "key", "signing key", certificate.keys.sign
        yield "key", "receiving key", certificate.keys.receive
        yield "person", "person", certificate.subject.user
    if known.root is not None:
        for recovery in known.recovery.keys:
            yield "key", "recovery key", recovery.receive
            yield "key", "recovery signing key", recovery.sign
        yield "key", "receipt key", known.root.receipt
        yield "key", "checkpoint key", known.root.checkpoint
        for incarnation in known.incarnations:
            yield "incarnation", "incarnation", incarnation
    for log in audited.chains:
        yield "log", "log", log
