"""At the end of its time a file goes whole, when nothing holds it: two people erase it, and a certificate says what could not be reached."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared_schema import ids
from shared_schema.errors import Refused
from shared_schema.ids import SIDES
from shared_schema.wire import decode_purged
from sync.device.entering import keyring
from sync.device.entering.profile import open_session
from sync.device.exchanging.transport import HttpTransport
from tests import database
from tests.canaries import canary, contents, hits
from tests.rawstore import decrypted
from tests.shell import SECRET, new_service


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Any]:
    """Ruth coordinates and has a desk; Sam and Priya visit; all three are in a case, which holds something to be found again."""
    with new_service(tmp_path) as made:
        shell: Any = made
        for name, role in (("Ruth", "coordinator"), ("Sam", "navigator"), ("Priya", "navigator")):
            shell.enrol(name, role)
        shell.sync("sam", "priya")
        shell.case = shell.run("sam", "file", "create", "case", "--member", "Priya=navigator", "--member", "Ruth=coordinator")["file"]
        shell.desk = shell.run("ruth", "file", "create", "desk")["file"]
        shell.word = canary()
        shell.run("sam", "note", "add", "--file", shell.case, shell.word)
        shell.sync("sam", "ruth", "priya")
        yield shell


def stores(office: Any, *profiles: str) -> list[tuple[str, bytes]]:
    return [(name, decrypted(office.folder / name / "store.db", keyring.unlock(office.folder / name, SECRET).keys[0])) for name in profiles]


def erase(office: Any) -> dict[str, Any]:
    """Sam asks, Ruth does it."""
    asked = office.run("sam", "erase", "request", office.case, "--reason", "retention")
    done: dict[str, Any] = office.run("ruth", "erase", "approve", asked["request"][:8])
    return done


def test_a_file_at_the_end_of_its_time(office: Any) -> None:
    with open_session(office.folder / "sam", SECRET) as session:
        secret = session.store.secrets(ids.parse(office.case))[1]
    office.run("priya", "note", "add", "--file", office.case, "typed and not sent")
    certificate = erase(office)
    assert (certificate["kind"], certificate["reason"], certificate["first"], certificate["second"]) == ("case", "retention", "Sam", "Ruth")
    assert certificate["not_yet"] == ["Priya: Priya's phone", "Sam: Sam's phone"]
    assert {one["name"] for one in certificate["members"]} == {"Ruth", "Sam", "Priya"}
    office.sync("sam", "priya")
    for profile in ("sam", "ruth", "priya"):
        row = next(one for one in office.run(profile, "file", "list")["files"] if one["file"] == office.case)
        assert (row["note"], row["members"], row["about"]) == ("erased", [], "")
        assert office.run(profile, "record", "list", office.case)["records"] == []
        assert office.refused(profile, "note", "add", "--file", office.case, "more") == "no-standing"
        assert office.run(profile, "audit", "verify")["removed"][0]["whole_file"]
    assert "what you had written in it and not sent is gone with it" in office.text("priya", "status")
    text = office.text("ruth", "erase", "certificate", office.case, "--out", str(office.folder / "certificate.txt"))
    assert "Purged on 3 of 3 device(s)." in text
    assert (office.folder / "certificate.txt").read_text().strip() == text.strip()
    assert office.run("sam", "erase", "list")["erased"][0]["second"] == "Ruth"

    # A phone that is enrolled now gets the ids, and no more.
    code = office.run("office/perpetrator-administrator", "invite", "--name", "Priya", "--role", "navigator", "--second-device")["code"]
    office.run("tablet", "device", "enrol", "-", "--label", "tablet", stdin=code)
    office.sync("tablet")
    assert office.run("tablet", "audit", "verify")["ok"]
    assert office.run("tablet", "erase", "certificate", office.case)["members"] == []

    office.server.stop()
    profiles = ("sam", "ruth", "priya", "tablet")
    things = [*contents(office.folder / "server"), *stores(office, *profiles)]
    assert hits(things, [office.word, "typed and not sent"]) == []
    assert [name for name, data in things if secret in data] == []


def test_nobody_else_hears_of_it(office: Any) -> None:
    """Who never was in the file is told what a stranger is told; who was, and hands in work for it, is told that it is erased."""
    office.enrol("Olga", "navigator")
    office.sync("olga")
    office.run("priya", "note", "add", "--file", office.case, "late")
    office.run("sam", "device", "suspend", "Priya", "--reason", "lost")
    erase(office)
    assert office.refused("priya", "sync") == "suspended"
    status = office.run("priya", "status")
    assert (status["unsent"], status["held"]) == (0, 0)
    assert any("removed for good by two people" in line for line in status["needs_you"])
    office.run("olga", "sync")
    assert office.run("olga", "file", "list")["files"] == []
    told = []
    for profile, log in (("olga", office.case), ("olga", ids.show(bytes(16))), ("ruth", ids.show(bytes(16)))):
        with open_session(office.folder / profile, SECRET) as session, HttpTransport(office.server.address) as transport:
            for fetch in (transport.purged, transport.held):
                with pytest.raises(Refused) as caught:
                    fetch(session, ids.parse(log), 0)
                told.append((caught.value.code, str(caught.value)))
    assert len(set(told)) == 1
    with open_session(office.folder / "ruth", SECRET) as session, HttpTransport(office.server.address) as transport:
        assert len(decode_purged(transport.purged(session, ids.parse(office.case), 0))[0]) == 1


def test_an_older_database_brings_nothing_back(office: Any, tmp_path: Path) -> None:
    """What was removed is listed outside the database: put back, it has neither the expunged part nor the erased file."""
    other = office.run("sam", "file", "create", "case", "--member", "Ruth=coordinator", "--member", "Priya=navigator")["file"]
    address = canary()
    note = office.run("sam", "note", "add", "--file", other, address)["record"]
    office.sync("sam", "ruth")
    office.server.stop()
    places = {side: database.place_of(office.server.data, side) for side in SIDES}
    for side, place in places.items():
        database.keep(place, tmp_path / f"{side}.older")
    office.server.start()
    asked = office.run("sam", "expunge", "request", note[:8], "--reason", "spill")
    office.run("ruth", "expunge", "approve", asked["request"][:8])
    (going,) = asked["parts"]
    erase(office)
    office.server.stop()
    for side, place in places.items():
        database.put_back(tmp_path / f"{side}.older", place)
    assert (
        hits([(path.name, path.read_bytes()) for path in tmp_path.glob("*.older")], [address]) == []
    )  # it is sealed: what is sought below is the sealed bytes
    office.server.start(ready=False)  # the side waits to be declared; what was removed goes before that
    office.server.stop()
    raw = database.raw(places["perpetrator"])
    kept = json.loads("[" + ",".join((office.server.data / "perpetrator.gone.jsonl").read_text().splitlines()) + "]")
    assert [(line["part"], line["log"]) for line in kept if "log" in line] == [(going["part"], other), (-1, office.case)]
    assert kept[-1] == {"overwritten": True}
    with open_session(office.folder / "priya", SECRET) as session:
        parts = [row.parts[4:60] for log in map(ids.parse, (other, office.case)) for row in session.store.entries(log) if not row.statement]
    assert parts
    assert not [part for part in parts if part in raw]


def test_holds(office: Any) -> None:
    hold = office.run("sam", "hold", "list")
    assert hold == {"holds": [], "requests": []}
    assert office.refused("sam", "hold", "set", office.case, "--kind", "police", "--reason", "letter of 2 March") == "not-found"  # he has no desk
    made = office.run("ruth", "hold", "set", office.case, "--kind", "police", "--reason", "letter of 2 March")
    office.sync("sam")
    note = office.run("sam", "note", "list", office.case)["notes"][0]["record"]
    assert office.refused("sam", "erase", "request", office.case, "--reason", "retention") == "not-permitted"
    assert office.refused("sam", "expunge", "request", note[:8], "--reason", "retention") == "not-permitted"
    (seen,) = office.run("sam", "hold", "list")["holds"]
    assert (seen["by"], seen["kind"], seen["reason"]) == ("Ruth", None, None)  # why is not for those who are not in the desk
    assert office.run("ruth", "hold", "list")["holds"][0]["reason"] == "letter of 2 March"
    asked = office.run("sam", "expunge", "request", note[:8], "--reason", "spill")
    assert office.run("ruth", "expunge", "approve", asked["request"][:8])["removed"]
    asked = office.run("ruth", "hold", "release", made["hold"][:8], "--why", "they have it")
    assert office.refused("ruth", "hold", "approve", asked["request"][:8]) == "not-permitted"
    assert office.run("sam", "hold", "approve", asked["request"][:8])["holds"] == 0
    office.sync("ruth")
    assert office.run("ruth", "hold", "list") == {"holds": [], "requests": [office.run("ruth", "hold", "list")["requests"][0]]}
    assert erase(office)["reason"] == "retention"


def test_the_auditor_proves_the_rest(office: Any, tmp_path: Path) -> None:
    """An erased file is ids, times and its erasure in an export; without the erasure, or with one entry more left out, it does not verify."""
    erase(office)
    office.sync("sam", "priya")
    office.enrol("Olu", "supervisor_perpetrator", side="oversight")
    path = tmp_path / "perpetrator.jsonl"
    office.run("olu", "audit", "export", "--side", "perpetrator", "--out", str(path))
    verified = office.run("olu", "audit", "verify", str(path))
    assert (verified["ok"], verified["removed"][0]["whole_file"], len(verified["removed"][0]["purged"])) == (True, True, 3)
    assert office.run("olu", "audit", "wall", str(path))["erased"] == 1
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    mine = [line for line in lines if line.get("log") == office.case]
    assert [sorted(line) for line in mine[:-1]] == [["chain", "id", "leaf", "log", "received_ms", "salt", "seq"]] * (len(mine) - 1)
    assert "cose" in mine[-1]

    def refused(changed: list[dict[str, Any]]) -> set[str]:
        forged = tmp_path / "forged.jsonl"
        forged.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in changed))
        code, out, _ = office.ran("olu", "audit", "verify", str(forged), "--json")
        assert code == 1
        return {one["text"] for one in json.loads(out)["findings"]}

    gone = [line for line in lines if line is not mine[-1]]
    assert "entries are absent, and no statement erased the file" in refused(gone)
    other = {**mine[0], "id": base64.b64encode(bytes(32)).decode()}
    assert any("does not hash to the place" in text for text in refused([other if line is mine[0] else line for line in lines]))
    another = next(line for line in lines if line.get("log") == office.desk and line.get("seq") == 1)
    bare = {name: item for name, item in another.items() if name != "cose"} | {"id": base64.b64encode(bytes(32)).decode()}
    assert "entries are absent, and no statement erased the file" in refused([bare if line is another else line for line in lines])
