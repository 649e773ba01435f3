"""The tables of a device's store and their rows (docs/spec.md §13): log, device and record are 16-byte ids, id and chain 32 bytes, times ms.

A new table or column is a new SCHEMA_VERSION with its upgrade.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

SCHEMA_VERSION: Final = 10
DEAD: Final = "final:"  # how an outbox item's code begins that was refused for good and is kept for a person to see
HELD: Final = "final:held"  # the code of one that the server keeps aside until a colleague decides on it
LET_OUT: Final = "final:refused"  # the code of one that a colleague did not let in
ERASED: Final = "final:erased"  # the code of one that two colleagues removed for good before it came into its file, as the log shows
SAID_ERASED: Final = "final:said-erased"  # the same by the server's word alone
READ: Final = "read_event"  # the record type that says what was read: work that holds up nothing
_TABLES: Final = """
CREATE TABLE fact (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE log (log BLOB PRIMARY KEY, seq INTEGER NOT NULL, chain BLOB NOT NULL, received_ms INTEGER NOT NULL,
    head BLOB, stopped TEXT NOT NULL DEFAULT '') WITHOUT ROWID;
CREATE TABLE author (log BLOB NOT NULL, device BLOB NOT NULL, sq INTEGER NOT NULL, id BLOB NOT NULL,
    PRIMARY KEY (log, device)) WITHOUT ROWID;
CREATE TABLE entry (log BLOB NOT NULL, seq INTEGER NOT NULL, id BLOB NOT NULL, author BLOB NOT NULL, statement INTEGER NOT NULL,
    received_ms INTEGER NOT NULL, chain BLOB NOT NULL, void TEXT, role TEXT NOT NULL, leaf INTEGER NOT NULL, cose BLOB NOT NULL, parts BLOB NOT NULL,
    PRIMARY KEY (log, seq));
CREATE INDEX entry_statement ON entry (log, seq) WHERE statement = 1;
CREATE TABLE secret (log BLOB NOT NULL, epoch INTEGER NOT NULL, secret BLOB NOT NULL, PRIMARY KEY (log, epoch)) WITHOUT ROWID;
CREATE TABLE change (log BLOB NOT NULL, device BLOB NOT NULL, c INTEGER NOT NULL, record BLOB NOT NULL, type TEXT NOT NULL,
    creates INTEGER NOT NULL,
    seq INTEGER, received_ms INTEGER, user BLOB NOT NULL, role TEXT NOT NULL, late INTEGER NOT NULL, sealed INTEGER, body BLOB NOT NULL,
    PRIMARY KEY (log, device, c));
CREATE INDEX change_of_record ON change (log, record);
CREATE INDEX change_later ON change (log, record) WHERE creates = 0;
CREATE INDEX change_pending ON change (log, sealed, c) WHERE seq IS NULL;
CREATE INDEX change_creates ON change (log, type) WHERE creates = 1;
CREATE TABLE outbox (n INTEGER PRIMARY KEY AUTOINCREMENT, log BLOB NOT NULL, sq INTEGER NOT NULL, id BLOB NOT NULL, statement INTEGER NOT NULL,
    code TEXT NOT NULL DEFAULT '', message TEXT NOT NULL DEFAULT '', sealed_ms INTEGER NOT NULL, cose BLOB NOT NULL, parts BLOB NOT NULL, promised INTEGER, receipted_ms INTEGER);
CREATE TABLE receipt (log BLOB NOT NULL, seq INTEGER NOT NULL, receipt BLOB NOT NULL, PRIMARY KEY (log, seq)) WITHOUT ROWID;
CREATE TABLE checkpoint (size INTEGER PRIMARY KEY, root BLOB NOT NULL, note TEXT NOT NULL);
"""
_ALARM: Final = """
CREATE TABLE alarm (n INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, log BLOB NOT NULL, seq INTEGER NOT NULL, code TEXT NOT NULL, text TEXT NOT NULL,
    evidence BLOB, seen INTEGER NOT NULL DEFAULT 0);
CREATE INDEX alarm_of_entry ON alarm (log, seq, code);
"""
_DUE_PROOF: Final = """
CREATE TABLE due_proof (leaf INTEGER PRIMARY KEY, hash BLOB NOT NULL, log BLOB NOT NULL, seq INTEGER NOT NULL, since_ms INTEGER NOT NULL,
    here_ms INTEGER NOT NULL);
"""
_PARCEL: Final = """
CREATE TABLE parcel (id BLOB PRIMARY KEY, log BLOB NOT NULL, record BLOB NOT NULL, kind TEXT NOT NULL, address BLOB NOT NULL, urgent INTEGER NOT NULL,
    made_ms INTEGER NOT NULL, letter BLOB, sealed BLOB, code TEXT NOT NULL DEFAULT '', message TEXT NOT NULL DEFAULT '');
CREATE TABLE noticed (log BLOB NOT NULL, record BLOB NOT NULL, PRIMARY KEY (log, record)) WITHOUT ROWID;
CREATE TABLE filed (log BLOB NOT NULL, parcel BLOB NOT NULL, PRIMARY KEY (log, parcel)) WITHOUT ROWID;
"""
_REMOVAL: Final = """
ALTER TABLE change ADD COLUMN expunged INTEGER;
CREATE TABLE absent (log BLOB NOT NULL, seq INTEGER NOT NULL, part INTEGER NOT NULL, PRIMARY KEY (log, seq, part)) WITHOUT ROWID;
CREATE TABLE purge (log BLOB NOT NULL, id BLOB NOT NULL, cose BLOB NOT NULL, PRIMARY KEY (log, id)) WITHOUT ROWID;
"""
_NOTICED: Final = "ALTER TABLE noticed ADD COLUMN c INTEGER NOT NULL DEFAULT 0;"  # the last change of the record that the other side was told of
_LOOK: Final = """
CREATE TABLE look (log BLOB NOT NULL, how TEXT NOT NULL, record BLOB NOT NULL, kind TEXT NOT NULL, at_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL,
    times INTEGER NOT NULL, upto INTEGER NOT NULL, PRIMARY KEY (log, how, record, kind)) WITHOUT ROWID;
"""
_CHUNK: Final = """
CREATE TABLE attachment (log BLOB NOT NULL, record BLOB NOT NULL, complete INTEGER NOT NULL, why TEXT NOT NULL, PRIMARY KEY (log, record));
CREATE TABLE chunk (log BLOB NOT NULL, id BLOB NOT NULL, record BLOB NOT NULL, sent INTEGER NOT NULL, used_ms INTEGER NOT NULL, size INTEGER NOT NULL,
    body BLOB NOT NULL, PRIMARY KEY (log, id));
CREATE INDEX chunk_of_record ON chunk (log, record, sent);
"""
_RESTORING: Final = """
ALTER TABLE log ADD COLUMN whole INTEGER NOT NULL DEFAULT 1;
CREATE TABLE parked (log BLOB NOT NULL, seq INTEGER NOT NULL, id BLOB NOT NULL, author BLOB NOT NULL, statement INTEGER NOT NULL, received_ms INTEGER NOT NULL,
    parked_ms INTEGER NOT NULL, cose BLOB NOT NULL, parts BLOB NOT NULL, PRIMARY KEY (log, id)) WITHOUT ROWID;
CREATE TABLE parked_change (log BLOB NOT NULL, device BLOB NOT NULL, c INTEGER NOT NULL, id BLOB NOT NULL, record BLOB NOT NULL, type TEXT NOT NULL,
    user BLOB NOT NULL, received_ms INTEGER, body BLOB NOT NULL, PRIMARY KEY (log, device, c)) WITHOUT ROWID;
"""
SCHEMA: Final = (_TABLES, _ALARM, _DUE_PROOF, _PARCEL, _REMOVAL, _NOTICED, _LOOK, _CHUNK, _RESTORING)
UPGRADES: Final = {
    1: f"ALTER TABLE alarm RENAME TO alarm_1; {_ALARM} INSERT INTO alarm SELECT *, 0 FROM alarm_1; DROP TABLE alarm_1;",
    2: f"ALTER TABLE due_proof RENAME TO due_2; {_DUE_PROOF} INSERT INTO due_proof SELECT *, since_ms FROM due_2; DROP TABLE due_2;",
    3: """ALTER TABLE outbox ADD COLUMN promised INTEGER; ALTER TABLE outbox ADD COLUMN receipted_ms INTEGER;
    UPDATE outbox SET promised = CAST(substr(message, 1, instr(message, ' ') - 1) AS INTEGER),
        receipted_ms = CAST(substr(message, instr(message, ' ') + 1) AS INTEGER), code = '', message = '' WHERE code = 'accepted';""",
    4: _PARCEL,
    5: _REMOVAL,
    6: f"""{_NOTICED} UPDATE noticed SET c = coalesce(
        (SELECT max(c) FROM change WHERE change.log = noticed.log AND change.record = noticed.record AND seq IS NULL), 0);""",
    7: _LOOK,
    8: _CHUNK,
    9: _RESTORING,
}


class EntryRow(NamedTuple):
    """One entry as it was taken. `role` is its author's in the file at that place, of an admission that of the author of what it carries. Of an erased
    file's there is left place, time, id, chain and leaf, and `cose` is empty.
    """

    seq: int
    id: bytes
    author: bytes
    statement: int
    received_ms: int
    chain: bytes
    void: str | None
    role: str
    leaf: int
    cose: bytes
    parts: bytes


@dataclass(frozen=True, slots=True)
class Waiting:
    """One item of the outbox without its bytes; `size` says how many they are. `promised` is its place by its receipt, if it has one."""

    n: int
    log: bytes
    sq: int
    id: bytes
    statement: int
    code: str
    size: int
    promised: int | None
    receipted_ms: int | None

    @property
    def dead(self) -> bool:
        """True when it was refused for good: its number is free again."""
        return self.code.startswith(DEAD)

    @property
    def receipted(self) -> bool:
        """True when it has its receipt, and waits for the page that shows it."""
        return self.promised is not None


@dataclass(frozen=True, slots=True)
class OutboxRow(Waiting):
    """One item of the outbox: a sealed entry that its log does not show yet."""

    message: str
    sealed_ms: int
    cose: bytes
    parts: bytes


class ChangeRow(NamedTuple):
    """One change, opened. `seq` is None while it is not in the log; `expunged` is the place of the expunction whose stub it stands in."""

    device: bytes
    c: int
    record: bytes
    seq: int | None
    received_ms: int | None
    user: bytes
    role: str
    late: int
    sealed: int | None
    body: bytes
    expunged: int | None = None


class Parked(NamedTuple):
    """A colleague's change that the server had lost, and that nobody brought back in time: it counts nowhere, and is kept."""

    log: bytes
    device: bytes
    c: int
    record: bytes
    type: str
    user: bytes
    received_ms: int
    body: bytes


class Look(NamedTuple):
    """What a person read here, and no entry says yet: one `record`, or all records of type `kind` (the other is empty), from `at_ms` to `until_ms`,
    `times` in all; `upto` is how far this device had the file at the last of them.
    """

    log: bytes
    how: str
    record: bytes
    kind: str
    at_ms: int
    until_ms: int
    times: int
    upto: int


class ParcelOut(NamedTuple):
    """A letter that the server has given no pass for. `log` and `record` are the file that it was sent from and its record there; `letter`
    (what it will say, with the claimed time) is None where only the sealed parcel was kept, `sealed` until it is sealed; no `address`: the desk.
    """

    id: bytes
    log: bytes
    record: bytes
    kind: str
    address: bytes
    urgent: int
    made_ms: int
    letter: bytes | None
    sealed: bytes | None
    code: str
    message: str


ENTRY_COLUMNS: Final = "seq, id, author, statement, received_ms, chain, void, role, leaf, cose, parts"
WAITING_COLUMNS: Final = "n, log, sq, id, statement, code, length(cose) + length(parts), promised, receipted_ms"
OUTBOX_COLUMNS: Final = f"{WAITING_COLUMNS}, message, sealed_ms, cose, parts"
CHANGE_COLUMNS: Final = "device, c, record, seq, received_ms, user, role, late, sealed, body, expunged"
PARCEL_COLUMNS: Final = "id, log, record, kind, address, urgent, made_ms, letter, sealed, code, message"
