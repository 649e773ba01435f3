"""He asks what is held about him, and so does she. Each side searches its own files and writes out its own copy; the answers say the same of what is left
out, and neither has a word of the other's.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared_schema import ids
from sync.device.exports.export_files import HANDED
from sync.device.exports.export_manifest import LIST
from tests.canaries import hits, word
from tests.paper import swept
from tests.story import sign
from tests.town import link, new_town


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Any]:
    with new_town(tmp_path) as made:
        town: Any = made
        town.enrol("Rose", "records_officer")
        town.enrol("Vera", "records_officer", side="victim")
        town.sync("ruth", "jo", "rose", "vera")
        yield town


def asked(town: Any, who: str, desk: str, name: str, found: str) -> str:
    """A request as it is put down at the desk of a side, with where was searched."""
    me = next(row["user"] for row in town.run(who, "device", "list")["devices"] if row["this"])
    made: str = sign(
        town, who, "data_request", desk, kind="subject_access", from_=name, safe_reply_route="By hand, at the office", received="2026-11-20", due="2026-12-20",
        identity_checked=json.dumps({"how": "Passport", "by": me}), scope="Everything about the person",
        searched=json.dumps({"where": "All files of this side", "by": me, "found": found}), decided_by="Ruth,Rose" if who == "rose" else "Jo,Vera",
    )["record"]  # fmt: skip
    return made


def copy(town: Any, file: str, asks: str, makes: str, out: Path) -> dict[str, Any]:
    """One person asks for the copy, another decides on each passage about somebody else and makes it."""
    request = town.run(asks, "export", "request", file, "--purpose", "subject_access", "--to", "The person, by hand")["request"]
    town.sync(makes)
    assert town.refused(makes, "export", "make", request, "--out", str(out)) == "not-approved", "something in it is about somebody else"
    for row in town.run(makes, "export", "review", request)["passages"]:
        town.run(makes, "export", "decide", row["passage"], "redact", "--why", "About somebody else", "--request", request)
    made: dict[str, Any] = town.run(makes, "export", "make", request, "--out", str(out))
    return made


def test_both_ask(town: Any, tmp_path: Path) -> None:
    victim = link(town)
    town.run("ruth", "member", "add", town.case, "Rose", "--role", "records_officer")
    town.run("jo", "member", "add", victim, "Vera", "--role", "records_officer")
    desks = {
        "rose": town.run("ruth", "file", "create", "desk", "--member", "Rose=records_officer")["file"],
        "vera": town.run("jo", "file", "create", "desk", "--member", "Vera=records_officer")["file"],
    }
    his, hers, of_her, of_him = (word() for _ in range(4))
    town.run("sam", "note", "add", "--file", town.case, f"He works at {his}. His partner {of_her} was there.")
    town.run("sam", "note", "add", "--file", town.case, f"Calm today. {his} again.")
    town.run("lee", "note", "add", "--file", victim, f"He is called {of_him} by his friends.")
    town.run("lee", "note", "add", "--file", victim, f"at the {hers.lower()}, today")
    town.run("lee", "instruction", "send", "--file", victim, "--say", "no_home_visits", "--weeks", "2", "--why", hers)
    town.sync("sam", "lee", "jo", "ruth", "rose", "vera", "sam")

    # His request reaches every file that the service holds of him: each side looks in its own, and says so at its own desk.
    requests = {
        "rose": asked(town, "rose", desks["rose"], "Jack", "The case"),
        "vera": asked(town, "vera", desks["vera"], "Jack", "Nothing to give out"),
    }
    out = tmp_path / "his"
    made = copy(town, town.case, "ruth", "rose", out)
    handed = swept(out / HANDED)
    assert hits(handed, [hers, of_him, of_her, hers.lower()]) == []
    manifest = (out / HANDED / LIST).read_bytes()
    me = {"at": "2026-11-24", "precision": "day"}
    given = {"what": f"Export {made['number']}", "how": "By hand", "to_whom": "Jack", "hash": ids.sha256(manifest).hex(), "at": me}
    town.run("rose", "record", "edit", requests["rose"], "--set", f"released={json.dumps(given)}")
    assert town.refused("rose", "record", "show", requests["vera"]) == town.refused("vera", "record", "show", requests["rose"]) == "not-found"

    # Her request: her file, on her side, without what is about him.
    asked(town, "vera", desks["vera"], "Cheryl", "Her file")
    out = tmp_path / "hers"
    copy(town, victim, "jo", "vera", out)
    handed = swept(out / HANDED)
    assert hits(handed, [his, of_her, of_him]) == []
    assert hits(handed, [hers.lower()]), "the search finds what is there"

    # Both are told the same of what is left out, whether or not there is any of it, and neither learns of the other's file.
    both = [json.loads((tmp_path / name / HANDED / "content.json").read_text()) for name in ("his", "hers")]
    assert both[0]["left_out"] == both[1]["left_out"]
    assert not {"parcel_sent", "notice", "instruction", "link", "read_event", "export_request"} & {
        row["type"] for one in both for row in one["records"]
    }
    for name, who in (("his", "rose"), ("hers", "vera")):
        audit = tmp_path / f"{name}.jsonl"
        town.run(who, "audit", "export", "--out", str(audit))
        assert town.run(who, "export", "check", str(tmp_path / name), str(audit))["ok"]
        town.run(who, "export", "check", str(tmp_path / name / HANDED))
    other = tmp_path / "other.jsonl"
    town.run("vera", "audit", "export", "--out", str(other))
    assert town.run("vera", "export", "check", str(tmp_path / "his"), str(other), status=1)["wrong"], "the other side's log vouches for nothing of it"
