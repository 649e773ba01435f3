"""Held work: what others could not send before they lost their place, looked at and decided on by whoever has the right (docs/spec.md §9.5)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from shared_schema import cbor
from shared_schema.deposit import HeldEntry, decode_held
from shared_schema.entry import Entry, decode_pair
from shared_schema.errors import Malformed, ProtocolError, Refused
from shared_schema.membership import REFUSE_REASONS, Admit, Refuse, encode_file_statement, file_statement
from shared_schema.roles import may_sign
from sync import keys, membership, sealing
from sync import log as log_rules
from sync.change import Change
from sync.cover_traffic import read_part
from sync.device.exchanging.outbox import put_admission, put_statement
from sync.device.exchanging.syncing import Transport, deliver
from sync.device.exchanging.taking import HELD_FILES
from sync.device.session import Session
from sync.fold import PENDING, Occurrence, Record, fold_log
from sync.granting import check_secret, open_grants
from sync.log import LogHead
from sync.membership import FileState
from sync.signing import verify_object


class Shelf(Protocol):
    """Where held work is fetched from. Raises Refused `offline` when it cannot be."""

    def held(self, session: Session, log: bytes, after: int) -> bytes:
        """GET /v1/held/{log}."""
        ...


@dataclass(frozen=True, slots=True)
class Held:
    """One held entry. `author` is its person; `records` are what it begins or edits, as they would be with it; `counters` its changes' numbers;
    `trouble` why it cannot be read or let in.

    `begins` is what kind of file it begins; "" for anything else.
    """

    log: bytes
    held_ms: int
    entry: Entry
    author: bytes
    records: tuple[Record, ...]
    trouble: str = ""
    counters: tuple[int, ...] = ()
    begins: str = ""


@dataclass(frozen=True, slots=True)
class Opened:
    """The file that held work is for, as this device can read it: its state, its log's head and its secrets by epoch."""

    file: FileState
    log: LogHead
    secrets: Mapping[int, bytes]


def waiting(session: Session) -> dict[bytes, int]:
    """How many held entries of each file waited for this person at the last sync."""
    raw = session.store.fact(HELD_FILES)
    return {} if raw is None else dict(cbor.decode(raw))


def fetch(session: Session, shelf: Shelf, logs: list[bytes]) -> Iterator[Held]:
    """All held entries of these files, in the order in which they came, each verified and opened."""
    for log in logs:
        after, more = 0, True
        state = session.reader(log).file
        target = None if state is None else Opened(state, session.reader(log).log, session.store.secrets(log))
        while more:
            found, more = decode_held(shelf.held(session, log, after))
            more = more and bool(found)
            for one in found:
                if one.n <= after:
                    raise Malformed("held entries do not come in order")
                after = one.n
                if target is None:
                    held, target = _open_genesis(session, log, one)
                    yield held
                else:
                    yield _open(session, log, one, target)


def _open_genesis(session: Session, log: bytes, one: HeldEntry) -> tuple[Held, Opened | None]:
    """The beginning of a file that has not begun, and what it would be: whoever it names has a grant in it."""
    entry = decode_pair(one.pair)
    me = session.identity
    try:
        author = _verify(session, log, entry)
        state = membership.take(None, entry, session.registry, one.held_ms)
        secrets = open_grants(file_statement(entry), entry.author, session.receive_key, me.device, (me.svc, log))
        for epoch, secret in secrets.items():
            check_secret(state, me.svc, epoch, secret, {})
    except ProtocolError as error:
        certificate = session.registry.devices.get(entry.author)
        return Held(log, one.held_ms, entry, certificate.subject.user if certificate else b"", (), str(error)), None
    empty = log_rules.empty_log(log, session.incarnation)
    return Held(log, one.held_ms, entry, author, (), begins=state.file), Opened(state, empty, secrets)


def _verify(session: Session, log: bytes, entry: Entry) -> bytes:
    """The person who wrote a held entry. Raises Refused or Malformed."""
    certificate = session.registry.devices.get(entry.author)
    if certificate is None or (entry.svc, entry.log) != (session.identity.svc, log):
        raise Refused("no-standing", "nobody whom this side knows wrote this for this file")
    verify_object(entry.sign1, certificate.keys.sign)
    return certificate.subject.user


def _open(session: Session, log: bytes, one: HeldEntry, target: Opened) -> Held:
    entry = decode_pair(one.pair)
    certificate = session.registry.devices.get(entry.author)
    author = certificate.subject.user if certificate else b""
    try:
        _verify(session, log, entry)
        log_rules.check_carried(target.log, entry, session.chain_at(log))
        changes = _changes(target, entry)
        if any(change.b > entry.sn.seq for change in changes):
            raise Refused("not-permitted", "a part of it claims to have seen more than its author had, and would count for nothing")
        stands = [session.store.change(log, entry.author, change.c) for change in changes]
        if all(row is not None and row.seq is not None for row in stands):
            raise Refused("not-permitted", "nothing of it is new: its change numbers are in the file already")
    except ProtocolError as error:
        return Held(log, one.held_ms, entry, author, (), str(error))
    role = target.file.ever.get(author, "")
    late = [Occurrence(PENDING, one.held_ms, entry.author, author, role, change, late=True) for change in changes]
    there = [session.occurrence(row) for record in dict.fromkeys(change.r for change in changes) for row in session.store.changes_of(log, record)]
    records = tuple(fold_log(log, [*there, *late], session.types).values())
    return Held(log, one.held_ms, entry, author, records, counters=tuple(change.c for change in changes))


def _changes(target: Opened, entry: Entry) -> list[Change]:
    epoch = entry.epoch or 0
    secret = target.secrets.get(epoch)
    if secret is None:
        raise Refused("no-standing", f"this device lacks the key of epoch {epoch}")
    ctx = keys.context(entry.svc, entry.log, epoch)
    found: list[Change] = []
    for i, part in enumerate(entry.parts):
        plain = sealing.open_part(secret, ctx, entry.author, entry.sq, entry.sign1.protected, part or b"", i, len(entry.parts))
        found += read_part(plain)
    return sorted(found, key=lambda change: change.c)


def admit(session: Session, held: Held) -> Entry:
    """Let a held entry into its file: it counts from there on, as late. Sent at the next sync."""
    if held.trouble:
        raise Refused("not-permitted", f"it cannot be let in: {held.trouble}")
    rows = [session.store.change(held.log, held.entry.author, c) for c in held.counters]
    if any(row is not None and row.expunged is not None for row in rows):
        raise Refused("erased", "it says again what was removed from this file: do not let it in (held refuse --reason spill)")
    rg, previous = _place(session, held.log)
    payload = encode_file_statement(Admit(held.entry.cose, rg, previous))
    return put_admission(session, held.log, payload, [part or b"" for part in held.entry.parts])


def begin(session: Session, transport: Transport, held: Held) -> None:
    """Let a file begin whose author had lost its place: its genesis is delivered as it is. Raises Refused when the server does not take it."""
    if held.trouble:
        raise Refused("not-permitted", f"it cannot begin: {held.trouble}")
    report = deliver(session, transport, held.entry)
    if report.refused:
        raise Refused(report.refused[0].code, report.refused[0].message)


def refuse(session: Session, held: Held, reason: str) -> Entry:
    """Do not let a held entry in; the server keeps it to the end of its retention. Sent at the next sync."""
    if held.begins:
        raise Refused("not-permitted", "a file that nobody lets begin stays held, and shows nowhere: there is nothing to refuse")
    if reason not in REFUSE_REASONS:
        raise Refused("bad-value", f"a reason is one of {', '.join(REFUSE_REASONS)}")
    rg, previous = _place(session, held.log)
    return put_statement(session, held.log, encode_file_statement(Refuse(held.entry.id, reason, rg, previous)))


def _place(session: Session, log: bytes) -> tuple[Any, bytes]:
    state = session.reader(log).file
    if state is None:
        raise Refused("not-permitted", "the file that it is for has not begun: let its beginning in first, the first of that file in `held list`")
    role = state.members.get(session.identity.user, "")
    if not may_sign("admit", state.file, state.side, role) or session.identity.device not in state.holders:
        raise Refused("not-permitted", f"as {role or 'nobody'} you may not decide on what is held in a {state.file} file")
    return session.registry.head, state.previous


def find(found: list[Held], prefix: str) -> Held:
    """The one whose entry id begins like that. Raises Refused `not-found`."""
    matching = [one for one in found if prefix and one.entry.id.hex().startswith(prefix.lower())]
    if len(matching) != 1:
        raise Refused("not-found", f"{'no' if not matching else 'more than one'} held entry has an id that begins like that: fieldkeep held list")
    return matching[0]
