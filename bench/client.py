"""The load generator's side of HTTP: as thin as it can be, so that what is measured is the server.

A `LoadDevice` is a certified device without a store: it signs each request as a device does, follows what it is served to the end
of each chain, and keeps nothing else. What it pushes was signed beforehand.
"""

import asyncio
from typing import Any, Final

import jwt

from shared_schema import cbor, cose, ids
from shared_schema.request import ALGORITHM, CBOR_TYPE, NONCE_HEADER, SCHEME, TYP, claims
from shared_schema.wire import Cursor, Page, Status, SyncRequest, SyncResponse, decode_response, encode_request
from sync.device.session import Identity, Session
from sync.signing import SigningKey

_HEAD: Final = "{method} {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: {type}\r\ncontent-length: {size}\r\n{more}\r\n"
_STATUS: Final = Status(app="bench")


class Connection:
    """One kept-alive HTTP/1.1 connection. Counts what passes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.requests = 0
        self.sent = 0
        self.received = 0

    @classmethod
    async def open(cls, host: str, port: int) -> "Connection":
        """Connect."""
        return cls(*await asyncio.open_connection(host, port, limit=1 << 20))

    async def ask(self, method: str, path: str, body: bytes = b"", authorization: str = "") -> tuple[str, bytes]:
        """(nonce, body) of the answer. Raises RuntimeError for any status but 200."""
        more = f"authorization: {authorization}\r\n" if authorization else ""
        head = _HEAD.format(method=method, path=path, type=CBOR_TYPE, size=len(body), more=more).encode()
        self._writer.writelines((head, body))
        raw = await self._reader.readuntil(b"\r\n\r\n")
        lines = raw.decode("latin-1").split("\r\n")
        fields = dict(line.split(": ", 1) for line in lines[1:-2])
        answer = await self._reader.readexactly(int(fields["content-length"]))
        self.requests += 1
        self.sent += len(head) + len(body)
        self.received += len(raw) + len(answer)
        if " 200 " not in lines[0]:
            raise RuntimeError(f"{lines[0]}: {answer[:200]!r}")
        return fields.get(NONCE_HEADER, ""), answer

    async def close(self) -> None:
        """Hang up."""
        self._writer.close()
        await self._writer.wait_closed()


class LoadDevice:
    """A device that syncs without a store. `cursors` maps each log to how far it has it."""

    def __init__(self, session: Session, connection: Connection) -> None:
        self.identity: Identity = session.identity
        self.key: SigningKey = session.sign_key
        self.connection = connection
        self.cursors = {log: (seq, chain) for log, seq, chain, *_ in session.store.logs()}
        self._nonce = ""

    async def sync(self, pairs: tuple[bytes, ...] = ()) -> SyncResponse:
        """One round trip that pushes `pairs` and takes what is new. Raises RuntimeError unless everything was accepted."""
        cursors = tuple(Cursor(log, seq, chain) for log, (seq, chain) in self.cursors.items())
        body = encode_request(SyncRequest(cursors, tuple(cbor.Raw(pair) for pair in pairs), _STATUS))
        answer = decode_response(await self._signed(body))
        refused = [one for one in answer.answers if one.code != "accepted"]
        if refused or len(answer.answers) != len(pairs):
            raise RuntimeError(f"{len(refused)} of {len(pairs)} entries were refused: {refused[:1]}")
        for page in answer.pages:
            self._follow(page)
        return answer

    async def pull(self) -> int:
        """Round trips until nothing more waits; how many bytes of answers came."""
        before = self.connection.received
        while (await self.sync()).more:
            pass
        return self.connection.received - before

    async def _signed(self, body: bytes) -> bytes:
        me = self.identity
        if not self._nonce:
            _, answer = await self.connection.ask("GET", f"/v1/nonces?side={me.side}")
            self._nonce = cbor.decode(answer)["nonces"][0]
        asked = claims(device=me.device, svc=me.svc, side=me.side, method="POST", path="/v1/sync", body=body, nonce=self._nonce)
        token = jwt.encode(asked, self.key.private(), algorithm=ALGORITHM, headers={"typ": TYP})
        self._nonce, answer = await self.connection.ask("POST", "/v1/sync", body, f"{SCHEME} {token}")
        return answer

    def _follow(self, page: Page) -> None:
        seq, chain = self.cursors.get(page.log, (0, bytes(ids.chain_start(page.log))))
        for entry in page.entries:
            seq += 1
            chain = ids.chain_next(chain, seq, entry.received_ms, _entry_id(entry.pair))
        self.cursors[page.log] = (seq, chain)


def _entry_id(pair: Any) -> bytes:
    """The id that is named, or that the COSE bytes have."""
    if type(pair) is bytes:
        return pair
    protected, _, payload, _ = cbor.decode(pair[0][1:])
    return ids.sha256(cose.sig_structure(protected, payload))

