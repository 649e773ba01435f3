"""Who may do what: everybody, in every standing, every route and kind of entry, every kind of file in every state, against one table (matrix.txt).

A route or a kind of statement that has no row here fails. A refusal changes nothing, and what is told about a thing that is not the asker's is
byte for byte what is told about a thing that is not (W3).
"""

import re
import time
from collections import Counter
from typing import Any, Final

import pytest

from server.app import ROUTES
from server.append import file_rules
from shared_schema import cbor, ids
from shared_schema.certificate import RegistryStatement
from shared_schema.deposit import Deposit, encode_deposit
from shared_schema.membership import KIND
from shared_schema.roles import FILES as KINDS
from shared_schema.roles import ROLES
from shared_schema.wire import SyncRequest, encode_request
from tests.wall import matrix
from tests.wall.cast import OF_A_REFUSAL, OUT, PEOPLE, Cast, Rehearsing
from tests.wall.matrix import ABOUT, PUSHING, TEXT, UNSIGNED, Seen, letter_of, read_table, signed_routes
from tests.wall.wishes import OF_FILES, OF_REGISTRIES, Wisher

TABLE: Final = read_table(TEXT.read_text(encoding="utf-8"))
_BY_BOTH: Final = frozenset({"envelope", "a colleague's", "genesis", "add", "expunge", "suspend", "wiped"})  # tried by everybody both ways


class Judge:
    """Compares what is seen with the table, and counts. `told` is what was said of `absent`, by person, row and way of asking."""

    def __init__(self) -> None:
        self.cells: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.told: dict[tuple[str, str, str], bytes] = {}
        self.alike: list[Seen] = []

    def see(self, seen: Seen, wanted: str = "") -> None:
        wanted = wanted or TABLE.wanted(seen.who, seen.thing, seen.row)
        self.cells[seen.how] += 1
        if seen.letter != wanted:
            self.wrong.append(f"{seen.thing}, {seen.row}, by {seen.who}, {seen.how}: {seen.letter}, want {wanted}")
        if seen.thing in ("absent", "address of absent"):
            self.told[seen.who, seen.row, seen.how] = seen.said
        self.alike.append(seen)

    def finish(self) -> None:
        """Nobody is told anything about what is not theirs that they are not told about nothing."""
        assert self.wrong == [], f"{len(self.wrong)} deviations"
        for seen in self.alike:
            absent = self.told.get((seen.who, seen.row, seen.how))
            if absent is not None and seen.letter in ".m" and _is_nothing(seen):
                assert seen.said == absent, f"{seen.thing}, {seen.row}, by {seen.who}: told apart from what is not"


def _is_nothing(seen: Seen) -> bool:
    """True where somebody is told what they are told of `absent`."""
    return seen.letter == TABLE.rows.get(("absent", seen.row), {}).get("everybody", ".") and not seen.thing.startswith("registry")


def test_everything_has_its_row() -> None:
    """Routes, kinds of statements, roles and kinds of files: what is new and not in the table fails here."""
    rows = {row for _, row in TABLE.rows}
    assert signed_routes() == {route for route, _ in ABOUT.values()} | PUSHING | UNSIGNED
    assert rows == {*OF_FILES, *OF_REGISTRIES, *ABOUT, matrix.SERVED, *KINDS}
    assert {name for name in KIND.values() if name != "members"} <= OF_FILES.keys()  # `members` is add and remove
    kinds = {re.sub(r"(?<!^)(?=[A-Z])", "_", one.__name__).lower() for one in RegistryStatement.__args__} - {
        "root",
        "enrol",
    }  # of a new service, and of a new device
    assert kinds == {row.removesuffix(" another's") for row in OF_REGISTRIES}
    assert ROLES.keys() == {role for _, roles in PEOPLE.values() for role in roles} | {"administrator"}


def test_every_cell(cast: Cast, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever asks, whatever about: the verdict is the table's, and a refusal leaves everything as it was."""
    judge, began, before = Judge(), time.monotonic(), cast.fingerprint()
    for who in cast.people:
        for wishes in matrix.wished(cast, who):
            Rehearsing.rehearses = who != "col"  # what is refused to him is committed, as it is outside this test
            refused = [one for one in wishes if TABLE.wanted(who, *one[:2]) not in "+h"]
            Rehearsing.wrote.clear()
            _push(cast, who, refused, judge)
            assert Rehearsing.wrote <= OF_A_REFUSAL, f"what was refused to {who} changed something"
            Rehearsing.rehearses = True
            _push(cast, who, [one for one in wishes if one not in refused], judge)
        for seen in () if who in OUT else (*matrix.served(cast, who), *matrix.ask_about(cast, who)):
            judge.see(seen)
    Rehearsing.rehearses = False
    _strangers(cast, judge)
    assert cast.fingerprint() == before
    with capsys.disabled():
        said = ", ".join(f"{count} {how}" for how, count in judge.cells.items())
        print(f"\naccess matrix: {judge.cells.total()} cells ({said}), {len(cast.people) + 2} standings, {len(signed_routes())} routes, "
              f"{len(judge.wrong)} deviations, {time.monotonic() - began:.0f} s")  # fmt: skip
    judge.finish()


def _push(cast: Cast, who: str, wishes: list[tuple[str, str, Any]], judge: Judge) -> None:
    if not wishes:
        return
    if who in OUT:
        for seen in matrix.hand_in(cast, who, wishes):
            judge.see(seen)
        return
    for seen in matrix.push(cast, who, wishes):
        judge.see(seen)
    both = [one for one in wishes if one[1] in _BY_BOTH]
    for seen in matrix.hand_in(cast, who, both) if both else ():
        own = cast.realm(cast.side(who)).known().log == cast.logs.get(seen.thing)
        judge.see(seen, "." if seen.row == "a colleague's" or (own and seen.row == "suspend") else "")


def _strangers(cast: Cast, judge: Judge) -> None:
    """Every signed route, by whoever has lost their place, by a device of another service, by nobody."""
    bodies = {"POST /v1/sync": encode_request(SyncRequest()), "POST /v1/deposit": encode_deposit(Deposit((), 0))}
    for route in sorted(signed_routes() - UNSIGNED):
        method, path = route.split(" ")
        case = ids.show(cast.logs["case"])
        for name, value in {
            "{log}": case,
            "{address}": case,
            "{level}": "9",
            "{n:path}": "x001/999",
            "{side}": "perpetrator",
            "{id}": bytes(32).hex(),
        }.items():
            path = path.replace(name, value)
        for who, wanted in {**OUT, "oth": "request-refused", "ano": "request-refused"}.items():
            letter = letter_of(cast.ask(who, method, path, bodies.get(route, b"")))
            judge.see(Seen(who, "", route, letter, b"", "refused whole"), "+" if route == "POST /v1/deposit" and who in OUT else wanted)
        answer = cast.ask("nav", method, path, bodies.get(route, b""), side="victim")  # rightly signed, and named for another side
        judge.see(Seen("nav", "", route, letter_of(answer), b"", "refused whole"), "request-refused")


def test_every_other_verb(cast: Cast) -> None:
    """On no path is there a verb that is not in the table."""
    before, paths = cast.fingerprint(), {route.path for route in ROUTES}
    asked = 0
    for path in paths:
        there = {method for route in ROUTES if route.path == path for method in route.methods or ()}
        for method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND"} - there:
            for who in ("nav", "ano"):
                answer = cast.ask(who, method, path)
                assert answer.status_code == 405, f"{method} {path}"
                asked += 1
    assert asked > 250
    assert {path for path in paths for route in ROUTES if route.path == path and "HEAD" in (route.methods or ())} == {"/healthz", "/readyz"}
    for path in ("/", "/v1", "/v1/sync/", "/v1/blob/0", "/v1/parts/0", "/v1/parcels/1/2", "/metrics", "/v2/sync"):
        assert cbor.decode(cast.ask("nav", "GET", path).content)["code"] == "no-such-route"
    assert cast.fingerprint() == before


def test_a_row_that_is_wrong_is_found(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """Defects are planted in the server, each of which one cell finds."""
    monkeypatch.setattr("server.readers.Readers.may_decide", lambda *_: True)
    judge = Judge()
    for seen in matrix.ask_about(cast, "col"):
        judge.see(seen)
    assert "case, GET held, by col, asked: +, want ." in judge.wrong
    monkeypatch.undo()
    monkeypatch.setattr(file_rules, "may_look", lambda *_: True)
    monkeypatch.setattr(file_rules, "_may_deliver", lambda *_: True)
    judge = Judge()
    for seen in matrix.push(cast, "col", [(thing, "envelope", OF_FILES["envelope"](Wisher(cast, "col", thing))) for thing in ("case", "absent")]):
        judge.see(seen)
    assert judge.wrong == ["case, envelope, by col, pushed: s, want ."] or "by col" in judge.wrong[0]
