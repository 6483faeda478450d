// What version 6 of the file adds: who wrote what is owed, holds a lease or runs a job, by the number of its process. Like
// every migration it is never changed once it is out.
internal import GRDB

extension DatabaseMigrator {
    @Sendable
    static func createSixthSchema(_ db: Database) throws { try db.execute(sql: sixthSchema) }

    private static let sixthSchema = """
        -- Without a number it is from before this version: its process is taken for gone, except where a lease has a time.
        ALTER TABLE outbox ADD COLUMN process INTEGER;
        ALTER TABLE outbox ADD COLUMN recorded_at INTEGER;
        CREATE INDEX outbox_by_process ON outbox (process);
        ALTER TABLE leases ADD COLUMN process INTEGER;
        ALTER TABLE jobs ADD COLUMN run_process INTEGER;
        CREATE INDEX jobs_running ON jobs (run_process) WHERE status = 'Started';
        """
}
