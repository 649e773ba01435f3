"""Opening what a page brought: granted secrets, sealed parts, change numbers (docs/spec.md §4, §7.3)."""

from collections.abc import Iterator
from typing import Any

from shared_schema import cbor, ids
from shared_schema.entry import EXPUNCTION, Entry, decode_entry
from shared_schema.errors import BadGrant, Malformed
from shared_schema.membership import Members, Refuse, file_statement
from shared_schema.removal import Expunge
from sync import keys, sealing
from sync.change import Change, encode_part
from sync.cover_traffic import read_part
from sync.device.exchanging.outcome import Outcome
from sync.device.exchanging.settling import REFUSED
from sync.device.removal.purging import Purging
from sync.device.session import Session
from sync.device.storage.tables import LET_OUT, READ
from sync.exchange import Taken
from sync.granting import check_secret, open_grants
from sync.log import Placed


class Opening:
    """The secrets and changes of one response."""

    def __init__(self, session: Session, outcome: Outcome) -> None:
        self.session, self.store, self.outcome = session, session.store, outcome
        self.counted: dict[tuple[bytes, bytes], int] = {}
        self.late: set[tuple[bytes, int]] = set()
        self.numbers = {item.id: item.n for item in self.store.waiting()}
        self.purging = Purging(session)

    def take(self, log: bytes, taken: list[Taken]) -> None:
        """Keep what the entries grant, and open what they seal."""
        older = False
        for one in taken:
            if not one.void and not one.place.entry.is_envelope:
                older |= self._statement(log, one.place.entry, one.place.seq)
        if older:
            self._reopen(log)
        else:
            self._open_parts(log, [self._carried(log, one) for one in taken if not one.void and one.place.entry.sealed])
        for one in taken:
            if not one.void and one.place.entry.typ == EXPUNCTION:
                statement = file_statement(one.place.entry)
                if isinstance(statement, Expunge):
                    self.outcome.changes += self.purging.expunge(log, one.place.seq, one.place.entry, statement)

    def _statement(self, log: bytes, entry: Entry, seq: int) -> bool:
        """Keep what a statement grants to this device; True when it opens earlier entries too."""
        statement = file_statement(entry)
        me, session = self.session.identity, self.session
        state = session.reader(log).file
        held = self.store.secrets(log)
        epochs = {secret: epoch for epoch, secret in held.items()}  # no secret is held for two
        good: set[int] = set()
        try:
            secrets = open_grants(statement, entry.author, session.receive_key, me.device, (me.svc, log))
        except BadGrant as error:
            session.alarm(log, seq, "bad-grant", str(error))
            secrets = {}
        for epoch, secret in sorted(secrets.items()):
            if held.get(epoch) == secret:  # granted again
                continue
            other = epochs.get(secret)
            try:
                check_secret(state, me.svc, epoch, secret, {one: held[one] for one in (epoch, other) if one in held})
            except BadGrant as error:
                session.alarm(log, seq, "bad-grant", str(error))
                continue
            if other is not None:
                session.alarm(log, seq, "bad-grant", f"the secret of epoch {other} is that of epoch {epoch}: what it opened is closed again")
                self._close(log, other)
                del held[other]
            self.store.put_secret(log, epoch, secret)
            held[epoch], epochs[secret] = secret, epoch
            good.add(epoch)
        if isinstance(statement, Refuse) and (n := self.numbers.get(statement.id)) is not None:
            by = session.name_of(session.registry.devices[entry.author].subject.user)
            self.store.answer_outbox(n, LET_OUT, f"{by} did not let it in: {statement.reason.replace('_', ' ')}")
        if isinstance(statement, Members) and me.user in statement.remove:
            session.alarm(
                log, seq, "removed", "you were removed from this file; what you had not sent is handed in, and held until a member decides on it"
            )
        return bool(good - {getattr(statement, "epoch", None)})

    def _carried(self, log: bytes, one: Taken) -> Taken:
        """An envelope at its place, or the one that an admission carries, by its own author: late."""
        entry = one.place.entry
        sealed = entry.sealed
        if sealed is None or sealed is entry:
            return one
        user = self.session.registry.devices[sealed.author].subject.user
        self.late.add((log, one.place.seq))
        return Taken(one.place._replace(entry=sealed), one.opening, None, user, one.role)

    def _close(self, log: bytes, epoch: int) -> None:
        """Forget a secret that no honest granter made, and what it opened, as everybody does who holds the earlier one."""
        self.store.drop_secret(log, epoch)
        for row in self.store.entries(log):
            entry = None if row.void else decode_entry(row.cose, cbor.decode(row.parts))
            sealed = entry.sealed if entry is not None else None
            if sealed is not None and sealed.epoch == epoch:
                self.store.unplace(log, row.seq, self.session.identity.device)
            if entry is not None and entry.typ == EXPUNCTION and entry.epoch == epoch:
                self.store.drop_stub(log, row.seq)

    def _reopen(self, log: bytes) -> None:
        """Open all entries taken so far: a newcomer's first grant may follow the pages that it opens."""
        opened = []
        for row in self.store.entries(log):
            entry = decode_entry(row.cose, cbor.decode(row.parts))
            if not row.void and entry.sealed is not None:
                certificate = self.session.registry.devices.get(entry.author)
                user = certificate.subject.user if certificate else b""
                place = Placed(row.seq, row.received_ms, row.chain, entry)
                opened.append(self._carried(log, Taken(place, (row.leaf, b""), None, user, row.role)))
        self._open_parts(log, opened)
        self.purging.replay(log, self.store.statements(log))

    def _open_parts(self, log: bytes, taken: list[Taken]) -> None:
        secrets = self.store.secrets(log)
        rows: list[tuple[Any, ...]] = []
        for one in taken:
            place, secret = one.place, secrets.get(one.place.entry.epoch or 0)
            sent = self.numbers.get(place.entry.id)
            if sent is not None and secret is None:  # its epoch was closed meanwhile: nobody opens it, and nobody reads what it says
                self.store.unseal_from(sent)
            elif sent is not None:  # what this device sealed itself needs no opening
                late = (log, place.seq) in self.late
                self.outcome.changes += self.store.place_sealed(log, sent, place.seq, place.received_ms, one.role, late=late)
                if late:
                    self.store.set_fact(REFUSED + place.entry.id.hex(), b"admitted")  # it has no place of its own: one that is shown later is a lie
                    self.store.drop_outbox(sent)
            elif secret is not None:
                found = [self._row(log, one, change, body, int((log, place.seq) in self.late)) for change, body in self._changes(log, one, secret)]
                self._check_repeats(log, found)
                if any(row[4] == READ and b"exported" in row[12] for row in found):
                    self.outcome.exported.add(log)
                rows += found
        self.store.put_changes(rows)
        self.store.unpark(log, [(row[1], row[2]) for row in rows])
        self.outcome.changes += len(rows)

    def _changes(self, log: bytes, one: Taken, secret: bytes) -> Iterator[tuple[Change, bytes]]:
        """The changes of an entry's parts, each with its bytes, by counter."""
        entry = one.place.entry
        ctx = keys.context(entry.svc, log, entry.epoch or 0)
        found: list[tuple[Change, bytes]] = []
        for i, part in enumerate(entry.parts):
            if part is None:  # expunged: its stub comes in its place, or has come
                continue
            try:
                plain = sealing.open_part(secret, ctx, entry.author, entry.sq, entry.sign1.protected, part, i, len(entry.parts))
                changes = read_part(plain)
                if any(change.b > entry.sn.seq or change.b >= one.place.seq for change in changes):
                    raise Malformed("a change claims to have seen more than its entry")
                found += [(change, plain[1:] if len(changes) == 1 else encode_part([change])[1:]) for change in changes]
            except Malformed as error:
                self.outcome.holes += 1
                self.session.alarm(log, one.place.seq, "hole", f"part {i}: {error}")
        yield from sorted(found, key=lambda pair: pair[0].c)

    @staticmethod
    def _row(log: bytes, one: Taken, change: Change, body: bytes, late: int) -> tuple[Any, ...]:
        entry = one.place.entry
        creates = ids.record_id(log, entry.author, change.c) == change.r
        return (
            log, entry.author, change.c, change.r, change.t, int(creates), one.place.seq, one.place.received_ms, one.user, one.role, late, None, body,
        )  # fmt: skip

    def _check_repeats(self, log: bytes, rows: list[tuple[Any, ...]]) -> None:
        for row in rows:
            stored = self.store.change(log, row[1], row[2]) if row[2] <= self._counted(log, row[1]) else None
            if stored is None or stored.body == row[12]:
                continue
            if stored.expunged is not None:
                self.session.alarm(log, row[6], "repeated", "what was removed from this file has come back here: have this entry's part removed too")
            elif stored.seq is None:
                text = "a copy of this device used this change number first; what was typed here is kept with this alarm"
                self.session.alarm(log, row[6], "repeated", text, stored.body)
                self.store.drop_pending(log, stored.device, stored.c)
            else:
                self.session.alarm(log, row[6], "repeated", "a change number was used twice with other content; the first stands")

    def _counted(self, log: bytes, device: bytes) -> int:
        """The device's highest change counter before this response."""
        if (log, device) not in self.counted:
            self.counted[log, device] = self.store.highest(log, device)
        return self.counted[log, device]
