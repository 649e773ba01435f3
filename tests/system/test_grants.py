"""Grants that do not open: alarmed by who got them, and given again by any colleague who holds the file."""

import secrets

from sync.change import Op
from sync.device.exchanging import syncing
from sync.device.people import files, standing
from sync.granting import Granter
from tests import database
from tests.live import Live
from tests.world import patched


def test_a_grant_that_does_not_open_is_given_again(live: Live) -> None:
    """Priya's phone seals garbage to Sam's by mistake; Ruth grants again, and Sam reads what was written before."""
    priya, ruth = live.enrol("Priya", ("coordinator",)), live.enrol("Ruth", ("navigator",))
    log = live.case(priya, (ruth, "navigator"))
    priya.write(log, None, "task", [Op("what", "set", "ring", ())])
    syncing.sync(priya, live.transport)
    sam = live.enrol("Sam", ("navigator",))
    syncing.sync(priya, live.transport)
    syncing.sync(ruth, live.transport)
    good = Granter._grant

    def garbage(self: Granter, to: bytes, cert: bytes, public: bytes, epochs: tuple[int, ...], held: dict[int, bytes]) -> object:
        wrong = {epoch: secrets.token_bytes(32) for epoch in epochs} if to == sam.identity.device else held
        return good(self, to, cert, public, epochs, wrong)

    with patched(Granter, "_grant", garbage):
        files.add_member(priya, log, sam.identity.user, "navigator")
    for session in (priya, sam, ruth):
        syncing.sync(session, live.transport)
    assert {alarm[4] for alarm in sam.store.alarms()} == {"bad-grant"}
    assert sorted(sam.store.secrets(log)) == [3], "Sam's phone has rotated, so that it can at least write"
    assert sam.records(log) == {}

    files.grant_again(ruth, log, sam.identity.user)
    for session in (ruth, sam, priya):
        syncing.sync(session, live.transport)
    assert sam.store.secrets(log) == priya.store.secrets(log)
    assert sam.records(log).keys() == priya.records(log).keys()
    sam.write(log, None, "task", [Op("what", "set", "write", ())])
    assert syncing.sync(sam, live.transport).accepted == 1


def test_one_log_that_stopped_does_not_hold_up_the_others(live: Live) -> None:
    """A page that contradicts stops its own log: what waits for other files goes out in the same sync, and their rotations are signed."""
    priya, sam = live.enrol("Priya", ("coordinator",)), live.enrol("Sam", ("navigator",))
    first, second = live.case(priya, (sam, "navigator")), live.case(priya, (sam, "navigator"))
    live.server.stop()
    _change_one_byte(live, first)
    live.server.start()

    ann = live.enrol("Ann", ("navigator",))
    syncing.sync(priya, live.transport)
    files.add_member(priya, second, ann.identity.user, "navigator")
    syncing.sync(priya, live.transport)
    blank = live.enrol("Priya", ("coordinator",), user=priya.identity.user)
    standing.revoke(live.admins["perpetrator"], ann.identity.device, "lost")
    syncing.sync(live.admins["perpetrator"], live.transport)
    report = syncing.sync(priya, live.transport)
    assert report.rotated == 1
    found = syncing.sync(blank, live.transport)
    assert [log for log, _ in found.contradictions] == [first]
    assert blank.store.log(first) is None
    assert [code for _, _, log, _, code, _, _ in blank.store.alarms() if log == first] == ["contradiction"]
    assert blank.file(second)


def _change_one_byte(live: Live, log: bytes) -> None:
    """Flip one bit of the signature of a log's first entry, in the server's database."""
    place = live.database("perpetrator")
    [(cose,)] = database.ask(place, "SELECT cose FROM entry WHERE log_id = ? AND seq = 1", log)
    database.change(place, ("UPDATE entry SET cose = ? WHERE log_id = ? AND seq = 1", (cose[:-1] + bytes([cose[-1] ^ 1]), log)))
