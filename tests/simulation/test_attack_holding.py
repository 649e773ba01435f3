"""Attacks on the holding area: each test says what should hold."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final, cast

import pytest

from server.append.commit import Pushed
from shared_schema import cbor, ids
from shared_schema.deposit import Deposit, decode_deposited, encode_deposit
from shared_schema.entry import ENVELOPE, Entry, Head, decode_entry, entry_header, envelope_payload
from shared_schema.errors import ProtocolError, Refused
from shared_schema.membership import Admit, encode_file_statement
from sync import audit, keys, sealing
from sync.change import Change, Op, OpId, encode_part
from sync.device.cli.holding import _sign
from sync.device.cli.status import _status
from sync.device.exchanging import outbox, syncing
from sync.device.exports import audit_files
from sync.device.money import funds
from sync.device.people import files, holding, standing
from sync.signing import sign_object
from tests.world import Phone, World, patched

SIDE: Final = "perpetrator"


@pytest.fixture
def world() -> Iterator[World]:
    with World(sides=(SIDE,)) as made:
        for name, role in (("Ann", "coordinator"), ("Bob", "navigator"), ("Mal", "navigator")):
            made.enrol(SIDE, name, (role,))
        yield made


def a_case(world: World, *more: tuple[Phone, str]) -> tuple[Phone, Phone, Phone, bytes]:
    ann, bob, mal = world.phones[:3]
    everybody = (ann, bob, mal, *(phone for phone, _ in more))
    for phone in everybody:
        phone.sync()
    members = {bob.user: "navigator", mal.user: "navigator", **{phone.user: role for phone, role in more}}
    log = ann.do(lambda session: files.create_file(session, "case", members))
    for phone in everybody:
        phone.sync()
    return ann, bob, mal, log


def note(phone: Phone, log: bytes, words: str) -> bytes:
    return phone.do(lambda session: session.write(log, None, "task", [Op("what", "set", words, ())]))


def words_of(phone: Phone, log: bytes) -> set[str]:
    return {op.value for record in phone.session.records(log).values() for op in record.registers["what"].live.values()}


def forged(
    phone: Phone, log: bytes, changes: list[Change], *, epoch: int = 1, sn: Head | None = None, sq: int | None = None, pv: bytes | None = None
) -> Entry:
    """An envelope made by hand."""
    session, who = phone.session, outbox.author(phone.session, log)
    svc, secret = session.identity.svc, session.store.secrets(log)[epoch]
    sq, pv = (who.sq + 1, who.pv) if sq is None else (sq, pv)
    protected = entry_header(ENVELOPE, author=phone.device, svc=svc, log=log, sq=sq, pv=pv, sn=sn or who.sn, ck=who.ck, epoch=epoch)
    ctx = keys.context(svc, log, epoch)
    parts = sealing.seal_parts(secret, ctx, phone.device, sq, protected, [encode_part([one]) for one in changes], session.entropy)
    return decode_entry(sign_object(session.sign_key, protected, envelope_payload(parts)), parts)


def deposit(world: World, phone: Phone, *entries: Entry) -> list[str]:
    body = encode_deposit(Deposit(tuple([entry.cose, list(entry.parts)] for entry in entries), 2**40))
    return [answer.code for answer in decode_deposited(world.hosts[SIDE].deposit(phone.device, body)).answers]


def suspend(world: World, by: Phone, target: Phone) -> None:
    by.sync()
    by.do(lambda session: standing.suspend(session, target.device, "lost"))
    by.sync()
    assert target.out


def reinstate(by: Phone, target: Phone) -> None:
    by.sync()
    by.do(lambda session: standing.reinstate(session, target.device))
    by.sync()
    assert not target.out


def held_by(phone: Phone, log: bytes) -> list[holding.Held]:
    phone.sync()
    return list(holding.fetch(phone.session, phone.wire, [log]))


def admit(phone: Phone, one: holding.Held) -> Any:
    phone.do(lambda session: holding.admit(session, one))
    return phone.sync()


def codes(phone: Phone) -> set[str]:
    return {code for _, _, _, _, code, _, _ in phone.store.alarms()}


def alarms(phone: Phone) -> list[tuple[int, str, str]]:
    return [(seq, code, text) for _, _, _, seq, code, text, _ in phone.store.alarms()]


# ---------------------------------------------------------------------------------------------------------------------


def test_two_coordinators_decide_at_once(world: World) -> None:
    """The one who comes second goes on writing in the file."""
    cas = world.enrol(SIDE, "Cas", ("coordinator",))
    ann, bob, mal, log = a_case(world, (cas, "coordinator"))
    note(mal, log, "held")
    suspend(world, bob, mal)
    assert mal.sync() == "suspended"
    [one] = held_by(ann, log)
    [same] = held_by(cas, log)
    admit(ann, one)
    with pytest.raises(ProtocolError):
        cas.do(lambda session: _sign(session, cast(Any, cas.wire), same, None))  # as `held admit` does it
    note(cas, log, "by Cas")
    for _ in range(3):
        cas.sync()
    assert cas.store.unsent() == 0


def test_a_poisoned_one_jams_its_coordinator(world: World) -> None:
    """What can never be admitted does not end the coordinator's own writing."""
    ann, bob, mal, log = a_case(world)
    suspend(world, bob, mal)
    made = Change(ids.record_id(log, mal.device, 1), "task", 1, 1, 0, world.clock.now_ms, (Op("what", "set", "poison", ()),))
    bad = forged(mal, log, [made], sn=Head(mal.session.identity.incarnation, 1, bytes(32)))
    assert deposit(world, mal, bad) == ["held"]
    [one] = held_by(ann, log)
    if not one.trouble:
        admit(ann, one)
    note(ann, log, "by Ann")
    for _ in range(3):
        ann.sync()
    assert ann.store.unsent() == 0


def test_another_incarnation_claims_to_have_seen_everything(world: World) -> None:
    """I8: what a colleague wrote after the author was out does not disappear without a decision."""
    ann, bob, mal, log = a_case(world)
    record = note(bob, log, "by Bob, first")
    bob.sync()
    mal.sync()
    suspend(world, ann, mal)
    live = bob.session.record(log, record)
    # Bob writes again, after Mal was out: the safety relevant field
    bob.do(lambda session: session.write(log, record, "task", [Op("what", "set", "BOB'S LATER WORDS", tuple(live.registers["what"].live))]))
    bob.sync()
    preds = tuple(OpId(bob.device, c, 0) for c in range(1, 5))
    ann.sync()
    place = ann.session.reader(log).log.head.seq + 1
    made = Change(record, "task", 1, 1, place - 1, world.clock.now_ms, (Op("what", "set", "Mal's", preds),))
    bad = forged(mal, log, [made], sn=Head(bytes(range(16)), 2**40, bytes(32)))
    assert deposit(world, mal, bad) == ["held"]
    found = held_by(ann, log)
    for one in found:
        if not one.trouble:
            admit(ann, one)
    bob.sync()
    assert "BOB'S LATER WORDS" in words_of(bob, log)


def test_the_role_of_what_is_admitted_depends_on_the_page(world: World) -> None:
    """I2, I12, I13: money by the role at the admission's place, whatever the page brings after it."""
    ann, bob, mal = world.phones
    fay = world.enrol(SIDE, "Fay", ("fund_holder",))
    tab = world.enrol(SIDE, "Mal", ("navigator", "fund_holder"), "Mal's tablet")
    for phone in (ann, bob, mal, fay, tab):
        phone.sync()
    log = fay.do(lambda session: files.create_file(session, "fund", {bob.user: "navigator", mal.user: "navigator"}))
    for phone in (fay, bob, mal, tab, fay, mal, tab, bob):
        phone.sync()
    suspend(world, bob, mal)
    made = Change(
        ids.record_id(log, mal.device, 1),
        "fund_line",
        1,
        1,
        0,
        world.clock.now_ms,
        (Op("kind", "set", "allotment", ()), Op("amount", "set", 5000, ())),
    )
    assert deposit(world, mal, forged(mal, log, [made])) == ["held"]
    [one] = held_by(fay, log)
    admit(fay, one)
    bob.sync()  # Bob has the admission; Fay too
    fay.do(lambda session: files.remove_member(session, log, mal.user))
    fay.sync()
    fay.do(lambda session: files.add_member(session, log, mal.user, "fund_holder"))
    fay.sync()
    bob.sync()
    late = bob.blank("Bob's phone, anew")
    late.sync()
    tab.sync()
    a, b, c = (funds.fund(phone.session, log).allotted for phone in (bob, fay, tab))
    assert a == b == c


def test_e2_is_stuck_behind_an_admitted_e1(world: World) -> None:
    """I10: what was typed behind something held reaches the log after the reinstatement, on however bad a network."""
    ann, bob, mal, log = a_case(world)
    other = mal.do(lambda session: files.create_file(session, "case", {ann.user: "coordinator"}))
    for phone in (mal, ann, mal):
        phone.sync()
    note(mal, other, "x" * 300_000)  # fills the first push of a sync
    outbox.seal_pending(mal.session)
    note(mal, log, "E1")
    suspend(world, bob, mal)
    lose_the_answer(mal)
    for one in held_by(ann, log):
        admit(ann, one)
    note(mal, log, "E2")
    deposit_, mal.wire.deposit = mal.wire.deposit, offline  # type: ignore[method-assign, assignment]
    assert mal.sync() == "suspended"  # E2 is sealed behind E1; the request does not arrive
    mal.wire.deposit = deposit_  # type: ignore[method-assign]
    reinstate(ann, mal)
    for _ in range(4):
        mal.sync()
        ann.sync()
    assert "E2" in words_of(ann, log)


def offline(*_: Any) -> bytes:
    raise Refused("offline")


def test_a_statement_in_the_way_of_who_was_removed(world: World) -> None:
    """What a removed coordinator typed is held, though a statement of theirs waited before it."""
    cas = world.enrol(SIDE, "Cas", ("coordinator",))
    ann, _bob, mal, log = a_case(world, (cas, "coordinator"))
    cas.offline = True
    cas.do(lambda session: files.remove_member(session, log, mal.user))
    cas.sync()
    note(cas, log, "typed by Cas")
    ann.do(lambda session: files.remove_member(session, log, cas.user))
    ann.sync()
    cas.offline = False
    for _ in range(4):
        cas.sync()
    assert cas.store.held() == 1
    assert len(held_by(ann, log)) == 1


def test_nobody_may_let_it_in(world: World) -> None:
    """A navigator's own case has no coordinator: after a mistaken suspension the work must still reach the file."""
    ann, bob, mal = world.phones
    for phone in (ann, bob, mal):
        phone.sync()
    log = mal.do(lambda session: files.create_file(session, "case", {bob.user: "navigator"}))
    for phone in (mal, bob):
        phone.sync()
    note(mal, log, "a week's work")
    suspend(world, bob, mal)
    assert mal.sync() == "suspended"
    reinstate(ann, mal)
    for _ in range(3):
        for phone in (mal, bob, ann):
            phone.sync()
    assert "a week's work" in words_of(bob, log)


def test_the_auditor_sees_what_a_device_sees(world: World) -> None:
    """A server that takes an admission of an envelope which claims another history: void on devices, and in the audit."""
    ann, bob, mal, log = a_case(world)
    suspend(world, bob, mal)
    made = Change(ids.record_id(log, mal.device, 1), "task", 1, 1, 0, world.clock.now_ms, (Op("what", "set", "poison", ()),))
    bad = forged(mal, log, [made], sn=Head(mal.session.identity.incarnation, 1, bytes(32)))
    assert deposit(world, mal, bad) == ["held"]
    [_one] = held_by(ann, log)
    from sync import log as log_rules

    with patched(log_rules, "check_carried", lambda *_: None):  # the server's
        payload = encode_file_statement(Admit(bad.cose, ann.session.registry.head, ann.session.require_file(log).previous))
        entry = ann.do(lambda session: outbox.put_admission(session, log, payload, [part or b"" for part in bad.parts]))
        host = world.hosts[SIDE]
        pushed: Pushed = host.push(([entry.cose, list(entry.parts)],), host.sender(ann.device))
        assert [answer.code for answer in pushed.answers] == ["accepted"]
        host.realm.sequence()
    bob.sync()
    assert any(code.startswith("void") for code in codes(bob))
    export = audit_files.from_store(bob.session)
    found = audit.verify_export(export, bob.session.identity.authority)
    assert any(finding.code.startswith("void") for finding in found.findings)


def test_what_was_refused_and_then_edited_is_no_orphan(world: World) -> None:
    """The author sees a record that nobody else will ever see, and can go on editing it as if it were there."""
    ann, bob, mal, log = a_case(world)
    record = note(mal, log, "first words")
    suspend(world, bob, mal)
    assert mal.sync() == "suspended"
    [one] = held_by(ann, log)
    ann.do(lambda session: holding.refuse(session, one, "not_authentic"))
    ann.sync()
    reinstate(ann, mal)
    mal.sync()
    assert words_of(mal, log) == set(), "it counts nowhere, and is kept"
    assert len(mal.session.store.not_let_in(log)) == 1
    with pytest.raises(Refused, match="not in the file"):
        mal.do(lambda session: session.write(log, record, "task", [Op("what", "set", "second words", ())]))
    mal.sync()
    bob.sync()
    there = bob.session.records(log)
    assert all(found.type for found in there.values()), "a record that nobody can read properly, for ever"


def test_a_refused_spend_gives_its_money_back(world: World) -> None:
    """Money: what the fund holder did not let in is not taken from what this device may still spend."""
    ann, bob, mal = world.phones
    fay = world.enrol(SIDE, "Fay", ("fund_holder",))
    for phone in (ann, bob, mal, fay):
        phone.sync()
    log = fay.do(lambda session: files.create_file(session, "fund", {bob.user: "navigator", mal.user: "navigator"}))
    case = mal.do(lambda session: files.create_file(session, "case", {ann.user: "coordinator"}))
    for phone in (fay, mal, ann, bob, fay, mal):
        phone.sync()
    fay.do(lambda session: funds.allot(session, log, 10_000, "council", "2026"))
    fay.do(lambda session: funds.allow(session, log, mal.device, 5_000, "2027-01-01"))
    fay.sync()
    mal.sync()
    mal.do(lambda session: funds.spend(session, case, log, {"amount": 4_000, "item": "boots"}))
    suspend(world, bob, mal)
    assert mal.sync() == "suspended"
    [one] = held_by(fay, log)
    fay.do(lambda session: holding.refuse(session, one, "duplicate"))
    fay.sync()
    reinstate(ann, mal)
    mal.sync()
    bob.sync()
    mine, theirs = funds.fund(mal.session, log), funds.fund(bob.session, log)
    assert mine.remaining == theirs.remaining


def test_what_is_shown_before_deciding_is_what_is_let_in(world: World) -> None:
    """A part that will be a hole is not shown as if it would count."""
    ann, bob, mal, log = a_case(world)
    suspend(world, bob, mal)
    made = Change(ids.record_id(log, mal.device, 1), "task", 1, 1, 900, world.clock.now_ms, (Op("what", "set", "looks fine", ()),))
    assert deposit(world, mal, forged(mal, log, [made])) == ["held"]
    [one] = held_by(ann, log)
    seen = {op.value for record in one.records for op in record.registers["what"].live.values()}
    if not one.trouble:
        admit(ann, one)
    assert one.trouble or words_of(ann, log) == seen


def test_a_number_used_before_is_not_shown_as_new(world: World) -> None:
    """What would have no effect, since its change number stands already, is not shown as if it would."""
    ann, bob, mal, log = a_case(world)
    note(mal, log, "what stands")
    mal.sync()
    suspend(world, bob, mal)
    made = Change(ids.record_id(log, mal.device, 1), "task", 1, 1, 0, world.clock.now_ms, (Op("what", "set", "something else", ()),))
    assert deposit(world, mal, forged(mal, log, [made])) == ["held"]
    [one] = held_by(ann, log)
    seen = {op.value for record in one.records for op in record.registers["what"].live.values()}
    if not one.trouble:
        admit(ann, one)
    assert one.trouble or seen <= words_of(ann, log)


def test_an_edit_is_shown_with_what_it_edits(world: World) -> None:
    """`held show` of an edit to a record that is there: which record, and what it had said."""
    ann, bob, mal, log = a_case(world)
    record = note(bob, log, "by Bob")
    for phone in (bob, mal):
        phone.sync()
    live = tuple(mal.session.record(log, record).registers["what"].live)
    mal.do(lambda session: session.write(log, record, "task", [Op("done", "set", True, ())]))
    mal.do(lambda session: session.write(log, record, "task", [Op("what", "set", "changed by Mal", live)]))
    suspend(world, bob, mal)
    mal.sync()
    [one] = held_by(ann, log)
    assert all(r.type for r in one.records)


def test_a_lie_about_held_does_not_end_status(world: World) -> None:
    """A server that names a file which this device does not know."""
    ann = a_case(world)[0]
    ann.wire.lie = lambda response: replace(response, held=((bytes(16), 3),))
    ann.sync()
    assert _status(ann.session, everything=False)["unsent"] == 0


def test_a_big_hand_in_goes_in_one_call(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that was typed is held after one attempt, however many requests that takes."""
    _ann, bob, mal, log = a_case(world)
    with monkeypatch.context() as patch, patched(outbox, "_ENTRY_ROOM", 2000):
        patch.setattr(syncing._choose, "__defaults__", (3000,))
        for n in range(40):
            note(mal, log, f"{n}" * 100)
        suspend(world, bob, mal)
        assert mal.sync() == "suspended"
        assert mal.store.unsent() == 0


def test_who_was_removed_learns_nothing_of_the_decisions(world: World) -> None:
    """The quota of what is undecided tells that something was decided."""
    from shared_schema import limits

    ann, _bob, mal, log = a_case(world)
    with patched(limits, "HELD_ENTRIES", 2):
        ann.do(lambda session: files.remove_member(session, log, mal.user))
        ann.sync()
        made = [
            forged(mal, log, [Change(ids.record_id(log, mal.device, c), "task", 1, c, 0, 1, (Op("what", "set", str(c), ()),))]) for c in range(1, 5)
        ]
        assert deposit(world, mal, *made[:2]) == ["held", "held"]
        assert deposit(world, mal, made[2]) == ["quota"]
        [first, _] = held_by(ann, log)
        ann.do(lambda session: holding.refuse(session, first, "other"))
        ann.sync()
        assert deposit(world, mal, made[2]) == ["quota"], "Mal knows now that a decision was made"


def lose_the_answer(phone: Phone) -> None:
    """A sync of a suspended device whose deposit arrives and whose answer does not."""
    passed = phone.wire.deposit

    def lost(session: Any, body: bytes) -> bytes:
        passed(session, body)
        raise Refused("offline")

    phone.wire.deposit = lost  # type: ignore[method-assign]
    try:
        assert phone.sync() == "suspended"
    finally:
        phone.wire.deposit = passed  # type: ignore[method-assign]


def test_a_refusal_is_told_though_the_verdict_was_lost(world: World) -> None:
    """Who was not let in hears that, and does not wait for ever."""
    ann, bob, mal, log = a_case(world)
    note(mal, log, "E1")
    suspend(world, bob, mal)
    lose_the_answer(mal)
    [one] = held_by(ann, log)
    ann.do(lambda session: holding.refuse(session, one, "not_authentic"))
    ann.sync()
    reinstate(ann, mal)
    for _ in range(3):
        mal.sync()
    assert mal.store.held() == 0
    assert [item.code for item in mal.store.outbox(log)] == ["final:refused"]


def test_a_suspended_device_seals_nothing_for_who_was_revoked(world: World) -> None:
    """I5: it has applied the revocation, and nobody has rotated: what it seals the revoked device could read."""
    ann, bob, mal, log = a_case(world)
    office = world.admins[SIDE]
    office.sync()
    office.do(lambda session: standing.revoke(session, mal.device, "stolen"))
    office.sync()
    with patched(syncing, "_tend", lambda *_: False):  # nobody's phone has rotated yet
        bob.sync()
        assert bob.session.registry.devices[mal.device].revoked is not None
        note(bob, log, "not for Mal")
        assert bob.sync() and not bob.store.outbox(log), "in standing it waits for the rotation"
        suspend(world, ann, bob)
        bob.sync()
    rows = world.hosts[SIDE].rows("SELECT cose, parts FROM held WHERE log_id = ?", log)
    if not rows:  # it stays on the device until somebody has rotated
        assert bob.store.unsent() == 1
        return
    row = rows[0]
    entry = decode_entry(row[0], cbor.decode(row[1]))
    ctx = keys.context(entry.svc, log, entry.epoch or 0)
    opened = False
    for secret in mal.store.secrets(log).values():
        try:
            sealing.open_part(secret, ctx, entry.author, entry.sq, entry.sign1.protected, entry.parts[0] or b"", 0, 1)
            opened = True
        except ProtocolError:
            pass
    assert not opened, "I5"


def test_what_was_held_is_not_in_the_log_twice_over(world: World) -> None:
    """What the server holds is not sealed again: the first push after the reinstatement has not room for all of it."""
    ann, bob, mal, log = a_case(world)
    defaults = syncing._choose.__defaults__
    with patched(outbox, "_ENTRY_ROOM", 2000):
        for n in range(12):
            note(mal, log, f"{n}" * 200)
        suspend(world, bob, mal)
        lose_the_answer(mal)
        found = held_by(ann, log)
        assert len(found) == 4
        reinstate(ann, mal)
        with patched(syncing, "_FIRST_PUSH_BYTES", 3000):
            for _ in range(6):
                mal.sync()
    bob.sync()
    assert words_of(bob, log) == set(), "held, and in the log all the same, without a decision"
    assert defaults == syncing._choose.__defaults__


def test_admitting_what_stands_already_is_refused(world: World) -> None:
    """What stands in the log is not admitted too, though the server may hold a copy of it."""
    ann, _bob, mal, log = a_case(world)
    note(mal, log, "stands")
    mal.sync()
    host = world.hosts[SIDE]
    [row] = host.rows("SELECT cose, parts, entry_id FROM entry WHERE log_id = ? AND author = ?", log, mal.device)
    ann.sync()
    held = {"log_id": log, "n": 1, "entry_id": row[2], "author": mal.device, "held_ms": 1, "outcome": "", "cose": row[0], "parts": row[1]}
    host.realm.transact([lambda commit: commit.batch.held.append(held)])
    payload = encode_file_statement(Admit(row[0], ann.session.registry.head, ann.session.require_file(log).previous))
    entry = ann.do(lambda session: outbox.put_admission(session, log, payload, cbor.decode(row[1])))
    pushed = host.push(([entry.cose, list(entry.parts)],), host.sender(ann.device))
    assert [answer.code for answer in pushed.answers] == ["stale-statement"]


def test_a_lying_server_has_good_work_admitted(world: World) -> None:
    """It withholds what a device in good standing sent, shows it as held, and then takes it too: the device does not freeze."""
    ann, _bob, mal, log = a_case(world)
    note(mal, log, "E1")
    outbox.seal_pending(mal.session)
    [item] = mal.store.outbox(log)
    from server.append import holding

    host = world.hosts[SIDE]
    payload = encode_file_statement(Admit(item.cose, ann.session.registry.head, ann.session.require_file(log).previous))
    ann.do(lambda session: outbox.put_admission(session, log, payload, cbor.decode(item.parts)))
    with patched(holding, "settle", lambda *_: None):
        ann.sync()
    with patched(syncing, "_choose", lambda *_, **__: []):  # as if the server had not heard what was pushed
        mal.sync()  # sees E1 in the log, by Ann's admission
    assert not mal.store.outbox(log)
    note(mal, log, "E2")
    # what Mal had sent arrives now, by the server's own hand
    pushed: Pushed = host.push(([item.cose, cbor.decode(item.parts)],), host.sender(mal.device))
    host.realm.sequence()
    assert [a.code for a in pushed.answers] == ["accepted"]
    for _ in range(3):
        mal.sync()
    assert not mal.store.fact("frozen")
