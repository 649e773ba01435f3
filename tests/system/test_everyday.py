"""What somebody does every day and expects of it: take back, make void, see whose words they are, see what waits, spend with care."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from shared_schema import ids
from shared_schema.errors import Refused
from sync.change import Op
from sync.device.cli import terminal
from sync.device.cli.main import app
from sync.device.entering.profile import now_ms
from sync.device.exchanging.syncing import TURNED_AWAY
from sync.device.money import funds
from sync.device.people import files
from sync.device.recording import records
from sync.device.session import Session
from sync.fold import show
from tests.desk import SECRET, Desk
from tests.world import Phone, World

CALM = ("suicide_or_self_harm=nothing_noted", "threat_to_someone=nothing_noted", "child_concern=nothing_noted")
SPEND = ("--item", "parcel", "--payee", "shop", "--category", "food", "--barrier", "debt", "--no-receipt", "lost")


@pytest.fixture
def world() -> Iterator[World]:
    with World(sides=("perpetrator",)) as made:
        made.enrol("perpetrator", "Sam", ("navigator",), "phone")
        made.enrol("perpetrator", "Sam", ("navigator",), "tablet")
        made.enrol("perpetrator", "Ruth", ("fund_holder",))
        meet(*made.phones)
        yield made


def meet(*phones: Phone) -> None:
    for phone in phones * 3:
        phone.sync()


@pytest.fixture
def case(world: World) -> bytes:
    log = world.phones[0].do(lambda session: files.create_file(session, "case"))
    meet(*world.phones)
    return log


@pytest.fixture
def fund(world: World) -> bytes:
    """A fund in which Sam's phone may spend £10 until a day that is long over by the clock of a desk."""
    sam, tablet, ruth = world.phones
    log = ruth.do(lambda session: files.create_file(session, "fund", {sam.user: "navigator"}))
    meet(*world.phones)
    ruth.do(lambda session: funds.allot(session, log, 5000, "council", "2026"))
    ruth.do(lambda session: funds.allow(session, log, sam.device, 1000, "2026-10-01"))
    ruth.do(lambda session: funds.allow(session, log, tablet.device, 700, "2099-10-01"))
    meet(*world.phones)
    return log


@pytest.fixture
def sam(world: World, case: bytes, tmp_path: Path) -> Desk:
    assert case
    return Desk(world.phones[0], tmp_path / "sam")


class TestTakingBack:
    def test_what_is_on_this_device_only_change_by_change(self, sam: Desk, case: bytes) -> None:
        made = sam.run("record", "add", "task", "--file", case.hex(), "--set", "what=ring")["record"]
        sam.run("record", "edit", made, "--set", "what=ring the bank")
        assert sam.run("record", "undo", made)["undone"] == [{"field": "what", "action": "set", "value": "ring the bank"}]
        assert sam.run("record", "show", made)["fields"]["what"]["value"] == "ring"
        assert sam.run("record", "undo", made)["gone"]
        assert sam.run("record", "list", case.hex())["records"] == []
        assert sam.refused("record", "undo", made)["code"] == "not-found"

    def test_a_number_is_never_used_again(self, world: World, case: bytes) -> None:
        phone = world.phones[0]
        one = phone.do(lambda session: records.add(session, case, "task", {"what": "one"}))
        two = phone.do(lambda session: records.add(session, case, "task", {"what": "two"}))
        phone.do(lambda session: records.undo(session, case, two))
        three = phone.do(lambda session: records.add(session, case, "task", {"what": "three"}))
        assert len({one, two, three}) == 3
        meet(*world.phones)
        assert {record.registers["what"].live.popitem()[1].value for record in world.phones[1].session.records(case).values()} == {"one", "three"}

    def test_not_what_was_sent(self, world: World, case: bytes) -> None:
        phone = world.phones[0]
        made = phone.do(lambda session: records.add(session, case, "task", {"what": "one"}))
        phone.sync()
        with pytest.raises(Exception, match="on this device only"):
            phone.do(lambda session: records.undo(session, case, made))
        assert phone.session.record(case, made)

    def test_not_money(self, world: World, case: bytes, fund: bytes, tmp_path: Path) -> None:
        assert fund
        desk = Desk(world.phones[0], tmp_path / "sam")
        made = desk.run("spend", "add", "3", "--file", case.hex(), *SPEND)["record"]
        for words in (("record", "undo", made, "--yes"), ("note", "void", made, "--reason", "slip", "--yes")):
            error = desk.refused(*words)
            assert (error["code"], "spend reverse" in error["message"]) == ("not-permitted", True)

    def test_void_keeps_the_words_and_says_why(self, sam: Desk, case: bytes) -> None:
        made = sam.run("note", "add", "--file", case.hex(), "in the wrong file", *[word for one in CALM for word in ("--set", one)], "--sign")[
            "record"
        ]
        sam.run("note", "void", made, "--reason", "another person's")
        [note] = sam.run("note", "list", case.hex())["notes"]
        assert (note["state"], note["body"]) == ("void", "in the wrong file")
        shown = sam.run("record", "show", made)
        assert shown["void"]
        assert shown["fields"]["addenda"]["rows"][0]["value"]["reason"] == "another person's"
        assert sam.refused("note", "void", made, "--reason", "again", "--yes")["code"] == "not-permitted"
        assert sam.run("status")["drafts"] == 0

    def test_only_ones_own(self, world: World) -> None:
        sam = world.phones[0]
        priya = world.enrol("perpetrator", "Priya", ("navigator",))
        meet(*world.phones)
        log = sam.do(lambda session: files.create_file(session, "case", {priya.user: "navigator"}))
        meet(*world.phones)
        note = sam.do(lambda session: records.add(session, log, "case_note", {"body": "Sam's"}))
        meet(*world.phones)
        with pytest.raises(Exception, match="only its author"):
            priya.do(lambda session: records.make_void(session, log, note, "not mine"))

    def test_a_task_is_deleted_and_comes_back(self, sam: Desk, case: bytes) -> None:
        made = sam.run("record", "add", "task", "--file", case.hex(), "--set", "what=ring")["record"]
        sam.run("record", "delete", made)
        assert sam.run("record", "show", made)["deleted"]
        sam.run("record", "edit", made, "--set", "what=ring all the same")
        assert not sam.run("record", "show", made)["deleted"]
        note = sam.run("note", "add", "--file", case.hex(), "words")["record"]
        assert sam.refused("record", "delete", note, "--yes")["code"] == "not-permitted"


class TestFloods:
    """A colleague who fills somebody's record with thousands of ops does not keep it from being signed or put right."""

    @pytest.fixture
    def shared(self, world: World) -> tuple[Phone, Phone, bytes, bytes]:
        sam, mal = world.phones[0], world.enrol("perpetrator", "Mal", ("navigator",))
        meet(*world.phones)
        log = sam.do(lambda session: files.create_file(session, "case", {mal.user: "navigator"}))
        calm = dict.fromkeys(("suicide_or_self_harm", "threat_to_someone", "child_concern"), "nothing_noted")
        note = sam.do(lambda session: records.add(session, log, "case_note", {"body": "Sam's", "work_types": ["direct_support"], **calm}))
        meet(*world.phones)
        return sam, mal, log, note

    def test_of_proposals(self, shared: tuple[Phone, Phone, bytes, bytes]) -> None:
        sam, mal, log, note = shared
        for _ in range(3):
            mal.do(lambda session: session.write(log, note, "case_note", [Op("body", "set", f"no {n}", ()) for n in range(4000)]))
        meet(sam, mal)
        sam.do(lambda session: records.sign(session, log, note))
        found = sam.session.record(log, note)
        assert records.is_signed(found)
        assert show(found, sam.session.types)["body"].value == "Sam's"
        meet(sam, mal)
        assert records.is_signed(mal.session.record(log, note))

    def test_of_members_of_a_set(self, shared: tuple[Phone, Phone, bytes, bytes]) -> None:
        sam, mal, log, note = shared
        for start in (0, 4000):
            ops = [Op("work_types", "add", "disruption" if n % 2 else f"code_{n}", ()) for n in range(start, start + 4000)]
            mal.do(partial(Session.write, log=log, record=note, type_="case_note", ops=ops))
        meet(sam, mal)
        sam.do(lambda session: records.edit(session, log, note, {"work_types": ["direct_support"]}))
        assert show(sam.session.record(log, note), sam.session.types)["work_types"].value == ["direct_support"]
        sam.do(lambda session: records.sign(session, log, note))
        meet(sam, mal)
        assert show(mal.session.record(log, note), mal.session.types)["work_types"].value == ["direct_support"]


class TestWhoseWords:
    def test_each_addendum_says_who_and_when(self, sam: Desk, case: bytes) -> None:
        made = sam.run("note", "add", "--file", case.hex(), "he came", *[word for one in CALM for word in ("--set", one)], "--sign")["record"]
        sam.run("note", "addend", made, "he rang back", "--reason", "the same day")
        sam.run("note", "addend", made, "and again", "--reason", "later")
        rows = sam.run("record", "show", made)["fields"]["addenda"]["rows"]
        assert [(row["value"]["text"], row["by"]) for row in rows] == [("he rang back", "Sam"), ("and again", "Sam")]
        assert all(abs(row["claimed_ms"] - now_ms()) < 600_000 for row in rows)
        text = sam.text("record", "show", made)
        assert "1. text: he rang back" in text
        assert text.count("(Sam, ") == 2

    def test_an_addendum_to_a_draft_of_ones_own_is_refused_with_what_to_do(self, sam: Desk, case: bytes) -> None:
        made = sam.run("note", "add", "--file", case.hex(), "still a draft")["record"]
        error = sam.refused("note", "addend", made, "more", "--reason", "later")
        assert (error["code"], "record edit" in error["message"]) == ("not-permitted", True)

    def test_a_note_in_conflict_shows_both_texts_in_the_list(self, world: World, case: bytes, tmp_path: Path) -> None:
        phone, tablet, _ = world.phones
        made = phone.do(lambda session: records.add(session, case, "case_note", {"body": "first"}))
        meet(*world.phones)
        for one, words in ((phone, "on the phone"), (tablet, "on the tablet")):
            one.do(partial(records.edit, log=case, record_id=made, values={"body": words}))
        meet(*world.phones)
        desk = Desk(phone, tmp_path / "sam")
        [note] = desk.run("note", "list", case.hex())["notes"]
        assert note["conflict"]
        text = desk.text("note", "list", case.hex())
        assert "IN CONFLICT" in text
        assert "on the phone" in text
        assert "on the tablet" in text


class TestWhatIsMissing:
    def test_says_fields_and_what_they_take(self, sam: Desk, case: bytes) -> None:
        found = sam.run("note", "add", "--file", case.hex(), "words")
        assert [one["fields"] for one in found["missing_to_sign"]] == [["suicide_or_self_harm"], ["threat_to_someone"], ["child_concern"]]
        assert "child_concern (one of not_discussed," in sam.text("note", "add", "--file", case.hex(), "words")
        assert "child_concern (one of not_discussed," in sam.refused("note", "sign", found["record"])["message"]
        assert "saw a field it does not have (suicid)" in sam.refused("record", "edit", found["record"], "--set", "suicid=no")["message"]
        assert "(calm)" in sam.refused("record", "edit", found["record"], "--set", "child_concern=calm")["message"]

    def test_says_where_a_type_stands(self, sam: Desk, case: bytes) -> None:
        assert "shared_care" in sam.refused("record", "add", "own_safety_plan", "--file", case.hex(), "--set", "means_discussed=yes")["message"]
        assert "victim side" in sam.refused("record", "add", "safe_contact", "--file", case.hex(), "--set", "voicemail=no")["message"]

    def test_the_profile(self, tmp_path: Path) -> None:
        ran = CliRunner().invoke(app, ["--profile", str(tmp_path / "none"), "status"])
        assert (ran.exit_code, "--profile" in ran.stderr) == (1, True)


class TestStatus:
    def test_drafts_that_wait(self, world: World, case: bytes, tmp_path: Path) -> None:
        phone = world.phones[0]
        phone.do(lambda session: records.add(session, case, "case_note", {"body": "of long ago, by a desk's clock"}))
        found = Desk(phone, tmp_path / "sam").run("status")
        assert found["drafts"] == 1
        assert any("not signed" in one for one in found["needs_you"])

    def test_a_draft_of_today_is_counted_and_does_not_nag(self, sam: Desk, case: bytes) -> None:
        sam.run("note", "add", "--file", case.hex(), "just now")
        found = sam.run("status")
        assert (found["drafts"], [one for one in found["needs_you"] if "not signed" in one]) == (1, [])

    def test_a_revoked_device_says_so_and_counts_what_stays(self, world: World, case: bytes, tmp_path: Path) -> None:
        phone = world.phones[0]
        phone.do(lambda session: records.add(session, case, "task", {"what": "never sent"}))
        phone.store.set_fact(TURNED_AWAY, b"revoked")
        [told] = [one for one in Desk(phone, tmp_path / "sam").run("status")["needs_you"] if "revoked" in one]
        assert "1 change(s) of it were never sent" in told

    def test_the_fact_comes_and_goes_with_the_servers_answer(self, world: World) -> None:
        phone = world.phones[0]
        certificate = phone.session.registry.devices[phone.device]
        world.clock.now_ms = certificate.subject.until + 1
        phone.sync()
        assert phone.store.fact(TURNED_AWAY) == b"certificate-ended"
        world.clock.now_ms = certificate.subject.until - 1
        phone.sync()
        assert not phone.store.fact(TURNED_AWAY)


class TestMoney:
    def test_a_refusal_names_the_option(self, sam: Desk, case: bytes) -> None:
        words = ["spend", "add", "3", "--file", case.hex(), *SPEND]
        for option, bad in (("--barrier", "sadness"), ("--category", "fun"), ("--no-receipt", "eaten")):
            at = words.index(option)
            assert sam.refused(*words[: at + 1], bad, *words[at + 2 :])["message"].startswith(f"{option}: saw a code that is not on the list ({bad})")
        assert sam.refused("spend", "add", "3", *words[3:], "--on", "22/11/2026")["message"].startswith("--on: ")

    def test_listed_with_what_the_fund_says(self, world: World, case: bytes, fund: bytes, tmp_path: Path) -> None:
        assert fund
        desk = Desk(world.phones[0], tmp_path / "sam")
        first = desk.run("spend", "add", "6", "--file", case.hex(), *SPEND)
        assert (first["claimed"], first["remaining"], first["allowance_until"], first["lapsed"]) == (False, 400, "2026-10-01", True)
        assert desk.run("spend", "add", "5", "--file", case.hex(), *SPEND)["claimed"]
        assert desk.run("spend", "add", "1", "--file", case.hex(), *SPEND, "--on", "2099-01-01")["in_future"]
        desk.run("spend", "reverse", first["record"], "--why", "taken back by the shop")
        rows = desk.run("spend", "list", "--file", case.hex())["spends"]
        assert [(row["amount"], row["state"], row["received"]) for row in rows] == [
            (600, "reversed", False),
            (500, "claimed", False),
            (100, "posted", False),
        ]
        assert "£5.00" in desk.text("spend", "list")

    def test_the_holder_is_told_and_takes_back(self, world: World, case: bytes, fund: bytes, tmp_path: Path) -> None:
        phone, tablet, ruth = world.phones
        phone.do(lambda session: funds.spend(session, case, fund, {"amount": 1500, "item": "bed"}))
        meet(*world.phones)
        desk = Desk(ruth, tmp_path / "ruth")
        assert any("1 spend(s) beyond their allowance, £15.00" in one for one in desk.run("status")["needs_you"])
        assert desk.refused("fund", "reclaim", "Sam")["message"].endswith(
            "name one with --device: phone (" + phone.device.hex()[:8] + "), tablet (" + tablet.device.hex()[:8] + ")"
        )
        assert desk.run("fund", "reclaim", "Sam", "--device", "tablet", "--amount", "2")["reclaimed"] == 200
        assert desk.run("fund", "reclaim", "Sam", "--device", tablet.device.hex()[:6])["reclaimed"] == 500
        assert desk.refused("fund", "reclaim", "Sam", "--device", "tablet")["code"] == "bad-value"
        shown = desk.run("fund", "show")
        assert shown["unallocated"] == 4000
        assert shown["remaining"].get(ids.show(tablet.device), 0) == 0
        assert desk.run("fund", "allot", "1", "--to", "Sam", "--device", "Tablet")["device"] == ids.show(tablet.device)


class TestAsking:
    def test_asks_a_person_and_refuses_where_there_is_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        terminal.set_context(None, None)
        asked: list[str] = []
        monkeypatch.setattr(typer, "confirm", lambda question, **_: asked.append(question))
        with pytest.raises(Refused, match="not asked: add --yes"):
            terminal.confirm("Really?", yes=False)
        monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
        terminal.confirm("Really?", yes=True)
        terminal.context().as_json = True
        terminal.confirm("Really?", yes=False)
        terminal.context().as_json = False
        assert asked == []
        terminal.confirm("Really?", yes=False)
        assert asked == ["Really?"]


@pytest.mark.parametrize("json_", [(), ("--json",)])
def test_output_that_cannot_be_written_says_that_the_work_is_done(
    sam: Desk, case: bytes, monkeypatch: pytest.MonkeyPatch, json_: tuple[str, ...]
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("rich.console.Console.print", lambda console, *words, **_: full() if not console.stderr else print(*words, file=console.file))
        patch.setattr(typer, "echo", full)
        ran = sam.invoke("note", "add", "--file", case.hex(), "typed once", *json_, env={"FIELDKEEP_PASSPHRASE": SECRET})
    assert ran.exit_code == 1
    assert "is saved, do not type it again" in ran.stderr
    assert [note["body"] for note in sam.run("note", "list", case.hex())["notes"]] == ["typed once"]


def test_void_without_a_reason_is_not_kept(world: World, case: bytes) -> None:
    phone = world.phones[0]
    note = phone.do(lambda session: records.add(session, case, "case_note", {"body": "Sam's"}))
    before = len(list(phone.store.all_changes(case)))
    with pytest.raises(Exception, match="reason"):
        phone.do(lambda session: records.make_void(session, case, note, "  "))
    assert len(list(phone.store.all_changes(case))) == before
