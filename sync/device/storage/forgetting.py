"""The SQL with which a revoked device forgets its files (docs/spec.md §9.5). Functions do not commit, as in store.py."""

from typing import Final

from sync.device.storage.database import SCRUB, Database
from sync.device.storage.tables import ERASED, HELD, LET_OUT, READ

_BY_LOG: Final = (
    "entry",
    "secret",
    "change",
    "receipt",
    "log",
    "author",
    "alarm",
    "due_proof",
    "outbox",
    "parcel",
    "noticed",
    "filed",
    "absent",
    "purge",
    "look",
    "attachment",
    "chunk",
    "parked",
    "parked_change",
)


class Forgetting(Database):
    """The part of a store that forgets."""

    def has_contents(self, log: bytes) -> bool:
        """True while anything of a file is here that could be read."""
        return any(self._one(f"SELECT EXISTS (SELECT 1 FROM {table} WHERE log = ?)", log) for table in ("log", "change", "secret"))

    def count_entries(self, log: bytes) -> int:
        """The entries of a log that are here."""
        return int(self._one("SELECT count(*) FROM entry WHERE log = ?", log))

    def left(self) -> dict[bytes, int]:
        """Own changes, by file, that neither have a receipt nor were settled by anybody: what would be lost. What was read holds up nothing."""
        settled = f"SELECT n FROM outbox WHERE code IN ('{HELD}', '{LET_OUT}', '{ERASED}') OR promised IS NOT NULL"
        return dict(
            self._rows(
                f"SELECT log, count(*) FROM change WHERE seq IS NULL AND type <> '{READ}' AND (sealed IS NULL OR sealed NOT IN ({settled})) GROUP BY log"
            )
        )

    def forget(self, log: bytes) -> int:
        """Everything of a file goes. Returns how many letters to the other side went with it."""
        letters = int(self._one("SELECT count(*) FROM parcel WHERE log = ?", log))
        for table in _BY_LOG:
            self._db.execute(f"DELETE FROM {table} WHERE log = ?", (log,))
        return letters

    def forget_rest(self, kept: tuple[str, ...]) -> None:
        """All alarms go, and all facts but those that are `kept`."""
        self._db.execute("DELETE FROM alarm")
        self._db.execute(f"DELETE FROM fact WHERE key NOT IN ({', '.join('?' * len(kept))})", kept)

    def overwrite_soon(self) -> None:
        """What was deleted is overwritten on disk when the transaction has ended."""
        self.set_fact(SCRUB, b"due")
