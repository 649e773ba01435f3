"""What is due, visits, orders, requests, caseloads and a caseload brought in, as people ask for them at the command line."""

import csv
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from shared_schema import ids
from sync.days import local
from sync.device.people import files
from sync.device.recording import importing, records
from tests.desk import Desk
from tests.world import Phone, World


def now() -> datetime:
    """A command goes by the clock of this machine, not by the world's."""
    return local(time.time_ns() // 1_000_000)


class Team:
    """Ruth coordinates; Sam and Nia are navigators in one case. What is typed at a desk never reaches the phones."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self.folder, self.typed = world, folder, 0
        self.sam, self.nia, self.ruth = world.phones
        self.people = {self.sam.user: "navigator", self.nia.user: "navigator"}
        self.case = self.begin()
        self.meet()

    def begin(self, lead: Phone | None = None, status: str = "engaged") -> bytes:
        log = self.ruth.do(lambda session: files.create_file(session, "case", self.people))
        if lead is not None:
            self.add(self.ruth, "allocation", log, lead=ids.show(lead.user))
            self.add(self.ruth, "case_status", log, status=status)
        return log

    def meet(self) -> None:
        for phone in self.world.phones * 3:
            phone.sync()

    def desk(self, phone: Phone) -> Desk:
        self.typed += 1
        return Desk(phone, self.folder / f"desk-{self.typed}")

    def add(self, phone: Phone, type_: str, file: bytes | None = None, **values: Any) -> bytes:
        return phone.do(partial(records.add, log=file or self.case, type_name=type_, values=values))

    def day(self, days: int) -> str:
        return (now().date() + timedelta(days=days)).isoformat()

    def time(self, minutes: int) -> str:
        return (now() + timedelta(minutes=minutes)).isoformat(timespec="minutes")


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    with World(sides=("perpetrator",)) as world:
        for name, role in (("Sam", "navigator"), ("Nia", "navigator"), ("Ruth", "coordinator")):
            world.enrol("perpetrator", name, (role,))
        for phone in world.phones * 3:
            phone.sync()
        yield Team(world, tmp_path)


class TestDue:
    def test_mine_and_everybodys(self, team: Team) -> None:
        desk = team.desk(team.sam)
        mine = desk.run("task", "add", "ring the food bank", "--file", team.case.hex(), "--due", "+3")
        desk.run("task", "add", "write to court", "--file", team.case.hex(), "--due", team.day(-1), "--owner", "Nia")
        desk.run("task", "add", "next month", "--file", team.case.hex(), "--due", "+31")
        found = desk.run("due")
        assert [(one["what"], one["days"], one["state"]) for one in found["due"]] == [("ring the food bank", 3, "coming")]
        everybody = desk.run("due", "--all", "--days", "31")
        assert [(one["what"], one["owner"]) for one in everybody["due"]] == [
            ("write to court", "Nia"),
            ("ring the food bank", "Sam"),
            ("next month", "Sam"),
        ]
        assert everybody["overdue"] == 1 and "1 day(s) overdue" in desk.text("due", "--all")
        desk.run("task", "done", mine["record"], "--note", "they deliver on Friday")
        assert desk.run("due")["due"] == []
        assert desk.refused("task", "add", "x", "--file", team.case.hex(), "--due", "03/04/2026")["code"] == "bad-value"

    def test_a_task_is_for_somebody_who_sees_it(self, team: Team) -> None:
        team.world.enrol("perpetrator", "Pat", ("navigator",))
        team.meet()
        refused = team.desk(team.sam).refused("task", "add", "x", "--file", team.case.hex(), "--due", "+1", "--owner", "Pat")
        assert "does not belong" in refused["message"]

    def test_reviews_are_the_leads(self, team: Team) -> None:
        case = team.begin(team.nia)
        team.add(team.ruth, "risk_management_plan", case, review_on=team.day(0))
        team.meet()
        assert [one["called"] for one in team.desk(team.nia).run("due")["due"]] == ["Review of the risk management plan"]
        assert team.desk(team.sam).run("due")["due"] == []
        team.add(team.ruth, "risk_management_plan", case, review_on=team.day(-2))
        team.meet()
        assert any("are overdue" in one for one in team.desk(team.nia).run("status")["needs_you"])


class TestVisits:
    def plan(self, team: Team, desk: Desk, back: int, *more: str) -> dict[str, Any]:
        return desk.run(
            "visit", "plan", "First assessment", "--file", team.case.hex(), "--place", "office", "--start", team.time(-60), "--back", team.time(back),
            "--buddy", "Nia", "--if-overdue", "ring me, then the duty desk", *more,
        )  # fmt: skip

    def test_overdue_until_somebody_is_back(self, team: Team) -> None:
        desk = team.desk(team.sam)
        made = self.plan(team, desk, -20, "--hazards-read")
        assert made["wanting"] == ["partner support has not said that contact is clear"]
        [one] = desk.run("visit", "list")["visits"]
        assert (one["state"], one["buddy"], one["visitors"]) == ("overdue", "Nia", ["Sam"]) and 19 <= one["late_minutes"] <= 21
        assert "ring me, then the duty desk" in desk.text("visit", "list")
        assert any("minutes overdue" in one for one in desk.run("status")["needs_you"])
        desk.run("visit", "overdue", made["record"], "rang twice, no answer")
        assert desk.run("visit", "list")["visits"][0]["actions"] == 1
        desk.run("visit", "out", made["record"])
        assert desk.run("visit", "list") == {"visits": [], "overdue": 0}

    def test_out_and_not_late(self, team: Team) -> None:
        desk = team.desk(team.sam)
        made = self.plan(team, desk, 30)
        assert "the hazards were not read" in made["wanting"]
        desk.run("visit", "in", made["record"], "--at", team.time(-30))
        assert desk.run("visit", "list")["visits"][0]["state"] == "out"
        assert desk.refused("visit", "in", made["file"])["code"] == "not-found"


class TestOrders:
    def test_a_notice_is_counted_in_hours(self, team: Team) -> None:
        at = {"at": team.time(-60), "precision": "minute"}
        team.add(team.sam, "legal_order", kind="domestic_violence_protection_notice", order_state="in_force", served_at=at)
        team.add(team.sam, "legal_order", kind="restraining_order", order_state="ended")
        desk = team.desk(team.sam)
        [one] = desk.run("order", "list")["orders"]
        assert (one["state"], one["unsure"]) == ("running", False) and one["hours_left"] >= 46
        assert "Domestic Violence Protection Notice" in team.desk(team.sam).text("order", "list")


class TestRequests:
    def test_chased_twice_and_taken_further(self, team: Team) -> None:
        asked = team.add(
            team.sam, "information_request", direction="we_asked", agency="children's services", asked_on=team.day(-20), due_on=team.day(-10)
        ).hex()
        desk = team.desk(team.sam)
        [one] = desk.run("request", "list")["requests"]
        assert (one["state"], one["next"], one["now"]) == ("late", "chase", True)
        for chases, then in ((1, "chase"), (2, "escalate")):
            after = desk.run("request", "chase", asked, "--to", "duty officer", "--result", "will look")
            assert (after["chases"], after["next"], after["now"]) == (chases, then, False)
        after = desk.run("request", "escalate", asked, "--to", "team manager")
        assert (after["state"], after["next"]) == ("escalated", "chase")
        assert "taken" not in desk.text("request", "list") and "escalated" in desk.text("request", "list")
        desk.run("request", "answer", asked, "No record of him.")
        assert desk.run("request", "list")["requests"] == []

    def test_status_says_so(self, team: Team) -> None:
        rows = [{"when": {"at": team.day(-days), "precision": "day"}, "how": "telephone", "who": "desk"} for days in (20, 15)]
        team.add(team.sam, "information_request", direction="we_asked", agency="police", due_on=team.day(-30), chases=rows)
        assert any("chased twice" in one for one in team.desk(team.sam).run("status")["needs_you"])


class TestCaseload:
    def test_a_warning_above_six(self, team: Team) -> None:
        for _ in range(6):
            team.begin(team.sam)
        team.begin(team.sam, "closed")
        team.begin(team.nia)
        desk = team.desk(team.ruth)
        assert [(one["worker"], one["cases"], one["over"]) for one in desk.run("caseload")["caseload"]] == [("Sam", 6, 0), ("Nia", 1, 0)]
        team.begin(team.sam, "on_hold")
        desk = team.desk(team.ruth)
        first = desk.run("caseload")["caseload"][0]
        assert (first["worker"], first["cases"], first["quiet"], first["over"]) == ("Sam", 7, 1, 1)
        assert "Sam leads 7 cases, more than 6" in desk.text("caseload")
        assert any("Sam leads 7 cases" in one for one in desk.run("status")["needs_you"])
        assert desk.run("caseload", "--most", "7")["caseload"][0]["over"] == 0


class TestImport:
    HEADER = ("name", "born", "lead", "status", "status_from", "phone", "task", "task_due", "reference")

    def table(self, team: Team, *rows: tuple[str, ...]) -> str:
        path = team.folder / "now.csv"
        with path.open("w", encoding="utf-8-sig", newline="") as stream:
            csv.writer(stream).writerows((self.HEADER, *rows))
        return str(path)

    def test_dry_run_then_import_then_not_again(self, team: Team) -> None:
        table = self.table(
            team,
            ("Jack Smith", "1988-04-02", "Sam", "engaged", "4 March 2026", "01632 960001", "ring him", "2026-12-01", "A-1"),
            ("Joe Brown", "1990", "Nia", "on_hold", "2026-05-06", "", "", "", "A-2"),
        )
        desk = team.desk(team.ruth)
        before = desk.run("status")["unsent"]
        dry = desk.run("import", "caseload", table, "--dry-run")
        assert (dry["rows"], dry["good"], dry["wrong"], dry["imported"]) == (2, 2, [], [])
        assert desk.run("status")["unsent"] == before
        done = desk.run("import", "caseload", table)
        assert [one["line"] for one in done["imported"]] == [2, 3]
        case = done["imported"][0]["file"]
        shown = {one["type"]: desk.run("record", "show", one["record"])["fields"] for one in desk.run("record", "list", case)["records"]}
        assert shown["person"]["born"]["value"] == "1988-04-02" and shown["person"]["names"]["value"][0]["name"] == "Jack Smith"
        assert shown["case_status"]["from"]["value"] == {"at": "2026-03-04", "precision": "day"}
        assert shown["contact_point"]["value"]["value"] == "01632 960001"
        assert shown["task"]["owner"]["value"] == ids.show(team.sam.user)
        assert [(one["worker"], one["cases"]) for one in desk.run("caseload")["caseload"]] in (
            [("Nia", 1), ("Sam", 1)], [("Sam", 1), ("Nia", 1)],
        )  # fmt: skip
        again = desk.run("import", "caseload", table, "--dry-run")
        assert again["good"] == 0 and {(one["line"], one["column"]) for one in again["wrong"]} == {
            (2, "name"),
            (2, "reference"),
            (3, "name"),
            (3, "reference"),
        }

    def test_faults_by_line_and_column_and_nothing_is_imported(self, team: Team) -> None:
        table = self.table(
            team,
            ("Jack Smith", "03/04/1988", "Sam", "engaged", "", "", "", "", ""),
            ("Joe Brown", "1990", "Zoe", "asleep", "", "", "ring", "", ""),
            ("", "", "Sam", "", "", "", "", "", ""),
            ("Al White", "1970-01-01", "Ruth", "", "", "", "", "", ""),
            ("Good One", "1971-01-01", "Sam", "", "", "", "", "", ""),
            ("good  one", "1971-01-01", "Sam", "", "", "", "", "", ""),
        )
        desk = team.desk(team.ruth)
        found = desk.run("import", "caseload", table, "--dry-run")
        assert [(one["line"], one["column"]) for one in found["wrong"]] == [
            (2, "born"), (3, "lead"), (3, "status"), (3, "task_due"), (4, "name"), (7, "name"),
        ]  # fmt: skip
        assert "nobody can tell the day from the month" in found["wrong"][0]["why"]
        assert not any(word in str(found["wrong"]) for word in ("Jack", "Joe", "1988"))
        refused = desk.refused("import", "caseload", table)
        assert "line 2, born" in refused["message"] and "Nothing was imported" in refused["message"]
        assert desk.run("caseload")["caseload"] == []
        assert [one["line"] for one in desk.run("import", "caseload", table, "--only-good")["imported"]] == [5, 6]

    def test_what_is_no_caseload(self, team: Team) -> None:
        path = team.folder / "bad.csv"
        path.write_bytes(b"name,lead,victim\nJack,Sam,Cheryl\n")
        refused = team.desk(team.ruth).refused("import", "caseload", str(path))
        assert "column 3" in refused["message"] and "Cheryl" not in refused["message"]
        path.write_bytes("name,lead\nJosé,Sam\n".encode("latin-1"))
        assert "UTF-8" in team.desk(team.ruth).refused("import", "caseload", str(path))["message"]

    def test_a_row_that_fails_while_it_is_written_leaves_nothing(self, team: Team) -> None:
        """The task comes last: the file, its keys and the letter to the other side go with it."""
        session = team.ruth.session
        text = "name,lead,task,task_due\nJack,Sam,ring,2026-12-01\n"
        [planned] = importing.plan(session, text, lambda _: team.sam.user).planned
        broken = importing.Planned(planned.line, planned.members, (*planned.records, ("no_such_type", {"x": 1})))
        files_before, unsent = session.file_logs(), session.store.unsent()
        with pytest.raises(Exception, match="no record type"):
            importing.begin(session, broken)
        assert (session.file_logs(), session.store.unsent()) == (files_before, unsent)
        importing.begin(session, planned)
        assert len(session.file_logs()) == len(files_before) + 2
