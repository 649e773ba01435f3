"""What the play needs: a server process, device processes behind masts, and a voice."""

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from fieldkeep.demo.mast import Mast

PASSPHRASE: Final = "practice passphrase of the demo"  # noqa: S105  # it protects made-up people only
_RUN: Final = [sys.executable, "-m", "fieldkeep"]


class Failed(Exception):
    """A command that should have worked did not, or the other way round."""


def _alone() -> dict[str, str]:
    """The environment without a database that somebody else's service has."""
    return {name: value for name, value in os.environ.items() if not name.startswith("FIELDKEEP_DATABASE")}


class Server:
    """A `fieldkeep serve` process of our own."""

    def __init__(self, data: Path, port: int, *, wait: bool = True) -> None:
        """Without `wait` it listens when this returns, and need not be ready."""
        self._errors = data.with_suffix(".errors").open("w")
        self._process = subprocess.Popen(
            [*_RUN, "serve", "--data", str(data), "--port", str(port), "--json"], stdout=subprocess.PIPE, stderr=self._errors, text=True, env=_alone()
        )
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            self._process.wait(15)
            said = Path(self._errors.name).read_text(encoding="utf-8").strip().splitlines()
            raise Failed(f"the server did not start: {said[-1] if said else 'it said nothing'}")
        self.found: dict[str, Any] = json.loads(line)
        self.address: str = self.found["address"]
        if wait:
            self._wait()

    def _wait(self) -> None:
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                if httpx.get(f"{self.address}/readyz", trust_env=False).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise Failed("the server did not become ready")

    @property
    def where(self) -> tuple[str, int]:
        """Host and port."""
        parts = urlsplit(self.address)
        return parts.hostname or "127.0.0.1", parts.port or 80

    @property
    def alive(self) -> bool:
        """True while the process runs."""
        return self._process.poll() is None

    def stop(self) -> None:
        """Stop gracefully."""
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._errors.close()


@dataclass(slots=True)
class Device:
    """One profile, reached through the command line only: each act is a process of its own."""

    name: str
    folder: Path
    passphrase_file: Path
    mast: Mast | None = None

    def run(self, *words: str) -> dict[str, Any]:
        """Run a command; its JSON. Raises Failed when it was refused."""
        status, answer = self.attempt(*words)
        if status != 0:
            raise Failed(f"{self.name}: fieldkeep {' '.join(words[:3])} … exited {status}: {answer}")
        return answer

    def attempt(self, *words: str) -> tuple[int, dict[str, Any]]:
        """Run a command that may be refused: exit status and JSON."""
        command = [*_RUN, "--profile", str(self.folder), "--passphrase-file", str(self.passphrase_file), *words, "--json"]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        try:
            return ran.returncode, json.loads(ran.stdout.splitlines()[-1]) if ran.stdout.strip() else {"error": {"message": ran.stderr[-2000:]}}
        except json.JSONDecodeError:
            return ran.returncode, {"error": {"message": ran.stdout[-2000:] + ran.stderr[-2000:]}}


Say = Callable[[str], None]


def search(folder: Path, words: list[str]) -> int:
    """In how many files below `folder` any of `words` stands, in plain, hex, base64 or UTF-16."""
    needles = []
    for word in words:
        raw = word.encode()
        needles += [raw, raw.hex().encode(), word.encode("utf-16-le"), word.encode("utf-16-be")]
        whole = [raw[skip : skip + (len(raw) - skip) // 3 * 3] for skip in (0, 1, 2)]  # at each alignment, only what is encoded whole
        needles += [base64.b64encode(piece) for piece in whole]
    return sum(any(needle in path.read_bytes() for needle in needles) for path in folder.rglob("*") if path.is_file())
