"""A peer's process on 127.0.0.1: started, waited for, weighed with its children, ended by its id."""

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final

import psutil

from bench.peers.installing import Unavailable

HOST: Final = "127.0.0.1"
_START_S: Final = 60.0
_STOP_S: Final = 10.0


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


class Running:
    """A process that listens on `port`. Ends with the context. Raises Unavailable when it does not listen."""

    def __init__(self, command: Sequence[str], port: int, folder: Path, environment: Mapping[str, str]) -> None:
        self.port, self._errors = port, folder / "peer.log"
        with self._errors.open("ab") as stream:
            self._process = subprocess.Popen(command, stdout=stream, stderr=stream, cwd=folder, env={**os.environ, **environment})
        self._seen = psutil.Process(self._process.pid)
        try:
            self._wait()
        except Unavailable:
            self._end()
            raise

    def __enter__(self) -> "Running":
        return self

    def __exit__(self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        self._end()

    def rss_mb(self) -> float:
        """Resident memory of the process and its children now, in 10**6 bytes."""
        return sum(one.memory_info().rss for one in self._family()) / 1e6

    def cpu_s(self) -> float:
        """Processor time so far of the process and its children, also of those that ended."""
        times = [one.cpu_times() for one in self._family()]
        return float(sum(one.user + one.system + one.children_user + one.children_system for one in times))

    def _family(self) -> list[psutil.Process]:
        return [self._seen, *self._seen.children(recursive=True)]

    def _wait(self) -> None:
        until = time.monotonic() + _START_S
        while time.monotonic() < until:
            if self._process.poll() is not None:
                said = [line for line in self._errors.read_text(errors="replace").splitlines() if line.strip()]
                raise Unavailable(f"it ended with {self._process.returncode}: {said[-1][:200] if said else 'it said nothing'}")
            with contextlib.suppress(OSError), socket.create_connection((HOST, self.port), 1):
                return
            time.sleep(0.1)
        raise Unavailable(f"it did not listen within {_START_S:.0f} s")

    def _end(self) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            family = self._family()[1:]
            self._process.terminate()
            try:
                self._process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            for child in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.kill()
