"""A disk that loses its power: what may be on it, from the steps that a process took (trace.py).

What was written before the last sync of a file is there. Of what was written later any part may be: writes whole or torn at sectors of 512 bytes, in any
choice, and truncations or not. A name that was made, changed or removed is so for certain when its folder was synced; the later ones happened in
their order up to some point. One folder. Nothing that was not written ever appears, but zeros where a later sector of a file came and an earlier did not.
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.faults.trace import Step

SECTOR: Final = 512


@dataclass(slots=True)
class Write:
    """Bytes at a place; a truncation has `data` None and its size as `at`."""

    at: int
    data: bytes | None
    n: int
    ended: bool


@dataclass(slots=True)
class Inode:
    """A file, whatever its name."""

    durable: bytearray = field(default_factory=bytearray)
    pending: list[Write] = field(default_factory=list)
    end: int = 0


class Disk:
    """Follows steps; `draw` gives a state that a power cut here may leave. Of files in `folder` alone, but those that `skips` names the ends of."""

    def __init__(self, folder: Path, skips: tuple[str, ...] = ("-shm", ".log", "/lock")) -> None:
        self._folder, self._skips = str(folder), skips
        self._names: dict[str, Inode] = {}
        self._durable_names: dict[str, Inode] = {}
        self._pending_names: list[tuple[tuple[str, Inode | None], ...]] = []  # each as a whole
        self._open: dict[int, Inode | None] = {}
        self._at: dict[int, int] = {}
        self._syncing: dict[int, tuple[Inode | None, list[Write], int]] = {}
        self._writing: dict[int, Write] = {}

    def begin_with(self, files: dict[str, bytes]) -> None:
        """These were there, durable, before the first step."""
        for name, content in files.items():
            inode = Inode(bytearray(content), end=len(content))
            self._names[f"{self._folder}/{name}"] = self._durable_names[f"{self._folder}/{name}"] = inode

    def take(self, step: Step) -> None:
        """One step of the process."""
        match step.kind:
            case "open":
                self._take_open(step)
            case "seek":
                self._at[step.fd] = step.size
            case "write" if step.begins and not step.socket:
                self._begin_write(step)
            case "write" if not step.begins and step.n in self._writing:
                self._writing.pop(step.n).ended = True
            case "failed":
                self._fail(step.n)
            case "truncate" if inode := self._open.get(step.fd):
                inode.pending.append(Write(step.size, None, step.n, True))
                inode.end = step.size
            case "sync":
                self._sync(step)
            case "rename" if self._is_ours(step.path):
                inode = self._names.pop(step.path)
                self._names[step.to] = inode
                self._pending_names.append(((step.to, inode), (step.path, None)))
            case "unlink" if self._is_ours(step.path) and step.path in self._names:
                del self._names[step.path]
                self._pending_names.append(((step.path, None),))

    def _is_ours(self, path: str) -> bool:
        return path.startswith(self._folder + "/") and not path.endswith(self._skips)

    def _take_open(self, step: Step) -> None:
        self._at[step.fd] = 0
        if not self._is_ours(step.path):
            self._open[step.fd] = None
            if step.path == self._folder:
                self._open[step.fd] = _FOLDER
            return
        inode = self._names.get(step.path)
        if inode is None:
            inode = self._names[step.path] = Inode()
            self._pending_names.append(((step.path, inode),))
        elif "O_TRUNC" in step.flags:
            inode.pending.append(Write(0, None, step.n, True))
            inode.end = 0
        self._open[step.fd] = inode
        if "O_APPEND" in step.flags:
            self._at[step.fd] = inode.end

    def _begin_write(self, step: Step) -> None:
        inode = self._open.get(step.fd)
        at = self._at.get(step.fd, 0) if step.offset is None else step.offset
        if step.offset is None:
            self._at[step.fd] = at + len(step.data)
        if inode is not None and inode is not _FOLDER:
            self._writing[step.n] = Write(at, step.data, step.n, False)
            inode.pending.append(self._writing[step.n])
            inode.end = max(inode.end, at + len(step.data))

    def _fail(self, n: int) -> None:
        self._syncing.pop(n, None)
        self._writing.pop(n, None)  # some of it may have been written: it stays pending, and never ends

    def _sync(self, step: Step) -> None:
        if step.begins:
            inode = self._open.get(step.fd)
            before = [one for one in inode.pending if one.ended] if inode is not None else []
            self._syncing[step.n] = (inode, before, len(self._pending_names))
        elif step.n in self._syncing:
            inode, before, names = self._syncing.pop(step.n)
            if inode is _FOLDER:
                self._settle_names(names)
            elif inode is not None:
                done = {id(one) for one in before}
                for one in [one for one in inode.pending if id(one) in done]:
                    _apply(inode.durable, one)
                inode.pending = [one for one in inode.pending if id(one) not in done]

    def _settle_names(self, upto: int) -> None:
        for change in self._pending_names[:upto]:
            _rename(self._durable_names, change)
        del self._pending_names[:upto]
        for n, (of, before, names) in self._syncing.items():
            self._syncing[n] = (of, before, max(0, names - upto))

    # --- a cut -----------------------------------------------------------------------------------------------------------

    def draw(self, draw: random.Random) -> dict[str, bytes]:
        """The files, by name, as a power cut here may leave them."""
        names = dict(self._durable_names)
        for change in self._pending_names[: draw.randint(0, len(self._pending_names))]:
            _rename(names, change)
        return {Path(name).name: self._content(inode, draw) for name, inode in names.items()}

    @staticmethod
    def _content(inode: Inode, draw: random.Random) -> bytes:
        content = bytearray(inode.durable)
        for one in _survives(inode.pending, draw):
            _apply(content, one)
        return bytes(content)


_FOLDER: Final = Inode()


def _rename(names: dict[str, Inode], change: tuple[tuple[str, Inode | None], ...]) -> None:
    for name, inode in change:
        if inode is None:
            names.pop(name, None)
        else:
            names[name] = inode


def _survives(pending: list[Write], draw: random.Random) -> Iterable[Write]:
    """Which of the writes that nothing vouches for are on the disk."""
    match draw.choice(("none", "all", "first", "some", "torn", "torn end")):
        case "none":
            return []
        case "all":
            return pending
        case "first":
            return pending[: draw.randint(0, len(pending))]
        case "some":
            return [one for one in pending if draw.random() < 0.5]
        case "torn":
            return [piece for one in pending for piece in _torn(one, draw)]
        case _:
            upto = draw.randint(0, len(pending))
            return [*pending[:upto], *(piece for one in pending[upto : upto + 1] for piece in _torn(one, draw))]


def _torn(one: Write, draw: random.Random) -> list[Write]:
    """Its sectors, each there or not."""
    if one.data is None:
        return [one] if draw.random() < 0.5 else []
    found, at, data = [], one.at, one.data
    while data:
        size = SECTOR - at % SECTOR
        if draw.random() < 0.5:
            found.append(Write(at, data[:size], one.n, True))
        at, data = at + len(data[:size]), data[size:]
    return found


def _apply(content: bytearray, one: Write) -> None:
    if one.data is None:
        if one.at <= len(content):
            del content[one.at :]
        else:
            content.extend(bytes(one.at - len(content)))
        return
    if len(content) < one.at:
        content.extend(bytes(one.at - len(content)))
    content[one.at : one.at + len(one.data)] = one.data
