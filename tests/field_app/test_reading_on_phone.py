"""What was read on a phone, as a Python device reads it (docs/spec.md §16.1)."""

from shared_schema import limits
from tests.field_app.conftest import Enrol
from tests.field_app.fleet import a_case, alarms, file_row, same
from tests.field_app.phone import Phone
from tests.shell import Shell


def reads(office: Shell, log: str) -> list[tuple[str, str, str, int]]:
    """(who, how, what, how often), as Ruth sees it."""
    found = office.run("ruth", "file", "reads", log)["reads"]
    return [(row["by"], row["how"], row["kind"] or row["record"], row["times"]) for row in found if row["seq"]]


def begun(office: Shell, phone: Phone) -> tuple[str, str]:
    log = a_case(office)
    note = str(office.run("ruth", "note", "add", "--file", log, "he starts at the garage on Tuesday")["record"])
    office.sync("ruth")
    phone.do("sync")
    return log, note


def test_a_look_goes_out_with_what_else_is_sent(office: Shell, phone: Phone) -> None:
    log, note = begun(office, phone)
    before = file_row(phone, log)["seq"]
    for _ in range(3):
        phone.do("look", file=log, record=note)
    phone.do("look", file=log, kind="case_note")
    phone.do("look", file=log, record=note, how="searched")
    assert phone.do("reopen") == {"differs": []}
    phone.do("sync")
    assert file_row(phone, log)["seq"] == before, "nothing else went out, and no hour has passed"
    phone.do("add", file=log, type="case_note", values={"body": "rang him"})
    same(office, phone, log)
    assert file_row(phone, log)["seq"] == int(str(before)) + 1, "one envelope for the note and all that was read"
    assert sorted(reads(office, log)) == sorted([
        ("Sam", "opened", note, 1), ("Sam", "opened", "case_note", 1), ("Sam", "searched", note, 1),
    ])  # fmt: skip
    assert reads(office, log) == [row for row in reads(office, log) if row[0] == "Sam"]
    phone.do("sync")
    assert len(reads(office, log)) == 3, "and once"


def test_by_itself_after_an_hour_and_again_only_what_is_new(office: Shell, phone: Phone) -> None:
    log, note = begun(office, phone)
    phone.do("look", file=log, record=note)
    phone.do("clock", offset_ms=limits.LOOKS_MS // 4)
    phone.do("look", file=log, record=note)
    phone.do("clock", offset_ms=limits.LOOKS_MS + 1000)
    assert phone.do("status")["unsent"] == 0
    phone.do("sync")
    office.sync("ruth")
    assert reads(office, log) == [("Sam", "opened", note, 2)]
    phone.do("clock", offset_ms=3 * limits.LOOKS_MS)
    phone.do("sync")
    office.sync("ruth")
    assert len(reads(office, log)) == 1
    assert alarms(phone) == []


def test_who_is_no_member_any_more_writes_nothing_there(office: Shell, enrolled: Enrol) -> None:
    phone = enrolled("Nia", "navigator")
    log = a_case(office, Nia="navigator")
    phone.do("sync")
    note = str(office.run("ruth", "note", "add", "--file", log, "for those who are in it")["record"])
    office.sync("ruth")
    phone.do("sync")
    phone.do("look", file=log, record=note)
    office.run("ruth", "member", "remove", log, "Nia", "--yes")
    office.sync("ruth")
    phone.do("clock", offset_ms=2 * limits.LOOKS_MS)
    for _ in range(2):
        phone.do("sync")
    office.sync("ruth")
    assert reads(office, log) == []
