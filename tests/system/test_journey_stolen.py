"""Sam's phone is taken from the car. A colleague suspends it, the desk puts on record which cases were on it,
and rings the victim side: nothing else crosses."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.story import types_in
from tests.town import link, new_town


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Any]:
    with new_town(tmp_path) as made:
        yield made


def test_a_stolen_phone(town: Any) -> None:
    victim = link(town)
    town.enrol("Priya", "navigator")
    other = town.run("priya", "file", "create", "case", "--member", "Ruth=coordinator")["file"]
    desk = town.run("ruth", "file", "create", "desk")["file"]
    town.sync("priya", "ruth", "jo", "lee")
    there = types_in(town, "jo", town.desk), types_in(town, "lee", victim)
    sent = len(town.run("ruth", "parcel", "list")["sent"])

    town.run("priya", "device", "suspend", "Sam", "--reason", "stolen")
    assert town.refused("sam", "sync") == "suspended"
    town.sync("ruth")
    assert any("breach open --kind stolen_device" in text for text in town.run("ruth", "status")["needs_you"])
    made = town.run("ruth", "breach", "open", "--kind", "stolen_device", "--device", "Sam", "--what", "Taken from the car in Redcar")
    on_it = {row["file"] for row in made["files"]}
    assert town.case in on_it
    assert other not in on_it
    town.run("ruth", "breach", "step", made["breach"], "Rang Sam: it was locked")
    assert town.refused("ruth", "breach", "tell", made["breach"]) == "bad-value"
    assert town.run("ruth", "breach", "tell", made["breach"], "--rang")["alert"] is None
    [row] = town.run("ruth", "breach", "list")["breaches"]
    assert (row["other_side_told"], row["hours_left"]) == (True, 72)
    [record] = town.run("ruth", "record", "list", desk, "--type", "breach")["records"]
    assert "at" in town.run("ruth", "record", "show", record["record"])["fields"]["other_side_told_at"]["value"]

    town.sync("ruth", "priya", "jo", "lee")
    assert (types_in(town, "jo", town.desk), types_in(town, "lee", victim)) == there
    assert len(town.run("ruth", "parcel", "list")["sent"]) == sent
    assert town.run("jo", "urgent", "list")["alerts"] == []
    assert not any(one["suspended"] for one in town.run("jo", "device", "list")["devices"]), "whose phone it was they hear on the telephone only"
    town.run("ruth", "breach", "regulator", made["breach"], "--not-reported", "--why", "locked, and suspended within the hour")
    assert not any("breach" in text for text in town.run("ruth", "status")["needs_you"])
