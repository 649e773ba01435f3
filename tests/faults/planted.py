"""Defects, planted into a process of the product to show that a fault harness finds them: `FIELDKEEP_PLANTED=NAME python -m tests.faults.planted serve …`."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

NAME: Final = "FIELDKEEP_PLANTED"
CLOCK: Final = "FIELDKEEP_PLANTED_CLOCK"


def _reply_early() -> None:
    """The server answers, and then commits; nor does it wait to have written down what it serves."""
    from server import realm, store, writer

    groups: list[Any] = []
    results: list[Any] = []
    registries: list[bytes] = []
    commit, run, flush, settle = writer.Writer._commit, realm.Realm._run, store.flush, vars(writer)["_settle"]

    def committing(self: Any, group: list[Any]) -> None:
        groups[:], results[:] = group, []
        registries[:] = [self._realm.known().log]
        commit(self, group)

    def running(job: Any, under_way: Any) -> Any:
        results.append(run(job, under_way))
        return results[-1]

    def flushing(tx: Any, batch: Any) -> None:
        ready = len(results) == len(groups) and not any(asked.then for asked in groups)
        if ready and batch.entries and not batch.new_heads and not batch.moves and batch.heads.keys().isdisjoint(registries):
            groups[0].loop.call_soon_threadsafe(settling, [(asked.future, one) for asked, one in zip(groups, results, strict=True)])
            time.sleep(0.1)
        flush(tx, batch)

    def settling(answers: list[tuple[Any, Any]]) -> None:
        settle([(future, result) for future, result in answers if not future.done()])

    vars(writer)["_settle"] = settling
    writer.Writer._commit = committing  # type: ignore[method-assign]
    realm.Realm.untold = staticmethod(lambda _delivered, _pushed: [])  # type: ignore[method-assign, assignment]
    realm.Realm._run = staticmethod(running)  # type: ignore[method-assign, assignment]
    vars(store)["flush"] = flushing


def _server_never_syncs() -> None:
    """The server's databases leave it to the system when their bytes reach the disk."""
    from server import engines

    configure = vars(engines)["_configure_sqlite"]

    def configuring(connection: Any, record: Any) -> None:
        configure(connection, record)
        connection.execute("PRAGMA synchronous=OFF").fetchall()

    vars(engines)["_configure_sqlite"] = configuring


def _device_never_syncs() -> None:
    """So does a device's store."""
    from sync.device.storage.database import Database

    unlock = Database._unlock

    def unlocking(self: Any, *arguments: Any, **named: Any) -> None:
        unlock(self, *arguments, **named)
        self._db.execute("PRAGMA synchronous = OFF")

    Database._unlock = unlocking  # type: ignore[method-assign]


def _outbox_late() -> None:
    """What a device sends is on its disk when the sync has ended, and not before it is sent."""
    from sync.device.exchanging import syncing

    sync = syncing.sync

    def late(session: Any, *arguments: Any, **named: Any) -> Any:
        with session.store.transaction():
            return sync(session, *arguments, **named)

    vars(syncing)["sync"] = late


def _dies_before_a_mark() -> None:
    """No defect: the server's machine stops after its first commit and before that is marked outside the database."""
    from server.marks import Marks

    def dies(*_: Any) -> None:
        os.kill(os.getpid(), 9)

    Marks.note = dies  # type: ignore[method-assign, assignment]


def _clock() -> None:
    """No defect: the machine's clock is off by as many milliseconds as a file says, and jumps when the file changes."""
    from types import SimpleNamespace

    from server import service

    path = Path(os.environ[CLOCK])
    vars(service)["time"] = SimpleNamespace(time=lambda: time.time() + int(path.read_text()) / 1000)


PLANTED: Final[dict[str, Callable[[], None]]] = {
    "reply-early": _reply_early,
    "server-never-syncs": _server_never_syncs,
    "device-never-syncs": _device_never_syncs,
    "outbox-late": _outbox_late,
    "dies-before-a-mark": _dies_before_a_mark,
    "clock": _clock,
}


def plant() -> None:
    """What the environment names, if it names any."""
    name = os.environ.get(NAME)
    if name:
        PLANTED[name]()


if __name__ == "__main__":
    plant()
    from fieldkeep.cli import main

    main()
