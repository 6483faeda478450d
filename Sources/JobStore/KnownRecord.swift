// The record that a commit changes, as far as the commit asks for it.
internal import GRDB
internal import SyncJobs

/// What a commit asks of the record that it changes.
struct KnownRecord {
    let sequence: Int64
    let nextTurn: Int
    let orderKey: String?
    let requestHash: Digest
    let createdAt: Timestamp

    private static let select = JobStatement(
        "SELECT sequence, next_turn, order_key, request_hash, created_at FROM jobs WHERE id = ?")

    /// The record of this id; nil when there is none.
    static func find(_ id: String, in statements: StatementShelf) throws -> KnownRecord? {
        try statements.firstRow(select, arguments: { $0.add(name: id) }) { row in
            var columns = ColumnReader(row, from: 1)
            return KnownRecord(
                sequence: row[0], nextTurn: try columns.int(), orderKey: try columns.optionalText(),
                requestHash: try columns.digest(), createdAt: try columns.timestamp())
        }
    }
}
