"""Money: a phone spends within its allowance with no signal; both halves say the same, and every device counts alike."""

from tests.field_app.fleet import a_case, device_of, file_row, state_hash
from tests.field_app.phone import Phone
from tests.shell import Shell


def test_spending_offline(office: Shell, phone: Phone) -> None:
    office.enrol("Flo", "fund_holder")
    log = a_case(office)
    office.sync("flo")
    fund = office.run("flo", "file", "create", "fund", "--member", "Sam=navigator")["file"]
    office.sync("flo")
    phone.do("sync")
    office.run("flo", "fund", "allot", "50", "--funder", "council", "--period", "2026")
    office.run("flo", "fund", "allot", "20", "--to", "Sam", "--until", "2099-01-01")
    office.sync("flo")
    phone.do("sync")
    assert phone.do("fund", file=fund)["left"] == 2000
    phone.do("online", **{"is": False})
    first = phone.do("spend", file=log, fund=fund, values={"amount": 1500, "item": "a door chain"})["record"]
    phone.do("spend", file=log, fund=fund, values={"amount": 900, "item": "a lock"})
    found = phone.do("fund", file=fund)
    assert found["left"] == 500
    assert found["spends"] == [{"counted": 1500, "disputed": 0}, {"counted": 0, "disputed": 900}]
    assert phone.do("reopen") == {"differs": []}
    phone.do("online", **{"is": True})
    phone.do("sync")
    phone.do("reverse", file=log, fund=fund, record=first, amount=500)
    phone.do("sync")
    office.sync("flo", "ruth")
    phone.do("sync")
    assert phone.do("fund", file=fund)["spends"][0] == {"counted": 1000, "disputed": 0}
    assert file_row(phone, fund)["state_hash"] == state_hash(office, "flo", fund)
    assert file_row(phone, log)["state_hash"] == state_hash(office, "ruth", log)
    assert device_of(phone, "Flo")
