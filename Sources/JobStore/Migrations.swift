// The schema, as migrations that are only ever appended. Names that come from outside stand in ANY columns: they are
// TEXT, or BLOB when they hold a NUL (see Columns.swift), and compare as bytes either way.
internal import Foundation
internal import GRDB

extension DatabaseMigrator {
    /// All migrations of the store.
    static var jobStore: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        // The schema holds references only between rows that are written together, so the check of the whole file that
        // GRDB would do after a migration finds nothing but time.
        migrator = migrator.disablingDeferredForeignKeyChecks()
        migrator.registerMigration("1 jobs and documents", migrate: createFirstSchema)
        migrator.registerMigration("2 the whole sync job", migrate: createSecondSchema)
        migrator.registerMigration("3 awaited bindings", migrate: createAwaitedBindings)
        migrator.registerMigration("4 dead letters", migrate: createDeadLetters)
        migrator.registerMigration("5 pauses", migrate: createPausesSchema)
        migrator.registerMigration("6 processes", migrate: createSixthSchema)
        migrator.registerMigration("7 fenced intents", migrate: createIntentFences)
        migrator.registerMigration("8 jobs by type and status", migrate: createEighthSchema)
        migrator.registerMigration("9 open jobs", migrate: createNinthSchema)
        return migrator
    }

    /// Brings the file to the schema of this version; a second process that does the same at the same time is waited
    /// for.
    func migrateTogether(_ pool: DatabasePool, path: String) throws {
        for attempt in 1... {
            do {
                try migrate(pool)
                break
            } catch let error as DatabaseError
                where attempt < 5 && (error.isOfOneRow || error.resultCode == .SQLITE_ERROR)
            {
                // "table already exists": the other process was quicker. Its migration is complete or not at all.
                continue
            }
        }
        try pool.read { db in try StoreFile.refuseNewer(db, path: path, migrator: self) }
    }

    @Sendable
    private static func createFirstSchema(_ db: Database) throws {
        try db.execute(sql: "PRAGMA application_id = \(StoreFile.applicationID)")
        try db.execute(sql: firstSchema)
        try db.execute(
            sql: "INSERT INTO meta (key, value) VALUES ('store_id', ?)", arguments: [UUID().uuidString.lowercased()])
    }

    private static let firstSchema = """
        CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

        -- One row for each job. The sequence is the order of birth and is never given again.
        CREATE TABLE jobs (
            sequence INTEGER PRIMARY KEY AUTOINCREMENT,
            id ANY NOT NULL UNIQUE,
            request_hash BLOB NOT NULL, request TEXT NOT NULL,
            type_name ANY NOT NULL, type_slug TEXT NOT NULL,
            source_system ANY NOT NULL, source_type ANY NOT NULL, source_name ANY,
            queue ANY NOT NULL, status TEXT NOT NULL, skip_reason TEXT, no_target_reason TEXT, operation TEXT,
            target_system ANY, target_type ANY, target_name ANY,
            diff TEXT, current_data TEXT, updated_data TEXT,
            error_code TEXT, error TEXT, notes TEXT,
            retry_count INTEGER NOT NULL, next_turn INTEGER NOT NULL,
            created_at INTEGER NOT NULL, started_at INTEGER, ended_at INTEGER, dead_lettered_at INTEGER
        ) STRICT;
        -- Entries of one status or type are added at the end of their run: cheap. Names are scattered, and are what
        -- people look for.
        CREATE INDEX jobs_by_status ON jobs (status);
        CREATE INDEX jobs_by_type ON jobs (type_slug);
        CREATE INDEX jobs_by_creation ON jobs (created_at);
        CREATE INDEX jobs_by_source ON jobs (source_name) WHERE source_name IS NOT NULL;
        CREATE INDEX jobs_by_target ON jobs (target_name) WHERE target_name IS NOT NULL;
        CREATE INDEX jobs_by_error ON jobs (error_code) WHERE error_code IS NOT NULL;

        CREATE TABLE attempts (
            job INTEGER NOT NULL REFERENCES jobs (sequence) ON DELETE CASCADE,
            turn INTEGER NOT NULL, number INTEGER NOT NULL, run_id ANY NOT NULL, node ANY NOT NULL,
            started_at INTEGER NOT NULL, ended_at INTEGER NOT NULL, outcome TEXT NOT NULL, error TEXT,
            PRIMARY KEY (job, turn)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE bindings (
            id INTEGER PRIMARY KEY,
            type_slug TEXT NOT NULL, source_system ANY NOT NULL, source_type ANY NOT NULL, source_name ANY NOT NULL,
            key ANY NOT NULL,
            target_system ANY NOT NULL, target_type ANY NOT NULL, target_name ANY NOT NULL,
            is_deleted INTEGER NOT NULL, version_order TEXT, source_version TEXT, sent_hash BLOB, stored_hash BLOB,
            updated_at INTEGER NOT NULL,
            UNIQUE (source_name, type_slug, key, source_type, source_system)
        ) STRICT;

        CREATE TABLE outbox (
            sequence INTEGER PRIMARY KEY AUTOINCREMENT,
            id ANY NOT NULL UNIQUE, job_id ANY NOT NULL, kind TEXT NOT NULL, routing_key ANY NOT NULL,
            headers TEXT NOT NULL, body BLOB
        ) STRICT;
        CREATE INDEX outbox_by_job ON outbox (job_id);

        CREATE TABLE write_intents (
            sequence INTEGER PRIMARY KEY AUTOINCREMENT,
            job_id ANY NOT NULL, turn INTEGER NOT NULL, run_id ANY NOT NULL, write TEXT NOT NULL,
            recorded_at INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX write_intents_by_job ON write_intents (job_id);

        CREATE TABLE audit (
            sequence INTEGER PRIMARY KEY AUTOINCREMENT,
            at INTEGER NOT NULL, action ANY NOT NULL, actor ANY NOT NULL, subject ANY NOT NULL, reason ANY
        ) STRICT;

        CREATE TABLE document_types (
            id INTEGER PRIMARY KEY, system ANY NOT NULL, name ANY NOT NULL, UNIQUE (system, name)
        ) STRICT;

        -- The documents of the embedded system; a deleted one stays with its last image.
        CREATE TABLE documents (
            id INTEGER PRIMARY KEY,
            type_id INTEGER NOT NULL REFERENCES document_types (id), name ANY NOT NULL,
            fields TEXT NOT NULL, hash BLOB NOT NULL, version_order TEXT, version TEXT,
            is_deleted INTEGER NOT NULL, updated_at INTEGER NOT NULL,
            UNIQUE (type_id, name)
        ) STRICT;
        CREATE INDEX documents_deleted ON documents (type_id) WHERE is_deleted = 1;

        -- Live documents by the value of a field. The value is a hash of its normal form, because SQLite's own
        -- comparison of JSON values rounds numbers and its paths can't name every field.
        CREATE TABLE document_indexes (
            id INTEGER PRIMARY KEY, type_id INTEGER NOT NULL REFERENCES document_types (id), field ANY NOT NULL,
            is_ready INTEGER NOT NULL, UNIQUE (type_id, field)
        ) STRICT;
        CREATE TABLE document_keys (
            index_id INTEGER NOT NULL, value BLOB NOT NULL, document_id INTEGER NOT NULL,
            PRIMARY KEY (index_id, value, document_id)
        ) STRICT, WITHOUT ROWID;
        """
}
