"""The service over HTTP: who is let in, what bad input gets, limits, events, TLS, a second process on the same data."""

import base64
import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
import sqlcipher3.dbapi2 as sqlite

from shared_schema import cbor, ids, limits
from shared_schema.errors import Refused, catalogue
from shared_schema.request import ALGORITHM, NONCE_HEADER, SCHEME, TYP, claims
from shared_schema.wire import SyncRequest, decode_response, encode_request
from sync.change import Op
from sync.device.exchanging import syncing
from sync.device.exchanging.outbox import seal_pending
from sync.device.exchanging.transport import HttpTransport, check_address
from sync.device.people import standing
from sync.device.session import Session
from sync.signing import SigningKey
from tests import database
from tests.live import Live, LiveServer, now_ms

EMPTY = encode_request(SyncRequest())


@pytest.fixture
def sam(live: Live) -> Session:
    return live.enrol("Sam", ("navigator",))


@pytest.fixture
def client(live: Live) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=live.server.address, trust_env=False) as opened:
        yield opened


def nonce(client: httpx.Client, side: str = "perpetrator") -> str:
    return str(cbor.decode(client.get(f"/v1/nonces?side={side}").content)["nonces"][0])


def token(session: Session, client: httpx.Client, body: bytes = EMPTY, headers: dict[str, Any] | None = None, key: Any = None, **changes: Any) -> str:
    me = session.identity
    made: dict[str, Any] = claims(device=me.device, svc=me.svc, side=me.side, method="POST", path="/v1/sync", body=body, nonce=nonce(client, me.side))
    made = {name: value for name, value in (made | changes).items() if value is not None}
    return jwt.encode(made, key or session.sign_key.private(), algorithm=ALGORITHM, headers={"typ": TYP, **(headers or {})})


def post(client: httpx.Client, authorization: str | None, body: bytes = EMPTY, path: str = "/v1/sync") -> tuple[int, str]:
    answer = client.post(path, content=body, headers={"authorization": authorization} if authorization else {})
    if answer.status_code == 200:
        return 200, ""
    return answer.status_code, cbor.decode(answer.content)["code"]


class TestSignedRequests:
    """One JWT per request, bound to device, side, method, path, body and a server nonce used once."""

    def test_a_good_one(self, sam: Session, client: httpx.Client) -> None:
        assert post(client, f"{SCHEME} {token(sam, client)}") == (200, "")

    def test_a_replay(self, sam: Session, client: httpx.Client) -> None:
        header = f"{SCHEME} {token(sam, client)}"
        assert post(client, header)[0] == 200
        answer = client.post("/v1/sync", content=EMPTY, headers={"authorization": header})
        assert cbor.decode(answer.content)["code"] == "nonce-spent"
        assert answer.headers[NONCE_HEADER], "the answer carries a fresh one"

    @pytest.mark.parametrize(
        "changes",
        [
            {"htm": "GET"}, {"htu": "/v1/events"}, {"htu": "/v1/sync?x=1"}, {"bh": "A" * 43}, {"aud": "x/perpetrator"}, {"iss": ids.show(bytes(16))},
            {"iss": "not a uuid"}, {"iat": 1}, {"nonce": 7}, {"nonce": None}, {"bh": None}, {"aud": None}, {"iss": None}, {"htm": None}, {"htu": None},
        ],
    )  # fmt: skip
    def test_another_claim_or_none(self, sam: Session, client: httpx.Client, changes: dict[str, Any]) -> None:
        assert post(client, f"{SCHEME} {token(sam, client, **changes)}") == (401, "request-refused")

    def test_another_side(self, sam: Session, client: httpx.Client) -> None:
        """A device of one side asks for the other's realm: the same answer as for a device that does not exist."""
        svc = ids.show(sam.identity.svc)
        for side in ("victim", "oversight", "nowhere", ""):
            assert post(client, f"{SCHEME} {token(sam, client, aud=f'{svc}/{side}')}") == (401, "request-refused")

    def test_another_body(self, sam: Session, client: httpx.Client) -> None:
        assert post(client, f"{SCHEME} {token(sam, client)}", EMPTY + b"\0") == (401, "request-refused")

    def test_another_key(self, sam: Session, client: httpx.Client) -> None:
        stranger = SigningKey(secrets.token_bytes(32)).private()
        assert post(client, f"{SCHEME} {token(sam, client, key=stranger)}") == (401, "request-refused")

    def test_another_type_or_algorithm(self, sam: Session, client: httpx.Client) -> None:
        for headers in ({"typ": "JWT"}, {"kid": "one"}, {"crit": ["b64"], "b64": True}):
            assert post(client, f"{SCHEME} {token(sam, client, headers=headers)}") == (401, "request-refused")
        body = token(sam, client).split(".")
        none = base64.urlsafe_b64encode(json.dumps({"typ": TYP, "alg": "none"}).encode()).rstrip(b"=").decode()
        assert post(client, f"{SCHEME} {none}.{body[1]}.") == (401, "request-refused")
        symmetric = jwt.encode(
            jwt.decode(".".join(body), options={"verify_signature": False}), sam.sign_key.public, algorithm="HS256", headers={"typ": TYP}
        )
        assert post(client, f"{SCHEME} {symmetric}") == (401, "request-refused")

    @pytest.mark.parametrize("header", [None, "", "Bearer x", "Fieldkeep", "Fieldkeep x", "Fieldkeep a.b.c", "Fieldkeep " + "a" * 5000])
    def test_no_token_at_all(self, client: httpx.Client, live: Live, header: str | None) -> None:
        assert live.server.address
        assert post(client, header) == (401, "request-refused")

    @pytest.mark.parametrize("bad", ["", "AAAA", "x" * 48, "A" * 48])
    def test_a_forged_nonce(self, sam: Session, client: httpx.Client, bad: str) -> None:
        assert post(client, f"{SCHEME} {token(sam, client, nonce=bad)}") == (401, "nonce-spent")

    def test_a_nonce_of_another_side_or_from_before_a_restart(self, sam: Session, client: httpx.Client, live: Live) -> None:
        assert post(client, f"{SCHEME} {token(sam, client, nonce=nonce(client, 'victim'))}") == (401, "nonce-spent")
        header = f"{SCHEME} {token(sam, client)}"
        live.server.stop()
        live.server.start()
        if database.is_postgresql():  # whose other processes may have given it
            assert post(client, header)[0] == 200
        assert post(client, header) == (401, "nonce-spent")

    def test_the_client_tries_again_by_itself(self, sam: Session, live: Live) -> None:
        live.server.stop()
        live.server.start()
        assert syncing.sync(sam, live.transport).rounds == 1


class TestBadInput:
    """A typed error: code, one sentence, retry rule. Never a stack trace; nothing half applied."""

    @pytest.mark.parametrize("body", [b"", b"\0", b"\xa0", b"\xff" * 100, b"{}", EMPTY[:-1], EMPTY + b"\0", cbor.encode({"v": 2})])
    def test_malformed_bodies(self, sam: Session, client: httpx.Client, body: bytes) -> None:
        assert post(client, f"{SCHEME} {token(sam, client, body)}", body) == (400, "malformed")

    def test_a_body_beyond_the_limit(self, sam: Session, client: httpx.Client) -> None:
        body = bytes(limits.REQUEST_BYTES + 1)
        assert post(client, f"{SCHEME} {token(sam, client, body)}", body) == (413, "too-large")

        def chunks() -> Iterator[bytes]:
            for _ in range(limits.REQUEST_BYTES // 65536 + 1):
                yield bytes(65536)

        for path in ("/v1/enrol?side=victim", "/v1/service", "/v1/sync"):
            answer = client.post(path, content=chunks())
            assert (answer.status_code, cbor.decode(answer.content)["code"]) in ((413, "too-large"), (401, "request-refused"))
        small = bytes(limits.UNSIGNED_BYTES)
        assert cbor.decode(client.post("/v1/service", content=small).content)["code"] == "malformed"
        assert cbor.decode(client.post("/v1/service", content=small + b"0").content)["code"] == "too-large"

    @pytest.mark.parametrize(
        ("method", "path", "want"),
        [("GET", "/v1/sync", (405, "no-such-method")), ("GET", "/nowhere", (404, "no-such-route")), ("DELETE", "/v1/enrol", (405, "no-such-method"))],
    )
    def test_addresses(self, client: httpx.Client, method: str, path: str, want: tuple[int, str]) -> None:
        answer = client.request(method, path)
        assert (answer.status_code, cbor.decode(answer.content)["code"]) == want

    @pytest.mark.parametrize(
        ("side", "body"), [("victim", b""), ("victim", b"\xa0"), ("perpetrator", cbor.encode({"entry": [b"", []]})), ("elsewhere", b""), ("", b"")]
    )
    def test_enrolment(self, client: httpx.Client, side: str, body: bytes) -> None:
        answer = client.post(f"/v1/enrol?side={side}", content=body)
        assert set(cbor.decode(answer.content)) == {"code", "message", "retry"}
        assert (answer.status_code, cbor.decode(answer.content)["code"]) == (400, "malformed")

    @pytest.mark.parametrize("query", ["", "?side=elsewhere", "?side=victim&count=0", "?side=victim&count=17", "?side=victim&count=-1"])
    def test_nonces(self, client: httpx.Client, query: str) -> None:
        answer = client.get(f"/v1/nonces{query}")
        assert (answer.status_code, cbor.decode(answer.content)["code"]) == (400, "malformed")

    def test_a_push_without_a_part(self, sam: Session, client: httpx.Client, live: Live) -> None:
        log = live.case(sam)
        sam.write(log, None, "task", [Op("what", "set", "ring", ())])
        seal_pending(sam)
        [item] = sam.store.outbox_items([one.n for one in sam.store.waiting()])
        body = encode_request(SyncRequest(push=([item.cose, [None]],)))
        answer = client.post("/v1/sync", content=body, headers={"authorization": f"{SCHEME} {token(sam, client, body)}"})
        assert [one.code for one in decode_response(answer.content).answers] == ["malformed"]

    def test_a_service_is_created_once(self, live: Live, client: httpx.Client) -> None:
        assert cbor.decode(client.get("/v1/service").content)["code"] == "service-exists"
        again = live.transport.create_service(live.made.body)
        assert again["receipts"], "the very same again gives the receipts again"
        other = cbor.decode(live.made.body)
        with pytest.raises(Refused) as caught:
            live.transport.create_service(cbor.encode({**other, "setup": "guess"}))
        assert caught.value.code == "setup-refused"
        with pytest.raises(Refused) as caught:
            live.transport.create_service(cbor.encode({**other, "svc": bytes(16)}))
        assert caught.value.code == "service-exists"

    def test_errors_hold_nothing_of_the_request(self, sam: Session, client: httpx.Client) -> None:
        word = b"canary" + secrets.token_hex(8).encode()
        body = cbor.encode({"v": 1, word.decode(): word})
        answer = client.post("/v1/sync", content=body, headers={"authorization": f"{SCHEME} {token(sam, client, body)}"})
        assert answer.status_code == 400
        assert word not in answer.content


class TestAudienceOfAudit:
    """Supervisors see one side's logs without content; everybody else gets the answer of an address that does not exist."""

    def get(self, live: Live, session: Session, path: str) -> str:
        try:
            live.transport.signed(session, "GET", path)
        except Refused as error:
            return error.code
        return ""

    def test_who_may(self, live: Live, sam: Session) -> None:
        sue = live.enrol("Sue", ("supervisor_victim",), "oversight")
        for path in ("/v1/audit/{}/logs", "/v1/audit/{}/events", "/v1/audit/{}/log/" + ids.show(bytes(16))):
            assert self.get(live, sam, path.format("perpetrator")) == "no-such-route"
            assert self.get(live, live.admins["oversight"], path.format("victim")) == "no-such-route"
            assert self.get(live, sue, path.format("perpetrator")) == "no-such-route"
            assert self.get(live, sue, path.format("oversight")) == "no-such-route"
            assert self.get(live, sue, path.format("victim")) in ("", "no-such-file")

    def test_checkpoint_and_tiles_of_ones_own_side(self, live: Live, sam: Session) -> None:
        from shared_schema.checkpoint import decode_checkpoint
        from sync import merkle

        checkpoint = decode_checkpoint(live.transport.signed(sam, "GET", "/v1/checkpoint").decode())
        assert 0 < checkpoint.size < 256
        tile = live.transport.signed(sam, "GET", f"/v1/tile/0/000.p/{checkpoint.size}")
        leaves = [tile[i : i + 32] for i in range(0, len(tile), 32)]
        assert merkle.root_of(leaves) == checkpoint.root
        bundle = live.transport.signed(sam, "GET", f"/v1/tile/entries/000.p/{checkpoint.size}")
        data = [bundle[i : i + 34] for i in range(0, len(bundle), 34)]
        assert {one[:2] for one in data} == {b"\x00\x20"}
        assert [merkle.leaf_hash(one[2:]) for one in data] == leaves
        for path in (
            "0/000",
            "3/000",
            "0/001",
            "0/000.p/0",
            "0/000.p/256",
            "0/000.p/255",
            "0/0",
            "0/x000/000",
            "8/000",
            "00/000",
            "0/" + "x001/" * 90 + "1",
        ):
            assert self.get(live, sam, f"/v1/tile/{path}") == "no-such-route", path
        assert self.get(live, sam, "/v1/tile/entries/000") == "no-such-route"


def test_quota(tmp_path: Path) -> None:
    """One more may pass whenever twelve seconds went by: what is said is that some are refused, each with `quota`, and not which."""
    server = LiveServer(tmp_path / "server", env={"FIELDKEEP_UNSIGNED_PER_MINUTE": "5"})

    def refused(method: str, path: str, content: bytes = b"") -> set[str]:
        answers = [httpx.request(method, server.address + path, content=content or None, trust_env=False) for _ in range(8)]
        return {cbor.decode(answer.content)["code"] for answer in answers if answer.status_code == 429}

    try:
        assert refused("GET", "/v1/nonces?side=victim") == {"quota"}
        assert httpx.get(f"{server.address}/v1/nonces?side=perpetrator", trust_env=False).status_code == 200, "each side counts for itself"
        assert refused("POST", "/v1/enrol?side=victim", bytes(10**6)) == {"quota"}
        assert refused("POST", "/v1/service") == {"quota"}
    finally:
        server.stop()


def test_a_second_process_on_the_same_data_is_refused(live: Live) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "fieldkeep", "serve", "--data", str(live.server.data), "--port", "0"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == 1
    assert "another fieldkeep serve uses the data" in ran.stderr


def test_health(live: Live, client: httpx.Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready"}, "and nothing of what it is made of"
    assert sqlite.sqlite_version_info >= (3, 51, 3), "the WAL-reset fix"
    assert client.get("/metrics").status_code == 404, "metrics have a port of their own"
    assert live.server.address


def test_dev_tls(tmp_path: Path) -> None:
    """The server makes its own certificate; a device that trusts it enrols, one that does not is refused."""
    server = LiveServer(tmp_path / "server", env={"FIELDKEEP_DEV_TLS": "true"})
    try:
        assert server.address.startswith("https://")
        trusting = Path(server.found["ca"]).read_text(encoding="ascii")
        with HttpTransport(server.address, trusting) as transport:
            assert set(transport.service_keys()["sides"]) == {"perpetrator", "victim", "oversight"}
        with HttpTransport(server.address) as transport, pytest.raises(Refused) as caught:
            transport.service_keys()
        assert caught.value.code == "offline"
    finally:
        server.stop()


def test_addresses_that_a_device_accepts() -> None:
    for good in ("https://fieldkeep.example", "http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1"):
        check_address(good)
    for bad in ("http://fieldkeep.example", "ftp://127.0.0.1", "fieldkeep.example", "http://10.0.0.1", "https://"):
        with pytest.raises(Refused):
            check_address(bad)


def test_events_hint_and_end_on_revocation(live: Live, sam: Session) -> None:
    """A hint comes when something is new, says nothing else, and the stream of a revoked device ends."""
    priya = live.enrol("Priya", ("navigator",))
    log = live.case(priya, (sam, "navigator"))
    with HttpTransport(live.server.address) as transport, transport.events(sam) as names:
        assert next(names) == "hello"
        priya.write(log, None, "task", [Op("what", "set", "ring", ())])
        syncing.sync(priya, live.transport)
        assert next(names) == "pull"
        admin = live.admins["perpetrator"]
        standing.revoke(admin, sam.identity.device, "lost")
        syncing.sync(admin, live.transport)
        assert list(names) == []
    with HttpTransport(live.server.address) as transport, pytest.raises(Refused) as caught, transport.events(sam):
        pass
    assert caught.value.code == "revoked"


def test_nobody_else_is_hinted_at(live: Live, sam: Session) -> None:
    """Activity on the other side, or in a file that is not one's own, sends nothing."""
    dana, olu = live.enrol("Dana", ("link_worker",), "victim"), live.enrol("Olu", ("navigator",))
    with HttpTransport(live.server.address) as transport, transport.events(sam) as names:
        assert next(names) == "hello"
        live.case(dana)
        live.case(olu)
        mine = live.case(sam)
        assert next(names) == "pull"
        assert mine
    assert now_ms()


def test_every_code_has_a_status_that_clients_can_use() -> None:
    for code, row in catalogue().items():
        assert row["http"] is None or 400 <= row["http"] <= 503, code
        assert row["retry"] in ("never", "after-pull", "after-reseal", "after-predecessor", "rotate-first", "after-time")


def test_the_servers_log_says_only_what_is_on_the_list(live: Live, sam: Session) -> None:
    syncing.sync(sam, live.transport)
    live.server.stop()
    lines = [json.loads(line) for line in (live.server.data / "perpetrator.log").read_text().splitlines()]
    assert lines
    from server.logs import ALLOWED

    assert {name for line in lines for name in line} <= ALLOWED
    text = (live.server.data / "perpetrator.log").read_text()
    for secret in (sam.identity.device, sam.identity.user, sam.registry.log):
        assert ids.show(secret) not in text
        assert secret.hex() not in text
