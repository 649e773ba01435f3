"""A lost phone: any colleague keeps it out at once, a coordinator lets it in again, and what it had not sent is still there."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared_schema.errors import Refused
from sync.change import Op
from sync.device.exchanging import syncing
from sync.device.exchanging.transport import HttpTransport
from sync.device.people import standing
from sync.device.session import Session
from tests.live import Live
from tests.world import World


def test_a_stolen_phone(office: Any) -> None:
    office.run("sam", "note", "add", "--file", office.case, "typed before it was stolen")
    told = office.run("priya", "device", "suspend", "Sam", "--reason", "stolen")
    assert office.case in told["files"]
    assert [(one["name"], one["role"]) for one in told["ring"]][:2] == [("Sam", "whose device it is"), ("Ruth", "coordinator")]
    assert office.refused("sam", "sync") == "suspended"
    status = office.run("sam", "status")
    assert (status["unsent"], status["held"]) == (0, 1)
    assert any("suspended" in text for text in status["needs_you"])
    again = office.run("priya", "device", "suspend", "Sam", "--reason", "stolen")
    assert again == told | {"already": True}, "whom to ring, and what is on it, can be asked for again"
    assert [row["suspended"] for row in office.run("priya", "device", "list")["devices"] if row["name"] == "Sam"] == [True]
    assert office.refused("priya", "device", "reinstate", "Sam") == "not-permitted"
    assert office.run("ruth", "device", "reinstate", "Sam")["held"] == {office.case: 1}
    office.run("ruth", "held", "admit", "--all")
    office.sync("sam", "priya")
    assert [note["body"] for note in office.run("priya", "note", "list", office.case)["notes"]] == ["typed before it was stolen"]
    assert not office.run("sam", "status")["needs_you"]


def test_it_says_what_to_do(office: Any) -> None:
    said = office.text("priya", "device", "suspend", "Sam", "--reason", "lost")
    assert "Ring now:" in said
    assert "Ruth, coordinator" in said
    office.run("office/perpetrator-administrator", "device", "revoke", "Sam", "--reason", "lost", "--yes")
    office.sync("ruth", "priya")
    again = office.run("priya", "device", "suspend", "Sam", "--reason", "lost")
    assert (again["already"], office.case in again["files"]) == (True, True), "the keys have changed since; what was on it has not"


def test_what_may_not_be_suspended(office: Any) -> None:
    assert office.refused("priya", "device", "suspend", "Priya", "--reason", "lost") == "not-permitted"
    assert office.refused("priya", "device", "suspend", "Nobody", "--reason", "lost") == "not-found"
    assert office.refused("ruth", "device", "reinstate", "Sam") == "not-permitted"
    assert office.ran("priya", "device", "suspend", "Sam", "--reason", "disliked")[0] == 2
    assert office.run("priya", "status")["unsent"] == 0


def test_somebody_with_two_phones(office: Any) -> None:
    office.enrol("Sam", "navigator", profile="sam-two", more=("--second-device",))
    error = office.run("priya", "device", "suspend", "Sam", "--reason", "lost", status=1)["error"]
    assert error["message"].startswith("Sam has 2 devices, say which: Sam's phone (")


def test_no_key_changes_for_it(office: Any) -> None:
    """Only a revocation rotates: who was suspended by mistake misses nothing."""
    office.run("priya", "device", "suspend", "Sam", "--reason", "unsure")
    office.run("priya", "note", "add", "--file", office.case, "meanwhile")
    office.sync("priya")
    office.run("ruth", "device", "reinstate", "Sam")
    assert office.run("sam", "sync")["rotated"] == 0
    assert [note["body"] for note in office.run("sam", "note", "list", office.case)["notes"]] == ["meanwhile"]


def test_two_colleagues_at_once() -> None:
    """The second suspension can never be taken: it holds up nothing that its author does later."""
    with World(sides=("perpetrator",)) as world:
        ruth, sam, priya = (world.enrol("perpetrator", name, ("coordinator",)) for name in ("Ruth", "Sam", "Priya"))
        for phone in (ruth, sam, priya):
            phone.sync()
        priya.do(lambda session: standing.suspend(session, sam.device, "stolen"))
        ruth.do(lambda session: standing.suspend(session, sam.device, "lost"))
        priya.sync()
        ruth.sync()
        ruth.do(lambda session: standing.reinstate(session, sam.device))
        ruth.sync()
        assert not ruth.session.store.outbox()
        sam.sync()


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    made = Live(tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize("how", ["suspend", "revoke"])
def test_streams_end_at_once(live: Live, how: str) -> None:
    """They went on until the next keep-alive, 20 seconds later."""
    sam: Session = live.enrol("Sam", ("navigator",))
    priya: Session = live.enrol("Priya", ("navigator",))
    office = live.admins["perpetrator"]
    syncing.sync(office, live.transport)
    with HttpTransport(live.server.address) as transport, transport.events(sam) as names:
        assert next(names) == "hello"
        by = priya if how == "suspend" else office
        syncing.sync(by, live.transport)
        getattr(standing, how)(by, sam.identity.device, "lost")
        begun = time.monotonic()
        syncing.sync(by, live.transport)
        assert [name for name in names if name != "pull"] == []
        assert time.monotonic() - begun < 10
    with pytest.raises(Refused, match="suspended" if how == "suspend" else "revoked"):
        syncing.sync(sam, live.transport)
    log = live.case(priya)
    priya.write(log, None, "task", [Op("what", "set", "ring", ())])
    syncing.sync(priya, live.transport)
