"""A child of hers has a record on her side alone. His side knows what he knows, and whether he sees the child; nothing else comes over."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.story import add, exported, named, perpetrator_side, sign
from tests.town import link, listed, new_town


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Any]:
    with new_town(tmp_path) as made:
        yield made


def test_a_child(town: Any, tmp_path: Path) -> None:
    victim = link(town)
    voice = {"when": {"at": "2026-11-20", "precision": "day"}, "words": "Zq-I-hide-in-the-cupboard", "asked_by": "Lee"}
    words = ("Zq-Milly", "Zq-Hartburn-Primary", "Zq-Nan's-house", "Zq-I-hide-in-the-cupboard", "Zq-marks-on-the-arm")
    lee = next(row["user"] for row in town.run("lee", "device", "list")["devices"] if row["this"])
    child = add(
        town, "lee", "child", victim, names=f'{{"name": "{words[0]}"}}', born="2018", lives_with="partner_harmed", parental_responsibility="both", school=words[1],
        contact_arrangement="supervised", handover_place=words[2], safe_to_speak_to="yes",
        voice=str({**voice, "asked_by": lee}).replace("'", '"'),
    )["record"]  # fmt: skip
    concern = sign(
        town, "lee", "safeguarding_concern", victim, about="child", outline=words[4], action_taken="Rang the children's duty desk", referred="yes",
        referred_to="Children's services", referred_at="2026-11-20T15:00", manager_told_at="2026-11-20T15:30", parent_told="yes",
    )  # fmt: skip
    assert concern["told"] is None
    assert town.refused("sam", "record", "add", "child", "--file", town.case, "--set", 'names={"name": "Milly"}') == "bad-value"

    # What he knows because he is her father stands on his side, typed there, and says how he knows.
    his = sign(
        town, "sam", "linked_person", town.case, called="Milly", relationship="other", lives_with_him="no", is_child="yes",
        age_band="missing:not_asked", contact_with_child="supervised", he_knows_because="in_charge_or_court",
    )  # fmt: skip
    town.sync("lee", "jo", "sam", "ruth", "jo", "lee")
    assert listed(town, "ruth", "linked_person", town.case)[0]["contact_with_child"] == "supervised"
    assert town.run("lee", "record", "show", child)["fields"]["voice"]["value"][0]["words"] == words[3]
    assert town.refused("sam", "record", "show", child) == town.refused("sam", "record", "show", "0" * 32) == "not-found"

    export = exported(town, tmp_path / "perpetrator.jsonl")
    town.server.stop()
    everything = [*perpetrator_side(town, "sam", "ruth"), export]
    assert named(everything, *words, victim, child, concern["record"]) == set()
    assert named(everything, his["record"], town.case) == {his["record"], town.case}, "the search finds what is there"
