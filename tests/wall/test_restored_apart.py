"""W4, on the day on which the victim side's database is put back from an older copy: the perpetrator side is what it would have been, byte for byte."""

from pathlib import Path
from typing import Any

import pytest

from shared_schema.errors import Refused
from sync.device.people import files
from tests.coming_back import Restorable, note
from tests.wall.story import desk_of, difference
from tests.wall.twins import steady
from tests.world import HOUR


def played(folder: Path, sealed: dict[bytes, bytes], *, lose: bool) -> dict[str, Any]:
    """The server is stopped and started in both; in one of them with yesterday's database of the victim side."""
    with steady(sealed):
        run = Restorable(folder)
        with run:
            sam, ruth = run.enrol("perpetrator", "Sam", "navigator"), run.enrol("perpetrator", "Ruth", "coordinator")
            jo, lena = desk_of(run), run.enrol("victim", "Lena", "link_worker")
            jo.sync()
            sam.sync()
            case = files.create_file(sam.session, "case", {ruth.session.identity.user: "coordinator"})
            hers = files.create_file(jo.session, "case", {lena.session.identity.user: "link_worker"})
            for phone in (sam, ruth, jo, lena):
                phone.sync()
            copy = run.copy("victim")
            run.pass_time(HOUR)
            for phone, log in ((lena, hers), (jo, hers), (sam, case)):
                note(phone, log, "another")
                phone.sync()
            if lose:
                run.put_back(copy, "victim")
            else:
                run.restart()
            note(sam, case, "while nobody on the other side can sync")
            sam.sync()
            ruth.sync()
            if lose:
                assert run.service.restoring == ["victim"]
                with pytest.raises(Refused, match="older copy"):
                    jo.sync()
                run.declare("victim")
            for phone in (jo, lena, jo, lena):
                phone.sync()
            run.settle()
            note(ruth, case, "afterwards")
            ruth.sync()
            sam.sync()
            return run.seen("perpetrator", folder)


def test_the_other_side_sees_nothing_of_it(tmp_path: Path) -> None:
    sealed: dict[bytes, bytes] = {}
    quiet = played(tmp_path / "quiet", sealed, lose=False)
    assert difference(quiet, played(tmp_path / "again", sealed, lose=False)) == [], "else nothing below would mean anything"
    assert difference(quiet, played(tmp_path / "lost", sealed, lose=True)) == []
