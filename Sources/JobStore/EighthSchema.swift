// What version 8 of the file adds: one index for lists by type and status instead of two. Like every migration it is never
// changed once it is out.
internal import GRDB

extension DatabaseMigrator {
    @Sendable
    static func createEighthSchema(_ db: Database) throws {
        // Within one type and status the entries are in the order of birth. There are few types and fewer statuses: a list
        // by one of the two takes the newest of each of the other's, which is as quick as an index of its own, and every
        // job is one entry less.
        try db.execute(
            sql: """
                CREATE INDEX jobs_by_type_and_status ON jobs (type_slug, status);
                DROP INDEX jobs_by_type;
                DROP INDEX jobs_by_status;
                """)
    }
}
