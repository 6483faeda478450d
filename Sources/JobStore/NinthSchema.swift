// What version 9 of the file adds: a cheaper way to say which jobs are open. Like every migration it is never changed once it is
// out.
internal import GRDB

extension DatabaseMigrator {
    @Sendable
    static func createNinthSchema(_ db: Database) throws { try db.execute(sql: ninthSchema) }

    private static let ninthSchema = """
        DROP INDEX jobs_open;
        DROP INDEX jobs_open_by_queue;
        DROP INDEX jobs_open_by_order;
        DROP INDEX jobs_open_by_parent;
        ALTER TABLE jobs DROP COLUMN is_open;
        -- SyncJob.isOpen, in SQL. Word by word: for a list of words SQLite would make a table of them each time, once for an
        -- insert and six times for an update.
        ALTER TABLE jobs ADD COLUMN is_open INTEGER NOT NULL GENERATED ALWAYS AS
            (status = 'Pending' OR status = 'Queued' OR status = 'Started' OR retry_after IS NOT NULL) VIRTUAL;
        CREATE INDEX jobs_open ON jobs (is_open) WHERE is_open = 1;
        CREATE INDEX jobs_open_by_queue ON jobs (queue) WHERE is_open = 1;
        CREATE INDEX jobs_open_by_order ON jobs (order_key) WHERE order_key IS NOT NULL AND is_open = 1;
        CREATE INDEX jobs_open_by_parent ON jobs (parent) WHERE parent IS NOT NULL AND is_open = 1;
        """
}
