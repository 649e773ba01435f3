"""Models too small to be wrong: what the fields of a record hold, where the money is, what root a tree has.

Written from the specification, not from the code that they judge, for clarity at any cost in time. They leave out signing and
deleting, which checks.py watches as properties.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared_schema import cbor, ids
from shared_schema.records import Field, RecordType
from sync.change import CellKey, FieldKey, Op, OpId
from sync.fold import Occurrence

CONTESTED = ("ask", "text", "worst")


@dataclass
class Value:
    """One op that stands."""

    id: OpId
    seq: int
    value: Any
    late: bool


@dataclass
class Slot:
    """One field: what stands, and each device's newest change that wrote it."""

    values: list[Value] = field(default_factory=list)
    newest: dict[bytes, OpId] = field(default_factory=dict)

    @property
    def contested(self) -> bool:
        return len({cbor.encode(one.value) for one in self.values}) > 1


def model_record(log: bytes, record: bytes, type_: RecordType | None, changes: Sequence[Occurrence]) -> dict[FieldKey, Slot]:
    """What stands in each field of an unsigned record after these changes, which are in log order."""
    creator = next((at for at in changes if ids.record_id(log, at.device, at.change.c) == record), None)
    evidence = type_ is not None and type_.weight in ("quick", "evidence", "ledger")
    slots: dict[FieldKey, Slot] = {}
    seen: dict[OpId, tuple[FieldKey, int]] = {}
    rows: set[OpId] = set()
    for at in changes:
        for i, op in enumerate(at.change.ops):
            op_id = OpId(at.device, at.change.c, i)
            spec = _spec(type_, op.field)
            named = [pred for pred in op.preds if pred in seen and _on(seen[pred][0], pred, op.field) and _known(seen[pred][1], pred, at)]
            _apply(slots, rows, seen, op_id, op, spec, named, at, creator, evidence)
            seen[op_id] = (op.field, at.seq)
    return slots


def _spec(type_: RecordType | None, key: FieldKey) -> Field | None:
    if type_ is None:
        return None
    if isinstance(key, CellKey):
        outer = type_.fields.get(key.list)
        return outer.cells.get(key.cell) if outer else None
    return type_.fields.get(key)


def _on(field_of: FieldKey, pred: OpId, key: FieldKey) -> bool:
    return field_of == key or (isinstance(key, CellKey) and field_of == key.list and pred == key.row)


def _known(seq: int, pred: OpId, at: Occurrence) -> bool:
    """A pred counts when its author's applied head covered it, or when it is the author's own."""
    return seq <= at.change.b or pred.device == at.device


def _apply(
    slots: dict[FieldKey, Slot],
    rows: set[OpId],
    seen: dict[OpId, tuple[FieldKey, int]],
    op_id: OpId,
    op: Op,
    spec: Field | None,
    named: list[OpId],
    at: Occurrence,
    creator: Occurrence | None,
    evidence: bool,
) -> None:
    if op.action in ("sign", "delete"):
        return
    merge = spec.merge if spec else None
    row_by_row = op.action in ("add", "remove")
    if row_by_row and (op.field == "state" if spec is None else merge not in ("set", "append")):
        return
    if spec is not None and not row_by_row and merge in ("set", "append"):
        return
    value = op.value[0] if op.action == "resolve" else op.value
    mine = Value(op_id, at.seq, value, at.late)
    if isinstance(op.field, CellKey) and (row_by_row or op.field.row not in rows or seen[op.field.row][0] != op.field.list):
        return
    slot = slots.setdefault(op.field, Slot())
    if row_by_row:
        if op.action == "add":
            slot.values.append(mine)
            if merge in (None, "append"):
                rows.add(op_id)
            _cells(slots, op, op_id, spec, at)
        elif merge != "append":
            slot.values = [one for one in slot.values if one.id not in named]
        return
    if merge == "once" and (isinstance(op.field, CellKey) or creator is None or at.device != creator.device):
        return
    if merge == "text" and (creator is None or at.user != creator.user) and not (op.action == "resolve" and slot.contested):
        return
    if op.field == "state" and not _state_may_be(value, slot, at, creator, evidence):
        return
    if op.field == "state" and value == "void":
        slot.values = [mine]
        return
    gone = {pred for pred in named if not (op.action == "set" and merge in CONTESTED and slot.contested and pred.device != at.device)}
    slot.values = [one for one in slot.values if one.id not in gone]
    if op_id < slot.newest.get(at.device, op_id):
        return
    slot.newest[at.device] = op_id
    slot.values = [one for one in slot.values if one.id.device != at.device] + [mine]


def _state_may_be(value: Any, slot: Slot, at: Occurrence, creator: Occurrence | None, evidence: bool) -> bool:
    """Void is the last word and its author's; of evidence every word is its author's; signed needs a signature beside it."""
    author = creator is not None and at.user == creator.user
    if "void" in [one.value for one in slot.values] or (not author and (value == "void" or evidence)):
        return False
    return value != "signed" or "sign" in [op.action for op in at.change.ops]


def _cells(slots: dict[FieldKey, Slot], op: Op, op_id: OpId, spec: Field | None, at: Occurrence) -> None:
    """A new row is the first value of those of its cells that may change."""
    if spec is None or spec.merge != "append" or not isinstance(op.value, dict) or not isinstance(op.field, str):
        return
    for name, cell in spec.cells.items():
        if cell.merge != "once" and name in op.value:
            slots[CellKey(op.field, op_id, name)] = Slot([Value(op_id, at.seq, op.value[name], at.late)], {at.device: op_id})


def model_shown(slot: Slot, spec: Field) -> Any:
    """What a person sees of a single-valued field; None for nothing, or for nothing that may be shown."""
    if not slot.values:
        return None
    if spec.merge in CONTESTED and slot.contested:
        if spec.while_conflicted == "stop":
            return None
        if spec.merge == "worst" or spec.while_conflicted == "strictest":
            return max(slot.values, key=lambda one: (spec.rank(one.value), one.seq)).value
        return None
    if spec.merge == "worst":
        return max(slot.values, key=lambda one: (spec.rank(one.value), one.seq)).value
    return max(slot.values, key=lambda one: (not one.late, one.seq, one.id.c)).value


# --- money -----------------------------------------------------------------------------------------------------------------


@dataclass
class Purse:
    """Where the money is, counted the slow way."""

    allotted: int = 0
    pot: int = 0
    left: dict[str, int] = field(default_factory=dict)
    spends: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def spent(self) -> int:
        return sum(spend["counted"] for spend in self.spends.values())

    @property
    def disputed(self) -> int:
        return sum(spend["disputed"] for spend in self.spends.values())


def model_fund(log: bytes, changes: Iterable[Occurrence]) -> Purse:
    """The fund after these changes, which are in log order."""
    purse = Purse()
    allowances: dict[bytes, str] = {}
    seen: set[tuple[bytes, int]] = set()
    for at in changes:
        if (at.device, at.change.c) in seen:
            continue
        seen.add((at.device, at.change.c))
        facts = {op.field: op.value for op in at.change.ops if op.action == "set"}
        new = ids.record_id(log, at.device, at.change.c) == at.change.r
        amount = facts.get("amount", 0)
        if at.change.t == "allowance" and new and at.role == "fund_holder" and 0 < amount <= purse.pot:
            purse.pot -= amount
            purse.left[facts["device"]] = purse.left.get(facts["device"], 0) + amount
            allowances[at.change.r] = facts["device"]
        elif at.change.t == "allowance" and not new:
            _give_back(purse, allowances, at)
        elif at.change.t == "fund_line" and new and amount > 0:
            _line(purse, facts, amount, at)
    return purse


def _give_back(purse: Purse, allowances: dict[bytes, str], at: Occurrence) -> None:
    device = allowances.get(at.change.r)
    for op in at.change.ops:
        if op.field == "returned" and op.action == "add" and device == ids.show(at.device) and 0 < op.value["amount"] <= purse.left[device]:
            purse.left[device] -= op.value["amount"]
            purse.pot += op.value["amount"]


def _line(purse: Purse, facts: dict[Any, Any], amount: int, at: Occurrence) -> None:
    kind, me, holder = facts["kind"], ids.show(at.device), at.role == "fund_holder"
    spend = purse.spends.get(facts.get("against", ""))
    if kind == "allotment" and holder:
        purse.allotted += amount
        purse.pot += amount
    elif kind == "spend" and facts["spend_id"] not in purse.spends:
        fits = amount <= purse.left.get(me, 0)
        purse.left[me] = purse.left.get(me, 0) - amount * fits
        purse.spends[facts["spend_id"]] = {"user": at.user, "counted": amount * fits, "disputed": amount * (not fits), "refused": 0, "owed": 0}
    elif kind in ("cover", "refusal", "refusal_repay") and holder and spend and at.user != spend["user"] and amount <= spend["disputed"]:
        pays = kind == "cover"
        if not pays or amount <= purse.pot:
            purse.pot -= amount * pays
            spend["disputed"] -= amount
            spend["counted"] += amount * pays
            spend["refused"] += amount * (not pays)
            spend["owed"] += amount * (kind == "refusal_repay")
    elif kind == "repaid" and holder and spend and at.user != spend["user"] and amount <= spend["owed"]:
        spend["owed"] -= amount
    elif kind == "reversal" and spend and (holder or at.user == spend["user"]) and amount <= spend["counted"] + spend["disputed"]:
        first = min(amount, spend["disputed"])
        spend["disputed"] -= first
        spend["counted"] -= amount - first
        purse.pot += amount - first
    elif kind == "reclaim" and holder and amount <= purse.left.get(facts.get("device", ""), 0):
        purse.left[facts["device"]] -= amount
        purse.pot += amount


# --- trees -----------------------------------------------------------------------------------------------------------------


def model_root(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962 MTH over leaf data, as its section 2.1 writes it."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\1" + model_root(leaves[:split]) + model_root(leaves[split:])).digest()


def model_leaf(salt: bytes, event: bytes) -> bytes:
    """The data of an event's leaf."""
    return hashlib.sha256(b"fieldkeep/v1/event\0" + salt + event).digest()
