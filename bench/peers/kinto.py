"""Kinto: records of JSON over HTTP, base64 in them; kept in memory, or in the PostgreSQL of our tests, with fsync."""

import base64
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from bench.client import Connection
from bench.host import durable_postgresql
from bench.peers import installing
from bench.peers.installing import Unavailable
from bench.peers.running import HOST
from bench.peers.workload import Alone, Note
from tests import database

_BATCH: Final = 500  # its default of 25 is slower
_CONFLICT, _BUSY = 409, 503
_RECORDS: Final = "/buckets/team/collections/notes/records"
_LOGIN: Final = "Basic " + base64.b64encode(b"team:team").decode()
_SETTINGS: Final = """
[server:main]
use = egg:waitress#main
host = {host}
port = {port}
threads = 8
[app:main]
use = egg:kinto
kinto.storage_backend = kinto.core.storage.{backend}
kinto.cache_backend = kinto.core.cache.{backend}
kinto.permission_backend = kinto.core.permission.{backend}
kinto.storage_url = {url}
kinto.cache_url = {url}
kinto.permission_url = {url}
kinto.storage_max_fetch_size = 1000000
kinto.batch_max_requests = {batch}
kinto.userid_hmac_secret = bench
kinto.bucket_create_principals = system.Authenticated
multiauth.policies = basicauth
[loggers]
keys = root
[handlers]
keys = errors
[formatters]
keys = plain
[logger_root]
level = ERROR
handlers = errors
[handler_errors]
class = StreamHandler
args = (sys.stderr,)
formatter = plain
[formatter_plain]
format = %(message)s
"""


class Kinto(Alone):
    """The server."""

    name = "Kinto, memory"
    durable = "no: memory"
    encrypted = "no"
    _backend, _url = "memory", ""

    def install(self) -> str:
        """Install it."""
        self._folder = installing.install("kinto")
        return installing.version(self._folder, "kinto")

    def command(self, folder: Path, port: int) -> tuple[list[str], dict[str, str]]:
        """Eight threads under waitress, as `kinto start` does."""
        (folder / "kinto.ini").write_text(_SETTINGS.format(host=HOST, port=port, batch=_BATCH, backend=self._backend, url=self._url))
        return [str(self._folder / "venv/bin/kinto"), "start", "--ini", str(folder / "kinto.ini")], {"PYTHONPATH": ""}

    async def prepare(self, port: int) -> None:
        """A bucket and a collection."""
        client = self.client(port)
        await client.ask("PUT", "/buckets/team", {})
        await client.ask("PUT", "/buckets/team/collections/notes", {})
        await client.close()

    def client(self, port: int) -> "KintoClient":
        """A new one."""
        return KintoClient(port)


class KintoOnPostgresql(Kinto):
    """The same, with its tables."""

    name = "Kinto, PostgreSQL"
    durable = "yes"
    _backend = "postgresql"

    @contextmanager
    def beside(self) -> Iterator[None]:
        """A database of its own."""
        with durable_postgresql(), tempfile.TemporaryDirectory() as name:
            self._url = database.url_of(Path(name)).replace("%", "%%")  # as its settings want it
            yield

    def command(self, folder: Path, port: int) -> tuple[list[str], dict[str, str]]:
        """As in memory, when its tables are made. Raises Unavailable."""
        command, environment = super().command(folder, port)
        migrate = [command[0], "migrate", *command[2:]]
        made = subprocess.run(migrate, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
        if made.returncode:
            raise Unavailable(f"its tables cannot be made: {made.stderr[-200:]}")
        return command, environment


class KintoClient:
    """Pushes batches, and asks for what has changed since the newest that it knows."""

    def __init__(self, port: int) -> None:
        self._connection, self._since = Connection(HOST, port), 0

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """One request with JSON both ways."""
        data = b"" if body is None else json.dumps(body).encode()
        _, answer = await self._connection.ask(method, f"/v1{path}", data, _LOGIN, kind="application/json")
        return json.loads(answer)

    async def push(self, notes: Sequence[Note]) -> None:
        """In batches. One that met another client's at the same millisecond is refused (its PostgreSQL storage allows one change a time), and sent again."""
        for at in range(0, len(notes), _BATCH):
            wanted = [
                {"path": f"{_RECORDS}/{note.id}", "body": {"data": {"body": base64.b64encode(note.body).decode()}}}
                for note in notes[at : at + _BATCH]
            ]
            while refused := await self._refused(wanted):
                if set(refused) - {_CONFLICT, _BUSY}:
                    raise RuntimeError(f"{len(refused)} notes were refused: {refused[0]}")

    async def _refused(self, wanted: list[dict[str, Any]]) -> list[int]:
        answer = await self.ask("POST", "/batch", {"defaults": {"method": "PUT"}, "requests": wanted})
        return [one["status"] for one in answer["responses"] if one["status"] not in (200, 201)]

    async def pull(self, _expect: int) -> list[bytes]:
        """What has changed."""
        found = (await self.ask("GET", f"{_RECORDS}?_since={self._since}"))["data"]
        self._since = max([self._since, *(one["last_modified"] for one in found)])
        return [base64.b64decode(one["body"]) for one in found]

    def begin_at(self, other: "KintoClient") -> None:
        """At its time."""
        self._since = other._since

    async def get_ready(self) -> None:
        """Connect."""
        await self._connection.open()

    async def close(self) -> None:
        """Hang up."""
        await self._connection.close()
