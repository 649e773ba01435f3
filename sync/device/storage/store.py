"""The device's store: what an unlocked device keeps, as functions (docs/spec.md §13).

All SQL of the device is here, but for how it is opened (database.py) and that of parcels and removals; its tables are beside it. Functions do not
commit: `with store.transaction():` does, durably (synchronous=FULL), and rolls back on any error.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from shared_schema import ids
from sync.device.storage.attachment_sql import AttachmentSql
from sync.device.storage.forgetting import Forgetting
from sync.device.storage.look_sql import Looks
from sync.device.storage.parcel_sql import ParcelSql
from sync.device.storage.parked_sql import ParkedSql
from sync.device.storage.removal_rows import Removals
from sync.device.storage.tables import (
    CHANGE_COLUMNS,
    ENTRY_COLUMNS,
    ERASED,
    HELD,
    LET_OUT,
    OUTBOX_COLUMNS,
    READ,
    SAID_ERASED,
    WAITING_COLUMNS,
    ChangeRow,
    EntryRow,
    OutboxRow,
    Waiting,
)

_TAKEN_BACK: Final = "taken-back:"  # with a log's id in hex: the fact that holds the highest number there when a change was taken back
_COUNTS: Final = f"(seq IS NOT NULL OR sealed IS NULL OR sealed NOT IN (SELECT n FROM outbox WHERE code = '{LET_OUT}'))"


class Store(Forgetting, ParcelSql, Removals, Looks, AttachmentSql, ParkedSql):
    """One open device store, with all that is in it."""

    def drop_fact(self, key: str) -> None:
        """Forget a named value."""
        self._db.execute("DELETE FROM fact WHERE key = ?", (key,))

    # --- logs and entries ------------------------------------------------------------------------------------------------

    def logs(self) -> list[tuple[bytes, int, bytes, int, bytes | None, str]]:
        """(log, seq, chain, received_ms, signed head, why stopped) of every log."""
        return self._rows("SELECT log, seq, chain, received_ms, head, stopped FROM log")

    def log(self, log: bytes) -> tuple[int, bytes, int] | None:
        """(seq, chain, received_ms) of a log, if this device has any of it."""
        rows = self._rows("SELECT seq, chain, received_ms FROM log WHERE log = ?", log)
        return rows[0] if rows else None

    def head(self, log: bytes) -> bytes | None:
        """The newest signed head of a log that this device has."""
        rows = self._rows("SELECT head FROM log WHERE log = ?", log)
        return rows[0][0] if rows else None

    def put_log(self, log: bytes, seq: int, chain: bytes, received_ms: int, head: bytes | None) -> None:
        """Move a log's head."""
        self._db.execute(
            "INSERT INTO log (log, seq, chain, received_ms, head) VALUES (?, ?, ?, ?, ?) ON CONFLICT (log) DO UPDATE SET "
            "seq = excluded.seq, chain = excluded.chain, received_ms = excluded.received_ms, head = excluded.head",
            (log, seq, chain, received_ms, head),
        )

    def stop_log(self, log: bytes, why: str) -> None:
        """Mark a log as not to be written, or with '' as writable again; also one of which nothing was taken yet."""
        self._db.execute(
            "INSERT INTO log (log, seq, chain, received_ms, stopped) VALUES (?, 0, ?, 0, ?) ON CONFLICT (log) DO UPDATE SET stopped = excluded.stopped",
            (log, ids.chain_start(log), why),
        )

    def authors(self, log: bytes) -> list[tuple[bytes, int, bytes]]:
        """(device, sq, entry id) of every author of a log."""
        return self._rows("SELECT device, sq, id FROM author WHERE log = ?", log)

    def put_authors(self, log: bytes, heads: list[tuple[bytes, int, bytes]]) -> None:
        """Remember each author's last entry."""
        self._db.executemany(
            "INSERT INTO author VALUES (?, ?, ?, ?) ON CONFLICT (log, device) DO UPDATE SET sq = excluded.sq, id = excluded.id",
            [(log, *head) for head in heads],
        )

    def put_entries(self, log: bytes, rows: list[EntryRow]) -> None:
        """Keep entries, with their parts, for ever."""
        self._db.executemany(f"INSERT INTO entry (log, {ENTRY_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", [(log, *row) for row in rows])

    def entries(self, log: bytes, after: int = 0, upto: int = 2**53) -> Iterator[EntryRow]:
        """Entries of a log in (after, upto], in order."""
        for row in self._db.execute(f"SELECT {ENTRY_COLUMNS} FROM entry WHERE log = ? AND seq > ? AND seq <= ? ORDER BY seq", (log, after, upto)):
            yield EntryRow(*row)

    def statements(self, log: bytes) -> list[EntryRow]:
        """The statements of a log, in order."""
        return [EntryRow(*row) for row in self._rows(f"SELECT {ENTRY_COLUMNS} FROM entry WHERE log = ? AND statement = 1 ORDER BY seq", log)]

    def chain_at(self, log: bytes, seq: int) -> bytes | None:
        """chain[seq] of a log, if this device has it."""
        chain: bytes | None = self._one("SELECT chain FROM entry WHERE log = ? AND seq = ?", log, seq)
        return chain

    def received_ms(self, log: bytes, seq: int) -> int:
        """When the server received the entry at a place that this device has."""
        return int(self._one("SELECT received_ms FROM entry WHERE log = ? AND seq = ?", log, seq))

    def entry_id(self, log: bytes, seq: int) -> bytes | None:
        """The id of the entry at a place, if this device has it."""
        found: bytes | None = self._one("SELECT id FROM entry WHERE log = ? AND seq = ?", log, seq)
        return found

    def entry(self, log: bytes, seq: int) -> EntryRow | None:
        """The entry at a place, if this device has it."""
        return next(self.entries(log, seq - 1, seq), None)

    def entry_by_id(self, log: bytes, entry_id: bytes) -> EntryRow | None:
        """The entry of a log that has this id."""
        rows = self._rows(f"SELECT {ENTRY_COLUMNS} FROM entry WHERE log = ? AND id = ?", log, entry_id)
        return EntryRow(*rows[0]) if rows else None

    # --- secrets ---------------------------------------------------------------------------------------------------------

    def secrets(self, log: bytes) -> dict[int, bytes]:
        """Epoch secrets of a log."""
        return dict(self._rows("SELECT epoch, secret FROM secret WHERE log = ?", log))

    def drop_secret(self, log: bytes, epoch: int) -> None:
        """Forget a secret that turned out to be an earlier epoch's."""
        self._db.execute("DELETE FROM secret WHERE log = ? AND epoch = ?", (log, epoch))

    def unplace(self, log: bytes, seq: int, own: bytes) -> None:
        """Forget what was opened of the entry at a place; one's own changes wait to be sealed again."""
        pending = "UPDATE change SET seq = NULL, received_ms = NULL, sealed = NULL WHERE log = ? AND seq = ? AND device = ? AND expunged IS NULL"
        self._db.execute(pending, (log, seq, own))
        self._db.execute("DELETE FROM change WHERE log = ? AND seq = ?", (log, seq))

    def put_secret(self, log: bytes, epoch: int, secret: bytes) -> None:
        """Keep an epoch secret; one that is there is never overwritten."""
        self._db.execute("INSERT INTO secret VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (log, epoch, secret))

    # --- changes ---------------------------------------------------------------------------------------------------------

    def next_counter(self, log: bytes, device: bytes) -> int:
        """The next change counter of a device in a log. A number that was given once is never given again."""
        taken = int(self.fact(_TAKEN_BACK + log.hex()) or 0)
        return 1 + max(taken, self.highest(log, device))

    def take_back(self, log: bytes, device: bytes, c: int) -> None:
        """Forget an own change that is in no entry."""
        self.set_fact(_TAKEN_BACK + log.hex(), str(self.next_counter(log, device) - 1).encode())
        self._db.execute("DELETE FROM change WHERE log = ? AND device = ? AND c = ? AND seq IS NULL AND sealed IS NULL", (log, device, c))

    def put_changes(self, rows: list[tuple[Any, ...]]) -> None:
        """Keep changes (log, device, c, record, type, creates, seq, received_ms, user, role, late, sealed, body).

        The first of a (device, c) in log order stands, in whatever order they are opened; one's own that was pending gets its place.
        """
        self._db.executemany(
            "INSERT INTO change VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL) ON CONFLICT (log, device, c) DO UPDATE SET seq = excluded.seq, "
            "received_ms = excluded.received_ms, role = excluded.role, late = excluded.late, record = excluded.record, type = excluded.type, "
            "creates = excluded.creates, user = excluded.user, body = excluded.body, expunged = NULL "
            "WHERE excluded.seq IS NOT NULL AND (change.seq IS NULL OR excluded.seq < change.seq)",
            rows,
        )

    def drop_pending(self, log: bytes, device: bytes, c: int) -> None:
        """Make room for the change that the log has under this number: only after the pending one was kept elsewhere."""
        self._db.execute("DELETE FROM change WHERE log = ? AND device = ? AND c = ? AND seq IS NULL", (log, device, c))

    def highest(self, log: bytes, device: bytes) -> int:
        """The highest change counter of a device in a log; 0 for none."""
        return int(self._one("SELECT max(c) FROM change WHERE log = ? AND device = ?", log, device) or 0)

    def change(self, log: bytes, device: bytes, c: int) -> ChangeRow | None:
        """One change."""
        rows = self._rows(f"SELECT {CHANGE_COLUMNS} FROM change WHERE log = ? AND device = ? AND c = ?", log, device, c)
        return ChangeRow(*rows[0]) if rows else None

    def changes_of(self, log: bytes, record: bytes) -> list[ChangeRow]:
        """The changes of a record in log order, pending ones last."""
        sql = f"SELECT {CHANGE_COLUMNS} FROM change WHERE log = ? AND record = ? AND {_COUNTS} ORDER BY seq IS NULL, seq, c"
        return [ChangeRow(*row) for row in self._rows(sql, log, record)]

    def all_changes(self, log: bytes) -> Iterator[ChangeRow]:
        """All changes of a log in log order, pending ones last."""
        for row in self._db.execute(f"SELECT {CHANGE_COLUMNS} FROM change WHERE log = ? AND {_COUNTS} ORDER BY seq IS NULL, seq, c", (log,)):
            yield ChangeRow(*row)

    def not_let_in(self, log: bytes) -> list[ChangeRow]:
        """Own changes that a colleague did not let in: they count nowhere, and are kept."""
        sql = f"SELECT {CHANGE_COLUMNS} FROM change WHERE log = ? AND NOT {_COUNTS} ORDER BY c"
        return [ChangeRow(*row) for row in self._rows(sql, log)]

    def unopened(self, log: bytes) -> int:
        """How many envelopes of a log count, and show nothing here."""
        seen = "SELECT seq FROM change WHERE log = ?1 AND seq IS NOT NULL"
        return int(self._one(f"SELECT count(*) FROM entry WHERE log = ?1 AND statement = 0 AND void IS NULL AND seq NOT IN ({seen})", log))

    def records(self, log: bytes, type_: str | None = None) -> list[tuple[bytes, str]]:
        """(record, type) of every record whose creating change is here and counts, in order of creation."""
        where, values = ("AND type = ?", (type_,)) if type_ else ("", ())
        sql = f"SELECT record, type FROM change WHERE log = ? AND creates = 1 AND {_COUNTS} {where} ORDER BY seq IS NULL, seq, c"
        return self._rows(sql, log, *values)

    def record_ids(self, log: bytes) -> list[bytes]:
        """Every record that any change here names, pending ones and those whose creating change is missing too."""
        return [row[0] for row in self._rows(f"SELECT DISTINCT record FROM change WHERE log = ? AND {_COUNTS}", log)]

    def waits_for_others(self, log: bytes, record: bytes) -> bool:
        """True when the change that began a record is held, or was not let in: nobody else has the record, unless a colleague lets it in."""
        aside = "SELECT n FROM outbox WHERE code IN (?, ?)"
        sql = f"SELECT 1 FROM change WHERE log = ? AND record = ? AND creates = 1 AND seq IS NULL AND sealed IN ({aside})"
        return bool(self._rows(sql, log, record, HELD, LET_OUT))

    def shared_records(self, log: bytes) -> list[bytes]:
        """Records that more than one device has changed: the only ones that can be in conflict. Each has changes that did not create it."""
        later = "SELECT DISTINCT record FROM change WHERE log = ?1 AND creates = 0"
        sql = f"SELECT record FROM change WHERE log = ?1 AND record IN ({later}) GROUP BY record HAVING count(DISTINCT device) > 1"
        return [row[0] for row in self._rows(sql, log)]

    def unsealed(self, log: bytes, *, lost: bool = False, most: int = -1) -> list[ChangeRow]:
        """Own changes that are in no entry yet, by counter, the first `most` of them; without those of attachments whose chunks the server has not all
        taken. Who has `lost` their place brings no chunk and claims none: no attachment of theirs is sealed.
        """
        waits = f"SELECT record FROM attachment WHERE log = ?1{'' if lost else ' AND complete = 0'}"
        sql = f"SELECT {CHANGE_COLUMNS} FROM change WHERE log = ?1 AND seq IS NULL AND sealed IS NULL AND record NOT IN ({waits}) ORDER BY c LIMIT ?2"
        return [ChangeRow(*row) for row in self._rows(sql, log, most)]

    def logs_with_unsealed(self) -> list[bytes]:
        """Logs that have such changes."""
        waits = "SELECT 1 FROM attachment WHERE attachment.log = change.log AND attachment.record = change.record AND complete = 0"
        return [row[0] for row in self._rows(f"SELECT DISTINCT log FROM change WHERE seq IS NULL AND sealed IS NULL AND NOT EXISTS ({waits})")]

    def mark_sealed(self, log: bytes, device: bytes, counters: list[int], n: int | None) -> None:
        """Say in which outbox item these changes are, or with None that they are to be sealed again."""
        self._db.executemany("UPDATE change SET sealed = ? WHERE log = ? AND device = ? AND c = ?", [(n, log, device, c) for c in counters])

    def place_sealed(self, log: bytes, n: int, seq: int, received_ms: int, role: str, *, late: bool = False) -> int:
        """The changes of outbox item `n` have their place; how many they were."""
        sql = "UPDATE change SET seq = ?, received_ms = ?, role = ?, late = ? WHERE log = ? AND sealed = ? AND seq IS NULL"
        return int(self._db.execute(sql, (seq, received_ms, role, int(late), log, n)).rowcount)

    def unseal_from(self, n: int) -> None:
        """The changes of outbox item `n` are to be sealed again, and the day's envelope too if it was that (docs/spec.md §9.7)."""
        self._db.execute("DELETE FROM fact WHERE key IN (SELECT 'covered:' || lower(hex(log)) FROM outbox WHERE n = ?)", (n,))
        self._db.execute("UPDATE change SET sealed = NULL WHERE sealed = ? AND seq IS NULL", (n,))

    def unsent(self) -> int:
        """Own changes without a place in a log, but for those that the server holds, or that colleagues did not let in or removed, and what says
        that something was read; and statements in the outbox.
        """
        statements = "SELECT count(*) FROM outbox WHERE statement = 1 AND code <> ?"  # a genesis may be held
        items = self._one(f"SELECT (SELECT count(*) FROM change WHERE seq IS NULL AND type <> '{READ}') + ({statements})", HELD)
        return int(items) - sum(map(self._aside, (HELD, LET_OUT, ERASED, SAID_ERASED)))

    def going(self, numbers: Iterable[int]) -> int:
        """Of what is `unsent`, as much as these items of the outbox bring."""
        these = json.dumps(list(numbers))
        changes = f"SELECT count(*) FROM change WHERE seq IS NULL AND type <> '{READ}' AND sealed IN (SELECT value FROM json_each(?))"
        statements = "SELECT count(*) FROM outbox WHERE statement = 1 AND code <> ? AND n IN (SELECT value FROM json_each(?))"
        return int(self._one(changes, these)) + int(self._one(statements, HELD, these))

    def held(self) -> int:
        """Own changes that the server holds until a colleague decides on them."""
        return self._aside(HELD)

    def _aside(self, code: str) -> int:
        return int(
            self._one(f"SELECT count(*) FROM change WHERE seq IS NULL AND type <> '{READ}' AND sealed IN (SELECT n FROM outbox WHERE code = ?)", code)
        )

    def has_ghosts(self, log: bytes) -> bool:
        """True when the end of a log, as it is here, is an entry of which nothing but its id came."""
        return bool(self._one("SELECT length(cose) = 0 FROM entry WHERE log = ? ORDER BY seq DESC LIMIT 1", log))

    def put_stub(self, rows: list[tuple[Any, ...]], by: int) -> None:
        """Keep the changes of a stub in the place of those that they stand for; `by` is the expunction's place. The first of a (device, c) stands."""
        for log, device, c, *_, seq, _received, _user, _role, _late, _sealed, _body in rows:
            self._db.execute("DELETE FROM change WHERE log = ? AND device = ? AND c = ? AND (seq IS NULL OR seq = ?)", (log, device, c, seq))
        self.put_changes(rows)
        marks = [(by, row[0], row[1], row[2], row[6]) for row in rows]
        self._db.executemany("UPDATE change SET expunged = ? WHERE log = ? AND device = ? AND c = ? AND seq = ?", marks)

    def drop_changes(self, log: bytes, device: bytes, counters: list[int], seq: int) -> None:
        """Forget what stood in a part that has gone."""
        self._db.executemany("DELETE FROM change WHERE log = ? AND device = ? AND c = ? AND seq = ?", [(log, device, c, seq) for c in counters])

    def drop_unplaced(self, log: bytes, device: bytes, counters: list[int]) -> None:
        """Forget own changes that will never come into the log; their numbers are not used again."""
        self.set_fact(_TAKEN_BACK + log.hex(), str(self.next_counter(log, device) - 1).encode())
        self._db.executemany("DELETE FROM change WHERE log = ? AND device = ? AND c = ? AND seq IS NULL", [(log, device, c) for c in counters])

    def drop_stub(self, log: bytes, by: int) -> None:
        """Forget what an expunction's stub said: its epoch was closed."""
        self._db.execute("DELETE FROM change WHERE log = ? AND expunged = ?", (log, by))

    # --- outbox ----------------------------------------------------------------------------------------------------------

    def put_outbox(self, log: bytes, sq: int, entry_id: bytes, statement: int, cose: bytes, parts: bytes, now_ms: int) -> int:
        """Put a sealed entry in the outbox; its bytes never change again."""
        cursor = self._db.execute(
            "INSERT INTO outbox (log, sq, id, statement, cose, parts, sealed_ms) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (log, sq, entry_id, statement, cose, parts, now_ms),
        )
        return int(cursor.lastrowid)

    def outbox(self, log: bytes | None = None) -> list[OutboxRow]:
        """Everything that waits, in order."""
        where, values = ("WHERE log = ?", (log,)) if log else ("", ())
        return [OutboxRow(*row) for row in self._rows(f"SELECT {OUTBOX_COLUMNS} FROM outbox {where} ORDER BY n", *values)]

    def outbox_items(self, numbers: list[int]) -> list[OutboxRow]:
        """These items, in the order asked for."""
        return [OutboxRow(*row) for n in numbers for row in self._rows(f"SELECT {OUTBOX_COLUMNS} FROM outbox WHERE n = ?", n)]

    def waiting(self, log: bytes | None = None) -> list[Waiting]:
        """What `outbox` has, in order, for whoever needs no bytes: there may be many megabytes of them."""
        where, values = ("WHERE log = ?", (log,)) if log else ("", ())
        return [Waiting(*row) for row in self._rows(f"SELECT {WAITING_COLUMNS} FROM outbox {where} ORDER BY n", *values)]

    def drop_outbox(self, n: int) -> None:
        """Forget an item: only after a verified final verdict."""
        self._db.execute("DELETE FROM outbox WHERE n = ?", (n,))

    def receipt_outbox(self, n: int, seq: int, now_ms: int) -> None:
        """An item has its receipt for place `seq`. Its bytes stay until the log shows it there."""
        self._db.execute(
            "UPDATE outbox SET promised = ?, receipted_ms = ?, code = '', message = '' WHERE n = ? AND promised IS NULL", (seq, now_ms, n)
        )

    def answer_outbox(self, n: int, code: str, message: str) -> None:
        """Remember what the server last said of an item that stays."""
        self._db.execute("UPDATE outbox SET code = ?, message = ? WHERE n = ?", (code, message, n))

    # --- proofs ----------------------------------------------------------------------------------------------------------

    def put_receipt(self, log: bytes, seq: int, receipt: bytes) -> None:
        """Keep a verified receipt."""
        self._db.execute("INSERT INTO receipt VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (log, seq, receipt))

    def receipt(self, log: bytes, seq: int) -> bytes | None:
        """The receipt whose last place is `seq`."""
        found: bytes | None = self._one("SELECT receipt FROM receipt WHERE log = ? AND seq = ?", log, seq)
        return found

    def receipts(self, log: bytes | None = None) -> list[tuple[bytes, int, bytes]]:
        """(log, last seq, receipt) of every receipt kept."""
        where, values = ("WHERE log = ?", (log,)) if log else ("", ())
        return self._rows(f"SELECT log, seq, receipt FROM receipt {where} ORDER BY log, seq", *values)

    def receipts_after(self, log: bytes, seq: int) -> list[bytes]:
        """The receipts of a log that promise places beyond `seq`."""
        return [row[0] for row in self._rows("SELECT receipt FROM receipt WHERE log = ? AND seq > ?", log, seq)]

    def put_due_proofs(self, rows: list[tuple[int, bytes, bytes, int, int, int]]) -> None:
        """Leaves (leaf, hash, log, seq, since_ms) whose inclusion has to be shown."""
        self._db.executemany("INSERT INTO due_proof VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", rows)

    def due_proofs(self, most: int) -> list[tuple[int, bytes, bytes, int, int, int]]:
        """The oldest leaves that are still to be shown."""
        return self._rows("SELECT leaf, hash, log, seq, since_ms, here_ms FROM due_proof ORDER BY leaf LIMIT ?", most)

    def due_leaves(self, low: int, high: int) -> set[int]:
        """Which leaves from `low` to `high` are still to be shown."""
        return {row[0] for row in self._rows("SELECT leaf FROM due_proof WHERE leaf BETWEEN ? AND ?", low, high)}

    def drop_due_proofs(self, leaves: list[int]) -> None:
        """These have been shown."""
        self._db.executemany("DELETE FROM due_proof WHERE leaf = ?", [(leaf,) for leaf in leaves])

    def put_checkpoint(self, size: int, root: bytes, note: str) -> None:
        """Remember a verified checkpoint."""
        self._db.execute("INSERT INTO checkpoint VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (size, root, note))

    def newest_checkpoint(self) -> tuple[int, bytes, str] | None:
        """(size, root, note) of the largest verified checkpoint."""
        rows = self._rows("SELECT size, root, note FROM checkpoint ORDER BY size DESC LIMIT 1")
        return rows[0] if rows else None

    def root_at(self, size: int) -> bytes | None:
        """The root of a verified checkpoint of that size."""
        root: bytes | None = self._one("SELECT root FROM checkpoint WHERE size = ?", size)
        return root

    def raise_alarm(self, now_ms: int, log: bytes | None, seq: int | None, code: str, text: str, evidence: bytes | None = None) -> None:
        """Keep an alarm, once; the evidence of `repeated` is what a person typed, and each of it is kept."""
        self._db.execute(
            "INSERT INTO alarm (at_ms, log, seq, code, text, evidence) SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE NOT EXISTS (SELECT 1 FROM alarm "
            "WHERE log = ?2 AND seq = ?3 AND code = ?4 AND text = ?5 AND (code <> 'repeated' OR evidence IS ?6))",
            (now_ms, log or b"", seq or 0, code, text, evidence),
        )

    def alarms(self) -> list[tuple[int, int, bytes, int, str, str, bytes | None]]:
        """(n, at_ms, log, seq, code, text, evidence) of all alarms."""
        return self._rows("SELECT n, at_ms, log, seq, code, text, evidence FROM alarm ORDER BY n")

    def see_alarms(self, log: bytes, code: str) -> None:
        """Somebody has dealt with all alarms of this kind about a log."""
        self._db.execute("UPDATE alarm SET seen = 1 WHERE log = ? AND code = ?", (log, code))

    def alarm_causes(self) -> list[tuple[int, int, bytes, int, str, str, int, int]]:
        """(n, at_ms, log, seq, code, text, how many, whether seen): the first of each entry and cause, of the seen and of the others."""
        return self._rows("SELECT min(n), at_ms, log, seq, code, text, count(*), seen FROM alarm GROUP BY log, seq, code, seen ORDER BY min(n)")

    def see_alarm(self, n: int) -> bool:
        """A person has seen alarm `n` and what else has its entry and cause. They are kept. False when there is no such alarm."""
        sql = "UPDATE alarm SET seen = 1 WHERE (log, seq, code) IN (SELECT log, seq, code FROM alarm WHERE n = ?)"
        return int(self._db.execute(sql, (n,)).rowcount) > 0
