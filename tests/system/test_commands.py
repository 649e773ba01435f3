"""The command line: every command has help with an example, `--json`, exit codes; the ones of the main job are run."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

from fieldkeep.commands import app
from tests.live import LiveServer
from tests.shell import SECRET, Processes, Shell, new_service


def commands() -> list[tuple[str, Any]]:
    def walk(command: Any, words: list[str]) -> list[tuple[str, Any]]:
        below = getattr(command, "commands", None)
        return [(" ".join(words), command)] if below is None else [one for name, sub in below.items() for one in walk(sub, [*words, name])]

    return walk(typer.main.get_command(app), [])


NAMED = "service create|invite|device enrol|device list|device revoke|device suspend|device reinstate|held list|held show|held admit|held refuse|member add|member remove|file create|file list|record add|record edit|record show|record history|note add|note sign|note addend|note list|spend add|spend reverse|fund show|fund allot|sync|status|conflicts list|conflicts resolve|record undo|record delete|note void|spend list|spend undo|fund undo|fund cover|fund reclaim|audit verify|audit export|audit wall|serve|demo"


class TestEveryCommand:
    def test_all_are_there(self) -> None:
        assert set(NAMED.split("|")) <= {name for name, _ in commands()}

    @pytest.mark.parametrize(("name", "command"), commands(), ids=[name for name, _ in commands()])
    def test_help_with_an_example_and_json(self, name: str, command: Any) -> None:
        assert "Example: fieldkeep" in " ".join((command.help or "").split())
        options = {option for parameter in command.params for option in parameter.opts}
        assert "--json" in options
        assert all(getattr(parameter, "help", None) or parameter.param_type_name == "argument" for parameter in command.params)

    def test_usage_errors_exit_with_2(self) -> None:
        runner = CliRunner()
        for words in (
            ["nonsense"],
            ["note", "add"],
            ["conflicts", "resolve", "a", "b", "--reason", "c"],
            ["audit", "export", "--out", "x", "--side", "north"],
        ):
            assert runner.invoke(app, words).exit_code == 2, words


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    with new_service(tmp_path, Processes) as made:
        yield made


def enrol(shell: Shell, name: str, *roles: str, side: str = "perpetrator", profile: str = "", more: tuple[str, ...] = ()) -> str:
    enrolled = shell.enrol(name, *roles, side=side, profile=profile, more=more)
    shell.sync(f"office/{side}-administrator")
    return enrolled


def test_the_main_job_by_hand(shell: Shell, tmp_path: Path) -> None:
    """What a newcomer does with the README: two people, a note, a conflict, money, an audit."""
    ruth, sam, priya = enrol(shell, "Ruth", "coordinator", "fund_holder"), enrol(shell, "Sam", "navigator"), enrol(shell, "Priya", "navigator")
    shell.run(ruth, "sync")
    case = shell.run(ruth, "file", "create", "case", "--member", "Sam=navigator")["file"]
    care = shell.run(ruth, "file", "create", "shared_care", "--member", "Sam=navigator", "--member", "Priya=navigator")["file"]
    fund = shell.run(ruth, "file", "create", "fund", "--member", "Sam=navigator")["file"]
    shell.run(ruth, "fund", "allot", "100", "--funder", "council", "--period", "2026-27")
    shell.run(ruth, "fund", "allot", "20", "--to", "Sam")
    assert shell.run(ruth, "sync")["unsent"] == 0
    for person in (sam, priya):
        shell.run(person, "sync")

    made = shell.run(sam, "note", "add", "--file", case[:6], "He opened the door this time.")["record"]
    assert shell.run(sam, "note", "list", case)["notes"][0]["received"] is False
    assert shell.refused(sam, "note", "sign", made) == "bad-value"
    for name in ("suicide_or_self_harm", "threat_to_someone", "child_concern"):
        shell.run(sam, "record", "edit", made, "--set", f"{name}=nothing_noted")
    shell.run(sam, "note", "sign", made)
    assert shell.refused(sam, "record", "edit", made, "--set", "body=other words") == "frozen"
    shell.run(sam, "note", "addend", made, "He rang back at four.", "--reason", "came later")
    shown = shell.run(sam, "record", "show", made)
    assert shown["signed"]
    assert shown["fields"]["body"]["value"] == "He opened the door this time."
    assert shown["fields"]["addenda"]["value"][0]["text"] == "He rang back at four."

    assert (
        shell.run(
            sam,
            "spend",
            "add",
            "14.20",
            "--file",
            case,
            "--item",
            "food parcel",
            "--payee",
            "shop",
            "--category",
            "food",
            "--barrier",
            "debt",
            "--no-receipt",
            "none_given",
        )["remaining"]
        == 580
    )
    beyond = shell.run(
        sam,
        "spend",
        "add",
        "30",
        "--file",
        case,
        "--item",
        "coat",
        "--payee",
        "shop",
        "--category",
        "clothing",
        "--barrier",
        "debt",
        "--no-receipt",
        "lost",
    )
    assert beyond["claimed"]
    assert shell.run(sam, "sync")["unsent"] == 0
    shell.run(ruth, "sync")
    [dispute] = shell.run(ruth, "fund", "show")["disputes"]
    shell.run(ruth, "fund", "cover", dispute["spend_id"][:6])
    assert shell.run(ruth, "note", "list", case)["notes"][0]["body"] == "He opened the door this time."
    own = shell.run(ruth, "record", "edit", made, "--set", "body=My view of it")["own_note"]
    assert own, "somebody else's narrative is never touched: the words become one's own note"
    spend = next(one for one in shell.run(ruth, "record", "history", beyond["record"])["history"] if one["field"] == "item")
    assert spend["by"] == "Sam"
    shell.run(sam, "sync")
    assert shell.run(sam, "spend", "reverse", beyond["record"], "--amount", "10", "--why", "part refund")["reversed"] == 1000

    plan = shell.run(sam, "record", "add", "own_safety_plan", "--file", care, "--set", "likely_to_use=5")["record"]
    shell.run(sam, "sync")
    shell.run(priya, "sync")
    shell.run(sam, "record", "edit", plan, "--set", "likely_to_use=7")
    shell.run(priya, "record", "edit", plan, "--set", "likely_to_use=3")
    for person in (sam, priya, sam):
        shell.run(person, "sync")
    [conflict] = shell.run(sam, "conflicts", "list")["conflicts"]
    assert sorted(conflict["choices"]) == [3, 7]
    assert "7" in shell.text(sam, "conflicts", "list")
    assert shell.refused(priya, "record", "edit", plan, "--set", "likely_to_use=5") == "in-conflict"
    shell.run(priya, "conflicts", "resolve", plan, "likely_to_use", "--value", "6", "--reason", "talked it over")
    for person in (priya, sam):
        shell.run(person, "sync")
    assert shell.run(sam, "record", "show", plan)["fields"]["likely_to_use"]["value"] == 6
    assert shell.run(sam, "conflicts", "list")["conflicts"] == []

    exported = tmp_path / "p.jsonl"
    shell.run(ruth, "audit", "export", "--out", str(exported))
    assert shell.run("none", "audit", "verify", str(exported))["ok"]
    assert shell.run("none", "audit", "wall", str(exported))["crossings"] == 0
    assert shell.run(sam, "audit", "verify")["ok"]
    assert "nothing needs you" in shell.text(sam, "status")
    assert shell.run(sam, "fund", "show")["fund"] == fund

    shell.run(ruth, "member", "add", case, "Priya", "--role", "navigator")
    shell.run(priya, "sync")
    assert len(shell.run(priya, "note", "list", case)["notes"]) == 2, "a newcomer receives the whole file"
    shell.run(ruth, "member", "remove", case, "Sam")
    shell.run(sam, "note", "add", "--file", case, "written before being told")
    found = shell.run(sam, "sync")
    assert (found["unsent"], found["held"]) == (0, 1), "it waits for a colleague to let it in"
    assert shell.run(sam, "status")["held"] == 1


def test_a_second_device_sees_a_note_arrive(shell: Shell) -> None:
    sam = enrol(shell, "Sam", "navigator")
    assert shell.refused("office/perpetrator-administrator", "invite", "--name", "Sam", "--role", "navigator") == "not-permitted"
    tablet = enrol(shell, "Sam", "navigator", profile="tablet", more=("--second-device",))
    case = shell.run(sam, "file", "create", "case")["file"]
    shell.run(sam, "note", "add", "--file", case, "from the phone")
    shell.run(sam, "sync")
    shell.run(tablet, "sync")
    assert [note["body"] for note in shell.run(tablet, "note", "list", case)["notes"]] == ["from the phone"]
    rows = shell.run(tablet, "device", "list")["devices"]
    assert sorted(row["label"] for row in rows if row["name"] == "Sam") == ["Sam's phone", "Sam's phone"]
    phone = next(row["device"] for row in rows if row["name"] == "Sam" and not row["this"])
    shell.run("office/perpetrator-administrator", "device", "revoke", phone, "--reason", "lost")
    assert shell.refused(sam, "sync") == "revoked"
    shell.run(tablet, "note", "add", "--file", case, "after the loss")
    report = shell.run(tablet, "sync")
    assert report["rotated"] == 2, "the case and its liaison file"
    assert report["unsent"] == 0


def test_creating_a_service_goes_on_after_a_lost_server(tmp_path: Path) -> None:
    """The server dies before it answers: the same command again finishes, with the same authority, and then never again."""
    server = LiveServer(tmp_path / "server")
    try:
        shell = Shell(tmp_path, server.address)
        words = ["service", "create", "--server", server.address, "--setup", "wrong code", "--name", "Pilot", "--out", str(tmp_path / "office")]
        assert shell.refused("none", *words) == "setup-refused"
        server.kill()
        assert shell.refused("none", *words) == "offline"
        server.start()
        words[5] = str(server.found["setup_code"])
        first = shell.run("none", *words)
        assert len(first["shares"]) == 9
        assert shell.refused("none", *words) == "not-permitted"
        assert shell.run("office/victim-administrator", "registry", "show")["authority"] == first["authority"]
    finally:
        server.stop()


def test_watching(shell: Shell) -> None:
    """`sync --watch` says what it did at once, and again when a colleague has written."""
    sam, priya = enrol(shell, "Sam", "navigator"), enrol(shell, "Priya", "navigator")
    shell.run(sam, "sync")
    case = shell.run(sam, "file", "create", "case", "--member", "Priya=navigator")["file"]
    shell.run(sam, "sync")
    command = [sys.executable, "-m", "fieldkeep", "--profile", str(shell.folder / priya), "sync", "--watch", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "FIELDKEEP_PASSPHRASE": SECRET}) as watching:
        assert watching.stdout is not None
        assert json.loads(watching.stdout.readline())["received"] > 0
        shell.run(sam, "note", "add", "--file", case, "just now")
        shell.run(sam, "sync")
        assert json.loads(watching.stdout.readline())["received"] == 1
        shell.run(priya, "note", "add", "--file", case, "typed while it watches")
        assert json.loads(watching.stdout.readline())["accepted"] == 1
        watching.terminate()
    assert [note["body"] for note in shell.run(priya, "note", "list", case)["notes"]] == ["just now", "typed while it watches"]


def test_clear_errors(shell: Shell, tmp_path: Path) -> None:
    sam = enrol(shell, "Sam", "navigator")
    case = shell.run(sam, "file", "create", "case")["file"]
    assert shell.refused("nobody", "status") == "no-profile"
    assert shell.refused(sam, "device", "enrol", "fieldkeep1:abc") == "malformed"
    assert shell.refused(sam, "device", "enrol", "nonsense") == "malformed"
    assert shell.refused(sam, "file", "create", "intake") == "not-permitted"
    assert shell.refused(sam, "file", "create", "case", "--member", "Dana=navigator") == "not-found"
    assert shell.refused(sam, "record", "add", "nonsense", "--file", case, "--set", "a=b") == "bad-value"
    assert shell.refused(sam, "record", "add", "task", "--file", case, "--set", "nonsense=b") == "bad-value"
    assert shell.refused(sam, "record", "add", "task", "--file", case, "--set", "due=03/04/2026") == "bad-value"
    assert shell.refused(sam, "record", "add", "victim_safety_plan", "--file", case, "--set", "money=x") == "bad-value"
    assert shell.refused(sam, "record", "show", "ffff") == "not-found"
    assert shell.refused(sam, "note", "list", "ffff") == "not-found"
    assert shell.refused(sam, "fund", "show") == "not-found"
    assert shell.refused(sam, "invite", "--name", "X", "--role", "navigator") == "not-permitted"
    (tmp_path / "bad.jsonl").write_text("{}\n")
    assert shell.refused(sam, "audit", "verify", str(tmp_path / "bad.jsonl")) == "bad-export"
    ran = subprocess.run(
        [sys.executable, "-m", "fieldkeep", "--profile", str(shell.folder / sam), "status"],
        capture_output=True, text=True, check=False, env={**os.environ, "FIELDKEEP_PASSPHRASE": "wrong passphrase"},
    )  # fmt: skip
    assert ran.returncode == 1
    assert "bad-passphrase" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_joining(shell: Shell, tmp_path: Path) -> None:
    """What goes wrong between an office and a newcomer: nobody is made twice, nothing is left behind, and a lost reply is no loss."""
    office = "office/perpetrator-administrator"
    code = shell.run(office, "invite", "--name", "Sam", "--role", "navigator")["code"]
    shell.run("sam", "device", "enrol", "-", stdin=code)
    assert shell.refused(office, "invite", "--name", "Sam", "--role", "navigator") == "not-permitted", "the office has heard of Sam by itself"
    assert shell.refused(office, "invite", "--name", " ", "--role", "navigator") == "bad-value"
    second = shell.run(office, "invite", "--name", "Sam", "--role", "navigator", "--second-device")
    assert second["registry_fresh"]
    assert shell.run("thief", "device", "enrol", "-", stdin=code, status=1)["error"]["code"] == "invitation-spent"
    assert not (tmp_path / "thief").exists()
    shell.run("tablet", "device", "enrol", "-", stdin=second["code"])
    assert shell.run("tablet", "device", "enrol", "-", stdin=code, status=1)["error"]["code"] == "not-permitted"
    assert shell.run("tablet", "status")["name"] == "Sam", "a second try in a profile that is a device leaves it alone"
