// What version 4 of the file adds: dead letters with their bodies, revision by revision. Like every migration it is never
// changed once it is out.
internal import GRDB

extension DatabaseMigrator {
    @Sendable
    static func createDeadLetters(_ db: Database) throws { try db.execute(sql: deadLetterSchema) }

    private static let deadLetterSchema = """
        -- One row for each letter; without the bodies, so that lists and groups read little.
        CREATE TABLE dead_letters (
            sequence INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            job_id ANY, turn INTEGER NOT NULL, origin TEXT NOT NULL, type_slug ANY, queue ANY, routing_key ANY NOT NULL,
            reason TEXT NOT NULL, error ANY NOT NULL, remedy ANY NOT NULL, attempts INTEGER,
            headers TEXT NOT NULL, body_bytes INTEGER NOT NULL,
            received_at INTEGER NOT NULL, first_failed_at INTEGER NOT NULL, last_failed_at INTEGER NOT NULL,
            arrivals INTEGER NOT NULL, shape ANY NOT NULL, group_key TEXT NOT NULL,
            state TEXT NOT NULL, revision INTEGER NOT NULL, replay_count INTEGER NOT NULL, content_hash BLOB,
            resolved_at INTEGER, resolved_by ANY, resolved_reason ANY, replayed_as ANY, replayed_turn INTEGER
        ) STRICT;
        CREATE INDEX dead_letters_by_state ON dead_letters (state, sequence);
        CREATE INDEX dead_letters_by_group ON dead_letters (group_key, state);
        CREATE INDEX dead_letters_by_job ON dead_letters (job_id) WHERE job_id IS NOT NULL;
        CREATE INDEX dead_letters_by_replay ON dead_letters (replayed_as) WHERE replayed_as IS NOT NULL;
        CREATE INDEX dead_letters_by_end ON dead_letters (resolved_at) WHERE resolved_at IS NOT NULL;

        -- Revision 1 is the body as it came; the others are edits, and say whose.
        CREATE TABLE dead_letter_bodies (
            letter INTEGER NOT NULL REFERENCES dead_letters (sequence) ON DELETE CASCADE, revision INTEGER NOT NULL,
            at INTEGER NOT NULL, actor ANY, reason ANY, body BLOB,
            PRIMARY KEY (letter, revision)
        ) STRICT;

        -- The letter that an action was about; its subject is the letter's job where it has one.
        ALTER TABLE audit ADD COLUMN letter TEXT;
        CREATE INDEX audit_by_letter ON audit (letter) WHERE letter IS NOT NULL;
        """
}
