// What operators did, as a table and as JSON.

internal import JobStore
internal import SyncJobs

/// Renders the audit.
enum AuditTable {
    /// The heading and a line for each entry.
    static func lines(_ entries: [AuditEntry], style: Style) -> [String] {
        var table = TextTable("AT", "ACTION", "BY", "TO", "WHY")
        for entry in entries {
            table.add([
                Timestamp(microseconds: entry.at.microseconds, precisionMicroseconds: 1_000_000).description,
                VisibleText.bare(entry.action), VisibleText.bare(entry.actor), VisibleText.bare(entry.subject),
                entry.reason.map { VisibleText.bare($0) } ?? "",
            ])
        }
        return table.lines(style: style)
    }
}

extension AuditEntry {
    /// The entry for programs.
    var json: JSONValue {
        [
            "at": .string(at.description), "action": .string(action), "actor": .string(actor),
            "subject": .string(subject), "reason": reason.map { .string($0) } ?? .null,
            "dead_letter": .optional(letter),
        ]
    }
}
