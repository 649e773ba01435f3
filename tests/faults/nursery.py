"""Processes that start at once: one Python process that has imported the product, and forks a child for each start.

A child is a process of its own that runs what the command `fieldkeep` runs (or a device, `tests/faults/typist.py`), and dies by itself. What is saved is
importing: a second and a half of each start, which a thousand kills would spend on nothing else. Nothing of a child is kept for the next one.
"""

import array
import atexit
import gc
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from functools import cache
from typing import IO, Any, Final

from tests.faults import planted

COMMAND: Final = "fieldkeep.cli"
WARM: Final = {
    COMMAND: ("fieldkeep.operating", "fieldkeep.commands", "server.app", "server.serve", "server.service", "alembic.command", "uvloop"),
    "tests.faults.typist": ("tests.faults.typist",),
}
_MOST: Final = 1 << 16


class Child:
    """A child of a nursery, as far as it looks like a `subprocess.Popen`."""

    def __init__(self, nursery: "Nursery", pid: int, stdout: IO[str]) -> None:
        self._nursery, self.pid, self.stdout = nursery, pid, stdout
        self.returncode: int | None = None

    def send_signal(self, number: int) -> None:
        """Whether it still runs or not."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def poll(self) -> int | None:
        """None while it runs."""
        if self.returncode is None:
            self.returncode = self._nursery.ask({"poll": self.pid})["status"]
        return self.returncode

    def wait(self, _timeout: float | None = None) -> int:
        """How it ended."""
        if self.returncode is None:
            self.returncode = int(self._nursery.ask({"wait": self.pid})["status"])
        return self.returncode


class Nursery:
    """The warm process."""

    def __init__(self, module: str = COMMAND) -> None:
        near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._line, self._asking = near, threading.Lock()
        words = [sys.executable, "-m", "tests.faults.nursery", module, str(far.fileno())]
        self._process = subprocess.Popen(words, pass_fds=[far.fileno()])
        far.close()

    def close(self) -> None:
        """It ends, and its children with it."""
        self._line.close()
        self._process.wait(30)

    def start(self, words: Sequence[str], errors: IO[str], environment: dict[str, str]) -> Child:
        """A child that runs the module's `main` with these words."""
        read, write = os.pipe()
        asked = json.dumps({"words": list(words), "environment": {**os.environ, **environment}}).encode()
        fds = array.array("i", [write, errors.fileno()])
        with self._asking:
            self._line.sendmsg([asked], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
            os.close(write)
            return Child(self, int(self._answer()["pid"]), os.fdopen(read, encoding="utf-8"))

    def ask(self, what: dict[str, Any]) -> dict[str, Any]:
        """One question, one answer."""
        with self._asking:
            self._line.send(json.dumps(what).encode())
            return self._answer()

    def _answer(self) -> dict[str, Any]:
        heard = self._line.recv(_MOST)
        if not heard:
            raise RuntimeError("the nursery ended")
        found: dict[str, Any] = json.loads(heard)
        return found


@cache
def nursery(module: str = COMMAND) -> Nursery:
    """The one of this process."""
    made = Nursery(module)
    atexit.register(made.close)
    return made


def main(module: str, handle: int) -> None:
    """Answer until the line closes."""
    for name in WARM[module]:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # so that a child shares the pages of what was imported
    line, children = socket.socket(fileno=handle), set[int]()
    while True:
        heard, fds, _, _ = socket.recv_fds(line, _MOST, 2)
        if not heard:
            break
        asked = json.loads(heard)
        if "words" in asked:
            pid = os.fork()
            if not pid:
                line.close()
                _become(module, asked, fds)
            children.add(pid)
            for fd in fds:
                os.close(fd)
            line.send(json.dumps({"pid": pid}).encode())
            continue
        pid = asked.get("wait") or asked["poll"]
        ended, status = os.waitpid(pid, 0 if "wait" in asked else os.WNOHANG)
        if ended:
            children.discard(ended)
        line.send(json.dumps({"status": os.waitstatus_to_exitcode(status) if ended else None}).encode())
    for pid in children:
        os.kill(pid, signal.SIGKILL)


def _become(module: str, asked: dict[str, Any], fds: Sequence[int]) -> None:
    """In the child: never returns."""
    status = 1
    try:
        for number, fd in enumerate(fds, 1):
            os.dup2(fd, number)
            os.close(fd)
        sys.stdout, sys.stderr = (open(fd, "w", encoding="utf-8", closefd=False) for fd in (1, 2))  # noqa: SIM115
        os.environ.clear()
        os.environ.update(asked["environment"])
        planted.plant()
        sys.argv = [module, *asked["words"]]
        importlib.import_module(module).main()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
