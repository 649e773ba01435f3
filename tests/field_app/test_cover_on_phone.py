"""Cover traffic: a phone seals one envelope a day whatever it says, and Python devices pass over what says nothing."""

from tests.field_app.conftest import Enrol
from tests.field_app.fleet import OFFICE, a_case, alarms, file_row, same
from tests.field_app.phone import Phone
from tests.shell import Shell

DAY_MS = 86_400_000


def test_one_a_day_and_at_once(office: Shell, phone: Phone) -> None:
    log = a_case(office)
    phone.do("sync")
    office.run(OFFICE, "registry", "cover-traffic", "--hour", "4")
    phone.do("sync")  # takes the registry, and sends the day's first
    phone.do("sync")
    assert "cover-traffic" in alarms(phone)
    there = file_row(phone, log)["seq"]
    phone.do("sync")
    assert file_row(phone, log)["seq"] == there, "nothing more goes on this day"
    phone.do("add", file=log, type="task", values={"what": "ring the school"})
    phone.do("sync")
    assert (phone.do("cover")["waits"], phone.do("status")["unsent"]) == (1, 1)
    phone.do("sync", now=True)
    assert phone.do("status")["unsent"] == 0
    phone.do("add", file=log, type="task", values={"what": "order a door chain"})
    phone.do("clock", offset_ms=DAY_MS)
    phone.do("sync")  # by the server's clock it is the same day
    assert phone.do("cover")["waits"] == 1
    office.run(OFFICE, "registry", "cover-traffic", "--off")
    same(office, phone, log)
    assert phone.do("status")["unsent"] == 0


def test_beside_a_python_device(office: Shell, enrolled: Enrol) -> None:
    """Both cover, neither shows anything of it, and no part is a hole."""
    phone = enrolled("Sam", "navigator")
    log = a_case(office)
    office.run(OFFICE, "registry", "cover-traffic", "--hour", "4")
    office.sync("ruth")
    for _ in range(3):
        phone.do("sync")
    office.run("ruth", "record", "add", "task", "--file", log, "--set", "what=of the office")
    office.run("ruth", "sync", "--now")
    for n in range(14):
        phone.do("add", file=log, type="case_note", values={"body": f"thing {n}" + "x" * 400 * n})
    phone.do("sync", now=True)
    phone.do("sync")
    office.sync("ruth")
    same(office, phone, log)
    assert [code for code in alarms(phone) if code != "cover-traffic"] == []
    assert office.run("ruth", "audit", "verify")["ok"]
