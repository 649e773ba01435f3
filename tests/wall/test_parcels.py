"""The only thing that crosses: sealed to the other side's file, taken once, forgotten by its sender, told about to nobody."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from shared_schema import ids
from shared_schema.errors import Refused
from shared_schema.parcel import week_of
from sync.device.across import board, posting
from sync.device.people import files
from sync.device.recording import records
from sync.letters import sign_gate
from sync.signing import SigningKey
from tests.world import DAY, Phone, World

WEEK = 7 * DAY


@dataclass
class Town:
    """Ruth's team on one side, Jo's on the other; Jo has the victim side's desk."""

    world: World
    sam: Phone
    ruth: Phone
    jo: Phone
    lee: Phone
    desk: bytes
    case: bytes

    def sync(self, *phones: Phone) -> None:
        for phone in phones or (self.sam, self.ruth, self.jo, self.lee, self.jo, self.sam):
            assert not isinstance(phone.sync(), str)


def open_desk(world: World, phone: Phone, log: bytes, weeks: int = 52) -> None:
    """The authority signs a gate for the desk's address key, and a member publishes it."""
    week = week_of(world.clock.now_ms)
    address, key = board.desk_request(phone.session, log)
    gate = sign_gate(SigningKey(world.service.authority_seed), phone.session.identity.svc, phone.side, address, key, week, week + weeks - 1)
    board.publish(phone.session, phone.wire, gate, only=log)


def begin(world: World, weeks: int = 52) -> Town:
    """Everybody enrolled, the desk open for so many weeks, and a case."""
    sam = world.enrol("perpetrator", "Sam", ("navigator",))
    ruth = world.enrol("perpetrator", "Ruth", ("coordinator",))
    jo = world.enrol("victim", "Jo", ("coordinator", "referral_desk"))
    lee = world.enrol("victim", "Lee", ("link_worker",))
    desk = jo.do(lambda session: files.create_file(session, "intake"))
    jo.sync()
    open_desk(world, jo, desk, weeks)
    for phone in (sam, ruth, jo, lee):
        phone.sync()
    case = sam.do(lambda session: files.create_file(session, "case", {ruth.user: "coordinator"}))
    sam.sync()
    return Town(world, sam, ruth, jo, lee, desk, case)


@pytest.fixture
def town() -> Iterator[Town]:
    with World() as world:
        yield begin(world)


def notices(phone: Phone, log: bytes) -> list[dict[str, object]]:
    return [
        {name: one.value for name, one in records.values(phone.session, log, record).items()}
        for record, _ in phone.session.store.records(log, "notice")
    ]


CASE = ids.show(bytes(16))


def test_a_notice_crosses(town: Town) -> None:
    town.sam.do(lambda session: posting.post(session, town.case, "notice", {"case": CASE, "notice": "contact_made"}))
    town.sync(town.sam, town.jo)
    [found] = notices(town.jo, town.desk)
    assert found["notice"] == "contact_made"
    assert town.sam.session.store.parcels() == []
    [(record, _)] = town.sam.session.store.records(town.case, "parcel_sent")
    kept = records.values(town.sam.session, town.case, record)
    assert kept["category"].value == "notice"
    assert len(str(kept["hash"].value)) == 64
    town.sync(town.jo, town.jo)
    assert len(notices(town.jo, town.desk)) == 1
    assert not town.jo.session.store.alarms()
    assert not town.sam.session.store.alarms()


def test_the_other_way_only_what_may(town: Town) -> None:
    with pytest.raises(Refused, match="sends no instruction"):
        posting.post(town.sam.session, town.case, "instruction", {"word": "filler"})
