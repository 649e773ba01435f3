CREATE TABLE attachment (log BLOB NOT NULL, record BLOB NOT NULL, complete INTEGER NOT NULL, why TEXT NOT NULL, PRIMARY KEY (log, record));
CREATE TABLE chunk (log BLOB NOT NULL, id BLOB NOT NULL, record BLOB NOT NULL, sent INTEGER NOT NULL, used_ms INTEGER NOT NULL, size INTEGER NOT NULL,
    body BLOB NOT NULL, PRIMARY KEY (log, id));
CREATE INDEX chunk_of_record ON chunk (log, record, sent);
