"""A server that starts in a tenth of the time (nursery.py), with quotas out of the way; and what it says of itself."""

import http.client
import json
import sqlite3
from pathlib import Path
from typing import IO, Any, Final

from bench.host import PLENTY as PLENTY
from shared_schema.ids import SIDES
from tests.faults.nursery import nursery
from tests.live import LiveServer

ENVIRONMENT: Final = {**PLENTY, "FIELDKEEP_APP": "none", "FIELDKEEP_CHUNK_BYTES_PER_DAY": str(10**15)}
_COMMAND: Final = 3  # interpreter, -m, fieldkeep


class QuickServer(LiveServer):
    """`fieldkeep serve`, forked."""

    def __init__(self, data: Path, *, env: dict[str, str] | None = None) -> None:
        data.parent.mkdir(parents=True, exist_ok=True)
        super().__init__(data, env={**ENVIRONMENT, **(env or {})})

    def spawn_on(self, errors: IO[str]) -> Any:
        """One more start of it, of which nobody waits to hear where it listens."""
        return self._begin(["serve", "--data", str(self.data), "--port", str(self.port), "--json"], errors)

    def spawn(self, words: list[str]) -> Any:
        return self._begin(words[_COMMAND:], self.errors)

    def _begin(self, words: list[str], errors: IO[str]) -> Any:
        return nursery().start(words, errors, self._env)

    def readiness(self) -> tuple[int, dict[str, Any]]:
        """What /readyz says."""
        asked = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            asked.request("GET", "/readyz")
            answer = asked.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            asked.close()


def unsound(data: Path) -> list[str]:
    """What SQLite finds wrong with the databases of a data folder, served or not."""
    found = []
    for side in SIDES:
        database = sqlite3.connect(f"file:{data / f'{side}.db'}?mode=ro", uri=True, timeout=60)
        try:
            found += [f"{side}: {row[0]}" for row in database.execute("PRAGMA integrity_check") if row[0] != "ok"]
        finally:
            database.close()
    return found
