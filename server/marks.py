"""How far a side's logs have been, kept outside its database: an older copy of the database is seen for what it is (docs/spec.md §19.1).

An append-only file of JSON Lines, written anew at every start. What an answer shows of the registry is synced before the answer; of the other logs
nothing is waited for, for a commit that a machine kept is never behind a line that it lost. What a machine was writing when it stopped is dropped
(json_lines.py).
"""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from server.json_lines import read_lines
from shared_schema import ids
from shared_schema.entry import Head
from shared_schema.errors import Malformed
from sync.registry import Registry

_LARGE: Final = 1 << 20  # bytes, before it is written anew

Heads = Mapping[bytes, Head]


class Marks:
    """The marks of one side; without a path they are kept in memory. `has` are the newest places that the database had and `tree` the size of its audit
    tree, `wanted` the places that a side which came back waits for.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self.kept = False
        """True when there are marks: of a side that never had any it is not known how far it was."""
        self.incarnation = b""
        self.seq, self.chain = 0, b""
        self.tree = 0
        self.regressed = False
        """True from when the database was found to be less than it was until the side is declared: what is brought of the registry does not end it."""
        self.has: dict[bytes, int] = {}
        self.wanted: dict[bytes, int] = {}
        self._unwritten: list[dict[str, Any]] = []
        self._size = 0
        try:
            for line in read_lines(path):
                self._take(line)
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError, OverflowError, Malformed):
            self.kept = False  # a file that nobody can read is none: the side is not served before an administrator has declared it

    # --- what they tell --------------------------------------------------------------------------------------------------

    def ahead_of(self, known: Registry, heads: Heads, tree: int) -> bool:
        """True when the database is not all that it was: an older copy, or one that lost its end."""
        if not self.kept:
            return False
        if self.incarnation == known.incarnation and (self.regressed or tree < self.tree):
            return True
        here = self.seq <= known.seq and known.chains[self.seq] == self.chain
        if not here or self.incarnation not in known.incarnations:
            return True
        if self.incarnation != known.incarnation:  # declared, and the machine stopped before that was written here
            return False
        return any(log not in heads or heads[log].seq < seq for log, seq in self.has.items())

    def reached_by(self, known: Registry) -> bool:
        """True when this registry goes as far as the side's was."""
        return not self.kept or (self.seq <= known.seq and known.chains[self.seq] == self.chain)

    # --- what they are told ----------------------------------------------------------------------------------------------

    def begin(self, incarnation: bytes, chain: bytes) -> None:
        """Of a side that begins, before its database says that there are marks: a machine that stops between the two has lost none. Raises OSError."""
        self.kept, self.incarnation, self.seq, self.chain = True, incarnation, 0, chain
        self._write_anew()

    def stand(self) -> None:
        """The database is less than it was, and the side is not served. Raises OSError."""
        if self.kept and not self.regressed:
            self.regressed = True
            self._write_anew()

    def follow(self, known: Registry, heads: Heads, tree: int) -> None:
        """At the start, and when a side was declared or its healing has ended: as the database is now. Raises OSError."""
        if self.kept and self.incarnation != known.incarnation:
            self.wanted = {log: seq for log, seq in self.has.items() if log != known.log and (log not in heads or heads[log].seq < seq)}
        if not known.healing:
            self.wanted = {}
        self.kept, self.incarnation, self.regressed, self.tree = True, known.incarnation, False, tree
        self.seq, self.chain = known.seq, known.chains[-1]
        self.has = {log: head.seq for log, head in heads.items()}
        self._write_anew()

    def note(self, known: Registry, heads: Mapping[bytes, int]) -> None:
        """After a commit that moved these logs. Raises OSError when it could not be written: `flush` tries again, and they count already."""
        self.has.update(heads)
        self._unwritten.append({"logs": {ids.show(log): seq for log, seq in heads.items()}})
        if known.log in heads:
            self.kept, self.incarnation, self.seq, self.chain = True, known.incarnation, known.seq, known.chains[-1]
            self._unwritten.append(self._registry())
        self.flush(sync=known.log in heads)

    def note_tree(self, size: int) -> None:
        """After the audit tree has grown. Raises OSError, as `note`."""
        self.tree = size
        self._unwritten.append({"tree": size})
        self.flush(sync=False)

    def flush(self, *, sync: bool = True) -> None:
        """Write what could not be written before. Raises OSError."""
        if self._path is not None and self._unwritten:
            data = _encode(self._unwritten)
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600)
            try:
                os.ftruncate(handle, self._size)  # what an earlier attempt began
                os.lseek(handle, self._size, os.SEEK_SET)
                _write(handle, data)
                if sync:
                    os.fsync(handle)
            finally:
                os.close(handle)
            self._size += len(data)
        self._unwritten.clear()
        if self._size > _LARGE:
            self._write_anew()

    def _registry(self) -> dict[str, Any]:
        return {"incarnation": ids.show(self.incarnation), "registry": [self.seq, self.chain.hex()]}

    def _write_anew(self) -> None:
        self._unwritten.clear()
        if self._path is None:
            return
        logs = {ids.show(log): seq for log, seq in self.has.items()}
        wanted = {ids.show(log): seq for log, seq in self.wanted.items()}
        data = _encode([self._registry(), {"logs": logs}, {"tree": self.tree}, {"wanted": wanted}, {"regressed": self.regressed}])
        beside = self._path.with_suffix(".marks.new")
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            _write(handle, data)
            os.fsync(handle)
        finally:
            os.close(handle)
        beside.rename(self._path)
        with suppress(OSError):
            folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
            os.fsync(folder)
            os.close(folder)
        self._size = len(data)

    # --- the file --------------------------------------------------------------------------------------------------------

    def _take(self, line: dict[str, Any]) -> None:
        if "registry" in line:
            (seq, chain), self.kept = line["registry"], True
            self.incarnation, self.seq, self.chain = ids.parse(line["incarnation"]), int(seq), bytes.fromhex(chain)
        if "wanted" in line:
            self.wanted = {ids.parse(log): int(seq) for log, seq in line["wanted"].items()}
        self.tree, self.regressed = int(line.get("tree", self.tree)), bool(line.get("regressed", self.regressed))
        self.has |= {ids.parse(log): int(seq) for log, seq in line.get("logs", {}).items()}


def heals(known: Registry, log: bytes, seq: int, wanted: Mapping[bytes, int]) -> bool:
    """True for a file that has `seq` entries and waits for what was lost of it: until its mark is reached, and where there were none until `healed`."""
    return known.healing and log != known.log and (not known.restorations[-1].marked or seq < wanted.get(log, 0))


def _encode(lines: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines).encode("ascii")


def _write(handle: int, data: bytes) -> None:
    while data:
        data = data[os.write(handle, data) :]
