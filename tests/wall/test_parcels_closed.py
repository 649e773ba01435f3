"""A device whose grants of a receiving file do not open: its syncs go on, and what came waits until it has the keys."""

import pytest

from sync import sealing
from sync.device import files, posting, syncing
from sync.device.store import Store
from tests.wall.test_parcels import CASE, Town, notices
from tests.wall.test_parcels import town as town
from tests.world import patched


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
