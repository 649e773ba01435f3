"""Attacks on recovery: what wedges an administrator, what puts wrong names on record, what bricks a clean machine."""

from typing import Final

import pytest

from shared_schema import limits
from shared_schema.errors import Malformed
from sync.device.people import files, recovery, standing
from sync.keys import RecoverySecret
from tests.world import DAY, REQUEST_LOST, Phone, World, patched

SIDE: Final = "perpetrator"


def _administrator_can_revoke(world: World, lost: bytes) -> None:
    admin = world.admins[SIDE]
    admin.do(lambda session: standing.revoke(session, lost, "lost"))
    admin.sync()
    assert world.hosts[SIDE].realm.known().devices[lost].revoked is not None


def test_a_permit_that_waited_too_long_holds_up_no_revocation() -> None:
    with World(1, sides=(SIDE,)) as world:
        clean = world.enrol(SIDE, "Rea", ("coordinator",))
        lost = world.enrol(SIDE, "Sam", ("navigator",))
        admin = world.admins[SIDE]
        admin.sync()
        admin.do(lambda session: recovery.permit(session, clean.device, "died", None, admin.now_ms() + DAY))
        assert admin.sync(REQUEST_LOST) == "offline"
        world.clock.advance(2 * DAY)
        admin.sync()
        admin.sync()
        _administrator_can_revoke(world, lost.device)


def test_a_file_named_twice_in_a_permit() -> None:
    """It is named once; and what no server can read is not signed at all: it would stop the registry of who signed it."""
    with World(2, sides=(SIDE,)) as world:
        clean = world.enrol(SIDE, "Rea", ("coordinator",))
        lost = world.enrol(SIDE, "Sam", ("navigator",))
        admin = world.admins[SIDE]
        admin.sync()
        admin.do(lambda session: recovery.permit(session, clean.device, "died", (bytes(16), bytes(16)), admin.now_ms() + DAY))
        admin.sync()
        [given] = world.hosts[SIDE].realm.known().recovery.permits
        assert given.permit.files == (bytes(16),)
        with pytest.raises(Malformed):
            admin.do(lambda session: recovery.permit(session, clean.device, "no reason", None, admin.now_ms() + DAY))
        many = tuple(n.to_bytes(16, "big") for n in range(5000))
        with pytest.raises(Malformed):
            admin.do(lambda session: recovery.permit(session, clean.device, "died", many, admin.now_ms() + DAY))
        world.enrol(SIDE, "Noor", ("navigator",)).sync()
        admin.sync()
        assert not admin.session.stopped(admin.session.registry.log)
        _administrator_can_revoke(world, lost.device)


def test_a_permit_for_a_device_that_was_suspended_meanwhile() -> None:
    with World(3, sides=(SIDE,)) as world:
        clean = world.enrol(SIDE, "Rea", ("coordinator",))
        other = world.enrol(SIDE, "Ruth", ("coordinator",))
        lost = world.enrol(SIDE, "Sam", ("navigator",))
        admin = world.admins[SIDE]
        admin.sync()
        admin.do(lambda session: recovery.permit(session, clean.device, "died", None, admin.now_ms() + DAY))
        assert admin.sync(REQUEST_LOST) == "offline"
        other.sync()
        other.do(lambda session: standing.suspend(session, clean.device, "lost"))
        other.sync()
        admin.sync()
        admin.sync()
        _administrator_can_revoke(world, lost.device)


def test_who_holds_the_shares_is_said_of_the_key_that_its_author_knew() -> None:
    with World(4, sides=(SIDE,)) as world:
        admin, second = world.admins[SIDE], world.enrol(SIDE, "Second", ("administrator",))
        admin.sync()
        admin.do(lambda session: recovery.record_custody(session, 2, ("Ada", "Bo")))
        assert admin.sync(REQUEST_LOST) == "offline"
        second.sync()
        secret = RecoverySecret(bytes(range(32)))
        second.do(lambda session: recovery.renew(session, secret))
        second.sync()
        second.do(lambda session: recovery.record_custody(session, 2, ("Cy", "Di")))
        second.sync()
        admin.sync()
        admin.sync()
        custody = world.hosts[SIDE].realm.known().recovery.custody
        assert custody is not None and custody.holders == ("Cy", "Di"), f"the shares of the key in force are said to be with {custody}"
        admin.do(lambda session: recovery.record_custody(session, 2, ("Ed", "Flo")))  # and nothing waits in front of it
        admin.sync()
        custody = world.hosts[SIDE].realm.known().recovery.custody
        assert custody is not None and custody.holders == ("Ed", "Flo")


def test_a_side_with_more_files_than_a_device_has_cursors() -> None:
    with patched(limits, "FILES_PER_DEVICE", 5), World(5, sides=(SIDE,)) as world:
        people = [world.enrol(SIDE, name, ("coordinator",)) for name in ("Priya", "Sam")]
        for phone in people:
            phone.sync()
            for _ in range(4):
                phone.do(lambda session: files.create_file(session, "case", {}))
            phone.sync()
        _lose(world, people)
        world.renew(SIDE)
        clean = world.enrol(SIDE, "Rea", ("coordinator",))
        world.permit(clean)
        told = clean.sync()
        assert not isinstance(told, str), told
        assert not isinstance(clean.sync(), str)
        for one in recovery.survey(clean.session):
            clean.do(lambda session, log=one.log: recovery.recover(session, log, world.recovery[SIDE][0]))  # type: ignore[misc]
        assert not isinstance(clean.sync(), str)
        assert clean.sync() != "too-large"


def _lose(world: World, phones: list[Phone]) -> None:
    admin = world.admins[SIDE]
    for phone in phones:
        admin.sync()
        admin.do(lambda session, phone=phone: standing.revoke(session, phone.device, "lost"))  # type: ignore[misc]
        admin.sync()


def test_a_read_that_fails_after_a_commit_loses_nothing_of_it() -> None:
    """The permit is durable; that the files could not be read for it is no reason to answer as if it were not."""
    with World(6, sides=(SIDE,)) as world:
        priya = world.enrol(SIDE, "Priya", ("coordinator",))
        priya.do(lambda session: files.create_file(session, "case", {}))
        priya.sync()
        _lose(world, [priya])
        world.renew(SIDE)
        clean = world.enrol(SIDE, "Rea", ("coordinator",))
        host, admin = world.hosts[SIDE], world.admins[SIDE]
        admin.sync()
        admin.do(lambda session: recovery.permit(session, clean.device, "died", None, admin.now_ms() + DAY))

        def broken(tx: object) -> object:
            raise OSError("the disk does not answer")

        hinted: list[bytes] = []
        host.realm.on_commit = lambda logs: hinted.extend(logs)
        whole = host.realm._all_files
        host.realm._all_files = broken  # type: ignore[method-assign, assignment]
        assert not isinstance(admin.sync(), str)
        host.realm._all_files = whole  # type: ignore[method-assign]
        assert host.realm.known().recovery.permits, "durable"
        assert hinted, "nobody was told"
        assert not isinstance(admin.sync(), str)
        clean.sync()  # what it tells is the next commit
        clean.sync()
        assert [one.state for one in recovery.survey(clean.session)] == ["ready"]


def test_a_colleagues_own_phone_keeps_its_permit_until_it_has_recovered() -> None:
    """Ruth has files of her own, and asks too early: her permit is still to be used."""
    with World(7, sides=(SIDE,)) as world:
        ruth, sam = world.enrol(SIDE, "Ruth", ("coordinator",)), world.enrol(SIDE, "Sam", ("coordinator",))
        for phone in (ruth, sam):
            phone.do(lambda session: files.create_file(session, "case", {}))
            phone.sync()
        world.permit(ruth)
        ruth.sync()
        assert not recovery.has_recovered(ruth.session)
        _lose(world, [sam])
        world.renew(SIDE)
        ruth.sync()
        [ready] = [one for one in recovery.survey(ruth.session) if one.state == "ready"]
        ruth.do(lambda session: recovery.recover(session, ready.log, world.recovery[SIDE][0]))
        ruth.sync()
        assert recovery.has_recovered(ruth.session)
        world.permit(ruth)
        ruth.sync()
        assert not recovery.has_recovered(ruth.session), "another permit"
