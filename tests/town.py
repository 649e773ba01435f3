"""A service with both working sides at work: a case, and the victim side's desk, which a gate of the authority has opened."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.shell import new_service


@contextmanager
def new_town(folder: Path) -> Iterator[Any]:
    """Sam and Ruth work with him; Jo has the victim side's desk, and Lee supports her."""
    with new_service(folder) as made:
        shell: Any = made
        shell.enrol("Ruth", "coordinator")
        shell.enrol("Sam", "navigator")
        shell.enrol("Jo", "coordinator", "referral_desk", side="victim")
        shell.enrol("Lee", "link_worker", side="victim")
        shell.sync("jo", "ruth", "sam")
        shell.desk = shell.run("jo", "file", "create", "intake")["file"]
        shell.sync("jo")
        open_desk(shell)
        shell.sync("sam", "ruth")
        shell.case = shell.run("sam", "file", "create", "case", "--member", "Ruth=coordinator")["file"]
        shell.sync("sam", "ruth", "jo")
        yield shell


def open_desk(shell: Any, profile: str = "jo", desk: str = "") -> None:
    """The authority certifies a desk, and somebody who holds it puts it on the board."""
    desk = desk or shell.desk
    code = shell.run(profile, "desk", "request", desk)["request"]
    gate = shell.run("none", "desk", "certify", code, "--authority", str(shell.folder / "office" / "authority"))["gate"]
    shell.run(profile, "desk", "open", desk, gate)


def listed(shell: Any, profile: str, type_: str, file: str) -> list[dict[str, Any]]:
    """The records of a type in a file, as plain values."""
    rows = shell.run(profile, "record", "list", file, "--type", type_)["records"]
    shown = [shell.run(profile, "record", "show", row["record"])["fields"] for row in rows]
    return [{name: one["value"] for name, one in fields.items()} for fields in shown]


def link(shell: Any) -> str:
    """Jo begins Cheryl's file with Lee in it, and links it to the case."""
    [opened] = listed(shell, "jo", "case_opened", shell.desk)
    victim: str = shell.run("jo", "file", "create", "case", "--member", "Lee=link_worker")["file"]
    shell.run(
        "jo", "record", "add", "link", "--file", shell.desk, "--set", f"case={opened['case']}", "--set", f"file={victim}", "--set", "support=accepted"
    )
    shell.sync("jo", "jo", "lee")
    return victim
