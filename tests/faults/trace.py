"""What a process asked of its files and sockets, in order, with every byte: `strace`, read into steps.

A call of one thread may lie across calls of another (`<unfinished ...>`, `<... resumed>`): a write may be on the disk from where it begins, a sync is
done where it ends, and covers what had ended where it began. So both ends are steps.
"""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil

from tests.live import LiveServer

CALLS: Final = (
    "openat,close,lseek,pwrite64,pwritev,write,writev,sendto,sendmsg,fsync,fdatasync,ftruncate,fallocate,rename,renameat,renameat2,unlink,unlinkat"
)
_LINE: Final = re.compile(r"^(\d+) +(.*)$")
_RESUMED: Final = re.compile(r"^<\.\.\. (\w+) resumed>(.*)$")
_QUOTED: Final = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?')
_FD: Final = re.compile(r"^(\d+)(?:<((?:\\x[0-9a-f]{2}|[^>])*)>)?")
_RETURN: Final = re.compile(r"= (-?\d+)(?:<|\s|$)")
_UNFINISHED: Final = " <unfinished ...>"
_WRITES: Final = frozenset({"write", "writev", "pwrite64", "pwritev", "sendto", "sendmsg"})
_SYNCS: Final = frozenset({"fsync", "fdatasync"})


@dataclass(frozen=True, slots=True)
class Step:
    """`kind`: open, write, sync, truncate, rename, unlink. Of a write and a sync there are two, with one `n`: `begins` True, and False where it ended.

    `offset` None is where the file stands.
    """

    kind: str
    n: int
    begins: bool
    fd: int = -1
    path: str = ""
    to: str = ""
    offset: int | None = None
    data: bytes = b""
    size: int = 0
    flags: str = ""
    socket: bool = False


def tracer(out: Path) -> list[str]:
    """The words to put before a command."""
    return ["strace", "-f", "-y", "-xx", "-s", "33554432", "--seccomp-bpf", "-o", str(out), "-e", f"trace={CALLS}"]


class TracedServer(LiveServer):
    """`fieldkeep serve` under strace, from its first call on."""

    def __init__(self, data: Path, out: Path, *, env: dict[str, str] | None = None) -> None:
        self._out = out
        super().__init__(data, env=env)

    def spawn(self, words: list[str]) -> Any:
        words[words.index("fieldkeep")] = "tests.faults.planted"  # the same command, with whatever defect the environment names
        return super().spawn([*tracer(self._out), *words])

    def stop(self) -> None:
        """The server, and then strace of itself."""
        for child in psutil.Process(self.process.pid).children():
            child.terminate()
        self._gone()


def traced(words: list[str], out: Path, **more: Any) -> "subprocess.Popen[str]":
    """A command under strace."""
    return subprocess.Popen([*tracer(out), *words], text=True, **more)


def read(path: Path) -> Iterator[Step]:
    """The steps of a trace. Raises ValueError where strace has cut what was written."""
    open_calls: dict[str, tuple[int, str]] = {}
    with path.open(encoding="ascii") as lines:
        for n, line in enumerate(lines):
            found = _LINE.match(line.rstrip("\n"))
            if found is None:
                continue
            thread, text = found.groups()
            resumed = _RESUMED.match(text)
            if resumed is not None:
                number, begun = open_calls.pop(thread, (n, ""))
                yield from _end(number, begun + resumed[2])
            elif text.endswith(_UNFINISHED):
                begun = text.removesuffix(_UNFINISHED)
                open_calls[thread] = (n, begun)
                yield from _begin(n, begun)
            elif "(" in text:
                yield from _begin(n, text)
                yield from _end(n, text)


def _begin(n: int, text: str) -> Iterator[Step]:
    name, _, rest = text.partition("(")
    found = _FD.match(rest)
    if name in _WRITES and found:
        offset = int(_last_argument(rest)) if name.startswith("pwrite") else None
        yield Step("write", n, True, int(found[1]), offset=offset, data=_data(rest), socket=_is_socket(found[2]))
    elif name in _SYNCS and found:
        yield Step("sync", n, True, int(found[1]))


def _end(n: int, text: str) -> Iterator[Step]:
    name, _, rest = text.partition("(")
    returned = _RETURN.search(text[text.rfind(")") :] if ")" in text else "")
    result = int(returned[1]) if returned else -1
    if result < 0:
        if name in _WRITES or name in _SYNCS:
            yield Step("failed", n, False)
        return
    found = _FD.match(rest)
    if name in _WRITES and found:
        yield Step("write", n, False, int(found[1]), size=result, socket=_is_socket(found[2]))
    elif name in _SYNCS and found:
        yield Step("sync", n, False, int(found[1]))
    elif name == "openat":
        flags = re.search(r"O_[A-Z_|]+", rest)
        yield Step("open", n, False, result, path=_paths(rest)[0], flags=flags[0] if flags else "")
    elif name == "lseek" and found:
        yield Step("seek", n, False, int(found[1]), size=result)
    elif name == "ftruncate" and found:
        yield Step("truncate", n, False, int(found[1]), size=int(_last_argument(rest)))
    elif name.startswith("rename"):
        before, after = _paths(rest)
        yield Step("rename", n, False, path=before, to=after)
    elif name.startswith("unlink"):
        yield Step("unlink", n, False, path=_paths(rest)[0])


def _last_argument(rest: str) -> str:
    return rest[: rest.rfind(")")].rpartition(", ")[2] if ")" in rest else rest.rpartition(", ")[2]


def _is_socket(shown: str | None) -> bool:
    return bool(shown) and _unescape(str(shown)).startswith(("socket:", "TCP", "UNIX"))


def _unescape(text: str) -> str:
    return bytes.fromhex(text.replace("\\x", "")).decode("utf-8", "replace") if text.startswith("\\x") else text


def _paths(rest: str) -> list[str]:
    return [bytes.fromhex(one.replace("\\x", "")).decode() for one, _ in _QUOTED.findall(rest)]


def _data(rest: str) -> bytes:
    pieces = _QUOTED.findall(rest)
    if any(cut for _, cut in pieces):
        raise ValueError("strace has cut what was written")
    return b"".join(bytes.fromhex(piece.replace("\\x", "")) for piece, _ in pieces)
