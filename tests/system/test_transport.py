"""What a server may answer: nothing of it ends in a traceback, fills the memory, or sends us where no address is."""

from collections.abc import Iterator
from itertools import repeat
from typing import Any

import httpx
import pytest

from shared_schema import cbor
from shared_schema.errors import ProtocolError, TooLarge
from sync.device.exchanging import transport
from sync.device.exchanging.transport import HttpTransport
from sync.device.session import Session
from tests.world import World

ADDRESS = "http://127.0.0.1:1"


class Wire(httpx.BaseTransport):
    """A network in this process: it answers, or fails as networks do, and remembers what was asked for."""

    def __init__(self, answer: bytes | Iterator[bytes] | Exception) -> None:
        self.answer, self.asked = answer, list[str]()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.raw_path.decode())
        if isinstance(self.answer, Exception):
            raise self.answer
        return httpx.Response(200, content=self.answer)


def reach(answer: bytes | Iterator[bytes] | Exception) -> HttpTransport:
    """A transport with nonces in hand whose server answers everything alike."""
    opened = HttpTransport(ADDRESS, client=httpx.Client(base_url=ADDRESS, transport=Wire(answer)))
    opened._nonces = ["a nonce", "another"]
    return opened


@pytest.fixture
def session() -> Iterator[Session]:
    with World(sides=("perpetrator",)) as world:
        yield world.admins["perpetrator"].session


def code_of(call: Any) -> str:
    with pytest.raises(ProtocolError) as caught:
        call()
    return caught.value.code


def test_an_answer_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "_ANSWER_BYTES", 1_000_000)
    with reach(repeat(bytes(65_536))) as opened, pytest.raises(TooLarge, match="1000000"):
        opened.service_keys()


def test_an_event_without_end(session: Session) -> None:
    with reach(repeat(b"event: x")) as opened, opened.events(session) as names, pytest.raises(TooLarge):
        next(names)


def test_events_as_they_come(session: Session) -> None:
    with reach(iter([b"event: he", b"llo\n\nevent: pull\r\n", b"\nid: 1\n"])) as opened, opened.events(session) as names:
        assert list(names) == ["hello", "pull"]


@pytest.mark.parametrize("answer", [b"", b"nonsense", *map(cbor.encode, ([], {}, {"sides": 5}, {"sides": {"victim": {}}}))])
def test_service_keys_that_are_none(answer: bytes) -> None:
    with reach(answer) as opened:
        assert code_of(opened.service_keys) == "malformed"


@pytest.mark.parametrize("nonces", [None, 5, [], [5]])
def test_nonces_that_are_none(session: Session, nonces: Any) -> None:
    with reach(cbor.encode({"nonces": nonces})) as opened:
        opened._nonces = []
        assert code_of(lambda: opened.sync(session, b"")) == "malformed"


@pytest.mark.parametrize("n", [-1, "x y", "abc", None, True, [1], 2**64])
def test_places_that_are_none_are_never_asked_for(session: Session, n: Any) -> None:
    """A server leads a supervisor from page to page by numbers. What is no number is not sent back to it."""
    with reach(b"x") as opened:
        assert code_of(lambda: opened.signed(session, "GET", f"/v1/audit/victim/events?after={n}")) == "malformed"
        assert opened.signed(session, "GET", "/v1/audit/victim/events?after=7") == b"x"
        wire: Any = opened._client._transport
        assert [path for path in wire.asked if "audit" in path] == ["/v1/audit/victim/events?after=7"]


@pytest.mark.parametrize("kind", [httpx.ConnectError, httpx.ReadTimeout, httpx.TooManyRedirects, httpx.DecodingError, httpx.InvalidURL])
def test_whatever_the_network_does_is_offline(session: Session, kind: Any) -> None:
    with reach(kind("x")) as opened:
        assert code_of(opened.service_keys) == "offline"
        assert code_of(lambda: opened.events(session).__enter__()) == "offline"


class Forgetful(Wire):
    """A server that hangs up on the first so many signed requests."""

    def __init__(self, answer: bytes, most: int, kind: type[httpx.TransportError]) -> None:
        super().__init__(answer)
        self.left, self.kind, self.tokens = most, kind, list[str]()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        token = request.headers.get("authorization")
        self.tokens += [token] if token else []
        if token and self.left:
            self.left -= 1
            raise self.kind("x")
        answered = super().handle_request(request)
        return answered if token else httpx.Response(200, content=cbor.encode({"nonces": [f"nonce {len(self.asked)}"]}))


@pytest.mark.parametrize(
    ("kind", "hung_up", "asked", "heard"),
    [
        (httpx.ReadError, 1, 2, True),
        (httpx.WriteError, 1, 2, True),
        (httpx.RemoteProtocolError, 1, 2, True),
        (httpx.ReadError, 2, 2, False),
        (httpx.ReadTimeout, 1, 1, False),
        (httpx.ConnectError, 1, 1, False),
    ],
)
def test_a_connection_that_ended(session: Session, kind: Any, hung_up: int, asked: int, heard: bool) -> None:
    """A kept connection may end while a request is on its way: it is asked for once more, on a new one and under a new nonce."""
    wire = Forgetful(b"x", hung_up, kind)
    with HttpTransport(ADDRESS, client=httpx.Client(base_url=ADDRESS, transport=wire)) as opened:
        if heard:
            assert opened.sync(session, b"") == b"x"
        else:
            assert code_of(lambda: opened.sync(session, b"")) == "offline"
    assert len(set(wire.tokens)) == len(wire.tokens) == asked


@pytest.mark.parametrize("address", ["http://[::1", "https://x:99999", "https://x:port", "http://example.org", "", "https://"])
def test_addresses_that_are_none(address: str) -> None:
    assert code_of(lambda: HttpTransport(address)) == "bad-value"


@pytest.mark.parametrize("ca", ["nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "Zoë"])
def test_an_authority_that_is_none(ca: str) -> None:
    assert code_of(lambda: HttpTransport("https://127.0.0.1:1", ca)) == "bad-value"
