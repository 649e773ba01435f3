"""The processes that are measured: a real `fieldkeep serve` on a folder of its own, and a bare Starlette echo under the same uvicorn."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final
from urllib.parse import urlsplit

import psutil

from tests import database

PLENTY: Final[Mapping[str, str]] = {
    "FIELDKEEP_REQUESTS_PER_MINUTE": str(10**9),
    "FIELDKEEP_PUSH_BYTES_PER_DAY": str(10**15),
    "FIELDKEEP_UNSIGNED_PER_MINUTE": str(10**9),
    "FIELDKEEP_DELIVERIES_PER_DAY": str(10**9),
    "FIELDKEEP_FILES_PER_DAY": str(10**9),
    "FIELDKEEP_STATEMENTS_PER_DAY": str(10**9),
    "FIELDKEEP_WORK_BURST_SECONDS": str(10**9),
}
_ROOT: Final = Path(__file__).parent.parent


class Process:
    """A server process that says in one JSON line where it listens. Ends with the context."""

    def __init__(self, arguments: list[str], errors: Path, settings: Mapping[str, str]) -> None:
        environment = {**os.environ, **settings}
        with errors.open("ab") as stream:
            self._process = subprocess.Popen(
                [sys.executable, *arguments], stdout=subprocess.PIPE, stderr=stream, env=environment, cwd=_ROOT, text=True
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{arguments} did not start; see {errors}")
        self.said: dict[str, Any] = json.loads(line)
        self.address: str = self.said["address"]
        parts = urlsplit(self.address)
        self.host, self.port = parts.hostname or "", parts.port or 0
        self._seen = psutil.Process(self._process.pid)

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        self._process.terminate()
        self._process.wait(30)

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._process.pid

    def rss_mb(self) -> float:
        """Resident memory now, in 10**6 bytes."""
        return float(self._seen.memory_info().rss) / 1e6

    def cpu_s(self) -> float:
        """Processor time used so far, user and system."""
        times = self._seen.cpu_times()
        return float(times.user + times.system)


def serve(folder: Path, settings: Mapping[str, str] = PLENTY) -> Process:
    """A Fieldkeep server on an empty folder, by default with quotas out of the way."""
    return Process(["-m", "fieldkeep.cli", "serve", "--json", "--port", "0", "--data", str(folder / "data")], folder / "server.err", settings)


@contextmanager
def durable_postgresql() -> Iterator[int]:
    """The PostgreSQL of the tests as it is run in earnest: what it acknowledges is on disk. Its process id."""
    with database.postgresql(database.new_folder(), "fsync=on", "autovacuum=on", "shared_buffers=256MB") as pid:
        yield pid


def echo(folder: Path) -> Process:
    """The floor of anything that is served by Starlette and uvicorn from Python."""
    return Process(["-m", "bench.echo"], folder / "echo.err", {})
