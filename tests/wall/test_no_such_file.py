"""W3 beyond the bytes: what is done for a thing that is not the asker's is what is done for one that is not.

The same SQL statements in the same order, as many signatures made and checked, as many MACs. How long it takes is measured by `python -m bench.apart`.
"""

import hmac
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest
from sqlalchemy import Engine, event

from server import chunk_routes, parcel_store
from server.append import file_rules
from server.crossing import Carrier, Crossing
from server.hearing import Hearing
from server.nonces import SharedNonces
from server.realm.writing import Writing
from server.store import read
from shared_schema import cbor, ids
from shared_schema.chunk import Claim, encode_claims
from shared_schema.deposit import Deposit, encode_deposit
from shared_schema.entry import EXPUNCTION
from shared_schema.errors import Refused
from shared_schema.membership import encode_file_statement
from shared_schema.parcel import Parcel, Publication, encode_parcels, encode_publication, week_of
from shared_schema.removal import Expunge
from shared_schema.request import NONCE_HEADER
from shared_schema.wire import Cursor, SyncRequest, encode_request
from sync import signing
from sync.signing import SigningKey
from tests.wall.cast import Cast, Rehearsing
from tests.wall.matrix import NEW_CHUNK
from tests.wall.wishes import OF_FILES, Pair, Wisher
from tests.world import patched

FOREIGN: Final = ("case", "therapy", "erased", "owes a rotation", "on hold", "abandoned", "not begun", "her case", "registry of the victim side")
_UNLIKE: Final = ("time", "checkpoint", "consistency", "inclusion", "openings")  # of every answer to a sync
Shape = list[str]
Ask = Callable[[Cast, str], tuple[str, str, bytes]]


def _get(path: str) -> Ask:
    return lambda cast, thing: ("GET", path.replace("ID", ids.show(cast.logs[thing])), b"")


def _push(*pairs: Pair) -> bytes:
    return encode_request(SyncRequest(push=pairs))


def _wish(row: str) -> Ask:
    return lambda cast, thing: ("POST", "/v1/sync", _push(OF_FILES[row](Wisher(cast, "col", thing))))


def _cursor(cast: Cast, thing: str) -> tuple[str, str, bytes]:
    own = cast.realm("perpetrator").known()
    cursors = (Cursor(own.log, own.seq, own.chains[-1]), Cursor(cast.logs[thing], 1, bytes(32)))
    return "POST", "/v1/sync", encode_request(SyncRequest(cursors=tuple(sorted(cursors))))


OF_LOGS: Final[dict[str, Ask]] = {
    "held": _get("/v1/held/ID?after=0"),
    "purged": _get("/v1/purged/ID?after=0"),
    "parcels": _get("/v1/parcels/ID?after=0"),
    "intake": _get("/v1/intake/ID"),
    "publishing": lambda cast, thing: ("POST", f"/v1/intake/{ids.show(cast.logs[thing])}", encode_publication(Publication(1, bytes(32), None, ()))),
    "claiming": lambda cast, thing: ("POST", f"/v1/chunks/{ids.show(cast.logs[thing])}", encode_claims([Claim(bytes(32), (cast.chunks[thing],))])),
    "bringing": lambda cast, thing: ("PUT", f"/v1/chunk/{ids.show(cast.logs[thing])}/{ids.sha256(NEW_CHUNK).hex()}", NEW_CHUNK),
    "fetching": lambda cast, thing: ("GET", f"/v1/chunk/{ids.show(cast.logs[thing])}/{cast.chunks[thing].hex()}", b""),
    "a cursor": _cursor,
    "deposit": lambda cast, thing: ("POST", "/v1/deposit", encode_deposit(Deposit((OF_FILES["envelope"](Wisher(cast, "col", thing)),), 10**9))),
    **{f"pushing: {row}": _wish(row) for row in ("envelope", "genesis", "add", "admit", "expunge", "erase", "recover")},
}


@contextmanager
def traced() -> Iterator[Shape]:
    """What is done meanwhile: SQL by its text, and each use of a key."""
    done: Shape = []

    def sql(_connection: Any, _cursor: Any, statement: str, _values: Any, _context: Any, many: bool) -> None:
        if not threading.current_thread().name.startswith("listener-"):  # it looks once a second, whoever asks what
            done.append(f"{statement}{' many' if many else ''}")

    def noting(what: str, honest: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*args: Any) -> Any:
            done.append(what)
            return honest(*args)

        return noted

    event.listen(Engine, "before_cursor_execute", sql)
    try:
        with (
            patched(signing, "_public", noting("verify", signing._public)),
            patched(SigningKey, "sign", noting("sign", SigningKey.sign)),
            patched(hmac, "digest", noting("mac", hmac.digest)),
            patched(Writing, "sequence", lambda _realm: None),  # goes by how many events there are, whoever caused them
            patched(Hearing, "take", lambda _hearing: {}),  # what devices said before goes with the next transaction, whatever that is about
            patched(SharedNonces, "_forget", lambda *_: None),  # once a minute
            patched(Carrier, "wake", lambda _carrier: None),  # looks for what waits, after every request with parcels, when it comes to it
        ):
            yield done
    finally:
        event.remove(Engine, "before_cursor_execute", sql)


def done_for(cast: Cast, request: tuple[str, str, bytes], who: str = "col") -> tuple[Shape, bytes]:
    """What one request does, and what it is answered. No log is in the server's memory when it comes."""
    cast.ask(who, "GET", "/v1/checkpoint")  # so that a nonce is there
    cast.realm(cast.side(who))._logs.clear()
    with traced() as done:
        answer = cast.ask(who, *request)
    assert NONCE_HEADER in answer.headers
    said = cbor.decode(answer.content)
    for name in _UNLIKE:
        said.pop(name, None)
    for one in said.get("answers", []):
        one.pop("id")
    return done, cbor.encode([answer.status_code, said])


def apart(cast: Cast, asks: dict[str, Ask], foreign: tuple[str, ...]) -> list[str]:
    """The requests by which a thing that is not the asker's differs from one that is not."""
    found = []
    for name, ask in asks.items():
        absent = done_for(cast, ask(cast, "absent"))
        found += [f"{name}: {thing}" for thing in foreign if done_for(cast, ask(cast, thing)) != absent]
    return found


@pytest.fixture
def settled(cast: Cast) -> Iterator[Cast]:
    """Nothing that was pushed stays."""
    Rehearsing.rehearses = False
    before = cast.fingerprint()
    yield cast
    assert cast.fingerprint() == before


def test_a_file_that_is_not_the_askers_is_as_one_that_is_not(settled: Cast, capsys: pytest.CaptureFixture[str]) -> None:
    assert apart(settled, OF_LOGS, FOREIGN) == []
    with capsys.disabled():
        print(f"\nno such file: {len(OF_LOGS)} requests about {len(FOREIGN)} files and none: the same statements, signatures, MACs and bytes")


def _addresses(cast: Cast) -> dict[str, bytes]:
    """Of one's own side, of a file that has no key this week, and of none."""
    return {"own desk": cast.addresses()["intake"], "own liaison": cast.addresses()["liaison"], "absent": bytes(16)}


def test_an_address(settled: Cast) -> None:
    """Also that of a file of the other side which has no key this week: one that was erased, say."""
    cast, board = settled, settled.realm("victim").board
    root, week = cast.realm("perpetrator").known().root_id, week_of(cast.run.now_ms)

    def reading(address: bytes) -> tuple[str, str, bytes]:
        return "GET", f"/v1/address/{ids.show(address)}", b""

    def sending(address: bytes) -> tuple[str, str, bytes]:
        return "POST", "/v1/parcels", encode_parcels([Parcel(address, week, bytes(16), False, root, bytes(1120 + 16_384 + 16))])

    for ask in (reading, sending):
        told = [done_for(cast, ask(address)) for address in _addresses(cast).values()]
        assert told[0] == told[1] == told[2]
    keyless = {**board.logs, b"an address of it": cast.logs["her case"]}
    with patched_slot(board, "logs", keyless):
        one, other = (done_for(cast, reading(address)) for address in (b"an address of it", bytes(16)))
    assert one == other


@contextmanager
def patched_slot(owner: Any, name: str, value: Any) -> Iterator[None]:
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


def _naming(cast: Cast, thing: str) -> bytes:
    """An expunction in nav's own file that names a part of another file, or of none."""
    mine, (at, entry) = Wisher(cast, "nav", "case"), Wisher(cast, "nav", thing).target()
    stub = bytes(32 + 256 + 16)
    named = Expunge(at, entry.id, 0, entry.hashes[0], "spill", None, ids.sha256(stub), bytes(32), None, mine.rg, mine.state.previous)
    return _push(mine.sign(EXPUNCTION, encode_file_statement(mine.approved(named)), [stub], mine.state.epoch))


def test_a_part(settled: Cast) -> None:
    """No route gives a part or a blob by itself. Who names a part of another's file in their own learns nothing of it."""
    one, other = (done_for(settled, ("POST", "/v1/sync", _naming(settled, thing)), "nav") for thing in ("therapy", "absent"))
    assert one == other
    assert b"not-permitted" in one[1]


def test_what_differs_is_found(settled: Cast) -> None:
    """Planted: files are looked up for anybody; an address that there is not is answered at once; a boundary of one's rights is told."""
    with patched(file_rules, "may_look", lambda *_: True):
        assert "pushing: envelope: case" in apart(settled, {"pushing: envelope": OF_LOGS["pushing: envelope"]}, ("case",))
    with patched(chunk_routes, "_log", lambda request, *_: ids.parse(request.path_params["log"])):
        assert apart(settled, {"claiming": OF_LOGS["claiming"]}, ("case",)) == ["claiming: case"]
    honest = Crossing.intake_key

    def at_once(crossing: Crossing, side: Any, address: bytes, now_ms: int) -> bytes:
        log = crossing.other(side).board.logs.get(address)
        if log is None:
            raise Refused("no-such-file")
        return read(crossing.other(side).engine, lambda tx: parcel_store.intake_key(tx, log, week_of(now_ms))) or honest(crossing, side, address, 0)

    board = settled.realm("victim").board
    with patched(Crossing, "intake_key", at_once), patched_slot(board, "logs", {**board.logs, b"an address of it": settled.logs["her case"]}):
        one, other = (done_for(settled, ("GET", f"/v1/address/{ids.show(address)}", b"")) for address in (b"an address of it", bytes(16)))
    assert one[0] != other[0]
