"""The service comes back from yesterday's backup: a phone gives back what it alone has, and puts aside what came too late."""

from pathlib import Path

from tests.canaries import canary
from tests.field_app.conftest import Enrol
from tests.field_app.fleet import OFFICE, a_case, alarms, file_row, same
from tests.field_app.phone import Phone, PhoneError
from tests.shell import Shell


def back_up(office: Shell, folder: Path) -> None:
    office.run("none", "backup", "--data", str(office.server.data), "--to", str(folder / "day.fk"), "--key", str(folder / "key"))


def lose(office: Shell, folder: Path) -> None:
    """The databases are gone, and the backup is put in their place."""
    office.server.stop()
    for path in office.server.data.glob("*.db*"):
        path.rename(folder / f"lost-{path.name}")
    office.run("none", "restore", str(folder / "day.fk"), "--data", str(office.server.data), "--key", str(folder / "key"))
    office.server.start(ready=False)


def settle(office: Shell, phone: Phone) -> None:
    """What waited was sealed in the older incarnation: it is refused once, and goes with the sync after."""
    for _ in range(2):
        office.sync("ruth")
        phone.do("sync")


def told(phone: Phone) -> str:
    try:
        phone.do("sync")
    except PhoneError as error:
        return error.code
    return ""


def test_a_phone_gives_back_what_it_alone_has(office: Shell, enrolled: Enrol, tmp_path: Path) -> None:
    phone = enrolled("Sam", "navigator")
    log = a_case(office)
    phone.do("sync")
    phone.do("add", file=log, type="case_note", values={"body": "before"})
    same(office, phone, log)
    back_up(office, tmp_path)
    lost = [canary() for _ in range(3)]
    for word in lost:
        phone.do("add", file=log, type="case_note", values={"body": word})
        phone.do("sync")
    phone.do("add", file=log, type="case_note", values={"body": "not sent yet"})
    lose(office, tmp_path)
    assert told(phone) == office.refused("ruth", "sync") == "restoring"
    assert phone.do("reopen") == {"differs": []}
    office.run(OFFICE, "restored", "declare", "--yes")
    office.sync("ruth")
    settle(office, phone)
    same(office, phone, log)
    for word in (*lost, "before", "not sent yet"):
        assert phone.do("find", text=word)["in"] != []
    assert alarms(phone) == ["restored"]
    phone.do("add", file=log, type="case_note", values={"body": "and on"})
    same(office, phone, log)
    assert file_row(phone, log)["pending"] == 0


def test_what_came_too_late_is_put_aside_and_sent_again(office: Shell, enrolled: Enrol, tmp_path: Path) -> None:
    phone = enrolled("Sam", "navigator")
    log = a_case(office)
    phone.do("sync")
    same(office, phone, log)
    back_up(office, tmp_path)
    mine, hers = canary(), canary()
    phone.do("add", file=log, type="case_note", values={"body": mine})
    phone.do("sync")
    office.sync("ruth")
    office.run("ruth", "record", "add", "task", "--file", log, "--set", f"what={hers}")
    office.sync("ruth")
    phone.do("sync")
    assert phone.do("find", text=hers)["in"] != []
    lose(office, tmp_path)
    office.run(OFFICE, "restored", "declare", "--yes")
    office.run(OFFICE, "restored", "healed", "--yes")
    phone.do("sync")
    assert "parked" in alarms(phone)
    assert phone.do("find", text=mine)["in"] != []
    assert [row.partition("/")[0] for row in phone.do("find", text=hers)["in"]] == ["parked"], "it counts nowhere, and is kept"
    assert phone.do("reopen") == {"differs": []}
    settle(office, phone)
    same(office, phone, log)
    assert [row.partition("/")[0] for row in phone.do("find", text=hers)["in"]] == ["entry"]
    assert phone.do("find", text=mine)["in"] != []
