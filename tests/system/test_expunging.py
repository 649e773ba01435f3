"""A navigator types the address of the person who is harmed into a signed note. Two people remove it: from the server, from every device, for good."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from server import backup
from server.sealed_file import read_key
from shared_schema import cbor, ids
from shared_schema.ids import SIDES
from sync import keys, sealing
from sync.device.entering import keyring
from sync.device.entering.profile import open_session
from tests import database
from tests.canaries import canary, contents, hits
from tests.rawstore import decrypted
from tests.shell import SECRET, new_service

CASE_PEOPLE = (("Ruth", "coordinator"), ("Sam", "navigator"), ("Priya", "navigator"))
NOTHING_NOTED = ("suicide_or_self_harm", "threat_to_someone", "child_concern")
SETS = tuple(word for name in NOTHING_NOTED for word in ("--set", f"{name}=nothing_noted"))


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Any]:
    """Ruth coordinates, Sam and Priya visit; Sam has a case that all three are in."""
    with new_service(tmp_path) as made:
        shell: Any = made
        for name, role in CASE_PEOPLE:
            shell.enrol(name, role)
        shell.sync("sam", "priya")
        shell.case = shell.run("sam", "file", "create", "case", "--member", "Priya=navigator", "--member", "Ruth=coordinator")["file"]
        shell.sync("sam", "ruth", "priya")
        yield shell


def stores(office: Any, *profiles: str) -> list[tuple[str, bytes]]:
    """Every byte of these devices' stores, decrypted, free pages included."""
    return [(name, decrypted(office.folder / name / "store.db", keyring.unlock(office.folder / name, SECRET).keys[0])) for name in profiles]


def key_material(office: Any, profile: str, record: str) -> list[bytes]:
    """What must not be found afterwards: of the part with the note its bytes, in pieces, and the key and iv that were derived for it."""
    with open_session(office.folder / profile, SECRET) as session:
        log = ids.parse(office.case)
        row = next(row for row in session.store.changes_of(log, ids.parse(record)) if row.seq)
        stored = session.store.entry(log, row.seq or 0)
        assert stored is not None
        (part,) = cbor.decode(stored.parts)
        secret = session.store.secrets(log)[1]
        me = session.identity
        info = sealing.part_info(keys.context(me.svc, log, 1), stored.author, _sq(stored.cose)) + bytes(4)
        key, iv = sealing._key_and_iv(secret, part[: sealing.SALT_BYTES], info)
    return [*(part[at : at + 32] for at in range(0, len(part) - 32, 32)), key, iv]


def _sq(cose: bytes) -> int:
    sq: int = cbor.decode(cbor.decode(cose[1:])[0])["sq"]
    return sq


def found(things: list[tuple[str, bytes]], needles: list[bytes]) -> list[str]:
    return [name for name, data in things for needle in needles if needle in data]


def test_an_address_in_a_signed_note(office: Any, tmp_path: Path) -> None:
    address = canary()

    # Sam signs a note with the address in it, without signal. A copy of his phone is made that day, as phones do.
    office.server.stop()
    note = office.run("sam", "note", "add", "--file", office.case, f"She has moved to {address}.", *SETS, "--sign")["record"]
    assert office.refused("sam", "sync") == "offline"
    shutil.copytree(office.folder / "sam", office.folder / "old copy of sam")
    office.server.start()

    # It reaches three phones.
    office.sync("sam", "priya", "ruth")
    needles = key_material(office, "ruth", note)
    assert found(database.everything(office.server.data), needles[:1]), "the search finds what is there"
    assert hits(stores(office, "sam", "ruth", "priya"), [address]), "the search finds what is there"

    # Priya sees it and asks; Ruth is shown what goes and what does not, and does it. Sam is out without signal.
    asked = office.run("priya", "expunge", "request", note[:8], "--reason", "spill", "--why", "where she lives")
    assert (asked["state"], asked["sent"], len(asked["parts"])) == ("open", True, 1)
    assert office.refused("priya", "expunge", "approve", asked["request"][:8]) == "not-permitted"
    office.sync("ruth")
    assert any("expunge list" in line for line in office.run("ruth", "status")["needs_you"])
    shown = office.text("ruth", "expunge", "approve", asked["request"][:8], "--yes")
    for words in (address, "This goes, everywhere, and there is no way back", "Priya asks for this: spill (where she lives)", "Not reached: paper"):
        assert words in shown
    copied = database.everything(office.server.data)  # whoever copies the server from now on has nothing
    office.sync("priya")

    # It stays signed, and says what happened.
    for profile in ("ruth", "priya"):
        (listed,) = office.run(profile, "note", "list", office.case)["notes"]
        assert (listed["state"], listed["body"], listed["removed"]["reason"]) == ("signed", None, "spill")
        assert (listed["removed"]["first"], listed["removed"]["second"]) == ("Priya", "Ruth")
        assert "because: spill)" in office.text(profile, "note", "list", office.case)
        assert "because: spill)" in office.text(profile, "record", "show", note[:8])
        assert "because: spill;" in office.text(profile, "record", "history", note[:8])
    (gone,) = office.run("priya", "expunge", "list", "--devices")["removed"]
    assert gone["not_yet"] == ["Sam: Sam's phone"]
    assert gone["purged"] == ["Priya: Priya's phone", "Ruth: Ruth's phone"]

    # Sam's phone breaks, and he takes the old copy, which still has the note to send.
    shutil.rmtree(office.folder / "sam")
    (office.folder / "old copy of sam").rename(office.folder / "sam")
    assert hits(stores(office, "sam"), [address])
    office.sync("sam")
    (listed,) = office.run("sam", "note", "list", office.case)["notes"]
    assert (listed["state"], listed["body"], listed["removed"]["reason"]) == ("signed", None, "spill")
    (gone,) = office.run("priya", "expunge", "list", "--devices")["removed"]
    assert gone["not_yet"] == []

    # A phone that is enrolled now is served what there is.
    code = office.run("office/perpetrator-administrator", "invite", "--name", "Priya", "--role", "navigator", "--second-device")["code"]
    office.run("tablet", "device", "enrol", "-", "--label", "tablet", stdin=code)
    office.sync("priya", "tablet")
    assert [one["body"] for one in office.run("tablet", "note", "list", office.case)["notes"]] == [None]

    # Nothing of it is anywhere: not in the server's folder, the copy, what a backup of today brings back, or any store, closed or opened.
    places = {side: database.place_of(office.server.data, side) for side in SIDES}
    backup.back_up(office.server.data, tmp_path / "today.fk", tmp_path / "key", places)
    back = tmp_path / "put back"
    backup.put_back(tmp_path / "today.fk", back, read_key(tmp_path / "key"), {side: database.place_of(back, side) for side in SIDES})
    assert found(database.everything(back), [ids.parse(office.case)]), "the search finds what is there"
    office.server.stop()
    profiles = ("sam", "ruth", "priya", "tablet")
    closed = [
        *copied,
        *database.everything(back),
        *database.everything(office.server.data),
        *(one for name in profiles for one in contents(office.folder / name)),
    ]
    opened = stores(office, *profiles)
    assert hits([*closed, *opened], [address]) == []
    assert found([*closed, *opened], needles) == []
    office.server.start()

    # And everything else still proves itself: on each phone, and to somebody who reads nothing.
    hashes = {office.run(profile, "file", "list", "--hash")["files"][0]["state_hash"] for profile in profiles}
    assert len(hashes) == 1
    for profile in profiles:
        verified = office.run(profile, "audit", "verify")
        assert (verified["ok"], len(verified["removed"])) == (True, 1)
        assert office.run(profile, "status")["alarms"] == []
    office.enrol("Olu", "supervisor_perpetrator", side="oversight")
    path = str(tmp_path / "perpetrator.jsonl")
    office.run("olu", "audit", "export", "--side", "perpetrator", "--out", path)
    verified = office.run("olu", "audit", "verify", path)
    (gone,) = verified["removed"]
    assert (verified["ok"], gone["reason"], len(gone["devices"]), gone["not_yet"]) == (True, "spill", 3, [])
    assert "purged on 3 of 3 devices" in office.text("olu", "audit", "verify", path)


def test_an_old_device_offers_it_to_an_older_database(office: Any, tmp_path: Path) -> None:
    """Neither phone nor database knows of the removal: the list beside the database does. It is refused for good, and kept nowhere."""
    address = canary()
    office.server.stop()
    note = office.run("sam", "note", "add", "--file", office.case, f"She has moved to {address}.")["record"]
    assert office.refused("sam", "sync") == "offline"
    shutil.copytree(office.folder / "sam", tmp_path / "old sam")
    place = database.place_of(office.server.data, "perpetrator")
    database.keep(place, tmp_path / "older")
    office.server.start()
    office.sync("sam", "priya")
    needles = key_material(office, "priya", note)
    asked = office.run("priya", "expunge", "request", note[:8], "--reason", "spill")
    office.run("ruth", "expunge", "approve", asked["request"][:8])
    office.server.stop()
    database.put_back(tmp_path / "older", place)
    shutil.rmtree(office.folder / "sam")
    shutil.copytree(tmp_path / "old sam", office.folder / "sam")
    office.server.start(ready=False)
    for act in ("declare", "healed"):  # and nobody gives back what was lost
        office.run("office/perpetrator-administrator", "restored", act, "--yes")
    refused = office.run("sam", "sync")
    assert [one["code"] for one in refused["refused"]] == ["erased"]
    assert any("removed for good by two people" in line for line in office.run("sam", "status")["needs_you"])
    office.run("sam", "sync")
    office.server.stop()
    assert found(database.everything(office.server.data), needles) == []


def test_what_nobody_may_do_alone(office: Any) -> None:
    note = office.run("sam", "note", "add", "--file", office.case, "in the wrong file")["record"]
    assert office.refused("sam", "expunge", "request", "ffff", "--reason", "spill") == "not-found"
    assert office.ran("sam", "expunge", "request", note[:8])[0] == 2
    assert office.refused("sam", "expunge", "request", note[:8], "--reason", "embarrassing") == "bad-value"
    asked = office.run("sam", "expunge", "request", note[:8], "--reason", "error")
    office.sync("priya", "ruth")
    assert office.refused("priya", "expunge", "approve", asked["request"][:8]) == "not-approved"  # two navigators: neither leads the file
    assert office.refused("ruth", "expunge", "cancel", asked["request"][:8]) == "not-permitted"
    office.run("sam", "expunge", "cancel", asked["request"][:8], "--reason", "it was the right one")
    assert office.refused("ruth", "expunge", "approve", asked["request"][:8]) == "not-permitted"
    (request,) = office.run("ruth", "expunge", "list")["requests"]
    assert request["state"] == "withdrawn"
    assert [one["body"] for one in office.run("ruth", "note", "list", office.case)["notes"]] == ["in the wrong file"]


def test_who_approved_and_lost_their_place(office: Any) -> None:
    """The phone that approved was lost since: what it asked for is not done with it, until it is back."""
    note = office.run("sam", "note", "add", "--file", office.case, "in the wrong file")["record"]
    asked = office.run("sam", "expunge", "request", note[:8], "--reason", "error")
    office.run("priya", "device", "suspend", "Sam", "--reason", "lost")
    assert office.refused("ruth", "expunge", "approve", asked["request"][:8]) == "not-approved"
    office.run("ruth", "device", "reinstate", "Sam")
    assert office.run("ruth", "expunge", "approve", asked["request"][:8])["removed"]


def test_what_is_held(office: Any) -> None:
    """What a suspended phone hands in is expunged before anybody lets it in, and is not let in afterwards."""
    address = canary()
    office.run("sam", "note", "add", "--file", office.case, f"She lives at {address}.")
    office.run("priya", "device", "suspend", "Sam", "--reason", "lost")
    assert office.refused("sam", "sync") == "suspended"
    (held,) = office.run("ruth", "held", "list")["held"]
    asked = office.run("ruth", "expunge", "request", "--held", held["id"][:12], "--reason", "spill")
    office.sync("priya")
    assert office.refused("priya", "expunge", "approve", asked["request"][:8]) in ("no-such-file", "not-found")  # she may not look at what is held
    office.enrol("Nadia", "coordinator")
    office.sync("ruth")
    office.run("ruth", "member", "add", office.case, "Nadia", "--role", "coordinator")
    office.sync("nadia", "ruth", "nadia")
    office.run("nadia", "expunge", "approve", asked["request"][:8])
    assert office.run("ruth", "held", "list")["held"] == []
    assert office.refused("ruth", "held", "admit", held["id"][:12]) == "not-found"
    office.run("ruth", "device", "reinstate", "Sam")
    office.sync("sam")
    assert any("two colleagues removed a part" in line for line in office.run("sam", "status")["needs_you"])
    assert office.run("sam", "note", "list", office.case)["notes"] == []
    office.server.stop()
    assert hits([*contents(office.folder / "server"), *stores(office, "sam", "ruth", "nadia")], [address]) == []
