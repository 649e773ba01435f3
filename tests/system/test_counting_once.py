"""Notes that are put right, visits that two people wrote down, people who came in twice, texts that two devices changed."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from shared_schema import ids
from sync.device.across import cases, notices
from sync.device.people import files
from sync.device.recording import records
from sync.device.returning import counted
from tests.desk import Desk
from tests.world import Phone, World

FLAGS = {"suicide_or_self_harm": "nothing_noted", "threat_to_someone": "nothing_noted", "child_concern": "nothing_noted"}


class Team:
    """Sam on two phones, and Nia, in two cases."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self.folder, self.typed = world, folder, 0
        self.sam, self.nia = world.phones
        people = {self.nia.user: "navigator"}
        self.case, self.other = (self.sam.do(lambda session: files.create_file(session, "case", people)) for _ in range(2))
        self.meet()

    def meet(self) -> None:
        for phone in self.world.phones * 3:
            phone.sync()

    def desk(self, phone: Phone) -> Desk:
        self.typed += 1
        return Desk(phone, self.folder / f"desk-{self.typed}")

    def add(self, phone: Phone, type_: str, file: bytes | None = None, **values: Any) -> bytes:
        return phone.do(partial(records.add, log=file or self.case, type_name=type_, values=values))

    def contact(self, phone: Phone, **more: Any) -> bytes:
        values = {"mode": "home_visit", "direction": "to_them", "with": ["client"], "result": "spoke", "workers": [ids.show(phone.user)]}
        return self.add(phone, "contact", **(values | more))

    def note(self, phone: Phone, words: str) -> bytes:
        made = self.add(phone, "case_note", None, body=words, **FLAGS)
        phone.do(lambda session: records.sign(session, self.case, made))
        return made


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    with World(sides=("perpetrator",)) as world:
        for name in ("Sam", "Nia"):
            world.enrol("perpetrator", name, ("navigator",))
        for phone in world.phones * 3:
            phone.sync()
        yield Team(world, tmp_path)


class TestCorrecting:
    def test_a_note_is_put_right_by_a_new_one(self, team: Team) -> None:
        first = team.note(team.sam, "He rang on Tuesday.")
        desk = team.desk(team.sam)
        made = desk.run("note", "correct", first.hex()[:8], "He rang on Monday.")
        assert (made["corrects"], made["signed"], made["missing_to_sign"]) == (ids.show(first), False, [])
        desk.run("note", "sign", made["record"])
        notes = {one["record"]: one for one in desk.run("note", "list", team.case.hex())["notes"]}
        assert notes[ids.show(first)]["corrected_by"] == made["record"] and notes[ids.show(first)]["body"] == "He rang on Tuesday."
        assert (notes[made["record"]]["corrected_by"], notes[made["record"]]["body"]) == (None, "He rang on Monday.")
        assert "corrected by" in desk.text("note", "list", team.case.hex())
        again = desk.refused("note", "correct", first.hex()[:8], "He rang at noon.")
        assert "correct what stands now" in again["message"]

    def test_what_is_no_evidence_is_edited(self, team: Team) -> None:
        task = team.add(team.sam, "task", what="ring", owner=ids.show(team.sam.user), due="2026-12-01", task_state="open")
        draft = team.add(team.sam, "case_note", body="He rang.")
        desk = team.desk(team.sam)
        assert "stays open" in desk.refused("record", "correct", task.hex()[:8], "--set", "what=write")["message"]
        assert "draft of your own" in desk.refused("note", "correct", draft.hex()[:8], "He wrote.")["message"]
        assert "no case note" in desk.refused("note", "correct", task.hex()[:8], "He wrote.")["message"]
        signed = team.note(team.sam, "He rang.")
        assert "nothing to correct" in team.desk(team.sam).refused("note", "correct", signed.hex()[:8])["message"]

    def test_nobodys_words_go_into_a_colleagues_mouth(self, team: Team) -> None:
        first = team.note(team.sam, "He rang on Tuesday.")
        team.meet()
        desk = team.desk(team.nia)
        made = desk.run("record", "correct", first.hex()[:8], "--set", "risk_now=same")
        assert [one["fields"] for one in made["missing_to_sign"]] == [["body"]]


class TestContacts:
    def test_two_who_wrote_down_one_visit(self, team: Team) -> None:
        first = team.contact(team.sam)
        team.meet()
        second = team.contact(team.nia)
        desk = team.desk(team.nia)
        found = desk.run("contact", "list", team.case.hex())
        assert (found["count"], found["maybe_same"]) == (2, [[ids.show(second), ids.show(first)]])
        assert "name yours first" in desk.refused("contact", "same", first.hex()[:8], second.hex()[:8])["message"]
        desk.run("contact", "same", second.hex()[:8], first.hex()[:8])
        found = desk.run("contact", "list", team.case.hex())
        assert (found["count"], found["maybe_same"], found["contacts"][0]["by"]) == (1, [], ["Sam", "Nia"])
        assert "3 records, one contact" in desk.text("contact", "list", team.case.hex())
        assert "one already" in desk.refused("contact", "same", found["contacts"][0]["also"][1], first.hex()[:8])["message"]

    def test_other_days_other_people_and_ones_own_are_no_doubles(self, team: Team) -> None:
        team.contact(team.sam, event_at={"at": "2026-11-02", "precision": "day"})
        team.meet()
        team.contact(team.nia, event_at={"at": "2026-11-03", "precision": "day"})
        team.contact(team.nia, result="no_answer", **{"with": ["partner"]})
        assert team.nia.do(lambda session: counted.alike(session, team.case)) == []
        one, two = (team.contact(team.nia, mode="telephone") for _ in range(2))
        assert team.nia.do(lambda session: counted.alike(session, team.case)) == []
        assert one != two

    def test_partner_support_is_told_of_a_meeting_once(self, team: Team) -> None:
        case = team.sam.do(lambda session: cases.open_case(session, {team.nia.user: "navigator"}))
        team.meet()
        values = {"mode": "home_visit", "direction": "to_them", "with": ["client"], "result": "spoke", "workers": [ids.show(team.sam.user)]}
        first = team.add(team.sam, "contact", case, **values)
        assert [one["notice"] for one in notices.told_of(team.sam.session, case, first)] == ["contact_made"]
        for changed, told in (({"minutes": 20}, []), ({"result": "hostile"}, ["contact_hostile"])):
            first = team.sam.do(partial(counted.correct, log=case, record_id=first, changed=changed))
            assert [one["notice"] for one in notices.told_of(team.sam.session, case, first)] == told


class TestPersons:
    def test_joined_and_parted(self, team: Team) -> None:
        jack = team.add(team.sam, "person", known_as="Jack")
        jake = team.add(team.sam, "person", team.other, known_as="Jake")
        desk = team.desk(team.sam)
        before = desk.run("record", "show", jack.hex())["fields"]
        desk.run("person", "join", jack.hex()[:8], jake.hex()[:8], "--why", "one man, two reference numbers")
        [both] = desk.run("person", "list")["persons"]
        assert {one["called"] for one in both} == {"Jack", "Jake"}
        assert "joined already" in desk.refused("person", "join", jake.hex()[:8], jack.hex()[:8], "--why", "x", "--yes")["message"]
        desk.run("person", "part", jake.hex()[:8], jack.hex()[:8], "--why", "father and son")
        assert [len(group) for group in desk.run("person", "list")["persons"]] == [1, 1]
        assert "not joined with each other" in desk.refused("person", "part", jake.hex()[:8], jack.hex()[:8], "--why", "x", "--yes")["message"]
        after = desk.run("record", "show", jack.hex())["fields"]
        assert {name: value for name, value in after.items() if name != "merged_with"} == before
        assert [row["step"] for row in after["merged_with"]["value"]] == ["merged", "unmerged"]

    def test_it_is_a_person_that_is_joined(self, team: Team) -> None:
        note, jack = team.note(team.sam, "He rang."), team.add(team.sam, "person", known_as="Jack")
        desk = team.desk(team.sam)
        assert desk.refused("person", "join", jack.hex(), note.hex(), "--why", "x", "--yes")["code"] == "not-found"
        assert "same record twice" in desk.refused("person", "join", jack.hex(), jack.hex(), "--why", "x", "--yes")["message"]


class TestTogether:
    def conflict(self, team: Team, mine: str, theirs: str) -> bytes:
        """An incident that Sam wrote, changed on two of his phones while apart."""
        second = team.world.enrol("perpetrator", "Sam", ("navigator",), "Sam's tablet")
        base = "He was calm at the door. We agreed to speak on Friday."
        made = team.add(team.sam, "incident", words=base)
        team.meet()
        team.meet()
        for phone, words in ((team.sam, mine), (second, theirs)):
            phone.do(partial(records.edit, log=team.case, record_id=made, values={"words": words}))
        team.meet()
        return made

    def test_two_texts_are_put_together_and_a_person_decides(self, team: Team) -> None:
        made = self.conflict(
            team, "He was angry at the door. We agreed to speak on Friday.", "He was calm at the door. We agreed to speak on Monday."
        )
        desk = team.desk(team.sam)
        [one] = desk.run("conflicts", "list")["conflicts"]
        assert one["together"] == {"text": "He was angry at the door. We agreed to speak on Monday.", "clashes": []}
        assert "both put together" in desk.text("conflicts", "list")
        settled = desk.run("conflicts", "resolve", made.hex()[:8], "words", "--together", "--reason", "both are right")
        assert settled["value"] == "He was angry at the door. We agreed to speak on Monday."
        assert desk.run("conflicts", "list")["conflicts"] == []

    def test_the_same_words_are_not_chosen_between(self, team: Team) -> None:
        made = self.conflict(team, "He was calm at the door. We agreed to speak on Sunday.", "He was calm at the door. We agreed to speak on Monday.")
        desk = team.desk(team.sam)
        [one] = desk.run("conflicts", "list")["conflicts"]
        assert one["together"]["text"] is None
        assert [(clash["was"], {clash["a"], clash["b"]}) for clash in one["together"]["clashes"]] == [("Friday", {"Sunday", "Monday"})]
        refused = desk.refused("conflicts", "resolve", made.hex()[:8], "words", "--together", "--reason", "both are right")
        assert "cannot be put together" in refused["message"]


class TestHints:
    WORDS = "She is at 14 Hawthorn Close. She was punched on Monday."

    def test_what_is_worth_a_second_look_keeps_nobody_from_signing(self, team: Team) -> None:
        desk = team.desk(team.sam)
        flags = [word for name, value in FLAGS.items() for word in ("--set", f"{name}={value}")]
        made = desk.run("note", "add", "--file", team.case.hex(), self.WORDS, *flags)
        assert [(one["what"], one["near"]) for one in made["hints"] if one["what"]] == [("place", True), ("day or time", True)]
        assert [one["words"] for one in made["hints"] if one["instead"]] == ["was punched"]
        assert desk.run("note", "check", made["record"])["hints"] == made["hints"]
        assert "14 Hawthorn Close" in desk.text("note", "check", made["record"])
        signed = desk.run("note", "sign", made["record"])
        assert (signed["signed"], signed["hints"]) == (True, made["hints"])

    def test_nothing_found_is_no_proof(self, team: Team) -> None:
        made = team.note(team.sam, "He was calm.")
        assert "no proof" in team.desk(team.sam).text("note", "check", made.hex()[:8])
