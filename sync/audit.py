"""What an auditor checks with public keys only (docs/spec.md §10.4): chains, signatures, receipts, the audit tree. The wall is sync/wall.py.

Pure: takes logs as they were exported and returns findings. A finding names the log and the place.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from shared_schema import ids
from shared_schema.certificate import Root
from shared_schema.checkpoint import decode_checkpoint, origin
from shared_schema.cose import Sign1
from shared_schema.entry import Entry, Head, Witness, decode_entry_alone
from shared_schema.errors import Contradiction, Malformed, ProtocolError
from shared_schema.event import decode_event
from shared_schema.ids import Side
from shared_schema.membership import FileStatement, Recover, file_statement
from shared_schema.receipt import Receipt, SignedHead, decode_receipt, decode_signed_head
from shared_schema.recovery import Drill, Permit, Renew
from shared_schema.removal import Erase, Expunge
from sync import log as log_rules
from sync import membership, merkle, registry, removal
from sync.exchange import accepted_event, check_signature
from sync.log import LogHead, Placed
from sync.membership import FileState
from sync.registry import Registry
from sync.signing import verify_bytes, verify_checkpoint


class ExportedEntry(NamedTuple):
    """One entry without its parts. `chain`, `leaf` and `salt` are what the exporter said of it; leaf is -1 when it said nothing. Of an entry of an
    erased file there is only the `id`, and no `cose`.
    """

    seq: int
    received_ms: int
    cose: bytes
    chain: bytes
    leaf: int = -1
    salt: bytes = b""
    id: bytes = b""


@dataclass(frozen=True, slots=True)
class Export:
    """One side's logs as exported. `events` maps leaf index to (salt, event); empty when the exporter may not see them."""

    svc: bytes
    side: Side
    logs: Mapping[bytes, tuple[ExportedEntry, ...]]
    heads: tuple[bytes, ...] = ()
    receipts: tuple[bytes, ...] = ()
    checkpoint: str = ""
    events: Mapping[int, tuple[bytes, bytes]] = field(default_factory=dict)


class Leaf(NamedTuple):
    """An event at its place in the audit tree. What an entry of an erased file was accepted as is known but for its author: `event` is empty."""

    n: int
    salt: bytes
    event: bytes


class Finding(NamedTuple):
    """Something that is wrong."""

    code: str
    log: bytes
    seq: int
    text: str


class Removed(NamedTuple):
    """What a statement removed: part `part` of the envelope at `at` (0: of one that was held), or with part None the whole file. `devices` may have had
    it; of those `purged` said that they have no more of it.
    """

    log: bytes
    seq: int
    id: bytes
    reason: str
    at: int
    part: int | None
    devices: frozenset[bytes]
    purged: set[bytes]


@dataclass(slots=True)
class Audited:
    """The outcome: findings, what was counted, and the folded registry and files for further questions.

    `notices` are events that a person should know of and that prove no fault. `leaves` is 0 when the export has no events: then
    nothing is said about the audit tree. `named` are the logs and fetching devices that the tree names, each with the first such event.
    `removed` are the parts and files that have gone, each with the statement that says so.
    `beyond` counts events that are not in the tree: nobody vouches for them. `as_of_ms` is the time of the newest event that is, 0 without any.
    """

    side: Side
    findings: list[Finding] = field(default_factory=list)
    notices: list[Finding] = field(default_factory=list)
    entries: int = 0
    receipts: int = 0
    leaves: int = 0
    voids: int = 0
    registry: Registry | None = None
    files: dict[bytes, FileState] = field(default_factory=dict)
    statements: list[tuple[bytes, int, FileStatement]] = field(default_factory=list)
    chains: dict[bytes, list[bytes]] = field(default_factory=dict)
    witnessed: list[tuple[bytes, int, Witness]] = field(default_factory=list)
    events: dict[tuple[bytes, int], Leaf] = field(default_factory=dict)
    named: dict[tuple[str, bytes], int] = field(default_factory=dict)
    items: dict[tuple[bytes, int], tuple[bytes, int]] = field(default_factory=dict)
    removed: dict[tuple[bytes, bytes], Removed] = field(default_factory=dict)
    tree_size: int = 0
    beyond: int = 0
    as_of_ms: int = 0

    @property
    def living(self) -> list[FileState]:
        """The files that were not erased."""
        return [file for file in self.files.values() if file.erased is None]

    @property
    def regranted(self) -> int:
        """How many of the files are granted to the recovery key in force."""
        return sum(self.registry is not None and file.recovery == self.registry.recovery_id for file in self.living)

    @property
    def unrotated(self) -> list[bytes]:
        """The files that a revoked device, or a recovery key that is no longer in force, still holds: nothing is taken into them."""
        known = self.registry
        return [log for log, file in self.files.items() if known is not None and (file.blocked or membership.rotation_needed(file, known))]

    @property
    def complete(self) -> bool:
        """True when it is proved that the export has every log of the side: the tree holds every event that it has."""
        return bool(self.leaves) and not self.beyond

    def has_gone(self, log: bytes, at: int, part: int) -> bool:
        """True when a statement says that this part was expunged."""
        return any((one.log, one.at, one.part) == (log, at, part) for one in self.removed.values())

    def add(self, code: str, log: bytes, seq: int, text: str) -> None:
        """Count a finding."""
        self.findings.append(Finding(code, log, seq, text))


def verify_export(export: Export, pinned: bytes) -> Audited:
    """Check everything that can be checked of one side, trusting only the authority's fingerprint."""
    result = Audited(export.side)
    own = ids.registry_log(export.svc, export.side)
    if own not in export.logs:
        result.add("bad-export", own, 0, "the registry is missing")
        return result
    result.registry = _verify_registry(export, own, pinned, result)
    for log, entries in export.logs.items():
        if log != own and any(not one.cose for one in entries):
            _verify_erased(log, entries, result.registry, result)
        elif log != own:
            _verify_file(log, entries, result.registry, result)
    if result.registry.root is not None:
        _verify_heads(export, result)
        _verify_tree(export, result)
    return result


def _follow(
    log: bytes, entries: Sequence[ExportedEntry], incarnation: bytes, result: Audited
) -> Iterable[tuple[ExportedEntry, Placed, LogHead, LogHead]]:
    """Each decodable entry with the log before and after it. Stops at the first place that breaks the chain."""
    state = log_rules.empty_log(log, incarnation)
    chains = result.chains.setdefault(log, [state.head.chain])
    for exported in entries:
        expected = state.head.seq + 1
        if exported.seq != expected:
            result.add("contradiction", log, expected, f"entry {expected} is missing or out of order: {exported.seq} stands there")
            return
        try:
            entry = decode_entry_alone(exported.cose)
            after, place = log_rules.follow(state, entry, exported.received_ms)
        except ProtocolError as error:
            result.add("contradiction", log, expected, str(error))
            return
        if exported.chain != place.chain:
            result.add("contradiction", log, expected, "the entry does not hash to the place that it was recorded at")
        chains.append(place.chain)
        result.entries += 1
        result.items[log, expected] = entry.id, place.received_ms
        result.events[log, expected] = Leaf(exported.leaf, exported.salt, accepted_event(log, place, void=False))
        yield exported, place, state, after
        if log_rules.follows_author(state, entry):
            after = log_rules.advance_author(after, entry)
        state = after


def _verify_registry(export: Export, log: bytes, pinned: bytes, result: Audited) -> Registry:
    known = registry.empty_registry(export.svc, export.side, pinned)
    for exported, place, before, after in _follow(log, export.logs[log], bytes(16), result):
        entry = place.entry
        signer = registry.signer(known, entry)
        try:
            if signer is not None:
                _check_authorship(place, signer, result.chains[log])
                result.witnessed.append((log, place.seq, entry.ck))
            log_rules.check_address(entry, export.svc, log)
            log_rules.check_follows(before, entry)
            known = registry.take(known, entry, after.head.chain)
            if told := _about_recovery(entry):
                result.notices.append(Finding("recovery", log, exported.seq, told))
        except ProtocolError as error:
            reused = known.reused
            known = registry.skip(known, after.head.chain, entry)
            result.voids += 1
            if error.code == "invitation-spent" and known.reused != reused:  # the one that the server appends for everybody to see
                result.notices.append(Finding(f"void:{error.code}", log, exported.seq, "somebody used an invitation a second time"))
                result.events[log, place.seq] = Leaf(exported.leaf, exported.salt, accepted_event(log, place, void=True))
            else:
                result.add(_code(error), log, exported.seq, str(error))
    return known


def _about_recovery(entry: Entry) -> str:
    """What an auditor should know of, and what proves no fault."""
    match registry.statement_of(entry):
        case Renew():
            return "a fresh recovery key was put in force"
        case Permit() as permit:
            what = "any file that nobody holds" if permit.files is None else f"{len(permit.files)} file(s)"
            return f"device {ids.show(permit.device)} was allowed to recover {what}: {permit.reason}"
        case Drill() as drill:
            return f"the recovery shares were put together for a drill: {drill.opened} of {drill.files} files opened"
    return ""


def _verify_file(log: bytes, entries: Sequence[ExportedEntry], known: Registry, result: Audited) -> None:
    file: FileState | None = None
    incarnation = known.root.incarnation if known.root else bytes(16)
    told = _Told()
    for exported, place, before, _after in _follow(log, entries, incarnation, result):
        entry, statement = place.entry, None
        try:
            certificate = known.devices.get(entry.author)
            if certificate is None:
                raise Contradiction(f"the author of entry {place.seq} is not certified on this side")
            _check_authorship(place, certificate.keys.sign, result.chains[log])
            result.witnessed.append((log, place.seq, entry.ck))
            log_rules.check_address(entry, known.svc, log)
            log_rules.check_follows(before, entry)
            if entry.is_envelope:
                membership.check_envelope(file, entry)
            else:
                statement = file_statement(entry)
                taken = membership.take(file, entry, known, exported.received_ms)
                if entry.held is not None and entry.sealed is not None:
                    log_rules.check_carried(before, entry.sealed, result.chains[log].__getitem__)
                removal.check_entry(entry, exported.received_ms, told.entries.get)
                told.removes(place, statement, file, result)
                file = taken
                if isinstance(statement, Recover):
                    by = f"device {ids.show(entry.author)}, as {statement.role}"
                    result.notices.append(Finding("recovery", log, exported.seq, f"the file, which nobody held any more, was brought back by {by}"))
        except ProtocolError as error:
            file = file if entry.is_envelope else membership.skip(file, entry)
            result.voids += 1
            result.add(_code(error), log, exported.seq, str(error))
        told.note(place, file)
        if statement is not None:
            result.statements.append((log, exported.seq, statement))
    if file is not None:
        result.files[log] = file


class _Told:
    """A file's entries so far, and which devices held it after each that changed that."""

    def __init__(self) -> None:
        self.entries: dict[int, tuple[Entry, int]] = {}
        self._held: list[tuple[int, frozenset[bytes]]] = []

    def note(self, place: Placed, file: FileState | None) -> None:
        """After `place` the file was this."""
        self.entries[place.seq] = place.entry, place.received_ms
        holders = file.holders if file is not None else frozenset[bytes]()
        if not self._held or self._held[-1][1] != holders:
            self._held.append((place.seq, holders))

    def removes(self, place: Placed, statement: FileStatement, before: FileState | None, result: Audited) -> None:
        """Count what a statement that stands removes."""
        since = statement.at if isinstance(statement, Expunge) else 0
        last = max((at for at, _ in self._held if at <= since), default=0)
        had: frozenset[bytes] = frozenset().union(*(holders for at, holders in self._held if at >= last), before.holders if before else ())
        log, entry_id = place.entry.log, place.entry.id
        if isinstance(statement, Expunge):
            result.removed[log, entry_id] = Removed(log, place.seq, entry_id, statement.reason, statement.at, statement.part, had, set())
        elif isinstance(statement, Erase):
            result.removed[log, entry_id] = Removed(log, place.seq, entry_id, statement.reason, 0, None, had, set())


def _verify_erased(log: bytes, entries: Sequence[ExportedEntry], known: Registry, result: Audited) -> None:
    """A file of which there are ids and times: they are its chain, and its last entry is a valid erasure."""
    state = log_rules.empty_log(log, known.root.incarnation if known.root else bytes(16))
    chains = result.chains.setdefault(log, [state.head.chain])
    for exported in entries:
        seq = state.head.seq + 1
        try:
            if exported.seq != seq:
                raise Contradiction(f"entry {seq} is missing or out of order: {exported.seq} stands there")
            entry = decode_entry_alone(exported.cose) if exported.cose else None
            state = log_rules.follow_id(state, entry.id if entry else exported.id, exported.received_ms)
        except ProtocolError as error:
            result.add("contradiction", log, seq, str(error))
            return
        if exported.chain != state.head.chain:
            result.add("contradiction", log, seq, "the entry does not hash to the place that it was recorded at")
        chains.append(state.head.chain)
        result.entries += 1
        result.items[log, seq] = entry.id if entry else exported.id, exported.received_ms
        event = accepted_event(log, Placed(seq, exported.received_ms, state.head.chain, entry), void=False) if entry else b""
        result.events[log, seq] = Leaf(exported.leaf, exported.salt, event)
        if entry is not None:
            _check_erasure(Placed(seq, exported.received_ms, state.head.chain, entry), len(entries), known, result)
    if log not in result.files:
        result.add("contradiction", log, state.head.seq, "entries are absent, and no statement erased the file")


def _check_erasure(place: Placed, last: int, known: Registry, result: Audited) -> None:
    entry = place.entry
    try:
        certificate, statement = known.devices.get(entry.author), file_statement(entry)
        if certificate is None or not isinstance(statement, Erase) or place.seq != last:
            raise Contradiction("entries are absent around one that erases nothing")
        _check_authorship(place, certificate.keys.sign, result.chains[entry.log])
        result.witnessed.append((entry.log, place.seq, entry.ck))
        log_rules.check_address(entry, known.svc, entry.log)
        removal.check_erased(statement, entry, known, place.received_ms)
    except ProtocolError as error:
        result.voids += 1
        result.add(_code(error), entry.log, place.seq, str(error))
        return
    result.files[entry.log] = membership.erased(entry.log, statement, entry, known.side, {})
    result.removed[entry.log, entry.id] = Removed(entry.log, place.seq, entry.id, statement.reason, 0, None, frozenset(), set())


def _code(error: ProtocolError) -> str:
    """What the log's own evidence makes void is the author's fault or the server's; a contradiction is the server's alone."""
    return error.code if error.code == "contradiction" else f"void:{error.code}"


def _check_authorship(place: Placed, public: bytes, chains: list[bytes]) -> None:
    """Raises Contradiction unless the author signed the entry and had seen this very log."""
    check_signature(place, public)
    seen = place.entry.sn
    if seen.seq >= place.seq:
        raise Contradiction(f"its author saw entry {seen.seq}, which came after it")
    if chains[seen.seq] != seen.chain:
        raise Contradiction(f"its author saw another entry {seen.seq}")


def _verify_heads(export: Export, result: Audited) -> None:
    ends: set[bytes] = set()
    for data in export.heads:
        log, seq = _signed(result, data, lambda data: _head_claim(decode_signed_head(data)), "head")
        if seq == len(result.chains.get(log, ())) - 1:
            ends.add(log)
    for log, chains in result.chains.items():
        if log not in ends:
            result.add("bad-export", log, len(chains) - 1, "no signed head says that the log ends here")
    for data in export.receipts:
        log, seq = _signed(result, data, lambda data: _receipt_claim(decode_receipt(data)), "receipt")
        result.receipts += 1
        for item in decode_receipt(data).items if seq >= 0 else ():
            if result.items.get((log, item.seq), (item.id, item.received_ms)) != (item.id, item.received_ms):
                result.add("contradiction", log, item.seq, "the server signed a receipt for another entry, or another time, at this place")


def _known(result: Audited) -> tuple[Registry, Root]:
    if result.registry is None:
        raise Malformed("no registry")
    return result.registry, result.registry.require_root()


def _head_claim(head: SignedHead) -> tuple[Sign1, bytes, Head]:
    return head.sign1, head.log, head.head


def _receipt_claim(receipt: Receipt) -> tuple[Sign1, bytes, Head]:
    return receipt.sign1, receipt.log, Head(receipt.incarnation, receipt.seq, receipt.chain)


def _signed(result: Audited, data: bytes, decode: Callable[[bytes], tuple[Sign1, bytes, Head]], what: str) -> tuple[bytes, int]:
    """What the server claims of a log must be signed, of this very service, side and incarnation, and true. Returns (log, seq), or (b"", -1) when
    it is no claim of this server's.
    """
    known, root = _known(result)
    try:
        sign1, log, (incarnation, seq, chain) = decode(data)
    except Malformed as error:
        result.add("bad-export", b"", 0, f"a {what} does not decode: {error}")
        return b"", -1
    if not verify_bytes(root.receipt, sign1.signature, sign1.to_sign):
        result.add("bad-export", log, seq, f"the {what}'s signature does not verify")
        return b"", -1
    if (sign1.svc, sign1.kid, incarnation) != (known.svc, ids.server_key_id(root.receipt), root.incarnation):
        result.add("bad-export", log, seq, f"the {what} is of another service, key or incarnation")
        return b"", -1
    chains = result.chains.get(log)
    if chains is None:
        result.add("contradiction", log, seq, f"the server signed a {what} of a log that is not in the export")
    elif seq >= len(chains):
        result.add("contradiction", log, len(chains), f"the server signed a {what} at {seq} and the log ends at {len(chains) - 1}")
    elif chains[seq] != chain:
        result.add("contradiction", log, seq, f"the server signed a {what} with another chain at {seq}")
    return log, seq


def _verify_tree(export: Export, result: Audited) -> None:
    if not export.checkpoint:
        if export.events:
            result.add("bad-export", b"", 0, "events without a checkpoint")
        return
    _, root = _known(result)
    try:
        checkpoint = decode_checkpoint(export.checkpoint)
        verify_checkpoint(checkpoint, origin(export.svc, export.side, root.incarnation), root.checkpoint)
    except Malformed as error:
        result.add("bad-export", b"", 0, f"the checkpoint: {error}")
        return
    result.tree_size = checkpoint.size
    roots = {checkpoint.size: checkpoint.root}
    if export.events:
        if sorted(export.events) != list(range(len(export.events))) or len(export.events) < checkpoint.size:
            result.add("bad-export", b"", 0, f"{len(export.events)} events for a tree of {checkpoint.size}")
            return
        leaves = [merkle.leaf_hash(merkle.event_commitment(*export.events[n])) for n in range(checkpoint.size)]
        result.leaves, result.beyond = len(leaves), len(export.events) - len(leaves)
        roots = merkle.prefix_roots(leaves, {checkpoint.size} | {ck.size for _, _, ck in result.witnessed})
        if roots[checkpoint.size] != checkpoint.root:
            result.add("contradiction", b"", checkpoint.size, "the events do not hash to the checkpoint's root")
    for log, seq, ck in result.witnessed:
        if ck.incarnation != root.incarnation:
            continue
        shown = roots.get(ck.size) if export.events else roots.setdefault(ck.size, ck.root)
        if shown != ck.root:
            result.add("contradiction", log, seq, f"its author was shown another audit tree of size {ck.size}")
    if export.events:
        _verify_events(export, result)


def _verify_events(export: Export, result: Audited) -> None:
    """Every event is one of §10.1. I9: exactly one `accepted` event for every entry, at the leaf that it was served with, and no other."""
    left = dict(result.events)
    for n in sorted(export.events):
        salt, data = export.events[n]
        try:
            event = decode_event(data)
        except Malformed as error:
            result.add("bad-export", b"", n, f"event {n}: {error}")
            continue
        if event["e"] == "accepted":
            place = (event["log"], event["seq"])
            _check_leaf(place, Leaf(n, salt, data), left.pop(place, None), result)
        if n < result.leaves:
            _check_told(n, event, result)
    for log, seq in left:
        result.add("contradiction", log, seq, "the audit log has no leaf for this entry")


def _check_leaf(place: tuple[bytes, int], found: Leaf, wanted: Leaf | None, result: Audited) -> None:
    if wanted is None:
        again = place in result.events
        text = "two leaves for one entry" if again else "the audit log has a leaf for an entry that is not in the export"
        result.add("contradiction", *place, text)
    elif found.event != wanted.event and (wanted.event or not _tells_of_ghost(place, found.event, result)):
        result.add("contradiction", *place, "the audit log tells something else about this entry")
    elif (found.n, found.salt) != (wanted.n, wanted.salt):
        result.add("contradiction", *place, f"the entry was served with leaf {wanted.n}, and its event stands at {found.n} or has another salt")


def _tells_of_ghost(place: tuple[bytes, int], event: bytes, result: Audited) -> bool:
    """Whether an event says of an entry of an erased file all that is still known of it: its author is not."""
    told, (entry_id, received_ms) = decode_event(event), result.items[place]
    return (told["id"], told["ms"], told["chain"], told["void"]) == (entry_id, received_ms, result.chains[place[0]][place[1]], False)


def _check_told(n: int, event: Mapping[str, Any], result: Audited) -> None:
    """What the tree tells of devices and logs must be this side's own, but for the supervisor's device, which must not be."""
    known, _ = _known(result)
    log: bytes = event.get("log") or b""
    if log:
        result.named.setdefault(("log", log), n)
    result.as_of_ms = max(result.as_of_ms, event.get("ms", 0))
    if event["e"] == "delivered":
        certificate, file = known.devices.get(event["device"]), result.files.get(log)
        if certificate is None:
            result.add("wall", log, event["to"], f"event {n}: entries went to a device that is not on this side")
        elif (
            file is not None
            and not file.erased
            and certificate.subject.user not in file.ever
            and not known.recovery.was_permitted(event["device"], log)
        ):
            result.add("contradiction", log, event["to"], f"event {n}: entries went to somebody who never was a member")
        if not event["from"] < event["to"] < len(result.chains.get(log, ())):
            result.add("contradiction", log, event["to"], f"event {n}: entries went out that are not in the export")
    elif event["e"] == "reviewed":
        certificate, file = known.devices.get(event["device"]), result.files.get(log)
        if certificate is None:
            result.add("wall", log, event["to"], f"event {n}: held work went to a device that is not on this side")
        elif log and (file is None or (not file.erased and certificate.subject.user not in file.ever)):
            result.add("contradiction", log, event["to"], f"event {n}: held work went to somebody who never was a member")
    elif event["e"] in ("published", "shown", "came"):
        _check_parcels(n, event, result)
    elif event["e"] == "sent" and event["device"] not in known.devices:
        result.add("wall", b"", n, f"event {n}: a parcel was taken from a device that is not on this side")
    elif event["e"] == "purged":
        removed = result.removed.get((log, event["id"]))
        certificate, file = known.devices.get(event["device"]), result.files.get(log)
        if certificate is None:
            result.add("wall", log, 0, f"event {n}: a device that is not on this side says that it has purged something")
        elif removed is None or (file is not None and not file.erased and certificate.subject.user not in file.ever):
            result.add("contradiction", log, 0, f"event {n}: a device has purged what no statement removed, or never was a member's")
        else:
            removed.purged.add(event["device"])
    elif event["e"] == "refused" and log and log not in result.chains:
        result.add("contradiction", log, 0, f"event {n}: an entry was refused for a log that is not in the export")
    elif event["e"] == "export":
        result.named.setdefault(("device", event["by"]), n)
        if event["by"] in known.devices:
            result.add("wall", b"", n, f"event {n}: the logs were fetched by a device of this side")


def _check_parcels(n: int, event: Mapping[str, Any], result: Audited) -> None:
    """Parcels come to files that can receive them, and are shown to, and keys published by, devices of this side whose person was in the file."""
    known, _ = _known(result)
    log: bytes = event["log"]
    file = result.files.get(log)
    if file is None or file.file not in ("intake", "liaison"):
        result.add("contradiction", log, 0, f"event {n}: a parcel came to, or keys were published for, a file that receives none")
        return
    if event["e"] == "came":
        return
    certificate = known.devices.get(event["device"])
    if certificate is None:
        result.add("wall", log, 0, f"event {n}: a parcel or its key went by a device that is not on this side")
    elif not file.erased and certificate.subject.user not in file.ever:
        result.add("contradiction", log, 0, f"event {n}: a parcel or its key went by somebody who never was a member")
