"""A photograph between a phone and a computer: sealed by either, opened by the other, over lines that break, and removed from both (docs/spec.md §18)."""

import base64
import secrets
from pathlib import Path
from typing import Any

import pytest

from sync.device.entering import keyring
from tests.canaries import canary, contents
from tests.field_app.conftest import Enrol
from tests.field_app.fleet import a_case, file_row, state_hash
from tests.field_app.phone import Phone, PhoneError
from tests.pictures import PLACE, grain, jpeg
from tests.rawstore import decrypted
from tests.shell import SECRET, Shell

NAMED = {"kind": "receipt", "what": "the corner shop", "cleaned": "yes"}


def attach(phone: Phone, log: str, content: bytes, small: bytes = b"\xff\xd8small") -> str:
    sent = {"content": base64.b64encode(content).decode(), "thumbnail": base64.b64encode(small).decode()}
    made: str = phone.do("attach", file=log, values=NAMED, **sent)["record"]
    return made


def picture(phone: Phone, log: str, record: str, *, small: bool = False) -> bytes:
    return base64.b64decode(phone.do("picture", file=log, record=record, small=small)["content"])


def saved(office: Shell, profile: str, record: str, folder: Path, *words: str) -> bytes:
    return Path(office.run(profile, "attachment", "save", record, "--out", str(folder / secrets.token_hex(4)), *words)["path"]).read_bytes()


def a_fund(office: Shell, phone: Phone) -> str:
    office.enrol("Flo", "fund_holder")
    office.sync("flo")
    fund: str = office.run("flo", "file", "create", "fund", "--member", "Sam=navigator")["file"]
    office.sync("flo")
    office.run("flo", "fund", "allot", "50", "--funder", "council", "--period", "2026")
    office.run("flo", "fund", "allot", "20", "--to", "Sam", "--until", "2099-01-01")
    office.sync("flo")
    phone.do("sync")
    return fund


def test_a_spend_with_its_receipt(office: Shell, phone: Phone, tmp_path: Path) -> None:
    """With no signal; then over a line that breaks twice. The money is there at once, the picture when it is whole."""
    log = a_case(office)
    fund = a_fund(office, phone)
    content = secrets.token_bytes(3_500_000)
    phone.do("online", **{"is": False})
    receipt = attach(phone, log, content)
    spend = phone.do("spend", file=log, fund=fund, values={"amount": 1250, "item": "a door chain", "receipt": [receipt]})["record"]
    assert phone.do("reopen") == {"differs": []}
    assert picture(phone, log, receipt) == content
    phone.do("online", **{"is": True})
    for after, left in ((1, 4), (2, 2)):
        phone.do("cutChunks", after=after)
        report = phone.do("sync")
        assert (report["attached"]["left"], report["attached"]["code"]) == (1, "offline")
        assert phone.do("awaiting")["awaiting"][0]["unsent"] == left
        assert phone.do("reopen") == {"differs": []}
    office.sync("ruth")
    types = {one["record"]: one["type"] for one in office.run("ruth", "record", "list", log)["records"]}
    assert types[spend] == "spend"
    assert receipt not in types, "nobody is shown a record without its content"
    phone.do("cutChunks", after=1000)
    assert phone.do("sync")["attached"] == {"chunks": 2, "left": 0, "code": "", "message": ""}
    assert phone.do("awaiting")["awaiting"] == []
    office.sync("ruth")
    assert saved(office, "ruth", receipt, tmp_path) == content
    assert saved(office, "ruth", receipt, tmp_path, "--thumbnail") == b"\xff\xd8small"
    assert office.run("ruth", "record", "show", spend)["fields"]["receipt"]["value"] == [receipt]
    assert file_row(phone, log)["state_hash"] == state_hash(office, "ruth", log)


def test_a_photograph_from_a_computer(office: Shell, phone: Phone, tmp_path: Path) -> None:
    """Ruth adds one with its place in it to a note; the phone shows what she has, without the place."""
    log = a_case(office)
    phone.do("sync")
    path = tmp_path / "IMG_1234.jpg"
    path.write_bytes(jpeg(grain(1200, 900)))
    note = office.run("ruth", "note", "add", "--file", log, "the broken window")["record"]
    added = office.run("ruth", "attachment", "add", log, str(path), "--what", "window", "--to", note)
    office.sync("ruth")
    phone.do("sync")
    shown = picture(phone, log, added["record"])
    assert shown == saved(office, "ruth", added["record"], tmp_path)
    assert PLACE.encode() not in shown
    assert picture(phone, log, added["record"], small=True).startswith(b"\xff\xd8")
    [fields] = [one["fields"] for one in phone.do("records", file=log) if one["record"] == note]
    assert fields["attachments"] == [added["record"]]
    assert "IMG_1234" not in str(phone.do("records", file=log))
    phone.do("online", **{"is": False})
    assert picture(phone, log, added["record"]) == shown, "what was looked at once needs no signal"


def test_two_people_remove_one(office: Shell, phone: Phone, tmp_path: Path) -> None:
    """Neither phone, computer nor server has a byte of it afterwards."""
    log = a_case(office)
    office.enrol("Nadia", "coordinator")
    phone.do("sync")
    office.sync("ruth")
    office.run("ruth", "member", "add", log, "Nadia", "--role", "coordinator")
    office.sync("nadia", "ruth", "nadia")
    phone.do("sync")
    spilled = attach(phone, log, secrets.token_bytes(200_000))
    kept = attach(phone, log, secrets.token_bytes(200_000))
    phone.do("sync")
    office.sync("ruth", "nadia")
    phone.do("sync")
    content = saved(office, "ruth", spilled, tmp_path)
    whole = saved(office, "ruth", kept, tmp_path)
    with_ruth = decrypted(office.folder / "ruth" / "store.db", keyring.unlock(office.folder / "ruth", SECRET).keys[0])
    assert phone.do("awaiting")["kept"] == 4
    asked = office.run("ruth", "expunge", "request", spilled[:8], "--reason", "spill")
    office.sync("ruth", "nadia")
    office.run("nadia", "expunge", "approve", asked["request"][:8])
    office.sync("nadia", "ruth")
    phone.do("sync")
    phone.do("sync")
    with pytest.raises(PhoneError):
        picture(phone, log, spilled)
    assert office.refused("ruth", "attachment", "save", spilled, "--out", str(tmp_path / "gone")) == "not-found"
    assert (picture(phone, log, kept), phone.do("awaiting")["kept"]) == (whole, 2)
    assert phone.do("reopen") == {"differs": []}
    assert len(content) == 200_000
    assert with_ruth != decrypted(office.folder / "ruth" / "store.db", keyring.unlock(office.folder / "ruth", SECRET).keys[0])


def test_a_phone_that_is_kept_out(office: Shell, enrolled: Enrol) -> None:
    """Its picture is not handed in without its content: it stays on the phone, counted as unsent, and goes when the phone is let in again."""
    phone = enrolled("Sam", "navigator")
    log = a_case(office)
    phone.do("sync")
    receipt = attach(phone, log, secrets.token_bytes(1000))
    word = canary()
    phone.do("add", file=log, type="case_note", values={"body": word})
    office.run("ruth", "device", "suspend", "Sam", "--reason", "lost")
    with pytest.raises(PhoneError, match="suspended"):
        phone.do("sync")
    [held] = office.run("ruth", "held", "list")["held"]
    assert held
    assert phone.do("awaiting")["awaiting"][0]["unsent"] == 2
    assert phone.do("status")["unsent"] >= 1
    office.run("ruth", "device", "reinstate", "Sam")
    phone.do("sync")
    assert phone.do("awaiting")["awaiting"] == []
    office.sync("ruth")
    assert receipt in {one["record"] for one in office.run("ruth", "attachment", "list", log)["attachments"]}
    assert not any(word.encode() in data for _, data in contents(office.folder / "server"))


def test_a_server_with_an_older_store(office: Any, phone: Phone) -> None:
    """It has lost what it had acknowledged: the phone brings it again before it pushes the record."""
    log = a_case(office)
    phone.do("sync")
    attach(phone, log, secrets.token_bytes(1000))
    phone.do("lose", answers=0)
    phone.do("cutChunks", after=1)
    phone.do("sync")
    assert phone.do("awaiting")["awaiting"][0]["unsent"] == 1
    office.server.kill()
    for path in office.server.data.glob("perpetrator.chunks.db*"):
        path.unlink()
    office.server.start()
    phone.do("cutChunks", after=1000)
    report = phone.do("sync")
    assert (report["attached"]["left"], report["attached"]["chunks"]) == (0, 2)
    assert phone.do("awaiting")["awaiting"] == []
