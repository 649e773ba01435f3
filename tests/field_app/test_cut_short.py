"""A phone whose process ends in the middle of anything goes on from its rows, and nothing that was typed is lost."""

import pytest

from tests.field_app.fleet import OFFICE, a_case, same
from tests.field_app.phone import Phone, PhoneError
from tests.shell import Shell


def _until_cut(phone: Phone, file: str, n: int) -> int:
    """Write and sync until the cut comes; how many tasks were kept."""
    written = 0
    try:
        for i in range(2):
            phone.do("add", file=file, type="task", values={"what": f"thing {n}.{i}"})
            written += 1
        phone.do("sync")
        phone.do("sync")
    except PhoneError as cut:
        assert cut.code == "cut", str(cut)
    return written


@pytest.mark.parametrize("kept", [False, True])
def test_every_transaction_cut_in_turn(office: Shell, kept: bool) -> None:
    with Phone(office.address) as phone:
        code = office.run(OFFICE, "invite", "--name", "Sam", "--role", "navigator")["code"]
        phone.do("enrol", code=code, label="Sam's phone")
        file = a_case(office)
        phone.do("sync")
        n = 0
        while True:
            n += 1
            office.run("ruth", "record", "add", "task", "--file", file, "--set", f"what=of the office {n}")
            office.sync("ruth")
            before = len(phone.do("records", file=file))
            phone.do("cut", after=n, kept=kept)
            written = _until_cut(phone, file, n)
            was_cut = not phone.do("uncut")["was"]
            assert phone.do("reopen") == {"differs": []}
            there = len(phone.do("records", file=file))
            assert there >= before + written
            phone.do("sync")
            assert phone.do("reopen") == {"differs": []}
            assert phone.do("status")["alarms"] == []
            if not was_cut:
                break
        assert n > 6  # there was something to cut
        same(office, phone, file)
        assert phone.do("status")["outbox"] == []
