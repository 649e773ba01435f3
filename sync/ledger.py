"""The fund: a fold over a `fund` log that nobody can overspend by spending at once (docs/spec.md §8).  Vectors: shared_schema/vectors/ledger/.

All amounts are pence. At every prefix: allotted = unallocated + remaining of all devices + spent.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from shared_schema import ids, limits
from shared_schema.errors import Malformed
from sync.fold import Occurrence

HOLDER: Final = "fund_holder"


@dataclass(slots=True)
class Spend:
    """One spend. `beyond`: it was more than its allowance. `counted` is what it takes from the fund now, `disputed` what waits for a
    decision, `refused` what was decided against, and `owed` what of that is to be paid back. `line` is its record in the fund.
    """

    id: str
    device: bytes
    user: bytes
    seq: int
    line: bytes
    beyond: bool = False
    counted: int = 0
    disputed: int = 0
    refused: int = 0
    owed: int = 0

    @property
    def state(self) -> str:
        """Where it stands: a term of `spend_state`. What still waits for somebody comes first."""
        if self.disputed or self.owed:
            return "claimed" if self.disputed else "refused_repay"
        if self.counted:
            return "approved" if self.beyond else "posted"
        return "refused" if self.refused else "reversed"


@dataclass(slots=True)
class Fund:
    """Where the money is. `remaining` maps device id to what it may still spend; `ignored` says what had no effect and why."""

    allotted: int = 0
    unallocated: int = 0
    spent: int = 0
    remaining: dict[bytes, int] = field(default_factory=dict)
    spends: dict[str, Spend] = field(default_factory=dict)
    allowances: dict[bytes, bytes] = field(default_factory=dict)
    ignored: list[tuple[int, bytes, str]] = field(default_factory=list)

    @property
    def disputed(self) -> int:
        """What was bought beyond an allowance and waits for a decision."""
        return sum(spend.disputed for spend in self.spends.values())

    @property
    def owed(self) -> int:
        """What was refused and is to be paid back."""
        return sum(spend.owed for spend in self.spends.values())

    @property
    def conserved(self) -> bool:
        """I12."""
        parts = (self.unallocated, self.spent, *self.remaining.values())
        return self.allotted == sum(parts) and min(parts) >= 0


def fold_fund(log: bytes, occurrences: Iterable[Occurrence]) -> Fund:
    """The fund after these changes, in log order. Each (device, c) counts once."""
    fund = Fund()
    seen: set[tuple[bytes, int]] = set()
    for at in occurrences:
        key = (at.device, at.change.c)
        if key not in seen:
            seen.add(key)
            apply(fund, log, at)
    return fund


def apply(fund: Fund, log: bytes, at: Occurrence) -> None:
    """Take one change into the fund, in place."""
    change = at.change
    created = ids.record_id(log, at.device, change.c) == change.r
    values = {op.field: op.value for op in change.ops if op.action == "set"}
    if change.t == "fund_line" and created:
        kind = values.get("kind")
        why = [_LINES.get(kind if isinstance(kind, str) else "", _unknown)(fund, at, values)]
    elif change.t == "allowance" and created:
        why = [_allow(fund, at, values), *_returns(fund, at)]
    elif not created and (change.t == "allowance" or change.r in fund.allowances):  # a type counts only from the creating change
        why = _returns(fund, at)
    else:
        return
    fund.ignored += [(at.seq, change.r, reason) for reason in why if reason]


def _amount(values: dict[Any, Any]) -> int:
    amount = values.get("amount")
    return amount if type(amount) is int and 0 < amount <= limits.PENCE else 0


def _unknown(_fund: Fund, _at: Occurrence, _values: dict[Any, Any]) -> str:
    return "unknown kind of line"


def _allot(fund: Fund, at: Occurrence, values: dict[Any, Any]) -> str:
    if at.role != HOLDER:
        return "not by the fund holder"
    fund.allotted += _amount(values)
    fund.unallocated += _amount(values)
    return "" if _amount(values) else "no amount"


def _allow(fund: Fund, at: Occurrence, values: dict[Any, Any]) -> str:
    device, amount = _id(values.get("device")), _amount(values)
    if at.role != HOLDER:
        return "not by the fund holder"
    if device is None or not amount:
        return "no device or no amount"
    if amount > fund.unallocated:
        return "beyond the unallocated pot"
    fund.unallocated -= amount
    fund.remaining[device] = fund.remaining.get(device, 0) + amount
    fund.allowances[at.change.r] = device
    return ""


def _id(value: Any) -> bytes | None:
    try:
        return ids.parse(value) if isinstance(value, str) else None
    except Malformed:
        return None


def _spend(fund: Fund, at: Occurrence, values: dict[Any, Any]) -> str:
    spend_id, amount = values.get("spend_id"), _amount(values)
    if not isinstance(spend_id, str) or _id(spend_id) is None or not amount:
        return "no spend id or no amount"
    if spend_id in fund.spends:
        return "this spend is already counted"
    spend = fund.spends[spend_id] = Spend(spend_id, at.device, at.user, at.seq, at.change.r)
    if amount > fund.remaining.get(at.device, 0):
        spend.beyond, spend.disputed = True, amount
        return ""
    fund.remaining[at.device] -= amount
    fund.spent += amount
    spend.counted = amount
    return ""


def _against(fund: Fund, values: dict[Any, Any]) -> Spend | None:
    spend_id = values.get("against")
    return fund.spends.get(spend_id) if isinstance(spend_id, str) else None


def _barred(at: Occurrence, spend: Spend | None) -> str:
    """Why this person may not decide on a claim; nobody decides on their own."""
    if at.role != HOLDER:
        return "not by the fund holder"
    return "by the spender" if spend is not None and at.user == spend.user else ""


def _cover(fund: Fund, at: Occurrence, values: dict[Any, Any]) -> str:
    spend, amount = _against(fund, values), _amount(values)
    if barred := _barred(at, spend):
        return barred
    if spend is None or not 0 < amount <= spend.disputed:
        return "nothing of that amount is claimed"
    if amount > fund.unallocated:
        return "beyond the unallocated pot"
    fund.unallocated -= amount
    fund.spent += amount
    spend.disputed -= amount
    spend.counted += amount
    return ""


def _refuse(fund: Fund, at: Occurrence, values: dict[Any, Any]) -> str:
    """Nothing leaves the pot for it, now or later: what is refused is never covered afterwards."""
    spend, amount = _against(fund, values), _amount(values)
    if barred := _barred(at, spend):
        return barred
    if spend is None or not 0 < amount <= spend.disputed:
        return "nothing of that amount is claimed"
    spend.disputed -= amount
    spend.refused += amount
    spend.owed += amount if values.get("kind") == "refusal_repay" else 0
    return ""


def _repaid(fund: Fund, at: Occurrence, values: dict[Any, Any]) -> str:
    spend, amount = _against(fund, values), _amount(values)
    if barred := _barred(at, spend):
        return barred
    if spend is None or not 0 < amount <= spend.owed:
        return "nothing of that amount is to be paid back"
    spend.owed -= amount
    return ""


def _reverse(fund: Fund, at: Occurrence, values: dict[Any, Any]) -> str:
    spend, amount = _against(fund, values), _amount(values)
    if spend is None or not amount:
        return "no such spend or no amount"
    if at.role != HOLDER and at.user != spend.user:
        return "neither by the spender nor by the fund holder"
    if amount > spend.counted + spend.disputed:
        return "beyond what the spend still counts"
    from_disputed = min(amount, spend.disputed)
    spend.disputed -= from_disputed
    spend.counted -= amount - from_disputed
    fund.spent -= amount - from_disputed
    fund.unallocated += amount - from_disputed
    return ""


def _reclaim(fund: Fund, at: Occurrence, values: dict[Any, Any]) -> str:
    device = _id(values.get("device"))
    if at.role != HOLDER:
        return "not by the fund holder"
    return _give_back(fund, device, _amount(values))


def _give_back(fund: Fund, device: bytes | None, amount: int) -> str:
    if device is None or not 0 < amount <= fund.remaining.get(device, 0):
        return "beyond what the device has left"
    fund.remaining[device] -= amount
    fund.unallocated += amount
    return ""


def _returns(fund: Fund, at: Occurrence) -> list[str]:
    return [_return(fund, at, op.value) for op in at.change.ops if op.field == "returned" and op.action == "add"]


def _return(fund: Fund, at: Occurrence, row: Any) -> str:
    """A row added to `returned` of an allowance, by the device that it was made to. Each row stands or falls by itself."""
    device = fund.allowances.get(at.change.r)
    if device != at.device:
        return "not by the device that has the allowance"
    return _give_back(fund, device, _amount(row if isinstance(row, dict) else {}))


_LINES: Final = {
    "allotment": _allot, "spend": _spend, "cover": _cover, "refusal": _refuse, "refusal_repay": _refuse, "repaid": _repaid, "reversal": _reverse,
    "reclaim": _reclaim,
}  # fmt: skip


def pounds(pence: int) -> str:
    """How an amount is shown."""
    return f"£{pence // 100}.{pence % 100:02d}"
