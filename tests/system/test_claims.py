"""Claims and what a second person decides, money of one's own, lost phones, and the month's statement."""

import csv
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from shared_schema import ids
from shared_schema.errors import Refused
from sync.change import Op
from sync.device.money import claims, funds, statements
from sync.device.people import files, standing
from sync.device.recording import records
from sync.device.session import Session
from sync.ledger import Fund, fold_fund
from sync.statement import statement
from tests.desk import Desk
from tests.world import DAY, Phone, World

SPEND = ("--item", "parcel", "--payee", "Corner Shop", "--category", "food", "--barrier", "debt", "--no-receipt", "lost")


class Office:
    """Sam and Nia, navigators with £10 each; Ruth and Flo hold the fund, Ruth coordinates the case as well."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self.folder, self.typed = world, folder, 0
        self.sam, self.nia, self.ruth, self.flo = world.phones
        team = {self.sam.user: "navigator", self.nia.user: "navigator"}
        self.case = self.ruth.do(lambda session: files.create_file(session, "case", team))
        self.fund = self.ruth.do(lambda session: files.create_file(session, "fund", {**team, self.flo.user: "fund_holder"}))
        self.meet()
        self.ruth.do(lambda session: funds.allot(session, self.fund, 10_000, "Police and Crime Commissioner", "2026-27"))
        for phone in (self.sam, self.nia):
            self.ruth.do(partial(funds.allow, log=self.fund, device=phone.device, amount=1000, until="2099-10-01"))
        self.meet()

    def meet(self) -> None:
        for phone in self.world.phones * 3:
            phone.sync()

    def desk(self, phone: Phone) -> Desk:
        self.typed += 1
        return Desk(phone, self.folder / f"desk-{self.typed}")

    def spend(self, phone: Phone, amount: int, **more: str) -> str:
        values = {"amount": amount, "item": "bed", "category": "furniture", **more}
        return phone.do(lambda session: funds.spend(session, self.case, self.fund, values)).spend_id

    def state(self, phone: Phone) -> dict[str, str]:
        return {one.spend_id: one.state for one in funds.list_spends(phone.session, [self.case])}

    def tasks(self, phone: Phone) -> list[str]:
        return [
            str(phone.session.record(self.fund, record).registers["task_state"].live.popitem()[1].value)
            for record, _ in phone.session.store.records(self.fund, "task")
        ]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with World(sides=("perpetrator",)) as world:
        for name, roles in (("Sam", ("navigator",)), ("Nia", ("navigator",)), ("Ruth", ("coordinator", "fund_holder")), ("Flo", ("fund_holder",))):
            world.enrol("perpetrator", name, roles)
        for phone in world.phones * 3:
            phone.sync()
        yield Office(world, tmp_path)


class TestDeciding:
    def test_a_claim_is_recorded_and_decided_by_somebody_else(self, office: Office) -> None:
        spend = office.spend(office.sam, 1500)
        assert office.state(office.sam) == {spend: "claimed"}
        office.meet()
        desk = office.desk(office.ruth)
        assert [row["claimed"] for row in desk.run("fund", "claims")["claims"]] == [1500]
        assert desk.run("fund", "cover", spend[:8], "--why", "the bed was broken")["covered"] == 1500
        listed = desk.run("spend", "list")["spends"][0]
        assert (listed["state"], listed["counts"]) == ("approved", 1500)
        assert listed["decisions"] == [{"by": "Ruth", "approved": "yes", "why": "the bed was broken"}]
        assert "Ruth approved it: the bed was broken" in desk.text("spend", "list")

    def test_refused_to_be_repaid_and_repaid(self, office: Office) -> None:
        spend = office.spend(office.sam, 1500, paid_how="prepaid_card")
        office.meet()
        office.ruth.do(lambda session: claims.decide(session, office.fund, spend, "refusal_repay", "not for him"))
        office.meet()
        assert office.state(office.sam) == {spend: "refused_repay"}
        assert any("is to be paid back" in one for one in office.desk(office.sam).run("status")["needs_you"])
        desk = office.desk(office.flo)
        assert desk.run("fund", "repaid", spend[:8], "--amount", "5")["repaid"] == 500
        assert "is to be paid back" in desk.refused("fund", "repaid", spend[:8], "--amount", "10.01")["message"]
        assert desk.run("fund", "repaid", spend[:8])["repaid"] == 1000
        assert desk.run("fund", "claims")["claims"] == []
        assert desk.run("fund", "show")["spent"] == 0

    def test_never_by_the_spender(self, office: Office) -> None:
        """By whatever device, and whatever the line says: the ledger itself takes no notice of it."""
        spend = ids.show(b"r" * 16)  # a holder spends nothing by hand; any member's line counts
        facts = {"kind": "spend", "amount": 700, "category": "food", "spend_id": spend, "device": ids.show(office.ruth.device)}
        ops = [Op(name, "set", value, ()) for name, value in facts.items()]
        office.ruth.do(partial(Session.write, log=office.fund, record=None, type_="fund_line", ops=ops))
        desk = office.desk(office.ruth)
        for words in (("cover",), ("refuse",), ("refuse", "--repay"), ("repaid",)):
            error = desk.refused("fund", words[0], spend[:8], *words[1:])
            assert (error["code"], "your own" in error["message"]) == ("not-permitted", True)
        assert desk.run("fund", "claims")["claims"][0]["own"] is True
        assert not any("claimed and wait" in one for one in desk.run("status")["needs_you"])
        office.ruth.do(lambda session: records.add(session, office.fund, "fund_line", {"kind": "cover", "amount": 700, "against": spend}))
        office.meet()
        state = funds.fund(office.flo.session, office.fund)
        assert (state.disputed, state.spent, [why for *_, why in state.ignored]) == (700, 0, ["by the spender"])
        assert office.flo.do(lambda session: claims.decide(session, office.fund, spend, "cover")).amount == 700

    def test_a_row_in_anothers_name_and_the_spenders_own_are_not_shown(self, office: Office) -> None:
        spend = office.spend(office.sam, 1500)
        office.meet()
        record = next(one.record for one in funds.list_spends(office.nia.session, [office.case]))
        for phone, who in ((office.nia, office.ruth.user), (office.sam, office.sam.user)):
            row = {"who": ids.show(who), "when": {"at": "2026-10-01", "precision": "day"}, "approved": "yes"}
            ops = [Op("decisions", "add", row, ())]
            phone.do(partial(Session.write, log=office.case, record=record, type_="spend", ops=ops))
        office.meet()
        listed = office.desk(office.ruth).run("spend", "list")["spends"][0]
        assert (listed["spend_id"], listed["decisions"], listed["state"]) == (spend, [], "claimed")

    def test_a_reason_needs_a_file_to_stand_in(self, office: Office) -> None:
        spend = office.spend(office.sam, 1500)
        office.meet()
        desk = office.desk(office.flo)
        assert "leave out --why" in desk.refused("fund", "refuse", spend[:8], "--why", "no")["message"]
        assert desk.run("fund", "claims")["claims"][0]["claimed"] == 1500
        assert "You do not belong to the file" in desk.text("fund", "refuse", spend[:8])
        assert "nothing of that spend is claimed" in desk.refused("fund", "cover", spend[:8])["message"]

    def test_not_beyond_the_pot_and_not_by_a_navigator(self, office: Office) -> None:
        spend = office.spend(office.sam, 9000)
        office.meet()
        assert "the pot holds £80.00" in office.desk(office.ruth).refused("fund", "cover", spend[:8])["message"]
        assert office.desk(office.nia).refused("fund", "refuse", spend[:8])["code"] == "not-permitted"


def conserved_at_every_prefix(office: Office) -> Fund:
    """What every reader would see who had heard of less: never more spent than was put in, and never below zero. Returns the whole."""
    log = list(office.ruth.session.occurrences(office.fund, pending=False))
    for upto in range(len(log) + 1):
        state = fold_fund(office.fund, log[:upto])
        assert state.conserved and state.spent <= state.allotted
        assert min(state.unallocated, state.spent, state.disputed, *state.remaining.values(), 0) == 0
    return funds.fund(office.ruth.session, office.fund)


class TestTwoOffline:
    def apart(self, office: Office, *, on: bool) -> None:
        for phone in (office.sam, office.nia):
            phone.offline = on

    def test_two_navigators_never_spend_more_than_they_were_given(self, office: Office) -> None:
        """Each to the last penny, and then beyond: what is beyond is a claim, and recorded."""
        self.apart(office, on=True)
        for amount in (600, 400, 1):
            for phone in (office.sam, office.nia):
                office.spend(phone, amount)
        assert funds.fund(office.ruth.session, office.fund).spent == 0
        self.apart(office, on=False)
        office.meet()
        state = conserved_at_every_prefix(office)
        assert (state.spent, state.disputed, list(state.remaining.values())) == (2000, 2, [0, 0])

    def test_a_device_that_cheats_is_disputed_and_nobody_else_pays(self, office: Office) -> None:
        """It says three times that it has spent what it was given once, and so in its colleague's name, while both are offline."""
        self.apart(office, on=True)
        for number, device in enumerate((office.sam.device, office.nia.device, office.sam.device)):
            facts = {"kind": "spend", "amount": 1000, "category": "food", "spend_id": ids.show(bytes([number]) * 16), "device": ids.show(device)}
            ops = [Op(name, "set", value, ()) for name, value in facts.items()]
            office.sam.do(partial(Session.write, log=office.fund, record=None, type_="fund_line", ops=ops))
        honest = [office.spend(office.nia, amount) for amount in (700, 300)]
        self.apart(office, on=False)
        office.meet()
        state = conserved_at_every_prefix(office)
        assert (state.spent, state.disputed, state.unallocated) == (2000, 2000, 8000)
        assert [state.spends[one].state for one in honest] == ["posted", "posted"]
        assert [one.disputed for one in state.spends.values() if one.device == office.sam.device] == [0, 1000, 1000]


class TestOwnMoney:
    def test_a_task_to_pay_it_back_that_names_nobody(self, office: Office) -> None:
        spend = office.spend(office.sam, 500, paid_how="own_money", payee="Corner Shop")
        office.meet()
        (task,) = (office.ruth.session.record(office.fund, record) for record, _ in office.ruth.session.store.records(office.fund, "task"))
        said = {name: register.live[next(iter(register.live))].value for name, register in task.registers.items() if register.live}
        assert said["what"] == f"Pay back £5.00 of own money: spend {spend[:8]}"
        assert said["owner"] in {ids.show(office.ruth.user), ids.show(office.flo.user)}
        assert not any(name in str(said) for name in ("Sam", "Corner", office.case.hex()))

    @pytest.mark.parametrize("how", ["refusal", "reversal"])
    def test_dropped_when_nothing_is_to_be_paid(self, office: Office, how: str) -> None:
        spend = office.spend(office.sam, 1500, paid_how="own_money")
        office.meet()
        if how == "refusal":
            office.ruth.do(lambda session: claims.decide(session, office.fund, spend, "refusal"))
        else:
            record = next(one.record for one in funds.list_spends(office.sam.session, [office.case]))
            office.sam.do(lambda session: funds.reverse(session, office.case, office.fund, record, None, "taken back"))
        office.meet()
        assert office.tasks(office.flo) == ["dropped"]

    def test_there_is_nothing_to_pay_back_of_it(self, office: Office) -> None:
        spend = office.spend(office.sam, 1500, paid_how="own_money")
        office.meet()
        with pytest.raises(Refused, match="nothing to pay back"):
            office.ruth.do(lambda session: claims.decide(session, office.fund, spend, "refusal_repay"))

    def test_a_slip_takes_its_task_along(self, office: Office) -> None:
        desk = office.desk(office.sam)
        slip = desk.run("spend", "add", "3", "--file", office.case.hex(), "--paid", "own_money", *SPEND)["record"]
        assert len(desk.run("record", "list", office.fund.hex(), "--type", "task")["records"]) == 1
        desk.run("spend", "undo", slip)
        assert desk.run("record", "list", office.fund.hex(), "--type", "task")["records"] == []


class TestReceipts:
    def test_those_that_are_still_to_come(self, office: Office) -> None:
        desk = office.desk(office.sam)
        desk.run("spend", "add", "1", "--file", office.case.hex(), *SPEND)
        late = desk.run("spend", "add", "2", "--file", office.case.hex(), *SPEND[:-1], "to_follow")["record"]
        never = desk.run("spend", "add", "3", "--file", office.case.hex(), *SPEND[:-2])["record"]
        assert {row["record"] for row in desk.run("spend", "list", "--no-receipts")["spends"]} == {late, never}


class TestLostPhones:
    def test_what_a_suspended_phone_holds_comes_back(self, office: Office) -> None:
        office.spend(office.sam, 300)
        office.sam.sync()
        office.ruth.sync()
        office.ruth.do(lambda session: standing.suspend(session, office.sam.device, "stolen"))
        office.ruth.sync()
        desk = office.desk(office.ruth)
        assert any("lost devices still hold £7.00" in one for one in desk.run("status")["needs_you"])
        assert desk.run("fund", "reclaim", "--lost") == {"devices": [{"device": ids.show(office.sam.device), "reclaimed": 700}], "reclaimed": 700}
        assert desk.run("fund", "reclaim", "--lost")["reclaimed"] == 0
        assert desk.refused("fund", "reclaim", "Sam", "--lost")["code"] == "bad-value"


class TestStatement:
    def rows(self, path: Path) -> dict[tuple[str, str, str], int]:
        with path.open(encoding="utf-8", newline="") as stream:
            return {(row["part"], row["item"], row["detail"]): int(row["pence"]) for row in csv.DictReader(stream)}

    def test_a_month(self, office: Office) -> None:
        office.spend(office.sam, 600, category="food")
        claimed = office.spend(office.sam, 1500)
        office.spend(office.nia, 250, category="food")
        office.meet()
        office.ruth.do(lambda session: claims.decide(session, office.fund, claimed, "cover"))
        office.meet()
        office.world.clock.advance(40 * DAY)
        desk, path = office.desk(office.flo), office.folder / "month.csv"
        month = "2026-09"
        found = desk.run("fund", "statement", "--month", month, "--csv", str(path), "--pdf", str(path.with_suffix(".pdf")))
        rows = self.rows(path)
        assert found["agrees"] and found["files"] == [str(path), str(path.with_suffix(".pdf"))]
        assert rows["month", "Put into the fund", ""] == 10_000
        assert rows["category", "Food", "Spent within an allowance"] == 850
        assert rows["category", "Furniture", "Claims approved"] == rows["month", "Claimed beyond an allowance", ""] == 1500
        assert rows["end", "Still held by devices", ""] == 1150
        assert rows["end", "In the pot", ""] == 10_000 - 2000 - 1500
        assert rows["end", "Disputed: claims that wait for a decision", ""] == 0
        assert rows["fund", "Police and Crime Commissioner, 2026-27", "so far"] == 10_000
        later = desk.run("fund", "statement", "--month", "2026-10", "--csv", str(path))
        assert later["movements"] == 0
        assert self.rows(path)["begin", "Spent so far", ""] == 2350
        assert desk.refused("fund", "statement", "--month", "2026-13")["code"] == "bad-value"

    def test_no_name_of_anybody(self, office: Office) -> None:
        spend = office.spend(office.sam, 1500, payee="Corner Shop", item="a cot for Nia")
        office.meet()
        path = office.folder / "month.csv"
        office.desk(office.ruth).run("fund", "statement", "--month", "2026-09", "--csv", str(path))
        text = path.read_text(encoding="utf-8")
        for tells in ("Sam", "Nia", "Ruth", "Corner", "cot", spend, office.case.hex(), ids.show(office.sam.device), ids.show(office.case)):
            assert tells not in text

    def test_paper_is_the_same_every_time(self, office: Office) -> None:
        office.spend(office.sam, 300)
        office.meet()
        made = statement(office.fund, office.ruth.session.occurrences(office.fund, pending=False), "2026-09")
        one, two = (statements.pdf_bytes(made, "a fund", 1_790_000_000_000) for _ in range(2))
        assert one == two and one.startswith(b"%PDF-") and one.rstrip().endswith(b"%%EOF")

    def test_sums_that_do_not_agree_are_not_written(self, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        office.spend(office.sam, 300)
        office.meet()
        made = statement(office.fund, office.ruth.session.occurrences(office.fund, pending=False), "2026-09")
        made.moves["spent"] += 1
        for write in (lambda: statements.csv_text(made, "x"), lambda: statements.pdf_bytes(made, "x", 0)):
            with pytest.raises(Refused, match="is not"):
                write()

    def test_no_cell_is_a_formula(self, office: Office) -> None:
        office.ruth.do(lambda session: funds.allot(session, office.fund, 100, "=1+1", "2026"))
        office.meet()
        made = statement(office.fund, office.ruth.session.occurrences(office.fund, pending=False), "2026-09")
        text: Any = statements.csv_text(made, "x")
        assert "'=1+1" in text and "\n=1" not in text and ",=1" not in text
