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
CREATE TABLE alarm (n INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, log BLOB NOT NULL, seq INTEGER NOT NULL, code TEXT NOT NULL, text TEXT NOT NULL,
    evidence BLOB, seen INTEGER NOT NULL DEFAULT 0);
CREATE INDEX alarm_of_entry ON alarm (log, seq, code);
CREATE TABLE due_proof (leaf INTEGER PRIMARY KEY, hash BLOB NOT NULL, log BLOB NOT NULL, seq INTEGER NOT NULL, since_ms INTEGER NOT NULL,
    here_ms INTEGER NOT NULL);
