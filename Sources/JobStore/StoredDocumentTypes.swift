// Which document types the embedded systems hold documents of, for people who look around in a store.
internal import GRDB
public import SyncJobs

extension JobStore {
    /// The types of a system that have live documents, in byte order of their names.
    ///
    /// - Throws: ``JobStoreError``.
    public func documentTypes(ofSystem system: String) async throws(JobStoreError) -> [DocumentType] {
        try await longRead("types") { db in
            let sql = """
                SELECT name FROM document_types type WHERE system = ?
                AND EXISTS (SELECT 1 FROM documents WHERE type_id = type.id AND is_deleted = 0)
                """
            let names = try db.allRows(sql, [system.nameValue]) { row in
                var columns = ColumnReader(row)
                return try columns.text()
            }
            return names.sorted { $0.precedesByBytes($1) }.map { DocumentType(system: system, name: $0) }
        }
    }
}
