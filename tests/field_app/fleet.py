"""What tests of mixed fleets look at: whether two devices of different kinds show the same."""

from tests.field_app.phone import Phone
from tests.shell import Shell

OFFICE = "office/perpetrator-administrator"


def a_case(office: Shell, **members: str) -> str:
    """Ruth's, with Sam in it, and others."""
    office.sync("ruth")
    people = members or {"Sam": "navigator"}
    words = [word for name, role in people.items() for word in ("--member", f"{name}={role}")]
    log: str = office.run("ruth", "file", "create", "case", *words)["file"]
    office.sync("ruth")
    return log


def state_hash(office: Shell, profile: str, log: str) -> str:
    """As a Python device computes it."""
    found: str = next(row["state_hash"] for row in office.run(profile, "file", "list", "--hash")["files"] if row["file"] == log)
    return found


def file_row(phone: Phone, log: str) -> dict[str, object]:
    """What a phone says of a file."""
    found: dict[str, object] = next(row for row in phone.do("files") if row["file"] == log)
    return found


def same(office: Shell, phone: Phone, log: str, profile: str = "ruth") -> None:
    """Both have sent everything, show the same, and the phone's rows say what its memory says."""
    phone.do("sync")
    office.sync(profile)
    phone.do("sync")
    row = file_row(phone, log)
    assert row["pending"] == 0
    assert row["state_hash"] == state_hash(office, profile, log)
    assert phone.do("reopen") == {"differs": []}


def user_of(phone: Phone, name: str) -> str:
    """A person's id, by name."""
    found: str = next(row["user"] for row in phone.do("people") if row["name"] == name)
    return found


def device_of(phone: Phone, name: str) -> str:
    """The id of a person's phone, by name."""
    found: str = next(row["device"] for row in phone.do("people") if row["name"] == name)
    return found


def alarms(phone: Phone) -> list[str]:
    """The codes of what a phone tells its person."""
    return [one["code"] for one in phone.do("status")["alarms"]]
