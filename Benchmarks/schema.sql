-- The store of the floor and of the peers: documents and records in the shapes of Ferry's tables, without what only an
-- engine needs (bindings, attempts, outbox, secondary indexes). An id has one record.
PRAGMA journal_mode = WAL;
CREATE TABLE documents (
    id INTEGER PRIMARY KEY,
    type_id INTEGER NOT NULL, name TEXT NOT NULL, fields TEXT NOT NULL, updated_at INTEGER NOT NULL,
    UNIQUE (type_id, name)
) STRICT;
CREATE TABLE jobs (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE, request TEXT NOT NULL, type_name TEXT NOT NULL, source_name TEXT NOT NULL,
    target_name TEXT, status TEXT NOT NULL, operation TEXT, diff TEXT,
    created_at INTEGER NOT NULL, ended_at INTEGER NOT NULL
) STRICT;
