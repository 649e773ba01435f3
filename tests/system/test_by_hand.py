"""What is typed field by field: nothing is signed, made void or spent by saying so, and a code is copied right or not used."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from typer.testing import CliRunner

from shared_schema.certificate import Subject
from shared_schema.errors import Malformed, Refused
from sync.device.cli.main import app
from sync.device.entering import enrolment
from sync.device.entering.profile import open_store
from sync.device.exchanging import syncing
from sync.device.people import files
from tests.desk import SECRET, Desk
from tests.live import Live
from tests.world import DAY, Phone, World

CONTACT = ("--set", "mode=home_visit", "--set", "with=client", "--set", "result=spoke")


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Phone, Phone, bytes]]:
    with World(sides=("perpetrator",)) as world:
        sam, priya = (world.enrol("perpetrator", name, ("navigator",)) for name in ("Sam", "Priya"))
        for one in (sam, priya):
            one.sync()
        log = sam.do(lambda session: files.create_file(session, "case", {priya.user: "navigator"}))
        yield sam, priya, log


@pytest.fixture
def desk(pair: tuple[Phone, Phone, bytes], tmp_path: Path) -> Desk:
    return Desk(pair[0], tmp_path / "sam")


def test_a_state_is_not_set_by_hand(desk: Desk, pair: tuple[Phone, Phone, bytes]) -> None:
    """A colleague's draft was shown as signed on every phone."""
    note = desk.run("note", "add", "--file", pair[2].hex(), "a draft")["record"]
    for state in ("signed", "void", "draft"):
        assert "note sign" in desk.refused("record", "edit", note, "--set", f"state={state}")["message"]
        assert "note sign" in desk.refused("record", "add", "case_note", "--file", pair[2].hex(), "--set", f"state={state}")["message"]
    [shown] = desk.run("note", "list", pair[2].hex())["notes"]
    assert shown["state"] == "draft"
    task = desk.run("record", "add", "task", "--file", pair[2].hex(), "--set", "what=ring")["record"]
    desk.run("record", "edit", task, "--set", "task_state=done")


def test_what_is_void_stays_void(desk: Desk, pair: tuple[Phone, Phone, bytes]) -> None:
    note = desk.run("note", "add", "--file", pair[2].hex(), "in the wrong file")["record"]
    desk.run("note", "void", note, "--reason", "wrong file", "--yes")
    for words in (("record", "edit", note, "--set", "body=back again"), ("note", "sign", note)):
        assert desk.refused(*words)["code"] == "frozen"


def test_a_contact_is_signed_when_nothing_is_missing(desk: Desk, pair: tuple[Phone, Phone, bytes]) -> None:
    """It was frozen at once, and what was asked for next was refused."""
    made = desk.run("record", "add", "contact", "--file", pair[2].hex(), *CONTACT)
    record, missing = made["record"], [one["fields"][0] for one in made["missing_to_sign"]]
    assert missing
    assert desk.run("status")["drafts"] == 1
    assert not desk.run("record", "show", record)["signed"]
    given = {"direction": "direction=to_them", "workers": "workers=sam,Priya"}
    for name in missing:
        assert not desk.run("record", "show", record)["signed"]
        desk.run("record", "edit", record, "--set", given[name])
    shown = desk.run("record", "show", record)
    assert sorted(shown["fields"]["workers"]["value"]) == sorted(str(UUID(bytes=one.user)) for one in pair[:2])
    assert "Sam, Priya" in desk.text("record", "show", record)
    assert "by that name" in desk.refused("record", "edit", record, "--set", "joint_with=Nobody")["message"]
    assert desk.run("status")["drafts"] == 0
    assert (shown["signed"], shown["fields"]["state"]["value"]) == (True, "signed")
    assert desk.refused("record", "edit", record, "--set", "mode=telephone")["code"] == "frozen"


@pytest.mark.parametrize("type_", ["spend", "spend_reversal"])
def test_money_is_not_added_by_hand(desk: Desk, pair: tuple[Phone, Phone, bytes], type_: str) -> None:
    """The fund never heard of it, and nothing could take it back."""
    assert "`spend " in desk.refused("record", "add", type_, "--file", pair[2].hex(), "--set", "amount=100")["message"]


def test_what_is_given_twice_or_of_no_type(desk: Desk, pair: tuple[Phone, Phone, bytes]) -> None:
    assert "twice" in desk.refused("record", "add", "contact", "--file", pair[2].hex(), *CONTACT, "--set", "mode=telephone")["message"]
    assert "known: " in desk.refused("record", "list", pair[2].hex(), "--type", "banana")["message"]


def test_pasted_line_ends(desk: Desk, pair: tuple[Phone, Phone, bytes]) -> None:
    made = desk.run("record", "add", "case_note", "--file", pair[2].hex(), "--set", "body=one\r\ntwo")["record"]
    assert desk.run("record", "show", made)["fields"]["body"]["value"] == "one\ntwo"


def test_a_code_that_is_copied_wrong_is_not_used() -> None:
    """One wrong letter could use the code up, or blame the server."""
    with World(sides=("perpetrator",)) as world:
        admin = world.admins["perpetrator"]
        subject = Subject(bytes(16), "Sam", "Pilot", ("navigator",), admin.now_ms() + 90 * DAY)
        code = enrolment.invite(admin.session, subject, admin.now_ms() + DAY)
    text = code.text()
    assert enrolment.decode_code(f" {text[:80]}\n {text[80:]}\r\n") == code
    for at in range(len(enrolment.CODE_PREFIX), len(text), 7):
        for wrong in (text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :], text[:at] + text[at + 1 :], text[:at]):
            with pytest.raises(Malformed):
                enrolment.decode_code(wrong)
    assert enrolment.decode_code(replace(code, server="http://127.0.0.1:9").text()).server == "http://127.0.0.1:9"


def test_names_that_cannot_be_told_apart(desk: Desk) -> None:
    for name in ("", "  ", "Sa\x1b[31mm", "x" * 201):
        ran = desk.invoke("invite", "--name", name, "--role", "navigator", "--json")
        assert (ran.exit_code, json.loads(ran.stdout)["error"]["code"]) == (1, "bad-value")
    for words in (("device", "enrol", "x", "--label", " "), ("service", "create", "--server", "x", "--setup", "x", "--name", "", "--out", "x")):
        ran = CliRunner().invoke(app, [*words, "--json"], env={"FIELDKEEP_PASSPHRASE": SECRET})
        assert "is empty" in json.loads(ran.stdout)["error"]["message"]


def test_a_phone_that_the_office_has_not_heard_of_is_revoked_at_once(tmp_path: Path) -> None:
    """The office had not synced since it enrolled, and was told that there was no such phone."""
    live = Live(tmp_path)
    try:
        with open_store(tmp_path / "office", SECRET, new=True) as store:
            live.admins["perpetrator"].store._db.backup(store._db)
        sam = live.enrol("Sam", ("navigator",))
        words = ["--profile", str(tmp_path / "office"), "device", "revoke", sam.identity.device.hex(), "--reason", "lost", "--yes"]
        assert CliRunner().invoke(app, words, env={"FIELDKEEP_PASSPHRASE": SECRET}).exit_code == 0
        with pytest.raises(Refused, match="revoked"):
            syncing.sync(sam, live.transport)
        live.server.stop()
        ran = CliRunner().invoke(app, [*words, "--json"], env={"FIELDKEEP_PASSPHRASE": SECRET})
        assert json.loads(ran.stdout)["error"]["code"] == "not-permitted"
    finally:
        live.close()
