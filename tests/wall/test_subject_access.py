"""W4 for a subject access request: whether nobody, one or three people are supported, he is given the same, byte for byte."""

import json
from pathlib import Path
from typing import Any

import pytest

from shared_schema import ids
from shared_schema.errors import Refused
from sync.device.across import cases, instructions
from sync.device.exports import export_files, exporting, reviewing
from sync.device.people import files
from sync.device.recording import records
from tests import paper
from tests.wall.story import desk_of
from tests.wall.twins import Phone, Run, steady
from tests.world import DAY

SAY = (["ring_before_any_contact"], ["no_home_visits"], ["two_workers_only"])


def asked_for(run: Run, jo: Any, supported: int) -> None:
    """Each person supported has a file, a link, and something that is asked of his case; what a quiet desk sends goes in every run."""
    [(opened, _)] = jo.session.store.records(jo.desk, "case_opened")
    case = records.values(jo.session, jo.desk, opened)["case"].value
    for number in range(supported):
        log = files.create_file(jo.session, "case", {})
        records.add(jo.session, jo.desk, "link", {"case": case, "file": ids.show(log), "support": "accepted"})
        instructions.instruct(jo.session, jo.desk, case, word="instruction", weeks=2 + number, say=SAY[number], about={"why": f"she moves {number}"})
    jo.sync()
    run.settle()


def exported(folder: Path, sealed: dict[bytes, bytes], supported: int) -> dict[str, Any]:
    """His file, written out for him, after a week's work; Sam writes down what partner support asked for, as the forms have it."""
    with steady(sealed), Run(folder / "server") as run:
        sam, ruth, rose = (
            run.enrol("perpetrator", name, role) for name, role in (("Sam", "navigator"), ("Ruth", "coordinator"), ("Rose", "records_officer"))
        )
        jo = desk_of(run)
        for phone in (sam, ruth, rose):
            phone.sync()
        people = {ruth.session.identity.user: "coordinator", rose.session.identity.user: "records_officer"}
        case = cases.open_case(sam.session, people)
        sam.sync()
        run.settle()
        jo.sync()
        asked_for(run, jo, supported)
        run.now_ms += 5 * DAY  # a Friday noon passes: fillers
        jo.sync()
        run.settle()
        in_force = write(sam, case)
        for phone in (sam, ruth, rose):
            phone.sync()
        request = exporting.ask(ruth.session, case, "subject_access", "Jack")
        ruth.sync()
        rose.sync()
        [asked] = [one for one in exporting.list_requests(rose.session) if one.record == request]
        with pytest.raises(Refused, match="have not been decided"):
            export_files.begin(rose.session, asked)
        waiting = [one.passage for one in reviewing.review(rose.session, asked)]
        for number, passage in enumerate(waiting):
            reviewing.decide(rose.session, asked, [passage.id.hex()], ("redacted", "withheld", "reasonable")[number % 3], "about somebody else")
        export_files.begin(rose.session, asked)
        rose.sync()
        export_files.write(rose.session, asked, exporting.on_record(rose.session, asked), folder / "out")
        handed = folder / "out" / "to-hand-over"
        out = {str(path.relative_to(handed)): path.read_bytes() for path in handed.rglob("*") if path.is_file()}
        places = json.loads((folder / "out" / "to-keep" / "places.json").read_text())["parts"]
        return {
            "out": out,
            "flagged": [one.words for one in waiting],
            "places": [(one["record"], one["seq"], one["part"]) for one in places],
            "in force": in_force,
        }


def write(sam: Phone, case: bytes) -> set[str]:
    """A note, a visit, a review: with what partner support asks for where the form has a place for it. Returns what that was."""
    found = cases.liaison_of(sam.session, case)
    assert found is not None
    sam.sync()
    asked = instructions.in_force(sam.session, found[0])
    records.add(sam.session, case, "case_note", {"body": "He rang; he is looking for work."})
    records.add(sam.session, case, "case_note", {"body": "His mother rang. Saw Dawn Eaglescliffe at 4 Mill Road. She will ring again. He was calm."})
    records.add(sam.session, case, "visit_plan", {"purpose": "assessment", "gate_seen": "clear" if asked.say else "hold"})
    review = {"summary": "steady"} | ({"instructions_in_force": list(asked.say)} if asked.say else {})
    records.add(sam.session, case, "case_review", review)
    return set(asked.say)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[int, dict[str, Any]]:
    sealed: dict[bytes, bytes] = {}
    return {number: exported(tmp_path_factory.mktemp(f"supported-{number}"), sealed, number) for number in (0, 1, 3)}


def test_he_is_given_the_same(runs: dict[int, dict[str, Any]]) -> None:
    """In every form, with the manifest and its signature; and where it stands in the log, which he is not given."""
    assert [len(runs[number]["in force"]) for number in (0, 1, 3)] == [0, 1, 3]
    for number in (1, 3):
        assert runs[number]["out"] == runs[0]["out"]
        assert runs[number]["places"] == runs[0]["places"]
    assert set(runs[0]["out"]) == {
        "content.html", "content.json", "content.pdf", "csv/case_note.csv", "csv/case_review.csv", "csv/visit_plan.csv", "manifest.cose", "manifest.json",
        "note.txt",
    }  # fmt: skip
    assert len(runs[0]["flagged"]) == 3
    types = {one["type"] for one in json.loads(runs[3]["out"]["content.json"])["records"]}
    assert types == {"case_note", "visit_plan", "case_review"}
    document = runs[3]["out"]["content.pdf"]
    text = b"".join([*runs[3]["out"].values(), *paper.streams(document), "\n".join(paper.pages(document)).encode()])
    assert text.count(b"he is looking for work") >= 4, "what is there is found, in the document too"
    assert not any(word.encode() in text for words in SAY for word in words)
    assert b"gate_seen" not in text
