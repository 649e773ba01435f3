"""A file is written out by two people, and it is on record in the file before anything is on disk."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared_schema import ids
from shared_schema.errors import Refused
from sync.device.entering.profile import open_session
from sync.device.exports import exporting
from sync.device.exports.export_content import LEFT_OUT
from sync.device.recording import records
from sync.device.storage.tables import READ
from tests.canaries import canary
from tests.shell import SECRET, new_service
from tests.signing_again import resigned


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Ruth coordinates, Rose answers requests for records, Sam and Priya visit; all are in a case with notes, one of them in conflict."""
    with new_service(tmp_path_factory.mktemp("exporting")) as made:
        shell: Any = made
        for name, role in (("Ruth", "coordinator"), ("Rose", "records_officer"), ("Sam", "navigator"), ("Priya", "navigator")):
            shell.enrol(name, role)
        shell.sync("sam")
        people = [word for one in ("Priya=navigator", "Ruth=coordinator", "Rose=records_officer") for word in ("--member", one)]
        shell.case = shell.run("sam", "file", "create", "case", *people)["file"]
        shell.word = canary()
        shell.note = shell.run("sam", "note", "add", "--file", shell.case, f"<b>{shell.word}</b>")["record"]
        shell.plan = shell.run("sam", "record", "add", "person", "--file", shell.case, "--set", "parent=no")["record"]
        shell.sync("sam", "ruth", "rose", "priya")
        for who, value in (("sam", "yes"), ("priya", "missing:not_asked")):
            shell.run(who, "record", "edit", shell.plan, "--set", f"parent={value}")
        shell.sync("sam", "priya", "sam", "ruth", "rose")
        yield shell


def ask(town: Any, who: str = "ruth", purpose: str = "court") -> dict[str, Any]:
    found: dict[str, Any] = town.run(who, "export", "request", town.case, "--purpose", purpose, "--to", "Teesside Crown Court")
    return found


def put(town: Any, who: str, log: bytes, row: dict[str, Any]) -> None:
    """What a modified client may do: it says that it exported, as it likes."""
    with open_session(town.folder / who, SECRET) as session:
        records.add(session, log, READ, {"looks": [row]})
    town.sync(who)


def test_two_people(town: Any, tmp_path: Path) -> None:
    """Ruth asks, Rose makes it: content, page, places, a note; on record with its number, and every edit checks against an audit export."""
    asked = ask(town)
    out = tmp_path / "court"
    assert town.run("ruth", "export", "make", asked["request"], "--out", str(out), status=1)["error"]["code"] == "not-approved"
    for who, code in (("sam", "not-permitted"), ("priya", "not-permitted")):
        town.sync(who)
        assert town.refused(who, "export", "request", town.case, "--purpose", "court", "--to", "me") == code
        assert town.refused(who, "export", "make", asked["request"], "--out", str(out)) == code
    assert not out.exists()
    town.sync("rose")
    assert any("asks a second person to export it" in text for text in town.run("rose", "status")["needs_you"])
    made = town.run("rose", "export", "make", asked["request"], "--out", str(out))
    assert (made["approved_by"], made["by"], made["number"], made["holds"]) == ("Ruth", "Rose", asked["number"], True)
    found = sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())
    tables = [f"csv/{name}.csv" for name in ("case_note", "liaison_file", "parcel_sent", "person")]
    handed = sorted(["content.html", "content.json", "content.pdf", *tables, "manifest.cose", "manifest.json", "note.txt"])
    kept = ["READ-ME.txt", "decisions.json", "manifest.cose", "manifest.json", "note.txt", "places.json"]
    assert found == [*(f"to-hand-over/{name}" for name in handed), *(f"to-keep/{name}" for name in kept)]
    assert {(out / name).stat().st_mode & 0o777 for name in found} == {0o600}
    content = json.loads((out / "to-hand-over/content.json").read_text())
    by_id = {one["record"]: one for one in content["records"]}
    assert by_id[town.note]["fields"][0]["value"] == f"<b>{town.word}</b>"
    [field] = [field for field in by_id[town.plan]["fields"] if field["in_conflict"]]
    assert {(op["by"], json.dumps(op["value"])) for op in field["values"]} == {("Sam", '"yes"'), ("Priya", '{"missing": "not_asked"}')}
    page = (out / "to-hand-over/content.html").read_text()
    assert f"&lt;b&gt;{town.word}&lt;/b&gt;" in page
    assert town.word in page and f"<b>{town.word}" not in page
    for text in (page, (out / "to-hand-over/note.txt").read_text()):
        assert all(word in text for word in (asked["number"], "Ruth", "Rose", "Teesside Crown Court"))

    assert town.refused("rose", "export", "make", asked["request"], "--out", str(tmp_path / "again")) == "not-permitted"
    assert town.refused("rose", "export", "make", asked["request"], "--out", str(out)) == "not-permitted"
    town.sync("ruth")
    [row] = town.run("ruth", "export", "list")["exports"]
    assert (row["by"], row["approved_by"], row["holds"], row["seq"]) == ("Rose", "Ruth", True, made["seq"])
    assert town.run("ruth", "audit", "verify")["ok"]
    audit = str(tmp_path / "audit.jsonl")
    town.run("ruth", "audit", "export", "--out", audit)
    assert town.run("ruth", "export", "check", str(out), audit)["ok"]
    for name, old, new in (
        ("to-hand-over/content.json", town.word, canary()),  # the value that is shown
        ("to-hand-over/content.json", '"by": "Priya"', '"by": "Sam"'),
        ("to-hand-over/content.html", town.word, canary()),
        ("to-keep/places.json", f'"part": {0}', '"part": 7'),
    ):
        text = (out / name).read_text()
        (out / name).write_text(text.replace(old, new, 1))
        refused = town.run("ruth", "export", "check", str(out), audit, status=1)["error"]
        assert (refused["code"], name in refused["message"]) == ("bad-export", True), refused
        resigned(town, "rose", out)  # whoever made it may sign anything: what the log has they cannot change
        assert not town.run("ruth", "export", "check", str(out), audit, status=1)["ok"]
        (out / name).write_text(text)
        resigned(town, "rose", out)
    assert town.run("ruth", "export", "check", str(out), audit)["ok"]
    resigned(town, "ruth", out)  # somebody else's device than that which put it on record
    assert any("not signed by the device" in text for text in town.run("ruth", "export", "check", str(out), audit, status=1)["wrong"])


def test_nothing_is_written_before_it_is_on_record(town: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Offline nothing is; cut short behind the record, the same person goes on with it, and what was half written is gone."""
    asked = ask(town, "rose", "subject_access")
    town.sync("ruth")
    for row in town.run("ruth", "export", "review", asked["request"])["passages"]:
        town.run("ruth", "export", "decide", row["passage"], "include", "--why", "Nobody else's", "--request", asked["request"])
    out = tmp_path / "out"
    town.server.stop()
    before = town.run("ruth", "status")["unsent"]
    assert town.refused("ruth", "export", "make", asked["request"], "--out", str(out)) == "offline"
    assert (town.run("ruth", "status")["unsent"], out.exists()) == (before, False)
    town.server.start()
    with monkeypatch.context() as patch:  # the line is lost after the record has gone out, before its receipt comes
        patch.setattr(exporting, "on_record", lambda *_: (_ for _ in ()).throw(Refused("offline", "cut")))
        assert town.refused("ruth", "export", "make", asked["request"], "--out", str(out)) == "offline"
    assert list(tmp_path.iterdir()) == []
    with monkeypatch.context() as patch:
        patch.setattr("sync.device.exports.export_files.page", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        assert town.refused("ruth", "export", "make", asked["request"], "--out", str(out)) == "storage"
    assert list(tmp_path.iterdir()) == []
    made = town.run("ruth", "export", "make", asked["request"], "--out", str(out))
    assert [one["seq"] for one in town.run("ruth", "export", "list")["exports"] if one["number"] == asked["number"]] == [made["seq"]]
    content = json.loads((out / "to-hand-over/content.json").read_text())
    types = {one["type"] for one in content["records"]}
    assert content["left_out"] == LEFT_OUT
    assert not types & {"parcel_sent", "notice", "instruction", "liaison_file", READ, "export_request"}
    assert {"case_note", "person"} <= types
    assert "never part of what the person receives" in (out / "to-keep/READ-ME.txt").read_text()


def test_what_was_not_approved_raises_an_alarm(town: Any) -> None:
    """A modified client puts an export on record without an approval, with its own, with another's, twice: everybody's app says so."""
    asked = ask(town, "ruth", "police")
    with open_session(town.folder / "ruth", SECRET) as session:
        [request] = [one for one in exporting.list_requests(session) if ids.show(one.record) == asked["request"]]
        row = {
            "how": "exported",
            "at": {"at": "2026-11-23T10:00", "precision": "minute"},
            "upto": request.upto,
            "purpose": "police",
            "to": request.to,
        }
        own = row | {"approval": exporting._text(request.approval)}
    for one in (row, own, own | {"to": "somebody else"}):
        put(town, "ruth", request.log, one)
    town.sync("priya")
    texts = [one["text"] for one in town.run("priya", "status")["alarms"] if one["code"] == "not-approved"]
    for why in ("it names no approval", "whoever approved it carries it out", "the approval is for something else"):
        assert sum(why in text for text in texts) == 1, texts
    assert any("Ruth has written this file out (police) without a second person" in text for text in town.run("priya", "status")["needs_you"])
    assert not town.run("priya", "audit", "verify", status=1)["ok"]
    for _ in range(2):
        put(town, "rose", request.log, own)
    town.sync("priya")
    texts = [one["text"] for one in town.run("priya", "status")["alarms"] if one["code"] == "not-approved"]
    assert sum("Rose" in text for text in texts) == 1
    assert any("was used before" in text for text in texts)


def test_no_more_than_three_a_day(town: Any, tmp_path: Path) -> None:
    with open_session(town.folder / "ruth", SECRET) as session:
        done = exporting.made_today(session)
    assert done >= 3
    asked = ask(town, "rose", "court")
    assert town.refused("ruth", "export", "make", asked["request"], "--out", str(tmp_path / "out")) == "quota"
    town.run("rose", "export", "cancel", asked["request"])
    town.sync("ruth")
    assert town.refused("ruth", "export", "make", asked["request"], "--out", str(tmp_path / "out")) == "not-permitted"
