"""The SQL of a device's store about parcels: what waits to be sent, and which ones its files have had (docs/spec.md §15)."""

from sync.device.storage.database import Database
from sync.device.storage.tables import PARCEL_COLUMNS, ParcelOut


class ParcelSql(Database):
    """The part of a store that has to do with parcels."""

    def put_parcel(self, row: ParcelOut) -> None:
        """Keep a letter until it has its pass."""
        self._db.execute(f"INSERT INTO parcel ({PARCEL_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)

    def parcels(self) -> list[ParcelOut]:
        """What waits, urgent things first, the rest in the order in which it was said, also within one millisecond."""
        return [ParcelOut(*row) for row in self._rows(f"SELECT {PARCEL_COLUMNS} FROM parcel ORDER BY urgent DESC, made_ms, rowid")]

    def seal_parcel(self, parcel_id: bytes, sealed: bytes | None) -> None:
        """Its bytes, as they are sent; None when they have to be made anew."""
        self._db.execute("UPDATE parcel SET sealed = ? WHERE id = ?", (sealed, parcel_id))

    def answer_parcel(self, parcel_id: bytes, code: str, message: str) -> None:
        """Remember what the server last said of one that stays."""
        self._db.execute("UPDATE parcel SET code = ?, message = ? WHERE id = ?", (code, message, parcel_id))

    def drop_parcel(self, parcel_id: bytes) -> None:
        """Forget a letter: only upon its verified pass, or because a person took it back."""
        self._db.execute("DELETE FROM parcel WHERE id = ?", (parcel_id,))

    def letters_of(self, log: bytes) -> list[ParcelOut]:
        """Those that were written in a file and can be read here; what was sealed when it was typed is none of them."""
        return [row for row in self.parcels() if row.log == log and row.letter is not None]

    def unsealed_records(self, log: bytes, types: list[str]) -> list[bytes]:
        """Records of these types with own changes that are in no entry yet, in the order in which they were typed."""
        marks = ", ".join("?" * len(types))
        where = f"log = ? AND seq IS NULL AND sealed IS NULL AND type IN ({marks})"
        return [row[0] for row in self._rows(f"SELECT record FROM change WHERE {where} GROUP BY record ORDER BY min(c)", log, *types)]

    def noticed(self, log: bytes, record: bytes) -> int:
        """The count of the last change of this device in the record that the other side was told of; 0 for none."""
        found = self._rows("SELECT c FROM noticed WHERE log = ? AND record = ?", log, record)
        return int(found[0][0]) if found else 0

    def put_noticed(self, log: bytes, record: bytes, c: int) -> None:
        """The other side has been told of all up to this change."""
        self._db.execute("INSERT INTO noticed VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET c = excluded.c", (log, record, c))

    def filed(self, log: bytes) -> set[bytes]:
        """The parcels that records of a file have come from."""
        return {row[0] for row in self._rows("SELECT parcel FROM filed WHERE log = ?", log)}

    def put_filed(self, log: bytes, parcels: set[bytes]) -> None:
        """These have become records of the file."""
        self._db.executemany("INSERT INTO filed VALUES (?, ?) ON CONFLICT DO NOTHING", [(log, parcel) for parcel in parcels])
