"""What was removed: when, why, by whom; and which devices have said that nothing of it is left on them (docs/spec.md §9.6)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from shared_schema import cbor
from shared_schema.entry import decode_entry_alone
from shared_schema.errors import Malformed, ProtocolError
from shared_schema.membership import file_statement
from shared_schema.removal import Erase, Expunge, decode_purge
from shared_schema.wire import decode_purged
from sync.device.removal.purging import CERTIFICATE
from sync.device.session import Session
from sync.device.storage.tables import EntryRow
from sync.signing import verify_object


class Words(Protocol):
    """Where devices' words are fetched from. Raises Refused `offline` when they cannot be."""

    def purged(self, session: Session, log: bytes, after: int) -> bytes:
        """GET /v1/purged/{log}."""
        ...


@dataclass(frozen=True, slots=True)
class Gone:
    """Something that was removed by the statement `id` at place `seq`. `first` asked for it and approved (nobody where the calendar did), `second` carried it out; `part` is
    (at, envelope, part), None for the whole file; `devices` may have had it.
    """

    log: bytes
    seq: int
    id: bytes
    ms: int
    reason: str
    first: bytes
    second: bytes
    part: tuple[int, bytes, int] | None
    devices: frozenset[bytes]


def all_gone(session: Session, log: bytes) -> Iterator[Gone]:
    """Everything that was removed from a file, in order."""
    for row in session.store.statements(log):
        found = _gone(session, log, row) if not row.void else None
        if found is not None:
            yield found


def gone_with(session: Session, log: bytes, device: bytes, c: int) -> Gone | None:
    """How a change was removed that stands in a stub."""
    change = session.store.change(log, device, c)
    row = session.store.entry(log, change.expunged) if change is not None and change.expunged is not None else None
    return None if row is None else _gone(session, log, row)


def _gone(session: Session, log: bytes, row: EntryRow) -> Gone | None:
    statement = file_statement(decode_entry_alone(row.cose))
    if not isinstance(statement, Expunge | Erase):
        return None
    first = _user(session, statement.approval.by) if statement.approval else b""
    if isinstance(statement, Expunge):
        part: tuple[int, bytes, int] | None = (statement.at, statement.id, statement.part)
        devices = session.holders_ever(log, statement.at or row.seq, row.seq)
    else:
        part, devices = None, set(certificate(session, log).get("devices", ()))
    return Gone(log, row.seq, row.id, row.received_ms, statement.reason, first, _user(session, row.author), part, frozenset(devices))


def _user(session: Session, device: bytes) -> bytes:
    found = session.registry.devices.get(device)
    return found.subject.user if found else b""


def certificate(session: Session, log: bytes) -> dict[str, Any]:
    """What this device keeps of a file that was erased: what there was of it, as far as it knew that."""
    raw = session.store.fact(CERTIFICATE + log.hex())
    return {} if raw is None else dict(cbor.decode(raw))


def purged(session: Session, words: Words, log: bytes) -> dict[bytes, dict[bytes, int]]:
    """Statement -> device -> when the server had its word, each verified."""
    found: dict[bytes, dict[bytes, int]] = {}
    after, more = 0, True
    while more:
        rows, more = decode_purged(words.purged(session, log, after))
        more = more and bool(rows)
        for n, ms, data in rows:
            if n <= after:
                raise Malformed("devices' words do not come in order")
            after = n
            _take_word(session, log, data, lambda statement, device, ms=ms: found.setdefault(statement, {}).setdefault(device, ms))  # type: ignore[misc]
    return found


def _take_word(session: Session, log: bytes, data: bytes, keep: Callable[[bytes, bytes], object]) -> None:
    try:
        word = decode_purge(data)
        certificate = session.registry.devices.get(word.by)
        if certificate is None or (word.svc, word.log) != (session.identity.svc, log):
            return
        verify_object(word.sign1, certificate.keys.sign)
    except ProtocolError:
        return
    keep(word.id, word.by)
