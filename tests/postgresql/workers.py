"""A service of several processes on one PostgreSQL database, for as long as a test lasts."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sync.device.exchanging.transport import HttpTransport
from tests import database
from tests.live import Live, LiveServer


class Workers:
    """`live` is the service as its first process serves it; `servers` are all of them, and `ways` a way to each."""

    def __init__(self, live: Live, servers: list[LiveServer], url: str) -> None:
        self.live, self.servers, self.url = live, servers, url
        self.ways = [HttpTransport(server.address) for server in servers]


@contextmanager
def served(folder: Path, count: int) -> Iterator[Workers]:
    """`count` processes, each in a folder that `fieldkeep join` made."""
    with ExitStack() as stack:
        if not database.is_postgresql():
            stack.enter_context(database.postgresql(database.new_folder()))
        url = database.url_of(folder / "server")
        env = {"FIELDKEEP_DATABASE": url, "FIELDKEEP_DELIVERIES_PER_DAY": "1000000000", "FIELDKEEP_PUSH_BYTES_PER_DAY": str(10**15)}
        live = Live(folder, env=env)
        stack.callback(live.close)
        servers = [live.server]
        for n in range(2, count + 1):
            data = folder / f"server-{n}"
            words = [sys.executable, "-m", "fieldkeep", "join", "--data", str(live.server.data), "--to", str(data)]
            subprocess.run(words, check=True, env={**os.environ, **env}, capture_output=True)
            servers.append(LiveServer(data, env=env))
            stack.callback(servers[-1].stop)
        workers = Workers(live, servers, url)
        for way in workers.ways:
            stack.callback(way.__exit__)
        yield workers
