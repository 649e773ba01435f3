"""What is due, on a phone beside a laptop: both tell the same of the same records (docs/spec.md §5.10)."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from tests.field_app.fleet import a_case, same, user_of
from tests.field_app.phone import Phone
from tests.shell import Shell


def day(days: int) -> str:
    """So many days from today, in the United Kingdom."""
    return (datetime.now(ZoneInfo("Europe/London")).date() + timedelta(days=days)).isoformat()


def told(office: Shell, phone: Phone, profile: str, *, everybodys: bool) -> list[tuple[str, str, str, str, int]]:
    """What both tell: the day, the record, its type, its words and the days that are left."""
    words = ("due", "--days", "31", *(("--all",) if everybodys else ()))
    laptop = office.run(profile, *words)["due"]
    mine = phone.do("due", ahead=31, everybodys=everybodys)
    keys = ("day", "record", "type", "what", "days")
    found = [tuple(one[key] for key in keys) for one in mine]
    assert found == [tuple(one[key] for key in keys) for one in laptop]
    owners = {user_of(phone, name): name for name in ("Sam", "Ruth")}
    assert [owners[one["owner"]] for one in mine] == [one["owner"] for one in laptop]
    return found


def test_both_tell_the_same(office: Shell, phone: Phone) -> None:
    log, other = a_case(office), a_case(office)
    phone.do("sync")
    sam, ruth = user_of(phone, "Sam"), user_of(phone, "Ruth")

    def add(type_: str, file: str = log, **values: object) -> str:
        return str(phone.do("add", file=file, type=type_, values=values)["record"])

    add("task", what="ring the food bank", owner=sam, due=day(-2), task_state="open")
    done = add("task", what="ring the school", owner=sam, due=day(-1), task_state="open")
    phone.do("edit", file=log, record=done, type="task", values={"task_state": "done"})
    void = add("task", what="written twice", owner=sam, due=day(0), task_state="open")
    phone.do("void", file=log, record=void, reason="written twice")
    hidden = add("task", what="not wanted", owner=sam, due=day(0), task_state="open")
    phone.do("remove", file=log, record=hidden)
    wrong = add("task", what="the wrong day", owner=sam, due=day(0), task_state="open")
    right = add("task", what="the right day", owner=sam, due=day(3), task_state="open", corrects=wrong)
    add("task", what="hers", owner=ruth, due=day(0), task_state="open")
    add("task", file=other, what="elsewhere", owner=sam, due=day(0), task_state="open")
    add("task", what="far ahead", owner=sam, due=day(32), task_state="open")
    add("information_request", direction="we_asked", agency="Police", due_on=day(-5))
    add("risk_management_plan", review_on=day(-30))
    add("risk_management_plan", review_on=day(7))
    same(office, phone, log)
    same(office, phone, other)
    everything = told(office, phone, "ruth", everybodys=True)
    assert [one[3] or one[2] for one in everything] == [
        "Police",
        "ring the food bank",
        *sorted_today(everything),
        "the right day",
        "risk_management_plan",
    ]
    assert {one[1] for one in everything if one[3] == "the right day"} == {right}
    assert [one[3] for one in told_alone(office, "ruth")] == ["hers"]


def sorted_today(found: list[tuple[str, str, str, str, int]]) -> list[str]:
    """What is due today is in order of files and records, which nobody chose."""
    today = [one[3] for one in found if one[4] == 0]
    assert sorted(today) == ["elsewhere", "hers"]
    return today


def told_alone(office: Shell, profile: str) -> list[tuple[str, str, str, str]]:
    """What a laptop tells its own person."""
    return [(one["day"], one["record"], one["type"], one["what"]) for one in office.run(profile, "due", "--days", "31")["due"]]


def test_a_review_is_the_leads_and_a_closed_case_has_none(office: Shell, phone: Phone) -> None:
    log = a_case(office)
    phone.do("sync")
    office.run("ruth", "record", "add", "risk_management_plan", "--file", log, "--set", f"review_on={day(1)}")
    office.sync("ruth")
    phone.do("sync")
    assert phone.do("due", ahead=31, everybodys=False) == []  # Ruth wrote it, and nobody leads
    office.run("ruth", "record", "add", "allocation", "--file", log, "--set", "lead=Sam")
    same(office, phone, log)
    [mine] = phone.do("due", ahead=31, everybodys=False)
    assert (mine["type"], mine["days"]) == ("risk_management_plan", 1)
    assert len(told(office, phone, "ruth", everybodys=True)) == 1
    office.run("ruth", "record", "add", "case_status", "--file", log, "--set", "status=closed")
    same(office, phone, log)
    assert told(office, phone, "ruth", everybodys=True) == []
