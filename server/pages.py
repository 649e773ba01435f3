"""What a device is served: pages of the logs that it may read, ended by signed heads (docs/spec.md §9.2)."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from server import store
from server.append.commit import Delivery, Pushed, Sender
from server.gone import Gone
from server.readers import Readers
from server.recoverable import Recoverable
from shared_schema import cbor, ids, limits
from shared_schema.entry import Head
from shared_schema.receipt import HEAD, head_payload
from shared_schema.wire import Page, PageEntry, SyncRequest
from sync.registry import Registry

_SIGNED_HEADS: Final = 4096
_PAGE_ROWS: Final = 2048
_RESPONSE_BYTES: Final = limits.PAGE_BYTES


class Pulled(NamedTuple):
    """Pages for a device, what they deliver, and whether more waits."""

    pages: list[Page]
    delivered: list[Delivery]
    more: bool


class Pages:
    """The pages of one side. `known` is its registry, `salt` of an audit leaf, `sign` makes a server-signed object."""

    def __init__(
        self,
        readers: Readers,
        gone: Gone,
        *,
        known: Callable[[], Registry],
        recoverable: Callable[[], Recoverable],
        salt: Callable[[int], bytes],
        sign: Callable[[str, bytes], bytes],
        clock: Callable[[], int],
    ) -> None:
        self.readers, self.gone = readers, gone
        self.known, self.recoverable, self._salt, self._sign, self.clock = known, recoverable, salt, sign, clock
        self._signed_heads: dict[bytes, tuple[Head, bytes]] = {}

    def news(self, request: SyncRequest, sender: Sender) -> list[tuple[bytes, int, int]]:
        """(log, after, upto) of every log that the device may read and does not have to the end, registry first, what it may recover last, and of
        that no more than it has cursors for.
        """
        cursors = {cursor.log: cursor for cursor in request.cursors}
        known = self.known()
        mine = self.readers.logs_of(sender.user)
        abandoned = {log for log in self.recoverable().of(sender.device, known, self.clock()) if mine.get(log, 0) is not None}
        found, room = [], limits.FILES_PER_DEVICE - len(cursors)
        for log, upto in ((known.log, None), *(one for one in mine.items() if one[0] not in abandoned), *((log, None) for log in sorted(abandoned))):
            head = self.readers.heads.get(log)
            if head is None or (upto is not None and self.gone.erased(log)):  # of an erased file who had left it before is shown nothing
                continue
            end = head.seq if upto is None else min(upto, head.seq)
            cursor = cursors.get(log)
            if cursor is None:
                room -= 1
                if room < 0 and log in abandoned:
                    continue
            after = 0 if cursor is None else cursor.seq
            contradicts = cursor is not None and after == head.seq and cursor.chain != head.chain
            if after < end or (upto is None and (after > end or contradicts)):  # who left is told of nothing after that
                found.append((log, after, end))
        return found

    def pull_pushed(self, request: SyncRequest, sender: Sender, pushed: Pushed | None) -> Pulled | None:
        """Step 2 without the database, where nothing is new but what was just pushed; else None."""
        pages, delivered = [], []
        for log, after, end in self.news(request, sender):
            page = self._pushed_page(log, after, end, pushed)
            if page is None:
                return None
            pages.append(page)
            delivered.append(Delivery(log, after, end))
        return Pulled(pages, delivered, more=False)

    def pull(self, tx: Connection, request: SyncRequest, sender: Sender, pushed: Pushed | None) -> Pulled:
        """Step 2, anywhere: pages of everything new, ended by signed heads; what was delivered; whether more waits."""
        pages: list[Page] = []
        delivered: list[Delivery] = []
        room, more = _RESPONSE_BYTES, False
        for log, after, end in self.news(request, sender):
            if room <= 0:
                more = True
                break
            page, size = self._page(tx, log, after, end, room, pushed)
            room -= size
            more = more or page.more
            pages.append(page)
            if page.entries:
                delivered.append(Delivery(log, after, after + len(page.entries)))
            if page.more and log == self.known().log:
                break  # heads of files are in the incarnation in force, which what is missing may bring
        return Pulled(pages, delivered, more)

    def registry_after(self, tx: Connection, after: int) -> Page:
        """The registry from `after` on, of a side that is not served."""
        known = self.known()
        return self._page(tx, known.log, after, known.seq, _RESPONSE_BYTES, None)[0]

    def last_page(self, tx: Connection, device: bytes, after: int) -> Pulled:
        """The registry from `after` up to the statement that revoked a device, which has not seen it yet: nothing that came later is its business."""
        known = self.known()
        end = known.devices[device].revoked or 0
        if after >= end:
            return Pulled([], [], more=False)
        page, _ = self._page(tx, known.log, after, end, _RESPONSE_BYTES, None)
        return Pulled([page], [Delivery(known.log, after, after + len(page.entries))], more=page.more)

    def _pushed_page(self, log: bytes, after: int, end: int, pushed: Pushed | None) -> Page | None:
        """The page (after, end] of ids alone, where it holds just what was pushed."""
        places = pushed.placed.get(log) if pushed else None
        if pushed is None or not places or places[0].seq != after + 1 or places[-1].seq != end:
            return None
        entries = tuple(PageEntry(place.entry.id, place.received_ms, pushed.leaves[place.entry.id]) for place in places)
        head = self._head(log, end, places[-1].chain)
        return Page(log, entries, self.signed_head(log, head), more=False)

    def _page(self, tx: Connection, log: bytes, after: int, end: int, room: int, pushed: Pushed | None) -> tuple[Page, int]:
        page = self._pushed_page(log, after, end, pushed)
        if page is not None:
            return page, 0
        places = pushed.placed.get(log, []) if pushed else []
        mine = {place.entry.id for place in places}
        entries_out: list[PageEntry] = []
        size, last, chain = 0, after, self._chain(tx, log, after)
        while last < end and size < room:
            rows = store.entries_after(tx, log, last, end, 64 if size == 0 else _PAGE_ROWS)
            for row in rows:
                pair: Any = row.entry_id if row.entry_id in mine or not row.cose else [row.cose, cbor.Raw(row.parts)]  # no bytes: it was erased
                cost = len(row.cose) + len(row.parts)
                if entries_out and size + cost > room:
                    break
                entries_out.append(PageEntry(pair, row.received_ms, self._opening(row.leaf)))
                size += cost
                last, chain = row.seq, row.chain
            else:
                if rows:
                    continue
            break
        head = self._head(log, last, chain)
        return Page(log, tuple(entries_out), self.signed_head(log, head), more=last < end), size

    def _head(self, log: bytes, seq: int, chain: bytes) -> Head:
        """Of the registry in the incarnation that its first `seq` entries bring, for a reader knows no other there."""
        known = self.known()
        return Head(known.incarnation_at(seq) if log == known.log else known.incarnation, seq, chain)

    def _chain(self, tx: Connection, log: bytes, seq: int) -> bytes:
        """chain[seq]; beyond the end, the head's own chain, so that a device ahead of us sees what we have."""
        head = self.readers.heads[log]
        if seq == 0:
            return ids.chain_start(log)
        return head.chain if seq >= head.seq else store.chain_at(tx, log, seq) or head.chain

    def _opening(self, leaf: int) -> tuple[int, bytes]:
        return leaf, self._salt(leaf)

    def signed_head(self, log: bytes, head: Head) -> bytes:
        """The server's word that `log` has this chain at this place; a head ahead of ours is answered with our own."""
        own = self.readers.heads.get(log)
        if own is not None and head.seq > own.seq:
            head = own
        cached = self._signed_heads.get(log)
        if cached is not None and cached[0] == head:
            return cached[1]
        signed = self._sign(HEAD, head_payload(log, head))
        if len(self._signed_heads) >= _SIGNED_HEADS:
            self._signed_heads.clear()
        self._signed_heads[log] = (head, signed)
        return signed
