"""No administrator is left: the authority certifies another, beside a colleague's device; and what does not belong together is refused."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.shell import SECRET, new_service

SIDE = "perpetrator"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Any]:
    """Ruth coordinates. The programme office's laptop was stolen, with the only administrator's profile on it."""
    with new_service(tmp_path) as made:
        shell: Any = made
        shell.enrol("Ruth", "coordinator")
        (tmp_path / "secret").write_text(SECRET)
        shutil.rmtree(tmp_path / f"office/{SIDE}-administrator")
        shell.new = ("--new-passphrase-file", str(tmp_path / "secret"))
        yield shell


def ask(office: Any, name: str, beside: str = "ruth") -> dict[str, Any]:
    folder = ("--office", str(office.folder / name))
    found: dict[str, Any] = office.run(beside, "administrator", "request", *folder, "--name", name, "--org", "Tees pilot", *office.new)
    return found


def certify(office: Any, code: str, status: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = office.run(
        "nobody", "administrator", "certify", "--authority", str(office.folder / "office/authority"), code, "--yes", status=status
    )
    return found


def open_(office: Any, name: str, code: str, status: int = 0, beside: str = "ruth") -> dict[str, Any]:
    found: dict[str, Any] = office.run(beside, "administrator", "open", "--office", str(office.folder / name), code, *office.new, status=status)
    return found


def test_another_administrator(office: Any) -> None:
    asked = ask(office, "Ada")
    assert ask(office, "Ada")["check"] == asked["check"], "asked again it is the same device"
    signed = certify(office, asked["request"])
    assert (signed["check"], signed["side"], signed["name"]) == (asked["check"], SIDE, "Ada")
    assert open_(office, "Ada", signed["certified"])["name"] == "Ada"
    devices = office.run("Ada", "device", "list")["devices"]
    assert {one["name"]: one["roles"] for one in devices}["Ada"] == ["administrator"]
    [stolen] = [one["device"] for one in devices if one["name"] not in ("Ada", "Ruth")]
    office.run("Ada", "device", "revoke", stolen, "--reason", "stolen", "--yes")
    code = office.run("Ada", "invite", "--name", "Sam", "--role", "navigator")["code"]
    office.run("sam", "device", "enrol", "-", "--label", "Sam's phone", stdin=code)
    office.sync("ruth")
    assert office.run("ruth", "status")["alarms"] == []
    assert open_(office, "Ada", signed["certified"], status=1)["error"]["code"] == "not-found", "it is opened once"


def test_the_authority_signs_one_after_the_other(office: Any) -> None:
    first, second = ask(office, "Ada"), ask(office, "Bo")
    open_(office, "Ada", certify(office, first["request"])["certified"])
    error = open_(office, "Bo", certify(office, second["request"])["certified"], status=1)["error"]
    assert (error["code"], "anew" in error["message"]) == ("stale-statement", True)
    again = ask(office, "Bo")
    assert again["check"] == second["check"]
    assert open_(office, "Bo", certify(office, again["request"])["certified"])["name"] == "Bo"


def test_what_does_not_belong_together(office: Any) -> None:
    asked = ask(office, "Ada")
    code = asked["request"]
    assert certify(office, code[:-3] + ("AAA" if code[-3:] != "AAA" else "BBB"), status=1)["error"]["code"] == "malformed"
    signed = certify(office, code)["certified"]
    ask(office, "Bo")
    assert open_(office, "Bo", signed, status=1)["error"]["code"] == "bad-value"
    assert open_(office, "Ada", signed, status=1, beside="office/victim-administrator")["error"]["code"] == "bad-value"
    assert office.refused("ruth", "administrator", "request", "--office", str(office.folder / "ruth"), "--name", "Ada", *office.new) in (
        "busy",
        "not-permitted",
    )
    assert (
        office.run("ruth", "administrator", "certify", "--authority", str(office.folder / "Ada"), code, "--yes", status=1)["error"]["code"]
        == "no-profile"
    )
    assert open_(office, "Ada", signed)["side"] == SIDE
