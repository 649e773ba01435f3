"""What a request that is not let in may cost: no body is read, no line is written, and its address is counted."""

import asyncio
import base64
import contextlib
import json
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server import app, authenticate
from server.quotas import MINUTE_MS, Window, address_key
from server.service import Service
from server.settings import Settings
from shared_schema import cbor
from shared_schema.errors import Refused
from shared_schema.request import ALGORITHM, SCHEME, TYP, body_hash, claims
from shared_schema.wire import SyncRequest, encode_request
from sync.device.exchanging import syncing
from sync.device.people import standing
from sync.device.session import Session
from sync.signing import SigningKey, verify_bytes
from tests.live import Live, LiveServer

_FORGED = ".".join(
    base64.urlsafe_b64encode(part).rstrip(b"=").decode()
    for part in (
        json.dumps({"alg": ALGORITHM, "typ": TYP}).encode(),
        json.dumps(claims(device=bytes(16), svc=bytes(16), side="perpetrator", method="GET", path="/v1/events", body=b"", nonce="x")).encode(),
        bytes(64),
    )
)
EMPTY = encode_request(SyncRequest())


def fresh(live: Live) -> str:
    return str(cbor.decode(httpx.get(f"{live.server.address}/v1/nonces?side=perpetrator", trust_env=False).content)["nonces"][0])


def token(live: Live, session: Session, nonce: str = "", body: bytes = EMPTY, method: str = "POST", path: str = "/v1/sync") -> str:
    me = session.identity
    made = claims(device=me.device, svc=me.svc, side=me.side, method=method, path=path, body=body, nonce=nonce or fresh(live))
    return f"{SCHEME} {jwt.encode(made, session.sign_key.private(), algorithm=ALGORITHM, headers={'typ': TYP})}"


def post(live: Live, authorization: str, body: bytes = EMPTY) -> str:
    answer = httpx.post(f"{live.server.address}/v1/sync", content=body, headers={"authorization": authorization}, trust_env=False)
    return "" if answer.status_code == 200 else str(cbor.decode(answer.content)["code"])


def together(ask: Callable[[int], Any], count: int) -> list[Any]:
    """That many at once, for who asks too often is made to wait."""
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(ask, range(count)))


def begin(live: Live, authorization: str, sent: bytes = b"") -> bytes:
    """The answer to a request that announces 8 MiB and sends next to nothing."""
    with socket.create_connection(("127.0.0.1", live.server.port)) as opened:
        opened.settimeout(5)
        opened.sendall(
            b"POST /v1/sync HTTP/1.1\r\nhost: a\r\ncontent-length: 8388608\r\nauthorization: " + authorization.encode() + b"\r\n\r\n" + sent
        )
        heard = b""
        while b"retry" not in heard:
            heard += opened.recv(65_536)
        return heard


def test_a_claim_that_stands_twice(live: Live) -> None:
    """§9.1: which of the two counts, readers of JSON do not agree on."""
    me = live.admins["perpetrator"]
    made = claims(
        device=me.identity.device, svc=me.identity.svc, side=me.identity.side, method="POST", path="/v1/sync", body=EMPTY, nonce=fresh(live)
    )
    for twice, code in (("", ""), (', "htm": "POST"', "request-refused")):
        payload = (json.dumps(made)[:-1] + twice + "}").encode()
        signed = jwt.api_jws.encode(payload, me.sign_key.private(), algorithm=ALGORITHM, headers={"typ": TYP})
        assert post(live, f"{SCHEME} {signed}") == code
        made |= {"nonce": fresh(live)}


class TestNoBodyIsReadForNothing:
    """Whoever once had a token could have bodies of 8 MiB kept, as many as there are connections."""

    def test_of_a_spent_nonce(self, live: Live) -> None:
        used = token(live, live.admins["perpetrator"])
        assert post(live, used) == ""
        assert b"nonce-spent" in begin(live, used)

    def test_of_a_revoked_device(self, live: Live) -> None:
        sam, admin = live.enrol("Sam", ("navigator",)), live.admins["perpetrator"]
        standing.revoke(admin, sam.identity.device, "stolen")
        syncing.sync(admin, live.transport)
        assert b"revoked" in begin(live, token(live, sam))

    def test_another_body_uses_the_nonce_up(self, live: Live) -> None:
        signed = token(live, live.admins["perpetrator"])
        assert post(live, signed, EMPTY + b"\0") == "request-refused"
        assert post(live, signed) == "nonce-spent"


@pytest.mark.asyncio
async def test_a_large_body_is_hashed_beside_the_event_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop is of all sides: nobody of another waits while 8 MiB are hashed. What is small is not worth another thread."""
    hashed: list[tuple[int, str]] = []

    def check(signed: authenticate.Token, body: bytes) -> None:
        hashed.append((len(body), threading.current_thread().name))
        authenticate.check_body(signed, body)

    monkeypatch.setattr(app, "check_body", check)
    service = Service(Settings(data=tmp_path / "data"))
    running = service.side("perpetrator")
    for size in (65_536, 65_537):
        body = bytes(size)
        await app._check_body(running, authenticate.Token(bytes(16), body_hash(body), ""), body)
    service.close()
    assert [(size, name == threading.current_thread().name) for size, name in hashed] == [(65_536, True), (65_537, False)]


def test_a_body_that_does_not_come(tmp_path: Path) -> None:
    live = Live(tmp_path, env={"FIELDKEEP_BODY_SECONDS": "1"})
    try:
        assert b"busy" in begin(live, token(live, live.admins["perpetrator"]), b"half")
    finally:
        live.close()


def test_a_device_over_its_quota_sends_no_body(tmp_path: Path) -> None:
    live = Live(tmp_path, env={"FIELDKEEP_REQUESTS_PER_MINUTE": "3"})
    try:
        admin = live.admins["perpetrator"]
        for _ in range(3):  # a minute may begin between the two
            while not post(live, token(live, admin)):
                pass
            with contextlib.suppress(TimeoutError):
                assert b"quota" in begin(live, token(live, admin))
                return
        pytest.fail("it was let in three times and waited for")
    finally:
        live.close()


class TestStrangersAreCounted:
    """Refused requests were free, and each left a line in a log."""

    @pytest.fixture
    def few(self, tmp_path: Path) -> Iterator[Live]:
        live = Live(tmp_path, env={"FIELDKEEP_UNSIGNED_PER_MINUTE": "40"})
        yield live
        live.close()

    def test_garbage(self, few: Live) -> None:
        admin = few.admins["perpetrator"]
        good = token(few, admin)
        garbage = token(few, admin, "x" * 48)
        before = (few.server.data / "perpetrator.log").read_bytes()
        answers = [post(few, garbage), *together(lambda _: post(few, garbage), 99)]  # a minute may begin among them: more than 40 of them are of one
        assert (answers[0], set(answers)) == ("nonce-spent", {"nonce-spent", "quota"})
        assert (few.server.data / "perpetrator.log").read_bytes() == before
        assert post(few, good) == "", "who is let in is not counted by address"
        assert post(few, "Fieldkeep a.b.c") == "request-refused", "of a request that names no side there is a count of its own"
        assert set(together(lambda _: post(few, "Fieldkeep a.b.c"), 100)) == {"request-refused", "quota"}

    def test_addresses_that_a_stranger_makes_up(self, few: Live) -> None:
        with httpx.Client(base_url=few.server.address, trust_env=False) as client:
            asked = together(lambda k: client.get("/v1/nonces?side=victim", headers={"x-forwarded-for": f"192.0.2.{k}"}).status_code, 100)
        assert set(asked) == {200, 429}


@pytest.mark.asyncio
async def test_who_asks_too_often_waits_for_each_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """§9.1: of somebody who goes on, each connection has one signature verified a second and not thousands: it would be at the cost of all sides."""
    verified, released = Counter[str](), asyncio.Event()

    def count(*arguments: Any, **named: Any) -> Any:
        verified["tokens"] += 1
        return authenticate.check_token(*arguments, **named)

    monkeypatch.setattr(app, "check_token", count)
    monkeypatch.setattr(app, "hold_up", released.wait)
    service = Service(Settings(data=tmp_path / "data", unsigned_per_minute=5), lambda: 1_800_000_000_000)
    header = {"authorization": f"{SCHEME} {_FORGED}"}
    try:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app.make_app(service)), base_url="http://a") as client:

            async def go_on() -> list[int]:
                return [(await client.get("/v1/events", headers=header)).status_code for _ in range(10)]

            working = [asyncio.create_task(go_on()) for _ in range(3)]
            asking = asyncio.create_task(client.get("/v1/nonces?side=victim"))
            assert (await asking).status_code == 200, "nobody else waits"
            while sum(verified.values()) < 8:
                await asyncio.sleep(0)
            for _ in range(1000):
                await asyncio.sleep(0)
            assert verified["tokens"] == 5 + 3, "five are refused, and then each of the three waits for its first `quota`"
            released.set()
            answered = [status for each in await asyncio.gather(*working) for status in each]
            assert (len(answered), answered.count(429)) == (30, 25)
    finally:
        service.close()


def test_a_proxy_that_is_trusted(tmp_path: Path) -> None:
    server = LiveServer(tmp_path / "server", env={"FIELDKEEP_UNSIGNED_PER_MINUTE": "20", "FIELDKEEP_FORWARDED_ALLOW_IPS": "127.0.0.1"})
    try:
        with httpx.Client(base_url=server.address, trust_env=False) as client:
            many = [client.get("/v1/nonces?side=victim", headers={"x-forwarded-for": f"192.0.2.{k}"}).status_code for k in range(30)]
            one = together(lambda k: client.get("/v1/nonces?side=victim", headers={"x-forwarded-for": f"2001:db8::{k:x}"}).status_code, 60)
        assert set(many) == {200}
        assert set(one) == {200, 429}, "one network of IPv6 is one address"
    finally:
        server.stop()


def test_addresses() -> None:
    assert address_key("2001:db8::1") == address_key("2001:db8::ffff:1") != address_key("2001:db8:0:1::1")
    assert address_key("::ffff:192.0.2.1") == address_key("192.0.2.1") != address_key("192.0.2.2")
    assert address_key("unix") == address_key("") == b""


def test_a_window_of_many_keys() -> None:
    window = Window(MINUTE_MS, 5)
    for k in range(100_000):
        window.take(k.to_bytes(4, "big"), 1, 1)
    with pytest.raises(Refused):
        window.take(b"one more", 1, 2)
    window.take(bytes(4), 1, 3)
    assert len(window.used) == 100_000
    window.take(b"one more", 1, MINUTE_MS)
    assert len(window.used) == 1


SEED = SigningKey(bytes(range(32)))
HEADS = st.sampled_from(
    [
        {"alg": "EdDSA", "typ": TYP},
        {"typ": TYP, "alg": "EdDSA"},
        {"alg": "none", "typ": TYP},
        {"alg": "EdDSA"},
        {"alg": "EdDSA", "typ": TYP, "b64": False},
    ]
)
CHARACTERS = st.sampled_from("Aa0-_.=+/ \n\u00e9")


@given(HEADS, st.none() | st.tuples(st.integers(0, 400), CHARACTERS), st.sampled_from(["", ".", "=", "A"]))
def test_what_we_take_apart_pyjwt_verifies(head: dict[str, Any], changed: tuple[int, str] | None, more: str) -> None:
    """RFC 7515: whatever token ours finds well formed and rightly signed, a well-kept library finds so too, with the same claims."""
    token = jwt.api_jws.encode(b'{"aud":"a/b"}', SEED.private(), algorithm=ALGORITHM, headers={"typ": TYP}) + more
    if head["alg"] != "EdDSA" or len(head) != 2:
        first = base64.urlsafe_b64encode(json.dumps(head).encode()).rstrip(b"=").decode()
        token = ".".join([first, *token.split(".")[1:]])
    if changed is not None:
        at, character = changed
        token = token[: at % len(token)] + character + token[at % len(token) + 1 :]
    try:
        asked = authenticate.parse(f"{SCHEME} {token}")
        ours = verify_bytes(SEED.public, asked.signature, asked.signed)
    except Refused:
        return
    try:
        theirs = jwt.api_jws.decode_complete(token, SEED.private().public_key(), algorithms=[ALGORITHM])
    except jwt.PyJWTError:
        assert not ours
    else:
        assert ours and json.loads(theirs["payload"]) == asked.claims and theirs["header"] == {"alg": ALGORITHM, "typ": TYP}


def test_a_sound_token_is_sound() -> None:
    """The other half: without a change both take it."""
    token = jwt.api_jws.encode(b'{"aud":"a/b"}', SEED.private(), algorithm=ALGORITHM, headers={"typ": TYP})
    asked = authenticate.parse(f"{SCHEME} {token}")
    assert verify_bytes(SEED.public, asked.signature, asked.signed) and asked.side == "b"
