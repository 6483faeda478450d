// What version 2 of the file adds: relays, waiting, retries, dedup keys, leases, operators, schedules, retention. Like
// every migration it is never changed once it is out.
internal import GRDB

extension DatabaseMigrator {
    @Sendable
    static func createSecondSchema(_ db: Database) throws { try db.execute(sql: secondSchema) }

    private static let secondSchema = """
        ALTER TABLE jobs ADD COLUMN parent ANY;
        ALTER TABLE jobs ADD COLUMN cancel_reason ANY;
        ALTER TABLE jobs ADD COLUMN related_job ANY;
        ALTER TABLE jobs ADD COLUMN superseded TEXT;
        -- Until now a record was born at the end of its first attempt.
        ALTER TABLE jobs ADD COLUMN attempt_count INTEGER NOT NULL DEFAULT 1;
        ALTER TABLE jobs ADD COLUMN retry_after INTEGER;
        ALTER TABLE jobs ADD COLUMN wait_reason TEXT;
        ALTER TABLE jobs ADD COLUMN order_key ANY;
        ALTER TABLE jobs ADD COLUMN progress TEXT;
        ALTER TABLE jobs ADD COLUMN run_id ANY;
        ALTER TABLE jobs ADD COLUMN run_node ANY;
        ALTER TABLE jobs ADD COLUMN heartbeat_at INTEGER;
        ALTER TABLE jobs ADD COLUMN cancel_asked INTEGER;
        ALTER TABLE jobs ADD COLUMN relay_revision INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE jobs ADD COLUMN runs_relay_finished INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE jobs ADD COLUMN dedup_key ANY;
        -- SyncJob.isOpen, in SQL.
        ALTER TABLE jobs ADD COLUMN is_open INTEGER NOT NULL GENERATED ALWAYS AS
            (status IN ('Pending', 'Queued', 'Started') OR retry_after IS NOT NULL) VIRTUAL;
        UPDATE jobs SET attempt_count = (SELECT count(*) FROM attempts WHERE job = sequence)
            WHERE sequence IN (SELECT job FROM attempts GROUP BY job HAVING count(*) > 1);

        -- All of these are partial: a job that ends in its first run is in none of them.
        CREATE INDEX jobs_open ON jobs (is_open) WHERE is_open = 1;
        CREATE INDEX jobs_open_by_queue ON jobs (queue) WHERE is_open = 1;
        CREATE INDEX jobs_open_by_order ON jobs (order_key) WHERE order_key IS NOT NULL AND is_open = 1;
        CREATE INDEX jobs_open_by_parent ON jobs (parent) WHERE parent IS NOT NULL AND is_open = 1;
        CREATE INDEX jobs_by_parent ON jobs (parent, status) WHERE parent IS NOT NULL;
        CREATE INDEX jobs_by_wait ON jobs (wait_reason, retry_after) WHERE wait_reason IS NOT NULL;
        CREATE INDEX jobs_by_dedup_key ON jobs (dedup_key) WHERE dedup_key IS NOT NULL;
        CREATE INDEX bindings_by_target ON bindings (target_name);
        CREATE INDEX audit_by_subject ON audit (subject);

        -- The job that a message is about, beside the one that owes it; the body of an `again` or `child` is empty, and
        -- is that job's request.
        ALTER TABLE outbox ADD COLUMN message_id ANY;
        ALTER TABLE outbox ADD COLUMN queue ANY;
        ALTER TABLE outbox ADD COLUMN due_at INTEGER;
        UPDATE outbox SET message_id = job_id;
        CREATE INDEX outbox_by_message ON outbox (message_id);

        -- Who holds a dedup key. Until the holder has a record its claim ends at `claimed_until`.
        CREATE TABLE dedup_keys (
            type_slug TEXT NOT NULL, key ANY NOT NULL, job ANY NOT NULL, claimed_until INTEGER NOT NULL,
            PRIMARY KEY (type_slug, key)
        ) STRICT, WITHOUT ROWID;

        -- One row for each run that took a lease; a run from which another has taken it stays, so that its commit is
        -- recognised.
        CREATE TABLE leases (
            run_id ANY NOT NULL PRIMARY KEY, key ANY NOT NULL, job ANY NOT NULL, until INTEGER NOT NULL,
            is_lost INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE UNIQUE INDEX leases_held ON leases (key) WHERE is_lost = 0;
        CREATE INDEX leases_by_job ON leases (job);

        -- Cancels that wait for the job: for its first delivery, or for its run to see them.
        CREATE TABLE cancellations (job ANY NOT NULL PRIMARY KEY, reason ANY NOT NULL, asked_at INTEGER NOT NULL)
            STRICT, WITHOUT ROWID;

        CREATE TABLE checkpoints (
            job ANY NOT NULL PRIMARY KEY, turn INTEGER NOT NULL, state TEXT NOT NULL, saved_at INTEGER NOT NULL
        ) STRICT;

        -- The ids of jobs whose records are gone.
        CREATE TABLE seen (id_hash BLOB NOT NULL PRIMARY KEY, request_hash BLOB NOT NULL, pruned_at INTEGER NOT NULL)
            STRICT, WITHOUT ROWID;
        CREATE INDEX seen_by_age ON seen (pruned_at);

        CREATE TABLE schedules (
            type_slug TEXT NOT NULL, name ANY NOT NULL, last_due INTEGER NOT NULL, job ANY, PRIMARY KEY (type_slug, name)
        ) STRICT, WITHOUT ROWID;
        """
}
