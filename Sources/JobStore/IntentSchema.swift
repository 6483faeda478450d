// What version 7 of the file adds: which source, in which version, a write to an outside system is about, so that of two jobs
// about one source the older does not write over the newer. Like every migration it is never changed once it is out.
internal import GRDB

extension DatabaseMigrator {
    @Sendable
    static func createIntentFences(_ db: Database) throws {
        try db.execute(
            sql: """
                ALTER TABLE write_intents ADD COLUMN fence BLOB;
                ALTER TABLE write_intents ADD COLUMN version_order TEXT;
                ALTER TABLE write_intents ADD COLUMN source_version TEXT;
                CREATE INDEX write_intents_by_fence ON write_intents (fence) WHERE fence IS NOT NULL;
                """)
    }
}
