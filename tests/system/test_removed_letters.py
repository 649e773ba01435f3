"""What came in a letter, or was to go in one, goes like everything else: the record, the sealed parcel, and the letter that waits."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from server.engines import Place
from shared_schema import cbor, ids
from shared_schema.ids import SIDES
from sync.device.entering import keyring
from tests import database
from tests.canaries import canary, contents, hits
from tests.rawstore import decrypted
from tests.shell import SECRET, new_service
from tests.town import link, listed, new_town

GONE = {"expunged": None}


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Any]:
    with new_town(tmp_path) as made:
        yield made


def stores(town: Any, *profiles: str) -> list[tuple[str, bytes]]:
    return [(name, decrypted(town.folder / name / "store.db", keyring.unlock(town.folder / name, SECRET).keys[0])) for name in profiles]


def sealed_in(place: Place) -> dict[bytes, bytes]:
    """Parcel id -> sealed bytes of what came to a side, in its database or a copy of it."""
    rows = database.ask(place, "SELECT parcel_id, parcel FROM parcel WHERE parcel <> ?", b"")
    return {parcel_id: cbor.decode(parcel)["sealed"] for parcel_id, parcel in rows}


def pieces(sealed: bytes) -> list[bytes]:
    return [sealed[at : at + 48] for at in range(0, len(sealed) - 48, 48)]


def victims(town: Any) -> Place:
    return database.place_of(town.server.data, "victim")


def perpetrators(town: Any) -> Place:
    return database.place_of(town.server.data, "perpetrator")


def stopped(town: Any, to: Path) -> None:
    """A copy of the server's folder as it is now."""
    town.server.stop()
    to.mkdir()
    for side in SIDES:
        database.keep(database.place_of(town.server.data, side), to / f"{side}.db")
    town.server.start()


def with_kay(town: Any) -> None:
    """A second coordinator at the victim side's desk."""
    town.enrol("Kay", "coordinator", "referral_desk", side="victim")
    town.sync("jo")
    town.run("jo", "member", "add", town.desk, "Kay", "--role", "coordinator")
    town.sync("kay", "jo", "kay")


def told(town: Any) -> str:
    """Sam is told where she lives, and it comes to the desk; the word that stands for it."""
    address = canary()
    town.run("sam", "parcel", "details", "--file", town.case, "--set", f'people_harmed={{"names": "Cheryl", "address": "{address}"}}')
    town.sync("sam", "jo", "kay")
    return address


def expunge(town: Any, first: str, second: str, record: str) -> dict[str, Any]:
    asked = town.run(first, "expunge", "request", record[:8], "--reason", "error")
    assert all(part["parcel"] for part in asked["parts"])
    done: dict[str, Any] = town.run(second, "expunge", "approve", asked["request"][:8])
    return done


def test_a_letter_that_was_filed(town: Any, tmp_path: Path) -> None:
    with_kay(town)
    address = told(town)
    stopped(town, tmp_path / "older")
    (record,) = [row["record"] for row in town.run("jo", "record", "list", town.desk, "--type", "referral_intake")["records"]]
    (parcel,) = [ids.parse(one["parcel"]) for one in listed(town, "jo", "referral_intake", town.desk)]
    sealed = sealed_in(tmp_path / "older" / "victim.db")
    assert hits(stores(town, "jo", "kay"), [address]), "the search finds what is there"
    asked = town.run("jo", "expunge", "request", record[:8], "--reason", "error")
    shown = town.text("kay", "expunge", "approve", asked["request"][:8], "--yes")
    assert "The letter of the other side that it was made from goes too" in shown
    town.sync("jo", "kay", "sam")

    # Whoever looks for parcels now, on a phone that never saw this one, makes no record of it.
    code = town.run("office/victim-administrator", "invite", "--name", "Jo", "--role", "coordinator", "--role", "referral_desk", "--second-device")
    town.run("tablet", "device", "enrol", "-", "--label", "tablet", stdin=code["code"])
    town.sync("jo", "tablet", "tablet")
    assert [one["people_harmed"] for one in listed(town, "tablet", "referral_intake", town.desk)] == [[{"names": GONE, "address": GONE}]]
    assert not any("not taken" in line or "alarm" in line for profile in ("jo", "kay", "tablet") for line in town.run(profile, "status")["needs_you"])
    town.server.stop()
    things = [*contents(town.server.data), *stores(town, "jo", "kay", "tablet", "sam")]
    assert hits(things, [address]) == []
    assert [name for name, data in things for piece in pieces(sealed[parcel]) if piece in data] == []
    assert sealed_in(victims(town)).keys() == sealed.keys() - {parcel}

    # An older database of that side brings it not back, nor does one of the sender's side that would carry it again.
    database.put_back(tmp_path / "older" / "victim.db", victims(town))
    [(again,)] = database.ask(tmp_path / "older" / "victim.db", "SELECT parcel FROM parcel WHERE parcel_id = ?", parcel)
    database.change(victims(town), ("DELETE FROM parcel WHERE parcel_id = ?", (parcel,)), ("DELETE FROM gone", ()))
    database.change(perpetrators(town), ("UPDATE parcel_out SET waits = 1, parcel = ? WHERE parcel_id = ?", (again, parcel)))
    town.server.start(ready=False)
    assert town.refused("jo", "sync") == "restoring"  # and brings what the registry lacks
    for act in ("declare", "healed"):
        town.run("office/victim-administrator", "restored", act, "--yes")
    town.server.stop()
    town.server.start()  # what waits is carried at a start, and not before a pause is over
    town.sync("sam")
    town.server.stop()
    assert database.ask(perpetrators(town), "SELECT waits FROM parcel_out WHERE parcel_id = ?", parcel) == [(0,)]
    assert parcel not in sealed_in(victims(town))


def test_a_server_that_goes_on_showing_it(town: Any, tmp_path: Path) -> None:
    """A phone that never saw it is shown the parcel by a server that kept it, and makes no record of it."""
    with_kay(town)
    told(town)
    stopped(town, tmp_path / "older")
    (record,) = [row["record"] for row in town.run("jo", "record", "list", town.desk, "--type", "referral_intake")["records"]]
    expunge(town, "jo", "kay", record)
    town.sync("jo")
    kept = database.ask(tmp_path / "older" / "victim.db", "SELECT parcel, passed, parcel_id FROM parcel WHERE parcel <> ?", b"")
    town.server.stop()
    database.change(victims(town), *(("UPDATE parcel SET parcel = ?, passed = ? WHERE parcel_id = ?", one) for one in kept))
    (town.server.data / "victim.gone.jsonl").unlink()
    database.change(victims(town), ("UPDATE gone SET parcel_id = ?", (b"",)))
    town.server.start()
    code = town.run("office/victim-administrator", "invite", "--name", "Jo", "--role", "coordinator", "--role", "referral_desk", "--second-device")
    town.run("tablet", "device", "enrol", "-", "--label", "tablet", stdin=code["code"])
    town.sync("jo", "tablet", "tablet")
    assert len(town.run("tablet", "record", "list", town.desk, "--type", "referral_intake")["records"]) == 1


def test_an_older_database_alone(town: Any, tmp_path: Path) -> None:
    """The list names the parcel too: it goes from a database that still has it, before anything is served."""
    with_kay(town)
    told(town)
    stopped(town, tmp_path / "older")
    (parcel,) = [ids.parse(one["parcel"]) for one in listed(town, "jo", "referral_intake", town.desk)]
    (record,) = [row["record"] for row in town.run("jo", "record", "list", town.desk, "--type", "referral_intake")["records"]]
    expunge(town, "jo", "kay", record)
    town.server.stop()
    database.put_back(tmp_path / "older" / "victim.db", victims(town))
    sealed = sealed_in(tmp_path / "older" / "victim.db")[parcel]
    town.server.start(ready=False)  # the side waits to be declared; what was removed goes before that
    town.server.stop()
    raw = database.raw(victims(town))
    assert [piece for piece in pieces(sealed) if piece in raw] == []


def test_a_copy_in_another_file_is_told_of_and_goes_by_itself(town: Any) -> None:
    with_kay(town)
    victim = link(town)
    town.run(
        "sam", "record", "add", "person", "--file", town.case, "--set", 'names={"name": "Jack Hobson", "kind": "given"}', "--set", "known_as=Jack"
    )
    town.sync("sam", "jo", "kay", "jo", "lee")
    (notice,) = [row["record"] for row in town.run("jo", "record", "list", town.desk, "--type", "notice")["records"]]
    asked = town.text("jo", "expunge", "request", notice[:8], "--reason", "error", "--yes")
    assert "has a copy" in asked
    (request,) = town.run("kay", "sync") and town.run("kay", "expunge", "list")["requests"]
    town.run("kay", "expunge", "approve", request["request"][:8])
    town.sync("jo", "lee")
    assert [one["names"] for one in listed(town, "lee", "notice", victim)] == ["Jack Hobson"]
    (copy,) = [row["record"] for row in town.run("lee", "record", "list", victim, "--type", "notice")["records"]]
    expunge(town, "lee", "jo", copy)
    town.sync("jo", "lee", "jo", "lee")
    assert [one["names"] for one in listed(town, "lee", "notice", victim)] == [GONE]


def test_a_letter_that_waits(tmp_path: Path) -> None:
    """There is no desk yet: what Sam's phone wrote for it waits there, and goes with the record that it repeats."""
    with new_service(tmp_path) as made:
        office: Any = made
        office.enrol("Ruth", "coordinator")
        office.enrol("Sam", "navigator")
        office.sync("sam")
        case = office.run("sam", "file", "create", "case", "--member", "Ruth=coordinator")["file"]
        word = f"Cheryl {canary()}"
        record = office.run("sam", "record", "add", "person", "--file", case, "--set", f'names={{"name": "{word}", "kind": "given"}}')["record"]
        office.sync("sam", "ruth")
        waiting = office.run("sam", "parcel", "list")["waiting"]
        assert sorted(one["kind"] for one in waiting) == ["case_opened", "notice"]
        assert hits(stores(office, "sam"), [word])
        asked = office.run("sam", "expunge", "request", record[:8], "--reason", "spill")
        office.run("ruth", "expunge", "approve", asked["request"][:8])
        office.sync("sam")
        assert [one["kind"] for one in office.run("sam", "parcel", "list")["waiting"]] == ["case_opened"]
        assert "a notice is not sent to the other side: two colleagues removed what it said" in office.text("sam", "status")
        assert hits(stores(office, "sam", "ruth"), [word]) == []


def test_a_case_and_its_liaison_file(town: Any, tmp_path: Path) -> None:
    """They are two files: asked for together, erased each by itself; what comes to the liaison file afterwards is not kept, and nobody is told."""
    victim = link(town)
    town.run("lee", "instruction", "send", "--file", victim, "--say", "no_home_visits", "--weeks", "2")
    town.sync("lee", "sam", "ruth", "sam")
    (liaison,) = [one["file"] for one in listed(town, "sam", "liaison_file", town.case)]
    stopped(town, tmp_path / "older")
    sealed = sealed_in(tmp_path / "older" / "perpetrator.db")
    assert sealed
    assert "Its liaison file" in town.text("sam", "erase", "request", town.case, "--reason", "retention", "--yes")
    (alone,) = town.run("sam", "erase", "list")["requests"]
    town.run("sam", "erase", "cancel", alone["request"][:8])
    assert town.refused("sam", "erase", "request", liaison, "--reason", "retention", "--liaison") == "bad-value"
    both = town.run("sam", "erase", "request", town.case, "--reason", "retention", "--liaison")
    assert (both["file"], both["liaison"]["file"]) == (town.case, liaison)
    town.sync("ruth")
    shown = town.text("ruth", "erase", "approve", both["liaison"]["request"][:8], "--yes")
    assert "Letters of the other side that come to it from then on are not kept" in shown
    town.sync("sam")

    # The other side notices nothing: it sends, and its own server takes it.
    sent = town.run("lee", "instruction", "send", "--file", victim, "--say", "no_home_visits", "--weeks", "3")
    town.sync("lee")
    assert town.run("lee", "parcel", "list")["waiting"] == []
    assert sent["until"]
    assert town.run("sam", "instruction", "list", town.case)["instructions"][0]["gate"] == "hold"
    town.enrol("Priya", "navigator")
    town.sync("ruth")
    town.run("ruth", "member", "add", town.case, "Priya", "--role", "navigator")
    town.run("ruth", "erase", "approve", both["request"][:8])
    town.sync("sam", "priya", "ruth", "lee", "jo")
    for profile in ("sam", "ruth", "priya", "lee", "jo"):
        assert town.run(profile, "audit", "verify")["ok"]
        assert town.run(profile, "status")["alarms"] == []
    town.server.stop()
    assert sealed_in(perpetrators(town)) == {}
    raw = database.raw(perpetrators(town))
    assert [piece for one in sealed.values() for piece in pieces(one) if piece in raw] == []
    assert database.ask(perpetrators(town), "SELECT count(DISTINCT week) FROM intake_key") == [(1,)]


def test_no_command_fails_on_what_was_removed(town: Any) -> None:
    """A stub has no words: whoever goes by a record's values goes on without them, and a removed stand-down raises no alarm again."""
    victim = link(town)
    with_kay(town)
    town.run("jo", "member", "add", victim, "Kay", "--role", "coordinator")
    town.sync("kay", "jo", "lee")
    town.run("lee", "instruction", "send", "--file", victim, "--say", "no_home_visits", "--weeks", "2")
    town.sync("lee", "sam", "ruth")
    raised = town.run("sam", "urgent", "raise", "--file", town.case, "--what", "weapon", "--at-risk", "worker", "--called", "emergency_999")["alert"]
    town.sync("ruth", "jo")
    town.run("ruth", "urgent", "stand-down", raised[:8], "--why", "he is gone")
    (at_desk,) = town.run("jo", "urgent", "list")["alerts"]
    town.run("jo", "urgent", "stand-down", at_desk["alert"][:8], "--why", "he is gone")
    town.run(
        "sam", "record", "add", "person", "--file", town.case, "--set", 'names={"name": "Jack Hobson", "kind": "given"}', "--set", "known_as=Jack"
    )
    town.run("sam", "record", "add", "task", "--file", town.case, "--set", "what=Ring the landlord", "--set", "due=2030-01-01")
    town.run("sam", "note", "add", "--file", town.case, "a note")
    town.sync("sam", "ruth", "jo", "kay", "lee", "sam")
    (liaison,) = [one["file"] for one in listed(town, "sam", "liaison_file", town.case)]
    gone = 0
    for first, second, file in (("sam", "ruth", liaison), ("sam", "ruth", town.case), ("jo", "kay", town.desk), ("jo", "kay", victim)):
        for row in town.run(first, "record", "list", file)["records"]:
            if row["type"] in ("removal_request", "liaison_file"):
                continue
            asked = town.run(first, "expunge", "request", row["record"][:12], "--reason", "error")
            gone += len(town.run(second, "expunge", "approve", asked["request"][:12])["removed"])
            town.sync(first)
    assert gone > 10
    everyone = ("sam", "ruth", "jo", "kay", "lee")
    town.sync(*everyone, *everyone)
    for profile in everyone:
        for words in (
            ("status",),
            ("urgent", "list", "--all"),
            ("instruction", "list"),
            ("parcel", "list"),
            ("conflicts", "list"),
            ("spend", "list"),
            ("file", "list"),
        ):
            town.run(profile, *words)
            town.text(profile, *words)
        assert town.run(profile, "urgent", "list")["alerts"] == []
        assert town.run(profile, "status")["alarms"] == []
        for file in town.run(profile, "file", "list")["files"]:
            for row in town.run(profile, "record", "list", file["file"])["records"]:
                town.text(profile, "record", "show", row["record"])
                town.text(profile, "record", "history", row["record"])
