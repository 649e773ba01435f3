"""A revoked phone hands in what it could not send, and wipes itself; its side sees that it says so."""

import json
from typing import Any

import pytest

from sync.device.entering import profile
from sync.device.people import wiping
from tests.shell import SECRET

NOTES = 40
MONTH_MS = 30 * 86_400_000
ADMINISTRATOR = "office/perpetrator-administrator"


def revoke(office: Any, whose: str, reason: str = "lost") -> None:
    office.run(ADMINISTRATOR, "device", "revoke", whose, "--reason", reason, "--yes")


def bodies(office: Any, of: str) -> set[str]:
    return {note["body"] for note in office.run(of, "note", "list", office.case)["notes"]}


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Thirty days pass for whoever opens a device next."""
    real = profile.now_ms
    return lambda: monkeypatch.setattr(profile, "now_ms", lambda: real() + MONTH_MS)


def test_forty_notes_and_thirty_days(office: Any, later: Any) -> None:
    """All held, read by the coordinator, 39 let in, one refused, none lost, nothing else let in; and nothing is left on the phone."""
    for number in range(NOTES):
        office.run("sam", "note", "add", "--file", office.case, f"visit {number}")
    revoke(office, "Sam")
    office.sync("ruth")  # the file is rotated
    later()
    code, out, _ = office.ran("sam", "sync", "--json")
    said = json.loads(out)["error"]
    assert (code, said["code"]) == (1, "revoked")
    assert "40 sealed entries" in said["message"]
    assert sorted(path.name for path in (office.folder / "sam").iterdir()) == ["lock", "wiped.json"]
    office.sync("ruth", "priya")
    assert bodies(office, "ruth") == set()
    assert any("held" in text for text in office.run("ruth", "status")["needs_you"])
    assert not any("held" in text for text in office.run("priya", "status")["needs_you"])
    assert office.run("priya", "held", "list")["held"] == []
    held = office.run("ruth", "held", "list")["held"]
    assert {row["by"] for row in held} == {"Sam"}
    assert [row["what"] for row in held] == [["case_note"]] * NOTES
    shown = office.run("ruth", "held", "show", held[0]["id"])["records"][0]["values"]["body"]
    for one in held[1:]:
        office.run("ruth", "held", "admit", one["id"])
    office.run("ruth", "held", "refuse", held[0]["id"], "--reason", "duplicate")
    office.sync("priya")
    assert bodies(office, "priya") == {f"visit {number}" for number in range(NOTES)} - {shown}
    assert [row["wiped"] for row in office.run("priya", "device", "list")["devices"] if row["name"] == "Sam"] == [True]
    assert office.run("priya", "audit", "verify")["ok"]


def test_what_it_says_afterwards(office: Any) -> None:
    """Whoever finds the phone reads why it is empty; enrolled anew, it is a phone like any other."""
    office.run("sam", "note", "add", "--file", office.case, "typed in the car")
    revoke(office, "Sam", "stolen")
    assert office.refused("sam", "sync") == "revoked"
    code, _, err = office.ran("sam", "status")
    assert (code, "revoked (stolen) and wiped itself" in err) == (1, True), err
    office.enrol("Sam", "navigator", profile="sam", more=("--second-device",))
    assert office.run("sam", "status")["unsent"] == 0


def test_only_an_administrators_statement_wipes(office: Any) -> None:
    """Suspended, or told that it is revoked by a server that shows no such statement: it keeps everything."""
    office.run("priya", "device", "suspend", "Sam", "--reason", "lost")
    assert office.refused("sam", "sync") == "suspended"
    assert office.refused("sam", "device", "wipe", "--discard", "--yes") == "not-permitted"
    office.run("ruth", "device", "reinstate", "Sam")
    office.sync("sam")
    with profile.open_session(office.folder / "sam", SECRET) as opened:
        assert not wiping.wipe(opened, None)  # type: ignore[arg-type]  # never reached
        assert opened.file_logs()


def test_what_cannot_be_handed_in_stays(office: Any) -> None:
    """Nobody in the file could ever let it in: the note is kept, and can be read, until a person throws it away; all else goes."""
    alone = office.run("sam", "file", "create", "case")["file"]
    office.sync("sam")
    office.run("sam", "note", "add", "--file", alone, "for nobody else yet")
    revoke(office, "Sam")
    assert office.refused("sam", "sync") == "revoked"
    assert [note["body"] for note in office.run("sam", "note", "list", alone)["notes"]] == ["for nobody else yet"]
    assert office.refused("sam", "note", "list", office.case) == "not-found"
    assert office.refused("sam", "note", "add", "--file", alone, "more") == "revoked"
    left = office.run("sam", "device", "wipe")
    assert (left["wiped"], left["left"]) == (False, {alone: 1})
    ended = office.run("sam", "device", "wipe", "--discard", "--yes")
    assert (ended["wiped"], ended["left"]) == (True, {})
    assert not (office.folder / "sam" / "store.db").exists()


def test_cut_short_it_goes_on(office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wiped and not told, told and not gone: the same command ends it."""
    office.run("sam", "note", "add", "--file", office.case, "typed in the car")
    revoke(office, "Sam")
    with monkeypatch.context() as patched:
        patched.setattr(wiping, "_told", lambda _session, _shelf: False)
        assert office.refused("sam", "sync") == "revoked"
    assert office.refused("sam", "status") == "revoked"
    with monkeypatch.context() as patched:
        patched.setattr(profile, "_end", lambda _folder, _gone: None)
        assert office.refused("sam", "sync") == "revoked"
    assert (office.folder / "sam" / "store.db").exists()
    assert office.refused("sam", "status") == "no-profile"
    assert not (office.folder / "sam" / "store.db").exists()
    office.sync("priya")
    assert [row["wiped"] for row in office.run("priya", "device", "list")["devices"] if row["name"] == "Sam"] == [True]
