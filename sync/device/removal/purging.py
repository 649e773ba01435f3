"""What a device does when two people have removed something: forget it, keep the stub or the certificate, and say so (docs/spec.md §7.8, §7.10).

Everything happens in the transaction that takes the statement; what was deleted is overwritten right after it (`Store.scrub`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from shared_schema import cbor, cose, ids
from shared_schema.entry import EXPUNCTION, Entry, decode_entry
from shared_schema.errors import Malformed
from shared_schema.membership import file_statement
from shared_schema.removal import EXPIRED, PURGE, Expunge, purge_payload
from sync.change import Change, decode_change, encode_part
from sync.device.exchanging.parts import changes_of, manifests_in, parcel_in, plaintext, texts_in
from sync.device.session import Session
from sync.device.storage.tables import ERASED, EntryRow
from sync.membership import FileState
from sync.signing import sign_object
from sync.stub import decode_stub, says_of, stands_for

CERTIFICATE: Final = "erased:"  # with a log's id in hex: the fact that says what there was of a file that is erased
_WORDS: Final = 12  # bytes of a text with a space in it: shorter ones, and codes, stand in letters by chance


@dataclass(frozen=True, slots=True)
class Target:
    """The part that goes: the envelope that it is of, at its place (of its own, or of its admission), whose it is there and as what."""

    row: EntryRow
    sealed: Entry
    user: bytes
    role: str
    late: bool


class Purging:
    """The removals of one response."""

    def __init__(self, session: Session) -> None:
        self.session, self.store = session, session.store

    # --- one part --------------------------------------------------------------------------------------------------------

    def expunge(self, log: bytes, seq: int, entry: Entry, statement: Expunge) -> int:
        """Take the part out of this store, and put the stub in its place. Returns how many changes the stub has."""
        stub = self._open_stub(log, seq, entry, statement)
        target = self._target(log, statement.at) if statement.at else None
        if target is not None:
            self._drop_part(log, seq, target, statement, stub)
        if statement.parcel is not None:  # nobody makes a record of it again
            self.store.put_filed(log, {statement.parcel})
        self._drop_unsent(log, statement, stub)
        if target is not None:
            self._place(log, seq, target, stub, last=statement.reason == EXPIRED)
        self._say_done(log, entry.id)
        return len(stub or ())

    def replay(self, log: bytes, rows: Iterable[EntryRow]) -> None:
        """Put the stubs of these expunctions in their places again: a key has come, or was taken back."""
        for row in rows:
            entry = decode_entry(row.cose, cbor.decode(row.parts))
            statement = file_statement(entry) if entry.typ == EXPUNCTION and not row.void else None
            if not isinstance(statement, Expunge) or not statement.at:
                continue
            target = self._target(log, statement.at)
            if target is not None:
                self._place(log, row.seq, target, self._open_stub(log, row.seq, entry, statement), last=statement.reason == EXPIRED)

    def _open_stub(self, log: bytes, seq: int, entry: Entry, statement: Expunge) -> list[Change] | None:
        """An expunction's stub; None, where this device lacks its key, or it is a hole."""
        plain = plaintext(self.session, log, entry, 0)
        try:
            stub = None if plain is None else decode_stub(plain, self.session.require_file(log).file)
            if stub is not None and says_of(stub) != statement.says:
                raise Malformed("it says something else than what the two agreed to")
            return stub
        except Malformed as error:
            self.session.alarm(log, seq, "hole", f"the stub: {error}")
            return None

    def _target(self, log: bytes, at: int) -> Target | None:
        row = self.store.entry(log, at)
        entry = decode_entry(row.cose, cbor.decode(row.parts)) if row is not None else None
        sealed = entry.sealed if entry is not None else None
        if row is None or sealed is None:
            return None
        certificate = self.session.registry.devices.get(sealed.author)
        user = certificate.subject.user if certificate else b""
        return Target(row, sealed, user, row.role, sealed is not entry)

    def _drop_part(self, log: bytes, seq: int, target: Target, statement: Expunge, stub: list[Change] | None) -> None:
        sealed, part = target.sealed, statement.part
        data = sealed.parts[part]
        if data is None:
            return
        changes = changes_of(self.session, log, sealed, part)
        reads = sealed.epoch in self.store.secrets(log)  # of what is no part at all, whoever has its key, the stub says nothing
        last, file = statement.reason == EXPIRED, self.session.require_file(log).file
        if stub is not None and reads and not stands_for(stub, changes, sealed.author, file, last=last):
            text = "what two colleagues say of a part that they removed is not what it said: its changes, what they replaced, or its amounts"
            self.session.alarm(log, target.row.seq, "bad-stub", text)
        if changes and parcel_in(changes) != statement.parcel:
            text = "two colleagues removed a part, and with it a letter from the other side that it was not made from, or not the one that it was"
            self.session.alarm(log, target.row.seq, "bad-parcel", text)
        if statement.reason == EXPIRED:
            self._check_expired(log, target.row.seq, changes, self.store.received_ms(log, seq))
        self._drop_letters(log, changes)
        self.store.drop_chunks(log, [chunk for manifest in manifests_in(changes) for chunk in manifest.ids])
        self.store.drop_changes(log, sealed.author, [change.c for change in changes], target.row.seq)
        self.store.set_parts(log, target.row.seq, cbor.encode(_without(sealed, part)))
        self.store.blank_evidence(data)

    def _check_expired(self, log: bytes, at: int, changes: list[Change], now_ms: int) -> None:
        """By the calendar nothing goes but letters, and none that is in force: one person's device did this, so every other one looks."""
        untils = [op.value for change in changes for op in change.ops if op.field == "until" and isinstance(op.value, str)]
        today = datetime.fromtimestamp(now_ms / 1000, UTC).date().isoformat()
        if any(change.t != "instruction" for change in changes) or any(until >= today for until in untils):
            text = "a colleague's device removed, as if its time were over, what was no letter of the other side, or is in force"
            self.session.alarm(log, at, "bad-expiry", text)

    def _drop_letters(self, log: bytes, changes: list[Change]) -> None:
        """Letters of this file that wait here and say the same in words go too, but for urgent ones; their author is told."""
        records = {change.r for change in changes}
        words = [text.encode() for text in texts_in(changes) if len(text) >= _WORDS and " " in text]
        for row in self.store.parcels():
            says = row.record in records or any(text in (row.letter or b"") for text in words)
            if row.log == log and row.letter is not None and says and not row.urgent:
                self.store.drop_parcel(row.id)
                text = (
                    f"a {row.kind.replace('_', ' ')} is not sent to the other side: two colleagues removed what it said. Write it again, without that"
                )
                self.session.alarm(log, None, "letter-dropped", text)

    def _drop_unsent(self, log: bytes, statement: Expunge, stub: list[Change] | None) -> None:
        """The same in the outbox: of an entry whose page has not come or that is held, and what an old copy of this device sealed anew."""
        me, file, last = self.session.identity.device, self.session.require_file(log).file, statement.reason == EXPIRED
        stored = {change.c: self.store.change(log, me, change.c) for change in stub or ()}
        again = {row.sealed for row in stored.values() if row is not None and row.seq is None and row.sealed is not None}
        for item in self.store.outbox(log):
            if item.id != statement.id and item.n not in again:
                continue
            entry = decode_entry(item.cose, cbor.decode(item.parts))
            for part, data in enumerate(entry.parts):
                changes = changes_of(self.session, log, entry, part)
                same = part == statement.part if item.id == statement.id else bool(changes) and stands_for(stub or (), changes, me, file, last=last)
                if data is None or not same:
                    continue
                self.store.drop_chunks(log, [chunk for manifest in manifests_in(changes) for chunk in manifest.ids])
                self.store.set_outbox_parts(item.n, cbor.encode(_without(entry, part)))
                self.store.blank_evidence(data)
                self.store.drop_changes(log, me, [change.c for change in changes], statement.at)
                if item.id != statement.id or statement.at == 0:
                    self.store.drop_unplaced(log, me, [change.c for change in changes])
                    self.store.answer_outbox(item.n, ERASED, "two colleagues removed a part of it; the rest of it is not sent any more")

    def _place(self, log: bytes, seq: int, target: Target, stub: list[Change] | None, *, last: bool) -> None:
        """The stub's changes stand where the part's did, as its author's, for whoever could read that."""
        author, at, file = target.sealed.author, target.row.seq, self.session.require_file(log).file
        if target.row.void or target.sealed.epoch not in self.store.secrets(log):
            return
        if any(change.b > target.sealed.sn.seq or change.b >= at for change in stub or ()):
            self.session.alarm(log, seq, "hole", "the stub: a change claims to have seen more than its entry")
            return
        rows: list[tuple[Any, ...]] = []
        for change in stub or ():
            stored = self.store.change(log, author, change.c)
            if stored is not None and stored.seq is None and not stands_for([change], [decode_change(stored.body)], author, file, last=last):
                text = "a copy of this device used this change number first; what was typed here is kept with this alarm"
                self.session.alarm(log, at, "repeated", text, stored.body)
            creates = ids.record_id(log, author, change.c) == change.r
            rows.append(
                (
                    log, author, change.c, change.r, change.t, int(creates), at, target.row.received_ms, target.user, target.role, int(target.late), None,
                    encode_part([change])[1:],
                )
            )  # fmt: skip
        self.store.put_stub(rows, seq)

    # --- a whole file ----------------------------------------------------------------------------------------------------

    def erase(self, log: bytes, seq: int, entry: Entry, before: FileState | None) -> None:
        """Forget the file. A certificate is kept of what there was, as far as this device knew it, and of who erased it."""
        self.store.set_fact(CERTIFICATE + log.hex(), cbor.encode(self._certificate(log, seq, before)))
        if self.store.unplaced(log) or self.store.letters_of(log):
            text = "two colleagues erased this file; what you had written in it and not sent is gone with it"
            self.session.alarm(log, seq, "erased", text)
        self.store.erase_log(log, seq)
        self._say_done(log, entry.id)

    def _certificate(self, log: bytes, seq: int, before: FileState | None) -> dict[str, Any]:
        """`holders` are the devices that the file's keys were granted to at any time, as far as this device has read it."""
        rows = self.store.entries(log, 0, seq)
        first = next(rows, None)
        return {
            "begun_ms": first.received_ms if first else 0,
            "entries": seq,
            "records": len(self.store.record_ids(log)),
            "members": [] if before is None else [[user, role] for user, role in sorted(before.ever.items())],
            "devices": [] if before is None else sorted(self.session.holders_ever(log, upto=seq - 1)),
        }

    def _say_done(self, log: bytes, statement: bytes) -> None:
        me = self.session.identity
        protected = cose.protected_header(PURGE, me.device, me.svc)
        self.store.put_purge(log, statement, sign_object(self.session.sign_key, protected, purge_payload(log, statement)))


def _without(entry: Entry, part: int) -> list[bytes | None]:
    """An entry's parts but one."""
    return [None if i == part else data for i, data in enumerate(entry.parts)]
