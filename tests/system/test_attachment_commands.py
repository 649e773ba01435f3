"""Attachments from the command line, as a person uses it."""

import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from shared_schema import ids
from sync.device.attaching import attachments
from sync.device.entering import keyring
from sync.device.entering.profile import open_session
from tests.canaries import contents, hits
from tests.paper import swept
from tests.pictures import PLACE, grain, jpeg, pdf
from tests.rawstore import decrypted
from tests.shell import SECRET


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """What a camera put on a disk, with a name that tells."""
    path = tmp_path / "zqnamecanary.jpg"
    path.write_bytes(jpeg(grain(700, 500)))
    return path


def raw(office: Any, profile: str) -> bytes:
    return decrypted(office.folder / profile / "store.db", keyring.unlock(office.folder / profile, SECRET).keys[0])


def size_of(path: Path) -> tuple[int, int]:
    return Image.open(io.BytesIO(path.read_bytes())).size


def add(office: Any, path: Path, *words: str, who: str = "sam") -> dict[str, Any]:
    found: dict[str, Any] = office.run(who, "attachment", "add", office.case, str(path), "--what", "the door", *words)
    return found


def test_added_offline_and_seen_by_a_colleague(office: Any, photo: Path, tmp_path: Path) -> None:
    office.server.stop()
    note = office.run("sam", "note", "add", "--file", office.case, "the lock is broken")["record"]
    added = add(office, photo, "--to", note[:8], "--on", "2026-11-20", "--shows", "child,partner")
    assert (added["cleaned"], added["form"], added["unsent"], added["chunks"], added["received"]) == ("yes", "jpeg", 2, 2, False)
    assert (added["kind"], added["shows"], added["to"]) == ("photo", ["child", "partner"], note)
    assert office.refused("sam", "sync") == "offline"
    assert "on this device, 0 of 2 pieces sent" in office.text("sam", "attachment", "list", office.case)
    office.server.start()
    synced = office.run("sam", "sync")["attachments"]
    assert synced == {"sent": 2, "left": 0, "code": None, "why": None}
    office.sync("priya")
    [listed] = office.run("priya", "attachment", "list", office.case)["attachments"]
    assert (listed["record"], listed["by"], listed["here"], listed["received"]) == (added["record"], "Sam", 0, True)
    saved = office.run("priya", "attachment", "save", added["record"][:8], "--out", str(tmp_path))
    path = Path(saved["path"])
    assert (path.name, path.stat().st_mode & 0o777) == (f"attachment-{added['record'][:8]}.jpg", 0o600)
    assert ids.sha256(path.read_bytes()).hex() == added["hash"] == saved["hash"]
    assert size_of(path) == (700, 500)
    assert office.refused("priya", "attachment", "save", added["record"][:8], "--out", str(path)) == "bad-value"
    small = office.run("priya", "attachment", "save", added["record"][:8], "--out", str(tmp_path), "--thumbnail")
    assert max(size_of(Path(small["path"]))) == 320
    office.server.stop()
    again = office.run("priya", "attachment", "save", added["record"][:8], "--out", str(tmp_path / "again.jpg"))
    assert Path(again["path"]).read_bytes() == path.read_bytes(), "what was fetched once needs no signal"
    words = [PLACE, "zqnamecanary"]
    opened = [(who, raw(office, who)) for who in ("sam", "priya")]
    assert hits([*contents(office.folder / "server"), *opened, (str(path), path.read_bytes())], words) == []


def test_the_key_is_shown_to_nobody(office: Any, photo: Path, tmp_path: Path) -> None:
    """Not by any command, and not in what is written out of the file."""
    office.enrol("Rose", "records_officer")
    office.run("ruth", "sync")
    office.run("ruth", "member", "add", office.case, "Rose", "--role", "records_officer")
    office.sync("rose", "ruth", "rose")
    added = add(office, photo)
    office.sync("sam", "ruth", "rose")
    with open_session(office.folder / "ruth", SECRET) as session:
        manifest = attachments.manifest_of(session, ids.parse(office.case), ids.parse(added["record"]))
    assert manifest is not None
    secret = [manifest.key.hex(), manifest.thumbnail.hex(), *(one.hex() for one in manifest.chunks)]
    asked = office.run("ruth", "export", "request", office.case, "--purpose", "court", "--to", "Teesside Crown Court")
    office.sync("rose")
    out = tmp_path / "court"
    office.run("rose", "export", "make", asked["request"], "--out", str(out))
    office.enrol("Olu", "supervisor_perpetrator", side="oversight")
    audit = str(tmp_path / "p.jsonl")
    office.run("olu", "audit", "export", "--side", "perpetrator", "--out", audit)
    checked = office.run("olu", "export", "check", str(out), audit)
    assert checked["ok"], checked
    content = json.loads((out / "to-hand-over/content.json").read_text())
    [one] = [one for one in content["records"] if one["record"] == added["record"]]
    assert {"form": "jpeg", "size": manifest.size, "hash": added["hash"]} in [field["value"] for field in one["fields"]]
    shown = [
        office.text("ruth", *words)
        for words in (
            ("attachment", "show", added["record"][:8]), ("attachment", "list", office.case), ("record", "show", added["record"][:8]),
            ("record", "history", added["record"][:8]), ("record", "list", office.case),
            ("record", "show", added["record"][:8], "--json"), ("record", "history", added["record"][:8], "--json"),
        )
    ]  # fmt: skip
    for text in shown:
        assert not any(word in text for word in secret)
    handed = swept(out / "to-hand-over")
    assert hits(handed, secret) == []
    assert hits(handed, [added["hash"]]), "the search finds what is there"


def test_what_is_wrong_is_said(office: Any, photo: Path, tmp_path: Path) -> None:
    docx = tmp_path / "letter.docx"
    docx.write_bytes(b"PK\x03\x04" + bytes(100))
    refused = office.run("sam", "attachment", "add", office.case, str(docx), "--what", "letter", status=1)["error"]
    assert (refused["code"], "save it as a PDF" in refused["message"]) == ("bad-value", True)
    assert office.refused("sam", "attachment", "add", office.case, str(photo), "--what", "x", "--kind", "selfie") == "bad-value"
    contact = office.run("sam", "record", "add", "contact", "--file", office.case, "--set", "mode=telephone")["record"]
    assert office.refused("sam", "attachment", "add", office.case, str(photo), "--what", "x", "--to", contact[:8]) == "bad-value"
    assert office.refused("sam", "record", "add", "attachment", "--file", office.case, "--set", "what=x") == "bad-value"
    assert office.run("sam", "attachment", "list", office.case)["attachments"] == [], "nothing was half kept"
    assert office.refused("sam", "attachment", "show", contact[:8]) == "bad-value"
    paper = tmp_path / "order.pdf"
    paper.write_bytes(pdf())
    added = add(office, paper, "--kind", "court_paper")
    assert (added["form"], added["cleaned"]) == ("pdf", "yes")
    assert office.refused("sam", "attachment", "save", added["record"][:8], "--thumbnail", "--out", str(tmp_path)) == "not-found"


def test_evidence_is_kept_with_all_that_it_tells(office: Any, photo: Path, tmp_path: Path) -> None:
    """Asked about, said in the record, and equal to the original byte for byte."""
    assert office.ran("sam", "attachment", "add", office.case, str(photo), "--what", "door", "--evidence", stdin="n\n")[0] != 0
    added = add(office, photo, "--evidence", "--yes")
    assert (added["cleaned"], added["evidence"]) == ("no", "yes")
    office.sync("sam", "priya")
    saved = office.run("priya", "attachment", "save", added["record"][:8], "--out", str(tmp_path / "original.jpg"))
    assert Path(saved["path"]).read_bytes() == photo.read_bytes()


def test_taken_back_before_it_was_sent(office: Any, photo: Path) -> None:
    """Its sealed pieces go too, and nothing of it is ever brought."""
    added = add(office, photo)
    with open_session(office.folder / "sam", SECRET) as session:
        assert session.store.count_chunks(ids.parse(office.case), ids.parse(added["record"])) == 2
    office.run("sam", "record", "undo", added["record"][:8])
    assert office.run("sam", "sync")["attachments"] == {"sent": 0, "left": 0, "code": None, "why": None}
    with open_session(office.folder / "sam", SECRET) as session:
        assert session.store.count_chunks(ids.parse(office.case), ids.parse(added["record"])) == 0
        assert session.store.outgoing() == []
    assert office.run("sam", "attachment", "list", office.case)["attachments"] == []


def test_removed_it_is_on_no_disk(office: Any, photo: Path, tmp_path: Path) -> None:
    """Neither its sealed bytes nor its key, on the server or in any page of a store; also where an older database is put back."""
    added = add(office, photo)
    office.sync("sam", "priya", "ruth")
    for who in ("priya", "ruth"):
        office.run(who, "attachment", "save", added["record"][:8], "--out", str(tmp_path / who))
    with open_session(office.folder / "sam", SECRET) as session:
        log = ids.parse(office.case)
        manifest = attachments.manifest_of(session, log, ids.parse(added["record"]))
        assert manifest is not None
        needles = [(session.store.chunk(log, one, 0) or b"")[6000:6064] for one in manifest.ids]
    profiles = ("sam", "priya", "ruth")
    for who in profiles:
        assert needles[0] in raw(office, who), "the search finds what is there"
    office.server.stop()
    shutil.copytree(office.server.data, tmp_path / "older")
    office.server.start()
    asked = office.run("priya", "expunge", "request", added["record"][:8], "--reason", "spill")
    office.sync("priya", "ruth")
    office.run("ruth", "expunge", "approve", asked["request"][:8])
    office.sync(*profiles)

    def nowhere() -> None:
        for who in profiles:
            assert not any(needle in raw(office, who) for needle in [*needles, manifest.key]), who
        for name, data in contents(office.server.data):
            assert not any(needle in data for needle in needles), name

    nowhere()
    [gone] = office.run("ruth", "attachment", "list", office.case)["attachments"]
    assert (gone["size"], gone["hash"]) == (None, None)
    office.server.stop()
    for path in office.server.data.glob("perpetrator.*db*"):
        path.unlink()
    for path in (tmp_path / "older").glob("perpetrator.*db*"):
        shutil.copy(path, office.server.data / path.name)
    office.server.start(ready=False)  # the side waits to be declared; what was removed goes before that
    nowhere()
