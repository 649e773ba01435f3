"""Devices of both kinds in one file: each shows what the other wrote, byte for byte."""

from typing import Any

import pytest

from tests.field_app.fleet import OFFICE, a_case, same
from tests.field_app.phone import Phone, PhoneError
from tests.shell import Shell


def test_a_note_goes_both_ways(office: Shell, phone: Phone) -> None:
    log = a_case(office)
    phone.do("sync")
    made = phone.do("add", file=log, type="task", values={"what": "ring the school"})
    office.run("ruth", "record", "add", "task", "--file", log, "--set", "what=order a door chain")
    same(office, phone, log)
    shown = {one["fields"]["what"] for one in phone.do("records", file=log) if one["type"] == "task"}
    assert shown == {"ring the school", "order a door chain"}
    assert made["record"] in {row["record"] for row in office.run("ruth", "record", "list", log)["records"]}
    assert phone.do("status")["alarms"] == []


def test_what_is_written_with_no_signal_waits(office: Shell, phone: Phone) -> None:
    log = a_case(office)
    phone.do("sync")
    phone.do("online", **{"is": False})
    for n in range(40):
        phone.do("add", file=log, type="task", values={"what": f"thing {n}"})
    with pytest.raises(PhoneError, match="offline"):
        phone.do("sync")
    assert phone.do("status")["unsent"] == 40
    phone.do("reopen")
    phone.do("online", **{"is": True})
    same(office, phone, log)
    assert phone.do("status") | {"due": 0} == {"standing": "in", "unsent": 0, "outbox": [], "alarms": [], "due": 0, "state": ""}


def test_a_code_is_used_once(office: Shell) -> None:
    code: Any = office.run(OFFICE, "invite", "--name", "Ola", "--role", "navigator")["code"]
    with Phone(office.address) as first, Phone(office.address) as other:
        first.do("enrol", code=code, label="first")
        with pytest.raises(PhoneError) as refused:
            other.do("enrol", code=code, label="second")
    assert refused.value.code == "invitation-spent"
