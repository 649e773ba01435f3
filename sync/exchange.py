"""The device's side of a sync: what it takes from a response, and what it catches (docs/spec.md §9).

Pure steps over frozen values. The rim (sync/device) stores what comes out and decides nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from shared_schema import cbor, ids
from shared_schema.checkpoint import decode_checkpoint, origin
from shared_schema.entry import EXPUNCTION, Entry, Head, Witness, decode_pair
from shared_schema.errors import Contradiction, Malformed, ProtocolError, Refused
from shared_schema.membership import file_statement
from shared_schema.receipt import Receipt, SignedHead, Verdict, decode_receipt, decode_signed_head, decode_verdict
from shared_schema.removal import Erase, Expunge
from shared_schema.wire import Page
from sync import log as log_rules
from sync import membership, merkle, registry, removal
from sync.log import LogHead, Placed
from sync.membership import FileState
from sync.registry import Registry
from sync.signing import verify_bytes, verify_checkpoint, verify_object

RootAt = Callable[[int], bytes | None]


@dataclass(frozen=True, slots=True)
class Reader:
    """A log as a device has it. `file` is None for a registry, and for a file before its genesis. `whole` is False after a restore, until the server has
    shown, in the incarnation in force, that it has all of the log that is here (docs/spec.md §19.4).
    """

    log: LogHead
    file: FileState | None = None
    whole: bool = True


class Taken(NamedTuple):
    """An entry at its place. `void` is the code of why it counts for nothing; `opening` its audit leaf and salt.

    `user` and `role` are the author's at that place, for the fold; `role` of an admission is that of whoever wrote what it carries.
    """

    place: Placed
    opening: tuple[int, bytes]
    void: str | None
    user: bytes
    role: str


class Behind(Exception):
    """A statement relies on a registry head, or an entry on its author's certificate, that has not been pulled yet: take the page again after
    the next pull.
    """


class Lost(Exception):
    """The server, which came back from an older copy, does not have all of a log that is here: it is brought back, or put aside."""


@dataclass(frozen=True, slots=True)
class History:
    """What the device remembers, for comparing with what others saw: chains of this log, roots of the audit tree, entries it sent; and the entries
    of this log, without their parts, for whoever names one.
    """

    chain_at: log_rules.ChainAt
    root_at: RootAt
    sent: Mapping[bytes, Entry]
    entry_at: removal.EntryAt = lambda _seq: None

    def growing(self, taken: list[Taken]) -> "History":
        """This history and, as it grows, the page that is being taken: where a page ends must not decide what is seen (I13)."""

        def here(seq: int) -> Placed | None:
            at = seq - taken[0].place.seq if taken else -1
            return taken[at].place if 0 <= at < len(taken) else None

        def chain_at(seq: int) -> bytes | None:
            place = here(seq)
            return place.chain if place else self.chain_at(seq)

        def entry_at(seq: int) -> tuple[Entry, int] | None:
            place = here(seq)
            return (place.entry, place.received_ms) if place else self.entry_at(seq)

        return replace(self, chain_at=chain_at, entry_at=entry_at)


def check_head(reader: Reader, page: Page, known: Registry) -> SignedHead:
    """The page's signed head, verified. Raises Malformed for a bad signature, Contradiction for a head behind our own, Lost for one after a restore."""
    signed = _verified_head(reader, page, known)
    own = reader.log.head
    _check_force(signed, known.incarnation)
    if signed.head.seq < own.seq and not reader.whole:
        raise Lost
    if signed.head.seq < own.seq:
        raise Contradiction(f"the server's signed head is {signed.head.seq}, ours is {own.seq}")
    return signed


def _verified_head(reader: Reader, page: Page, known: Registry) -> SignedHead:
    root = known.require_root()
    signed = decode_signed_head(page.head)
    verify_object(signed.sign1, root.receipt)
    about = (signed.sign1.svc, signed.sign1.kid, signed.log, page.log)
    if about != (known.svc, ids.server_key_id(root.receipt), page.log, reader.log.log):
        raise Malformed("the head is of another service, log or key")
    return signed


def _check_force(signed: SignedHead, incarnation: bytes) -> None:
    if signed.head.incarnation != incarnation:
        raise Contradiction("the server speaks for another incarnation of this log")


def take_page(reader: Reader, page: Page, known: Registry, history: History) -> tuple[Reader, list[Taken]]:
    """Follow a page of a file log to its signed head. Raises Contradiction when it does not lead there, Behind, Malformed; Lost where a contradiction may
    come of what the server lost.
    """
    signed = check_head(reader, page, known)
    taken: list[Taken] = []
    history = history.growing(taken)
    try:
        entries = _led(reader, page, signed, history)
        for entry, served in zip(entries, page.entries, strict=True):
            reader, one = take_entry(reader, entry, served.received_ms, served.opening, known, history)
            taken.append(one)
    except Contradiction:
        if not reader.whole:
            raise Lost from None  # whether it is one is seen when the server has what is here, or says that it goes on without
        raise
    return replace(reader, whole=True), taken


class Ghost(NamedTuple):
    """What is left of an entry of an erased file."""

    seq: int
    received_ms: int
    chain: bytes
    id: bytes
    opening: tuple[int, bytes]


def is_erased_page(page: Page, history: History) -> bool:
    """True when the page shows an entry by nothing but its id, and it is none that this device has just sent."""
    return any(type(served.pair) is bytes and served.pair not in history.sent for served in page.entries)


def take_erased_page(reader: Reader, page: Page, known: Registry, history: History) -> tuple[Reader, list[Ghost], Taken | None]:
    """Follow a page of a file that was erased: ids, and as the file's last entry the erasure, which a page with more to come need not have yet.

    Raises Contradiction when it does not lead to its signed head, or the ids to a valid erasure; Behind, Malformed; Lost as `take_page`.
    """
    try:
        return _take_erased_page(reader, page, known, history)
    except Contradiction:
        if not reader.whole:
            raise Lost from None
        raise


def _take_erased_page(reader: Reader, page: Page, known: Registry, history: History) -> tuple[Reader, list[Ghost], Taken | None]:
    signed = check_head(reader, page, known)
    _check_leads(reader, [_id_of(served.pair, history) for served in page.entries], page, signed)
    log, ghosts = reader.log, list[Ghost]()
    for served in page.entries[:-1] if _ends_with_an_entry(page, history) else page.entries:
        if type(served.pair) is not bytes or len(served.pair) != 32:
            raise Contradiction("the server shows part of a file by its ids and part of it whole")
        log = log_rules.follow_id(log, served.pair, served.received_ms)
        ghosts.append(Ghost(log.head.seq, served.received_ms, log.head.chain, served.pair, served.opening))
    last = page.entries[-1] if len(ghosts) < len(page.entries) else None
    if last is None and not page.more:
        raise Contradiction("the server shows nothing but ids of a file that nobody erased")
    taken, file = None, reader.file
    if last is not None:
        chains = {ghost.seq: ghost.chain for ghost in ghosts}

        def chain_at(seq: int) -> bytes | None:
            return chains.get(seq) or history.chain_at(seq)

        before, erasure = replace(history, chain_at=chain_at), _entry(last.pair, history)
        log, taken, file = _take_erasure(Reader(log, file), erasure, last.received_ms, last.opening, known, before)
    return Reader(log, file), ghosts, taken


def _ends_with_an_entry(page: Page, history: History) -> bool:
    """Also by its id, to whoever pushed it in this very request."""
    last = page.entries[-1].pair if page.entries else b""
    return type(last) is not bytes or (not page.more and last in history.sent)


def _take_erasure(
    reader: Reader, entry: Entry, received_ms: int, opening: tuple[int, bytes], known: Registry, history: History
) -> tuple[LogHead, Taken, FileState]:
    """The erasure, of whose author's order nothing can be known any more, and of whose members what was read before."""
    log = reader.log
    head, place = log_rules.follow(log, entry, received_ms)
    certificate = known.devices.get(entry.author)
    if certificate is None or _lies_ahead(entry, known):
        raise Behind
    check_signature(place, certificate.keys.sign)
    check_registry(place, known)
    try:
        log_rules.check_address(entry, known.svc, log.log)
        log_rules.check_seen(log, entry, history.chain_at)
        statement = file_statement(entry)
        if not isinstance(statement, Erase):
            raise Refused("not-permitted", "no erasure")
        removal.check_erased(statement, entry, known, received_ms, reader.file.members if reader.file is not None else None)
    except ProtocolError as error:
        raise Contradiction(f"the server shows nothing but ids, and what follows them erased nothing: {error}") from error
    file = membership.erased(entry.log, statement, entry, known.side, {})
    return head, Taken(place, opening, None, certificate.subject.user, ""), file


def still_absent(before: set[tuple[int, int]], taken: list[Taken], *, more: bool, member: bool) -> set[tuple[int, int]]:
    """(seq, part) of the parts that did not come, now or `before`, and that no expunction accounts for yet.

    Raises Contradiction when nothing more comes that could. Who is no `member` any more is not shown what was expunged since.
    """
    absent = {(one.place.seq, i) for one in taken for i, part in enumerate(one.place.entry.parts) if part is None}
    left = (before | absent) - _expunged(taken).keys()
    if left and member and not more:
        raise Contradiction(f"the server withholds a part of entry {min(left)[0]} that no statement expunged")
    return left


def kept_parts(taken: list[Taken], sent: Mapping[bytes, Entry]) -> list[tuple[int, int]]:
    """(seq, expunction's seq) of parts that came all the same: one page is of one moment, and by then the server had dropped them."""
    came = {(one.place.seq, i) for one in taken if one.place.entry.id not in sent for i, part in enumerate(one.place.entry.parts) if part is not None}
    return [(place[0], by) for place, by in _expunged(taken).items() if place in came]


def _expunged(taken: list[Taken]) -> dict[tuple[int, int], int]:
    """(seq, part) of every part that an expunction among these removes, with the expunction's place."""
    found = {}
    for one in taken:
        statement = file_statement(one.place.entry) if one.place.entry.typ == EXPUNCTION and not one.void else None
        if isinstance(statement, Expunge):
            found[statement.at, statement.part] = one.place.seq
    return found


def _entry(pair: Any, history: History) -> Entry:
    """An entry of a page: in full, or by the id of one that this device has just sent."""
    if type(pair) is bytes:
        sent = history.sent.get(pair)
        if sent is None:
            raise Contradiction("the page names an entry that this device did not send")
        return sent
    try:
        entry = decode_pair(pair)
    except ProtocolError as error:
        raise Contradiction(f"the server serves an entry that is none: {error}") from error
    return entry


def _id_of(pair: Any, history: History) -> bytes:
    return pair if type(pair) is bytes else _entry(pair, history).id


def _led(reader: Reader, page: Page, signed: SignedHead, history: History) -> list[Entry]:
    """The entries of a page that leads to its head: that is seen before any of them is judged, for it needs nothing that a reader may lack."""
    entries = [_entry(served.pair, history) for served in page.entries]
    _check_leads(reader, [entry.id for entry in entries], page, signed)
    return entries


def _check_leads(reader: Reader, entry_ids: Sequence[bytes], page: Page, signed: SignedHead) -> None:
    log = reader.log
    for entry_id, served in zip(entry_ids, page.entries, strict=True):
        log = log_rules.follow_id(log, entry_id, served.received_ms)
    if log.head[1:] != signed.head[1:]:
        raise Contradiction(f"the page ends at {log.head.seq} and does not lead to the signed head {signed.head.seq}")


def take_entry(reader: Reader, entry: Entry, received_ms: int, opening: tuple[int, bytes], known: Registry, history: History) -> tuple[Reader, Taken]:
    """The next entry of a file log, judged. Raises Contradiction for what no honest server serves, Behind."""
    head, place = log_rules.follow(reader.log, entry, received_ms)
    certificate = known.devices.get(entry.author)
    if certificate is None or _lies_ahead(entry, known):
        raise Behind
    check_signature(place, certificate.keys.sign)
    check_registry(place, known)
    user = certificate.subject.user
    role = reader.file.members.get(user, "") if reader.file else ""
    try:
        log_rules.check_address(entry, known.svc, reader.log.log)
    except ProtocolError as error:
        return _void(reader, head, entry, advance=False), Taken(place, opening, error.code, user, role)
    _check_fork(reader, entry, history)  # only what its author rightly signed can be evidence; an entry after a hidden one of its author is
    try:
        log_rules.check_follows(reader.log, entry)
    except ProtocolError as error:
        return _void(reader, head, entry, advance=False), Taken(place, opening, error.code, user, role)
    try:
        file = _take_file(reader, place, known, history)
    except ProtocolError as error:
        return _void(reader, head, entry, advance=True), Taken(place, opening, error.code, user, role)
    role = file.members.get(user, role) if file else role
    if file is not None and entry.held is not None and entry.sealed is not None:  # of what is admitted, at this place: the page may go on
        role = file.ever.get(known.devices[entry.sealed.author].subject.user, "")
    return replace(reader, log=log_rules.advance_author(head, entry), file=file), Taken(place, opening, None, user, role)


def check_signature(place: Placed, public: bytes) -> None:
    """Raises Contradiction unless the author signed the entry.

    An entry's id does not cover its signature: the same place in the same chain may come to another reader rightly signed, so a failing
    signature is the server's fault and never a reason to fold the entry as void (I2).
    """
    entry = place.entry
    if not verify_bytes(public, entry.sign1.signature, entry.sign1.to_sign):
        raise Contradiction(f"entry {place.seq} is not signed by the author that it names")


def _check_fork(reader: Reader, entry: Entry, history: History) -> None:
    log_rules.check_seen(reader.log, entry, history.chain_at)
    if entry.ck.incarnation == reader.log.head.incarnation:
        root = history.root_at(entry.ck.size)
        if root is not None and root != entry.ck.root:
            raise Contradiction(f"another device was shown another audit tree of size {entry.ck.size}")


def _relied_on(entry: Entry) -> Head | None:
    """The registry head that a statement names. None for an envelope, and for a payload that is void whatever the registry says."""
    try:
        return None if entry.is_envelope else file_statement(entry).rg
    except Malformed:
        return None


def _lies_ahead(entry: Entry, known: Registry) -> bool:
    """True for a statement whose registry head is yet to come: until then even its author may be unknown, and nothing is judged."""
    rg = _relied_on(entry)
    return rg is not None and known.reaches(rg) is None


def check_registry(place: Placed, known: Registry) -> None:
    """Raises Contradiction when a rightly signed statement relies on a registry that is not the one shown here: one of the two is a fork."""
    rg = _relied_on(place.entry)
    if rg is not None and known.reaches(rg) is False:
        raise Contradiction(f"the author of entry {place.seq} saw another registry")


def _void(reader: Reader, head: LogHead, entry: Entry, *, advance: bool) -> Reader:
    """The log after a void entry. One that its author rightly signed as its next still counts in the author's own order."""
    file = reader.file if entry.is_envelope else membership.skip(reader.file, entry)
    return replace(reader, log=log_rules.advance_author(head, entry) if advance else head, file=file)


def _take_file(reader: Reader, place: Placed, known: Registry, history: History) -> FileState | None:
    entry = place.entry
    if entry.is_envelope:
        membership.check_envelope(reader.file, entry)
        return reader.file
    file = membership.take(reader.file, entry, known, place.received_ms)
    if entry.held is not None and entry.sealed is not None:
        log_rules.check_carried(reader.log, entry.sealed, history.chain_at)
    if entry.typ == EXPUNCTION:
        removal.check_entry(entry, place.received_ms, history.entry_at)
    return file


def take_registry_page(reader: Reader, page: Page, known: Registry, history: History) -> tuple[Reader, Registry, list[Taken]]:
    """Follow a page of the registry to its signed head; on the first page the head's key is the one that the root names."""
    taken: list[Taken] = []
    restored = len(known.restorations)
    entries = [_entry(served.pair, history) for served in page.entries]
    begun = known
    if known.root is None and entries:
        begun = take_registry_entry(reader, entries[0], page.entries[0].received_ms, page.entries[0].opening, known, history)[1]
    signed = _verified_head(reader, page, begun)
    _check_leads(reader, [entry.id for entry in entries], page, signed)
    history = history.growing(taken)
    for entry, served in zip(entries, page.entries, strict=True):
        if len(known.restorations) > restored:
            history = replace(history, root_at=lambda _size: None)  # what is remembered is of the older tree
        reader, known, one = take_registry_entry(reader, entry, served.received_ms, served.opening, known, history)
        taken.append(one)
    _check_force(signed, known.incarnation_at(signed.head.seq))
    return reader, known, taken


def take_registry_entry(
    reader: Reader, entry: Entry, received_ms: int, opening: tuple[int, bytes], known: Registry, history: History
) -> tuple[Reader, Registry, Taken]:
    """The next entry of a registry, judged. Raises Contradiction for what no honest server serves."""
    head, place = log_rules.follow(reader.log, entry, received_ms)
    public = registry.signer(known, entry)
    if public is not None:
        check_signature(place, public)
        if (entry.svc, entry.log) == (known.svc, known.log):
            _check_fork(reader, entry, history)
    void: str | None = None
    try:
        if public is None:
            raise Refused("not-permitted", "nobody whom this registry knows can have signed this")
        log_rules.check_address(entry, known.svc, known.log)
        log_rules.check_follows(reader.log, entry)
        head = log_rules.advance_author(head, entry)
        known = registry.take(known, entry, place.chain)
    except ProtocolError as error:
        known, void = registry.skip(known, place.chain, entry, error.code), error.code
    if known.root is not None:
        head = log_rules.restored(head, known.incarnation)
    certificate = known.devices.get(entry.author)
    return Reader(head), known, Taken(place, opening, void, certificate.subject.user if certificate else b"", "")


def take_checkpoint(seen: Witness | None, note: str, path: tuple[bytes, ...], known: Registry) -> Witness:
    """The response's checkpoint, verified and consistent with the newest one seen. Raises Malformed or Contradiction."""
    root = known.require_root()
    incarnation = known.incarnation
    checkpoint = decode_checkpoint(note)
    verify_checkpoint(checkpoint, origin(known.svc, known.side, incarnation), root.checkpoint)
    if seen is not None:
        merkle.check_consistency(seen.size, seen.root, checkpoint.size, checkpoint.root, path)
    return Witness(incarnation, checkpoint.size, checkpoint.root)


def check_receipt(data: bytes, known: Registry) -> Receipt:
    """A receipt, verified. Raises Malformed."""
    receipt = decode_receipt(data)
    _check_server(receipt, known)
    return receipt


def check_verdict(data: bytes, known: Registry) -> Verdict:
    """A signed refusal, verified. Raises Malformed."""
    verdict = decode_verdict(data)
    _check_server(verdict, known)
    return verdict


def _check_server(signed: Receipt | Verdict, known: Registry) -> None:
    root = known.require_root()
    verify_object(signed.sign1, root.receipt)
    if signed.sign1.svc != known.svc or signed.incarnation not in known.incarnations:  # what was said before a restore is said again as it was
        raise Malformed("signed for another service or incarnation")
    if signed.sign1.kid != ids.server_key_id(root.receipt):
        raise Malformed("signed under another key id")


def accepted_leaf(log: bytes, place: Placed, salt: bytes, *, void: bool) -> bytes:
    """The leaf hash that an accepted entry must have in the audit tree: the event is rebuilt, not believed."""
    return merkle.leaf_hash(merkle.event_commitment(salt, accepted_event(log, place, void=void)))


def accepted_event(log: bytes, place: Placed, *, void: bool) -> bytes:
    """The audit event of an entry at its place, as bytes."""
    entry = place.entry
    return cbor.encode(
        {
            "e": "accepted", "log": log, "id": entry.id, "seq": place.seq, "ms": place.received_ms,
            "author": entry.author, "chain": place.chain, "void": void,
        }
    )  # fmt: skip
