"""A quarter's return: each side counts its own files, and only outside both are the two parts put beside each other. The sums agree, and no part has
a word of anybody's, or of the other side's.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.canaries import contents, hits, word
from tests.town import link, new_town

QUARTER = ("--from", "2026-10-01", "--until", "2026-12-31")
REFERRED = ("probation", "probation", "cafcass")
ANSWERED = ("spoke", "refused")


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Any]:
    with new_town(tmp_path) as made:
        yield made


def typed(town: Any, who: str, type_: str, file: str, **values: str) -> None:
    town.run(who, "record", "add", type_, "--file", file, *(one for name, value in values.items() for one in ("--set", f"{name}={value}")))


def figures(part: dict[str, Any], table: str) -> dict[str, tuple[int, int]]:
    return {cell["row"]: (cell["numerator"], cell["denominator"]) for each in part["tables"] if each["table"] == table for cell in each["figures"]}


def test_a_return_of_two_parts(town: Any, tmp_path: Path) -> None:
    victim = link(town)
    for who in ("ruth", "jo"):
        town.run(who, "file", "create", "desk")
    his, hers = word(), word()
    for source in REFERRED:
        file = town.run("ruth", "file", "create", "case")["file"]
        typed(town, "ruth", "referral", file, referral_source=source, received_on="2026-11-02", validity="valid", reason=his)
    for result in ANSWERED:
        typed(town, "lee", "contact", victim, mode="telephone", result=result, event_at="2026-11-04T10:00", who_was_there=hers)
    town.sync("ruth", "jo", "lee", "jo")

    parts = {}
    for who in ("ruth", "jo"):
        out = tmp_path / f"{who}s-part"
        town.run(who, "report", "part-return", "elm", *QUARTER, "--out", str(out))
        parts[who] = json.loads((out / "return.json").read_text())
        assert town.run("nobody", "report", "check", "elm", str(out / "return.json"))["ok"], "the sums of a part agree"
        assert hits(list(contents(out)), [his, hers, victim, town.case]) == []
    valid = figures(parts["ruth"], "valid_referrals")
    assert (valid["probation"], valid["cafcass"]) == ((2, 3), (1, 3))
    assert figures(parts["ruth"], "referrals")["total"][0] == len(REFERRED)
    town.sync("ruth", "jo", "sam", "lee")
    assert town.run("sam", "record", "list", town.case, "--type", "return_part")["records"] == [], "a part is its desk's"

    files = [str(tmp_path / f"{who}s-part" / "return.json") for who in ("ruth", "jo")]
    both = town.run("nobody", "report", "assemble", "elm", *files, "--out", str(tmp_path / "both"))
    assert both["slips"] == []
    assert {each["side"] for each in both["tables"]} == {"perpetrator", "victim"}
    rates = {one["figure"]: (one["numerator"], one["denominator"]) for one in both["computed"]}
    assert rates["engagement_rate/answered/"] == (1, 3), "one of each side's figures, over those referred"
    assert town.refused("nobody", "report", "assemble", "elm", files[0], files[0], "--out", str(tmp_path / "twice")) == "bad-value"
