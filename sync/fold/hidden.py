"""Whether a record is hidden: deleted, and nothing has come since that the deletion had not seen (docs/spec.md §5.3)."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from itertools import accumulate

from sync.change import DELETED, OpId
from sync.fold.model import Occurrence, field_of


def is_hidden(places: Mapping[OpId, Occurrence], deletions: Iterable[tuple[OpId, int]]) -> bool:
    """True when for one deletion every other op was seen by the deleting device, or is its own earlier one.

    `places` has where each op of the record was said; a deletion comes with the place up to which its device had seen the log.
    """
    by_device: dict[bytes, list[tuple[int, int]]] = {}
    for op_id, at in places.items():
        if field_of(op_id, at) != DELETED:
            by_device.setdefault(op_id.device, []).append((op_id.c, at.seq))
    later = {device: _Later(sorted(ops)) for device, ops in by_device.items()}
    newest = sorted(((one.newest[0], device) for device, one in later.items()), reverse=True)[:2]
    for deletion, seen in deletions:
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
