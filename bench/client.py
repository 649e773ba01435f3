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
from sync.device.session import Session

_HEAD: Final = "{method} {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: {type}\r\ncontent-length: {size}\r\n{more}\r\n"
_STATUS: Final = Status(app="bench")


class Unwanted(RuntimeError):
    """An answer of another status. `fields` are its head's, in lower case."""

    def __init__(self, status: int, fields: dict[str, str], answer: bytes) -> None:
        super().__init__(f"{status}: {answer[:200]!r}")
        self.status, self.fields, self.answer = status, fields, answer


class Connection:
    """One kept-alive HTTP/1.1 connection, opened when it is needed. Counts what passes."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self.requests = 0
        self.sent = 0
        self.received = 0

    async def open(self) -> None:
        """Connect, if the server has hung up or was never called."""
        await asyncio.sleep(0)  # signing ahead keeps the loop from hearing that it has
        if self._streams is None or self._streams[0].at_eof():
            self._streams = await asyncio.open_connection(self._host, self._port, limit=1 << 20)

    async def ask(
        self, method: str, path: str, body: bytes = b"", authorization: str = "", *, kind: str = CBOR_TYPE, more: str = ""
    ) -> tuple[str, bytes]:
        """(nonce, body) of the answer. `more` are whole lines of the head. Raises Unwanted for any status but 200 and 201."""
        await self.open()
        assert self._streams is not None
        reader, writer = self._streams
        if authorization:
            more += f"authorization: {authorization}\r\n"
        head = _HEAD.format(method=method, path=path, type=kind, size=len(body), more=more).encode()
        writer.writelines((head, body))
        raw = await reader.readuntil(b"\r\n\r\n")
        lines = raw.decode("latin-1").split("\r\n")
        fields = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:-2])}
        answer = await _body(reader, fields)
        self.requests += 1
        self.sent += len(head) + len(body)
        self.received += len(raw) + len(answer)
        status = int(lines[0].split(" ", 2)[1])
        if status not in (200, 201):
            raise Unwanted(status, fields, answer)
        return fields.get(NONCE_HEADER, ""), answer

    async def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def _body(reader: asyncio.StreamReader, fields: dict[str, str]) -> bytes:
    if fields.get("transfer-encoding") != "chunked":
        return await reader.readexactly(int(fields["content-length"]))
    pieces = []
    while size := int(await reader.readline(), 16):
        pieces.append(await reader.readexactly(size))
        await reader.readline()
    await reader.readline()
    return b"".join(pieces)


class LoadDevice:
    """A device that syncs without a store. `cursors` maps each log to how far it has it."""

    def __init__(self, session: Session, host: str, port: int) -> None:
        self.identity, self._key = session.identity, session.sign_key.private()
        self.connection = Connection(host, port)
        self.cursors: dict[bytes, tuple[int, bytes]] = {log: (seq, chain) for log, seq, chain, *_ in session.store.logs()}
        self._nonce = ""

    async def get_ready(self) -> None:
        """Have a connection and a nonce."""
        await self.connection.open()
        _, answer = await self.connection.ask("GET", f"/v1/nonces?side={self.identity.side}")
        self._nonce = cbor.decode(answer)["nonces"][0]

    async def sync(self, *pairs: bytes) -> SyncResponse:
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

    async def push(self, pairs: list[bytes], each: int) -> None:
        """All of `pairs`, `each` in a request, one request after the other."""
        for start in range(0, len(pairs), each):
            await self.sync(*pairs[start : start + each])

    async def pull(self) -> int:
        """Round trips until nothing more waits; how many parts came."""
        parts = 0
        while True:
            answer = await self.sync()
            parts += sum(len(entry.pair[1]) for page in answer.pages for entry in page.entries)
            if not answer.more:
                return parts

    async def _signed(self, body: bytes) -> bytes:
        self._nonce, answer = await self.connection.ask("POST", "/v1/sync", body, self.authorization("POST", "/v1/sync", body, self._nonce))
        return answer

    def authorization(self, method: str, path: str, body: bytes, nonce: str) -> str:
        """The header that signs a request."""
        me = self.identity
        asked = claims(device=me.device, svc=me.svc, side=me.side, method=method, path=path, body=body, nonce=nonce)
        return f"{SCHEME} {jwt.encode(asked, self._key, algorithm=ALGORITHM, headers={'typ': TYP})}"

    def _follow(self, page: Page) -> None:
        seq, chain = self.cursors.get(page.log, (0, bytes(ids.chain_start(page.log))))
        for entry in page.entries:
            seq += 1
            chain = ids.chain_next(chain, seq, entry.received_ms, _entry_id(entry.pair))
        self.cursors[page.log] = (seq, chain)


def _entry_id(pair: Any) -> bytes:
    """The id that the page names, or that its COSE bytes have."""
    if type(pair) is bytes:
        return pair
    protected, _, payload, _ = cbor.decode(pair[0][1:])
    return ids.sha256(cose.sig_structure(protected, payload))
