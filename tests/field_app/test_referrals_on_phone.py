"""A referral between a phone and laptops, on either side of the wall (docs/spec.md §15.8)."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.field_app.fleet import alarms, same, user_of
from tests.field_app.phone import Phone, PhoneError
from tests.town import listed, new_town, open_desk

ADDRESS, NUMBER = "14 Hawthorn Close, Norton", "01642 555019"
SOON = (date.today() + timedelta(days=7)).isoformat()
PACK: dict[str, Any] = {
    "received_on": "2026-11-20", "referral_source": "matac", "referrer": "PC Hale", "person_using_abuse": [{"names": "Jack Ames"}],
    "people_harmed": [{"names": "Cheryl Marr", "address": ADDRESS, "contact": NUMBER}], "children": [{"names": "Robbie Marr"}],
}  # fmt: skip
KNOWN = {"called": "Cheryl", "relationship": "partner", "lives_with_him": "yes", "age_band": "26_34", "he_knows_because": "lives_together"}
PART: dict[str, Any] = {
    "names": "Jack", "area": "stockton", "qualifying_needs": ["alcohol"], "risk_at_referral": "high", "supplied": ["identity", "offences"],
}  # fmt: skip


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Any]:
    with new_town(tmp_path) as made:
        made.ruth_desk = made.run("ruth", "file", "create", "intake")["file"]
        made.sync("ruth")
        open_desk(made, "ruth", made.ruth_desk)
        made.sync("jo")
        yield made


def at_desk(town: Any, phone: Phone, name: str, side: str, profile: str, desk: str) -> None:
    """A coordinator's phone at a desk."""
    code = town.run(f"office/{side}-administrator", "invite", "--name", name, "--role", "coordinator")["code"]
    phone.do("enrol", code=code, label=f"{name}'s phone")
    town.sync(profile)
    town.run(profile, "member", "add", desk, name, "--role", "coordinator")
    town.sync(profile)
    phone.do("sync")


def test_given_by_a_phone(town: Any) -> None:
    """The phone looks, asks, and gives the other side its part: nothing of hers goes, in whichever field it is."""
    with Phone(town.address) as kit:
        at_desk(town, kit, "Kit", "victim", "jo", town.desk)
        turned = {"received_on": "2026-11-01", "person_using_abuse": [{"names": "cheryl  marr"}], "people_harmed": [{"names": "Jack Ames"}]}
        other = kit.do("add", file=town.desk, type="referral_intake", values=turned)["record"]
        whole = kit.do("add", file=town.desk, type="referral_intake", values=PACK)["record"]
        where = {"file": town.desk, "record": whole}
        assert kit.do("match", **where) == {"both_roles": [], "couple": [other], "two_victims": []}
        for words in (f"He was seen at {ADDRESS}.", f"Her number is {NUMBER.replace(' ', '')}.", "He hit Cheryl.", "The boy is Robbie."):
            with pytest.raises(PhoneError, match="not-permitted"):
                kit.do("split", **where, values={**PART, "reason": words})
        with pytest.raises(PhoneError, match="not-permitted"):
            kit.do("split", **where, values={**PART, "linked_people": [{**KNOWN, "called": "Cheryl Marr"}]})
        with pytest.raises(PhoneError, match="the other side's to write"):
            kit.do("split", **where, values={**PART, "decision": "accepted"})
        assert kit.do("letters") == []
        kit.do("split", **where, values={**PART, "reason": "Three assaults since May.", "linked_people": [KNOWN]}, kept=["history"])
        kit.do("incomplete", **where, missing=["risk_level", "victim_details"], due=SOON)
        for _ in range(2):
            kit.do("sync")
        assert kit.do("letters") == []
        town.sync("ruth", "jo")
        [kept] = [one for one in listed(town, "jo", "referral_intake", town.desk) if one.get("split")]
        sent = {row["field"]: row["sent"] for row in kept["split"]}
        assert (sent["linked_people: Cheryl"], sent["names"], sent["history"]) == ("yes", "yes", "no")
        assert sorted(row["check"] for row in kept["matches"]) == ["both_roles", "couple", "two_victims"]
        assert [one["what"] for one in listed(town, "jo", "task", town.desk)] == ["Ask PC Hale for: risk level, victim details"]
        same(town, kit, town.desk, "jo")
        [waits] = town.run("ruth", "referral", "list")["referrals"]
        assert (waits["who"], waits["source"], waits["linked"]) == ("Jack", "matac", 1)
        case = town.run("ruth", "file", "create", "case", "--from-referral", waits["referral"][:8], "--member", "Sam=navigator")["file"]
        town.sync("ruth", "sam")
        [filed] = listed(town, "sam", "referral", case)
        assert (filed["reason"], filed["victim_details_held"]) == ("Three assaults since May.", "yes")
        assert alarms(kit) == []


def given(town: Any, **more: str) -> None:
    """Jo gives a part, at a laptop."""
    sets = [word for name, value in {"names": "Jack", "area": "stockton", "qualifying_needs": "alcohol", "risk_at_referral": "high", "supplied": "identity",
                                     "agency": "Probation", **more}.items() for word in ("--set", f"{name}={value}")]  # fmt: skip
    pack = town.run(
        "jo",
        "record",
        "add",
        "referral_intake",
        "--file",
        town.desk,
        "--set",
        "received_on=2026-11-20",
        "--set",
        'people_harmed={"names": "Ada Orr"}',
    )
    town.run("jo", "referral", "split", pack["record"][:8], *sets)
    town.sync("jo")


def test_taken_by_a_phone(town: Any) -> None:
    with Phone(town.address) as nia:
        at_desk(town, nia, "Nia", "perpetrator", "ruth", town.ruth_desk)
        given(town, linked_people=json.dumps(KNOWN))
        given(town, names="Dan")
        town.sync("ruth")
        nia.do("sync")
        first, second = nia.do("referrals")
        assert [one["values"]["names"] for one in (first, second)] == ["Jack", "Dan"]
        case = nia.do("beginFrom", file=first["file"], record=first["record"], members={user_of(nia, "Sam"): "navigator"})["file"]
        with pytest.raises(PhoneError, match="begun from it already"):
            nia.do("beginFrom", file=first["file"], record=first["record"], members={})
        nia.do(
            "decline", file=second["file"], record=second["record"], decision="declined_incomplete", reason="nothing about whom he harms", due=SOON
        )
        assert nia.do("referrals") == []
        for _ in range(2):
            nia.do("sync")
        town.sync("ruth", "sam", "jo")
        assert town.run("ruth", "referral", "list")["referrals"] == []
        [filed] = listed(town, "sam", "referral", case)
        assert (filed["decision"], filed["victim_details_held"], filed["agency"]) == ("accepted", "yes", "Probation")
        [linked] = listed(town, "sam", "linked_person", case)
        assert (linked["called"], linked["he_knows_because"]) == ("Cheryl", ["lives_together"])
        assert [one["what"] for one in listed(town, "ruth", "task", town.ruth_desk)] == ["Tell Probation: declined incomplete"]
        [opened] = [one for one in listed(town, "jo", "case_opened", town.desk) if "referral" in one]
        assert opened["referral"] == filed["parcel"], "so the desk knows which case it is"
        assert [one["notice"] for one in listed(town, "jo", "notice", town.desk) if one["case"] == opened["case"]] == ["who_it_is"]
        same(town, nia, case, "sam")
        same(town, nia, town.ruth_desk)
        assert alarms(nia) == []
