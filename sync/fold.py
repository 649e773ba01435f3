"""Fold: from the changes of a log to the records that a person sees (docs/spec.md §5).  Vectors: shared_schema/vectors/fold/.

Pure, and always from scratch for one record, so that batching, page sizes, restarts and caching cannot change the outcome (I13).
No clock decides anything: order is the log's.
"""

import gc
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, Final, NamedTuple

from shared_schema import cbor, ids
from shared_schema.records import Field, RecordType
from shared_schema.shape import as_text, as_tuple, as_uint
from sync.change import DELETED, CellKey, Change, FieldKey, Op, OpId

PENDING: Final = 2**53 - 1  # the seq of changes that are not in the log yet
FREEZING: Final = frozenset({"once", "text", "ask", "worst", "set"})
FREEZING_WEIGHTS: Final = frozenset({"quick", "evidence", "ledger"})
STATE: Final = "state"
VOID: Final = "void"
CONTESTED: Final = frozenset({"ask", "text", "worst"})
GONE: Final = "expunged"  # in a stub, a map with this key stands for a value (sync/stub.py)
Types = Mapping[str, RecordType]


class Occurrence(NamedTuple):
    """A change at its place. `role` is the author's role in the file there; `late` marks held work that was admitted, `stub` what stands for
    an expunged part.
    """

    seq: int
    received_ms: int
    device: bytes
    user: bytes
    role: str
    change: Change
    late: bool = False
    stub: bool = False


class Live(NamedTuple):
    """An op in a live set: who said what, in which role in the file, where in the log. `sense` is what it is compared by, where that is not the
    value itself.
    """

    id: OpId
    seq: int
    user: bytes
    value: Any
    at: int
    late: bool
    reason: str | None
    sense: bytes | None = None
    role: str = ""


class Signature(NamedTuple):
    """The `sign` ops of one change, named by the first of them: who signed which ops, and where."""

    id: OpId
    seq: int
    user: bytes
    signs: tuple[OpId, ...]


@dataclass(slots=True)
class Register:
    """One field's live ops, and the ops that may only be read as proposals. Mutable while folding only."""

    live: dict[OpId, Live] = field(default_factory=dict)
    proposals: list[Live] = field(default_factory=list)
    newest: dict[bytes, OpId] = field(default_factory=dict)
    by_device: dict[bytes, set[OpId]] = field(default_factory=dict)

    def put(self, op: Live) -> None:
        """`op` becomes live."""
        self.live[op.id] = op
        self.by_device.setdefault(op.id.device, set()).add(op.id)

    def drop(self, op_id: OpId) -> None:
        """The op, if it is live, is no longer."""
        if self.live.pop(op_id, None) is not None:
            self.by_device[op_id.device].discard(op_id)

    def drop_all_of(self, device: bytes) -> None:
        """No op of the device is live any longer."""
        for op_id in self.by_device.pop(device, ()):
            del self.live[op_id]

    def hold(self, ops: list[Live]) -> None:
        """Just these are live."""
        self.live, self.by_device = {}, {}
        for op in ops:
            self.put(op)


@dataclass(slots=True)
class Record:
    """A folded record. `type` is empty until its creating change is in the log; `flags` say what was ignored and why."""

    id: bytes
    type: str = ""
    version: int = 0
    creator: bytes = b""
    creator_user: bytes = b""
    created_seq: int = 0
    registers: dict[FieldKey, Register] = field(default_factory=dict)
    signatures: list[Signature] = field(default_factory=list)
    hidden: bool = False
    flags: list[tuple[OpId, str]] = field(default_factory=list)
    last_seq: int = 0

    @property
    def pending(self) -> bool:
        """True when part of it is not in the log yet."""
        return self.last_seq == PENDING


def same(first: Any, second: Any) -> bool:
    """Equality of values: as deterministic bytes."""
    return first is second or cbor.encode(first) == cbor.encode(second)


def is_marker(value: Any) -> bool:
    """True for what stands for a value, or for a row, in a stub."""
    return type(value) is dict and GONE in value


def like_of(marker: dict[str, Any]) -> OpId | None:
    """The op that a marker says the same as, if it names one. Raises Malformed."""
    if marker[GONE] is None:
        return None
    device, c, i = as_tuple(marker[GONE], GONE, 3)
    return OpId(ids.parse(as_text(device, "device")), as_uint(c, "c", 1), as_uint(i, "i"))


def said(op_id: OpId, op: Op) -> Iterator[tuple[FieldKey, Any]]:
    """What an op says of its field, and of the cells of the row that it begins."""
    if op.action == "resolve":
        yield op.field, op.value[0]
    elif op.action in ("set", "add"):
        yield op.field, op.value
    if op.action == "add" and type(op.value) is dict and isinstance(op.field, str):
        for cell, value in op.value.items():
            yield CellKey(op.field, op_id, cell), value


_OF_AN_OP: Final = b"\xff"  # no CBOR begins like that


def senses(occurrences: Iterable[Occurrence]) -> dict[tuple[FieldKey, OpId], bytes]:
    """Of one record's ops what each value is compared by, where one of them was expunged: that of the op which the stub says is the same, or else its own."""
    told: dict[tuple[FieldKey, OpId], bytes] = {}
    likes: dict[tuple[FieldKey, OpId], OpId] = {}
    for at in occurrences:
        for i, op in enumerate(at.change.ops):
            op_id = OpId(at.device, at.change.c, i)
            for key, value in said(op_id, op):
                if at.stub and is_marker(value):
                    likes[key, op_id] = like_of(value) or op_id
                else:
                    told[key, op_id] = cbor.encode(value)
    for key, op_id in likes:
        root = _root(likes, key, op_id)
        told.setdefault((key, op_id), told.get((key, root), _OF_AN_OP + cbor.encode(list(root))))
    return told


def _root(likes: Mapping[tuple[FieldKey, OpId], OpId], key: FieldKey, op_id: OpId) -> OpId:
    """Where a chain of what says the same ends; of a circle its smallest op, wherever it was entered."""
    path = [op_id]
    while (like := likes.get((key, path[-1]))) is not None:
        if like in path:
            return min(path[path.index(like) :])
        path.append(like)
    return path[-1]


def sense(op: Live) -> bytes:
    """What two values are compared by: their deterministic bytes; of what was expunged, the op that said it first."""
    return cbor.encode(op.value) if op.sense is None else op.sense


def saying(op: Live) -> Any:
    """An op's value; where it was expunged, that of an op which says the same and is still there."""
    known = op.sense is not None and is_marker(op.value) and not op.sense.startswith(_OF_AN_OP)
    return cbor.decode(op.sense) if known and op.sense is not None else op.value


def distinct(live: Iterable[Live]) -> list[Any]:
    """The different values of a live set, in log order. Where one of two that are the same was expunged, the other is shown."""
    seen: dict[bytes, Live] = {}
    for op in live:
        known = seen.setdefault(sense(op), op)
        if is_marker(known.value) and not is_marker(op.value):
            seen[sense(op)] = op
    return [op.value for op in seen.values()]


def in_conflict(register: Register) -> bool:
    """True when the live ops hold two different values."""
    return len(register.live) > 1 and len({sense(op) for op in register.live.values()}) > 1


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
        self.places: dict[OpId, tuple[FieldKey, int]] = {}
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
            signs: list[tuple[OpId, Op]] = []
            for i, op in enumerate(occurrence.change.ops):
                op_id = OpId(occurrence.device, occurrence.change.c, i)
                self._apply(op_id, op, occurrence)
                if op.action == "sign":
                    signs.append((op_id, op))
            if signs:
                self._sign(signs, occurrence)
        if self.occurrences:
            self.record.last_seq = max(occurrence.seq for occurrence in self.occurrences)
        if self.deletions:
            self.record.hidden = self._is_hidden()
        return self.record

    def _apply(self, op_id: OpId, op: Op, at: Occurrence) -> None:
        action, key = op.action, op.field
        if action == "delete":
            self._delete(op_id, at)
        elif action == "sign":
            pass  # with the others of its change, when all of it has been applied
        elif isinstance(key, CellKey):
            self._cell(op_id, op, key, at)
        else:
            spec = self.fields.get(key)
            many = spec.merge in ("set", "append") if spec else action in ("add", "remove") and key != STATE
            if many != (action in ("add", "remove")):
                self._flag(op_id, "action-does-not-fit-field")
            elif many:
                self._many(op_id, op, key, spec, at)
            else:
                self._single(op_id, op, key, spec.merge if spec else "unknown", at)
        self.places[op_id] = (key, at.seq)

    def _flag(self, op_id: OpId, why: str) -> None:
        self.record.flags.append((op_id, why))

    def _register(self, key: FieldKey) -> Register:
        register = self.record.registers.get(key)
        if register is None:
            register = self.record.registers[key] = Register()
        return register

    def _live(self, op_id: OpId, op: Op, at: Occurrence) -> Live:
        value, reason = op.value, None
        if op.action == "resolve":
            value, reason = op.value
        return Live(op_id, at.seq, at.user, value, at.change.at, at.late, reason, self.gone.get((op.field, op_id)), at.role)

    def _named(self, op_id: OpId, op: Op, at: Occurrence) -> list[OpId]:
        """The preds that count: earlier ops on this field that the author had seen or had made itself."""
        counted = []
        for pred in op.preds:
            place = self.places.get(pred)
            if place is not None and self._same_field(place[0], pred, op.field) and (place[1] <= at.change.b or pred.device == at.device):
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

    def _single(self, op_id: OpId, op: Op, key: str, merge: str, at: Occurrence) -> None:
        register = self._register(key)
        own = at.user == self.record.creator_user
        said = self._live(op_id, op, at)
        if (merge == "once" and at.device != self.record.creator) or (key == STATE and not self._may_say(said.value, register, at, own=own)):
            proposes = True
        elif (merge == "text" and not own) or self._is_frozen(key, merge):
            proposes = not (op.action == "resolve" and in_conflict(register))
        else:
            proposes = False
        if proposes:
            register.proposals.append(said)
        elif key == STATE and said.value == VOID:
            self._end(register, op_id, op, said, at)
        else:
            self._join(register, op_id, op, merge, at)

    def _may_say(self, state: Any, register: Register, at: Occurrence, *, own: bool) -> bool:
        """Whether a record's `state` may be set so: void is its author's word and the last one, signed goes with a signature."""
        if _has_ended(register):
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

    def _join(self, register: Register, op_id: OpId, op: Op, merge: str, at: Occurrence) -> None:
        """The multi-value register: remove what is named, remove one's own older ops, join unless one's own newer op was folded.

        In a contested field that is in conflict, a `set` removes nothing of another device's.
        """
        contested = op.action == "set" and merge in CONTESTED and in_conflict(register)
        for pred in self._named(op_id, op, at):
            if not contested or pred.device == at.device:
                register.drop(pred)
        newest = register.newest.get(at.device)
        if newest is not None and newest > op_id:
            return
        register.drop_all_of(at.device)
        register.newest[at.device] = op_id
        self.joined[op_id] = self._live(op_id, op, at)
        register.put(self.joined[op_id])

    def _many(self, op_id: OpId, op: Op, key: str, spec: Field | None, at: Occurrence) -> None:
        register = self._register(key)
        if self._is_frozen(key, spec.merge if spec else "unknown"):
            register.proposals.append(self._live(op_id, op, at))
        elif op.action == "add":
            self.joined[op_id] = self._live(op_id, op, at)
            register.put(self.joined[op_id])
            if spec is None or spec.merge == "append":
                self.rows.add(op_id)
            if spec is not None and spec.merge == "append":
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
                register = self._register(CellKey(key, op_id, cell))
                gone = self.gone.get((CellKey(key, op_id, cell), op_id))
                register.put(Live(op_id, at.seq, at.user, op.value[cell], at.change.at, at.late, None, gone))
                register.newest[at.device] = op_id

    def _cell(self, op_id: OpId, op: Op, key: CellKey, at: Occurrence) -> None:
        spec = self.fields.get(key.list)
        cell = spec.cells.get(key.cell) if spec else None
        if key.row not in self.rows or self.places[key.row][0] != key.list:
            self._flag(op_id, "names-a-row-that-is-not-there")
        elif op.action not in ("set", "resolve") or (cell is not None and cell.merge == "once"):
            self._flag(op_id, "action-does-not-fit-field")
        else:
            self._join(self._register(key), op_id, op, cell.merge if cell else "unknown", at)

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
            by_field.setdefault(self.places[op_id][0], []).append(op)
        for key, register in self.record.registers.items():
            if isinstance(key, CellKey) or not self._is_frozen(key, self._merge(key)):
                continue
            register.proposals += [op for op_id, op in register.live.items() if op_id not in signed]
            register.hold(by_field.get(key, []))

    def _merge(self, key: str) -> str:
        spec = self.fields.get(key)
        return spec.merge if spec else "unknown"

    def _delete(self, op_id: OpId, at: Occurrence) -> None:
        if self.type is not None and not self.type.deletable:
            self._flag(op_id, "this-type-is-not-deletable")
        else:
            self.deletions.append((op_id, at.change.b))

    def _is_hidden(self) -> bool:
        """True when for one deletion every other op was seen by the deleting device, or is its own earlier one."""
        by_device: dict[bytes, list[tuple[int, int]]] = {}
        for op_id, (key, seq) in self.places.items():
            if key != DELETED:
                by_device.setdefault(op_id.device, []).append((op_id.c, seq))
        later = {device: _Later(sorted(ops)) for device, ops in by_device.items()}
        newest = sorted(((one.newest[0], device) for device, one in later.items()), reverse=True)[:2]
        for deletion, seen in self.deletions:
            others = next((seq for seq, device in newest if device != deletion.device), 0)
            own = later[deletion.device].after(deletion.c) if deletion.device in later else 0
            if max(others, own) <= seen:
                return True
        return False


class _Later:
    """One device's ops by counter: answers in logarithmic time where the newest after a counter stands."""

    def __init__(self, ops: list[tuple[int, int]]) -> None:
        self.counters = [c for c, _ in ops]
        self.newest = list(accumulate((seq for _, seq in reversed(ops)), max))[::-1]

    def after(self, c: int) -> int:
        """The highest place of an op with a counter above `c`; 0 for none."""
        at = bisect_right(self.counters, c)
        return self.newest[at] if at < len(self.newest) else 0


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
        row[name] = _effective(tuple(register.live.values()), cell.merge if cell else "unknown", cell, in_conflict(register))
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
    return state is not None and _has_ended(state)


def _has_ended(state: Register) -> bool:
    return any(op.value == VOID for op in state.live.values())


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


def state_hash(records: Mapping[bytes, Record]) -> bytes:
    """One hash over all live sets, signatures and hidden marks: equal on devices with equal grants and heads (I2)."""
    digest = [_record_digest(records[key]) for key in sorted(records)]
    return ids.sha256(b"".join(digest))


def _record_digest(record: Record) -> bytes:
    fields = sorted(
        ((cbor.encode(_key(key)), register) for key, register in record.registers.items() if register.live or register.proposals),
        key=lambda pair: pair[0],
    )
    body = [[cbor.Raw(key), [_ops(register.live.values()), _ops(register.proposals)]] for key, register in fields]
    signed = [[list(signature.id), [list(op) for op in signature.signs]] for signature in record.signatures]
    return cbor.encode([record.id, record.type, record.version, body, signed, record.hidden])


def _ops(live: Iterable[Live]) -> list[Any]:
    return [[list(op.id), cbor.Raw(cbor.encode(op.value))] for op in sorted(live, key=lambda op: op.id)]


def _key(key: FieldKey) -> Any:
    return key if isinstance(key, str) else [key.list, list(key.row), key.cell]
