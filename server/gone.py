"""What two people have removed on one side, listed outside its database: an older copy of the database brings none of it back (docs/spec.md §9.6).

An append-only file of JSON Lines, synced before the removal is answered. What a machine was writing when it stopped is dropped (json_lines.py): the
database has the same row, and it is listed again at the next start.
"""

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from server.cannot import CannotServe
from server.json_lines import read_lines, size_of_whole
from shared_schema import ids
from shared_schema.errors import Malformed

WHOLE_FILE: Final = -1


class Unreadable(CannotServe):
    """The list of what was removed cannot be read: without it an older copy of the database could bring back what two people removed."""


_CLEAN: Final = {"overwritten": True}


class Removed(NamedTuple):
    """Part `part` of envelope `id`, at place `at`, with the parcel that it was made from, if one; or the whole file, with no id and part WHOLE_FILE.
    `by` is the statement.
    """

    log: bytes
    id: bytes
    part: int
    at: int
    parcel: bytes
    by: bytes


class Gone:
    """The list of one side; without a path it is kept in memory. Raises Unreadable for a file that is no such list."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._listed: dict[tuple[bytes, bytes, int], Removed] = {}
        self._envelopes: set[tuple[bytes, bytes]] = set()
        self._parcels: set[tuple[bytes, bytes]] = set()
        self._unwritten: list[dict[str, Any]] = []
        self.overwritten = True
        """False while removed bytes may still lie in free pages of the database."""
        try:
            for line in read_lines(path):
                self._take(line)
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError, Malformed):
            name = path.name if path is not None else "the list"
            raise Unreadable(
                f"{name} holds a line that is none of its own: put it back from a backup; without it, what was removed could come back"
            ) from None

    def __iter__(self) -> Iterator[Removed]:
        return iter(list(self._listed.values()))

    def __contains__(self, one: Removed) -> bool:
        return (one.log, one.id, one.part) in self._listed

    def names(self, log: bytes, envelope: bytes) -> bool:
        """True when a part of this envelope was removed."""
        return (log, envelope) in self._envelopes

    def names_part(self, log: bytes, envelope: bytes, part: int) -> bool:
        """True when this very part was removed."""
        return (log, envelope, part) in self._listed

    def names_parcel(self, log: bytes, parcel: bytes) -> bool:
        """True when this parcel of a file went with a part that was made from it."""
        return (log, parcel) in self._parcels

    def erased(self, log: bytes) -> bytes | None:
        """The statement that erased a file."""
        found = self._listed.get((log, b"", WHOLE_FILE))
        return found.by if found else None

    def add(self, removed: Iterable[Removed]) -> None:
        """List these for good. Raises OSError when they could not be written: `flush` tries again, and they count already."""
        for one in removed:
            if one not in self:
                self._note(one)
                self._unwritten.append(_line(one))
                self.overwritten = False
        self.flush()

    def clean(self) -> None:
        """Nothing of it is left in the database's free pages."""
        if not self.overwritten:
            self.overwritten = True
            self._unwritten.append(_CLEAN)
            self.flush()

    def flush(self) -> None:
        """Write what could not be written before. Raises OSError."""
        if self._path is not None and self._unwritten:
            data = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in self._unwritten).encode("ascii")
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600)
            try:
                end = size_of_whole(self._path)
                os.ftruncate(handle, end)
                os.pwrite(handle, data, end)
                os.fsync(handle)
            finally:
                os.close(handle)
        self._unwritten.clear()

    def _take(self, line: dict[str, Any]) -> None:
        if line == _CLEAN:
            self.overwritten = True
            return
        entry, parcel, by = (bytes.fromhex(line[name]) for name in ("id", "parcel", "by"))
        if type(line["part"]) is not int or type(line["at"]) is not int:
            raise Malformed("a part and a place are numbers")
        self._note(Removed(ids.parse(line["log"]), entry, line["part"], line["at"], parcel, by))
        self.overwritten = False

    def _note(self, one: Removed) -> None:
        self._listed[one.log, one.id, one.part] = one
        self._envelopes.add((one.log, one.id))
        if one.parcel:
            self._parcels.add((one.log, one.parcel))


def _line(one: Removed) -> dict[str, Any]:
    return {"log": ids.show(one.log), "id": one.id.hex(), "part": one.part, "at": one.at, "parcel": one.parcel.hex(), "by": one.by.hex()}
