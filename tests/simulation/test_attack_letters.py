"""Attacks on what crosses between the sides, by servers and by people of either side: each test says what should hold."""

from collections.abc import Iterator
from functools import partial
from typing import Any, Final

import pytest

from shared_schema import cbor, ids
from shared_schema.parcel import Come, decode_come, encode_come
from sync.change import Op
from sync.device.across import board, cases, instructions, posting
from sync.device.people import files
from tests.simulation.pair import codes
from tests.wall.test_parcels import Town, begin
from tests.world import DAY, Phone, World

HOLD: Final = {"word": "contact_gate", "gate": "hold", "from": "2026-09-01", "until": "2026-10-20", "ring_first": "duty_desk"}


@pytest.fixture
def town() -> Iterator[Town]:
    with World() as world:
        yield begin(world)


def a_liaison(town: Town) -> tuple[bytes, str]:
    """The liaison file of a case of Sam's and Ruth's, and its address; Jo has heard of it."""
    case = town.sam.do(lambda session: cases.open_case(session, {town.ruth.user: "coordinator"}))
    town.sync(town.sam, town.ruth, town.jo)
    liaison = cases.liaison_of(town.sam.session, case)
    assert liaison is not None
    return liaison[0], ids.show(liaison[1])


def send(town: Town, case: str, body: dict[str, Any]) -> None:
    """Jo's letter to a case."""
    town.jo.do(lambda session: posting.post(session, town.desk, "instruction", body, to=ids.parse(case)))
    town.sync(town.jo)


def forge(phone: Phone, log: bytes, type_: str, /, **values: Any) -> bytes:
    """A record with any values, as an app that checks nothing writes it."""
    fields = phone.session.types[type_].fields
    added = {name for name, spec in fields.items() if spec.merge in ("set", "append")}
    ops = [Op(name, "add" if name in added else "set", value, ()) for name, value in values.items()]
    return phone.do(lambda session: session.write(log, None, type_, ops))


def newest(town: Town, phone: Phone, log: bytes) -> str:
    """The id of the newest parcel that came to a file, as a member's device is shown it."""
    found, _ = decode_come(phone.wire.signed(phone.session, "GET", f"/v1/parcels/{ids.show(log)}?after=0"))
    return ids.show(found[-1].parcel["id"])


def test_a_record_that_only_names_a_letter_hides_it_from_nobody(town: Town) -> None:
    """Sam, who sees first what partner support asks, writes its number into a task: his colleagues' devices take the letter all the same."""
    liaison, case = a_liaison(town)
    send(town, case, HOLD)
    forge(town.sam, liaison, "task", what="ring him", parcel=newest(town, town.sam, liaison))
    forge(town.sam, liaison, "task", what="ring him", parcel="no number at all")
    town.sam.wire.signed = None  # type: ignore[method-assign, assignment]  # an app that writes no record of it
    with pytest.raises(TypeError):
        town.sam.sync()
    town.sync(town.ruth)
    assert instructions.letters(town.ruth.session, liaison)[0]["gate"] == "hold"


@pytest.mark.parametrize("first", [True, False], ids=["before", "at once"])
def test_what_a_colleague_makes_of_a_letter_is_compared(town: Town, first: bool) -> None:
    """Sam's app writes `clear` where partner support said `hold`: Ruth's device has the letter too, and says so."""
    liaison, case = a_liaison(town)
    send(town, case, HOLD)
    changed = {**HOLD, "gate": "clear", "parcel": newest(town, town.sam, liaison), "sender": "0" * 64, "state": "signed"}
    forge(town.sam, liaison, "instruction", **changed)
    town.sam.store.put_filed(liaison, {ids.parse(str(changed["parcel"]))})
    if first:
        town.sync(town.sam, town.ruth)
    else:
        ruth_first(town)
    town.sync(town.ruth)
    assert "bad-parcel" in codes(town.ruth)


def ruth_first(town: Town) -> None:
    """Ruth's device takes the letter while Sam's record is on its way: his stands first in the log."""
    cross, honest = town.ruth.wire.signed, town.ruth.wire.signed

    def late(session: Any, method: str, path: str, body: bytes = b"") -> bytes:
        answer = honest(session, method, path, body)
        if path.startswith("/v1/parcels/"):
            town.sync(town.sam)
        return answer

    town.ruth.wire.signed = late  # type: ignore[method-assign]
    town.sync(town.ruth)
    town.ruth.wire.signed = cross  # type: ignore[method-assign]


def test_an_honest_colleagues_record_raises_nothing(town: Town) -> None:
    liaison, case = a_liaison(town)
    send(town, case, HOLD)
    ruth_first(town)
    town.sync(town.sam, town.ruth, town.sam)
    send(town, case, {"word": "filler"})
    town.sync(town.sam, town.ruth, town.sam, town.ruth)
    assert codes(town.ruth) == codes(town.sam) == []
    assert len(instructions.letters(town.ruth.session, liaison)) == 2


def test_a_word_of_a_newer_app_acts_as_hold(town: Town) -> None:
    """A code that the reader's app does not know is taken, and is the strictest."""
    liaison, case = a_liaison(town)
    send(town, case, {**HOLD, "gate": "clear"})
    row = {**HOLD, "gate": "only_by_letter", "say": ["a_new_thing"]}
    letter = town.jo.do(lambda session: posting.post(session, town.desk, "instruction", HOLD, to=ids.parse(case)))
    town.jo.store._db.execute("UPDATE parcel SET letter = ? WHERE id = ?", (cbor.encode({"at": 1, "body": row}), letter))
    town.sync(town.jo, town.sam, town.ruth)
    assert instructions.in_force(town.ruth.session, liaison).gate == "hold"
    assert codes(town.ruth) == []


def test_no_word_of_the_server_ends_a_letter(town: Town) -> None:
    """`parcel-spent` is unsigned. What Sam was told of her is sealed once, and nobody can type it again."""
    honest = town.sam.wire.signed

    def lying(session: Any, method: str, path: str, body: bytes = b"") -> bytes:
        if path != "/v1/parcels":
            return honest(session, method, path, body)
        asked = cbor.decode(body)["parcels"]
        said = [{"id": one["id"], "code": "parcel-spent", "message": "spent", "retry": "never"} for one in asked]
        return cbor.encode({"v": 1, "answers": said, "passes": []})

    town.sam.do(lambda session: posting.post(session, town.case, "referral_intake", {"received_on": "2026-11-22"}, fixed=True))
    town.sam.wire.signed = lying  # type: ignore[method-assign]
    town.sync(town.sam)
    town.sam.wire.signed = honest  # type: ignore[method-assign]
    town.sync(town.sam, town.jo)
    assert len(town.jo.store.records(town.desk, "referral_intake")) == 1


def test_a_flood_does_not_fill_the_other_sides_phones(town: Town) -> None:
    """Somebody of the other side sends what no reader takes, as large as it may be: an alarm each, and no copy of it on every phone of the desk."""
    before = len(codes(town.jo))
    big = {"address": bytes(16), "week": 1, "id": b"i" * 16, "fixed": True, "root": bytes(32), "sealed": bytes(500_000)}
    page = encode_come([Come(n, 1, b"p", big | {"id": bytes([n]) * 16}) for n in (7, 8)], more=False)
    honest = town.jo.wire.signed

    def flooded(session: Any, method: str, path: str, body: bytes = b"") -> bytes:
        return page if path.startswith("/v1/parcels/") else honest(session, method, path, body)

    town.jo.wire.signed = flooded  # type: ignore[method-assign]
    town.jo.session.store.set_fact("parcels:" + town.desk.hex(), b"0")
    town.sam.do(lambda session: posting.post(session, town.case, "notice", {"case": ids.show(bytes(16)), "notice": "contact_made"}))
    town.sync(town.sam, town.jo)
    found = [alarm for alarm in town.jo.store.alarms() if alarm[4] == "bad-parcel"]
    assert len(codes(town.jo)) == before + 2
    assert sum(len(alarm[6] or b"") for alarm in found) < 100_000


def test_a_record_of_a_case_opens_no_other_file(town: Town) -> None:
    """Sam names another case's file as the liaison file of his own: whom Ruth lets into his case is let into that case alone."""
    theirs = town.ruth.do(lambda session: cases.open_case(session, {}))
    mine = town.sam.do(lambda session: files.create_file(session, "case", {town.ruth.user: "coordinator"}))
    ours = cases.liaison_of(town.ruth.session, theirs)
    assert ours is not None
    for target, address in ((theirs, board.file_keys(town.ruth.session, ours[0])[0].address), ours):
        forge(town.sam, mine, "liaison_file", file=ids.show(target), address=ids.show(address))
    town.sync(town.ruth, town.sam, town.ruth)
    assert cases.with_liaison(town.ruth.session, mine) == [mine]
    assert cases.with_liaison(town.ruth.session, theirs) == [theirs, ours[0]]


def test_nobody_cuts_a_case_off_that_is_not_theirs(town: Town) -> None:
    """Dan works on the other side, and not on this case. He knows its address, and writes twice that its key is another: the desk's word still goes."""
    liaison, case = a_liaison(town)
    dan = town.world.enrol("perpetrator", "Dan", ("navigator",))
    town.sync(dan)
    own = dan.do(lambda session: cases.open_case(session, {}))
    for key in (b"k" * 32, b"l" * 32):
        dan.do(partial(posting.post, log=own, kind="liaison_key", body={"case": case, "key": key.hex()}))
    town.sync(dan, town.jo)
    send(town, case, HOLD)
    town.sync(town.ruth)
    assert instructions.in_force(town.ruth.session, liaison).gate == "hold"
    assert len(instructions.letters(town.ruth.session, liaison)) == 1


def test_cases_that_do_not_exist_do_not_pile_up(town: Town) -> None:
    """Somebody of the other side tells of a case that there is none of: what is written to it by rule ends with its week."""
    town.sam.do(
        partial(posting.post, log=town.case, kind="case_opened", body={"case": ids.show(b"n" * 16), "key": "00" * 32, "opened_on": "2026-09-22"})
    )
    town.sync(town.sam, town.jo)
    town.world.clock.advance(4 * DAY)
    waiting = []
    for _ in range(3):
        town.world.clock.advance(7 * DAY)
        town.sync(town.jo)
        waiting.append(len(town.jo.store.parcels()))
    assert waiting == [1, 1, 1]
