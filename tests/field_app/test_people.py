"""Files begun on a phone, people in and out of them, phones that are lost: beside Python devices that judge every statement."""

import pytest

from tests.field_app.conftest import Enrol
from tests.field_app.fleet import OFFICE, a_case, alarms, device_of, file_row, same, state_hash, user_of
from tests.field_app.phone import Phone, PhoneError
from tests.shell import Shell


def whats(office: Shell, profile: str, log: str) -> set[str]:
    """What the tasks in a file say, on a Python device."""
    rows = office.run(profile, "record", "list", log, "--type", "task")["records"]
    return {office.run(profile, "record", "show", row["record"])["fields"]["what"]["value"] for row in rows}


def test_a_case_begun_offline(office: Shell, phone: Phone) -> None:
    """With its liaison file; what is written before it is sent goes with it."""
    office.sync("ruth")
    phone.do("sync")
    phone.do("online", **{"is": False})
    ruth = user_of(phone, "Ruth")
    log = phone.do("openCase", members={ruth: "coordinator"})["file"]
    phone.do("add", file=log, type="task", values={"what": "ring the school"})
    assert {row["kind"] for row in phone.do("files")} == {"case", "liaison"}
    assert phone.do("reopen") == {"differs": []}
    with pytest.raises(PhoneError, match="no-such-file"):
        phone.do("addMember", file=log, user=ruth, role="coordinator")
    phone.do("online", **{"is": True})
    same(office, phone, log)
    liaison = next(row["file"] for row in phone.do("files") if row["kind"] == "liaison")
    same(office, phone, liaison)
    assert whats(office, "ruth", log) == {"ring the school"}
    assert [one["kind"] for one in phone.do("letters")] == ["case_opened"]
    assert alarms(phone) == []


def test_people_in_and_out(office: Shell, enrolled: Enrol) -> None:
    """A coordinator's phone adds, removes, gives keys to who enrolled since, and rotates for who was revoked."""
    phone = enrolled("Cora", "coordinator")
    office.enrol("Priya", "navigator")
    office.enrol("Nadia", "navigator")
    log = a_case(office, Cora="coordinator")
    phone.do("sync")
    office.run("ruth", "record", "add", "task", "--file", log, "--set", "what=before them")
    office.sync("ruth")
    phone.do("sync")
    phone.do("addMember", file=log, user=user_of(phone, "Priya"), role="navigator")
    phone.do("sync")
    phone.do("addMember", file=log, user=user_of(phone, "Nadia"), role="navigator")
    same(office, phone, log)
    office.sync("priya")
    assert whats(office, "priya", log) == {"before them"}
    office.sync("nadia")
    with pytest.raises(PhoneError, match="not-permitted"):
        phone.do("removeMember", file=log, user=user_of(phone, "Cora"))
    phone.do("removeMember", file=log, user=user_of(phone, "Nadia"))
    phone.do("sync")
    office.run("nadia", "record", "add", "task", "--file", log, "--set", "what=after she was removed")
    office.sync("nadia")
    [held] = (phone.do("sync"), phone.do("held", file=log))[1]
    assert [one["type"] for one in held["records"]] == ["task"]
    phone.do("admit", file=log, id=held["id"])
    same(office, phone, log)
    assert whats(office, "ruth", log) == {"before them", "after she was removed"}
    office.enrol("Priya", "navigator", profile="priya-two", more=("--second-device",))
    phone.do("sync")  # gives its keys
    office.sync("priya-two")
    assert whats(office, "priya-two", log) == {"before them", "after she was removed"}
    epoch = file_row(phone, log)["epoch"]
    office.run(OFFICE, "device", "revoke", "Ruth", "--reason", "left", "--yes")
    phone.do("sync")  # rotates
    assert file_row(phone, log)["epoch"] == epoch + 1  # type: ignore[operator]
    phone.do("add", file=log, type="task", values={"what": "under the new key"})
    same(office, phone, log, "priya")
    assert alarms(phone) == []


def test_held_work_of_a_lost_phone(office: Shell, phone: Phone) -> None:
    """Kept out, it hands in; one is let in and one is not; let in again, it goes on."""
    log = a_case(office)
    phone.do("sync")
    phone.do("add", file=log, type="task", values={"what": "the first"})
    office.sync("ruth")
    office.run("ruth", "device", "suspend", "Sam", "--reason", "lost")
    office.sync("ruth")
    with pytest.raises(PhoneError, match="suspended"):
        phone.do("sync")
    phone.do("add", file=log, type="task", values={"what": "the second"})
    with pytest.raises(PhoneError, match="suspended"):
        phone.do("sync")
    assert [one["code"] for one in phone.do("status")["outbox"]] == ["held", "held"]
    first, second = office.run("ruth", "held", "list")["held"]
    office.run("ruth", "held", "admit", first["id"][:12])
    office.run("ruth", "held", "refuse", second["id"][:12], "--reason", "wrong_file")
    office.run("ruth", "device", "reinstate", "Sam")
    office.sync("ruth")
    phone.do("sync")
    assert phone.do("status")["outbox"] == []
    assert alarms(phone) == ["let-out"]
    phone.do("add", file=log, type="task", values={"what": "the third"})
    phone.do("sync")
    office.sync("ruth")
    assert file_row(phone, log)["state_hash"] == state_hash(office, "ruth", log)
    assert whats(office, "ruth", log) == {"the first", "the third"}


def test_a_colleagues_phone_is_lost(office: Shell, phone: Phone) -> None:
    """Anybody keeps it out; they are told what was on it, and whom to ring."""
    office.enrol("Priya", "navigator")
    log = a_case(office, Sam="navigator", Priya="navigator")
    phone.do("sync")
    device = device_of(phone, "Priya")
    found = phone.do("lost", device=device)
    assert log in found["files"]
    assert "Ruth" in found["ring"]
    phone.do("suspend", device=device, reason="stolen")
    phone.do("sync")
    assert office.refused("priya", "sync") == "suspended"
    with pytest.raises(PhoneError, match="not-permitted"):
        phone.do("reinstate", device=device)
    office.run("ruth", "device", "reinstate", "Priya")
    office.sync("ruth", "priya")


def test_a_revoked_phone_wipes_itself(office: Shell, phone: Phone) -> None:
    """What it had not sent is held, and nothing is left on it."""
    log = a_case(office)
    phone.do("sync")
    for n in range(3):
        phone.do("add", file=log, type="task", values={"what": f"visit {n}"})
    before = phone.do("rows")["rows"]
    phone.do("clock", offset_ms=3_600_000)  # not heard for an hour: it asks before it seals
    office.run(OFFICE, "device", "revoke", "Sam", "--reason", "stolen", "--yes")
    office.sync("ruth")
    with pytest.raises(PhoneError, match="revoked"):
        phone.do("sync")
    left = phone.do("rows")
    assert left["wiped"]
    assert left["rows"] < 3 < before
    held = office.run("ruth", "held", "list")["held"]
    assert len(held) == 3
    office.run("ruth", "held", "admit", "--all")
    assert whats(office, "ruth", log) == {f"visit {n}" for n in range(3)}
    assert [row["wiped"] for row in office.run("ruth", "device", "list")["devices"] if row["name"] == "Sam"] == [True]
