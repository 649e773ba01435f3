"""The SQL of what had to go from this device (docs/spec.md §7.8 to §7.10, §9.6). Functions do not commit, as in sync/device/storage/store.py."""

from sync.device.storage.database import SCRUB, Database


class Removals(Database):
    """The part of a device's store that removes."""

    def absent(self, log: bytes) -> set[tuple[int, int]]:
        """(seq, part) of the parts that came absent, and which no expunction has accounted for yet."""
        return {(seq, part) for seq, part in self._rows("SELECT seq, part FROM absent WHERE log = ?", log)}

    def set_absent(self, log: bytes, parts: set[tuple[int, int]]) -> None:
        """These, and no others, are not accounted for."""
        self._db.execute("DELETE FROM absent WHERE log = ?", (log,))
        self._db.executemany("INSERT INTO absent VALUES (?, ?, ?)", [(log, *one) for one in sorted(parts)])

    def set_parts(self, log: bytes, seq: int, parts: bytes) -> None:
        """The parts of an entry, of which one has gone."""
        self._db.execute("UPDATE entry SET parts = ? WHERE log = ? AND seq = ?", (parts, log, seq))

    def set_outbox_parts(self, n: int, parts: bytes) -> None:
        """The same of an item of the outbox."""
        self._db.execute("UPDATE outbox SET parts = ? WHERE n = ?", (parts, n))

    def blank_evidence(self, gone: bytes) -> None:
        """Overwrite these bytes in whatever alarms keep."""
        for n, evidence in self._rows("SELECT n, evidence FROM alarm WHERE instr(evidence, ?) > 0", gone):
            self._db.execute("UPDATE alarm SET evidence = ? WHERE n = ?", (bytes(evidence).replace(gone, bytes(len(gone))), n))

    def erase_log(self, log: bytes, upto: int) -> None:
        """Forget all of a log but place, time, id, chain and leaf of each entry before `upto`, and what comes from there on."""
        self._db.execute(
            "UPDATE entry SET author = x'', statement = 0, void = NULL, role = '', cose = x'', parts = x'' WHERE log = ? AND seq < ?", (log, upto)
        )
        for emptied in ("change", "secret", "outbox", "receipt", "author", "absent"):
            self._db.execute(f"DELETE FROM {emptied} WHERE log = ?", (log,))
        self._db.execute("DELETE FROM parcel WHERE log = ? AND letter IS NOT NULL", (log,))  # one that is sealed for good is the other side's
        for emptied in ("noticed", "filed", "look", "attachment", "chunk", "parked", "parked_change"):
            self._db.execute(f"DELETE FROM {emptied} WHERE log = ?", (log,))
        self._db.execute("UPDATE alarm SET evidence = NULL WHERE log = ?", (log,))

    def put_purge(self, log: bytes, statement: bytes, cose: bytes) -> None:
        """This device's word that it has done what a statement asks; and what was deleted for it is to be overwritten first."""
        self._db.execute("INSERT INTO purge VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (log, statement, cose))
        self.set_fact(SCRUB, b"due")

    def purges(self, most: int) -> list[tuple[bytes, bytes, bytes]]:
        """(log, statement, COSE) of what this device has done and not told yet; nothing while something is still to be overwritten."""
        return [] if self.fact(SCRUB) else self._rows("SELECT log, id, cose FROM purge ORDER BY log, id LIMIT ?", most)

    def drop_purges(self, told: list[tuple[bytes, bytes, bytes]]) -> None:
        """The server has been told."""
        self._db.executemany("DELETE FROM purge WHERE log = ? AND id = ?", [(log, statement) for log, statement, _ in told])
