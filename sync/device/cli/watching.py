"""sync --watch: stay connected; sync when the server has something, and when something was typed on this device meanwhile."""

import queue
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from shared_schema.errors import Refused
from sync.device.cli import frame, terminal
from sync.device.cli.sync_report import report_json, report_lines, run_sync
from sync.device.cli.terminal import emit, warn
from sync.device.entering.profile import open_session
from sync.device.exchanging.transport import HttpTransport
from sync.device.session import Session

_LOOK_S: Final = 1.0
_MOST_WAIT_S: Final = 60.0


def watch(*, as_json: bool) -> None:
    """Run until interrupted. Raises Refused for whatever waiting does not mend."""
    secret, folder = frame.passphrase(), terminal.context().profile
    wait = 1.0
    while True:
        try:
            with ExitStack() as stack:
                with open_session(folder, secret) as opened:
                    transport = stack.enter_context(HttpTransport(opened.identity.server, opened.identity.ca))
                    _sync(opened, transport, as_json=as_json)
                names = stack.enter_context(transport.events(opened))
                wait = 1.0
                for _ in _causes(names, folder):
                    with open_session(folder, secret) as opened:
                        _sync(opened, transport, as_json=as_json)
        except Refused as error:
            if error.retry != "after-time":
                raise
            warn(f"{error.code}: {error}; trying again in {wait:.0f} s")
        time.sleep(wait)
        wait = min(wait * 2, _MOST_WAIT_S)


def _sync(opened: Session, transport: HttpTransport, *, as_json: bool) -> None:
    found = report_json(opened, run_sync(opened, transport, quiet=True))
    emit(found, *report_lines(found), as_json=as_json)


def _causes(names: Iterator[str], folder: Path) -> Iterator[str]:
    """Yields whenever there is a reason to sync. Ends with the stream; raises what ended it."""
    heard: queue.SimpleQueue[str | Refused | None] = queue.SimpleQueue()

    def listen() -> None:
        try:
            for name in names:
                heard.put(name)
            heard.put(None)
        except Refused as error:
            heard.put(error)

    threading.Thread(target=listen, daemon=True).start()
    seen = _stamp(folder)
    while True:
        try:
            one = heard.get(timeout=_LOOK_S)
        except queue.Empty:
            one = "typed" if _stamp(folder) != seen else ""
        if one is None:
            return
        if isinstance(one, Refused):
            raise one
        if one in ("pull", "typed"):
            yield one
            seen = _stamp(folder)  # whoever types next first has to unlock the store, and comes later than this


def _stamp(folder: Path) -> list[tuple[str, int, int]]:
    """What changes when another command writes to this device's store."""
    found = []
    for path in sorted(folder.glob("store.db*")):
        try:
            stat = path.stat()
        except FileNotFoundError:  # SQLite's own, just tidied away
            continue
        if stat.st_size and not path.name.endswith("-shm"):
            found.append((path.name, stat.st_mtime_ns, stat.st_size))
    return found
