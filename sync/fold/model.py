"""What a fold takes and makes: changes at their places, and records of registers (docs/spec.md §5.2, §5.3)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from shared_schema.records import RecordType
from sync.change import Change, FieldKey, OpId

PENDING: Final = 2**53 - 1  # the seq of changes that are not in the log yet
FREEZING: Final = frozenset({"once", "text", "ask", "worst", "set"})
FREEZING_WEIGHTS: Final = frozenset({"quick", "evidence", "ledger"})
MANY: Final = frozenset({"set", "append"})
STATE: Final = "state"
VOID: Final = "void"
CONTESTED: Final = frozenset({"ask", "text", "worst"})
_FEW: Final = 8  # live ops that are looked through
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


def field_of(op_id: OpId, at: Occurrence) -> FieldKey:
    """The field of an op that was said there."""
    return at.change.ops[op_id.i].field


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
    """One field's live ops, and the ops that may only be read as proposals. Mutable while folding only.

    Nearly all hold one op for ever: what is of use only when a second comes is made then.
    """

    live: dict[OpId, Live] = field(default_factory=dict)
    proposals: list[Live] | tuple[()] = ()
    newest: dict[bytes, OpId] | None = None
    """The newest op of each device that joined. As long as there is none, every op that joined is live."""
    by_device: dict[bytes, set[OpId]] | None = None
    """Which ops are live of whom; made when there are many, which is seldom."""

    def put(self, op: Live) -> None:
        """`op` becomes live."""
        self.live[op.id] = op
        if self.by_device is not None:
            self.by_device.setdefault(op.id.device, set()).add(op.id)

    def join(self, op: Live) -> None:
        """`op` becomes live, as the newest of its device and the only one."""
        device = op.id.device
        if self.live:
            self._drop_all_of(device)
        if self.newest is not None:
            self.newest[device] = op.id
        self.put(op)

    def propose(self, op: Live) -> None:
        """`op` may only be read."""
        if self.proposals:
            self.proposals.append(op)
        else:
            self.proposals = [op]

    def drop(self, op_id: OpId) -> None:
        """The op, if it is live, is no longer."""
        if op_id in self.live:
            self.remember()
            del self.live[op_id]
            if self.by_device is not None:
                self.by_device[op_id.device].discard(op_id)

    def hold(self, ops: list[Live]) -> None:
        """Just these are live."""
        self.remember()
        self.live, self.by_device = {op.id: op for op in ops}, None

    def newest_of(self, device: bytes) -> OpId | None:
        """The newest op of the device that joined."""
        if len(self.live) > _FEW:
            self.remember()
        if self.newest is not None:
            return self.newest.get(device)
        return next((op_id for op_id in self.live if op_id.device == device), None) if self.live else None

    def remember(self) -> None:
        """From now on an op can be live that did not join, or have joined and not be live."""
        if self.newest is None:
            self.newest = {op_id.device: op_id for op_id in self.live}

    def _drop_all_of(self, device: bytes) -> None:
        if self.by_device is None and len(self.live) > _FEW:
            self.by_device = {}
            for op_id in self.live:
                self.by_device.setdefault(op_id.device, set()).add(op_id)
        own = [op_id for op_id in self.live if op_id.device == device] if self.by_device is None else self.by_device.pop(device, ())
        for op_id in own:
            del self.live[op_id]


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


def has_ended(state: Register) -> bool:
    """True when a register of states says that the record was taken back."""
    return any(op.value == VOID for op in state.live.values())
