"""HTTP to the server: signed requests with server nonces (docs/spec.md §9.1). Plain HTTP is refused but on this machine itself."""

import ipaddress
import re
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import httpx
import jwt

from shared_schema import cbor, ids, limits
from shared_schema.errors import Malformed, Refused, TooLarge, catalogue
from shared_schema.ids import SIDES
from shared_schema.request import ALGORITHM, CBOR_TYPE, NONCE_HEADER, SCHEME, TYP, claims
from shared_schema.shape import as_list, as_text
from sync.device.session import Identity
from sync.signing import SigningKey

_TIMEOUT: Final = httpx.Timeout(60.0, connect=10.0)
_EVENTS_TIMEOUT: Final = httpx.Timeout(10.0, read=45.0)
_ENDED: Final = (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)
_WORDS: Final[dict[type[Exception], str]] = {
    httpx.ConnectError: "nobody answers there",
    httpx.ConnectTimeout: "no answer",
    httpx.ReadTimeout: "no answer in time",
}
_ANSWER_BYTES: Final = 8 * limits.REQUEST_BYTES  # a sync's answer is a few MiB; an auditor's page holds a thousand entries
_EVENT_BYTES: Final = 4096
_PATH: Final = re.compile(r"(?:/[A-Za-z0-9_.-]+)+(?:\?(?:side=[a-z]+|[a-z]+=[0-9]{1,16}))?")


class _HungUp(Refused):
    """The connection ended before an answer; most often it was kept from an earlier request for too long."""


class Signer(Protocol):
    """Whose requests these are: a session, or a device that is just enrolling."""

    @property
    def identity(self) -> Identity:
        """The device."""
        ...

    @property
    def sign_key(self) -> SigningKey:
        """Its signing key."""
        ...


class SignedRequests(Protocol):
    """Whatever makes signed requests."""

    def signed(self, session: Any, method: str, path: str, body: bytes = b"") -> bytes:
        """One of them. Raises Refused, `offline` where the server is not reached."""
        ...


class HttpTransport:
    """One server. Use as a context manager."""

    def __init__(self, server: str, ca: str = "", client: httpx.Client | None = None) -> None:
        check_address(server)
        self._server = server
        try:
            verify: Any = ssl.create_default_context(cadata=ca) if ca else True
            self._client = client or httpx.Client(base_url=server, verify=verify, timeout=_TIMEOUT, trust_env=False)
        except (ssl.SSLError, ValueError, TypeError):
            raise Refused("bad-value", "the server's own authority is no PEM certificate") from None
        except httpx.InvalidURL as error:
            raise Refused("bad-value", f"the server's address is none: {error}") from None
        self._nonces: list[str] = []

    def __enter__(self) -> "HttpTransport":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    # --- unsigned ----------------------------------------------------------------------------------------------------------

    def service_keys(self) -> dict[str, Any]:
        """GET /v1/service. Raises Malformed unless it has the keys of every side."""
        answer = self._map(self._send("GET", "/v1/service"))
        if not isinstance(answer.get("sides"), dict) or not answer["sides"].keys() >= set(SIDES):
            raise Malformed("the server does not show the keys of all sides")
        return answer

    def create_service(self, body: bytes) -> dict[str, Any]:
        """POST /v1/service."""
        return self._map(self._send("POST", "/v1/service", body))

    def enrol(self, side: str, body: bytes) -> bytes:
        """POST /v1/enrol."""
        return self._send("POST", f"/v1/enrol?side={side}", body)

    def unsigned(self, method: str, path: str, body: bytes = b"") -> bytes:
        """Any other unsigned request."""
        return self._send(method, path, body)

    # --- signed ------------------------------------------------------------------------------------------------------------

    def sync(self, session: Signer, body: bytes) -> bytes:
        """POST /v1/sync."""
        return self.signed(session, "POST", "/v1/sync", body)

    def sync_while(self, session: Signer, body: bytes, work: Callable[[], None]) -> bytes:
        """POST /v1/sync in a thread of its own, while `work` is done in this one. What that raises is raised; the answer is lost then."""
        answer: Future[bytes] = Future()

        def ask() -> None:
            try:
                answer.set_result(self.sync(session, body))
            except BaseException as error:
                answer.set_exception(error)

        threading.Thread(target=ask, daemon=True).start()  # whoever interrupts the program does not wait for it
        work()
        return answer.result()

    def deposit(self, session: Signer, body: bytes) -> bytes:
        """POST /v1/deposit."""
        return self.signed(session, "POST", "/v1/deposit", body)

    def held(self, session: Signer, log: bytes, after: int) -> bytes:
        """GET /v1/held/{log}."""
        return self.signed(session, "GET", f"/v1/held/{ids.show(log)}?after={after}")

    def purged(self, session: Signer, log: bytes, after: int) -> bytes:
        """GET /v1/purged/{log}."""
        return self.signed(session, "GET", f"/v1/purged/{ids.show(log)}?after={after}")

    def signed(self, session: Signer, method: str, path: str, body: bytes = b"") -> bytes:
        """A signed request; tried once more when the nonce was spent or too old, or the connection ended: asking twice does nothing twice."""
        for attempt in (1, 2):
            try:
                headers = {"authorization": self._authorization(session, method, path, body)}
                return self._send(method, path, body, headers)
            except Refused as error:
                if attempt == 2 or not (error.code == "nonce-spent" or isinstance(error, _HungUp)):
                    raise
        raise Refused("nonce-spent")

    def _authorization(self, session: Signer, method: str, path: str, body: bytes) -> str:
        me = session.identity
        if not self._nonces:
            answer = self._map(self._send("GET", f"/v1/nonces?side={me.side}"))
            self._nonces += [as_text(nonce, "nonce") for nonce in as_list(answer.get("nonces"), "nonces")]
            if not self._nonces:
                raise Malformed("the server gave no nonce")
        nonce = self._nonces.pop()
        body_claims = claims(device=me.device, svc=me.svc, side=me.side, method=method, path=path, body=body, nonce=nonce)
        token = jwt.encode(body_claims, session.sign_key.private(), algorithm=ALGORITHM, headers={"typ": TYP})
        return f"{SCHEME} {token}"

    @contextmanager
    def events(self, session: Signer) -> Iterator[Iterator[str]]:
        """GET /v1/events: yields the names of events as they come. Raises Refused `offline` when the stream ends in an error."""
        headers = {"authorization": self._authorization(session, "GET", "/v1/events", b"")}
        try:
            with self._client.stream("GET", "/v1/events", headers=headers, timeout=_EVENTS_TIMEOUT) as response:
                if response.status_code != 200:
                    self._raise(response.status_code, _read(response, limits.PAGE_BYTES))
                yield (line.removeprefix("event: ") for line in _lines(response) if line.startswith("event: "))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Refused("offline", f"the event stream ended: {type(error).__name__}") from None

    # --- plumbing ----------------------------------------------------------------------------------------------------------

    def _send(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> bytes:
        if not _PATH.fullmatch(path):  # some of it may be an answer's words
            raise Malformed("what the server answered leads to an address that cannot be")
        sent = {"content-type": CBOR_TYPE, "accept-encoding": "identity", **(headers or {})}
        try:
            with self._client.stream(method, path, content=body or None, headers=sent) as response:
                content = _read(response, _ANSWER_BYTES)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            kind = _HungUp if isinstance(error, _ENDED) else Refused
            raise kind(
                "offline", f"{self._server} could not be reached ({_WORDS.get(type(error), 'the line broke')}); everything stays on this device"
            ) from None
        nonce = response.headers.get(NONCE_HEADER)
        if nonce:
            self._nonces = [nonce]
        if response.status_code != 200:
            self._raise(response.status_code, content)
        return content

    @staticmethod
    def _raise(status: int, content: bytes) -> None:
        try:
            answer = cbor.decode(content)
            code, message = as_text(answer["code"], "code"), as_text(answer["message"], "message", 500)
        except (Malformed, KeyError, TypeError):
            raise Refused("offline", f"something that is no Fieldkeep server answered with status {status}") from None
        raise Refused(code if code in catalogue() else "internal", message)

    @staticmethod
    def _map(content: bytes) -> dict[str, Any]:
        value = cbor.decode(content)
        if type(value) is not dict:
            raise Malformed("the answer is not a map")
        return value


def _read(response: httpx.Response, most: int) -> bytes:
    """The body. Raises TooLarge as soon as there is more of it than anything we asked for can have."""
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > most:
            raise TooLarge(f"the server's answer has more than {most} bytes: none of it was taken")
    return bytes(body)


def _lines(response: httpx.Response) -> Iterator[str]:
    """The lines of an event stream as they come. Raises TooLarge for one that does not end."""
    rest = b""
    for chunk in response.iter_bytes():
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > _EVENT_BYTES:
            raise TooLarge(f"the server sent an event of more than {_EVENT_BYTES} bytes")
        yield from (line.rstrip(b"\r").decode("utf-8", "replace") for line in lines)


def check_address(server: str) -> None:
    """Raises Refused unless the address is https, or http on this machine itself."""
    try:
        parts = urlsplit(server)
        _ = parts.port
    except ValueError as error:
        raise Refused("bad-value", f"the server's address is none: {error}") from None
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme == "http" and parts.hostname and _is_here(parts.hostname):
        return
    raise Refused("bad-value", "want https://…, or http:// on 127.0.0.1 only")


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
