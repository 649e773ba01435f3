"""Returns from the command line: a side's part, two parts beside each other, what is published and what it remembers."""

import csv
import json
import re
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sync.device.entering.profile import open_session
from sync.device.people import files
from sync.device.recording import records
from tests.canaries import canary
from tests.shell import SECRET, new_service

QUARTER = ("--from", "2026-07-01", "--until", "2026-09-30")
SOURCES = {"probation": 9, "matac": 4, "cafcass": 12}


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """On each side a coordinator with a desk file and cases; whoever is in one has a name that must not leave."""
    with new_service(tmp_path_factory.mktemp("reporting")) as made:
        shell: Any = made
        shell.enrol("Ruth", "coordinator")
        shell.enrol("Vera", "coordinator", side="victim")
        shell.word = canary()
        shell.sync("ruth", "vera")
        shell.run("ruth", "file", "create", "desk")
        shell.run("vera", "file", "create", "desk")
        with open_session(shell.folder / "ruth", SECRET) as session:
            for source, many in SOURCES.items():
                for _ in range(many):
                    log = files.create_file(session, "case", {session.identity.user: "coordinator"})
                    values = {"referral_source": source, "received_on": "2026-08-03", "validity": "valid", "names": shell.word, "area": "redcar"}
                    records.add(session, log, "referral", values)
                    records.add(session, log, "person", {"known_as": shell.word, "gender": "men"})
            records.make_void(session, log, records.add(session, log, "referral", values), "typed twice")
            records.add(session, log, "referral", {"referral_source": "matac", "validity": "valid"})
        with open_session(shell.folder / "vera", SECRET) as session:
            for result in ("spoke", "refused"):
                log = files.create_file(session, "case", {session.identity.user: "coordinator"})
                contact = {
                    "result": result,
                    "mode": "telephone",
                    "event_at": {"at": "2026-08-04T10:00", "precision": "minute"},
                    "who_was_there": shell.word,
                }
                records.add(session, log, "contact", contact)
        shell.sync("ruth", "vera")
        yield shell


def content(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "return.json").read_text())
    return found


def figure(found: dict[str, Any], table: str, row: str) -> dict[str, Any]:
    [one] = [cell for each in found["tables"] if each["table"] == table for cell in each["figures"] if cell["row"] == row]
    return dict(one)


def test_a_part_and_its_records(town: Any, tmp_path: Path) -> None:
    """Exact, with numerator, denominator, missing and rule; kept in the desk file, signed; nobody's name in any of it."""
    out = tmp_path / "part"
    made = town.run("ruth", "report", "part-return", "elm", *QUARTER, "--out", str(out), "--charts")
    assert made["files"] == {"case": 25, "desk": 1}
    assert figure(made, "valid_referrals", "probation") == {"row": "probation", "column": "", "numerator": 9, "denominator": 25, "missing": 0}
    assert figure(made, "referrals", "total")["numerator"] == 25
    assert made["undated"] == {"valid_referrals": 1, "referrals": 1}
    assert made["says"] == "Small numbers: not for publication."
    assert (
        {path.name for path in out.iterdir()} == set(made["written"]) >= {"return.json", "tables.csv", "valid_referrals.png", "valid_referrals.svg"}
    )
    assert all(town.word.encode() not in path.read_bytes() for path in out.iterdir())
    assert {path.stat().st_mode & 0o777 for path in out.iterdir()} == {0o600}
    with (out / "tables.csv").open(newline="") as stream:
        lines = list(csv.reader(stream))
    assert lines[0] == ["Small numbers: not for publication."]
    [probation] = [line for line in lines if line[:1] == ["valid_referrals"] and line[3] == "probation"]
    assert probation[5:8] == ["9", "25", "0"]
    kept = town.run("ruth", "record", "show", made["kept"][2])
    assert kept["signed"]
    fields = {name: one["value"] for name, one in kept["fields"].items()}
    assert (fields["table"], fields["form"], fields["from"], fields["until"]) == ("elm/valid_referrals", "funder", "2026-07-01", "2026-09-30")
    assert fields["lists"] == "referral_source 1"
    assert {"row": "probation", "numerator": 9, "denominator": 25, "missing": 0} in fields["rows"]
    assert town.refused("ruth", "report", "part-return", "elm", *QUARTER, "--out", str(out)) == "not-permitted"


def test_two_parts_beside_each_other(town: Any, tmp_path: Path) -> None:
    """Figures of both, in one folder; a rate that takes one from each; a slip is named, and two parts of one side are refused."""
    for who in ("ruth", "vera"):
        town.run(who, "report", "part-return", "elm", *QUARTER, "--out", str(tmp_path / who))
    parts = [str(tmp_path / who / "return.json") for who in ("ruth", "vera")]
    nobody = "nobody at all"
    made = town.run(nobody, "report", "assemble", "elm", *parts, "--out", str(tmp_path / "both"))
    assert not (town.folder / nobody).exists()
    assert {each["side"] for each in made["tables"]} == {"perpetrator", "victim"}
    rates = {one["figure"]: (one["numerator"], one["denominator"], one["per_cent"]) for one in made["computed"]}
    assert rates["engagement_rate/supported/"] == (1, 25, 4)
    assert rates["engagement_rate/answered/"] == (2, 25, 8)
    assert made["slips"] == []
    assert town.refused(nobody, "report", "assemble", "elm", parts[0], parts[0], "--out", str(tmp_path / "twice")) == "bad-value"
    changed = content(tmp_path / "ruth")
    next(cell for each in changed["tables"] if each["table"] == "referrals" for cell in each["figures"])["numerator"] = 23
    (tmp_path / "changed.json").write_text(json.dumps(changed))
    assert town.run(nobody, "report", "check", "elm", str(tmp_path / "changed.json"), status=1)["slips"] == [
        {"check": "referral total", "figure": "referrals/total/", "says": 23, "comes_to": 25}
    ]
    assert town.run(nobody, "report", "check", "elm", parts[0])["ok"]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda raw: raw.pop("tables"),
        lambda raw: raw.update(side="victim"),
        lambda raw: raw.update(version=99),
        lambda raw: raw.update({"return": "drive"}),
        lambda raw: raw.update({"until": "2026-13-01"}),
        lambda raw: raw.update(form="publication"),
        lambda raw: raw["tables"][0].update(table="other"),
        lambda raw: raw["tables"][0]["figures"][0].update(numerator="4"),
        lambda raw: raw["tables"][0]["figures"][0].update(numerator=True),
    ],
)
def test_what_is_no_part_is_refused(town: Any, tmp_path: Path, spoil: Any) -> None:
    town.run("ruth", "report", "part-return", "elm", *QUARTER, "--out", str(tmp_path / "part"))
    raw = content(tmp_path / "part")
    spoil(raw)
    (tmp_path / "spoilt.json").write_text(json.dumps(raw))
    out = tmp_path / "both"
    assert town.refused("nobody", "report", "assemble", "elm", str(tmp_path / "spoilt.json"), "--out", str(out)) == "bad-value"
    assert not out.exists()


def test_published_and_remembered(town: Any, tmp_path: Path) -> None:
    """Only what may be seen is written, and it is on record first: the next one says the same, and knows of it."""
    july = ("--from", "2026-07-01", "--until", "2026-08-31")
    made = town.run("ruth", "report", "publish", "one_eighty", *july, "--out", str(tmp_path / "first"), "--charts")
    cells = {one["row"]: one["shown"] for each in made["tables"] if each["table"] == "referrals_by_area" for one in each["figures"]}
    assert cells["redcar"] == "25"
    months = {
        one["row"]: one["shown"]
        for each in made["tables"]
        if each["table"] == "referrals_by_month"
        for one in each["figures"]
        if one["from"] == "2026-08-01"
    }
    assert (months["probation"], months["matac"], months["cafcass"]) == ("10", "c", "10")
    assert "numerator" not in (tmp_path / "first/return.json").read_text()
    assert "left out" in (tmp_path / "first/referrals_by_month.txt").read_text()
    kept = town.run("ruth", "record", "show", made["kept"][0])
    assert kept["signed"]
    assert not kept["pending"]
    assert "numerator" not in json.dumps(kept["fields"]["rows"])
    again = town.run("ruth", "report", "publish", "one_eighty", *july, "--out", str(tmp_path / "second"))
    assert again["tables"] == made["tables"]


def test_without_a_connection_nothing_is_published(town: Any, tmp_path: Path) -> None:
    town.server.stop()
    try:
        before = len(town.run("ruth", "record", "list", desk(town))["records"])
        out = tmp_path / "offline"
        assert town.refused("ruth", "report", "publish", "one_eighty", *QUARTER, "--out", str(out)) == "offline"
        assert not out.exists()
        assert len(town.run("ruth", "record", "list", desk(town))["records"]) == before
    finally:
        town.server.start()


@pytest.mark.parametrize(("lacking", "words"), [("matplotlib", ("--charts",)), ("scipy.optimize", ())])
def test_without_what_draws_or_solves_it_says_so(
    town: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lacking: str, words: tuple[str, ...]
) -> None:
    """And nothing is put on record."""
    monkeypatch.setitem(sys.modules, lacking, None)
    before = len(town.run("ruth", "record", "list", desk(town))["records"])
    days = ("--from", "2026-08-01", "--until", "2026-08-31")
    found = town.run("ruth", "report", "publish", "cleveland", *days, "--out", str(tmp_path / "out"), *words, status=1)["error"]
    assert found["code"] == "not-found"
    assert lacking.split(".")[0] in found["message"]
    assert len(town.run("ruth", "record", "list", desk(town))["records"]) == before
    assert not (tmp_path / "out").exists()


def desk(town: Any) -> str:
    return str(next(one["file"] for one in town.run("ruth", "file", "list")["files"] if one["kind"] == "desk"))


@pytest.mark.parametrize("words", [("elm", "--from", "2026-07-01", "--until", "2026-06-30"), ("elm", "--from", "July", "--until", "2026-06-30")])
def test_days_that_are_none(town: Any, tmp_path: Path, words: tuple[str, ...]) -> None:
    assert town.refused("ruth", "report", "part-return", *words, "--out", str(tmp_path / "out")) == "bad-value"


def test_a_return_that_there_is_not(town: Any, tmp_path: Path) -> None:
    assert town.refused("ruth", "report", "part-return", "oak", *QUARTER, "--out", str(tmp_path / "out")) == "not-found"


def test_tables_say_their_rule(town: Any) -> None:
    rows = town.run("nobody", "report", "tables", "cleveland")["tables"]
    assert {row["table"] for row in rows} >= {"referrals_by_source", "gender", "offences"}
    assert all(row["rule"] and row["source"] for row in rows)
    assert "cleveland/gender" in town.text("nobody", "report", "tables")


def test_charts_can_be_read(town: Any, tmp_path: Path) -> None:
    """An SVG with its words in it as text and described, a PNG of a size to read, and the same as a text."""
    out = tmp_path / "charts"
    town.run("ruth", "report", "part-return", "elm", *QUARTER, "--out", str(out), "--charts")
    svg = (out / "valid_referrals.svg").read_text()
    root = ET.fromstring(svg)
    said = "".join(root.itertext())
    for word in ("3. Valid referrals, by source", "probation", "MATAC", "Cafcass", "Small numbers: not for publication."):
        assert word in said
    assert not re.search(r"#(?:f00|0f0|ff0000|00ff00)\b", svg)
    assert (out / "valid_referrals.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    words = (out / "valid_referrals.txt").read_text()
    assert "probation: 9." in words
