"""A manifest that somebody wrote by hand, and paper: what no exporter makes is refused by its name, and what cannot be printed is said."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from shared_schema import cbor, cose, ids
from shared_schema.errors import Malformed, Refused
from shared_schema.manifest import MANIFEST, decode_manifest, manifest_payload
from sync.device.exports import export_manifest
from sync.device.exports.export_manifest import LIST, SIGNED
from sync.device.exports.export_tables import guarded, tables
from sync.device.exports.export_words import spoken
from sync.device.paper.typesetting import SMALL, TEXT_WIDTH, Book, Cell, Entry
from sync.signing import SigningKey, sign_object
from tests import paper

KEY, DEVICE, SVC = SigningKey(bytes(32)), b"d" * 16, b"s" * 16
NUMBER = "0123456789ab"


def made(folder: Path, **changes: Any) -> Path:
    """A folder of one file, with a manifest that is right but for the changes."""
    folder.mkdir(parents=True)
    (folder / "a.txt").write_bytes(b"a")
    listed = {
        "format": export_manifest.FORMAT, "v": 1, "number": NUMBER, "purpose": "court", "to": "x", "side": "perpetrator", "service": "", "file": "",
        "device": "", "exported_by": "", "exported_ms": 1, "head": None, "files": [{"name": "a.txt", "bytes": 1, "sha256": ids.sha256(b"a").hex()}],
    } | changes  # fmt: skip
    text = json.dumps(listed).encode()
    (folder / LIST).write_bytes(text)
    (folder / SIGNED).write_bytes(signed(manifest_payload(NUMBER, ids.sha256(text))))
    return folder


def signed(payload: bytes) -> bytes:
    return sign_object(KEY, cose.protected_header(MANIFEST, DEVICE, SVC), payload)


def refused(folder: Path) -> str:
    with pytest.raises(Refused) as caught:
        export_manifest.check(folder)
    assert caught.value.code == "bad-export"
    return str(caught.value)


def test_an_honest_one(tmp_path: Path) -> None:
    listed, one = export_manifest.check(made(tmp_path / "x"))
    assert (listed["number"], one.number, one.by, one.svc) == (NUMBER, NUMBER, DEVICE, SVC)


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "other"}, {"v": 2}, {"v": "1"}, {"files": None}, {"files": [1]}, {"files": [{"name": "a.txt"}]}, {"more": 1},
        {"files": [{"name": "../../etc/passwd", "bytes": 1, "sha256": ""}]}, {"files": [{"name": "/etc/passwd", "bytes": 1, "sha256": ""}]},
        {"files": [{"name": 1, "bytes": 1, "sha256": ""}]}, {"files": [{"name": "a.txt", "bytes": True, "sha256": ""}]},
    ],
)  # fmt: skip
def test_what_is_none(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert "no manifest of an export" in refused(made(tmp_path / "x", **changes))


def test_another_than_was_signed(tmp_path: Path) -> None:
    assert "not the one that was signed" in refused(made(tmp_path / "x", number="ffffffffffff"))
    folder = made(tmp_path / "y")
    (folder / LIST).write_bytes((folder / LIST).read_bytes() + b"\n")
    assert "not the one that was signed" in refused(folder)
    for data in (b"", b"\xd2", (folder / SIGNED).read_bytes() + b"\0"):
        (folder / SIGNED).write_bytes(data)
        assert SIGNED in refused(folder)


def test_a_link_is_no_file(tmp_path: Path) -> None:
    folder = made(tmp_path / "x")
    (tmp_path / "a.txt").write_bytes(b"a")
    (folder / "a.txt").unlink()
    (folder / "a.txt").symlink_to(tmp_path / "a.txt")
    assert "a.txt is missing, or no plain file" in refused(folder)


@pytest.mark.parametrize(
    "payload",
    [
        {"number": NUMBER}, {"number": "x" * 12, "hash": bytes(32)}, {"number": NUMBER[:11], "hash": bytes(32)}, {"number": NUMBER, "hash": bytes(31)},
        {"number": NUMBER, "hash": bytes(32), "more": 1}, [NUMBER, bytes(32)],
    ],
)  # fmt: skip
def test_a_signature_of_something_else(payload: Any) -> None:
    with pytest.raises(Malformed):
        decode_manifest(signed(cbor.encode(payload)))


class TestPaper:
    def book(self, made_ms: int = 1_795_000_000_000) -> Book:
        book = Book("Export 1", made_ms, "Export 1 · court")
        for number in range(60):
            mark = book.text.heading(f"Record {number}", 1)
            book.text.row([Cell("Label", 0, 100, bold=True), Cell("word " * 40, 110, TEXT_WIDTH - 110)])
            assert mark.level == 1
        book.text.words("x" * 2000, size=SMALL)
        book.text.words("A snowman \u2603, a sign \u4e00, and \u202eturned\u00a0round\t.")
        book.index("Index", [Entry("", "All", None), *(Entry("1 Jan 2026", mark.text, mark) for mark in book.text.marks)])
        return book

    def test_the_same_calls_give_the_same_bytes(self) -> None:
        assert self.book().finished() == self.book().finished()
        assert self.book().finished() != self.book(1_795_000_001_000).finished()
        assert self.book(2**53).finished().startswith(b"%PDF"), "a time that no calendar has"

    def test_it_can_be_read_without_seeing_it(self) -> None:
        data = self.book().finished()
        assert b"/Lang (en-GB)" in data
        assert b"/DisplayDocTitle true" in data
        assert data.count(b"/Title") > 60, "a title, and an outline of every record"

    def test_words_are_whole_and_in_order(self) -> None:
        pages = paper.pages(self.book().finished())
        text = "\n".join(pages)
        assert [int(one) for one in re.findall(r"Record (\d+)\nLabel", text)] == list(range(60))
        assert text.count("word word") >= 60
        assert sum(len(line) for line in text.split("\n") if set(line) == {"x"}) == 2000, "a word that fits in no line is cut, and all of it is there"
        assert "A snowman \u2603, a sign [U+4E00], and turned round ." in text
        for number, page in enumerate(pages, 1):
            assert f"page {number} of {len(pages)}" in page

    def test_the_index_says_where(self) -> None:
        pages = paper.pages(self.book().finished())
        lines = [line for page in pages if "Label" not in page for line in page.split("\n")]
        for number in range(60):
            at = lines.index(f"Record {number}")
            assert f"Record {number}\nLabel" in pages[int(lines[at + 1]) - 1]

    def test_no_heading_stands_alone_at_the_foot(self) -> None:
        for page in paper.pages(self.book().finished()):
            lines = page.split("\n")
            heads = [at for at, line in enumerate(lines) if line.startswith("Record ") and "Label" in page]
            assert all(lines[at + 1] == "Label" for at in heads)


def test_a_type_that_nobody_knows_names_no_file() -> None:
    record = {
        "record": "r", "type": "../../x", "label": None, "state": "signed", "author": "Sam", "written_ms": 1, "received_ms": 2, "came_late": False,
        "clock_unsure": False, "signed_by": [], "fields": [{"field": "state", "in_conflict": False, "value": "=1", "values": [], "proposed": []}],
    }  # fmt: skip
    made = tables({"records": [record], "people": {}}, {})
    assert list(made) == ["unknown.csv"]
    assert '"field state"' in made["unknown.csv"]
    assert '"\'=1"' in made["unknown.csv"]


@pytest.mark.parametrize(("text", "cell"), [("=1", "'=1"), ("\t=1", "'\t=1"), ("＝1", "'＝1"), ("'x", "''x"), ("a=1", "a=1"), ("", "")])
def test_a_cell_is_no_formula(text: str, cell: str) -> None:
    assert guarded(text) == cell
    assert cell.removeprefix("'") == text or cell == text


def test_values_in_words() -> None:
    assert spoken(None, {"missing": "not_asked"}, {}) != ""
    assert spoken(None, {"at": "2026-11-20T14:30", "precision": "minute"}, {}) == "20 Nov 2026, 14:30"
    assert spoken(None, "u1", {"u1": "Sam"}) == "Sam"
    assert spoken(None, [], {}) == "none"
