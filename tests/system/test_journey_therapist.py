"""Theo, of another organisation, gives Jack therapy. He sees shared care and therapy, and not the case;
the case hears that Jack came, and what to be careful of, and nothing that was said."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.story import add, named, perpetrator_side, sign, types_in
from tests.town import link, listed, new_town


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Any]:
    with new_town(tmp_path) as made:
        yield made


def kinds(town: Any, profile: str) -> set[str]:
    return {row["kind"] for row in town.run(profile, "file", "list")["files"]}


def test_a_therapist(town: Any) -> None:
    victim = link(town)
    town.enrol("Theo", "therapist", more=("--org", "Tees Counselling"))
    town.enrol("Tilda", "therapy_lead", more=("--org", "Tees Counselling"))
    town.sync("sam", "theo", "tilda")
    assert {one["org"] for one in town.run("sam", "device", "list")["devices"] if one["name"] in ("Theo", "Tilda")} == {"Tees Counselling"}
    assert town.refused("theo", "file", "create", "case") == town.refused("sam", "file", "create", "therapy") == "not-permitted"
    assert town.refused("sam", "member", "add", town.case, "Theo", "--role", "therapist") == "not-permitted"
    assert town.refused("theo", "file", "create", "therapy", "--case", town.case) == "bad-value"
    assert any("--case" in one for one in town.run("ruth", "file", "create", "shared_care")["warnings"])
    begin = ("file", "create", "shared_care", "--case", town.case, "--member", "Theo=therapist", "--member", "Ruth=coordinator")
    shared = town.run("sam", *begin)["file"]
    therapy = town.run("theo", "file", "create", "therapy", "--member", "Tilda=therapy_lead")["file"]
    jack = town.run("sam", "record", "add", "person", "--file", shared, "--set", 'names={"name": "Jack"}')["record"]
    agreed = {"about_p": "therapy", "given_by": jack, "how": "signed_paper", "explained": "other_organisation,limits_of_confidentiality"}
    consent = sign(town, "sam", "consent", shared, **agreed, status="given", given_on="2026-11-20")
    assert consent["told"] is None, "therapy is not partner support's"
    referral = sign(
        town, "sam", "therapy_referral", shared, criteria="traumatic_attachment", consent=consent["record"], told_other_organisation="yes"
    )
    town.sync("sam", "theo", "tilda", "ruth")

    assert kinds(town, "theo") == {"shared_care", "therapy"}
    assert kinds(town, "tilda") == {"therapy"}
    assert "therapy" not in kinds(town, "sam") | kinds(town, "ruth")
    assert town.run("theo", "record", "show", referral["record"])["signed"]
    for hidden, who in ((town.case, "theo"), (therapy, "sam"), (therapy, "ruth"), (shared, "tilda")):
        assert town.refused(who, "record", "list", hidden) == town.refused(who, "record", "list", "0" * 32) == "not-found"

    flags = {"suicide_or_self_harm": "nothing_noted", "threat_to_someone": "concern", "child_concern": "not_discussed"}
    said = {"number": "1", "mode": "face_to_face", "attended": "attended"}
    call = sign(town, "theo", "pre_therapy_call", therapy, **{**said, "mode": "telephone"}, **{**flags, "threat_to_someone": "nothing_noted"})
    first = sign(town, "theo", "therapy_session", therapy, **said, **flags, body="Canary-of-the-session: his father and the belt")
    came = add(
        town, "theo", "attendance_notice", shared, on="2026-11-23", attended="attended", next="2026-11-30T10:00", event_at="2026-11-23T10:00"
    )  # fmt: skip
    risk = add(
        town, "theo", "risk_notice", shared, level="concern", words="He is angry about the hearing on Friday", act="be_extra_alert_this_period"
    )
    assert (call["told"], first["told"], risk["told"]) == (None, None, None)
    assert came["told"] == "Attendance at a programme; Next appointment"
    town.sync("theo", "tilda", "sam", "ruth", "jo", "lee")

    assert [one["words"] for one in listed(town, "ruth", "risk_notice", shared)] == ["He is angry about the hearing on Friday"]
    assert [one["attended"] for one in listed(town, "sam", "attendance_notice", shared)] == ["attended"]
    assert [one["body"] for one in listed(town, "tilda", "therapy_session", therapy)] == ["Canary-of-the-session: his father and the belt"]
    assert town.refused("tilda", "record", "edit", first["record"], "--set", "number=2") == "frozen"
    assert types_in(town, "sam", shared) == sorted(
        ["attendance_notice", "case_address", "consent", "parcel_sent", "parcel_sent", "person", "risk_notice", "therapy_referral"]
    )

    told = listed(town, "lee", "notice", victim)
    assert [(one["notice"], one.get("attendance")) for one in told] == [("attendance", "attended"), ("next_appointment", None)]
    assert told[1]["next"]["at"] == "2026-11-30T10:00"
    assert not any(word in str(listed(town, "jo", "notice", town.desk)) for word in ("therap", "Theo", "hearing", "Counselling"))

    end = sign(town, "theo", "therapy_end", therapy, **flags, end_reason="finished")
    town.sync("theo", "tilda", "sam", "ruth")
    assert end["told"] is None
    assert named(perpetrator_side(town, "sam", "ruth"), therapy, "Canary-of-the-session") <= {therapy}, "the server knows that there is such a file"
    assert named(perpetrator_side(town, "theo"), "Canary-of-the-session") == {"Canary-of-the-session"}
