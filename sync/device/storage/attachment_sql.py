"""The SQL of attachments: sealed chunks that wait to be sent or are kept to be looked at, and which records wait for them (docs/spec.md §18.8). Functions do
not commit, as in store.py.
"""

from typing import NamedTuple

from sync.device.storage.database import Database


class Outgoing(NamedTuple):
    """An attachment that was made here and whose record the log does not show yet. `complete` says that the server has all its chunks; `why` what it last
    said where it has not.
    """

    log: bytes
    record: bytes
    complete: int
    why: str


class AttachmentSql(Database):
    """The part of a store that keeps chunks. Their bodies are the sealed bytes, inside the encrypted store."""

    def put_attachment(self, log: bytes, record: bytes) -> None:
        """A new attachment: its record waits until its chunks have been taken."""
        self._db.execute("INSERT INTO attachment VALUES (?, ?, 0, '')", (log, record))

    def outgoing(self, log: bytes | None = None) -> list[Outgoing]:
        """What was made here and is not in its log, in the order in which it was made."""
        where, values = (" WHERE log = ?", (log,)) if log else ("", ())
        return [Outgoing(*row) for row in self._rows(f"SELECT log, record, complete, why FROM attachment{where} ORDER BY rowid", *values)]

    def set_complete(self, log: bytes, record: bytes, complete: bool, why: str = "") -> None:
        """Whether the server has all chunks of an attachment, and what it said."""
        self._db.execute("UPDATE attachment SET complete = ?, why = ? WHERE log = ? AND record = ?", (int(complete), why, log, record))

    def settle_attachments(self) -> None:
        """Forget those whose record is in its log: their chunks are kept for looking. Of what was taken back before it was sent they go too."""
        said = "SELECT 1 FROM change WHERE change.log = attachment.log AND change.record = attachment.record AND creates = 1"
        undone = f"SELECT log, record FROM attachment WHERE NOT EXISTS ({said})"
        self._db.execute(f"DELETE FROM chunk WHERE (log, record) IN ({undone})")
        waits = f"{said} AND seq IS NULL"
        self._db.execute(f"DELETE FROM attachment WHERE NOT EXISTS ({waits})")

    def put_chunk(self, log: bytes, chunk: bytes, record: bytes, body: bytes, now_ms: int, *, sent: bool) -> None:
        """Keep a sealed chunk."""
        self._db.execute(
            "INSERT INTO chunk VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", (log, chunk, record, int(sent), now_ms, len(body), body)
        )

    def chunk(self, log: bytes, chunk: bytes, now_ms: int) -> bytes | None:
        """A sealed chunk, if it is here."""
        self._db.execute("UPDATE chunk SET used_ms = ? WHERE log = ? AND id = ?", (now_ms, log, chunk))
        body: bytes | None = self._one("SELECT body FROM chunk WHERE log = ? AND id = ?", log, chunk)
        return body

    def has_chunk(self, log: bytes, chunk: bytes) -> bool:
        """Whether a sealed chunk is here."""
        return bool(self._rows("SELECT 1 FROM chunk WHERE log = ? AND id = ?", log, chunk))

    def unsent_chunks(self, log: bytes, record: bytes) -> list[bytes]:
        """The ids of an attachment's chunks that the server has not acknowledged."""
        return [row[0] for row in self._rows("SELECT id FROM chunk WHERE log = ? AND record = ? AND sent = 0 ORDER BY rowid", log, record)]

    def count_chunks(self, log: bytes, record: bytes) -> int:
        """How many chunks of an attachment are here."""
        return int(self._one("SELECT count(*) FROM chunk WHERE log = ? AND record = ?", log, record))

    def mark_chunk(self, log: bytes, chunk: bytes, *, sent: bool) -> None:
        """The server has acknowledged a chunk, or says that it is not there."""
        self._db.execute("UPDATE chunk SET sent = ? WHERE log = ? AND id = ?", (int(sent), log, chunk))

    def drop_chunks(self, log: bytes, chunks: list[bytes]) -> None:
        """Forget these: what named them was removed."""
        self._db.executemany("DELETE FROM chunk WHERE log = ? AND id = ?", [(log, chunk) for chunk in chunks])

    def trim_chunks(self, most: int) -> None:
        """Of what is kept for looking alone, the least lately used goes beyond so many bytes."""
        waits = "(log, record) IN (SELECT log, record FROM attachment)"
        kept = 0
        for rowid, size in self._rows(f"SELECT rowid, size FROM chunk WHERE NOT {waits} ORDER BY used_ms DESC, rowid DESC"):
            kept += size
            if kept > most:
                self._db.execute("DELETE FROM chunk WHERE rowid = ?", (rowid,))
