"""A fund holder and two workers, apart: money is conserved at every prefix, and nobody who keeps to their allowance is ever disputed (I12).

Lines go straight into a log, in any interleaving, now and then twice. What a device may spend it works out from what it has seen and
what it has typed itself, as an honest device does.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from shared_schema import ids
from sync.change import Change, Op
from sync.fold import PENDING, Occurrence
from sync.ledger import Fund, fold_fund
from sync.statement import Stand, month_ms, statement
from tests.simulation.checks import must
from tests.simulation.model import model_fund

LOG = ids.sha256(b"fund")[:16]
DEVICES = tuple(bytes([i]) * 16 for i in range(1, 4))
ROLES = ("fund_holder", "navigator", "navigator")
WHO = st.integers(0, 2)
SPENDER = st.integers(0, 2)
WORKER = st.integers(1, 2)
PENCE = st.sampled_from([1, 50, 250, 1000, 6000])
SETTINGS = settings(max_examples=600, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)


@dataclass
class Device:
    """What one device has applied, and what it has typed and not sent."""

    view: int = 0
    counter: int = 0
    pending: list[Change] = field(default_factory=list)


class FundMachine(RuleBasedStateMachine):
    """The log of a fund. `careful` are the spends that were within the spender's own allowance when they were typed."""

    runs: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        type(self).runs += 1
        self.log: list[Occurrence] = []
        self.devices = [Device() for _ in DEVICES]
        self.careful: dict[str, int] = {}
        self.reclaimed: set[bytes] = set()
        self.spends = 0
        self.online = False

    def occurrence(self, who: int, change: Change, seq: int) -> Occurrence:
        return Occurrence(seq, 0, DEVICES[who], DEVICES[who], ROLES[who], change)

    def seen(self, who: int) -> Fund:
        device = self.devices[who]
        mine = [self.occurrence(who, change, PENDING) for change in device.pending]
        heard = [at for at in self.log if at.seq <= device.view]
        sent = [at for at in self.log if at.seq > device.view and at.device == DEVICES[who]]  # its own, laid over what it heard of
        return fold_fund(LOG, heard + sent + mine)

    def type_in(self, who: int, type_: str, facts: dict[str, Any], record: bytes | None = None) -> bytes:
        device = self.devices[who]
        device.counter += 1
        made = record or ids.record_id(LOG, DEVICES[who], device.counter)
        ops = tuple(Op(name, "add" if name == "returned" else "set", value, ()) for name, value in facts.items())
        device.pending.append(Change(made, type_, 1, device.counter, device.view, 0, ops))
        if self.online:
            self.push(who)
        return made

    @rule()
    def go_on_or_off_line(self) -> None:
        """While on line, everybody sends at once and hears of everything."""
        self.online = not self.online

    def line(self, who: int, kind: str, amount: int, **more: str) -> None:
        self.type_in(who, "fund_line", {"kind": kind, "amount": amount, **more})

    @initialize()
    def begin(self) -> None:
        self.line(0, "allotment", 5000)
        self.push(0)

    @rule(who=WHO, amount=PENCE)
    def allot(self, who: int, amount: int) -> None:
        """By anybody: only the holder's counts."""
        self.line(who, "allotment", amount)

    @rule(who=st.sampled_from([0, 0, 0, 1]), to=WORKER, amount=PENCE)
    def allow(self, who: int, to: int, amount: int) -> None:
        self.type_in(who, "allowance", {"to": "", "device": ids.show(DEVICES[to]), "amount": amount, "until": "2027-03-31"})

    @rule(who=SPENDER, amount=PENCE, boldly=st.booleans())
    def spend(self, who: int, amount: int, boldly: bool) -> None:
        """By the holder too, who may not decide on it."""
        left = self.seen(who).remaining.get(DEVICES[who], 0)
        amount = amount if boldly else min(amount, left)
        if amount:
            self.spends += 1
            spend_id = ids.show(self.spends.to_bytes(16, "big"))
            if amount <= left:
                self.careful[spend_id] = who
            self.line(who, "spend", amount, spend_id=spend_id)

    @rule(who=WORKER, amount=PENCE, data=st.data())
    def enter_again(self, who: int, amount: int, data: st.DataObject) -> None:
        """The same purchase, entered by another device or with another amount."""
        known = sorted(self.seen(who).spends)
        if known:
            self.line(who, "spend", amount, spend_id=data.draw(st.sampled_from(known)))

    @rule(who=WHO, kind=st.sampled_from(["cover", "refusal", "refusal_repay", "repaid", "reversal"]), amount=PENCE, data=st.data())
    def settle(self, who: int, kind: str, amount: int, data: st.DataObject) -> None:
        """By anybody, of anybody's spend: of claims only the holder's counts, and nobody's of their own."""
        known = sorted(self.seen(who).spends)
        if known:
            self.line(who, kind, amount, against=data.draw(st.sampled_from(known)))

    @rule(who=WHO, device=WORKER, amount=PENCE)
    def reclaim(self, who: int, device: int, amount: int) -> None:
        self.reclaimed |= {DEVICES[device]} if ROLES[who] == "fund_holder" else set()
        self.line(who, "reclaim", amount, device=ids.show(DEVICES[device]))

    @rule(who=WHO, amount=PENCE, data=st.data())
    def give_back(self, who: int, amount: int, data: st.DataObject) -> None:
        """By anybody, of anybody's allowance: only one's own counts."""
        known = sorted(self.seen(who).allowances)
        if known:
            self.type_in(who, "allowance", {"returned": {"amount": amount}}, data.draw(st.sampled_from(known)))

    @precondition(lambda self: any(device.pending for device in self.devices))
    @rule(who=WHO)
    def push(self, who: int) -> None:
        device = self.devices[who]
        if device.pending:
            self.log.append(self.occurrence(who, device.pending.pop(0), len(self.log) + 1))
        if self.online:
            for other in self.devices:
                other.view = len(self.log)

    @rule(who=WHO, data=st.data())
    def pull(self, who: int, data: st.DataObject) -> None:
        device = self.devices[who]
        device.view = data.draw(st.integers(device.view, len(self.log)))

    @invariant()
    def as_the_model(self) -> None:
        fund, purse = fold_fund(LOG, self.log), model_fund(LOG, self.log)
        must(fund.conserved, "I12: money is not conserved")
        mine = (fund.allotted, fund.unallocated, fund.spent, fund.disputed, {ids.show(k): v for k, v in fund.remaining.items() if v})
        theirs = (purse.allotted, purse.pot, purse.spent, purse.disputed, {k: v for k, v in purse.left.items() if v})
        must(mine == theirs, f"I12: the fund is {mine}, the model {theirs}")
        stand = {one.id: (one.counted, one.disputed, one.refused, one.owed) for one in fund.spends.values()}
        model = {name: (one["counted"], one["disputed"], one["refused"], one["owed"]) for name, one in purse.spends.items()}
        must(stand == model, f"I12: the spends stand as {stand}, in the model as {model}")

    @invariant()
    def nobody_decides_on_their_own(self) -> None:
        """§8: what the holder claimed stays claimed, for here there is no second holder."""
        for spend in fold_fund(LOG, self.log).spends.values():
            if spend.user == DEVICES[0] and spend.beyond:
                must(not (spend.counted or spend.refused or spend.owed), "I12: somebody decided on their own claim")

    @invariant()
    def the_careful_are_never_disputed(self) -> None:
        """§8: an honest device cannot overspend offline; only a reclaim behind its back can make its spend disputed."""
        for spend_id, spend in fold_fund(LOG, self.log).spends.items():
            who = self.careful.get(spend_id)
            if who is not None and spend.device == DEVICES[who] and DEVICES[who] not in self.reclaimed:
                must(not spend.disputed, "I12: a spend within its allowance is disputed")

    def teardown(self) -> None:
        """Told twice, a log moves no more money."""
        assert fold_fund(LOG, [*self.log, *self.log]) == fold_fund(LOG, self.log)
        for cut in range(len(self.log) + 1):
            self.states_a_month_up_to(cut)

    def states_a_month_up_to(self, cut: int) -> None:
        """§8.1: whatever stood before the month, its sums agree, and it ends where the fund does."""
        begins, _ = month_ms("2026-10")
        timed = [at._replace(received_ms=begins - 1 if at.seq <= cut else begins) for at in self.log]
        made = statement(LOG, timed, "2026-10")
        wrong = [check for check in made.checks if not check.agrees]
        must(not wrong, f"§8.1: {wrong}")
        must(made.before == Stand.of(fold_fund(LOG, self.log[:cut])), "§8.1: the month begins elsewhere")
        must(made.after == Stand.of(fold_fund(LOG, self.log)), "§8.1: the month ends elsewhere")


def find(most: int) -> None:
    """Run the machine until it finds something, and raise that as it was found. `FundMachine.runs` says how many runs it took."""
    FundMachine.runs = 0
    run_state_machine_as_test(FundMachine, settings=settings(SETTINGS, max_examples=most, database=None, derandomize=True, phases=[Phase.generate]))


def test_funds() -> None:
    run_state_machine_as_test(FundMachine, settings=SETTINGS)
