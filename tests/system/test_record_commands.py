"""Writing records: what is refused before it is kept, edits that are whole or not at all, finding, proposals, alarms."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared_schema import ids, limits
from shared_schema.errors import ProtocolError
from sync.change import CellKey, Op
from sync.device.exchanging import outbox
from sync.device.people import files
from sync.device.recording import conflicts, finding, records
from sync.device.session import Session
from sync.device.storage.store import Store
from sync.fold import show, unweighed
from tests.desk import Desk
from tests.world import Phone, World

CALM = {"suicide_or_self_harm": "nothing_noted", "threat_to_someone": "nothing_noted", "child_concern": "nothing_noted"}


@pytest.fixture
def world() -> Iterator[World]:
    with World(sides=("perpetrator",)) as made:
        made.enrol("perpetrator", "Priya", ("coordinator",))
        made.enrol("perpetrator", "Sam", ("navigator",))
        made.enrol("perpetrator", "Sam", ("navigator",), "Sam's tablet")
        yield made


@pytest.fixture
def log(world: World) -> bytes:
    meet(*world.phones)
    priya, sam, _ = world.phones
    made = priya.do(lambda session: files.create_file(session, "case", {sam.user: "navigator"}))
    meet(*world.phones)
    return made


def meet(*phones: Phone) -> None:
    for phone in phones * 3:
        phone.sync()


def add(phone: Phone, log: bytes, type_: str, values: dict[str, Any]) -> bytes:
    return phone.do(lambda session: records.add(session, log, type_, values))


def edit(phone: Phone, log: bytes, record: bytes, values: dict[str, Any], cells: dict[CellKey, Any] | None = None) -> records.Edited:
    return phone.do(lambda session: records.edit(session, log, record, values, cells))


def refused(call: Any) -> ProtocolError:
    with pytest.raises(ProtocolError) as caught:
        call()
    return caught.value


def written(session: Session, log: bytes) -> int:
    return len(list(session.store.all_changes(log)))


class TestOnceAndText:
    """Spec §5.3: `once` is the creating device's; `text` is the creating person's."""

    def test_once_from_another_device_is_refused_at_save(self, world: World, log: bytes) -> None:
        priya, sam, tablet = world.phones
        task = add(sam, log, "task", {"what": "ring the food bank"})
        meet(*world.phones)
        for other in (priya, tablet):
            before = written(other.session, log)
            error = refused(lambda other=other: edit(other, log, task, {"source": "client", "what": "rung"}))
            assert (error.code, "source" in str(error)) == ("not-permitted", True)
            assert written(other.session, log) == before
        edit(sam, log, task, {"source": "client"})
        assert show(sam.session.record(log, task), sam.session.types)["source"].value == "client"

    def test_another_persons_words_are_kept_as_a_proposal_and_said_to_be(self, world: World, log: bytes, tmp_path: Path) -> None:
        priya, sam, tablet = world.phones
        made = add(sam, log, "risk_assessment", {"why": "as Sam sees it"})
        meet(*world.phones)
        desk = Desk(priya, tmp_path / "priya")
        assert desk.run("record", "edit", made.hex()[:8], "--set", "why=as Priya sees it")["proposed"] == ["why"]
        said = desk.text("record", "edit", made.hex()[:8], "--set", "why=as Priya sees it")
        assert "proposal" in said
        assert f"note addend {made.hex()[:8]}" in said
        assert edit(priya, log, made, {"why": "as Priya sees it"}).proposed == ("why",)
        assert edit(tablet, log, made, {"why": "as Sam sees it now"}).proposed == (), "the same person's other device writes it"
        meet(*world.phones)
        assert show(sam.session.record(log, made), sam.session.types)["why"].value == "as Sam sees it now"

    def test_of_a_note_they_become_a_note_of_ones_own(self, world: World, log: bytes) -> None:
        priya, sam, _ = world.phones
        note = add(sam, log, "case_note", {"body": "Sam's words"})
        meet(*world.phones)
        edited = edit(priya, log, note, {"body": "Priya's words"})
        assert edited.own_note
        assert edited.proposed == ()
        assert not priya.session.record(log, note).registers["body"].proposals


class TestSize:
    """A change that no entry can hold is refused before it is kept, and one that is there all the same holds up nobody else."""

    @staticmethod
    def rows(size: int) -> list[Op]:
        return [Op("addenda", "add", {"text": "x" * 20_000, "reason": "r"}, ()) for _ in range(size // 20_000)]

    def test_refused_at_save_with_size_and_limit(self, world: World, log: bytes) -> None:
        sam = world.phones[1]
        before = written(sam.session, log)
        values = {"what": "long", "addenda": [{"text": "x" * 20_000, "reason": "r"}] * 60}
        error = refused(lambda: add(sam, log, "task", values))
        assert error.code == "too-large"
        size, limit, *_ = [int(word) for word in str(error).replace(":", "").split() if word.isdecimal()]
        assert size > 1_200_000 > limit == limits.ENTRY_BYTES - 1_024
        assert written(sam.session, log) == before

    def test_the_largest_that_is_kept_can_be_sent(self, world: World, log: bytes) -> None:
        sam = world.phones[1]
        filler = 20_000
        while True:  # one character more would be refused
            ops = [*self.rows(1_000_000), Op("what", "set", "y" * filler, ())]
            try:
                outbox.check_size("task", ops)
            except ProtocolError:
                break
            filler += 97
        ops[-1] = Op("what", "set", "y" * (filler - 97), ())
        sam.do(lambda session: records.write(session, log, None, "task", ops))
        report = sam.sync()
        assert not isinstance(report, str)
        assert (report.accepted, sam.store.unsent()) == (1, 0)

    def test_one_log_holds_up_no_other(self, world: World, log: bytes) -> None:
        sam = world.phones[1]
        other = sam.do(lambda session: files.create_file(session, "case"))
        meet(sam)
        sam.do(lambda session: session.write(log, None, "task", self.rows(1_200_000)))
        add(sam, other, "task", {"what": "small"})
        sam.sync()
        assert [row.seq for row in sam.store.all_changes(other)] != [None]
        assert [row.seq for row in sam.store.all_changes(log)] == [None], "it stays"
        sam.sync()
        [alarm] = sam.store.alarms()
        assert (alarm[2], alarm[4]) == (log, "too-large")


class TestEdit:
    """An edit of several fields and cells is one change, or none."""

    def test_all_in_one_change(self, world: World, log: bytes, tmp_path: Path) -> None:
        sam = world.phones[1]
        grid = [{"dva_type": "physical", "used": "yes", "severity": "standard"}]
        made = add(sam, log, "risk_assessment", {"why": "so far", "grid": grid})
        desk = Desk(sam, tmp_path / "sam")
        show_ = ("record", "show", made.hex())
        before = desk.run(*show_)
        for bad in ("grid[1].severity=nonsense", "grid[2].severity=high", "grid[1].nonsense=1", "nonsense[1].severity=high", "next_review=soon"):
            desk.refused("record", "edit", made.hex(), "--set", "why=changed", "--set", bad)
            assert desk.run(*show_) == before, bad
        desk.run("record", "edit", made.hex(), "--set", "why=changed", "--set", "grid[1].severity=high", "--set", "next_review=2027-01-01")
        after = desk.run(*show_)["fields"]
        assert (after["why"]["value"], after["grid"]["value"][0]["severity"]) == ("changed", "high")
        history = desk.run("record", "history", made.hex())["history"]
        assert len({line["claimed_ms"] for line in history[-3:]}) == 1

    def test_is_one_change_in_the_store(self, world: World, log: bytes) -> None:
        sam = world.phones[1]
        task = add(sam, log, "task", {"what": "one"})
        before = written(sam.session, log)
        edit(sam, log, task, {"what": "two", "due": "2027-01-01", "task_state": "done"})
        assert written(sam.session, log) == before + 1

    def test_a_living_record_stays_open_after_it_was_agreed_to(self, world: World, log: bytes) -> None:
        sam = world.phones[1]
        task = add(sam, log, "task", {"what": "one", "owner": ids.show(sam.user), "due": "2027-01-01", "task_state": "open"})
        sam.do(lambda session: records.sign(session, log, task))
        edit(sam, log, task, {"due": "2027-02-01"})
        assert show(sam.session.record(log, task), sam.session.types)["due"].value == "2027-02-01"


class TestFinding:
    """An id prefix is looked for among all records; an ambiguous one names its candidates."""

    def test_unsent_orphaned_and_unknown_ones(self, world: World, log: bytes, tmp_path: Path) -> None:
        sam = world.phones[1]
        unsent = add(sam, log, "task", {"what": "unsent"})
        orphan = sam.do(lambda session: session.write(log, bytes(16), "task", [Op("what", "set", "no beginning", ())]))
        newer = sam.do(
            lambda session: session.write(
                log, None, "zz_form", [Op("zz", "set", {"missing": 5}, ()), Op("zz_at", "set", {"at": 1, "precision": []}, ())]
            )
        )
        desk = Desk(sam, tmp_path / "sam")
        for one in (unsent, orphan, newer):
            assert finding.find_record(sam.session, one.hex()[:10]) == (log, one)
            assert desk.run("record", "show", one.hex()[:10])["record"] == ids.show(one)
        assert "needs a newer app or its first change has not come yet" in desk.text("record", "show", orphan.hex())
        assert "This type needs a newer app" in desk.text("record", "show", newer.hex())
        listed = desk.run("record", "list", log.hex())["records"]
        assert {(one["record"], one["type"]) for one in listed} == {
            (ids.show(unsent), "task"),
            (ids.show(orphan), None),
            (ids.show(newer), "zz_form"),
        }
        assert desk.text("record", "list", log.hex()).count("unknown") >= 1
        for one in (orphan, newer):
            for words in (
                ("record", "edit", one.hex(), "--set", "what=x"),
                ("note", "addend", one.hex(), "x", "--reason", "y"),
                ("note", "sign", one.hex()),
            ):
                assert desk.refused(*words)["code"] == "not-found"
            desk.text("record", "history", one.hex())

    def test_an_ambiguous_prefix_lists_the_candidates(self, world: World, log: bytes) -> None:
        sam = world.phones[1]
        made = [sam.session.write(log, bytes([7]) * 15 + bytes([i]), "task", [Op("what", "set", "x", ())]) for i in (1, 2)]
        error = refused(lambda: finding.find_record(sam.session, "0707"))
        assert error.code == "not-found"
        assert all(ids.show(one) in str(error) for one in made)
        assert finding.find_record(sam.session, made[0].hex()) == (log, made[0])

    def test_one_id_in_two_files(self, world: World, log: bytes) -> None:
        """More of the id was asked for, and there was no more."""
        sam = world.phones[1]
        other = sam.do(lambda session: files.create_file(session, "case"))
        for one in (log, other):
            sam.session.write(one, bytes([7]) * 16, "task", [Op("what", "set", "x", ())])
        error = refused(lambda: finding.find_record(sam.session, "07" * 16))
        assert "FILE:RECORD" in str(error)
        assert finding.find_record(sam.session, f"{other.hex()[:9]}:0707") == (other, bytes([7]) * 16)

    def test_a_change_that_names_a_record_of_another_file_hides_nothing(self, world: World, log: bytes) -> None:
        sam = world.phones[1]
        task = add(sam, log, "task", {"what": "real"})
        other = sam.do(lambda session: files.create_file(session, "case"))
        sam.do(lambda session: session.write(other, task, "task", [Op("what", "set", "false", ())]))
        assert finding.find_record(sam.session, task.hex()[:6]) == (log, task)


class TestConflictsInRows:
    def test_a_cell_is_settled_by_value(self, world: World, log: bytes, tmp_path: Path) -> None:
        priya, sam, _ = world.phones
        made = add(sam, log, "risk_assessment", {"grid": [{"dva_type": "physical", "used": "yes", "severity": "none"}]})
        meet(*world.phones)
        [row] = sam.session.record(log, made).registers["grid"].live
        for phone, value in ((priya, "high"), (sam, "moderate")):
            edit(phone, log, made, {}, {CellKey("grid", row, "severity"): value})
        meet(*world.phones)
        desk = Desk(sam, tmp_path / "sam")
        [found] = desk.run("conflicts", "list")["conflicts"]
        assert (found["kind"], sorted(found["choices"])) == ("conflict", ["high", "moderate"])
        resolve = ("conflicts", "resolve", made.hex(), found["field"], "--reason", "spoke", "--value")
        error = desk.refused(*resolve, "nonsense")
        assert error["code"] == "bad-value"
        assert "none, standard, moderate, high" in error["message"]
        desk.run(*resolve, "high")
        assert desk.run("conflicts", "list")["conflicts"] == []
        assert desk.run("record", "show", made.hex())["fields"]["grid"]["value"][0]["severity"] == "high"


class TestProposals:
    """What others propose to a signed record is shown until its author signs that it was read; the signed values stay."""

    def test_the_whole_way(self, world: World, log: bytes, tmp_path: Path) -> None:
        priya, sam, tablet = world.phones
        note = add(sam, log, "case_note", {"body": "calm", **CALM})
        meet(*world.phones)
        sam.do(lambda session: records.sign(session, log, note))
        edit(priya, log, note, {"suicide_or_self_harm": "act_now"})  # while apart
        meet(*world.phones)
        for phone, mine in ((sam, True), (priya, False)):
            desk = Desk(phone, tmp_path / phone.name)
            shown = desk.run("record", "show", note.hex())
            assert (shown["unread"], shown["fields"]["suicide_or_self_harm"]["value"]) == (1, "nothing_noted")
            assert shown["fields"]["suicide_or_self_harm"]["unread"][0]["value"] == "act_now"
            assert "act_now (Priya" in desk.text("record", "show", note.hex())
            [waiting] = desk.run("conflicts", "list")["conflicts"]
            assert (waiting["kind"], waiting["author"], waiting["values"][0]["by"]) == ("proposal", "Sam", "Priya")
            assert "act_now" in desk.text("conflicts", "list")
            status = desk.run("status")
            assert (status["conflicts"], status["proposals"], any("propose" in need for need in status["needs_you"])) == (0, 1, mine)
        assert refused(lambda: priya.do(lambda session: records.sign(session, log, note))).code == "not-permitted"
        waiting_op = unweighed(sam.session.record(log, note), sam.session.types)["suicide_or_self_harm"][0].id
        assert tablet.do(lambda session: records.sign(session, log, note)) == 1
        meet(*world.phones)
        for phone in world.phones:
            record = phone.session.record(log, note)
            assert record.signatures[-1].signs == (waiting_op,)
            assert not conflicts.list_open(phone.session)
            assert show(record, phone.session.types)["suicide_or_self_harm"].value == "nothing_noted"
        assert refused(lambda: sam.do(lambda session: records.sign(session, log, note))).code == "frozen"

    def test_signing_a_draft_names_what_was_proposed_to_it(self, world: World, log: bytes) -> None:
        priya, sam, _ = world.phones
        made = add(sam, log, "task", {"what": "w", "owner": ids.show(sam.user), "due": "2027-01-01", "task_state": "open"})
        note = add(sam, log, "case_note", {"body": "draft", **CALM})
        meet(*world.phones)
        preds = tuple(priya.session.record(log, note).registers["body"].live)
        priya.do(lambda session: session.write(log, note, "case_note", [Op("body", "set", "better", preds)]))
        meet(*world.phones)
        assert len(conflicts.list_open(sam.session)) == 1
        assert sam.do(lambda session: records.sign(session, log, note)) == 1
        assert sam.do(lambda session: records.sign(session, log, made)) == 0
        assert conflicts.list_open(sam.session) == []
        assert show(sam.session.record(log, note), sam.session.types)["body"].value == "draft"

    def test_somebody_elses_signature_does_not_freeze_at_the_rim_either(self, world: World, log: bytes) -> None:
        priya, sam, _ = world.phones
        note = add(sam, log, "case_note", {"body": "draft"})
        meet(*world.phones)
        live = tuple(priya.session.record(log, note).registers["body"].live)
        priya.do(lambda session: session.write(log, note, "case_note", [Op("_signed", "sign", None, live)]))
        meet(*world.phones)
        edit(sam, log, note, {"body": "still a draft"})
        assert show(sam.session.record(log, note), sam.session.types)["body"].value == "still a draft"


class TestAlarms:
    """One alarm per entry and cause is shown until a person says that it was seen; none is ever forgotten."""

    def test_one_per_cause_until_seen(self, world: World, log: bytes, tmp_path: Path) -> None:
        sam = world.phones[1]
        for number in range(3):
            sam.session.alarm(log, 4, "hole", f"part {number}: the part does not open")
        sam.session.alarm(log, 5, "hole", "part 0: the part does not open")
        desk = Desk(sam, tmp_path / "sam")
        first, second = desk.run("status")["alarms"]
        assert (first["seq"], first["times"], second["seq"], second["times"]) == (4, 3, 5, 1)
        assert len(desk.run("status")["needs_you"]) == 2
        assert "case file" in desk.text("status"), "a file is named"
        assert [one["n"] for one in desk.run("status", "--seen", str(first["n"]))["alarms"]] == [second["n"]]
        assert desk.refused("status", "--seen", "99")["code"] == "not-found"
        assert desk.refused("status", "--seen", str(2**70))["code"] == "bad-value"
        assert [one["seen"] for one in desk.run("status", "--all")["alarms"]] == [True, False]
        assert "seen: alarm" in desk.text("status", "--all")

    def test_what_is_new_is_said_again(self) -> None:
        store = Store(":memory:", bytes(32))
        store.raise_alarm(1, None, None, "audit-contradiction", "tree of 7")
        assert store.see_alarm(1)
        store.raise_alarm(2, None, None, "audit-contradiction", "tree of 7")
        assert [row[7] for row in store.alarm_causes()] == [1], "the same again is no news"
        store.raise_alarm(3, None, None, "audit-contradiction", "tree of 9")
        assert [row[7] for row in store.alarm_causes()] == [1, 0]
        store.close()

    def test_everything_that_was_typed_into_a_copy_is_kept(self) -> None:
        store = Store(":memory:", bytes(32))
        for evidence in (b"one", b"two", b"two"):
            store.raise_alarm(1, bytes(16), 3, "repeated", "what was typed here is kept with this alarm", evidence)
        assert [alarm[6] for alarm in store.alarms()] == [b"one", b"two"]
        assert [row[6] for row in store.alarm_causes()] == [2]
        store.close()
