"""HTTP to the server: signed requests with server nonces (docs/spec.md §9.1). Plain HTTP is refused but on this machine itself."""

import ipaddress
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import jwt

from shared_schema import cbor
from shared_schema.errors import Malformed, Refused, catalogue
from shared_schema.request import ALGORITHM, CBOR_TYPE, NONCE_HEADER, SCHEME, TYP, claims
from shared_schema.shape import as_text
from sync.device.session import Session

_TIMEOUT: Final = httpx.Timeout(60.0, connect=10.0)
_EVENTS_TIMEOUT: Final = httpx.Timeout(10.0, read=45.0)


class HttpTransport:
    """One server. Use as a context manager."""

    def __init__(self, server: str, ca: str = "", client: httpx.Client | None = None) -> None:
        check_address(server)
        verify: Any = ssl.create_default_context(cadata=ca) if ca else True
        self._client = client or httpx.Client(base_url=server, verify=verify, timeout=_TIMEOUT, trust_env=False)
        self._nonces: list[str] = []

    def __enter__(self) -> "HttpTransport":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    # --- unsigned ----------------------------------------------------------------------------------------------------------

    def service_keys(self) -> dict[str, Any]:
        """GET /v1/service."""
        return self._map(self._send("GET", "/v1/service"))

    def create_service(self, body: bytes) -> dict[str, Any]:
        """POST /v1/service."""
        return self._map(self._send("POST", "/v1/service", body))

    def enrol(self, body: bytes) -> bytes:
        """POST /v1/enrol."""
        return self._send("POST", "/v1/enrol", body).content

    # --- signed ------------------------------------------------------------------------------------------------------------

    def sync(self, session: Session, body: bytes) -> bytes:
        """POST /v1/sync."""
        return self.signed(session, "POST", "/v1/sync", body)

    def signed(self, session: Session, method: str, path: str, body: bytes = b"") -> bytes:
        """A signed request; tried once more when the nonce was spent or too old."""
        for attempt in (1, 2):
            headers = {"authorization": self._authorization(session, method, path, body)}
            try:
                return self._send(method, path, body, headers).content
            except Refused as error:
                if error.code != "nonce-spent" or attempt == 2:
                    raise
        raise Refused("nonce-spent")

    def _authorization(self, session: Session, method: str, path: str, body: bytes) -> str:
        me = session.identity
        if not self._nonces:
            answer = self._map(self._send("GET", f"/v1/nonces?side={me.side}"))
            self._nonces += [as_text(nonce, "nonce") for nonce in answer.get("nonces", [])]
        nonce = self._nonces.pop()
        body_claims = claims(device=me.device, svc=me.svc, side=me.side, method=method, path=path, body=body, nonce=nonce)
        token = jwt.encode(body_claims, session.sign_key.private(), algorithm=ALGORITHM, headers={"typ": TYP})
        return f"{SCHEME} {token}"

    @contextmanager
    def events(self, session: Session) -> Iterator[Iterator[str]]:
        """GET /v1/events: yields the names of events as they come. Raises Refused `offline` when the stream ends in an error."""
        headers = {"authorization": self._authorization(session, "GET", "/v1/events", b"")}
        try:
            with self._client.stream("GET", "/v1/events", headers=headers, timeout=_EVENTS_TIMEOUT) as response:
                if response.status_code != 200:
                    response.read()
                    self._raise(response)
                yield (line.removeprefix("event: ") for line in response.iter_lines() if line.startswith("event: "))
        except httpx.TransportError as error:
            raise Refused("offline", f"the event stream ended: {type(error).__name__}") from None

    # --- plumbing ----------------------------------------------------------------------------------------------------------

    def _send(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> httpx.Response:
        try:
            response = self._client.request(method, path, content=body or None, headers={"content-type": CBOR_TYPE, **(headers or {})})
        except httpx.TransportError as error:
            raise Refused("offline", f"the server could not be reached ({type(error).__name__}); everything stays on this device") from None
        nonce = response.headers.get(NONCE_HEADER)
        if nonce:
            self._nonces = [nonce]
        if response.status_code != 200:
            self._raise(response)
        return response

    @staticmethod
    def _raise(response: httpx.Response) -> None:
        try:
            answer = cbor.decode(response.content)
            code, message = as_text(answer["code"], "code"), as_text(answer["message"], "message", 500)
        except (Malformed, KeyError, TypeError):
            raise Refused("offline", f"something that is no Fieldkeep server answered with status {response.status_code}") from None
        raise Refused(code if code in catalogue() else "internal", message)

    @staticmethod
    def _map(response: httpx.Response) -> dict[str, Any]:
        value = cbor.decode(response.content)
        if type(value) is not dict:
            raise Malformed("the answer is not a map")
        return value


def check_address(server: str) -> None:
    """Raises Refused unless the address is https, or http on this machine itself."""
    parts = urlsplit(server)
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
