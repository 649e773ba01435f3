"""The SQL of a side that came back from an older copy: what is still to be seen again, and what is put aside (docs/spec.md §19.4). Functions do not
commit, as in sync/device/storage/store.py.
"""

from shared_schema import ids
from sync.device.storage.database import Database
from sync.device.storage.tables import Parked


class ParkedSql(Database):
    """The part of a device's store that puts aside what a server has lost."""

    def is_whole(self, log: bytes) -> bool:
        """False after a restore, until the server has shown that it has all of a log that is here."""
        return bool(self._one("SELECT coalesce((SELECT whole FROM log WHERE log = ?), 1)", log))

    def set_whole(self, log: bytes) -> None:
        """The server has all of it."""
        self._db.execute("UPDATE log SET whole = 1 WHERE log = ? AND whole = 0", (log,))

    def not_whole(self) -> list[bytes]:
        """The files that the server has not shown again."""
        return [row[0] for row in self._rows("SELECT log FROM log WHERE whole = 0 AND seq > 0 ORDER BY log")]

    def signed_head(self, log: bytes) -> bytes | None:
        """The server's word for the last entry of a log that is here."""
        found: bytes | None = self._one("SELECT head FROM log WHERE log = ?", log)
        return found

    def end_incarnation(self, registry: bytes) -> None:
        """What the older incarnation promised, and has not shown, nobody owes any more; its audit tree is over."""
        self._db.execute("DELETE FROM checkpoint")
        self._db.execute("DELETE FROM due_proof")
        self._db.execute("DELETE FROM receipt WHERE seq > coalesce((SELECT seq FROM log WHERE log.log = receipt.log), 0)")
        self._db.execute("UPDATE outbox SET promised = NULL, receipted_ms = NULL")
        self._db.execute("UPDATE log SET whole = 0 WHERE log <> ?", (registry,))
        self._db.execute("DELETE FROM fact WHERE key LIKE 'parcels:%'")  # numbers of what came may be given again

    def park(self, log: bytes, after: int, own: bytes, now_ms: int) -> int:
        """Put aside the entries of a log after a place, and what was opened of them; one's own changes wait to be sealed again. Returns how many."""
        tail = (log, after)
        kept = int(self._one("SELECT count(*) FROM entry WHERE log = ? AND seq > ?", *tail))
        columns = "log, seq, id, author, statement, received_ms"
        self._db.execute(f"INSERT OR IGNORE INTO parked SELECT {columns}, ?, cose, parts FROM entry WHERE log = ? AND seq > ?", (now_ms, *tail))
        self._db.execute(
            "INSERT OR IGNORE INTO parked_change SELECT change.log, device, c, entry.id, record, type, user, change.received_ms, body FROM change "
            "JOIN entry ON entry.log = change.log AND entry.seq = change.seq WHERE change.log = ? AND change.seq > ? AND device <> ? AND expunged IS NULL",
            (*tail, own),
        )
        again = (
            "UPDATE change SET seq = NULL, received_ms = NULL, sealed = NULL, late = 0 WHERE log = ? AND seq > ? AND device = ? AND expunged IS NULL"
        )
        self._db.execute(again, (*tail, own))
        for table in ("change", "entry", "receipt", "absent"):
            self._db.execute(f"DELETE FROM {table} WHERE log = ? AND seq > ?", tail)
        chain = self._one("SELECT chain FROM entry WHERE log = ? AND seq = ?", *tail) or ids.chain_start(log)
        received_ms = self._one("SELECT received_ms FROM entry WHERE log = ? AND seq = ?", *tail) or 0
        self._db.execute("UPDATE log SET seq = ?, chain = ?, received_ms = ?, head = NULL WHERE log = ?", (after, chain, received_ms, log))
        self._db.execute("DELETE FROM author WHERE log = ?", (log,))
        return kept

    def set_body(self, log: bytes, device: bytes, c: int, body: bytes) -> None:
        """What a change that is in no entry yet says."""
        self._db.execute(
            "UPDATE change SET body = ? WHERE log = ? AND device = ? AND c = ? AND seq IS NULL AND sealed IS NULL", (body, log, device, c)
        )

    def parked(self, log: bytes | None = None) -> list[Parked]:
        """Colleagues' changes that were put aside, by file and record."""
        where, values = ("WHERE log = ?", (log,)) if log else ("", ())
        columns = "log, device, c, record, type, user, coalesce(received_ms, 0), body"
        return [Parked(*row) for row in self._rows(f"SELECT {columns} FROM parked_change {where} ORDER BY log, record, device, c", *values)]

    def unpark(self, log: bytes, placed: list[tuple[bytes, int]]) -> None:
        """These changes (device, c) have come again; entries of which all have come go."""
        if not placed or not self._one("SELECT EXISTS (SELECT 1 FROM parked WHERE log = ?)", log):
            return
        self._db.executemany("DELETE FROM parked_change WHERE log = ? AND device = ? AND c = ?", [(log, *one) for one in placed])
        devices = sorted({device for device, _ in placed})
        come = f"author IN ({', '.join('?' * len(devices))}) AND id NOT IN (SELECT id FROM parked_change WHERE log = ?)"
        self._db.execute(f"DELETE FROM parked WHERE log = ? AND statement = 0 AND {come}", (log, *devices, log))
