"""Everything that must not cross, or not be believed: swapped keys, other senders, other files, replays, those who have left."""

from collections.abc import Iterator
from typing import Any

import pytest

from shared_schema import cbor, cose, ids
from shared_schema.errors import BadGrant, Malformed, Refused
from shared_schema.parcel import PASS as PASS_TYP
from shared_schema.parcel import Contents, Parcel, Publication, decode_contents, decode_parcel, encode_publication, parcel_map, pass_payload, week_of
from sync import letters
from sync.device.across import board, cases, posting
from sync.device.people import files
from sync.keys import ReceivingKey, seal
from sync.letters import FileKeys, open_parcel, seal_parcel, sign_gate, sign_letter
from sync.parcel import chain_to
from sync.signing import SigningKey, sign_object
from tests.wall.test_parcels import CASE, WEEK, Town, begin, notices, open_desk
from tests.wall.test_parcels import town as town
from tests.world import HOUR, NONE, REPLY_LOST, Phone, World


def pass_for(town: Town, parcel: Parcel, side: str = "perpetrator") -> bytes:
    """What the sender's server would sign."""
    realm = town.world.hosts[side].realm  # type: ignore[index]
    return realm.sign(PASS_TYP, pass_payload(parcel, town.world.clock.now_ms))


def chain(phone: Phone) -> tuple[bytes, ...]:
    """The entries that certify a phone."""
    known = phone.session.registry
    return tuple(row.cose for place in chain_to(known, phone.device) for row in phone.session.store.entries(known.log, place - 1, place))


def desk_keys(town: Town) -> list[FileKeys]:
    return board.file_keys(town.jo.session, town.desk)


def make(town: Town, by: Phone | None = None, **changed: Any) -> tuple[Parcel, bytes]:
    """A parcel with a notice for the desk, as Sam's phone seals it, but for what is `changed`; and its pass."""
    phone = by or town.sam
    session, here = phone.session, desk_keys(town)[0]
    week = changed.get("week", week_of(town.world.clock.now_ms))
    letter_id = changed.get("id", b"i" * 16)
    letter = sign_letter(
        changed.get("sign_key", session.sign_key), session.identity.device, session.identity.svc, changed.get("side", "perpetrator"),
        changed.get("to", here.address), changed.get("letter_id", letter_id), changed.get("kind", "notice"), 1,
        changed.get("body", {"case": CASE, "notice": "contact_made"}),
    )  # fmt: skip
    contents = Contents(letter, changed.get("chain", chain(phone)))
    root = changed.get("root", session.registry.root_id)
    parcel = seal_parcel(
        contents, svc=session.identity.svc, side="perpetrator", address=here.address, week=week, key=here.week(week).public,
        letter_id=letter_id, root=root, fixed=False,
    )  # fmt: skip
    return parcel, changed.get("passed", pass_for(town, parcel))


def opened(town: Town, parcel: Parcel, passed: bytes, file: str = "intake") -> Any:
    return open_parcel(parcel, passed, desk_keys(town), file, town.jo.session.identity.authority)


def test_what_is_right_opens(town: Town) -> None:
    found = opened(town, *make(town))
    assert found.letter.body["notice"] == "contact_made"
    assert found.sender.subject.name == "Sam"


@pytest.mark.parametrize(
    "changed",
    [
        {"sign_key": SigningKey(b"x" * 32)},
        {"side": "victim"},
        {"to": b"a" * 16},
        {"letter_id": b"j" * 16},
        {"kind": "instruction"},
        {"kind": "no_such_thing"},
        {"root": b"r" * 32},
    ],
    ids=lambda changed: next(iter(changed)) + ":" + str(next(iter(changed.values())))[:12],
)
def test_what_is_not_right_does_not(town: Town, changed: dict[str, Any]) -> None:
    with pytest.raises((Malformed, Refused)):
        opened(town, *make(town, **changed))


def test_certificates_of_another_device_side_or_service(town: Town) -> None:
    for wrong in (chain(town.ruth), chain(town.jo), chain(town.sam)[:-1], chain(town.sam)[1:], (), (*chain(town.sam), chain(town.sam)[-1])):
        with pytest.raises((Malformed, Refused)):
            opened(town, *make(town, chain=wrong))
    with pytest.raises((Malformed, Refused)):
        open_parcel(*make(town), desk_keys(town), "intake", b"f" * 32)


def test_the_pass_of_another_parcel_or_server(town: Town) -> None:
    parcel, _ = make(town)
    other, passed = make(town, id=b"k" * 16)
    stranger = SigningKey(b"s" * 32)
    forged = sign_object(stranger, cose.protected_header(PASS_TYP, ids.server_key_id(stranger.public), parcel_svc(town)), pass_payload(parcel, 1))
    for wrong in (passed, forged, pass_for(town, parcel, "victim")):
        with pytest.raises((Malformed, Refused)):
            opened(town, parcel, wrong)
    assert opened(town, other, passed)


def parcel_svc(town: Town) -> bytes:
    return town.sam.session.identity.svc


def test_a_role_that_may_not_send_it(town: Town) -> None:
    holder = town.world.enrol("perpetrator", "Fay", ("fund_holder",))
    holder.sync()
    with pytest.raises(Refused, match="sends a notice"):
        opened(town, *make(town, by=holder))
    with pytest.raises(Refused, match="may not send"):
        posting.post(holder.session, town.case, "notice", {"case": CASE, "notice": "contact_made"})


@pytest.mark.parametrize("field", ["address", "week", "id", "root", "sealed", "fixed"])
def test_every_field_is_bound(town: Town, field: str) -> None:
    parcel, passed = make(town)
    changes: dict[str, Any] = {
        "address": b"a" * 16, "week": parcel.week - 1, "id": b"j" * 16, "root": b"r" * 32, "sealed": parcel.sealed[:-1] + bytes([parcel.sealed[-1] ^ 1])
    }  # fmt: skip
    if field == "fixed":  # decides whether an old week is taken, and nothing else: it is the sender's server's to judge
        assert opened(town, parcel._replace(fixed=True), passed)
        return
    changed = parcel._replace(**{field: changes[field]})
    for word in (passed, pass_for(town, changed)):
        with pytest.raises((Malformed, Refused)):
            opened(town, changed, word)


@pytest.mark.parametrize("how", ["not zeros", "another size", "a length beyond the end"])
def test_padding_that_hides_something(town: Town, how: str) -> None:
    key = desk_keys(town)[0]
    parcel, _ = make(town)
    plain = key.week(parcel.week).open(parcel.sealed, info(town, parcel))
    spoilt = {"not zeros": plain[:-1] + b"\x01", "another size": plain + bytes(16), "a length beyond the end": b"\xff" * 4 + plain[4:]}[how]
    changed = parcel._replace(sealed=seal(key.week(parcel.week).public, info(town, parcel), spoilt))
    with pytest.raises((Malformed, Refused)):
        opened(town, changed, pass_for(town, changed))


def info(town: Town, parcel: Parcel) -> bytes:
    return letters.info(parcel_svc(town), "perpetrator", parcel.address, parcel.week, parcel.id, parcel.root)


def test_a_bad_parcel_holds_up_no_other(town: Town) -> None:
    """It is an alarm with the evidence, and the next one is taken."""
    bad, _ = make(town, kind="instruction")
    for parcel in (bad, make(town, id=b"k" * 16)[0]):
        body = cbor.encode({"v": 1, "parcels": [parcel_map(parcel)]})
        town.sam.wire.signed(town.sam.session, "POST", "/v1/parcels", body)
    town.sync(town.jo)
    assert len(notices(town.jo, town.desk)) == 1
    assert [alarm[4] for alarm in town.jo.session.store.alarms()] == ["bad-parcel"]


def test_taken_once_for_ever(town: Town) -> None:
    parcel, _ = make(town)
    body = cbor.encode({"v": 1, "parcels": [parcel_map(parcel)]})
    first = cbor.decode(town.sam.wire.signed(town.sam.session, "POST", "/v1/parcels", body))
    again = cbor.decode(town.ruth.wire.signed(town.ruth.session, "POST", "/v1/parcels", body))
    assert first == again
    other = parcel._replace(sealed=parcel.sealed[::-1])
    spent = cbor.decode(town.sam.wire.signed(town.sam.session, "POST", "/v1/parcels", cbor.encode({"v": 1, "parcels": [parcel_map(other)]})))
    assert spent["answers"][0]["code"] == "parcel-spent"
    town.sync(town.jo, town.jo)
    assert len(notices(town.jo, town.desk)) == 1


def test_a_swapped_key_is_never_sealed_to(town: Town) -> None:
    """A server, or somebody on its line, that shows a key of its own for the desk."""
    town.world.clock.advance(WEEK)
    town.sync(town.jo)
    wire, honest = town.sam.wire, town.sam.wire.signed
    stranger = FileKeys(parcel_svc(town), "victim", town.desk, 1, b"z" * 32)
    week = week_of(town.world.clock.now_ms)

    def lying(session: Any, method: str, path: str, body: bytes = b"") -> bytes:
        if path != "/v1/desk":
            return honest(session, method, path, body)
        answer = cbor.decode(honest(session, method, path, body))
        gate = sign_gate(SigningKey(b"g" * 32), parcel_svc(town), "victim", stranger.address, stranger.address_key.public, week, week)
        [key] = stranger.publish(week, week, stranger.address_key)
        return cbor.encode([answer | {"key": key}, answer | {"gate": gate, "key": key}][lies.pop()])

    lies = [0, 1]
    wire.signed = lying  # type: ignore[method-assign]
    before = board.desk(town.sam.session)
    for _ in range(2):
        town.sync(town.sam)
        assert board.desk(town.sam.session) == before
    assert {alarm[4] for alarm in town.sam.session.store.alarms()} == {"bad-key"}


def test_with_all_the_senders_keys_nothing_opens(town: Town) -> None:
    """Once sent: not with its receiving key, not with any secret that it holds."""
    town.sam.do(lambda session: posting.post(session, town.case, "notice", {"case": CASE, "notice": "contact_made"}))
    town.sync(town.sam)
    [row] = town.world.hosts["victim"].rows("SELECT parcel FROM parcel ORDER BY n DESC LIMIT 1")
    parcel = decode_parcel(cbor.decode(row[0]))
    session = town.sam.session
    held = [
        FileKeys(parcel_svc(town), "victim", log, epoch, secret)
        for log in session.file_logs()
        for epoch, secret in session.store.secrets(log).items()
    ]
    tried = [session.receive_key, *(keys.week(parcel.week) for keys in held), ReceivingKey(session.identity.sign_seed)]
    for key in tried:
        with pytest.raises(BadGrant):
            key.open(parcel.sealed, info(town, parcel))
    assert len(tried) >= 3
    assert b"contact_made" not in b"".join(value for rows in dump(session) for value in rows if isinstance(value, bytes))
    assert decode_contents(desk_keys(town)[0].week(parcel.week).open(parcel.sealed, info(town, parcel))[4:][: size_of(town, parcel)])


def size_of(town: Town, parcel: Parcel) -> int:
    return int.from_bytes(desk_keys(town)[0].week(parcel.week).open(parcel.sealed, info(town, parcel))[:4], "big")


def dump(session: Any) -> Iterator[tuple[Any, ...]]:
    """Every row of a device's store."""
    for (name,) in session.store._rows("SELECT name FROM sqlite_master WHERE type = 'table'"):
        yield from session.store._rows(f"SELECT * FROM {name}")


def test_who_has_left_reads_nothing_after_the_week(town: Town) -> None:
    """Refused delivery at once; and with all its keys nothing of the next week opens."""
    max_ = town.world.enrol("victim", "Max", ("referral_desk",))
    town.sync(max_, town.jo)
    town.jo.do(lambda session: files.add_member(session, town.desk, max_.user, "referral_desk"))
    town.sync(town.jo, max_)
    secrets = dict(max_.session.store.secrets(town.desk))
    town.jo.do(lambda session: files.remove_member(session, town.desk, max_.user))
    town.sync(town.jo, max_)
    with pytest.raises(Refused, match="no such file"):
        max_.wire.signed(max_.session, "GET", f"/v1/parcels/{ids.show(town.desk)}?after=0")
    town.world.clock.advance(WEEK)
    town.sync(town.jo, town.sam)
    town.sam.do(lambda session: posting.post(session, town.case, "notice", {"case": CASE, "notice": "contact_made"}))
    town.sync(town.sam, town.jo)
    [row] = town.world.hosts["victim"].rows("SELECT parcel FROM parcel ORDER BY n DESC LIMIT 1")
    parcel = decode_parcel(cbor.decode(row[0]))
    for epoch, secret in secrets.items():
        with pytest.raises(BadGrant):
            FileKeys(parcel_svc(town), "victim", town.desk, epoch, secret).week(parcel.week).open(parcel.sealed, info(town, parcel))
    assert len(notices(town.jo, town.desk)) == 1


def test_a_change_of_staff_shows_only_at_the_turn_of_a_week(town: Town) -> None:
    """What the other side is shown of the desk is byte for byte the same until the week ends."""

    def shown() -> bytes:
        return town.sam.wire.signed(town.sam.session, "GET", "/v1/desk")

    before = shown()
    max_ = town.world.enrol("victim", "Max", ("referral_desk",))
    town.sync(max_, town.jo)
    town.jo.do(lambda session: files.add_member(session, town.desk, max_.user, "referral_desk"))
    town.sync(town.jo, max_)
    assert shown() == before
    town.jo.do(lambda session: files.remove_member(session, town.desk, max_.user))
    town.sync(town.jo)
    assert shown() == before
    town.world.clock.advance(WEEK)
    after = shown()
    assert after != before
    assert cbor.decode(after)["gate"] == cbor.decode(before)["gate"]


def test_absent_and_foreign_are_one_answer(town: Town) -> None:
    """W3: an address that does not exist, one of one's own side, a file that is not mine, a file that is none."""
    liaison = town.ruth.do(lambda session: files.create_file(session, "liaison"))
    town.sync(town.ruth)
    own = ids.show(board.file_keys(town.ruth.session, liaison)[0].address)
    words = set()
    for path in (
        f"/v1/address/{ids.show(b'n' * 16)}",
        f"/v1/address/{own}",
        f"/v1/parcels/{ids.show(liaison)}?after=0",
        f"/v1/parcels/{ids.show(b'n' * 16)}?after=0",
    ):
        with pytest.raises(Refused) as refused:
            town.sam.wire.signed(town.sam.session, "GET", path)
        words.add((refused.value.code, str(refused.value)))
    assert len(words) == 1


def test_a_stale_key_is_sealed_again(town: Town) -> None:
    """A phone that was away for weeks with a letter already sealed."""
    town.sam.do(lambda session: posting.post(session, town.case, "notice", {"case": CASE, "notice": "contact_made"}))
    [row] = town.sam.session.store.parcels()
    where = board.desk(town.sam.session)
    assert where is not None
    old = posting._seal(town.sam.session, row, where.address, where.week, where.key)
    town.sam.session.store.seal_parcel(row.id, cbor.encode(parcel_map(old)))
    for _ in range(3):
        town.world.clock.advance(WEEK)
        town.sync(town.jo)
    town.sync(town.sam, town.jo)
    assert town.sam.session.store.parcels() == []
    assert len(notices(town.jo, town.desk)) == 1


def test_what_was_sealed_at_once_is_taken_however_old(town: Town) -> None:
    town.sam.do(lambda session: posting.post(session, town.case, "referral_intake", {"received_on": "2026-11-22"}, fixed=True))
    for _ in range(30):
        town.world.clock.advance(WEEK)
        town.sync(town.jo)
    town.sync(town.sam, town.jo)
    assert len(town.jo.session.store.records(town.desk, "referral_intake")) == 1


def test_a_lost_reply(town: Town) -> None:
    """The same bytes go again, and one notice comes of it."""

    town.sam.do(lambda session: posting.post(session, town.case, "notice", {"case": CASE, "notice": "contact_made"}))
    for count in range(1, 7):
        town.sam.sync(*[NONE] * count, REPLY_LOST)
    town.sync(town.sam, town.jo)
    assert len(notices(town.jo, town.desk)) == 1
    assert town.sam.session.store.parcels() == []


def test_the_gate_ends() -> None:
    """A desk whose gate was not renewed is not sent to: what is for it waits, and says why."""
    with World() as world:
        town = begin(world, weeks=2)
        world.clock.advance(3 * WEEK)
        town.sync(town.jo)
        town.sam.do(lambda session: posting.post(session, town.case, "notice", {"case": CASE, "notice": "contact_made"}))
        town.sync(town.sam)
        assert [row.code for row in town.sam.session.store.parcels()] == ["stale-key"]
        open_desk(world, town.jo, town.desk)
        world.clock.advance(HOUR)
        town.sync(town.jo, town.sam, town.jo)
        assert len(notices(town.jo, town.desk)) == 1


def test_the_next_gate_begins_when_it_says(town: Town) -> None:
    """Renewed ahead, after a change of keys: the old address key to the last week, then the new one."""
    max_ = town.world.enrol("victim", "Max", ("referral_desk",))
    town.sync(max_, town.jo)
    town.jo.do(lambda session: files.add_member(session, town.desk, max_.user, "referral_desk"))
    town.sync(town.jo)
    week = week_of(town.world.clock.now_ms)
    address, key = board.desk_request(town.jo.session, town.desk)
    authority = SigningKey(town.world.service.authority_seed)
    with pytest.raises(Refused, match="after the present week"):
        board.publish(town.jo.session, town.jo.wire, sign_gate(authority, parcel_svc(town), "victim", address, key, week, week + 5), only=town.desk)
    gate = sign_gate(authority, parcel_svc(town), "victim", address, key, week + 2, week + 40)
    board.publish(town.jo.session, town.jo.wire, gate, only=town.desk)
    seen = []
    for at in range(4):
        town.world.clock.advance(WEEK if at else 0)
        town.sync(town.jo, town.sam)
        seen.append(cbor.decode(town.sam.wire.signed(town.sam.session, "GET", "/v1/desk"))["gate"])
        assert board.desk(town.sam.session).week == week + at  # type: ignore[union-attr]
    assert seen[0] == seen[1] != seen[2] == seen[3]
    assert not town.sam.session.store.alarms()


def test_a_refused_publication_leaves_nothing(town: Town) -> None:
    """A good gate that comes with keys under another address key: neither is taken."""
    week, here = week_of(town.world.clock.now_ms), desk_keys(town)[0]
    other = FileKeys(parcel_svc(town), "victim", town.desk, 1, b"o" * 32)
    gate = sign_gate(
        SigningKey(town.world.service.authority_seed), parcel_svc(town), "victim", here.address, other.address_key.public, week + 3, week + 9
    )
    body = Publication(1, here.address_key.public, gate, here.publish(week + 3, week + 4, here.address_key))
    before = town.world.hosts["victim"].rows("SELECT * FROM gate UNION ALL SELECT * FROM intake_key")
    with pytest.raises(Refused, match="no gate"):
        town.jo.wire.signed(town.jo.session, "POST", f"/v1/intake/{ids.show(town.desk)}", encode_publication(body))
    assert town.world.hosts["victim"].rows("SELECT * FROM gate UNION ALL SELECT * FROM intake_key") == before


def test_a_new_key_of_the_liaison_file_is_told_of(town: Town) -> None:
    """A change of keys there reaches the other side as a letter; the old key is believed no longer than the one before the newest."""
    case = town.sam.do(lambda session: cases.open_case(session, {town.ruth.user: "coordinator"}))
    town.sync(town.sam, town.ruth, town.jo)
    found = cases.liaison_of(town.ruth.session, case)
    assert found is not None
    liaison, address = found
    [first] = posting.address_keys(town.jo.session, address)
    tim = town.world.enrol("perpetrator", "Tim", ("navigator",))
    town.sync(tim, town.ruth)
    for log in (case, liaison):
        files.add_member(town.ruth.session, log, tim.user, "navigator")
        town.sync(town.ruth)
    town.sync(town.ruth, town.jo)
    second, *older = posting.address_keys(town.jo.session, address)
    assert second != first
    assert older == [first]
    posting.post(town.jo.session, town.desk, "instruction", {"word": "filler"}, to=address)
    town.sync(town.jo, tim)
    assert len(tim.session.store.records(liaison, "instruction")) == 1
