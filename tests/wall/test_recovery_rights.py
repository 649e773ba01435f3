"""Recovery is no back door: whom the server serves, what it takes, what readers say to a server that takes more, and how it ends."""

from collections.abc import Iterator
from typing import Final

import pytest

from server.append import file_rules
from shared_schema import cbor, limits
from shared_schema.certificate import encode_registry_statement
from shared_schema.entry import Entry, encode_pair
from shared_schema.errors import Refused
from shared_schema.membership import encode_file_statement
from shared_schema.recovery import Close, Permit, recover_bound
from sync import membership
from sync.change import Op
from sync.device.exchanging.outbox import put_statement
from sync.device.people import files, recovery, standing
from sync.entry import Author, sign_statement
from sync.granting import Granter
from sync.membership import FileState
from sync.registry import Registry
from tests.simulation.pair import codes
from tests.world import DAY, Phone, World, patched

SIDE: Final = "perpetrator"


class Side:
    """Priya and Sam share a case; Sam has one alone; Rea has a clean machine and is in no file."""

    def __init__(self, world: World) -> None:
        self.world, self.host, self.admin = world, world.hosts[SIDE], world.admins[SIDE]
        self.priya, self.sam, self.rea = (
            world.enrol(SIDE, name, roles) for name, roles in (("Priya", ("coordinator",)), ("Sam", ("navigator",)), ("Rea", ("coordinator",)))
        )
        for phone in (self.priya, self.sam, self.rea):
            phone.sync()
        self.shared = self.begin(self.priya, self.sam)
        self.alone = self.begin(self.sam)

    def begin(self, by: Phone, *others: Phone) -> bytes:
        log = by.do(lambda session: files.create_file(session, "case", {other.user: "navigator" for other in others}))
        self.write(by, log, "seen")
        by.sync()
        return log

    @staticmethod
    def write(phone: Phone, log: bytes, words: str) -> None:
        phone.do(lambda session: session.write(log, None, "task", [Op("what", "set", words, ())]))

    def lose(self, *phones: Phone) -> None:
        for phone in phones:
            self.admin.sync()
            self.admin.do(lambda session, phone=phone: standing.revoke(session, phone.device, "lost"))  # type: ignore[misc]
            self.admin.sync()

    def has(self, phone: Phone) -> set[bytes]:
        phone.sync()
        return set(phone.session.file_logs())

    def bring_back(self, phone: Phone) -> set[bytes]:
        phone.sync()
        done = set()
        for one in recovery.survey(phone.session):
            for secret in self.world.recovery[SIDE]:
                if one.state == "ready" and one.key == secret.id:
                    phone.do(lambda session, log=one.log, secret=secret: recovery.recover(session, log, secret))  # type: ignore[misc]
                    done.add(one.log)
        phone.sync()
        return done


@pytest.fixture
def side() -> Iterator[Side]:
    with World(sides=(SIDE,)) as world:
        yield Side(world)


def test_only_what_nobody_holds_is_served(side: Side) -> None:
    """Not before the permit, not of the files that a phone in standing holds, not after the end."""
    side.lose(side.sam)
    side.world.renew(SIDE)
    assert side.has(side.rea) == set()
    side.world.permit(side.rea)
    assert side.has(side.rea) == {side.alone}
    assert not side.rea.store.secrets(side.alone)
    side.lose(side.priya)
    assert side.has(side.rea) == {side.alone, side.shared}
    third = side.world.enrol(SIDE, "Bo", ("coordinator",))
    assert side.has(third) == set(), "the permit is Rea's machine's alone"


def test_what_is_served_ends_with_the_permit(side: Side) -> None:
    side.lose(side.sam, side.priya)
    side.world.renew(SIDE)
    for end in ("close", "time", "revocation"):
        clean = side.world.enrol(SIDE, f"Rea {end}", ("coordinator",))
        side.world.permit(clean)
        if end == "close":
            side.admin.sync()
            side.admin.do(lambda session, clean=clean: recovery.close(session, clean.device))  # type: ignore[misc]
            side.admin.sync()
        elif end == "time":
            side.world.clock.advance(3 * DAY + 1)
        else:
            side.lose(clean)
        assert side.has(clean) == set(), end
        assert clean.sync() == "revoked" if end == "revocation" else True


def test_for_one_file_only(side: Side) -> None:
    side.lose(side.sam, side.priya)
    side.world.renew(SIDE)
    side.world.permit(side.rea, (side.alone,))
    assert side.has(side.rea) == {side.alone}
    assert side.bring_back(side.rea) == {side.alone}


def test_the_server_knows_it_after_a_restart(side: Side) -> None:
    side.lose(side.sam, side.priya)
    side.world.renew(SIDE)
    side.world.permit(side.rea)
    side.host.restart()
    assert side.has(side.rea) == {side.alone, side.shared}
    side.bring_back(side.rea)
    side.host.restart()
    side.write(side.rea, side.shared, "after the restart")
    side.rea.sync()
    assert side.rea.store.unsent() == 0
    assert side.host.realm.readers.may_decide(side.shared, side.rea.user), "as a member, in her role"


def test_a_members_role_follows_how_they_brought_it_back(side: Side) -> None:
    """Sam was in the case as a navigator; with a coordinator's new phone he brings it back as one."""
    side.lose(side.sam, side.priya)
    side.world.renew(SIDE)
    clean = side.world.enrol(SIDE, "Sam", ("coordinator", "navigator"), "Sam's new phone")
    side.world.permit(clean)
    assert side.bring_back(clean) == {side.alone, side.shared}
    assert clean.session.require_file(side.shared).members[clean.user] == "coordinator"
    rows = side.host.rows("SELECT role FROM member WHERE log_id = ? AND user_id = ? AND to_seq IS NULL", side.shared, clean.user)
    assert [row[0] for row in rows] == ["coordinator"]
    side.host.restart()
    assert side.host.realm.readers.may_decide(side.shared, clean.user)


def by_hand(side: Side, phone: Phone, log: bytes, shares: int = -2) -> list[object]:
    """A recovery in good order, made by any phone whatever its rights, as a travelling pair."""
    known, secret = side.host.realm.known(), side.world.recovery[SIDE][shares]
    with side.host.engine.connect() as tx, tx.begin():
        opened = side.host.realm.load(tx, log)
    assert opened is not None
    assert opened.file is not None
    by = secret.sign_key.sign(recover_bound(known.svc, log, phone.device, opened.file.previous))
    statement = Granter(known.svc, log, phone.device, known).recover(opened.file, {}, phone.entropy(32), (phone.user, "coordinator"), by)
    last = opened.head.authors.get(phone.device)
    author = Author(known.svc, log, phone.device, last.sq if last else 0, last.id if last else None, opened.head.head, phone.session.witness())
    entry = sign_statement(author, phone.session.sign_key, encode_file_statement(statement))
    return list(cbor.decode(encode_pair(entry.cose, ())))


def test_a_file_that_may_not_be_recovered_is_no_file(side: Side) -> None:
    """W3: without a permit, with one for another file, and after its end, the answer is the one for a file that does not exist."""
    side.lose(side.sam, side.priya)
    side.world.renew(SIDE)
    answers = [side.host.push((by_hand(side, side.rea, side.alone),), side.host.sender(side.rea.device)).answers[0]]
    side.world.permit(side.rea, (side.alone,))
    side.rea.sync()
    answers.append(side.host.push((by_hand(side, side.rea, side.shared),), side.host.sender(side.rea.device)).answers[0])
    late = by_hand(side, side.rea, side.alone)
    side.world.clock.advance(4 * DAY)
    answers.append(side.host.push((late,), side.host.sender(side.rea.device)).answers[0])
    assert {(answer.code, answer.message, answer.signed) for answer in answers} == {("no-such-file", answers[0].message, None)}


def test_a_member_whose_time_is_over(side: Side) -> None:
    """Sam's new phone is told more, for Sam is in the file: but it is refused all the same."""
    side.lose(side.sam, side.priya)
    side.world.renew(SIDE)
    clean = side.world.enrol(SIDE, "Sam", ("coordinator",), "Sam's new phone")
    side.world.permit(clean)
    clean.sync()
    pair = by_hand(side, clean, side.alone)
    side.world.clock.advance(3 * DAY + 1)
    assert side.host.push((pair,), side.host.sender(clean.device)).answers[0].code == "not-permitted"


def test_a_permit_is_open_for_a_fortnight_at_most(side: Side) -> None:
    admin = side.admin
    for until, taken in ((limits.PERMIT_MS + 1, False), (-1, False), (limits.PERMIT_MS, True)):
        admin.sync()
        statement = Permit(side.rea.device, None, "died", side.world.clock.now_ms + until)
        entry = admin.do(lambda session, statement=statement: put_statement(session, session.registry.log, encode_registry_statement(statement)))  # type: ignore[misc]
        code = side.host.push(([entry.cose, []],), side.host.sender(admin.device)).answers[0].code
        assert (code == "accepted") == taken
        if not taken:
            admin.store.drop_outbox(admin.store.outbox()[0].n)
    with pytest.raises(Refused, match="at most 14 days"):
        recovery.permit(admin.session, side.rea.device, "died", None, side.world.clock.now_ms + 15 * DAY)


def test_a_server_that_takes_more_convinces_nobody(side: Side) -> None:
    """It lets a machine in that nobody permitted: void, alarmed, and a member's phone goes on."""
    side.world.renew(SIDE)
    for phone in (side.priya, side.sam):
        phone.sync()
    pair, honest = by_hand(side, side.rea, side.shared), membership.take

    def take(state: FileState | None, entry: Entry, known: Registry, received_ms: int) -> FileState | None:
        return membership.skip(state, entry) if entry.author == side.rea.device else honest(state, entry, known, received_ms)

    with (
        patched(file_rules, "may_look", lambda *_: True),
        patched(file_rules, "may_recover", lambda *_: True),
        patched(membership, "take", take),
    ):
        assert side.host.push((pair,), side.host.sender(side.rea.device)).answers[0].code == "accepted"
    report = side.sam.sync()
    assert not isinstance(report, str)
    assert report.contradictions == []
    assert "void:not-permitted" in codes(side.sam)
    state = side.sam.session.require_file(side.shared)
    assert side.rea.user not in state.members
    assert side.rea.device not in state.holders
    assert not state.blocked, "Sam's phone has signed a valid epoch"


def test_a_recovery_that_was_overtaken_holds_up_nothing(side: Side) -> None:
    """The permit ends while a recovery waits on the machine: it is dropped, and a later permit works."""
    side.lose(side.sam, side.priya)
    side.world.renew(SIDE)
    side.world.permit(side.rea)
    side.rea.sync()
    old = side.world.recovery[SIDE][-2]
    side.rea.do(lambda session: recovery.recover(session, side.alone, old))
    side.admin.sync()
    side.admin.do(lambda session: recovery.close(session, side.rea.device))
    side.admin.sync()
    side.rea.sync()
    recovery.drop_moot(side.rea.session)
    assert not side.rea.store.outbox()
    side.world.permit(side.rea)
    assert side.bring_back(side.rea) == {side.alone, side.shared}


def test_two_machines_at_once(side: Side) -> None:
    """Each file is brought back once: the second finds it held."""
    side.lose(side.sam, side.priya)
    side.world.renew(SIDE)
    other = side.world.enrol(SIDE, "Bo", ("coordinator",))
    for phone in (side.rea, other):
        side.world.permit(phone)
    for phone in (side.rea, other):
        phone.sync()
    old = side.world.recovery[SIDE][-2]
    for phone in (side.rea, other):
        phone.do(lambda session: recovery.recover(session, side.alone, old))
    side.rea.sync()
    other.sync()
    assert {one.state for one in recovery.survey(side.rea.session) if one.log == side.alone} == {"held"}
    state = side.rea.session.require_file(side.alone)
    assert other.device not in state.holders
    assert not [item for item in other.store.outbox() if not item.dead], "refused for good, as overtaken"


def test_close_by_whoever_may(side: Side) -> None:
    side.world.permit(side.rea)
    for phone in (side.priya, side.rea):
        phone.sync()
    with pytest.raises(Refused, match="only an administrator"):
        recovery.close(side.priya.session, side.rea.device)
    entry = side.priya.do(lambda session: put_statement(session, session.registry.log, encode_registry_statement(Close(side.rea.device))))
    assert side.host.push(([entry.cose, []],), side.host.sender(side.priya.device)).answers[0].code == "not-permitted"
    side.rea.do(lambda session: recovery.close(session, side.rea.device))
    side.rea.sync()
    assert not side.rea.store.outbox()
    assert side.host.realm.known().recovery.permits_at(side.rea.device, side.host.realm.known().seq) is None
