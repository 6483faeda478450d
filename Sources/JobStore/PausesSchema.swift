// What the migration `5 pauses` adds: what operators have paused, the circuits that are open, and the places of parked jobs.
// Like every migration it is never changed once it is out.
internal import GRDB

extension DatabaseMigrator {
    @Sendable
    static func createPausesSchema(_ db: Database) throws { try db.execute(sql: pausesSchema) }

    private static let pausesSchema = """
        CREATE TABLE pauses (
            kind TEXT NOT NULL, name ANY NOT NULL, reason ANY, actor ANY NOT NULL, since INTEGER NOT NULL,
            until INTEGER, PRIMARY KEY (kind, name)
        ) STRICT, WITHOUT ROWID;

        -- A circuit without a row is closed.
        CREATE TABLE circuits (
            system ANY NOT NULL PRIMARY KEY, opened_at INTEGER NOT NULL, reason ANY NOT NULL,
            failed_probes INTEGER NOT NULL, next_probe_at INTEGER NOT NULL, probed_by ANY, probe_until INTEGER
        ) STRICT, WITHOUT ROWID;

        -- The places of parked jobs, by the sequence of their records. State 0 waits behind an earlier one of its key,
        -- 1 is the first of its key, 2 is on its way again: it keeps its place until its run is committed.
        CREATE TABLE parked (
            job INTEGER PRIMARY KEY REFERENCES jobs (sequence) ON DELETE CASCADE,
            order_key TEXT NOT NULL, type_slug TEXT NOT NULL, queue ANY NOT NULL, systems TEXT NOT NULL,
            reason TEXT NOT NULL, due_at INTEGER, state INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX parked_by_key ON parked (order_key, job);
        CREATE INDEX parked_by_state ON parked (state, type_slug, queue, systems, job);
        """
}
