"""The single writer of a realm: one thread that commits waiting jobs together, and sequences the audit log between commits.

One hop per group of jobs, not one per statement: that is where the speed comes from (docs/decisions/0003-single-writer.md). Where many ask at once it
waits a moment for more of them: of two threads that take turns with one interpreter each does its own part in one go.
"""

import asyncio
import contextlib
import queue
import threading
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from sqlalchemy.exc import DatabaseError

from server import engines
from server.realm import Job, Realm
from shared_schema.errors import Refused

_MOST_JOBS: Final = 256
_SEQUENCE_EVERY_S: Final = 0.05
_SEQUENCE_AT: Final = 4096
_LOOK_EVERY_S: Final = 0.5  # where nothing waits for the tree, or the disk is full
_GATHER_S: Final = 0.003  # how long more jobs are waited for where many ask
_MANY: Final = 8  # jobs of one group
_HEARD_WAITS_MS: Final = 60_000
_STORAGE: Final = (OSError, DatabaseError)


class _Asked(NamedTuple):
    """A job and who waits for its result."""

    job: Job
    then: Callable[[], Any] | None
    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop


class Writer:
    """Owns all writing of one realm."""

    def __init__(self, realm: Realm) -> None:
        self.failing = ""
        """What the newest attempt to write ended with; empty while all is well."""
        self._realm = realm
        self._jobs: queue.SimpleQueue[_Asked | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=f"writer-{realm.side}", daemon=True)
        self._open = True
        self._thread.start()

    async def do(self, job: Job, then: Callable[[], Any] | None = None) -> Any:
        """Run `job` in the next transaction; its result, once durable. Raises what the job raised, or Refused `busy` when stopping.

        With `then`, what that returns instead: it is called when the audit tree has been extended, and before anything more is written.
        """
        if not self._open or self.ended:
            raise Refused("busy")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._jobs.put(_Asked(job, then, future, loop))
        return await future

    @property
    def ended(self) -> bool:
        """Whether its thread has ended by itself: nothing is written any more until the server is started again."""
        return self._open and not self._thread.is_alive()

    def stop(self) -> None:
        """Finish what is waiting, sequence it, and end the thread."""
        self._open = False
        self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        sequenced, group = time.monotonic(), list[_Asked]()
        while True:
            try:
                first = self._jobs.get(timeout=self._patience())
            except queue.Empty:
                self._sequence()
                sequenced = time.monotonic()
                continue
            if first is None:
                self._sequence(last=True)
                return
            if len(group) > _MANY:
                time.sleep(_GATHER_S)
            group = [first]
            stopping = self._drain(group)
            self._commit(group)
            if self._realm.waiting > _SEQUENCE_AT or time.monotonic() - sequenced > _SEQUENCE_EVERY_S:
                self._sequence()
                sequenced = time.monotonic()
            if stopping:
                self._sequence(last=True)
                return

    def _patience(self) -> float:
        """For how long nothing is done when nobody asks for anything."""
        return _SEQUENCE_EVERY_S if self._realm.waiting and not self.failing else _LOOK_EVERY_S

    def _drain(self, group: list[_Asked]) -> bool:
        while len(group) < _MOST_JOBS:
            try:
                item = self._jobs.get_nowait()
            except queue.Empty:
                return False
            if item is None:
                return True
            group.append(item)
        return False

    def _commit(self, group: list[_Asked]) -> None:
        try:
            results = self._realm.transact([asked.job for asked in group])
        except Exception as error:  # nothing was applied; every asker hears so
            results = [error] * len(group)
        for result in results:
            if isinstance(result, _STORAGE):
                self.failing = type(result).__name__
        if any(asked.then for asked in group):
            self._sequence()
            results = [_then(asked, result) for asked, result in zip(group, results, strict=True)]
        with contextlib.suppress(RuntimeError):  # the loop has ended, and with it whoever asked
            group[0].loop.call_soon_threadsafe(_settle, [(asked.future, result) for asked, result in zip(group, results, strict=True)])

    def _sequence(self, *, last: bool = False) -> None:
        """Extend the audit tree, and write what devices said of themselves when it has waited, or this is the `last` chance. A failure (a full disk, say) is kept for /readyz and tried again; the entries are safe in the log."""
        try:
            if self._realm.registry is not None:
                if self.failing:
                    engines.probe(self._realm.engine)
                self._realm.sequence()
                self._realm.keep_heard(0 if last else _HEARD_WAITS_MS)
            self.failing = ""
        except Exception as error:
            self.failing = type(error).__name__


def _then(asked: _Asked, result: Any) -> Any:
    if asked.then is None or isinstance(result, Exception):
        return result
    try:
        return asked.then()
    except Exception as error:
        return error


def _settle(answers: list[tuple[asyncio.Future[Any], Any]]) -> None:
    for future, result in answers:
        if future.cancelled():
            continue
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)
