"""A referral from MATAC: the victim side's desk takes the whole pack, matches it, checks who harms whom, and gives the other side its part of it."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from sync.device.entering import keyring
from tests.canaries import hits
from tests.rawstore import decrypted
from tests.shell import SECRET
from tests.town import listed, new_town, open_desk

ADDRESS, NUMBER = "14 Hawthorn Close, Norton", "01642 555019"
SOON = (date.today() + timedelta(days=7)).isoformat()
KNOWN = {
    "called": "Cheryl", "relationship": "partner", "lives_with_him": "yes", "age_band": "26_34", "he_knows_because": "lives_together",
}  # fmt: skip


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Any]:
    with new_town(tmp_path) as made:
        made.jo_desk = made.desk
        made.ruth_desk = made.run("ruth", "file", "create", "intake")["file"]
        made.sync("ruth")
        open_desk(made, "ruth", made.ruth_desk)
        made.sync("jo", "lee")
        yield made


def sets(**values: Any) -> tuple[str, ...]:
    return tuple(word for name, value in values.items() for word in ("--set", f"{name}={value if isinstance(value, str) else json.dumps(value)}"))


def pack(town: Any, **values: Any) -> str:
    """A pack at the victim side's desk."""
    return str(town.run("jo", "record", "add", "referral_intake", "--file", town.jo_desk, *sets(received_on="2026-11-20", **values))["record"])


def given(**more: Any) -> tuple[str, ...]:
    """What the other side is given."""
    return sets(names="Jack", area="stockton", qualifying_needs="alcohol", risk_at_referral="high", supplied="identity,offences", **more)


def test_a_referral_from_matac(town: Any) -> None:
    """Whole on one side; on the other what he is worked with for, and whom he knows already."""
    pack(town, referral_source="police_force", person_using_abuse={"names": "Cheryl Marr"}, people_harmed={"names": "Jack Ames"})
    whole = pack(
        town, referral_source="matac", referrer="PC Hale", person_using_abuse={"names": "Jack Ames", "history": "three assaults"},
        people_harmed={"names": "Cheryl Marr", "address": ADDRESS, "contact": NUMBER}, children={"names": "Robbie Marr", "lives_with": "grandmother"},
    )  # fmt: skip
    found = town.run("jo", "referral", "match", whole[:8])["matches"]
    assert (len(found["couple"]), found["two_victims"]) == (1, [])
    checked = town.run(
        "jo", "record", "add", "role_check", "--file", town.jo_desk,
        *sets(pack=whole, who="Cheryl", history_as_victim="7", history_as_user_of_abuse="1", fear="yes", control="no", injury="yes", resisting="yes",
              counter_allegation="yes", conclusion="is_harmed", review_on=SOON),
    )  # fmt: skip
    assert checked["record"]

    # Nothing of hers goes, in whichever field it was typed; what he knows already does, with why.
    for words in (f"He was seen at {ADDRESS}.", f"Her number is {NUMBER.replace(' ', '')}.", "He hit Cheryl.", "The boy is Robbie."):
        assert town.refused("jo", "referral", "split", whole[:8], *given(reason=words)) == "not-permitted"
    assert town.refused("jo", "referral", "split", whole[:8], *given(linked_people={**KNOWN, "called": "Cheryl Marr"})) == "not-permitted"
    sent = town.run("jo", "referral", "split", whole[:8], *given(reason="Three assaults since May.", linked_people=KNOWN), "--keep", "history")
    assert sent["sent"]
    [kept] = [one for one in listed(town, "jo", "referral_intake", town.jo_desk) if one.get("split")]
    assert {row["field"]: row["sent"] for row in kept["split"]}["linked_people: Cheryl"] == "yes"
    assert [row["field"] for row in kept["split"] if row["sent"] == "no"] == ["history"]

    # The other side's desk has it, and begins a case from it.
    town.sync("ruth")
    [waits] = town.run("ruth", "referral", "list")["referrals"]
    assert (waits["who"], waits["source"], waits["linked"]) == ("Jack", "matac", 1)
    case = town.run("ruth", "file", "create", "case", "--from-referral", waits["referral"][:8], "--member", "Sam=navigator")["file"]
    town.sync("ruth", "sam", "jo")
    assert town.run("ruth", "referral", "list")["referrals"] == []
    [filed] = listed(town, "sam", "referral", case)
    assert (filed["reason"], filed["victim_details_held"], filed["decision"]) == ("Three assaults since May.", "yes", "accepted")
    [linked] = listed(town, "sam", "linked_person", case)
    assert (linked["called"], linked["he_knows_because"]) == ("Cheryl", ["lives_together"])
    [opened] = [one for one in listed(town, "jo", "case_opened", town.jo_desk) if "referral" in one]
    assert opened["referral"] == sent["parcel"], "so the desk knows which case it is"
    assert [one["notice"] for one in listed(town, "jo", "notice", town.jo_desk) if one["case"] == opened["case"]] == ["who_it_is"]

    things = [(name, decrypted(town.folder / name / "store.db", keyring.unlock(town.folder / name, SECRET).keys[0])) for name in ("sam", "ruth")]
    assert hits(things, ["Hawthorn Close", NUMBER, "Cheryl Marr", "Robbie Marr", "grandmother"]) == []


def test_what_is_incomplete_or_does_not_fit(town: Any) -> None:
    """Nobody is left without an answer: on either side it becomes a task."""
    part = pack(town, referral_source="probation", referrer="Ms Orr", person_using_abuse={"names": "Dan Pike"})
    asked = town.run("jo", "referral", "incomplete", part[:8], "--missing", "victim_details", "--missing", "risk_level", "--due", SOON)
    assert asked["what"] == "Ask Ms Orr for: risk level, victim details"
    assert [one["what"] for one in listed(town, "jo", "task", town.jo_desk)] == [asked["what"]]
    town.run("jo", "referral", "split", part[:8], *given(agency="Probation"))
    town.sync("ruth")
    [waits] = town.run("ruth", "referral", "list")["referrals"]
    told = town.run(
        "ruth", "referral", "decline", waits["referral"][:8], "--decision", "declined_incomplete", "--reason", "no details of whom he harms", "--due", SOON
    )  # fmt: skip
    assert told["what"] == "Tell Probation: declined incomplete"
    assert town.refused("ruth", "file", "create", "case", "--from-referral", waits["referral"][:8]) == "not-found"
    [filed] = listed(town, "ruth", "referral", town.ruth_desk)
    assert filed["victim_details_held"] == "no"


def test_an_alert_the_other_way(town: Any) -> None:
    """What the victim side's people see comes to the other side's desk too, ahead of everything."""
    mine = town.run("lee", "file", "create", "case", "--member", "Jo=coordinator")["file"]
    raised = town.run(
        "lee", "urgent", "raise", "--file", mine, "--what", "worker_in_danger", "--at-risk", "worker", "--words", "He has a list of visits.",
        "--called", "emergency_999",
    )  # fmt: skip
    assert raised["sent"]
    town.sync("ruth")
    [at_desk] = town.run("ruth", "urgent", "list")["alerts"]
    assert at_desk["words"] == "He has a list of visits."
    assert any("URGENT" in text for text in town.run("ruth", "status")["needs_you"])
