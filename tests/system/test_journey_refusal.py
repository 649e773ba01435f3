"""He refuses that partner support rings her. His case waits, hers does not notice;
a month later he agrees, and the work goes on where it stopped."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sync.device.entering import profile
from tests.story import add, sign, types_in
from tests.town import link, listed, new_town

MONTH_MS = 31 * 86_400_000


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Any]:
    with new_town(tmp_path) as made:
        yield made


def hers(town: Any, victim: str) -> list[str]:
    """What stands in her file, but for what came from his case."""
    return [one for one in types_in(town, "lee", victim) if one not in ("notice", "case_opened", "liaison_key")]


def test_refusal(town: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    victim = link(town)
    town.run("lee", "note", "add", "--file", victim, "She would like to be rung on Tuesdays.")
    before = hers(town, victim)

    jack = add(
        town, "sam", "person", town.case, names='{"name": "Jack"}', born="1988", gender="men", ethnicity="white_british", language="English",
        interpreter="no", parent="no",
    )["record"]  # fmt: skip
    asked = {"about_p": "partner_contact", "given_by": jack, "how": "spoken_in_person", "explained": "who_sees,how_to_withdraw"}
    refused = sign(town, "sam", "consent", town.case, **asked, status="refused", given_on="2026-11-20", reason="He says it is his business")
    assert refused["told"] == "Consent to partner contact changed"
    code, _, err = town.ran("sam", "record", "add", "case_status", "--file", town.case, "--set", "status=on_hold", "--set", "from=2026-11-20")
    assert (code, err) == (0, "")
    [waiting] = town.run("sam", "record", "list", town.case, "--type", "case_status")["records"]
    assert town.refused("sam", "note", "sign", waiting["record"]) == "bad-value", "on hold needs a reason, and a day to look again"
    town.run("sam", "record", "edit", waiting["record"], "--set", "hold_reason=partner_contact_refused", "--set", "look_again_on=2026-12-20")
    assert town.run("sam", "note", "sign", waiting["record"])["told"] == "The case's status changed"

    town.sync("sam", "jo", "lee")
    heard = [(one["notice"], one.get("consent") or one.get("status")) for one in listed(town, "lee", "notice", victim)]
    assert heard == [("who_it_is", None), ("partner_contact_consent", "refused"), ("status_changed", "on_hold")]
    assert "his business" not in str(listed(town, "jo", "notice", town.desk)), "what crosses is never in anybody's words"
    assert hers(town, victim) == before
    assert [one["support"] for one in listed(town, "jo", "link", town.desk)] == ["accepted"]

    real = profile.now_ms
    monkeypatch.setattr(profile, "now_ms", lambda: real() + MONTH_MS)
    town.sync("sam", "ruth", "jo", "lee")
    assert [one["status"] for one in listed(town, "ruth", "case_status", town.case)] == ["on_hold"], "no timer closes it"
    assert types_in(town, "ruth", town.case).count("closure") == 0
    town.run("lee", "note", "add", "--file", victim, "Rang on Tuesday; she is well.")

    assert sign(town, "sam", "consent", town.case, **asked, status="given", given_on="2026-12-21")["told"] == "Consent to partner contact changed"
    assert sign(town, "sam", "case_status", town.case, status="re_engaged", from_="2026-12-21")["told"] == "The case's status changed"
    town.sync("sam", "ruth", "jo", "lee")
    heard = [(one["notice"], one.get("consent") or one.get("status")) for one in listed(town, "lee", "notice", victim)]
    assert heard[3:] == [("partner_contact_consent", "given"), ("status_changed", "re_engaged")]
    assert [one["status"] for one in listed(town, "ruth", "case_status", town.case)] == ["on_hold", "re_engaged"]
    assert hers(town, victim) == sorted([*before, "case_note"])


def test_what_changes_later_is_told_again_and_once(town: Any) -> None:
    """An order that is served after it was recorded, a breach of it, his moving in with her: each reaches the desk when it is known, by whoever writes it."""
    order = sign(
        town, "sam", "legal_order", town.case, kind="non_molestation_order", order_state="made_not_served", ends="missing:not_known",
        conditions='{"text": "Not within 100 m of her home", "condition": "area"}', served_on_him="no",
    )  # fmt: skip
    assert order["told"] is None
    town.sync("sam", "ruth")
    edited = town.run("ruth", "record", "edit", order["record"], "--set", "served_on_him=yes", "--set", "served_at=2026-11-21T09:00")
    assert edited["told"] == "An order was served"
    town.sync("ruth", "sam")
    breach = '{"when": {"at": "2026-11-22", "precision": "day"}, "what": "Seen outside", "source": "police"}'
    assert town.run("sam", "record", "edit", order["record"], "--set", f"breaches={breach}")["told"] == "An order was breached"
    home = sign(town, "sam", "accommodation", town.case, status="sofa_surfing", lives_with="other_adults", at_victims_address="no")
    assert home["told"] == "New address"
    town.sync("sam")
    assert town.run("sam", "record", "edit", home["record"], "--set", "tenancy=none")["told"] is None
    assert town.run("sam", "record", "edit", home["record"], "--set", "at_victims_address=yes")["told"] == "He is at her address"
    incident = add(
        town, "sam", "incident", town.case, happened="2026-11-22", kinds="assault", account_of="police", outcome="missing:waiting_for_answer"
    )
    assert incident["told"] is None
    assert town.run("sam", "record", "edit", incident["record"], "--set", "outcome=arrests")["told"] == "Arrested"
    visit = sign(
        town, "sam", "visit_plan", town.case, purpose="First meeting", place_kind="office", start="2026-12-01T10:00", due_back="2026-12-01T11:00",
        visitors="Sam", buddy="Ruth", gate_seen="clear", hazards_read="yes", if_overdue="Ring Sam, then 999",
    )  # fmt: skip
    assert visit["told"] == "Next appointment"
    town.run("sam", "record", "edit", visit["record"], "--set", "start=2026-12-02T10:00")
    course = town.run("sam", "record", "add", "programme", "--file", town.case, "--set", "kind=structured_groupwork")
    missed = {"attended": "did_not_attend", "format": "group", "disclosure_made": "not_discussed"}
    assert add(town, "sam", "session", town.case, programme=course["record"], number="1", **missed)["told"] == "Attendance at a programme"
    closed = sign(
        town, "ruth", "closure", town.case, reason="long_sentence", closed_on="2026-12-03", agreed_by="Ruth,Sam", risk_then="high",
        way_back_given="yes", client_told="yes", retention_class="adult_case", retention_from="2026-12-03",
    )  # fmt: skip
    assert closed["told"] == "The case was closed"
    town.sync("sam", "sam", "ruth", "jo")
    told = listed(town, "jo", "notice", town.desk)
    kinds = ["order_served", "order_breached", "new_address", "at_her_address", "arrested", "next_appointment", "attendance", "closed"]
    assert [one["notice"] for one in told] == kinds
    assert (told[5]["next"]["at"], told[5]["place"], told[6]["attendance"]) == ("2026-12-02T10:00", "office", "did_not_attend")
    assert [one.get("order") for one in told[:2]] == ["non_molestation_order"] * 2
    assert told[1]["happened"]["at"] == "2026-11-22"
    assert "Seen outside" not in str(told)
