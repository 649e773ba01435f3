"""What a person sees of a folded record, and what waits for somebody's decision (docs/spec.md §5.4)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared_schema.records import Field
from sync.change import CellKey, FieldKey, OpId
from sync.fold.model import CONTESTED, STATE, Live, Record, Register, Types, has_ended
from sync.fold.senses import GONE, distinct, in_conflict, saying, sense


@dataclass(frozen=True, slots=True)
class Shown:
    """What a person sees of one field. `value` is None when there is none, and under `stop`; `siblings` are all live ops."""

    value: Any
    conflict: bool
    stop: bool
    siblings: tuple[Live, ...]
    proposals: tuple[Live, ...]


Cells = Mapping[tuple[str, OpId], list[tuple[str, Register]]]


def show(record: Record, types: Types) -> dict[str, Shown]:
    """The effective value of every field that has one, by the merge policy of its schema."""
    type_ = types.get(record.type)
    fields: Mapping[str, Field] = type_.fields if type_ else {}
    cells: dict[tuple[str, OpId], list[tuple[str, Register]]] = {}
    for key, register in record.registers.items():
        if isinstance(key, CellKey) and register.live:
            cells.setdefault((key.list, key.row), []).append((key.cell, register))
    return {key: _show(key, register, fields.get(key), cells) for key, register in record.registers.items() if isinstance(key, str)}


def _show(key: str, register: Register, spec: Field | None, cells: Cells) -> Shown:
    live = tuple(register.live.values())
    merge = spec.merge if spec else "unknown"
    proposals = tuple(register.proposals)
    if merge == "append" or (spec is None and any((key, op.id) in cells for op in live)):
        return Shown([_row(key, op, spec, cells) for op in live], False, False, live, proposals)
    if merge == "set" or (spec is None and len(live) > 1):
        return Shown(distinct(live), False, False, live, proposals)
    conflict = merge in CONTESTED and in_conflict(register)
    stop = conflict and spec is not None and spec.while_conflicted == "stop"
    return Shown(None if stop else _effective(live, merge, spec, conflict), conflict, stop, live, proposals)


def _row(key: str, op: Live, spec: Field | None, cells: Cells) -> Any:
    """A row with its cells as they are now; cells that the schema does not know are shown too."""
    if not isinstance(op.value, dict):
        return op.value
    row = {cell: value for cell, value in op.value.items() if cell != GONE or op.sense is None}
    for name, register in cells.get((key, op.id), ()):
        cell = spec.cells.get(name) if spec else None
        live = tuple(register.live.values())
        several = cell is None and len(live) > 1
        row[name] = distinct(live) if several else _effective(live, cell.merge if cell else "unknown", cell, in_conflict(register))
    return row


def _place(op: Live) -> tuple[int, int, int]:
    return op.seq, op.id.c, op.id.i


def _effective(live: tuple[Live, ...], merge: str, spec: Field | None, conflict: bool) -> Any:
    if not live:
        return None
    if spec is not None and len(live) > 1 and (merge == "worst" or (conflict and spec.while_conflicted == "strictest")):
        return saying(max(live, key=lambda op: (spec.rank(op.value), _place(op))))
    if len(live) > 1 and conflict and merge in CONTESTED:
        return None
    return saying(max(live, key=lambda op: (not op.late, _place(op))))


def is_void(record: Record) -> bool:
    """True when its author has taken the record back."""
    state = record.registers.get(STATE)
    return state is not None and has_ended(state)


def conflicts(record: Record, types: Types) -> list[FieldKey]:
    """The fields of a record that are in conflict and need somebody's decision; of one that is void none does."""
    type_ = types.get(record.type)
    if type_ is None or record.hidden or is_void(record):
        return []
    found: list[FieldKey] = []
    for key, register in record.registers.items():
        spec = type_.fields.get(key if isinstance(key, str) else key.list)
        if spec is not None and isinstance(key, CellKey):
            spec = spec.cells.get(key.cell)
        if spec is not None and spec.merge in CONTESTED and in_conflict(register):
            found.append(key)
    return found


def unweighed(record: Record, types: Types) -> dict[FieldKey, list[Live]]:
    """Proposals in contested fields that say something else than the field shows, and that no signature of the record's author names yet.

    A record that is void waits for nobody.
    """
    type_ = types.get(record.type)
    if type_ is None or record.hidden or is_void(record):
        return {}
    read = {op for signature in record.signatures if signature.user == record.creator_user for op in signature.signs}
    found: dict[FieldKey, list[Live]] = {}
    for key, register in record.registers.items():
        spec = type_.fields.get(key) if isinstance(key, str) else None
        if spec is not None and spec.merge in CONTESTED and register.proposals:
            stands = {sense(op) for op in register.live.values()}
            waiting = [op for op in register.proposals if op.id not in read and sense(op) not in stands]
            if waiting:
                found[key] = waiting
    return found


def out_of_role(record: Record, types: Types) -> dict[FieldKey, list[Live]]:
    """What stands or is proposed in a record though the schema gives it to other roles than its author's (§5.4): shown and marked, and nothing else."""
    type_ = types.get(record.type)
    if type_ is None:
        return {}
    found: dict[FieldKey, list[Live]] = {}
    for key, register in record.registers.items():
        spec = type_.fields.get(key if isinstance(key, str) else key.list)
        ops = [*register.live.values(), *register.proposals]
        marked = [op for op in ops if spec is not None and spec.write and op.reason is None and op.role not in spec.write]
        if isinstance(key, CellKey):
            marked = [op for op in marked if op.id != key.row]  # the cell as its row began: the row is marked
        if marked and key != STATE:
            found[key] = marked
    return found
