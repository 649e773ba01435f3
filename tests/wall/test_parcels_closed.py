"""Who has what opens a parcel: its receivers. Not its sender, and not who received here before, from the next week on.

And a device whose grants of a receiving file do not open: its syncs go on, and what came waits until it has the keys.
"""

from typing import NamedTuple

import pytest

from shared_schema import cbor
from shared_schema.errors import BadGrant
from shared_schema.ids import Side
from shared_schema.parcel import Parcel, decode_parcel, week_of
from sync import letters, sealing
from sync.device.across import cases, instructions, posting
from sync.device.exchanging import syncing
from sync.device.people import files
from sync.device.storage.store import Store
from sync.keys import ReceivingKey
from sync.letters import FileKeys
from sync.parcel import OTHER
from tests.wall.test_parcels import CASE, WEEK, Town, notices
from tests.wall.test_parcels import town as town
from tests.wall.test_parcels_forged import dump
from tests.world import Phone, patched


class Sent(NamedTuple):
    """A parcel as the server has it, and the file it is for."""

    parcel: Parcel
    side: Side
    log: bytes


def sent(town: Town, side: Side) -> list[Sent]:
    """All that has come to a side."""
    rows = town.world.hosts[side].rows("SELECT log_id, parcel FROM parcel WHERE parcel != x'' ORDER BY log_id, n")
    return [Sent(decode_parcel(cbor.decode(data)), side, log) for log, data in rows]


def keys_of(phone: Phone) -> set[bytes]:
    """Everything in a device's store that could be a secret: whatever has 32 bytes."""
    me, found = phone.session.identity, set()
    for row in dump(phone.session):
        for value in row:
            if isinstance(value, bytes) and len(value) == 32:
                found.add(value)
    return found | {me.sign_seed, me.receive_seed} | {secret for log in phone.session.file_logs() for secret in phone.store.secrets(log).values()}


def opens(town: Town, one: Sent, secrets: set[bytes]) -> bool:
    """Whether any of these opens it: as a receiving key itself, or as the secret of an epoch of the file that it is for."""
    parcel, svc = one.parcel, town.sam.session.identity.svc
    about = letters.info(svc, OTHER[one.side], parcel.address, parcel.week, parcel.id, parcel.root)
    for secret in secrets:
        weekly = (FileKeys(svc, one.side, one.log, epoch, secret).week(parcel.week) for epoch in (1, 2, 3))
        for key in (ReceivingKey(secret), *weekly):
            try:
                key.open(parcel.sealed, about)
            except BadGrant:
                continue
            return True
    return False


def test_nobody_opens_what_they_sent_nor_what_came_after_they_left(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    """Both ways, with everything that their devices have; whoever stays opens all of it."""
    sam, ruth, jo = town.sam, town.ruth, town.jo
    left = {"victim": town.world.enrol("victim", "Max", ("referral_desk",)), "perpetrator": town.world.enrol("perpetrator", "Maxine", ("navigator",))}
    town.sync(sam, ruth, jo, *left.values())
    case = sam.do(lambda session: cases.open_case(session, {ruth.user: "coordinator", left["perpetrator"].user: "navigator"}))
    jo.do(lambda session: files.add_member(session, town.desk, left["victim"].user, "referral_desk"))
    town.sync(sam, ruth, jo, *left.values())
    liaison = cases.liaison_of(sam.session, case)
    assert liaison is not None

    def write_both_ways() -> None:
        sam.do(lambda session: posting.post(session, case, "notice", {"case": CASE, "notice": "contact_made"}))
        harmed = {"received_on": "2026-11-22", "people_harmed": [{"names": "Cheryl"}]}
        sam.do(lambda session: posting.post(session, case, "referral_intake", harmed, fixed=True))
        town.sync(sam, jo)
        known = instructions.cases_known(jo.session, town.desk)
        jo.do(lambda session: instructions.acknowledge(session, town.desk, known[0]))
        town.sync(jo, sam)

    write_both_ways()
    had = {side: keys_of(phone) for side, phone in left.items()}
    week = week_of(town.world.clock.now_ms)
    assert all(opens(town, one, had[side]) for side in left for one in sent(town, side)), "they read here, until now"  # type: ignore[arg-type]
    jo.do(lambda session: files.remove_member(session, town.desk, left["victim"].user))
    ruth.do(lambda session: files.remove_member(session, liaison[0], left["perpetrator"].user))
    town.sync(jo, ruth, sam, *left.values())
    town.world.clock.advance(WEEK)
    town.sync(jo, ruth, sam)
    write_both_ways()
    tried = 0
    for side, sender, reader in (("victim", sam, jo), ("perpetrator", jo, sam)):
        all_ = sent(town, side)  # type: ignore[arg-type]
        later = [one for one in all_ if one.parcel.week > week]  # what was sealed in the week of the change is still theirs, if they get hold of it
        assert later
        assert [one for one in all_ if opens(town, one, keys_of(sender))] == []
        assert [one for one in later if opens(town, one, had[side] | keys_of(left[side]))] == []
        assert all(opens(town, one, keys_of(reader)) for one in all_), "the check itself opens what may be opened"
        tried += len(all_) * len(keys_of(sender)) + len(later) * len(had[side])
    with capsys.disabled():
        print(f"\nparcels closed: {tried} keys tried, 0 open")


@pytest.mark.parametrize("kind", ["case", "liaison"])
def test_a_file_of_which_no_secret_opens_does_not_end_a_sync(town: Town, kind: str) -> None:
    """The colleague who began it committed to another secret than the one granted, and the rotation that mends it has not been taken yet."""
    with patched(sealing, "commitment", lambda *_: bytes(32)):
        log = town.ruth.do(lambda session: files.create_file(session, kind, {town.sam.user: "navigator"}))
    town.sync(town.ruth)
    with patched(syncing, "_tend", lambda *_: False):
        town.sync(town.sam, town.sam)
    assert town.sam.store.secrets(log) == {}
    town.sync(town.sam)
    assert town.sam.store.secrets(log)


def test_a_parcel_waits_for_the_key_of_its_epoch(town: Town) -> None:
    town.sam.do(lambda session: posting.post(session, town.case, "notice", {"case": CASE, "notice": "contact_made"}))
    town.sync(town.sam)
    store = town.jo.session.store
    with patched(Store, "secrets", lambda self, log: {}):
        town.sync(town.jo)
    assert notices(town.jo, town.desk) == []
    town.sync(town.jo)
    assert len(notices(town.jo, town.desk)) == 1
    assert not [alarm for alarm in store.alarms() if alarm[4] == "bad-parcel"]
