"""Hearing at once what other processes commit to a side's database (docs/decisions/0022-several-workers.md).

PostgreSQL tells by NOTIFY. Where a pool of connections stands between that lets nobody listen, the journal is looked at as often as `_LOOK_S` says: nothing
depends on being told, for every request looks before it is answered, and only hints to other devices come later.
"""

import threading
from contextlib import suppress
from typing import Any, Final

import psycopg
from sqlalchemy import Engine, text
from sqlalchemy.exc import DatabaseError

from server.changes import CHANNEL
from server.realm import Realm

_LOOK_S: Final = 1.0


class Listener:
    """A thread that follows one realm."""

    def __init__(self, realm: Realm) -> None:
        self._realm = realm
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"listener-{realm.side}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End it, before the engine is disposed of. All are told, so that this one need not wait."""
        self._over.set()
        with suppress(DatabaseError, OSError), self._realm.engine.connect() as tx, tx.begin():
            tx.execute(text("SELECT pg_notify(:channel || current_schema(), '')"), {"channel": CHANNEL})
        self._thread.join(2 * _LOOK_S)

    def _run(self) -> None:
        while not self._over.is_set():
            with suppress(DatabaseError, psycopg.Error, OSError):  # the database does not answer: asked again
                self._listen(self._realm.engine)
            self._over.wait(_LOOK_S)

    def _listen(self, engine: Engine) -> None:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            schema = connection.exec_driver_sql("SELECT current_schema()").scalar()
            connection.exec_driver_sql(f'LISTEN "{CHANNEL}{schema}"')
            driver: Any = connection.connection.driver_connection
            while not self._over.is_set():
                for _told in driver.notifies(timeout=_LOOK_S, stop_after=1):
                    break
                if not self._over.is_set():
                    self._realm.follow()
