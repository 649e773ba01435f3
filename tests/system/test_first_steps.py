"""What somebody who is new to it does wrong, and must come out of unharmed."""

from pathlib import Path
from typing import Any

import pytest

from sync.device.people import files
from tests.desk import Desk
from tests.world import World


@pytest.fixture
def sam(tmp_path: Path) -> Any:
    """Sam's profile, off line, with a case of his own that Priya is in."""
    with World(sides=("perpetrator",)) as world:
        phones = [world.enrol("perpetrator", name, ("navigator",)) for name in ("Sam", "Priya")]
        for phone in phones:
            phone.sync()
        case = phones[0].do(lambda session: files.create_file(session, "case", {phones[1].user: "navigator"}))
        phones[0].sync()
        made: Any = Desk(phones[0], tmp_path / "sam")
        made.case, made.other = case.hex(), phones[1].device.hex()
        made.office = Desk(world.admins["perpetrator"], tmp_path / "office")
        made.office.own = world.admins["perpetrator"].device.hex()
        yield made


def test_a_note_that_cannot_be_signed_yet_is_kept(sam: Any) -> None:
    error = sam.refused("note", "add", "--file", sam.case, "words that must not vanish", "--sign")
    assert "saved as draft" in error["message"]
    assert {note["body"] for note in sam.run("note", "list", sam.case)["notes"]} == {"words that must not vanish"}


def test_words_are_given_once(sam: Any, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("from the file")
    assert sam.refused("note", "add", "--file", sam.case, "argument", "--from", str(tmp_path / "note.txt"))["code"] == "bad-value"


def test_who_may_not_revoke_leaves_nothing_waiting(sam: Any) -> None:
    assert sam.refused("device", "revoke", sam.other, "--reason", "lost", "--yes")["code"] == "not-permitted"
    assert sam.run("status")["unsent"] == 0
    assert sam.office.refused("device", "revoke", sam.office.own, "--reason", "lost", "--yes")["code"] == "not-permitted"


@pytest.mark.parametrize("what", ["add", "remove"])
def test_members_are_not_changed_off_line(sam: Any, what: str) -> None:
    """It said that nothing was lost, and nothing had been kept."""
    words = ("member", "add", sam.case, "Priya", "--role", "navigator") if what == "add" else ("member", "remove", sam.case, "Priya", "--yes")
    error = sam.refused(*words)
    assert error["code"] == "offline"
    assert "NOT" in error["message"]


def test_a_file_that_nobody_can_join_says_so(sam: Any) -> None:
    assert "Nobody in it may add" in sam.invoke("file", "create", "case").stderr + sam.invoke("file", "create", "case").stdout
