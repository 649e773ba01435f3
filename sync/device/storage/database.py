"""An open device database: one SQLCipher file under the store key, never a plaintext file, and its transactions (docs/spec.md §13).

Functions do not commit: `with store.transaction():` does, durably (synchronous=FULL), and rolls back on any error.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import sqlcipher3.dbapi2 as sqlite

from shared_schema.errors import Refused
from sync.device.entering.keyring import Keyring
from sync.device.storage.tables import SCHEMA, SCHEMA_VERSION, UPGRADES

SqlError: Final = sqlite.Error
SCRUB: Final = "scrub"  # the fact that says that what was deleted is still to be overwritten on disk
_PAGE: Final = 16_384
_FULL, _CORRUPT, _NOT_OURS, _BUSY, _IOERR = 13, 11, 26, 5, 10  # sqlite3.h


def storage_error(error: Exception) -> Refused:
    """What failed below SQL, and what a person can do about it. What was under way has been rolled back."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest says which read or write it was
    if code == _BUSY:
        return Refused("busy", "another program has this device's store open: close it and try again; nothing is half done")
    if code == _FULL:
        return Refused("storage", "the disk is full: free some space and try again; nothing is half done")
    if code == _IOERR:  # a full disk too, where it is no database page that found no room
        return Refused("storage", "the disk is full or failing: free some space or check the disk, and try again; nothing is half done")
    if code in (_CORRUPT, _NOT_OURS):
        return Refused(
            "storage",
            "this device's store is damaged: keep a copy of the folder, and have the device enrolled anew in another one; what has a receipt comes back "
            "from the server",
        )
    return Refused("storage", f"this device's store could not be read or written ({error}): check the disk and try again; nothing is half done")


class Database:
    """One open device store. Without `create` a store that is missing or empty is refused: an empty one in its place would hide the loss."""

    def __init__(self, path: Path | str, key: bytes, *, create: bool = True) -> None:
        self._path, self.key = path, key
        self.keyring: Keyring | None = None  # of a profile; a store by itself has none
        self._depth = 0
        self._connect(key, create=create)

    def _connect(self, key: bytes, *, create: bool) -> None:
        path, file = self._path, Path(self._path)
        if not create and not file.is_file():
            raise Refused("storage", f"there is no store.db in {file.parent}: was it moved, or is a disk missing? No empty one is made in its place")
        try:
            self._db = sqlite.connect(str(path), isolation_level=None, check_same_thread=False)
        except sqlite.Error as error:
            raise storage_error(error) from None
        try:
            self._unlock(key, file, create=create)
        except sqlite.Error as error:
            self._db.close()
            if getattr(error, "sqlite_errorcode", 0) == _NOT_OURS and file.stat().st_size % _PAGE == 0:
                raise Refused("bad-passphrase", f"the passphrase does not open {file}, or that is no store of a device") from None
            raise storage_error(error) from None
        except BaseException:
            self._db.close()
            raise

    def _unlock(self, key: bytes, file: Path, *, create: bool) -> None:
        execute = self._db.execute
        execute("PRAGMA cipher_log_level = NONE")
        execute(f"PRAGMA key = \"x'{key.hex()}'\"")
        execute(f"PRAGMA cipher_page_size = {_PAGE}")
        execute("PRAGMA cipher_memory_security = OFF")
        execute("PRAGMA locking_mode = EXCLUSIVE")  # before anything is read: needs no file of shared memory, for which a full disk has no room
        execute("PRAGMA cache_size = -65536")
        execute("PRAGMA secure_delete = ON")
        version = execute("PRAGMA user_version").fetchone()[0]
        if version == 0 and not create:
            raise Refused("storage", f"the store in {file.parent} is empty: bring back store.db from a copy; no new one is made in its place")
        if version > SCHEMA_VERSION:
            raise Refused("not-found", f"this device's store is of version {version}, want {SCHEMA_VERSION}: install a newer fieldkeep")
        execute("PRAGMA journal_mode = WAL")
        execute("PRAGMA synchronous = FULL")
        execute("PRAGMA busy_timeout = 5000")
        steps = SCHEMA if version == 0 else [UPGRADES[older] for older in range(version, SCHEMA_VERSION)]
        if steps:
            self._db.executescript(f"BEGIN IMMEDIATE; {' '.join(steps)} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
        with suppress(sqlite.Error):  # what could not be overwritten before, on a full disk say; nothing is confirmed until it is
            self.scrub()

    def rekey(self, key: bytes) -> bool:
        """Encrypt the whole store under another key, in one transaction. False where that failed, and it has the key that it had.

        The file is opened again either way: after a failure this library would go on writing under the new key. Raises Refused `storage` when
        neither key opens it any more.
        """
        try:
            self._db.execute(f"PRAGMA rekey = \"x'{key.hex()}'\"")
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # no page under the old key stays in the file
        except sqlite.Error:
            pass
        self._db.close()
        for one in (key, self.key):
            try:
                self._connect(one, create=False)
            except Refused as error:
                if error.code != "bad-passphrase":
                    raise
            else:
                self.key = one
                return one == key
        raise Refused("storage", f"the store in {Path(self._path).parent} does not open any more: keep a copy of the folder, and ask for help")

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing. When the outermost one ends without an error, its writes are on disk."""
        if self._depth:
            yield
            return
        self._depth = 1
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # a full disk has ended it already
                self._db.execute("ROLLBACK")
            raise
        finally:
            self._depth = 0

    def _rows(self, sql: str, *values: Any) -> list[Any]:
        rows: list[Any] = self._db.execute(sql, values).fetchall()
        return rows

    def _one(self, sql: str, *values: Any) -> Any:
        row = self._db.execute(sql, values).fetchone()
        return None if row is None else row[0]

    # --- facts -----------------------------------------------------------------------------------------------------------

    def fact(self, key: str) -> bytes | None:
        """One fact about this device."""
        value: bytes | None = self._one("SELECT value FROM fact WHERE key = ?", key)
        return value

    def set_fact(self, key: str, value: bytes) -> None:
        """Set a fact."""
        self._db.execute("INSERT INTO fact VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", (key, value))

    def scrub(self) -> None:
        """Overwrite on disk what was deleted, if anything that had to go was: the database anew without its free pages, and no write-ahead log.

        secure_delete alone leaves a copy behind now and then, where pages were rearranged.
        """
        if self._depth or not self.fact(SCRUB):
            return
        self._db.execute("VACUUM")
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._db.execute("DELETE FROM fact WHERE key = ?", (SCRUB,))
