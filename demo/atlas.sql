-- The target of the demo: an atlas of somebody else's making, with table and column names of its own.
PRAGMA journal_mode = WAL;

CREATE TABLE nations (
    code3   TEXT PRIMARY KEY NOT NULL,
    code2   TEXT NOT NULL UNIQUE,
    label   TEXT NOT NULL,
    formal  TEXT NOT NULL DEFAULT '',
    number  INTEGER NOT NULL,
    emblem  TEXT
) STRICT;

CREATE TABLE regions (
    code    TEXT PRIMARY KEY NOT NULL,
    label   TEXT NOT NULL,
    kind    TEXT NOT NULL,
    within  TEXT,
    nation  TEXT
) STRICT;

-- Names its rows itself: the engine learns the name from the insert and binds it.
CREATE TABLE tongues (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    code3   TEXT NOT NULL UNIQUE,
    code2   TEXT,
    label   TEXT NOT NULL,
    extent  TEXT NOT NULL CHECK (extent IN ('individual', 'macrolanguage', 'special')),
    state   TEXT NOT NULL,
    spoken  INTEGER NOT NULL CHECK (spoken IN (0, 1))
) STRICT;

CREATE TABLE moneys (
    code    TEXT PRIMARY KEY NOT NULL,
    label   TEXT NOT NULL,
    number  INTEGER NOT NULL
) STRICT;
