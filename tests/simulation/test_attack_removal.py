"""Attacks on what two people remove, and on what is left when a phone wipes itself: each test says what should hold."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import pytest

import server.pages
from server.append import file_rules
from server.append.refusing import Signed
from shared_schema import ids
from shared_schema.entry import Head
from shared_schema.errors import Refused
from shared_schema.membership import encode_file_statement
from shared_schema.receipt import HEAD, head_payload
from shared_schema.removal import Erase, erase_act
from shared_schema.wire import Page, PageEntry, SyncResponse
from sync import membership, sealing
from sync.approval import sign_approval
from sync.change import Change, Op
from sync.device.people import files, standing
from sync.device.removal import removing
from sync.device.removal.removing import Part
from sync.device.session import entry_of
from sync.entry import Author, sign_statement
from sync.stub import make_stub, says_of
from tests.simulation.pair import codes, type_in, words
from tests.simulation.test_unborn import begun, deliver, genesis
from tests.world import DAY, Phone, World, patched

SIDE: Final = "perpetrator"


@pytest.fixture
def world() -> Iterator[World]:
    with World(sides=(SIDE,)) as made:
        for name, role in (("Ann", "coordinator"), ("Bob", "navigator"), ("Cat", "coordinator"), ("Dan", "navigator")):
            made.enrol(SIDE, name, (role,))
        for phone in made.phones:
            phone.sync()
        yield made


def a_case(world: World) -> tuple[Phone, Phone, Phone, Phone, bytes]:
    """Ann's and Bob's case; Cat and Dan are not in it."""
    ann, bob, cat, dan = world.phones
    log = ann.do(lambda session: files.create_file(session, "case", {bob.user: "navigator"}))
    for phone in (ann, bob):
        phone.sync()
    return ann, bob, cat, dan, log


def erasure(log: bytes, first: Phone, second: Phone, like: Phone, at: Head) -> Any:
    """An erasure of a case by two people, as they can sign it with what any server can tell them; the author saw `at`."""
    me, known = second.session.identity, second.session.registry
    until = second.now_ms() + DAY
    approval = sign_approval(first.session.sign_key, first.device, me.svc, SIDE, log, "erase", erase_act("retention"), until)
    row = like.store.entry(log, 1)
    assert row is not None
    began = membership.genesis_of(entry_of(row))
    statement = Erase("case", row.author, began.nonce, "retention", approval, known.head, bytes(32))
    author = Author(me.svc, log, me.device, 0, None, at, second.session.witness())
    return sign_statement(author, second.session.sign_key, encode_file_statement(statement))


def shown(world: World, like: Phone, log: bytes, first: Phone, second: Phone, *, from_start: bool) -> Page:
    """A page on which a server that lies shows the rest of a file, or all of it, by ids, and an erasure behind them."""
    realm, head = world.hosts[SIDE].realm, like.session.reader(log).log.head
    ghosts = [] if not from_start else [row.id for row in like.store.entries(log)]
    at = Head(head.incarnation, 0, ids.chain_start(log)) if from_start else head
    now, rows = world.clock.now_ms, list[PageEntry]()
    for n, one in enumerate([*ghosts, b"g" * 32]):
        at = Head(at.incarnation, at.seq + 1, ids.chain_next(at.chain, at.seq + 1, now, one))
        rows.append(PageEntry(one, now, (10_000 + n, bytes(32))))
    entry = erasure(log, first, second, like, at)
    at = Head(at.incarnation, at.seq + 1, ids.chain_next(at.chain, at.seq + 1, now, entry.id))
    rows.append(PageEntry([entry.cose, []], now, (20_000, bytes(32))))
    return Page(log, tuple(rows), realm.sign(HEAD, head_payload(log, at)), more=False)


def test_two_strangers_and_a_server_erase_nothing_that_a_phone_has(world: World) -> None:
    """Cat and Dan never were in the case. A server that lies shows one entry by its id alone, and their erasure behind it."""
    ann, bob, cat, dan, log = a_case(world)
    type_in(bob, log, "she has rung")
    page = shown(world, bob, log, cat, dan, from_start=False)

    def lie(response: SyncResponse) -> SyncResponse:
        return replace(response, pages=(*(one for one in response.pages if one.log != log), page))

    bob.offline = False
    bob.wire.lie = lie
    bob.sync()
    assert bob.store.secrets(log), "the file is gone from this phone"
    assert "contradiction" in codes(bob)
    bob.wire.lie = None
    for phone in (bob, ann, bob):
        phone.sync()
    assert len(ann.store.records(log, "task")) == 1
    assert not bob.session.stopped(log)


def test_an_old_copy_of_the_database_has_nothing_of_what_was_held_for_an_erased_file(world: World) -> None:
    """The copy was made while the file had not begun. The list outside the database brings its end there too."""
    ann, bob, cat, _dan = world.phones
    ann.do(lambda session: standing.suspend(session, bob.device, "lost"))
    ann.sync()
    log = begun(world, coordinator=ann)
    copy = world.fork(world.hosts[SIDE])
    assert [row[0] for row in copy.rows("SELECT count(*) FROM held")] == [2]
    first = genesis(bob, log)
    assert deliver(ann, first) == []
    ann.do(lambda session: files.add_member(session, log, cat.user, "coordinator"))
    for phone in (ann, cat):
        phone.sync()
    ann.do(lambda session: removing.ask_erase(session, log, "error"))
    for phone in (ann, cat):
        phone.sync()
    [request] = removing.waiting_for(cat.session)
    cat.do(lambda session: removing.carry_out(session, request, request.left[0]))
    cat.sync()
    assert world.hosts[SIDE].realm.gone.erased(log)
    copy.gone = world.hosts[SIDE].gone
    copy.restart()
    assert copy.rows("SELECT * FROM held") == []
    assert not copy.realm.readers.may_decide(log, ann.user)


def test_a_servers_word_wipes_nothing_that_nobody_has(world: World) -> None:
    """A revoked phone hands in what it has; the server signs `erased` for all of it, and no log says so: the words stay."""
    ann, bob, _cat, _dan, log = a_case(world)
    ann.sync()
    bob.offline = True
    type_in(bob, log, "she has rung")
    admin = world.admins[SIDE]
    admin.sync()
    admin.do(lambda session: standing.revoke(session, bob.device, "lost"))
    admin.sync()

    def lies(_commit: Any, _opened: Any, entry: Any, _author: Any) -> None:
        if entry.is_envelope:
            raise Signed(Refused("erased"))

    bob.offline = False
    with patched(file_rules, "_check_not_gone", lies):
        bob.sync()
    assert bob.session.revoked
    assert bob.store.left() == {log: 1}
    assert [row.body for row in bob.store.all_changes(log)]


LETTER: Final = bytes(range(16))


def carried_out(first: Phone, second: Phone, log: bytes, place: int, *, both: bool) -> None:
    """Two people remove the part at a place, and say that it was made from a letter; `both` when the second's app looks at nothing either."""
    first.sync()
    with patched(Part, "parcel", property(lambda _part: LETTER)):
        [part] = removing.parts_at(first.session, log, place)
        first.do(lambda session: removing.ask_expunge(session, log, [part], "error"))
    for phone in (first, second):
        phone.sync()
    [request] = removing.waiting_for(second.session)
    with patched(Part, "parcel", property(lambda _part: LETTER) if both else vars(Part)["parcel"]):
        second.do(lambda session: removing.carry_out(session, request, request.left[0]))
    second.sync()


def with_cat(world: World) -> tuple[Phone, Phone, Phone, bytes, int]:
    """Ann, Bob, and Cat in one case, and the place of what Bob wrote there."""
    ann, bob, cat, _dan, log = a_case(world)
    ann.do(lambda session: files.add_member(session, log, cat.user, "coordinator"))
    type_in(bob, log, "ring him")
    for phone in (ann, bob, ann, cat):
        phone.sync()
    return ann, bob, cat, log, ann.session.reader(log).log.head.seq


def test_a_letter_that_is_not_the_parts_own_is_not_removed_with_it(world: World) -> None:
    """Ann's request names a letter that nobody has read yet: Bob's device looks, and does not carry it out."""
    ann, bob, _cat, log, place = with_cat(world)
    with pytest.raises(Refused, match="made from another letter"):
        carried_out(ann, bob, log, place, both=False)
    assert not bob.session.require_file(log).expunged


def test_two_who_remove_a_letter_with_another_part_are_seen(world: World) -> None:
    """In league they can; every device that has the part says so."""
    ann, bob, cat, log, place = with_cat(world)
    carried_out(ann, bob, log, place, both=True)
    for phone in (ann, cat):
        phone.sync()
    assert codes(cat) == ["bad-parcel"]
    assert LETTER in cat.store.filed(log)


def stubbed(ann: Phone, bob: Phone, cat: Phone, log: bytes, *, both: bool) -> None:
    """Ann asks that Bob's first note goes. In what stands for it Cat's app writes over his second as well; `both` when Ann's app agreed to that."""

    def more(changes: Any, author: bytes, file: str, same: Any = None) -> list[Change]:
        [one] = make_stub(changes, author, file, same)
        return [one, Change(one.r, one.t, one.s, 2, one.b, one.at, (Op("what", "set", {"expunged": None}, ()),), one.unsure)]

    place = ann.session.reader(log).log.head.seq
    type_in(bob, log, "he says that he will hurt her")
    for phone in (bob, ann, cat):
        phone.sync()
    with patched(removing, "make_stub", more if both else make_stub):
        [part] = removing.parts_at(ann.session, log, place)
        ann.do(lambda session: removing.ask_expunge(session, log, [part], "error"))
    for phone in (ann, cat):
        phone.sync()
    [request] = removing.waiting_for(cat.session)
    with patched(removing, "make_stub", more):
        cat.do(lambda session: removing.carry_out(session, request, request.left[0]))
    for phone in (cat, ann, bob):
        phone.sync()


def test_nobody_writes_over_another_note_alone(world: World) -> None:
    """What stands for a part is agreed to by both."""
    ann, bob, cat, log, _place = with_cat(world)
    with pytest.raises(Refused, match="for something else"):
        stubbed(ann, bob, cat, log, both=False)
    for phone in (ann, bob, cat):
        assert "he says that he will hurt her" in words(phone, log)


def test_two_who_write_over_another_note_are_seen(world: World) -> None:
    ann, bob, cat, log, _place = with_cat(world)
    stubbed(ann, bob, cat, log, both=True)
    assert codes(bob) == ["bad-stub"]


def test_a_stub_that_was_not_agreed_to_is_a_hole(world: World) -> None:
    """The second's app says one thing in the statement and seals another."""
    ann, bob, cat, log, place = with_cat(world)
    [part] = removing.parts_at(ann.session, log, place)
    agreed = says_of(make_stub(part.changes, part.author, "case"))
    with patched(removing, "says_of", lambda _stub: agreed):
        stubbed(ann, bob, cat, log, both=False)
    assert "hole" in codes(bob)
    assert "he says that he will hurt her" in words(bob, log)


def test_what_stands_for_no_part_at_all_is_seen(world: World) -> None:
    """Bob's app seals what is no change. Two in league remove that, with a stub that says something in Bob's name."""
    ann, bob, cat, log, _place = with_cat(world)
    type_in(bob, log, "ring him again")
    seal: Any = sealing.seal_parts
    with patched(sealing, "seal_parts", lambda *given: seal(*given[:5], [b"\x00"], given[6])):
        bob.sync()
    for phone in (ann, cat):
        phone.sync()
    place = cat.session.reader(log).log.head.seq
    [whole] = removing.parts_at(ann.session, log, place)
    assert whole.changes == ()
    [earlier] = removing.parts_at(ann.session, log, place - 1)
    with patched(removing, "make_stub", lambda _changes, author, file, _same=None: make_stub(earlier.changes, author, file)):
        ann.do(lambda session: removing.ask_expunge(session, log, [whole], "error"))
        for phone in (ann, bob):
            phone.sync()
        [request] = removing.waiting_for(bob.session)
        bob.do(lambda session: removing.carry_out(session, request, request.left[0]))
    for phone in (bob, ann, cat):
        phone.sync()
    assert "bad-stub" in codes(cat)


def test_an_act_that_comes_too_late_is_not_made_earlier_unseen(world: World) -> None:
    """Ann's approval has ended, and Cat carries the erasure out with a server that turns its clock back: Bob's phone, which synced in between, says so."""
    ann, bob, cat, log, _place = with_cat(world)
    ann.do(lambda session: removing.ask_erase(session, log, "retention"))
    for phone in (ann, cat, bob):
        phone.sync()
    [request] = removing.waiting_for(cat.session)
    world.clock.advance(20 * DAY)
    bob.sync()
    realm = world.hosts[SIDE].realm
    now = realm.clock
    realm.clock = cat.session.now_ms = lambda: world.clock.now_ms - 15 * DAY
    cat.do(lambda session: removing.carry_out(session, request, request.left[0]))
    cat.sync()
    realm.clock = now
    assert ann.sync() != ""
    bob.sync()
    assert "early" in codes(bob)


def test_what_comes_in_time_raises_nothing(world: World) -> None:
    """Days between syncs, a small page, and somebody who comes back into the file."""
    ann, bob, cat, log, _place = with_cat(world)
    ann.do(lambda session: files.remove_member(session, log, cat.user))
    for phone in (ann, cat):
        phone.sync()
    for days in (1, 5):
        world.clock.advance(days * DAY)
        type_in(bob, log, f"after {days} days")
        for phone in (bob, cat):
            phone.sync()
    ann.sync()
    ann.do(lambda session: files.add_member(session, log, cat.user, "coordinator"))
    ann.sync()
    with patched(server.pages, "_RESPONSE_BYTES", 1), patched(server.pages, "_PAGE_ROWS", 1):
        cat.sync()
    cat.sync()
    assert "early" not in codes(ann) + codes(bob) + codes(cat)
