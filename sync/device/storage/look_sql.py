"""The SQL of what people read on this device, until an entry says so (docs/spec.md §16.1). Functions do not commit, as in sync/device/storage/store.py."""

from typing import Final

from sync.device.storage.database import Database
from sync.device.storage.tables import CHANGE_COLUMNS, DEAD, READ, ChangeRow, Look

_COLUMNS: Final = "log, how, record, kind, at_ms, until_ms, times, upto"


class Looks(Database):
    """The part of a device's store that remembers what was read."""

    def put_look(self, one: Look) -> None:
        """Remember a look; one more at the same joins it."""
        self._db.execute(
            f"INSERT INTO look ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (log, how, record, kind) DO UPDATE SET "
            "until_ms = max(until_ms, excluded.until_ms), times = times + excluded.times, upto = max(upto, excluded.upto)",
            one,
        )

    def looks(self, log: bytes | None = None) -> list[Look]:
        """What no entry says yet, of one file or of all, oldest first."""
        where, values = ("WHERE log = ?", (log,)) if log else ("", ())
        return [Look(*row) for row in self._rows(f"SELECT {_COLUMNS} FROM look {where} ORDER BY log, at_ms, record, kind", *values)]

    def drop_looks(self, log: bytes) -> None:
        """A record says it now."""
        self._db.execute("DELETE FROM look WHERE log = ?", (log,))

    def read_changes(self, log: bytes) -> list[ChangeRow]:
        """The changes of a file that say what was read, in log order, pending ones last."""
        sql = f"SELECT {CHANGE_COLUMNS} FROM change WHERE log = ? AND type = ? ORDER BY seq IS NULL, seq, c"
        return [ChangeRow(*row) for row in self._rows(sql, log, READ)]

    def read_waits(self, log: bytes) -> bool:
        """True while a record of what was read is on its way into this file, and was neither held nor refused."""
        live = f"SELECT n FROM outbox WHERE code NOT LIKE '{DEAD}%'"
        sql = f"SELECT 1 FROM change WHERE log = ? AND type = ? AND seq IS NULL AND (sealed IS NULL OR sealed IN ({live})) LIMIT 1"
        return bool(self._rows(sql, log, READ))

    def unplaced(self, log: bytes) -> int:
        """Own changes of a file that have no place in it, but for those."""
        return int(self._one("SELECT count(*) FROM change WHERE log = ? AND seq IS NULL AND type <> ?", log, READ))

    def last_by(self, log: bytes, received_ms: int) -> int:
        """The place of the last entry of a log that was received at that time or before; 0 for none."""
        return int(self._one("SELECT max(seq) FROM entry WHERE log = ? AND received_ms <= ?", log, received_ms) or 0)
