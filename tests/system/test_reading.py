"""Who opened what: remembered where it is read, told in one go with what else is sent, seen by those who lead the file."""

from typing import Any

from shared_schema import ids, limits
from sync.device.entering import profile
from sync.device.entering.profile import open_session
from sync.device.recording import reading
from tests.shell import SECRET

HOUR = limits.LOOKS_MS


def rows(office: Any, who: str, *more: str) -> list[tuple[str, str, int]]:
    """(who, what, how often) as `file reads` lists it."""
    found = office.run(who, "file", "reads", office.case, *more)["reads"]
    return [(row["by"], row["kind"] or row["record"], row["times"]) for row in found]


def entries(office: Any, who: str) -> int:
    [row] = [row for row in office.run(who, "file", "list")["files"] if row["file"] == office.case]
    return int(row["seq"])


def test_a_look_goes_out_with_what_else_is_sent(office: Any, monkeypatch: Any) -> None:
    note = office.run("sam", "note", "add", "--file", office.case, "he starts at the garage on Tuesday")["record"]
    office.sync("sam", "priya", "ruth")
    before = entries(office, "priya")
    for _ in range(3):
        office.run("priya", "note", "list", office.case)
    office.run("priya", "record", "show", note)
    office.run("priya", "record", "history", note)
    office.run("priya", "record", "list", office.case)  # types and names of authors: no content
    assert office.run("priya", "status")["unsent"] == 0
    office.sync("priya", "ruth")
    assert (entries(office, "priya"), rows(office, "ruth")) == (before, [])  # nothing else went out, and no hour has passed

    office.run("priya", "note", "add", "--file", office.case, "rang him")
    office.server.stop()
    for _ in range(2):  # offline it is written once, however often it is tried, and is nothing that waits for anybody
        office.run("priya", "sync", status=1)
    assert office.run("priya", "status")["unsent"] == 1
    office.server.start()
    office.sync("priya", "ruth")
    assert entries(office, "priya") == before + 1  # one envelope for the note and all that was read
    assert rows(office, "ruth") == [("Priya", "case_note", 3), ("Priya", note, 2)]
    assert rows(office, "ruth", "--record", note) == [("Priya", "case_note", 3), ("Priya", note, 2)]
    office.run("ruth", "note", "list", office.case)
    later = office.run("sam", "note", "add", "--file", office.case, "written after anybody looked")["record"]
    office.sync("sam", "ruth")
    assert rows(office, "ruth", "--record", later) == []

    real = profile.now_ms
    monkeypatch.setattr(profile, "now_ms", lambda: real() + HOUR)
    office.sync("ruth")
    assert rows(office, "ruth") == [("Priya", "case_note", 3), ("Priya", note, 2), ("Ruth", "case_note", 1)]
    assert office.run("ruth", "status")["drafts"] == 0
    assert office.run("ruth", "conflicts", "list")["conflicts"] == []
    assert office.refused("sam", "file", "reads", office.case) == "not-permitted"
    assert office.refused("sam", "record", "list", office.case, "--type", "read_event") == "not-permitted"
    assert {row["type"] for row in office.run("ruth", "record", "list", office.case)["records"]} >= {"case_note"}
    assert "read_event" not in {row["type"] for row in office.run("ruth", "record", "list", office.case)["records"]}
    [first, *_] = office.run("ruth", "record", "list", office.case, "--type", "read_event")["records"]
    assert first["signed"]
    assert office.run("ruth", "record", "show", first["record"])["type"] == "read_event"
    assert office.refused("priya", "record", "show", first["record"]) == "not-permitted"


def test_who_lost_their_place_hands_in_what_they_read(office: Any) -> None:
    """Looks hold up nothing: not the wiping of a revoked phone, not anybody's count of what is unsent. They are handed in, and let in."""
    note = office.run("sam", "note", "add", "--file", office.case, "an address")["record"]
    office.sync("sam", "priya", "ruth")
    office.server.stop()
    office.run("priya", "record", "show", note)
    office.server.start()
    office.run("office/perpetrator-administrator", "device", "revoke", "Priya", "--reason", "stolen", "--yes")
    office.run("priya", "sync", status=1)
    assert list((office.folder / "priya").glob("store.db")) == [] or office.refused("priya", "note", "list", office.case) in ("revoked", "not-found")
    office.sync("ruth")
    [held] = office.run("ruth", "held", "list")["held"]
    office.run("ruth", "held", "admit", held["id"][:12])
    office.sync("ruth")
    assert rows(office, "ruth") == [("Priya", note, 1)]


def test_nothing_keeps_anybody_from_reading(office: Any) -> None:
    """What cannot be kept is not kept; the note is shown."""
    office.run("sam", "note", "add", "--file", office.case, "words")
    with open_session(office.folder / "sam", SECRET) as session:
        log = ids.parse(office.case)
        session.store._db.execute("PRAGMA query_only = ON")
        reading.looked(session, log, kind="case_note")
        session.store._db.execute("PRAGMA query_only = OFF")
        assert session.store.looks() == []
        assert len(session.store.records(log, "case_note")) == 1
