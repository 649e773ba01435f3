"""From the changes of a log to its records (docs/spec.md §5.3).

Always from scratch for one record, so that batching, page sizes, restarts and caching cannot change the outcome (I13).
No clock decides anything: order is the log's.
"""

import gc
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from shared_schema import ids
from shared_schema.records import Field
from sync.change import CellKey, Change, FieldKey, Op, OpId
from sync.fold.hidden import is_hidden
from sync.fold.model import (
    CONTESTED,
    FREEZING,
    FREEZING_WEIGHTS,
    MANY,
    STATE,
    VOID,
    Live,
    Occurrence,
    Record,
    Register,
    Signature,
    Types,
    field_of,
    has_ended,
)
from sync.fold.senses import in_conflict, senses

_new: Final = tuple.__new__  # what a named tuple's own does, at half the price


def fold_log(log: bytes, occurrences: Iterable[Occurrence], types: Types) -> dict[bytes, Record]:
    """All records of a log, by id, from its changes in log order. Each (device, c) counts once: the first."""
    with _uncollected():
        return _fold_log(log, occurrences, types)


@contextmanager
def _uncollected() -> Iterator[None]:
    """No garbage collection meanwhile. A fold makes tens of objects for each change and not one cycle; the collector walked them again and
    again, which was half of the time.
    """
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()


def _fold_log(log: bytes, occurrences: Iterable[Occurrence], types: Types) -> dict[bytes, Record]:
    by_record: dict[bytes, list[Occurrence]] = {}
    seen: dict[tuple[bytes, int], Change] = {}
    repeated: list[tuple[bytes, OpId]] = []
    for occurrence in occurrences:
        change = occurrence.change
        key = (occurrence.device, change.c)
        first = seen.get(key)
        if first is not None:
            if first.ops != change.ops or first.r != change.r:
                repeated.append((first.r, OpId(*key, 0)))
            continue
        seen[key] = change
        by_record.setdefault(change.r, []).append(occurrence)
    records = {record: fold_record(log, record, changes, types) for record, changes in by_record.items()}
    for record, op in repeated:
        records[record].flags.append((op, "repeated-with-other-content"))
    return records


def fold_record(log: bytes, record: bytes, occurrences: list[Occurrence], types: Types) -> Record:
    """One record from its changes in log order; each (device, c) at most once."""
    return _Folding(log, record, occurrences, types).run()


class _Folding:
    """One fold of one record."""

    def __init__(self, log: bytes, record: bytes, occurrences: list[Occurrence], types: Types) -> None:
        self.record = Record(record)
        self.occurrences = occurrences
        self.places: dict[OpId, Occurrence] = {}
        self.deletions: list[tuple[OpId, int]] = []
        self.joined: dict[OpId, Live] = {}  # every op that ever was live: only these can be frozen by a signature
        self.rows: set[OpId] = set()
        self.gone = senses(occurrences) if any(occurrence.stub for occurrence in occurrences) else {}
        self.frozen = False  # by the first signature of the person who made the record
        for occurrence in occurrences:
            change = occurrence.change
            if ids.record_id(log, occurrence.device, change.c) == record:
                self.record.type, self.record.version = change.t, change.s
                self.record.creator, self.record.creator_user = occurrence.device, occurrence.user
                self.record.created_seq = occurrence.seq
                break
        self.type = types.get(self.record.type)
        self.fields: Mapping[str, Field] = self.type.fields if self.type else {}

    def run(self) -> Record:
        for occurrence in self.occurrences:
            device, c, signs = occurrence.device, occurrence.change.c, list[tuple[OpId, Op]]()
            for i, op in enumerate(occurrence.change.ops):
                op_id = _new(OpId, (device, c, i))
                if op.action == "sign":
                    signs.append((op_id, op))  # with the others of its change, when all of it has been applied
                elif op.action == "delete":
                    self._delete(op_id, occurrence)
                else:
                    self._apply(op_id, op, occurrence)
                self.places[op_id] = occurrence
            if signs:
                self._sign(signs, occurrence)
        if self.occurrences:
            self.record.last_seq = max(occurrence.seq for occurrence in self.occurrences)
        if self.deletions:
            self.record.hidden = is_hidden(self.places, self.deletions)
        return self.record

    def _apply(self, op_id: OpId, op: Op, at: Occurrence) -> None:
        action, key = op.action, op.field
        if isinstance(key, CellKey):
            self._cell(op_id, op, key, at)
            return
        spec = self.fields.get(key)
        of_many = action == "add" or action == "remove"
        many = spec.merge in MANY if spec else of_many and key != STATE
        if many != of_many:
            self._flag(op_id, "action-does-not-fit-field")
            return
        register = self.record.registers.get(key)
        if register is None:
            register = self.record.registers[key] = Register()
        if many:
            self._many(op_id, op, key, register, spec, at)
        else:
            self._single(op_id, op, key, register, spec.merge if spec else "unknown", at)

    def _flag(self, op_id: OpId, why: str) -> None:
        self.record.flags.append((op_id, why))

    def _register(self, key: FieldKey) -> Register:
        register = self.record.registers.get(key)
        if register is None:
            register = self.record.registers[key] = Register()
        return register

    def _live(self, op_id: OpId, op: Op, at: Occurrence) -> Live:
        value, reason = op.value if op.action == "resolve" else (op.value, None)
        gone = self.gone.get((op.field, op_id)) if self.gone else None
        return _new(Live, (op_id, at.seq, at.user, value, at.change.at, at.late, reason, gone, at.role))

    def _named(self, op_id: OpId, op: Op, at: Occurrence) -> list[OpId]:
        """The preds that count: earlier ops on this field that the author had seen or had made itself."""
        counted = []
        for pred in op.preds:
            place = self.places.get(pred)
            if (
                place is not None
                and self._same_field(field_of(pred, place), pred, op.field)
                and (place.seq <= at.change.b or pred.device == at.device)
            ):
                counted.append(pred)
            else:
                self._flag(op_id, "names-an-op-it-cannot-have-seen")
        return counted

    @staticmethod
    def _same_field(field_of_pred: FieldKey, pred: OpId, key: FieldKey) -> bool:
        if isinstance(key, CellKey):
            return field_of_pred == key or (field_of_pred == key.list and pred == key.row)
        return field_of_pred == key

    def _is_frozen(self, key: str, merge: str) -> bool:
        return self.frozen and merge in FREEZING and key != STATE

    def _single(self, op_id: OpId, op: Op, key: str, register: Register, merge: str, at: Occurrence) -> None:
        own = at.user == self.record.creator_user
        said = self._live(op_id, op, at)
        if (merge == "once" and at.device != self.record.creator) or (key == STATE and not self._may_say(said.value, register, at, own=own)):
            proposes = True
        elif (merge == "text" and not own) or self._is_frozen(key, merge):
            proposes = not (op.action == "resolve" and in_conflict(register))
        else:
            proposes = False
        if proposes:
            register.propose(said)
        elif key == STATE and said.value == VOID:
            self._end(register, op_id, op, said, at)
        else:
            self._join(register, op, merge, said, at)

    def _may_say(self, state: Any, register: Register, at: Occurrence, *, own: bool) -> bool:
        """Whether a record's `state` may be set so: void is its author's word and the last one, signed goes with a signature."""
        if has_ended(register):
            return False
        if state == VOID:
            return own
        freezing = self.type is not None and self.type.weight in FREEZING_WEIGHTS
        if freezing and (self.frozen or not own):
            return False
        return state != "signed" or any(op.action == "sign" for op in at.change.ops)

    def _end(self, register: Register, op_id: OpId, op: Op, said: Live, at: Occurrence) -> None:
        """The last word: it alone is live, whatever its device said under a later counter."""
        self._named(op_id, op, at)
        self.joined[op_id] = said
        register.hold([said])

    def _join(self, register: Register, op: Op, merge: str, said: Live, at: Occurrence) -> None:
        """The multi-value register: remove what is named, remove one's own older ops, join unless one's own newer op was folded.

        In a contested field that is in conflict, a `set` removes nothing of another device's.
        """
        op_id = said.id
        if op.preds or register.live:
            contested = op.action == "set" and merge in CONTESTED and in_conflict(register)
            for pred in self._named(op_id, op, at):
                if not contested or pred.device == at.device:
                    register.drop(pred)
        newest = register.newest_of(at.device)
        if newest is None or newest < op_id:
            self.joined[op_id] = said
            register.join(said)

    def _many(self, op_id: OpId, op: Op, key: str, register: Register, spec: Field | None, at: Occurrence) -> None:
        if self._is_frozen(key, spec.merge if spec else "unknown"):
            register.propose(self._live(op_id, op, at))
        elif op.action == "add":
            self.joined[op_id] = said = self._live(op_id, op, at)
            if spec is None:
                register.remember()  # this op does not join
            register.put(said)
            if spec is None or spec.merge == "append":
                self.rows.add(op_id)
            if spec is not None and spec.cells:
                self._begin_cells(op_id, op, key, spec, at)
        elif spec is not None and spec.merge == "append":
            self._flag(op_id, "rows-are-never-removed")
        else:
            for pred in self._named(op_id, op, at):
                register.drop(pred)

    def _begin_cells(self, op_id: OpId, op: Op, key: str, spec: Field, at: Occurrence) -> None:
        if not isinstance(op.value, dict):
            return
        for cell, cell_spec in spec.cells.items():
            if cell_spec.merge != "once" and cell in op.value:
                cell_key = CellKey(key, op_id, cell)
                gone = self.gone.get((cell_key, op_id))
                self._register(cell_key).join(Live(op_id, at.seq, at.user, op.value[cell], at.change.at, at.late, None, gone))

    def _cell(self, op_id: OpId, op: Op, key: CellKey, at: Occurrence) -> None:
        spec = self.fields.get(key.list)
        cell = spec.cells.get(key.cell) if spec else None
        if key.row not in self.rows or field_of(key.row, self.places[key.row]) != key.list:
            self._flag(op_id, "names-a-row-that-is-not-there")
        elif op.action not in ("set", "resolve") or (cell is not None and cell.merge == "once"):
            self._flag(op_id, "action-does-not-fit-field")
        else:
            self._join(self._register(key), op, cell.merge if cell else "unknown", self._live(op_id, op, at), at)

    def _sign(self, signs: list[tuple[OpId, Op]], at: Occurrence) -> None:
        known: dict[OpId, None] = {}
        for op_id, op in signs:
            there = [pred for pred in op.preds if pred in self.places]
            if len(there) < len(op.preds):
                self._flag(op_id, "signs-an-op-that-is-not-there")
            known |= dict.fromkeys(there)
        self.record.signatures.append(Signature(signs[0][0], at.seq, at.user, tuple(known)))
        own = at.user == self.record.creator_user
        if own and not self.frozen and self.type is not None and self.type.weight in FREEZING_WEIGHTS:
            self.frozen = True
            self._freeze({pred: self.joined[pred] for pred in known if pred in self.joined})

    def _freeze(self, signed: dict[OpId, Live]) -> None:
        """From here on the fields of freezing policies hold the signed ops; what else was live is a proposal."""
        by_field: dict[FieldKey, list[Live]] = {}
        for op_id, op in signed.items():
            by_field.setdefault(field_of(op_id, self.places[op_id]), []).append(op)
        for key, register in self.record.registers.items():
            if isinstance(key, CellKey) or not self._is_frozen(key, self._merge(key)):
                continue
            for op_id, op in register.live.items():
                if op_id not in signed:
                    register.propose(op)
            register.hold(by_field.get(key, []))

    def _merge(self, key: str) -> str:
        spec = self.fields.get(key)
        return spec.merge if spec else "unknown"

    def _delete(self, op_id: OpId, at: Occurrence) -> None:
        if self.type is not None and not self.type.deletable:
            self._flag(op_id, "this-type-is-not-deletable")
        else:
            self.deletions.append((op_id, at.change.b))
