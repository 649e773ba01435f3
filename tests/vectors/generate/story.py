"""A small language for telling what devices wrote in a log: for the vectors of the fold and of the fund."""

from typing import Any, Final

from shared_schema import ids
from tests.vectors.generate.world import C1, F1, M1, N1, N2, T0, Device, fill

LOG: Final = fill("fold/log", 16)
_ROLE: Final = {C1: "coordinator", N1: "navigator", N2: "navigator", M1: "navigator", F1: "fund_holder"}
OpIds = list[list[Any]]


class Story:
    """Changes in log order. Each `says` is one envelope at the next place unless `seq` says otherwise."""

    def __init__(self, log: bytes = LOG) -> None:
        self.log = log
        self.changes: list[dict[str, Any]] = []
        self.counters: dict[bytes, int] = {}
        self.seq = 0

    def creates(self, device: Device, type_: str, *ops: Any, **over: Any) -> tuple[bytes, OpIds]:
        """A change that creates a record; returns the record's id and the ops' ids."""
        c = over.pop("c", self.counters.get(device.id, 0) + 1)
        record = ids.record_id(self.log, device.id, c)
        return record, self.says(device, record, *ops, t=type_, c=c, **over)

    def says(self, device: Device, record: bytes, *ops: Any, **over: Any) -> OpIds:
        """A change to a record; returns the ops' ids. `b` is everything before this change unless said otherwise."""
        seq = over.pop("seq", self.seq + 1)
        self.seq = max(self.seq, seq)
        c = over.pop("c", self.counters.get(device.id, 0) + 1)
        self.counters[device.id] = max(self.counters.get(device.id, 0), c)
        late, role = over.pop("late", False), over.pop("role", _ROLE[device])
        usual = {"r": record, "t": "plan", "s": 1, "c": c, "b": seq - 1, "at": T0 + 60_000 * seq, "ops": [_op(*op) for op in ops]}
        at = {"seq": seq, "received_ms": T0 + 1000 * seq, "device": device.id, "user": device.user, "role": role, "change": usual | over}
        self.changes.append(at | ({"late": True} if late else {}))
        return [[device.id, c, i] for i in range(len(ops))]


def _op(field: Any, action: str, value: Any = None, preds: Any = ()) -> list[Any]:
    return [field, action, value, list(preds)]
