"""A copy for the person whom a file is about: nothing of the victim side is in it, and what was typed into his file by mistake a second person takes out."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from shared_schema import ids
from sync.change import Op
from sync.device.entering.profile import open_session
from sync.device.exports import exporting
from sync.device.exports.export_files import HANDED
from sync.device.recording import records
from tests import paper
from tests.canaries import hits, plain, word
from tests.paper import swept
from tests.shell import SECRET
from tests.signing_again import resigned
from tests.story import add
from tests.town import link, new_town


@dataclass
class Corpus:
    """What was typed: on her side; into his file by mistake, where each has a form or is a name; what has none; and what is his own."""

    hers: list[str] = field(default_factory=lambda: [word() for _ in range(6)])
    mistyped: dict[str, str] = field(
        default_factory=lambda: {name: word() for name in ("surname", "street", "school", "mail", "row", "old", "alone")}
    )
    number: str = "07700 900461"
    plain: str = field(default_factory=plain)
    his: str = field(default_factory=word)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """His file and hers, at work; things of hers typed into his. Rose answers requests for records."""
    with new_town(tmp_path_factory.mktemp("bundles")) as made:
        town: Any = made
        town.enrol("Rose", "records_officer")
        town.sync("ruth")
        town.run("ruth", "member", "add", town.case, "Rose", "--role", "records_officer")
        town.corpus = Corpus()
        write_hers(town, link(town))
        write_his(town)
        town.sync("sam", "jo", "lee", "ruth", "rose")
        yield town


def write_hers(town: Any, victim: str) -> None:
    name, street, note, plan, why, refuge = town.corpus.hers
    town.run("lee", "record", "add", "person", "--file", victim, "--set", f'names={{"name": "Cheryl {name}"}}')
    town.run("lee", "note", "add", "--file", victim, f"She lives at 4 {street} Road. {note}")
    town.run("lee", "record", "add", "task", "--file", victim, "--set", f"what={plan}", "--set", "owner=Lee", "--set", "due=2026-12-24")
    town.run("lee", "instruction", "send", "--file", victim, "--say", "no_home_visits", "--weeks", "2", "--why", why)
    town.run("lee", "note", "add", "--file", victim, f"{refuge} has a room")


def write_his(town: Any) -> None:
    """Jack's file. What is of hers and stands here was typed by mistake."""
    of, case = town.corpus.mistyped, town.case
    town.run("sam", "record", "add", "person", "--file", case, "--set", 'names={"name": "Jack"}', "--set", f"gp=Dr {town.corpus.his}")
    town.run("sam", "record", "add", "linked_person", "--file", case, "--set", "called=Cheryl")
    note = town.run("sam", "note", "add", "--file", case, f"He was calm. cheryl now lives at 4 {of['old']} Road. He looks for work.")["record"]
    town.sync("sam")  # the first words are in the log, and stay in the history
    town.run("sam", "record", "edit", note, "--set", "body=He was calm. He looks for work.")
    town.run("sam", "note", "add", "--file", case, f"Met at the office. Spoke with Dawn {of['surname']} afterwards. He is looking for work.")
    town.run("sam", "note", "add", "--file", case, f"Her new place is 14 {of['street']} Grove, TS1 2AB. Her number is {town.corpus.number}.")
    town.run("sam", "note", "add", "--file", case, f"Picks up from {of['school']} School at three. Write to {of['mail']}@example.org.")
    town.run("sam", "note", "add", "--file", case, f"The word for it is {town.corpus.plain}.")
    town.run("sam", "record", "add", "contact", "--file", case, "--set", f"who_was_there={of['alone']}")
    quote = json.dumps({"who": "client", "words": f"{of['row']} told me so herself"})
    town.run("sam", "record", "add", "case_note", "--file", case, "--set", "body=He talked.", "--set", f"quotes={quote}")


def ask(town: Any, purpose: str = "subject_access", who: str = "ruth", by: str = "rose") -> str:
    made: str = town.run(who, "export", "request", town.case, "--purpose", purpose, "--to", "Jack")["request"]
    town.sync(by)
    return made


def decide_all(town: Any, request: str, decision: str = "redact") -> None:
    for row in town.run("rose", "export", "review", request, "--waiting")["passages"]:
        town.run("rose", "export", "decide", row["passage"], decision, "--why", "About somebody else", "--request", request)


def test_subject_access(town: Any, tmp_path: Path) -> None:
    """Every thing of hers in his file is put before the second reader; nothing is made before each is decided; and nothing of her side is in the copy."""
    corpus, out = town.corpus, tmp_path / "jack"
    request = ask(town)
    found = town.run("rose", "export", "review", request)
    for name, mistyped in [*corpus.mistyped.items(), ("number", corpus.number)]:
        assert any(mistyped in row["words"] for row in found["passages"]), f"{name} was not flagged"
    assert all(row["flagged"] and row["decision"] is None for row in found["passages"])
    assert not any(corpus.plain in row["words"] for row in found["passages"])
    [searched] = town.run("rose", "export", "review", request, "--search", corpus.plain)["passages"]
    assert searched["flagged"] == ["searched for"]

    before = len(town.run("rose", "export", "list")["exports"])
    refused = town.run("rose", "export", "make", request, "--out", str(out), status=1)["error"]
    assert (refused["code"], f"{len(found['passages']) + 1} passage(s)" in refused["message"]) == ("not-approved", True), refused
    assert not out.exists()
    assert len(town.run("rose", "export", "list")["exports"]) == before, "nothing is on record either"
    first = searched["passage"]
    town.sync("ruth", "sam")
    assert town.refused("ruth", "export", "decide", first, "include", "--why", "I asked for it") == "not-approved"
    assert town.refused("sam", "export", "decide", first, "include", "--why", "I wrote it") == "not-permitted"
    assert town.refused("rose", "export", "decide", first, "keep", "--why", "–") == "bad-value"
    assert town.refused("rose", "export", "decide", first, "redact", "--why", " ") == "bad-value"
    put_decision(town, "ruth", request, first, "reasonable")  # whoever asked does not count, whatever their app lets them write

    gp = next(row for row in found["passages"] if row["field"] == "gp")
    town.run("rose", "export", "decide", gp["passage"], "redact", "--why", "Wait")
    town.run("rose", "export", "decide", gp["passage"], "include", "--why", "His own doctor")  # the newest counts
    alone = next(row for row in found["passages"] if row["field"] == "who_was_there")
    town.run("rose", "export", "decide", alone["passage"], "withhold", "--why", "Somebody else")
    decide_all(town, request)
    made = town.run("rose", "export", "make", request, "--out", str(out))

    handed = swept(out / HANDED)
    gone = [*corpus.mistyped.values(), corpus.number, corpus.plain]
    assert hits(handed, corpus.hers) == [], "of her side there is nothing"
    assert hits(handed, gone) == [], "what was taken out is in no form of it, nor in what was said before"
    for form in ("content.json", "content.html", "content.pdf text", "person.csv"):
        assert any(form in name for name, _ in hits(handed, [corpus.his])), f"the search finds what is there in {form}"
    assert hits(swept(out / "to-keep"), corpus.hers) == []
    kept = json.loads((out / "to-keep/decisions.json").read_text())["passages"]
    assert {row["by"] for row in kept} == {"Rose"}
    assert {row["decision"] for row in kept} == {"redacted", "withheld", "reasonable"}
    texts = [field["value"] for one in json.loads((out / HANDED / "content.json").read_text())["records"] for field in one["fields"]]
    assert "Met at the office. [redacted] He is looking for work." in texts
    assert "[withheld]" in texts
    assert made["number"] == json.loads((out / HANDED / "manifest.json").read_text())["number"]
    assert json.loads((out / HANDED / "manifest.json").read_text())["head"] is None, "a head counts entries"
    check(town, tmp_path, out)


def put_decision(town: Any, who: str, request: str, passage: str, decision: str) -> None:
    """What a changed client may write."""
    with open_session(town.folder / who, SECRET) as session:
        [one] = [one for one in exporting.list_requests(session) if ids.show(one.record) == request]
        row = {"passage": passage, "record": request, "decision": decision, "why": "so"}
        records.write(session, one.log, one.record, exporting.REQUEST, [Op("decided", "add", row, ())])
    town.sync(who, "rose")


def check(town: Any, folder: Path, out: Path) -> None:
    """It verifies whole, alone and against the log; one byte of any file, a file more or one less is refused by its name."""
    audit = folder / f"{out.name}.jsonl"
    town.sync("rose")
    town.run("rose", "audit", "export", "--out", str(audit))
    assert town.run("rose", "export", "check", str(out), str(audit))["ok"]
    assert town.run("rose", "export", "check", str(out / HANDED))["ok"]
    for path in sorted(path for path in out.rglob("*") if path.is_file()):
        data = path.read_bytes()
        at = len(data) // 2
        for changed in (data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], None):
            path.unlink() if changed is None else path.write_bytes(changed)
            refused = town.run("rose", "export", "check", str(out), status=1)["error"]
            assert refused["code"] == "bad-export"
            assert path.name in refused["message"] or path.name.startswith("manifest."), refused
            path.write_bytes(data)
    (out / HANDED / "more.txt").write_text("more")
    assert "more.txt" in town.run("rose", "export", "check", str(out / HANDED), status=1)["error"]["message"]
    (out / HANDED / "more.txt").unlink()
    assert town.run("rose", "export", "check", str(out), str(audit))["ok"]


def test_what_was_decided_is_proved(town: Any, tmp_path: Path) -> None:
    """Whoever made it, and signs again, can neither take out what was not decided nor put words back."""
    corpus, out = town.corpus, tmp_path / "jack"
    request = ask(town)
    decide_all(town, request, "include")
    town.run("rose", "export", "make", request, "--out", str(out))
    assert hits(swept(out / HANDED), [corpus.mistyped["surname"]])
    assert hits(swept(out / HANDED), corpus.hers) == []
    audit = tmp_path / "audit.jsonl"
    town.run("rose", "audit", "export", "--out", str(audit))
    content = out / HANDED / "content.json"
    text = content.read_text()
    content.write_text(text.replace(corpus.mistyped["surname"], "[redacted]"))
    resigned(town, "rose", out)
    wrong = town.run("rose", "export", "check", str(out), str(audit), status=1)["wrong"]
    assert any("says other than its parts in the log" in one for one in wrong)
    assert {f"{name} says other than content.json" for name in ("content.html", "content.pdf", "csv/case_note.csv")} <= set(wrong)


def test_court_and_handover_are_whole(town: Any, tmp_path: Path) -> None:
    """Nothing is taken out, and nothing to decide. Whoever takes the case over reads first what has to be done."""
    corpus = town.corpus
    for what, due, state in (
        ("Ring the housing office", "2026-12-24", "open"),
        ("Ring the clinic", "2026-12-01", "open"),
        ("Done long ago", "2026-11-01", "done"),
    ):
        add(town, "sam", "task", town.case, what=what, owner="Sam", due=due, task_state=state)
    town.sync("sam", "ruth", "rose")
    for purpose, who, by in (("court", "ruth", "rose"), ("handover_elsewhere", "rose", "ruth")):
        out = tmp_path / purpose
        request = ask(town, purpose, who, by)
        assert town.run(by, "export", "review", request)["passages"] == []
        assert town.refused(by, "export", "review", request, "--search", "Jack") == "not-permitted"
        town.run(by, "export", "make", request, "--out", str(out))
        handed = swept(out / HANDED)
        assert hits(handed, corpus.hers) == []
        assert {word for _, word in hits(handed, list(corpus.mistyped.values()))} == set(corpus.mistyped.values()), (
            "the file is whole, its history too"
        )
        check(town, tmp_path, out)
        pages = paper.pages((out / HANDED / "content.pdf").read_bytes())
        assert all(f"page {number} of {len(pages)}" in page for number, page in enumerate(pages, 1))
        assert all(f"Export {json.loads((out / HANDED / 'content.json').read_text())['number']}" in page for page in pages)
        index = next(page for page in pages if page.startswith("Index\n"))
        line = index.split("\n")
        at = next(n for n, one in enumerate(line) if one.startswith("Person, "))
        assert "Jack" in pages[int(line[at + 1]) - 1], "the index leads to the page on which it stands"
        text = "\n".join(pages)
        if purpose == "court":
            assert "To be done first" not in text
            continue
        first = text[text.index("To be done first\nTask") :]
        assert first.index("Ring the clinic") < first.index("Ring the housing office") < first.index("\nRecords\n") < first.index("Done long ago")


def test_tables_tell_apart(town: Any, tmp_path: Path) -> None:
    """Nothing said, and a reason why not, are two things; and no cell is a formula."""
    formulas = ["=HYPERLINK(1)", "+44 1642", "-1", "@SUM(A1)", "＝1", "'quoted"]
    made = {text: town.run("sam", "record", "add", "case_note", "--file", town.case, "--set", f"body={text}")["record"] for text in formulas}
    reasoned = town.run("sam", "record", "add", "person", "--file", town.case, "--set", "parent=missing:not_asked", "--set", "known_as=Jackie")[
        "record"
    ]
    silent = town.run("sam", "record", "add", "person", "--file", town.case, "--set", "known_as=JJ")["record"]
    town.sync("sam", "ruth")
    out = tmp_path / "police"
    town.run("ruth", "export", "make", ask(town, "police", "rose", "ruth"), "--out", str(out))
    raw = (out / HANDED / "csv/case_note.csv").read_bytes()
    assert raw.startswith(b'\xef\xbb\xbf"record"')
    assert b"\r\n" in raw
    rows = {
        name: {row["record"]: row for row in csv.DictReader(io.StringIO((out / HANDED / f"csv/{name}.csv").read_text("utf-8-sig")))}
        for name in ("case_note", "person")
    }
    for text, record in made.items():
        assert rows["case_note"][record]["body"] == f"'{text}"
    assert not any(cell.startswith(("=", "+", "-", "@")) for table in rows.values() for row in table.values() for cell in row.values())
    people = rows["person"]
    assert (people[reasoned]["parent"], people[reasoned]["parent.missing"]) == ("", "not_asked")
    assert (people[silent]["parent"], people[silent]["parent.missing"]) == ("", "")
