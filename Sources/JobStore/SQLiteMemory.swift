// SQLite counts the bytes of all that it allocates, under one lock for the whole process: each statement of a reader waits for
// those of the writer. Nobody here asks for the count.
internal import CSQLite

enum SQLiteMemory {
    /// Whether SQLite does without the count.
    ///
    /// It is asked once, when the first store is opened; where something else in the process has used SQLite before, it
    /// refuses, and goes on counting.
    static let isUncounted = ferry_sqlite_without_memory_statistics() == 0
}
