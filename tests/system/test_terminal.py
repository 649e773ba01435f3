"""What reaches a terminal: other people's words as they are and never as commands, and every failure as one typed sentence."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared_schema.errors import Refused
from sync.change import Op
from sync.device.cli import frame, terminal
from sync.device.cli.terminal import Words, plain, visible, when
from sync.device.people import files
from sync.device.recording import records
from tests.desk import Desk
from tests.world import Phone, World

EVIL = "[bold red]Ann[/] :warning: \x1b[31m\x9b2J\u202eevil\u2066\u2028\x07\r\b"
SHOWN = "[bold red]Ann[/] :warning: \\x1b[31m\\x9b2J\\u202eevil\\u2066\\u2028\\x07\\r\\x08"
RAW = "\x1b\x9b\u202e\u2066\u2028\x07\b\r"


@pytest.fixture
def world() -> Iterator[World]:
    with World(sides=("perpetrator",)) as made:
        made.enrol("perpetrator", EVIL, ("coordinator", "fund_holder"), EVIL)
        made.enrol("perpetrator", "Sam", ("navigator",))
        yield made


@pytest.fixture
def logs(world: World) -> dict[str, bytes]:
    meet(world)
    priya, sam = world.phones
    made = {kind: priya.do(lambda session, kind=kind: files.create_file(session, kind, {sam.user: "navigator"})) for kind in ("case", "fund")}  # type: ignore[misc]
    meet(world)
    return made


def meet(world: World) -> None:
    for phone in world.phones * 3:
        phone.sync()


def write(phone: Phone, log: bytes, type_: str, **values: Any) -> bytes:
    """As an app that checks nothing."""
    return phone.do(lambda session: session.write(log, None, type_, [Op(name, "set", value, ()) for name, value in values.items()]))


class TestVisible:
    def test_what_is_escaped(self) -> None:
        assert visible(EVIL) == SHOWN
        assert visible("a\nb\tc") == "a\\nb\\tc"
        assert visible(Words("a\nb\tc\x1b")) == "a\nb\tc\\x1b"
        assert visible("Zoë, 你好, 👩‍👧, שלום") == "Zoë, 你好, 👩‍👧, שלום"
        assert visible("\ud800") == "\\ud800"

    def test_every_control_and_override(self) -> None:
        for code in [*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]:
            assert visible(chr(code)).startswith("\\"), hex(code)

    def test_nothing_is_markup_or_emoji(self, capsys: pytest.CaptureFixture[str]) -> None:
        terminal.set_context(None, None)
        terminal.say(EVIL, "second")
        terminal.emit({}, "first", EVIL, as_json=False)
        terminal.table(EVIL, ["a"], [[EVIL]])
        terminal.table(EVIL, ["a"], [])
        terminal.warn(EVIL)
        frame.fail(Refused("bad-value", EVIL), as_json=False)
        for text, times in zip(capsys.readouterr(), (5, 2), strict=True):
            assert text.count(SHOWN) == times
            assert not set(text) & set(RAW)

    def test_json_keeps_the_words_and_sends_no_control(self, capsys: pytest.CaptureFixture[str]) -> None:
        terminal.emit_json({"name": EVIL})
        out = capsys.readouterr().out
        assert json.loads(out) == {"name": EVIL}
        assert not set(out) & set(RAW)


class TestValues:
    @pytest.mark.parametrize(
        "value", [{"missing": 5}, {"missing": None}, {"missing": ["x"]}, {"at": [], "precision": {}}, {"at": 1, "precision": 2}, [[{}]], True, -1]
    )
    def test_any_value_has_words(self, value: Any) -> None:
        assert plain(value)

    def test_times_that_no_calendar_has(self) -> None:
        assert when(2**53 - 1) == f"no such time ({2**53 - 1} ms)"
        assert when(None) == "not yet"


def test_other_peoples_words_everywhere(world: World, logs: dict[str, bytes], tmp_path: Path) -> None:
    """Names, labels, notes, values and messages of somebody hostile, in every listing: never raw, never as markup."""
    priya, sam = world.phones
    case = logs["case"]
    write(priya, case, "person", known_as=EVIL)
    note = write(priya, case, "case_note", body=f"first\nsecond {EVIL}", suicide_or_self_harm={"missing": 5})
    plan = write(priya, case, "safe_contact", check_question="mild")
    far = priya.do(lambda session: session.write(case, None, "task", [Op("what", "set", EVIL, ())]))
    meet(world)
    for phone, value in ((priya, EVIL), (sam, "calm")):
        register = phone.session.record(case, plan).registers["check_question"]
        phone.do(lambda session, v=value, p=tuple(register.live): session.write(case, plan, "safe_contact", [Op("check_question", "set", v, p)]))  # type: ignore[misc]
    meet(world)
    sam.session.alarm(case, 3, "hole", EVIL)
    desk = Desk(sam, tmp_path / "sam")
    texts = {
        words: desk.text(*words)
        for words in (
            ("note", "list", case.hex()), ("record", "show", note.hex()), ("record", "show", plan.hex()), ("record", "show", far.hex()),
            ("record", "history", note.hex()), ("record", "list", case.hex()), ("conflicts", "list"), ("status",), ("device", "list"),
            ("file", "list"), ("registry", "show"), ("fund", "show"),
        )
    }  # fmt: skip
    for words, text in texts.items():
        assert not set(text) & set(RAW), words
    assert all("[bold red]Ann[/] :warning:" in text for words, text in texts.items() if words not in (("registry", "show"), ("fund", "show")))
    assert len([line for line in texts[("record", "show", note.hex())].splitlines() if "second" in line]) == 1, "the lines of a note stay"


def test_money_that_had_no_effect_is_shown_with_its_reason(world: World, logs: dict[str, bytes], tmp_path: Path) -> None:
    priya, sam = world.phones
    write(sam, logs["fund"], "fund_line", kind="allotment", amount=500)
    odd = write(priya, logs["case"], "spend", spend_id=["no", "text"], amount=5)
    meet(world)
    desk = Desk(priya, tmp_path / "priya")
    assert "not by the fund holder" in desk.text("fund", "show")
    assert desk.run("fund", "show")["ignored"][0]["why"] == "not by the fund holder"
    assert desk.refused("spend", "reverse", odd.hex(), "--why", "x")["code"] == "not-found"


class TestRim:
    """No command ends in a traceback: a typed sentence, exit status 1, and 2 for wrong usage."""

    def test_files_that_are_not_there_or_no_text(self, world: World, logs: dict[str, bytes], tmp_path: Path) -> None:
        desk = Desk(world.phones[1], tmp_path / "sam")
        case = logs["case"].hex()
        binary = tmp_path / "binary"
        binary.write_bytes(b"\xff\xfe")
        assert desk.refused("note", "add", "--file", case, "--from", str(tmp_path / "none"))["code"] == "not-found"
        assert desk.refused("note", "add", "--file", case, "--from", str(binary))["code"] == "bad-value"
        assert desk.refused("note", "add", "--file", case, "--from", str(tmp_path))["code"] == "storage"
        assert desk.refused("audit", "export", "--out", str(tmp_path / "none" / "x"))["code"] == "not-found"
        ran = desk.invoke("--passphrase-file", str(tmp_path / "none"), "status")
        assert ran.exit_code in (1, 2)

    def test_what_is_written_is_the_owners_only(self, world: World, tmp_path: Path) -> None:
        desk = Desk(world.admins["perpetrator"], tmp_path / "office")
        old, new, picture = (tmp_path / name for name in ("old.jsonl", "new.jsonl", "code.svg"))
        invite = ("invite", "--name", "Dana", "--role", "navigator", "--qr")
        before = os.umask(0o022)
        try:
            old.touch()
            for out in (old, new):
                desk.run("audit", "export", "--out", str(out))
            desk.run(*invite, str(picture))
        finally:
            os.umask(before)
        assert {path.stat().st_mode & 0o777 for path in (old, new, picture)} == {0o600}
        assert desk.refused(*invite, str(tmp_path / "code.nonsense"))["code"] == "bad-value"

    def test_roles_are_named(self, world: World, logs: dict[str, bytes], tmp_path: Path) -> None:
        sam, priya = Desk(world.phones[1], tmp_path / "sam"), Desk(world.phones[0], tmp_path / "priya")
        error = sam.refused("file", "create", "fund")
        assert error["code"] == "not-permitted"
        assert "as navigator you may not begin a fund file; a fund_holder may" in error["message"]
        error = priya.refused("audit", "export", "--side", "victim", "--out", str(tmp_path / "x"))
        assert (error["code"], "as coordinator and fund_holder" in error["message"]) == ("not-permitted", True)
        assert not (tmp_path / "x").exists()
        office = Desk(world.admins["perpetrator"], tmp_path / "office")
        assert "sync first" in office.refused("invite", "--name", "Nobody", "--role", "navigator", "--second-device")["message"]

    def test_status_names_the_file(self, world: World, logs: dict[str, bytes], tmp_path: Path) -> None:
        priya, sam = world.phones
        priya.do(lambda session: records.add(session, logs["case"], "person", {"known_as": "Jack"}))
        meet(world)
        priya.do(lambda session: files.remove_member(session, logs["case"], sam.user))
        priya.sync()
        sam.do(lambda session: records.add(session, logs["case"], "task", {"what": "too late"}))
        sam.sync()
        said = Desk(sam, tmp_path / "sam").text("status")
        assert "1 held for review" in said
        assert f"case file {logs['case'].hex()[:8]} (Jack), entry 3: removed: " in said
        assert "last synced" in said
        assert "last sent" not in said

    def test_json_without_a_passphrase_never_asks(self, world: World, tmp_path: Path) -> None:
        Desk(world.phones[1], tmp_path / "sam")
        env = {name: value for name, value in os.environ.items() if name != "FIELDKEEP_PASSPHRASE"}
        command = [sys.executable, "-m", "fieldkeep", "--profile", str(tmp_path / "sam"), "status", "--json"]
        ran = subprocess.run(
            command, capture_output=True, text=True, check=False, env=env, stdin=subprocess.DEVNULL, start_new_session=True, timeout=60
        )
        assert ran.returncode == 1
        assert json.loads(ran.stdout)["error"]["code"] == "bad-passphrase"
        assert ran.stderr == ""
        ran = subprocess.run(
            command[:-1], capture_output=True, text=True, check=False, env=env, stdin=subprocess.DEVNULL, start_new_session=True, timeout=60
        )
        assert (ran.returncode, "Traceback" in ran.stderr) == (1, False)
        assert "--passphrase-file" in ran.stderr
        command[4] = str(tmp_path / "nobody")
        ran = subprocess.run(
            command, capture_output=True, text=True, check=False, env=env, stdin=subprocess.DEVNULL, start_new_session=True, timeout=60
        )
        assert json.loads(ran.stdout)["error"]["code"] == "no-profile"

    @pytest.mark.parametrize(
        "words", [["serve", "--port", "99999"], ["serve", "--port", "-1"], ["demo", "--port", "99999"], ["serve", "--metrics-port", "x"]]
    )
    def test_ports_that_are_none(self, words: list[str]) -> None:
        ran = subprocess.run([sys.executable, "-m", "fieldkeep", *words], capture_output=True, text=True, check=False)
        assert (ran.returncode, ran.stdout) == (2, "")
        assert "Traceback" not in ran.stderr

    def test_a_setting_that_is_none(self, tmp_path: Path) -> None:
        env = {**os.environ, "FIELDKEEP_PORT": "99999"}
        ran = subprocess.run(
            [sys.executable, "-m", "fieldkeep", "serve", "--data", str(tmp_path / "d")], capture_output=True, text=True, check=False, env=env
        )
        assert ran.returncode == 2
        assert "FIELDKEEP_PORT" in ran.stderr


class TestVerifyingAnExport:
    """Which authority an export was checked against is said, and whether it was only the export's own word."""

    def test_the_profiles_or_the_exports(self, world: World, logs: dict[str, bytes], tmp_path: Path) -> None:
        sam = world.phones[1]
        desk, out = Desk(sam, tmp_path / "sam"), str(tmp_path / "out.jsonl")
        desk.run("audit", "export", "--out", out)
        authority = sam.session.identity.authority.hex()
        found = desk.run("audit", "verify", out)
        assert (found["ok"], found["authority"], found["authority_verified"]) == (True, authority, True)
        assert f"Authority {authority}: as pinned by the profile in {desk.folder}" in desk.text("audit", "verify", out)
        nobody = Desk.__new__(Desk)
        nobody.folder = tmp_path / "none"
        found = nobody.run("audit", "verify", out)
        assert (found["ok"], found["authority"], found["authority_verified"]) == (True, authority, False)
        assert "taken from the export itself and NOT verified" in nobody.text("audit", "verify", out)
        assert "taken from the export itself and NOT verified" in nobody.text("audit", "wall", out)
        assert nobody.run("audit", "verify", out, "--authority", authority)["authority_verified"] is True
        lines = Path(out).read_text().splitlines()
        first = json.loads(lines[0]) | {"authority": "00" * 32}
        Path(out).write_text("\n".join([json.dumps(first), *lines[1:]]) + "\n")
        assert desk.run("audit", "verify", out)["ok"], "what an export claims does not count where the profile knows better"
        assert nobody.invoke("audit", "verify", out, "--authority", "abc").exit_code == 2
        Path(out).write_text("\n".join(lines) + "\n")
        for words in (("audit", "verify", out), ("audit", "wall", out)):
            error = nobody.refused(*words, "--authority", "11" * 32)
            assert error["code"] == "bad-export", "one sentence, and not a finding for each signature"
            assert f"names authority {authority}, and you trust {'11' * 32}" in error["message"]
