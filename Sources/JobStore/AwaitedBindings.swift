// Who waits for which binding, having gone on without it. The commit that binds it owes the waiting requests; the commit that
// begins to wait finds what was bound meanwhile. Writers are one after the other, so none is missed between the two.
internal import GRDB
internal import SyncJobs

extension DatabaseMigrator {
    @Sendable
    static func createAwaitedBindings(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE TABLE awaited_bindings (
                    source_name ANY NOT NULL, type_slug TEXT NOT NULL, key ANY NOT NULL,
                    source_type ANY NOT NULL, source_system ANY NOT NULL,
                    waiter BLOB NOT NULL, request TEXT NOT NULL, request_queue ANY NOT NULL, request_slug TEXT NOT NULL,
                    since INTEGER NOT NULL,
                    PRIMARY KEY (source_name, type_slug, key, source_type, source_system, waiter)
                ) STRICT, WITHOUT ROWID;
                CREATE INDEX awaited_bindings_by_waiter ON awaited_bindings (waiter);
                """)
    }
}

extension WriteContext {
    /// The most requests that one commit makes again; the rest follows when the awaited document is synced the next time.
    private static var maximumAsked: Int { 10_000 }

    /// Notes what `job` waits for from now on, and owes the requests of those that waited for what it has bound.
    ///
    /// - Returns: how many messages are owed.
    func ask(again job: SyncJob, awaited: [BindingKey]?, bound: Binding?, at time: Timestamp) throws -> Int {
        var messages: [OutboxMessage] = []
        if let awaited { messages += try wait(job, for: awaited, at: time) }
        if let bound, !bound.isDeleted, try mayHave(.awaited) { messages += try wake(bound.key, binder: job) }
        for message in messages { try owe(message) }
        return messages.count
    }

    /// Notes what a job waits for; what is bound already it need not wait for, and is asked again at once.
    private func wait(_ job: SyncJob, for awaited: [BindingKey], at time: Timestamp) throws -> [OutboxMessage] {
        let isRemoving = try mayHave(.awaited)
        guard isRemoving || !awaited.isEmpty,
            let waiting = AwaitingRequest(job, outermostParent: try outermostParent(of: job))
        else { return [] }
        if isRemoving {
            try execute("DELETE FROM awaited_bindings WHERE waiter = ?", [waiting.identity.columnValue])
        }
        var isBound = false
        for key in awaited {
            if let binding = try BindingRow.binding(key, in: db), !binding.isDeleted {
                isBound = true
                continue
            }
            try AwaitedRow.insert(waiting, for: key, since: time, in: self)
            note(.awaited)
        }
        return isBound ? [waiting.message(boundBy: job)].compactMap { $0 } : []
    }

    /// The relay at the top, for a child; nil for a job that is none, or whose parents' records are gone.
    private func outermostParent(of job: SyncJob) throws -> SyncJob? {
        var outermost: SyncJob?
        var parentID = job.request.parentSyncJob
        // Deeper than any relay: a record that names itself as its parent must not hold up the writer.
        for _ in 0..<100 {
            guard let id = parentID, let parent = try JobRow.job(id: id, in: db) else { break }
            outermost = parent
            parentID = parent.request.parentSyncJob
        }
        return outermost
    }

    private func wake(_ key: BindingKey, binder: SyncJob) throws -> [OutboxMessage] {
        let waiting = try AwaitedRow.waiting(for: key, limit: Self.maximumAsked, in: db)
        var messages: [OutboxMessage] = []
        for waiter in waiting {
            guard let message = waiter.message(boundBy: binder) else { continue }
            messages.append(message)
            try AwaitedRow.remove(waiter, for: key, in: self)
        }
        return messages
    }
}

enum AwaitedRow {
    private static let keyCondition =
        "source_name = ? AND type_slug = ? AND key = ? AND source_type = ? AND source_system = ?"

    static func insert(
        _ waiting: AwaitingRequest, for key: BindingKey, since: Timestamp, in context: WriteContext
    ) throws {
        try context.execute(
            "INSERT OR REPLACE INTO awaited_bindings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            BindingRow.keyValues(key) + [
                waiting.identity.columnValue, waiting.requestText.databaseValue,
                waiting.routed.queue.nameValue, waiting.routed.slug.databaseValue, since.columnValue,
            ])
    }

    static func waiting(for key: BindingKey, limit: Int, in db: Database) throws -> [AwaitingRequest] {
        let sql = """
            SELECT waiter, request, request_queue, request_slug FROM awaited_bindings
            WHERE \(keyCondition) LIMIT \(limit)
            """
        return try db.allRows(sql, BindingRow.keyValues(key)) { row in
            var columns = ColumnReader(row)
            let identity = try columns.digest()
            // It has an id only once it is made again.
            var request = try columns.request(id: "-")
            request.id = ""
            let queue = try columns.text()
            return AwaitingRequest(
                routed: RoutedRequest(request, queue: queue, slug: try columns.text()), identity: identity)
        }
    }

    static func remove(_ waiting: AwaitingRequest, for key: BindingKey, in context: WriteContext) throws {
        try context.execute(
            "DELETE FROM awaited_bindings WHERE \(keyCondition) AND waiter = ?",
            BindingRow.keyValues(key) + [waiting.identity.columnValue])
    }
}
