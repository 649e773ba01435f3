"""Reads matrix.txt, and asks what it is about: each row of it of each thing, by everybody."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from server.app import ROUTES
from shared_schema import cbor, ids
from shared_schema.chunk import Claim, encode_claims
from shared_schema.deposit import Deposit, decode_deposited, encode_deposit
from shared_schema.entry import Head
from shared_schema.ids import SIDES
from shared_schema.parcel import Parcel, Publication, encode_parcels, encode_publication, week_of
from shared_schema.receipt import HEAD, head_payload
from shared_schema.restoring import Healing, encode_healing
from shared_schema.roles import FILES as KINDS
from shared_schema.wire import Answer, SyncRequest, answer_map, decode_response, encode_request
from tests.wall.cast import FILES, Cast
from tests.wall.wishes import OF_FILES, OF_REGISTRIES, Wisher, begin

TEXT: Final = Path(__file__).with_name("matrix.txt")
LETTERS: Final = {
    "accepted": "+", "held": "h", "no-such-file": ".", "no-standing": "n", "not-permitted": "p", "stale-statement": "s", "stale-epoch": "e",
    "rotate-first": "r", "erased": "x", "not-approved": "a", "malformed": "m", "wall": "w", "no-such-route": "/",
}  # fmt: skip
SERVED: Final = "served"
# The routes that are asked about a thing, by the names of their rows: how each is asked.
ABOUT: Final[dict[str, tuple[str, str]]] = {
    "GET held": ("GET /v1/held/{log}", "?after=0"),
    "GET purged": ("GET /v1/purged/{log}", "?after=0"),
    "GET parcels": ("GET /v1/parcels/{log}", "?after=0"),
    "GET intake": ("GET /v1/intake/{log}", ""),
    "POST intake": ("POST /v1/intake/{log}", ""),
    "GET address": ("GET /v1/address/{address}", ""),
    "POST parcels": ("POST /v1/parcels", ""),
    "POST chunks": ("POST /v1/chunks/{log}", ""),
    "PUT chunk": ("PUT /v1/chunk/{log}/{id}", ""),
    "GET chunk": ("GET /v1/chunk/{log}/{id}", ""),
    "GET heal": ("GET /v1/heal/{log}", "?below=0"),
    "POST heal": ("POST /v1/heal/{log}", ""),
    "GET restored registry": ("GET /v1/restored/registry", "?after=0"),
    "GET events": ("GET /v1/events", ""),
    "GET checkpoint": ("GET /v1/checkpoint", ""),
    "GET desk": ("GET /v1/desk", ""),
    "GET tile": ("GET /v1/tile/{level}/{n:path}", ""),
    "GET entries": ("GET /v1/tile/entries/{n:path}", ""),
    "GET logs": ("GET /v1/audit/{side}/logs", ""),
    "GET log": ("GET /v1/audit/{side}/log/{log}", "?after=0"),
    "GET audit events": ("GET /v1/audit/{side}/events", "?from=0"),
    "GET devices": ("GET /v1/audit/{side}/devices", ""),
}
PUSHING: Final = {"POST /v1/sync", "POST /v1/deposit"}
UNSIGNED: Final = {
    "GET /healthz",
    "GET /readyz",
    "GET /v1/nonces",
    "GET /v1/service",
    "POST /v1/service",
    "POST /v1/enrol",
    "GET /v1/restored",
    "POST /v1/restored",
}
OF_LOGS: Final = (
    *("GET held", "GET purged", "GET parcels", "GET intake", "POST intake", "POST chunks", "PUT chunk", "GET chunk"),
    *("GET heal", "POST heal"),
)
OF_ADDRESSES: Final = ("GET address", "POST parcels")
OF_AUDITS: Final = ("GET logs", "GET log", "GET audit events", "GET devices")
OF_SERVICE: Final = ("GET events", "GET checkpoint", "GET desk", "GET tile", "GET entries", "GET restored registry")
NEW_FILE: Final = "a new file"
NEW_CHUNK: Final = b"a chunk that nobody has brought." * 1024


@dataclass(slots=True)
class Table:
    """`rows` by thing and row: a letter for each person who has a column there. Whoever has none is told what is told of `absent`."""

    rows: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)

    def wanted(self, who: str, thing: str, row: str) -> str:
        """The verdict. Raises KeyError where nobody wrote one down."""
        cells = self.rows.get((thing, row), {})
        return cells[who] if who in cells else self.rows["absent", row]["everybody"]


def read_table(text: str) -> Table:
    """The table in matrix.txt: sections with their columns, things, and rows of one letter a column."""
    table, columns, thing, label = Table(), [], "", ""
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("["):
            columns = line.partition("]")[2].split()
        elif not line.startswith(" "):
            thing = line.strip()
        elif line.rstrip().endswith(","):
            label += line.strip() + " "
        else:
            words = line.split()
            cells, names = words[-len(columns) :], (label + " ".join(words[: -len(columns)])).split(", ")
            assert all(len(cell) == 1 for cell in cells), f"line {number}: want {len(columns)} letters"
            for name in names:
                row = table.rows.setdefault((thing, name), {})
                assert row.keys().isdisjoint(columns), f"line {number}: {name} of {thing} stands twice"
                row |= zip(columns, cells, strict=True)
            label = ""
    return table


@dataclass(slots=True)
class Seen:
    """One cell as it is: the letter, the answer's bytes without what every answer has of its own, and how it was asked."""

    who: str
    thing: str
    row: str
    letter: str
    said: bytes
    how: str = "asked"


def letter_of(answer: httpx.Response) -> str:
    """A response's verdict."""
    if answer.status_code == 200:
        return "+"
    code = str(cbor.decode(answer.content)["code"])
    return LETTERS.get(code, code)


def _of_answer(who: str, thing: str, row: str, answer: Answer, how: str) -> Seen:
    said = {name: value for name, value in answer_map(answer).items() if name not in ("id", "signed")}
    return Seen(who, thing, row, LETTERS.get(answer.code, answer.code), cbor.encode(said), how)


def wished(cast: Cast, who: str) -> Iterator[list[tuple[str, str, Any]]]:
    """What somebody pushes, in requests of (thing, row, pair), one entry a log."""
    for row, make in OF_FILES.items():
        yield [(thing, row, make(Wisher(cast, who, thing))) for thing in cast.logs]
    registries = [thing for thing in cast.logs if thing.startswith("registry")]
    for row, make in OF_REGISTRIES.items():
        yield [(thing, row, make(Wisher(cast, who, thing))) for thing in (*registries, "case", "absent")]
    yield [(NEW_FILE, kind, begin(Wisher(cast, who, "absent"), kind)) for kind in KINDS]


def push(cast: Cast, who: str, wishes: list[tuple[str, str, Any]]) -> Iterator[Seen]:
    """Pushed in a sync; refused as a whole for whoever is out."""
    answer = cast.ask(who, "POST", "/v1/sync", encode_request(SyncRequest(push=tuple(pair for _, _, pair in wishes))))
    for (thing, row, _), said in zip(wishes, decode_response(answer.content).answers, strict=True):
        yield _of_answer(who, thing, row, said, "pushed")


def hand_in(cast: Cast, who: str, wishes: list[tuple[str, str, Any]]) -> Iterator[Seen]:
    """The same, handed in."""
    answer = cast.ask(who, "POST", "/v1/deposit", encode_deposit(Deposit(tuple(pair for _, _, pair in wishes), 10**9)))
    for (thing, row, _), said in zip(wishes, decode_deposited(answer.content).answers, strict=True):
        yield _of_answer(who, thing, row, said, "handed in")


def served(cast: Cast, who: str) -> Iterator[Seen]:
    """A sync without cursors: `+` for a log that comes to its end, `u` for one that comes up to a place before, `.` for one that does not come."""
    first = decode_response(cast.ask(who, "POST", "/v1/sync", encode_request(SyncRequest())).content)
    come = {page.log: len(page.entries) for page in first.pages}
    assert not first.more
    for thing, log in cast.logs.items():
        heads = [cast.realm(side).readers.heads[log].seq for side in SIDES if log in cast.realm(side).readers.heads]
        letter = "." if log not in come else "+" if come[log] == heads[0] else "u"
        yield Seen(who, thing, SERVED, letter, b"")


def ask_about(cast: Cast, who: str) -> Iterator[Seen]:
    """Every other route, about every thing."""
    addresses = cast.addresses()
    for thing, log in cast.logs.items():
        for row in OF_LOGS:
            chunk = cast.chunks[thing] if row == "GET chunk" else ids.sha256(NEW_CHUNK)
            yield _asked(cast, who, thing, row, {"{log}": ids.show(log), "{id}": chunk.hex()})
    for thing, address in addresses.items():
        yield _asked(cast, who, f"address of {thing}", "GET address", {"{address}": ids.show(address)})
        yield _posted(cast, who, f"address of {thing}", address)
    for row in OF_SERVICE:
        yield _asked(cast, who, "the service", row, {"{level}": "9", "{n:path}": "x001/999"})
    for side in (*SIDES, "nowhere"):
        for row in OF_AUDITS:
            yield _asked(
                cast, who, f"audit of {side}", row, {"{side}": side, "{log}": ids.show(cast.logs.get(f"registry of the {side} side", bytes(16)))}
            )
    for thing in FILES:
        side = cast.side(FILES[thing][0])
        yield _asked(cast, who, f"audit of {side}", "GET log", {"{side}": side, "{log}": ids.show(cast.logs[thing])})


def _asked(cast: Cast, who: str, thing: str, row: str, names: dict[str, str]) -> Seen:
    route, query = ABOUT[row]
    method, _, path = route.partition(" ")
    for name, value in names.items():
        path = path.replace(name, value)
    bodies: dict[str, Callable[[], bytes]] = {
        "POST intake": lambda: encode_publication(Publication(9, bytes(32), None, ())),  # no file has reached it
        "POST chunks": lambda: encode_claims([Claim(bytes(32), (bytes(32),))]),
        "PUT chunk": lambda: NEW_CHUNK,
        "POST heal": lambda: _nothing_missing(cast, who, names["{log}"]),
    }
    answer = cast.ask(who, method, path + query, bodies.get(row, lambda: b"")())
    return Seen(who, thing, row, letter_of(answer), b"" if answer.status_code == 200 else answer.content)


def _nothing_missing(cast: Cast, who: str, name: str) -> bytes:
    """The asker's own server has signed a head of this log, and nothing is missing before it."""
    realm, log = cast.realm(cast.people[who].side if who in cast.people else "perpetrator"), ids.parse(name)
    head = realm.readers.heads.get(log) or Head(realm.incarnation, 0, ids.chain_start(log))
    return encode_healing(Healing(head.seq, (), realm.sign(HEAD, head_payload(log, head)), ()))


def _posted(cast: Cast, who: str, thing: str, address: bytes) -> Seen:
    """A parcel, as right as anybody can make it who has no key to sign with."""
    side = cast.people[who].side if who in cast.people else "perpetrator"
    root = cast.realm(side).known().root_id
    parcel = Parcel(address, week_of(cast.run.now_ms), bytes(15) + bytes([len(thing)]), False, root, bytes(1120 + 16_384 + 16))
    answer = cast.ask(who, "POST", "/v1/parcels", encode_parcels([parcel]))
    if answer.status_code != 200:
        return Seen(who, thing, "POST parcels", letter_of(answer), answer.content)
    [said] = cbor.decode(answer.content)["answers"]
    return Seen(
        who, thing, "POST parcels", LETTERS.get(said["code"], said["code"]), cbor.encode([said.get("code"), said.get("message"), said.get("retry")])
    )


def signed_routes() -> set[str]:
    """The routes of the table, without HEAD, which a GET brings with it."""
    return {f"{method} {route.path}" for route in ROUTES for method in (route.methods or set()) - {"HEAD"}}
