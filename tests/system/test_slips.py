"""Slips of the fingers: money that is taken back before it is sent, and messages that say what to type instead."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.device.money import funds
from sync.device.people import files
from sync.device.recording.needs import needed_to_sign
from tests.desk import Desk
from tests.world import Phone, World

SPEND = ("--item", "parcel", "--payee", "shop", "--category", "food", "--barrier", "debt", "--no-receipt", "lost")
POT = ("--funder", "OPCC", "--period", "2026-27")


def meet(*phones: Phone) -> None:
    for phone in phones * 3:
        phone.sync()


class Office:
    """Sam, a navigator with £10 to spend, and Ruth, who coordinates and holds the fund: their phones and what is typed on each."""

    def __init__(self, world: World, folder: Path) -> None:
        self.sam, self.ruth = world.phones
        self.folder, self.typed = folder, 0
        self.case = self.ruth.do(lambda session: files.create_file(session, "case", {self.sam.user: "navigator"}))
        self.fund = self.ruth.do(lambda session: files.create_file(session, "fund", {self.sam.user: "navigator"}))
        self.meet()
        self.ruth.do(lambda session: funds.allot(session, self.fund, 5000, "council", "2026"))
        self.ruth.do(lambda session: funds.allow(session, self.fund, self.sam.device, 1000, "2099-10-01"))
        self.meet()

    def meet(self) -> None:
        meet(self.sam, self.ruth)

    def desk(self, phone: Phone) -> Desk:
        self.typed += 1
        return Desk(phone, self.folder / f"desk-{self.typed}")

    def spend(self, amount: int) -> bytes:
        return self.sam.do(lambda session: funds.spend(session, self.case, self.fund, {"amount": amount, "item": "bed"})).record


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with World(sides=("perpetrator",)) as world:
        world.enrol("perpetrator", "Sam", ("navigator",))
        world.enrol("perpetrator", "Ruth", ("coordinator", "fund_holder"))
        meet(*world.phones)
        yield Office(world, tmp_path)


def spent(desk: Desk, office: Office, amount: str) -> str:
    return str(desk.run("spend", "add", amount, "--file", office.case.hex(), *SPEND)["record"])


def usage(desk: Desk, *words: str) -> str:
    ran = desk.invoke(*words)
    assert ran.exit_code == 1, ran.output
    return str(ran.stderr)


class TestUndoingASpend:
    def test_both_halves_are_gone(self, office: Office) -> None:
        desk = office.desk(office.sam)
        kept, slip = spent(desk, office, "3"), spent(desk, office, "7")
        assert desk.run("spend", "undo", slip) == {"record": slip, "undone": "spend", "amount": 700}
        assert [row["record"] for row in desk.run("spend", "list")["spends"]] == [kept]
        shown = desk.run("fund", "show")
        assert (shown["spent"], shown["mine"], shown["ignored"]) == (300, 700, [])
        assert desk.refused("spend", "undo", slip)["code"] == "not-found"

    def test_what_was_edited_since_goes_with_it(self, office: Office) -> None:
        desk = office.desk(office.sam)
        slip = spent(desk, office, "3")
        desk.run("record", "edit", slip, "--set", "delivered_on=2026-11-20")
        assert desk.run("spend", "undo", slip)["amount"] == 300
        assert desk.run("status")["unsent"] == 0
        assert desk.run("record", "list", office.case.hex())["records"] == []

    def test_numbers_are_not_used_again_and_the_rest_is_sent(self, office: Office) -> None:
        slip, kept = office.spend(300), office.spend(200)
        office.sam.do(lambda session: funds.take_back(session, funds.spend_slip(session, office.case, slip)))
        new = office.spend(100)
        office.meet()
        assert len({slip, kept, new}) == 3
        assert funds.fund(office.ruth.session, office.fund).spent == 300
        assert {one.record for one in funds.list_spends(office.ruth.session, [office.case])} == {kept, new}

    def test_not_once_it_was_sent(self, office: Office) -> None:
        record = office.spend(300)
        office.meet()
        error = office.desk(office.sam).refused("spend", "undo", record.hex(), "--yes")
        assert (error["code"], f"spend reverse {record.hex()[:8]}" in error["message"]) == ("not-permitted", True)
        assert office.desk(office.ruth).refused("spend", "undo", record.hex(), "--yes")["code"] == "not-permitted"

    @pytest.mark.parametrize("sealed", ["case", "fund"])
    def test_nor_when_one_half_was_sealed(self, office: Office, sealed: str) -> None:
        """Half a spend would be left: counted and bought by nobody, or bought and never counted."""
        record = office.spend(300)
        store, log = office.sam.store, getattr(office, sealed)
        with store.transaction():
            store.mark_sealed(log, office.sam.device, [row.c for row in store.unsealed(log)], 99)
        desk = office.desk(office.sam)
        assert desk.refused("spend", "undo", record.hex(), "--yes")["code"] == "not-permitted"
        assert (desk.run("fund", "show")["spent"], len(desk.run("spend", "list")["spends"])) == (300, 1)

    def test_a_reversal_first(self, office: Office) -> None:
        desk = office.desk(office.sam)
        record = spent(desk, office, "6")
        desk.run("spend", "reverse", record, "--amount", "5", "--why", "one too many")
        assert desk.run("spend", "undo", record) == {"record": record, "undone": "reversal", "amount": 500}
        assert desk.run("fund", "show")["spent"] == 600
        assert desk.run("spend", "undo", record)["undone"] == "spend"
        assert desk.run("fund", "show")["spent"] == 0

    def test_a_reversal_of_what_was_sent(self, office: Office) -> None:
        record = office.spend(600)
        office.meet()
        desk = office.desk(office.sam)
        desk.run("spend", "reverse", record.hex(), "--why", "wrong one")
        assert desk.run("spend", "undo", record.hex())["undone"] == "reversal"
        assert desk.refused("spend", "undo", record.hex(), "--yes")["code"] == "not-permitted"
        assert desk.run("fund", "show")["spent"] == 600

    def test_only_of_a_spend(self, office: Office) -> None:
        desk = office.desk(office.sam)
        note = desk.run("note", "add", "--file", office.case.hex(), "words")["record"]
        assert "no spend" in desk.refused("spend", "undo", note, "--yes")["message"]

    def test_nobody_is_asked_without_a_terminal(self, office: Office) -> None:
        desk = office.desk(office.sam)
        record = spent(desk, office, "6")
        assert usage(desk, "spend", "undo", record).startswith("not-permitted: not asked: add --yes")
        assert len(desk.run("spend", "list")["spends"]) == 1
        assert "Undone: the spend of £6.00" in desk.text("spend", "undo", record, "--yes")


class TestUndoingALineOfTheFund:
    def test_an_allotment_that_was_typed_twice(self, office: Office) -> None:
        desk = office.desk(office.ruth)
        for _ in range(2):
            desk.run("fund", "allot", "500", *POT)
        undone = desk.run("fund", "undo")
        assert (undone["undone"], undone["amount"], undone["unallocated"]) == ("allotment", 50_000, 54_000)
        assert "put into the pot" in desk.text("fund", "undo", "--yes")
        error = desk.refused("fund", "undo", "--yes")
        assert (error["code"], "fund reclaim" in error["message"]) == ("not-permitted", True)
        assert desk.run("fund", "show")["allotted"] == 5000

    def test_the_newest_first(self, office: Office) -> None:
        office.spend(1500)
        office.meet()
        desk = office.desk(office.ruth)
        desk.run("fund", "allot", "2", "--to", "Sam")
        desk.run("fund", "reclaim", "Sam", "--amount", "1")
        desk.run("fund", "cover", desk.run("spend", "list")["spends"][0]["record"])
        assert [desk.run("fund", "undo")["undone"] for _ in range(3)] == ["cover", "reclaim", "allowance"]
        shown = desk.run("fund", "show")
        assert (shown["unallocated"], list(shown["remaining"].values()), shown["disputed"]) == (4000, [1000], 1500)

    def test_half_of_a_spend_is_left_to_its_own_command(self, office: Office) -> None:
        desk = office.desk(office.sam)
        spent(desk, office, "3")
        assert "spend undo" in desk.refused("fund", "undo", "--yes")["message"]
        assert desk.run("fund", "show")["spent"] == 300


class TestMoney:
    def test_money_for_the_pot_says_where_it_comes_from(self, office: Office) -> None:
        desk = office.desk(office.ruth)
        assert "needs --funder and --period: fieldkeep fund allot 500 --funder" in desk.refused("fund", "allot", "500")["message"]
        assert "needs --period:" in desk.refused("fund", "allot", "500", "--funder", "OPCC")["message"]
        assert desk.refused("fund", "allot", "500", "--funder", "", "--period", "x")["message"].startswith("--funder: saw text that is empty")
        assert desk.run("fund", "allot", "5", "--to", "Sam")["allowance"] == 500

    def test_one_word_for_one_state(self, office: Office) -> None:
        desk = office.desk(office.sam)
        added = [desk.invoke("spend", "add", amount, "--file", office.case.hex(), *SPEND).stdout for amount in ("6", "14.20")]
        assert [word for text in added for word in ("as posted", "as claimed") if word in text] == ["as posted", "as claimed"]
        assert desk.run("spend", "add", "1", "--file", office.case.hex(), *SPEND)["state"] == "posted"
        rows = desk.run("spend", "list")["spends"]
        desk.run("spend", "reverse", rows[1]["record"], "--amount", "4.20", "--why", "part of it")
        listed, shown = desk.text("spend", "list"), desk.text("fund", "show")
        assert "£10.00 of £14.20" in listed
        assert "posted" in listed
        assert ("claimed: Sam" in shown, "disputed" in shown) == (True, False)
        assert [row["counts"] for row in desk.run("spend", "list")["spends"]] == [600, 1000, 100]

    def test_a_spend_is_covered_by_either_of_its_ids(self, office: Office) -> None:
        records = [office.spend(1500), office.spend(2000)]
        office.meet()
        desk = office.desk(office.ruth)
        assert desk.run("fund", "cover", records[0].hex()[:8])["covered"] == 1500
        [left] = desk.run("fund", "show")["disputes"]
        assert desk.run("fund", "cover", left["spend_id"][:10])["covered"] == 2000
        assert "nothing of that spend is claimed" in desk.refused("fund", "cover", records[0].hex())["message"]
        assert desk.refused("fund", "cover", "zz")["code"] == "not-found"


class TestWhatIsWrongWithIt:
    @pytest.mark.parametrize("amount", ["-5", "-£5.50", "0"])
    def test_an_amount(self, office: Office, amount: str) -> None:
        desk = office.desk(office.ruth)
        said = "the amount: saw an amount of 0 or less; wanted pounds above 0, at most £10,000,000"
        assert desk.refused("fund", "allot", amount, *POT)["message"].startswith(said)
        assert desk.refused("spend", "add", "--file", office.case.hex(), *SPEND, amount)["message"].startswith(said)
        assert desk.invoke("fund", "allot", "5", "--fundr", "OPCC").exit_code == 2

    def test_a_day(self, office: Office) -> None:
        desk = office.desk(office.ruth)
        case = office.case.hex()
        assert "--until: saw a day written another way" in desk.refused("fund", "allot", "5", "--to", "Sam", "--until", "01/12/2020")["message"]
        assert (
            "--until: saw the right form, but there is no such day"
            in desk.refused("fund", "allot", "5", "--to", "Sam", "--until", "2027-02-30")["message"]
        )
        message = desk.refused("spend", "add", "3", "--file", case, *SPEND, "--on", "2026-10-32")["message"]
        assert message.startswith("--on: saw the right form, but there is no such day; wanted ")
        assert message.endswith("for example 2026-11-20T14:30 or 2026-11-20, or about 2026-11")

    def test_what_is_needed_to_sign_is_said_without_braces(self) -> None:
        [needed] = [one for one in needed_to_sign("spend", {"item": "bed"}) if one.fields == ("bought_on",)]
        assert needed.wanted.startswith("YYYY-MM-DDTHH:MM, or less of it")

    def test_an_empty_reason(self, office: Office) -> None:
        desk = office.desk(office.sam)
        note, record = desk.run("note", "add", "--file", office.case.hex(), "words")["record"], spent(desk, office, "3")
        for words in (("note", "void", note, "--yes"), ("note", "addend", note, "more"), ("conflicts", "resolve", note, "body", "--choose", "1")):
            assert desk.refused(*words, "--reason", " ")["message"].startswith("--reason is empty")
        assert desk.refused("spend", "reverse", record, "--why", "")["message"].startswith("--why is empty")
        assert desk.refused("note", "addend", note, "", "--reason", "x")["message"].startswith("the addendum is empty")

    def test_a_role_that_the_person_does_not_have(self, office: Office) -> None:
        desk = office.desk(office.sam)
        error = desk.refused("file", "create", "case", "--member", "Ruth=navigator")
        assert (error["code"], error["message"]) == ("not-permitted", "Ruth is no navigator (coordinator, fund_holder)")
        assert "takes no fund_holder" in desk.refused("file", "create", "case", "--member", "Ruth=fund_holder")["message"]

    def test_a_file_that_nobody_can_join(self, office: Office) -> None:
        desk = office.desk(office.sam)
        assert "Nobody in it may add or remove people" in desk.run("file", "create", "case")["warnings"][0]
        assert desk.run("file", "create", "case", "--member", "Ruth=coordinator")["warnings"] == []

    def test_lines_that_were_pasted_from_elsewhere(self, office: Office, tmp_path: Path) -> None:
        desk = office.desk(office.sam)
        (tmp_path / "note.txt").write_bytes(b"one\r\ntwo\r\n")
        desk.run("note", "add", "--file", office.case.hex(), "one\r\ntwo")
        desk.run("note", "add", "--file", office.case.hex(), "--from", str(tmp_path / "note.txt"))
        assert {note["body"] for note in desk.run("note", "list", office.case.hex())["notes"]} == {"one\ntwo"}


class TestExports:
    def test_a_file_or_folder_that_is_not_there(self, office: Office, tmp_path: Path) -> None:
        desk = office.desk(office.sam)
        missing = tmp_path / "nope.jsonl"
        error = desk.refused("audit", "verify", str(missing))
        assert (error["code"], error["message"]) == ("not-found", f"{missing}: there is no such file")
        error = desk.refused("audit", "export", "--out", str(tmp_path / "nodir" / "p.jsonl"))
        assert (error["code"], error["message"]) == ("not-found", f"{tmp_path / 'nodir'}: there is no such folder to write into")
        assert desk.refused("audit", "verify", str(tmp_path))["message"].endswith("is a folder; want an export file")

    def test_says_how_many_more_there_are(self, office: Office, tmp_path: Path) -> None:
        for n in range(70):
            office.spend(1 + n)
            office.sam.sync()
        desk, out = office.desk(office.sam), tmp_path / "out.jsonl"
        desk.run("audit", "export", "--out", str(out))
        out.write_text("\n".join(map(_spoil, out.read_text().splitlines())) + "\n")
        found = desk.run("audit", "verify", str(out), status=1)["findings"]
        assert len(found) > 60
        ran = desk.invoke("audit", "verify", str(out))
        listed = [line for line in ran.stdout.splitlines() if line.startswith("  ")]
        assert len(listed) == 51
        assert listed[-1] == f"  … and {len(found) - 50} more; --json lists all"


def _spoil(line: str) -> str:
    """Another time of receipt, which its chain does not bear out."""
    head, sign, rest = line.partition('"received_ms":')
    return f"{head}{sign}1{rest}" if sign else line
