"""PouchDB Server: the HTTP interface of CouchDB over LevelDB, base64 in its documents."""

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from bench.client import Connection
from bench.peers import installing
from bench.peers.running import HOST
from bench.peers.workload import Alone, Note

_BATCH: Final = 1000
_PAGE: Final = 10_000


class PouchDb(Alone):
    """The server."""

    name = "PouchDB Server"
    durable = "no: LevelDB without sync"
    encrypted = "no"

    def install(self) -> str:
        """Install it."""
        self._folder = installing.install("pouchdb-server")
        return installing.version(self._folder, "pouchdb-server")

    def command(self, folder: Path, port: int) -> tuple[list[str], dict[str, str]]:
        """With its defaults, on a folder."""
        script = self._folder / "node_modules/pouchdb-server/bin/pouchdb-server"
        return [str(installing.node()), str(script), "--host", HOST, "--port", str(port), "--dir", str(folder), "--no-stdout-logs"], {}

    async def prepare(self, port: int) -> None:
        """A database."""
        client = self.client(port)
        await client.ask("PUT", "/team", None)
        await client.close()

    def client(self, port: int) -> "PouchDbClient":
        """A new one."""
        return PouchDbClient(port)


class PouchDbClient:
    """Pushes documents in bulk, and reads the feed of changes from where it was."""

    def __init__(self, port: int) -> None:
        self._connection, self._since = Connection(HOST, port), 0

    async def ask(self, method: str, path: str, body: Any) -> Any:
        """One request with JSON both ways."""
        data = b"" if body is None else json.dumps(body).encode()
        _, answer = await self._connection.ask(method, path, data, kind="application/json")
        return json.loads(answer)

    async def push(self, notes: Sequence[Note]) -> None:
        """In bulk."""
        for at in range(0, len(notes), _BATCH):
            docs = [{"_id": note.id, "body": base64.b64encode(note.body).decode()} for note in notes[at : at + _BATCH]]
            refused = [one for one in await self.ask("POST", "/team/_bulk_docs", {"docs": docs}) if "error" in one]
            if refused:
                raise RuntimeError(f"{len(refused)} notes were refused: {refused[0]}")

    async def pull(self, _expect: int) -> list[bytes]:
        """Pages of changes until one is not full."""
        bodies: list[bytes] = []
        while True:
            page = await self.ask("GET", f"/team/_changes?include_docs=true&limit={_PAGE}&since={self._since}", None)
            bodies += [base64.b64decode(one["doc"]["body"]) for one in page["results"]]
            self._since = page["last_seq"]
            if len(page["results"]) < _PAGE:
                return bodies

    def begin_at(self, other: "PouchDbClient") -> None:
        """At its place in the feed."""
        self._since = other._since

    async def get_ready(self) -> None:
        """Connect."""
        await self._connection.open()

    async def close(self) -> None:
        """Hang up."""
        await self._connection.close()
