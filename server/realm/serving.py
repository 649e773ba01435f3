"""What a sync asks of a side, in three steps (docs/spec.md §9.2)."""

from collections.abc import Iterable
from dataclasses import replace

from server import store
from server.append import purging
from server.append.commit import Commit, Delivery, Pushed, Sender
from server.append.push import push
from server.audit_log import Published
from server.realm.writing import Writing, raised
from shared_schema.devices import Heard
from shared_schema.wire import InclusionProof, Page, SyncRequest, SyncResponse


class Realm(Writing):
    """One side of one service."""

    def push(self, commit: Commit, request: SyncRequest, sender: Sender) -> Pushed:
        """Step 1, in the writer: what became of the pushed entries. Where the answer's page will show nothing else, its delivery is
        written here, so that most pushes need one commit.
        """
        purging.take_purged(commit, request.purged, sender, lambda log: self.readers.reads(log, sender.user))
        pushed = push(commit, request.push, sender)
        had = {cursor.log: cursor.seq for cursor in request.cursors}
        ends = ((log, had.get(log, 0), places) for log, places in pushed.placed.items())
        own = tuple(Delivery(log, after, places[-1].seq) for log, after, places in ends if places[0].seq == after + 1)
        self.deliver(commit, sender.device, own)
        return replace(pushed, delivered=own)

    def hear(self, request: SyncRequest, sender: Sender) -> None:
        """Keep what a device says of itself."""
        self.hearing.hear(sender.device, self.clock(), request.status)

    def all_heard(self) -> list[Heard]:
        """What each device said last, to whichever process."""
        if not self.shared:
            return list(self.hearing.heard.values())
        with self.engine.connect() as tx, tx.begin():
            return self.hearing.newest(store.statuses(tx))

    def deliver(self, commit: Commit, device: bytes, delivered: Iterable[Delivery]) -> None:
        """In the writer: events that say what goes to whom, before it goes."""
        for log, from_seq, to_seq in delivered:
            event = {"e": "delivered", "device": device, "log": log, "from": from_seq, "to": to_seq, "ms": commit.now_ms}
            self.audit.write(commit.batch, event)

    @staticmethod
    def untold(delivered: list[Delivery], pushed: Pushed | None) -> list[Delivery]:
        """The deliveries that the audit log does not hold yet."""
        return [one for one in delivered if one not in pushed.delivered] if pushed else delivered

    def review(self, commit: Commit, sender: Sender, log: bytes, first: int, last: int) -> None:
        """In the writer: an event that says which held entries go to a device."""
        event = {
            "e": "reviewed",
            "device": sender.device,
            "log": None if log in self.readers.unborn else log,
            "from": first - 1,
            "to": last,
            "ms": commit.now_ms,
        }
        self.audit.write(commit.batch, event)

    def fetched(self, commit: Commit, sender: Sender, log: bytes, chunk: bytes) -> None:
        """In the writer: an event that says which chunk goes to a device."""
        self.audit.write(commit.batch, {"e": "fetched", "device": sender.device, "log": log, "id": chunk, "ms": commit.now_ms})

    def answer(self, request: SyncRequest, sender: Sender, pushed: Pushed | None, pages: list[Page], *, more: bool) -> SyncResponse:
        """The response, with the newest checkpoint and the proofs that were asked for."""
        published = self.audit.published  # once: the writer may publish a larger tree while this thread proves
        consistency, proofs = self._proofs(request, published)
        return SyncResponse(
            answers=pushed.answers if pushed else (),
            receipts=pushed.receipts if pushed else (),
            openings=pushed.openings if pushed else (),
            pages=tuple(pages),
            more=more,
            time_ms=self.clock(),
            checkpoint=published.note,
            consistency=consistency,
            inclusion=proofs,
            held=tuple(sorted((log, count) for log, count in self.readers.held.items() if self.readers.may_decide(log, sender.user))),
            parcels=tuple(sorted((log, n) for log, n in self.board.newest.items() if (log, sender.user) in self.readers.roles)),
        )

    def _proofs(self, request: SyncRequest, published: Published) -> tuple[tuple[bytes, ...], tuple[InclusionProof, ...]]:
        audit, seen = self.audit, request.checkpoint
        size = published.size
        grown = seen is not None and seen.incarnation == self.incarnation and 0 < seen.size < size
        leaves = [leaf for leaf in request.prove if leaf < size]
        if not grown and not leaves:
            return (), ()
        with self.engine.connect() as connection, connection.begin():
            path = audit.consistency(connection, seen.size, published) if grown and seen else []
            paths = audit.inclusion(connection, leaves, published)
            return tuple(path), tuple(InclusionProof(leaf, tuple(hashes)) for leaf, hashes in zip(leaves, paths, strict=True))

    def sync(self, request: SyncRequest, sender: Sender) -> SyncResponse:
        """All steps at once, in the calling thread: for tests, simulation and anything without an event loop."""
        self.hear(request, sender)
        pushed: Pushed | None = None
        if request.push or request.purged:
            pushed = raised(self.transact([lambda commit: self.push(commit, request, sender)])[0])
        self.sequence()
        with self.engine.connect() as tx, tx.begin():
            pages, delivered, more = self.pages.pull(tx, request, sender, pushed)
        untold = self.untold(delivered, pushed)
        if untold:
            raised(self.transact([lambda commit: self.deliver(commit, sender.device, untold)])[0])
        return self.answer(request, sender, pushed, pages, more=more)

    def readers_of(self, logs: Iterable[bytes]) -> set[bytes]:
        """The devices that may read any of `logs`; all of the side for its registry, those too that have just lost their place."""
        known, wanted = self.known(), set(logs)
        if known.log in wanted:
            return set(known.devices)
        now = self.clock()
        return {
            device
            for device, cert in known.devices.items()
            if cert.acts and (self.readers.has_news(cert.subject.user, wanted) or wanted & self.recoverable.of(device, known, now))
        }
