"""Attacks by a colleague whose app checks nothing: what they write into a file that they may write to moves nothing that is not theirs to move."""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from shared_schema import ids
from shared_schema.errors import Refused
from shared_schema.records import record_types
from sync.change import Op
from sync.device.across import cases, instructions, notices, posting, urgent
from sync.device.people import breaches, cover, files, handovers
from sync.device.recording import conflicts, records
from tests.simulation.pair import codes
from tests.simulation.test_attack_letters import forge
from tests.world import DAY, Phone, World

SIDE: Final = "perpetrator"
MINUTE: Final = {"at": "2026-11-22T10:00", "precision": "minute"}
HOSTILE: Final = (5, "zz", ["zz"], {"at": 5, "by": 5, "expunged": 5}, {"missing": 3}, True, None)


@pytest.fixture
def team() -> Iterator[tuple[Phone, Phone, Phone, bytes]]:
    """Ann coordinates, Bob works on the case, Mal means harm; and the case."""
    with World(sides=(SIDE,)) as world:
        ann, bob, mal = (world.enrol(SIDE, name, (role,)) for name, role in (("Ann", "coordinator"), ("Bob", "navigator"), ("Mal", "navigator")))
        for phone in world.phones:
            phone.sync()
        log = ann.do(lambda session: files.create_file(session, "case", {bob.user: "navigator", mal.user: "navigator"}))
        for phone in world.phones:
            phone.sync()
        yield ann, bob, mal, log


def test_values_that_do_not_fit_stop_nobody(team: tuple[Phone, Phone, Phone, bytes]) -> None:
    """Every field of every type, with what its schema does not allow: colleagues sync, list and count as before."""
    ann, bob, mal, log = team
    for value in HOSTILE:
        for name, type_ in record_types().items():
            forge(mal, log, name, **dict.fromkeys(type_.fields, value))
    day: dict[str, Any] = {"cover_until": 5, "cover_from": 5, "lead": ids.show(bob.user), "cover": ids.show(bob.user)}
    rows: dict[str, dict[str, Any]] = {
        "allocation": day, "handover": {"from": ids.show(bob.user), "to": 5, "accepted": 5}, "liaison_file": {"file": "zz", "address": ids.show(log)},
        "case_opened": {"case": "zz", "key": "zz"}, "liaison_key": {"case": ids.show(log), "key": "zz"}, "instruction": {"from": 5, "until": "9"},
        "parcel_sent": {"to_case": 5, "sent_at": 5}, "urgent_alert": {"case": 5, "parcel": 5}, "task": {"owner": 5}, "breach": {"what": "x"},
    }  # fmt: skip
    for name, some in rows.items():
        forge(mal, log, name, **some)
    mal.sync()
    for phone in (ann, bob):
        assert not isinstance(phone.sync(), str)
        session = phone.session
        for alert in urgent.alerts(session):
            assert isinstance(alert.overdue(0), bool)
        for breach in [breaches.Breach(log, one, breaches._values(session, log, one)) for one, _ in session.store.records(log, "breach")]:
            assert isinstance(breach.hours_left(0), int)
        for one in handovers.handovers(session):
            assert one.waits_for
        assert instructions.in_force(session, log).gate == "hold"
        assert (cases.liaison_of(session, log), posting.address_keys(session, log), cover.over(session, log)) == (None, [], b"")
        assert isinstance(handovers.left_open(session, log, mal.user), dict)
        for deed in (instructions.cases_known, notices.make, conflicts.list_open, records.drafts):
            deed(session)
        instructions._sent_in(session, 100)
        instructions.days_in(session, log)
        assert codes(phone) == []


def test_nobody_is_taken_out_by_a_colleagues_word(team: tuple[Phone, Phone, Phone, bytes]) -> None:
    """Ann arranged a cover that is over. Mal writes that it was Bob who covered: Ann's device takes nobody out of the case."""
    ann, bob, mal, log = team
    ann.do(lambda session: cover.arrange(session, log, mal.user, cases.today(session)))
    for phone in (ann, mal):
        phone.sync()
    [(record, _)] = mal.store.records(log, "allocation")
    live = tuple(mal.session.record(log, record).registers["cover"].live)
    mal.do(lambda session: session.write(log, record, "allocation", [Op("cover", "set", ids.show(bob.user), live)]))
    mal.sync()
    ann.world.clock.advance(3 * DAY)
    for phone in (ann, mal, ann):
        phone.sync()
    assert bob.user in ann.session.require_file(log).members
    with pytest.raises(Refused):
        ann.do(lambda session: cover.end(session, log))


def test_nobody_accepts_for_another(team: tuple[Phone, Phone, Phone, bytes]) -> None:
    """A handover that Bob did not accept, and one that Bob did not ask for."""
    ann, bob, mal, log = team
    record = forge(mal, log, "handover", **{"from": ids.show(mal.user), "to": ids.show(bob.user), "why": "leaver"})
    forge(mal, log, "handover", **{"from": ids.show(bob.user), "to": ids.show(mal.user), "why": "leaver"})
    row = {"by": ids.show(bob.user), "at": MINUTE}
    mal.do(lambda session: session.write(log, record, "handover", [Op("accepted", "add", row, ()), Op("done", "add", row, ())]))
    for phone in (mal, ann, bob):
        phone.sync()
    [one] = handovers.handovers(ann.session)
    assert (one.leaves, one.waits_for) == (mal.user, "accept")
    bob.do(lambda session: handovers.accept(session, one))
    for phone in (bob, ann):
        phone.sync()
    assert handovers.handovers(ann.session)[0].waits_for == "finish"


def test_nobody_stands_down_their_own_alert(team: tuple[Phone, Phone, Phone, bytes]) -> None:
    """Not under a colleague's name either, nor is it acknowledged in one."""
    ann, _bob, mal, log = team
    record = mal.do(lambda session: records.add(session, log, "urgent_alert", {"what": "weapon", "at_risk": ["worker"]}))
    row: dict[str, Any] = {"by": ids.show(ann.user), "at": MINUTE, "why": "he is gone"}
    mal.do(lambda session: session.write(log, record, "urgent_alert", [Op("stood_down", "add", row, ()), Op("acknowledged", "add", row, ())]))
    own = {**row, "by": ids.show(mal.user)}
    mal.do(lambda session: session.write(log, record, "urgent_alert", [Op("stood_down", "add", own, ())]))
    for phone in (mal, ann):
        phone.sync()
    [alert] = urgent.alerts(ann.session)
    assert (alert.open, alert.acknowledged) == (True, False)
    ann.do(lambda session: urgent.stand_down(session, alert, "he is gone"))
    assert not urgent.alerts(ann.session)[0].open
