"""Two people remove something, on Python devices: a phone destroys it, shows the same as they do, and says that it is gone."""

from tests.canaries import canary
from tests.field_app.conftest import Enrol
from tests.field_app.fleet import alarms, file_row, same, user_of
from tests.shell import Shell


def test_a_part_of_a_note(office: Shell, enrolled: Enrol) -> None:
    office.enrol("Priya", "navigator")
    phone = enrolled("Sam", "navigator")
    office.sync("ruth", "priya")
    phone.do("sync")
    log = phone.do("begin", kind="case", members={user_of(phone, "Ruth"): "coordinator", user_of(phone, "Priya"): "navigator"})["file"]
    address = canary()
    note = phone.do("add", file=log, type="case_note", values={"body": f"She has moved to {address}."})["record"]
    phone.do("add", file=log, type="task", values={"what": "stays"})
    phone.do("sync")
    assert phone.do("find", text=address)["in"] != []
    office.sync("ruth", "priya")
    asked = office.run("priya", "expunge", "request", note[:8], "--reason", "spill", "--why", "where she lives")
    office.sync("ruth")
    office.run("ruth", "expunge", "approve", asked["request"][:8], "--yes")
    office.sync("ruth", "priya")
    assert [one["not_yet"] for one in office.run("priya", "expunge", "list", "--devices")["removed"]] == [["Sam: Sam's phone"]]
    phone.do("sync")
    assert phone.do("find", text=address)["in"] == []
    office.sync("priya")
    assert [one["not_yet"] for one in office.run("priya", "expunge", "list", "--devices")["removed"]] == [[]]
    same(office, phone, log)
    late = enrolled("Nia", "navigator")  # is never shown it
    office.sync("ruth")
    office.run("ruth", "member", "add", log, "Nia", "--role", "navigator")
    office.sync("ruth")
    same(office, late, log)
    assert alarms(phone) == alarms(late) == []


def test_a_letter_that_repeats_it(office: Shell, enrolled: Enrol) -> None:
    """What waits for the other side's desk and says the same is not sent."""
    office.enrol("Priya", "navigator")
    phone = enrolled("Sam", "navigator")
    office.sync("ruth", "priya")
    phone.do("sync")
    log = phone.do("openCase", members={user_of(phone, "Ruth"): "coordinator", user_of(phone, "Priya"): "navigator"})["file"]
    name = f"Jack {canary()}"
    person = phone.do("add", file=log, type="person", values={"names": [{"name": name, "kind": "given"}], "known_as": name})["record"]
    phone.do("sync")
    assert [one["kind"] for one in phone.do("letters")] == ["case_opened", "notice"]
    office.sync("ruth", "priya")
    asked = office.run("priya", "expunge", "request", person[:8], "--reason", "error", "--why", "somebody else")
    office.sync("ruth")
    office.run("ruth", "expunge", "approve", asked["request"][:8], "--yes")
    phone.do("sync")
    assert [one["kind"] for one in phone.do("letters")] == ["case_opened"]
    assert alarms(phone) == ["letter-dropped"]
    assert phone.do("find", text=name)["in"] == []
    same(office, phone, log)


def test_a_whole_file(office: Shell, enrolled: Enrol) -> None:
    office.enrol("Priya", "navigator")
    phone, other = enrolled("Sam", "navigator"), enrolled("Nia", "navigator")
    office.sync("ruth")
    word = canary()
    people = ("--member", "Priya=navigator", "--member", "Sam=navigator", "--member", "Nia=navigator")
    log = office.run("ruth", "file", "create", "case", *people)["file"]
    office.sync("ruth", "priya")
    phone.do("sync")
    phone.do("add", file=log, type="task", values={"what": word})
    phone.do("sync")
    phone.do("add", file=log, type="task", values={"what": f"not sent: {word}"})
    phone.do("alert", file=log, values={"what": "weapon", "at_risk": ["worker"]})
    assert len(phone.do("letters")) == 1
    office.sync("priya")
    asked = office.run("priya", "erase", "request", log, "--reason", "retention")
    office.sync("ruth")
    office.run("ruth", "erase", "approve", asked["request"][:8])
    for one in (phone, other):  # the other has nothing of it yet: it is shown ids, and what ends them
        one.do("sync")
        one.do("sync")
        assert one.do("find", text=word)["in"] == []
        assert one.do("reopen") == {"differs": []}
        assert alarms(one) == ["erased"]
        row = file_row(one, log)
        assert (row["pending"], row["records"], one.do("letters")) == (0, 0, [])
    assert file_row(phone, log)["seq"] == file_row(other, log)["seq"]
