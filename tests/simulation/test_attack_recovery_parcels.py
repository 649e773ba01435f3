"""Attacks on recovery where parcels meet it: desks and liaison files that nobody held for a while."""

from collections.abc import Iterator

import pytest

from shared_schema import ids
from shared_schema.errors import Refused
from shared_schema.ids import Side
from sync.device.across import cases, instructions, posting
from sync.device.across.receiving import _counts
from sync.device.cli import recovering
from sync.device.people import recovery, standing
from sync.keys import RecoverySecret
from tests.wall.test_parcels import CASE, WEEK, Town, begin, notices
from tests.world import Phone, World


@pytest.fixture
def town() -> Iterator[Town]:
    with World() as world:
        yield begin(world)


def lose(world: World, side: Side, *phones: Phone) -> None:
    admin = world.admins[side]
    for phone in phones:
        admin.sync()
        admin.do(lambda session, phone=phone: standing.revoke(session, phone.device, "lost"))  # type: ignore[misc]
        admin.sync()


def bring_back(world: World, clean: Phone, secret: RecoverySecret) -> None:
    clean.sync()
    for one in recovery.survey(clean.session):
        if one.state == "ready" and one.key == secret.id:
            clean.do(lambda session, log=one.log: recovery.recover(session, log, secret))  # type: ignore[misc]
    assert not isinstance(clean.sync(), str)
    assert not isinstance(clean.sync(), str)


def test_a_desk_that_was_lost_receives_again(town: Town) -> None:
    world = town.world
    town.sam.do(lambda session: posting.post(session, town.case, "notice", {"case": CASE, "notice": "contact_made"}))
    town.sync(town.sam)  # it waits at the desk
    lose(world, "victim", town.jo)
    world.renew("victim")
    clean = world.enrol("victim", "Rea", ("coordinator", "referral_desk"))
    world.permit(clean)
    clean.sync()
    assert town.desk in clean.session.file_logs(), "served"
    assert dict(_counts(clean.session)) == {}, "no count of parcels for who is not in it"
    with pytest.raises(Refused):
        clean.wire.signed(clean.session, "GET", f"/v1/parcels/{ids.show(town.desk)}?after=0")
    with pytest.raises(Refused):
        clean.wire.held(clean.session, town.desk, 0)
    bring_back(world, clean, world.recovery["victim"][0])
    assert [one["notice"] for one in notices(clean, town.desk)] == ["contact_made"]
    for weeks in range(1, 15):
        world.clock.advance(WEEK)
        clean.sync()
        town.sam.sync()
        town.sam.do(lambda session: posting.post(session, town.case, "notice", {"case": CASE, "notice": "contact_made"}))
        town.sync(town.sam, clean)
        assert len(notices(clean, town.desk)) == 1 + weeks, weeks
    assert {alarm[4] for alarm in clean.store.alarms()} <= {"recovery"}, clean.store.alarms()


def test_a_case_and_its_liaison_that_were_lost(town: Town) -> None:
    world = town.world
    case = town.sam.do(lambda session: cases.open_case(session, {town.ruth.user: "coordinator"}))
    town.sync()
    town.sync()
    lose(world, "perpetrator", town.sam, town.ruth)
    world.renew("perpetrator")
    clean = world.enrol("perpetrator", "Rea", ("coordinator",))
    world.permit(clean)
    bring_back(world, clean, world.recovery["perpetrator"][0])
    town.sync(clean, town.jo, clean, town.jo)
    found = cases.liaison_of(clean.session, case)
    assert found is not None
    liaison, address = found
    for _ in range(3):
        town.jo.do(lambda session: instructions.acknowledge(session, town.desk, ids.show(address)))
        town.sync(town.jo, clean, town.jo, clean)
        world.clock.advance(WEEK)
        town.sync(clean, town.jo)
    assert len(instructions.letters(clean.session, liaison)) == 3, instructions.letters(clean.session, liaison)
    assert {alarm[4] for alarm in clean.store.alarms()} <= {"recovery"}, clean.store.alarms()


def test_a_case_without_its_liaison_is_said(town: Town) -> None:
    """A permit for the case alone: nobody reads what the other side asks for. Who brings the case back is told."""
    world = town.world
    case = town.sam.do(lambda session: cases.open_case(session, {town.ruth.user: "coordinator"}))
    town.sync()
    found = cases.liaison_of(town.sam.session, case)
    assert found is not None
    lose(world, "perpetrator", town.sam, town.ruth)
    world.renew("perpetrator")
    clean = world.enrol("perpetrator", "Rea", ("coordinator",))
    world.permit(clean, (case,))
    bring_back(world, clean, world.recovery["perpetrator"][0])
    assert clean.session.file(found[0]) is None
    assert recovering._without_liaison(clean.session, [case]) == {case: found[0]}
    world.permit(clean, (found[0],))
    bring_back(world, clean, world.recovery["perpetrator"][0])
    assert recovering._without_liaison(clean.session, [case]) == {}
    world.clock.advance(WEEK)
    town.sync(clean, town.jo)
    town.jo.do(lambda session: instructions.acknowledge(session, town.desk, ids.show(found[1])))
    town.sync(town.jo, clean)
    assert len(instructions.letters(clean.session, found[0])) == 1


def test_one_letter_a_change_of_keys(town: Town) -> None:
    """A fresh recovery key changes the keys of every case: the other side hears of each once, and not from every phone."""
    world = town.world
    for _ in range(3):
        town.sam.do(lambda session: cases.open_case(session, {town.ruth.user: "coordinator"}))
    for phone in (town.sam, town.ruth, town.jo, town.sam, town.ruth):
        phone.sync()
    before = _letters(world)
    world.renew("perpetrator")
    for phone in (town.sam, town.ruth, town.sam, town.ruth):
        phone.sync()
    told = _letters(world) - before
    files = len([log for log in town.sam.session.file_logs() if town.sam.session.require_file(log).file == "liaison"])
    assert told == files >= 3


def _letters(world: World) -> int:
    return int(world.hosts["perpetrator"].rows("SELECT count(*) FROM parcel_out")[0][0])
