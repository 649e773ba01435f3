"""What devices say of themselves, and who may see it (docs/spec.md §10.3)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared_schema.devices import Heard
from shared_schema.errors import Refused
from sync.change import Op
from sync.device.exchanging import syncing
from sync.device.exports import audit_files
from sync.device.session import Session
from tests.live import Live, now_ms
from tests.shell import Shell, new_service


def heard(live: Live, by: Session, side: str = "perpetrator") -> dict[bytes, Heard]:
    rows, time_ms = audit_files.heard_from_server(lambda path: live.transport.signed(by, "GET", path), side)
    assert abs(time_ms - now_ms()) < 60_000
    return {one.device: one for one in rows}


class TestTheFigures:
    """For each device of S that has synced: when the server last took a sync request of it, and the status that came in it."""

    def test_they_are_of_the_newest_sync_also_of_one_that_brought_nothing(self, live: Live) -> None:
        sam, sue = live.enrol("Sam", ("navigator",)), live.enrol("Sue", ("supervisor_perpetrator",), "oversight")
        log = live.case(sam)
        for _ in range(3):
            syncing.sync(sam, live.transport)
        sam.write(log, None, "case_note", [Op("body", "set", "not sent", ())])
        before = heard(live, sue)[sam.identity.device]
        syncing.sync(sam, live.transport)
        syncing.sync(sam, live.transport)  # nothing new either way: nothing is written on the server
        after = heard(live, sue)[sam.identity.device]
        assert after.heard_ms > before.heard_ms
        assert (before.status.unsent, after.status.unsent) == (0, 0)
        assert after.status.app.startswith("fieldkeep-py/")
        assert abs(after.status.claimed_ms - after.heard_ms) < 60_000

    def test_they_are_there_after_a_restart_of_the_server(self, live: Live) -> None:
        sam, sue = live.enrol("Sam", ("navigator",)), live.enrol("Sue", ("supervisor_perpetrator",), "oversight")
        live.case(sam)
        syncing.sync(sam, live.transport)
        before = heard(live, sue)
        live.server.stop()
        live.server.start()
        assert heard(live, sue) == before

    def test_nobody_but_the_sides_supervisor_sees_that_there_are_any(self, live: Live) -> None:
        """Byte for byte what is said of a side that is not."""
        sam, sue = live.enrol("Sam", ("navigator",)), live.enrol("Sue", ("supervisor_perpetrator",), "oversight")
        for by, side in ((sue, "victim"), (sue, "oversight"), (sam, "perpetrator"), (sam, "nowhere"), (sue, "nowhere")):
            with pytest.raises(Refused) as refused:
                heard(live, by, side)
            assert refused.value.code == "no-such-route"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    with new_service(tmp_path_factory.mktemp("health")) as made:
        made.enrol("Sam", "navigator")
        made.enrol("Olu", "supervisor_perpetrator", side="oversight")
        made.sync("sam")
        yield made


class TestOnTheCommandLine:
    def test_a_supervisor_sees_whose_each_device_is(self, office: Shell) -> None:
        office.run("sam", "file", "create", "case")
        office.sync("sam")
        found = office.run("olu", "audit", "devices")
        assert found["side"] == "perpetrator"
        [sam] = [row for row in found["devices"] if row["name"] == "Sam"]
        assert (sam["label"], sam["standing"], sam["unsent"], sam["held"]) == ("Sam's phone", "in use", 0, 0)
        assert abs(sam["clock_offset_ms"]) < 60_000
        silent = [row for row in found["devices"] if row["heard_ms"] is None]
        assert silent == found["devices"][: len(silent)]
        assert "Sam's phone" in office.text("olu", "audit", "devices", "--side", "perpetrator")

    def test_who_supervises_nothing_is_told_so(self, office: Shell) -> None:
        assert office.refused("sam", "audit", "devices") == "not-permitted"
        assert office.refused("olu", "audit", "devices", "--side", "victim") == "not-permitted"

    def test_a_registry_that_does_not_verify_names_nobody(self, office: Shell, tmp_path: Path) -> None:
        """Another pinned authority: whatever the server shows, no name of it is believed."""
        from sync import audit as rules
        from sync.device.cli import frame, terminal

        terminal.set_context(office.folder / "olu", None)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("FIELDKEEP_PASSPHRASE", "correct horse battery")
            with frame.session() as opened, frame.online(opened) as transport:
                fetched = audit_files.registry_from_server(lambda path: transport.signed(opened, "GET", path), "perpetrator", opened.identity.svc)
        _, findings = rules.verify_registry_alone(fetched, bytes(32))
        assert findings
