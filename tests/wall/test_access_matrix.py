"""Who may do what: every route and verb, asked by everybody, about every kind of thing, against one table that a person reads.

A route that has no row here fails. `ok` is a 200; anything else is the error's code. What is told about a thing that is not the asker's is
byte for byte what is told about a thing that is not (W3).
"""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

import jwt
import pytest

from server.app import ROUTES
from server.live import Live
from shared_schema import cbor, ids
from shared_schema.deposit import Deposit, encode_deposit
from shared_schema.parcel import Publication, encode_parcels, encode_publication
from shared_schema.request import ALGORITHM, SCHEME, TYP, claims
from shared_schema.wire import SyncRequest, encode_request
from sync.device import board, files, standing
from tests.wall.twins import Phone, Run
from tests.world import DAY

STANDING = ("member", "coordinator", "colleague", "removed", "victim desk", "victim worker", "supervisor p", "supervisor v", "office p", "office v")
OUT = {
    "suspended": "suspended",
    "revoked": "revoked",
    "expired": "certificate-ended",
    "other service": "request-refused",
    "anonymous": "request-refused",
}
THINGS = ("case", "liaison", "foreign", "victim file", "desk", "registry", "absent")

# route: thing: who gets something else than the first word. The first word is for everybody who is not named.
TABLE: dict[str, dict[str, dict[str, tuple[str, ...]]]] = {
    "POST /v1/sync": {"-": {"ok": ()}},
    "GET /v1/events": {"-": {"ok": ()}},
    "POST /v1/deposit": {"-": {"ok": ()}},
    "GET /v1/checkpoint": {"-": {"ok": ()}},
    "GET /v1/tile/{level}/{n:path}": {"-": {"no-such-route": ()}},
    "GET /v1/tile/entries/{n:path}": {"-": {"no-such-route": ()}},
    "GET /v1/held/{log}": {
        "case": {"no-such-file": (), "ok": ("coordinator",)},
        "liaison": {"no-such-file": (), "ok": ("coordinator",)},
        "foreign": {"no-such-file": ()},
        "victim file": {"no-such-file": (), "ok": ("victim desk",)},
        "desk": {"no-such-file": (), "ok": ("victim desk",)},
        "registry": {"no-such-file": ()},
        "absent": {"no-such-file": ()},
    },
    "GET /v1/purged/{log}": {
        "case": {"no-such-file": (), "ok": ("member", "coordinator")},
        "liaison": {"no-such-file": (), "ok": ("member", "coordinator")},
        "foreign": {"no-such-file": (), "ok": ("colleague",)},
        "victim file": {"no-such-file": (), "ok": ("victim desk",)},
        "desk": {"no-such-file": (), "ok": ("victim desk",)},
        "registry": {"no-such-file": ()},
        "absent": {"no-such-file": ()},
    },
    "GET /v1/parcels/{log}": {
        "case": {"no-such-file": ()},
        "liaison": {"no-such-file": (), "ok": ("member", "coordinator")},
        "foreign": {"no-such-file": ()},
        "victim file": {"no-such-file": ()},
        "desk": {"no-such-file": (), "ok": ("victim desk",)},
        "registry": {"no-such-file": ()},
        "absent": {"no-such-file": ()},
    },
    "GET /v1/intake/{log}": {
        "case": {"no-such-file": ()},
        "liaison": {"no-such-file": (), "ok": ("member", "coordinator")},
        "foreign": {"no-such-file": ()},
        "victim file": {"no-such-file": ()},
        "desk": {"no-such-file": (), "ok": ("victim desk",)},
        "registry": {"no-such-file": ()},
        "absent": {"no-such-file": ()},
    },
    "POST /v1/intake/{log}": {  # with a publication for epoch 9, which no file has reached: whoever may publish hears that
        "case": {"no-such-file": ()},
        "liaison": {"no-such-file": (), "stale-epoch": ("member", "coordinator")},
        "foreign": {"no-such-file": ()},
        "victim file": {"no-such-file": ()},
        "desk": {"no-such-file": (), "stale-epoch": ("victim desk",)},
        "registry": {"no-such-file": ()},
        "absent": {"no-such-file": ()},
    },
    "GET /v1/desk": {
        "-": {"no-such-file": (), "ok": ("member", "coordinator", "colleague", "removed")},  # the perpetrator side has opened no desk of its own
    },
    "GET /v1/address/{address}": {
        "liaison": {"no-such-file": (), "ok": ("victim desk", "victim worker")},
        "desk": {"no-such-file": (), "ok": ("member", "coordinator", "colleague", "removed")},
        "absent": {"no-such-file": ()},
    },
    "POST /v1/parcels": {"-": {"ok": ()}},
    "GET /v1/audit/{side}/logs": {
        "perpetrator": {"no-such-route": (), "ok": ("supervisor p",)},
        "victim": {"no-such-route": (), "ok": ("supervisor v",)},
        "oversight": {"no-such-route": ()},
        "absent": {"no-such-route": ()},
    },
    "GET /v1/audit/{side}/log/{log}": {
        "perpetrator": {"no-such-route": (), "ok": ("supervisor p",)},
        "victim": {"no-such-route": (), "ok": ("supervisor v",)},
        "oversight": {"no-such-route": ()},
    },
    "GET /v1/audit/{side}/events": {
        "perpetrator": {"no-such-route": (), "ok": ("supervisor p",)},
        "victim": {"no-such-route": (), "ok": ("supervisor v",)},
        "oversight": {"no-such-route": ()},
    },
}
UNSIGNED = {"GET /healthz", "GET /readyz", "GET /v1/nonces", "GET /v1/service", "POST /v1/service", "POST /v1/enrol"}
EVERY_STANDING = {"POST /v1/deposit"}  # which takes the signed request of whoever was certified


@dataclass
class Town:
    run: Run
    people: dict[str, Phone]
    logs: dict[str, bytes]
    addresses: dict[str, bytes]

    def ask(self, who: str, method: str, path: str, body: bytes) -> tuple[str, bytes]:
        """The verdict, and the answer's bytes."""
        headers = {} if who == "anonymous" else {"authorization": self.token(who, method, path, body)}
        answer = self.run.client.request(method, path, content=body or None, headers=headers)
        return self.verdict(answer.status_code, answer.content)

    @staticmethod
    def verdict(status: int, content: bytes) -> tuple[str, bytes]:
        return ("ok" if status == 200 else str(cbor.decode(content)["code"])), content

    def token(self, who: str, method: str, path: str, body: bytes) -> str:
        phone = self.people["member" if who == "other service" else who]
        me = phone.session.identity
        svc = b"another service " if who == "other service" else me.svc
        nonce = cbor.decode(self.run.client.get(f"/v1/nonces?side={me.side}").content)["nonces"][0]
        said = claims(device=me.device, svc=svc, side=me.side, method=method, path=path, body=body, nonce=nonce)
        return f"{SCHEME} {jwt.encode(said, phone.session.sign_key.private(), algorithm=ALGORITHM, headers={'typ': TYP})}"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    async def once(*_: object) -> AsyncIterator[bytes]:
        yield b"event: hello\ndata: {}\n\n"  # a stream that ends: whether there is one is the question here

    with Run(tmp_path_factory.mktemp("matrix")) as run:
        run.patch(Live, "stream", once)
        yield settle(run)


def settle(run: Run) -> Town:
    """Everybody, in every standing; files of every kind on both sides."""
    enrolled = {
        "member": ("perpetrator", "navigator"), "coordinator": ("perpetrator", "coordinator"), "colleague": ("perpetrator", "navigator"),
        "removed": ("perpetrator", "navigator"), "suspended": ("perpetrator", "navigator"), "revoked": ("perpetrator", "navigator"),
        "victim desk": ("victim", "coordinator"), "victim worker": ("victim", "link_worker"),
        "supervisor p": ("oversight", "supervisor_perpetrator"), "supervisor v": ("oversight", "supervisor_victim"),
    }  # fmt: skip
    people = {name: run.enrol(side, name, role) for name, (side, role) in enrolled.items()}  # type: ignore[arg-type]
    people |= {"office p": run.admins["perpetrator"], "office v": run.admins["victim"]}
    for phone in people.values():
        phone.sync()
    sam, ruth, jo = people["member"], people["coordinator"], people["victim desk"]
    with_them = {
        people[name].session.identity.user: role
        for name, role in (("coordinator", "coordinator"), ("removed", "navigator"), ("suspended", "navigator"), ("revoked", "navigator"))
    }
    logs = {kind: files.create_file(sam.session, kind, with_them) for kind in ("case", "liaison")}
    logs["foreign"] = files.create_file(people["colleague"].session, "case")
    logs["victim file"] = files.create_file(jo.session, "case")
    logs["desk"] = files.create_file(jo.session, "intake")
    logs["registry"] = sam.session.registry.log
    logs["absent"] = b"no such file yet"
    for phone in (sam, ruth, people["colleague"], jo):
        phone.sync()
    run.open_desk(jo, logs["desk"])
    for log in (logs["case"], logs["liaison"]):
        files.remove_member(ruth.session, log, people["removed"].session.identity.user)
        ruth.sync()
    standing.suspend(ruth.session, people["suspended"].session.identity.device, "lost")
    ruth.sync()
    office = run.admins["perpetrator"]
    office.sync()
    standing.revoke(office.session, people["revoked"].session.identity.device, "lost")
    office.sync()
    people["expired"] = run.enrol("perpetrator", "expired", "navigator", until_ms=run.now_ms + DAY)
    run.now_ms += 2 * DAY
    for phone in (ruth, sam, jo):
        phone.sync()
    addresses = {
        "liaison": board.file_keys(sam.session, logs["liaison"])[0].address,
        "desk": board.file_keys(jo.session, logs["desk"])[0].address,
        "absent": bytes(16),
    }
    return Town(run, people, logs, addresses)


def asked(town: Town, route: str, thing: str) -> tuple[str, bytes]:
    """The path and body with which a route is asked about a thing."""
    path = route.partition(" ")[2]
    log = ids.show(town.logs.get(thing, town.logs["case"]))
    path = path.replace("{log}", log).replace("{level}", "9").replace("{n:path}", "x001/999")
    path = path.replace("{address}", ids.show(town.addresses.get(thing, bytes(16)))).replace("{side}", thing)
    path += {"/v1/held": "?after=0", "/v1/parcels/": "?after=0"}.get(path.rpartition("/")[0] + ("/" if "/parcels/" in path else ""), "")
    if "/audit/" in path:
        path = path.replace(log, ids.show(ids.registry_log(town.run.made.svc, thing))) + (
            "?after=0" if "/log/" in path else "?from=0" if path.endswith("events") else ""
        )
    bodies: dict[str, Callable[[], bytes]] = {
        "POST /v1/sync": lambda: encode_request(SyncRequest()),
        "POST /v1/deposit": lambda: encode_deposit(Deposit((), 0)),
        "POST /v1/parcels": lambda: encode_parcels([]),
        "POST /v1/intake/{log}": lambda: encode_publication(Publication(9, bytes(32), None, ())),
    }
    return path, bodies.get(route, lambda: b"")()


def signed_routes() -> list[str]:
    return sorted(f"{method} {route.path}" for route in ROUTES for method in (route.methods or set()) - {"HEAD"})


def test_every_route_has_a_row() -> None:
    assert set(signed_routes()) == TABLE.keys() | UNSIGNED


def test_every_cell(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever asks, whatever about: the verdict is the table's."""
    wrong, cells = [], 0
    answers: dict[tuple[str, str], set[bytes]] = {}
    for route, things in TABLE.items():
        method = route.partition(" ")[0]
        for thing, row in things.items():
            path, body = asked(town, route, thing)
            usual = next(iter(row))
            named = {who: verdict for verdict, people in row.items() for who in people}
            for who in (*STANDING, *OUT):
                wanted = OUT.get(who) or named.get(who, usual)
                if route in EVERY_STANDING and who in ("suspended", "revoked", "expired"):
                    wanted = "ok"
                got, content = town.ask(who, method, path, body)
                cells += 1
                if got != wanted:
                    wrong.append(f"{route} about {thing} by {who}: {got}, want {wanted}")
                if got == "no-such-file":
                    answers.setdefault((route, "no-such-file"), set()).add(content)
    with capsys.disabled():
        print(f"\naccess matrix: {cells} cells, {len(TABLE)} signed routes, {len(wrong)} deviations")
    assert wrong == []
    assert all(len(said) == 1 for said in answers.values()), "absent and foreign are told apart"


def test_a_device_speaks_to_its_own_side_only(town: Town) -> None:
    """A rightly signed request that names another side is refused there, whatever it asks for."""
    for route in TABLE:
        path, body = asked(town, route, next(iter(TABLE[route])))
        phone = town.people["member"]
        me, method = phone.session.identity, route.partition(" ")[0]
        nonce = cbor.decode(town.run.client.get("/v1/nonces?side=victim").content)["nonces"][0]
        said = claims(device=me.device, svc=me.svc, side="victim", method=method, path=path, body=body, nonce=nonce)
        token = jwt.encode(said, phone.session.sign_key.private(), algorithm=ALGORITHM, headers={"typ": TYP})
        answer = town.run.client.request(method, path, content=body or None, headers={"authorization": f"{SCHEME} {token}"})
        assert cbor.decode(answer.content)["code"] == "request-refused", route


def test_a_row_that_is_wrong_is_found(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """The defect is planted in the server: everybody may see who waits to be let in."""
    monkeypatch.setattr("server.readers.Readers.may_decide", lambda *_: True)
    path, body = asked(town, "GET /v1/held/{log}", "case")
    assert town.ask("colleague", "GET", path, body)[0] == "ok"
