"""Eight writers at once, each with its own connection, that send on and on; and one reader that reads a log again from its beginning.

A writer keeps the very bytes that it sent until their receipt has arrived, as an outbox does, and sends them again to whichever server answers next.
"""

import asyncio
from typing import Any, Final

import cbor2

from bench.client import LoadDevice
from bench.opaque import Ahead
from shared_schema import cbor, ids
from shared_schema.entry import Witness
from shared_schema.wire import Cursor, Status, SyncRequest, decode_response, encode_request
from sync.device.exchanging import syncing
from sync.device.people import files
from sync.device.session import Session
from tests.faults.ledger import Ledger
from tests.live import Live

LOST: Final = (OSError, asyncio.IncompleteReadError)
_PART: Final = 304  # bytes, the smallest that a sealed part has
_STATUS: Final = Status(app="faults")


class Writer(LoadDevice):
    """One of the eight. `waiting` is what it has sent, or is about to, and has no receipt for."""

    def __init__(self, session: Session, port: int, ledger: Ledger) -> None:
        super().__init__(session, "127.0.0.1", port)
        self.session, self._ledger = session, ledger
        self.waiting: bytes | None = None
        self.acknowledged = 0

    def turn_to(self, log: bytes) -> None:
        """Write to this log from now on; the others are at their ends."""
        self.ahead = Ahead(self.session, log, _PART)
        self.cursors |= {other: view.place for other, view in self._ledger.views.items() if other != log}

    async def write(self) -> None:
        """Until the line breaks: then what waits stays."""
        try:
            await self.get_ready()
            while True:
                await self.send()
        except LOST:
            pass
        finally:
            await self.connection.close()

    async def send(self) -> None:
        """One entry, and its receipt into the ledger."""
        if self.waiting is None:
            [self.waiting] = self.ahead.sign(1, 1)
        cursors = tuple(Cursor(log, seq, chain) for log, (seq, chain) in self.cursors.items())
        body = encode_request(SyncRequest(cursors, (cbor.Raw(self.waiting),), _STATUS))
        raw = await self.ask(body)
        answer = decode_response(raw)
        if answer.answers[0].code != "accepted":
            self._ledger.broken.append(f"a good entry was answered {answer.answers[0].code}: {answer.answers[0].message}")
        self._ledger.take(raw)
        self.waiting = None
        self.acknowledged += 1
        for page in answer.pages:
            self._follow(page)

    async def ask(self, body: bytes) -> bytes:
        """The bytes of the answer to a sync."""
        import jwt

        from shared_schema.request import ALGORITHM, SCHEME, TYP, claims

        me = self.identity
        asked = claims(device=me.device, svc=me.svc, side=me.side, method="POST", path="/v1/sync", body=body, nonce=self._nonce)
        token = jwt.encode(asked, self._key, algorithm=ALGORITHM, headers={"typ": TYP})
        self._nonce, answer = await self.connection.ask("POST", "/v1/sync", body, f"{SCHEME} {token}")
        return answer


class Reader(Writer):
    """Reads and judges."""

    async def reread(self, log: bytes) -> None:
        """A log from its beginning, and the tree."""
        pages: list[Any] = []
        view = (0, bytes(ids.chain_start(log)))
        while True:
            cursors = (Cursor(log, *view), *self._others(log))
            newest = self._ledger.newest
            seen = Witness(*newest) if newest and newest[1] else None
            raw = await self.ask(encode_request(SyncRequest(cursors, (), _STATUS, seen)))
            self._ledger.judge_tree(raw)
            self._ledger.take(raw)
            found = cbor2.loads(raw)
            mine = [page for page in found["pages"] if page["log"] == log]
            pages += mine
            if not found["more"]:
                break
            self.cursors[log] = view
            for page in decode_response(raw).pages:
                self._follow(page)
            view = self.cursors[log]
        self._ledger.judge(log, pages)

    def _others(self, log: bytes) -> list[Cursor]:
        """At their ends, as far as they are known: nothing of them is served again."""
        known = {**self.cursors, **{other: view.place for other, view in self._ledger.views.items()}}
        return [Cursor(other, *place) for other, place in known.items() if other != log]


class Crowd:
    """Writers, a reader, and the file that they are at."""

    def __init__(self, live: Live, ledger: Ledger, writers: int = 8, many: int = 1) -> None:
        names = [f"writer {n}" for n in range(writers)]
        sessions = [live.enrol(name, ("coordinator",), name=name) for name in [*names, "reader"]]
        first, *others = sessions
        for session in sessions:
            syncing.sync(session, live.transport)
        self.logs = [files.create_file(first, "case", {other.identity.user: "coordinator" for other in others}) for _ in range(many)]
        for session in sessions:
            syncing.sync(session, live.transport)
        port = live.server.port
        self.writers = [Writer(session, port, ledger) for session in sessions[:-1]]
        self.reader = Reader(sessions[-1], port, ledger)
        self.turn_to(self.logs[0])

    def turn_to(self, log: bytes) -> None:
        """All turn to another file, when the old one has everything."""
        self.log = log
        for writer in self.writers:
            writer.turn_to(log)

    @property
    def acknowledged(self) -> int:
        """Entries with a receipt."""
        return sum(writer.acknowledged for writer in self.writers)

    async def settle(self) -> None:
        """What waits gets its receipt."""
        for writer in self.writers:
            await writer.get_ready()
            while writer.waiting is not None:
                await writer.send()
            await writer.connection.close()

    async def reread(self, *logs: bytes) -> None:
        """The reader reads these."""
        await self.reader.get_ready()
        for log in logs:
            await self.reader.reread(log)
        await self.reader.connection.close()
