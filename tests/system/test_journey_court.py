"""A court asks. The file is held: nothing in it goes by age or is erased; it is given out whole, by two people, with every version; then the hold ends,
the time comes, two people erase it, and a certificate says what was reached.
"""

import json
from pathlib import Path
from typing import Any

from tests import paper
from tests.canaries import hits

CALM = {"suicide_or_self_harm": "nothing_noted", "threat_to_someone": "nothing_noted", "child_concern": "nothing_noted"}


def test_court_hold_expiry_certificate(office: Any, tmp_path: Path) -> None:
    town = office
    town.enrol("Rose", "records_officer")
    town.sync("rose", "ruth")
    town.run("ruth", "member", "add", town.case, "Rose", "--role", "records_officer")
    town.run("ruth", "file", "create", "desk", "--member", "Rose=records_officer")
    note = town.run("sam", "note", "add", "--file", town.case, "He said the first thing.")["record"]
    town.sync("sam", "ruth", "rose")
    town.run("sam", "record", "edit", note, "--set", "body=He said the second thing.", "--set", "handwritten_original=kept")
    for name, value in CALM.items():
        town.run("sam", "record", "edit", note, "--set", f"{name}={value}")
    town.run("sam", "note", "sign", note)
    town.run("sam", "note", "addend", note, "He has since said a third thing.", "--reason", "rang on Monday")
    town.sync("sam", "ruth", "rose", "priya")

    held = town.run(
        "ruth", "hold", "set", town.case, "--kind", "litigation", "--reason", "Teesside Crown Court, T2026 0044", "--authority", "the court"
    )
    town.sync("ruth", "rose", "sam")
    refused = town.run("ruth", "erase", "request", town.case, "--reason", "retention", status=1)["error"]
    assert (refused["code"], refused["message"]) == ("not-permitted", "a legal hold is on this file: it is not erased")

    out = tmp_path / "court"
    asked = town.run("ruth", "export", "request", town.case, "--purpose", "court", "--to", "Teesside Crown Court", "--why", "order of 20 November")
    town.sync("rose")
    town.run("rose", "export", "make", asked["request"], "--out", str(out))
    found = json.loads((out / "to-hand-over" / "content.json").read_text())
    [one] = [one for one in found["records"] if one["record"] == note]
    versions = [(line["value"], line["by"], line["written_ms"] <= line["received_ms"]) for line in one["history"] if line["field"] == "body"]
    assert versions == [("He said the first thing.", "Sam", True), ("He said the second thing.", "Sam", True)], "all versions, with both times"
    text = "\n".join(paper.pages((out / "to-hand-over" / "content.pdf").read_bytes()))
    for words in ("He said the first thing.", "He said the second thing.", "a third thing", "Teesside Crown Court", "Handwritten original"):
        assert words in text, words
    audit = tmp_path / "audit.jsonl"
    town.run("rose", "audit", "export", "--out", str(audit))
    assert town.run("rose", "export", "check", str(out), str(audit))["ok"]

    # The case is over. Whoever put the hold ends it, and a second person agrees.
    town.sync("ruth")
    release = town.run("ruth", "hold", "release", held["hold"][:8], "--why", "judgment was given")
    town.sync("rose", "sam", "priya")
    town.run("sam", "hold", "approve", release["request"][:8])
    town.sync("sam", "ruth", "rose", "priya")
    assert town.run("ruth", "hold", "list")["holds"] == []
    request = town.run("ruth", "erase", "request", town.case, "--reason", "retention")
    town.sync("sam")
    town.run("sam", "erase", "approve", request["request"][:8])
    town.sync("sam", "ruth", "rose", "priya")
    certificate = tmp_path / "certificate.txt"
    town.run("ruth", "erase", "certificate", town.case, "--out", str(certificate))
    said = certificate.read_text()
    assert town.case in said
    assert "exports" in said, "what was given out is not reached"
    assert hits([("certificate", said.encode())], ["second thing"]) == []
    for who in ("sam", "ruth", "rose"):
        assert town.run(who, "record", "list", town.case)["records"] == []
        assert town.run(who, "audit", "verify")["ok"]
