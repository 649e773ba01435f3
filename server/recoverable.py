"""Which files nobody holds any more, while a device is permitted to recover (docs/spec.md §6.3, §7.6). Kept in memory by the side's writer.

Nothing is read, and nothing kept, while there is no permit.
"""

from collections.abc import Callable, Mapping

from sync import membership
from sync.membership import FileState
from sync.registry import Registry

Files = Mapping[bytes, FileState]


class Recoverable:
    """The abandoned files of a side. `logs` is replaced whole, so that other threads may read it."""

    def __init__(self) -> None:
        self.logs: frozenset[bytes] = frozenset()
        self._files: dict[bytes, FileState] = {}
        self._seq = 0  # how much of the registry it follows; 0 while it does not

    def follow(self, known: Registry, changed: Files, everything: Callable[[], Files]) -> None:
        """After a commit, or at the start: the side's registry, the files that changed, and how to read all of them."""
        if next(known.recovery.open_permits(), None) is None:
            self.logs, self._files, self._seq = frozenset(), {}, 0
            return
        if not self._seq:
            self._files = dict(everything())
        self._files |= changed
        looked_at = changed if self._seq == known.seq else self._files
        found = {log for log, file in looked_at.items() if membership.abandoned(file, known, known.seq)}
        self.logs = self.logs - looked_at.keys() | found
        self._seq = known.seq

    def of(self, device: bytes, known: Registry, now_ms: int) -> frozenset[bytes]:
        """The files that a device is served although its person is in none of them."""
        permitted = known.recovery.permits_at(device, known.seq) if self.logs else None
        if permitted is None or permitted.permit.until < now_ms:
            return frozenset()
        files = permitted.permit.files
        return self.logs if files is None else self.logs.intersection(files)
