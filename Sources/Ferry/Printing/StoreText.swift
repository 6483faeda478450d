// What ferry store says about a file, for people and for programs.

internal import JobStore
internal import SyncJobs

extension Quantity {
    /// `512 B`, `3.4 MB`: bytes in steps of a thousand.
    static func bytes(_ count: Int) -> String {
        var value = Double(count)
        for unit in ["B", "kB", "MB", "GB"] {
            if value < 1000 { return unit == "B" ? "\(count) B" : "\(tenths(value)) \(unit)" }
            value /= 1000
        }
        return "\(tenths(value)) TB"
    }

    /// How long ago that was, to the second: `5s`, `2h10m`.
    static func age(_ time: Timestamp, now: Timestamp) -> String {
        let seconds = now.since(time).components.seconds
        return Duration.seconds(max(0, seconds)).text
    }
}

/// What a store's file holds.
struct StoreInfoText: Sendable {
    let info: JobStore.Info
    let now: Timestamp

    /// The file's version: the number of its newest migration.
    private var version: String { info.migrations.last.map { String($0.prefix { $0.isNumber }) } ?? "0" }

    func lines(style: Style) -> [String] {
        var lines = [
            "\(style(.heading, "store")) \(VisibleText.bare(info.path))", "  id       \(info.storeID)",
            "  version  \(version) (\(info.migrations.last ?? "none"))",
            "  size     \(Quantity.bytes(info.fileBytes)), of which \(Quantity.bytes(info.freeBytes)) are free",
            "  log      \(Quantity.bytes(info.logBytes))", "  owed     \(owed)",
        ]
        var table = TextTable([.init(title: "TABLE"), .init(title: "ROWS", alignment: .right)])
        for row in info.rows { table.add([row.name, VisibleText.grouped(row.count)]) }
        lines += table.lines(style: style)
        return lines
    }

    private var owed: String {
        guard let owed = info.oldestOwed else { return "nothing" }
        let count = info.rows.first { $0.name == "outbox" }?.count ?? 0
        let age = owed.since.map { ", for \(Quantity.age($0, now: now))" } ?? ""
        return
            "\(Quantity.count(count, "message")) to the broker; the oldest is of \(VisibleText.bare(owed.jobID))\(age)"
    }

    var json: JSONValue {
        var rows = JSONObject()
        for row in info.rows { rows[row.name] = .int(row.count) }
        var object: JSONObject = [
            "path": .string(info.path), "id": .string(info.storeID), "version": .string(version),
            "migrations": .array(info.migrations.map { .string($0) }), "file_bytes": .int(info.fileBytes),
            "free_bytes": .int(info.freeBytes), "log_bytes": .int(info.logBytes), "rows": .object(rows),
            "oldest_owed": .null,
        ]
        if let owed = info.oldestOwed {
            object["oldest_owed"] = [
                "job": .string(owed.jobID), "kind": .string(owed.kind.rawValue),
                "since": owed.since.map { .string($0.description) } ?? .null,
            ]
        }
        return .object(object)
    }
}

/// What a check found.
struct StoreCheckText: Sendable {
    let findings: [StoreFinding]
    let took: Duration

    func lines(style: Style) -> [String] {
        guard !findings.isEmpty else { return ["the store is whole (checked in \(Quantity.time(took)))"] }
        return findings.flatMap { finding in
            [
                "\(style(.bad, finding.message)): \(VisibleText.grouped(finding.count)), the first: "
                    + VisibleText.bare(finding.example, limit: 300),
                "  → \(finding.remedy)",
            ]
        }
    }

    var json: JSONValue {
        [
            "is_whole": .bool(!findings.contains { $0.kind.isDamage }),
            "findings": .array(
                findings.map { finding in
                    [
                        "kind": .string(finding.kind.rawValue), "count": .int(finding.count),
                        "example": .string(finding.example), "message": .string(finding.message),
                        "remedy": .string(finding.remedy),
                    ]
                }),
        ]
    }
}

/// A backup that was made.
struct StoreBackupText: Sendable {
    let path: String
    let size: Int
    let took: Duration

    var line: String {
        "wrote \(VisibleText.bare(path)): \(Quantity.bytes(size)) in \(Quantity.time(took)), checked"
    }

    var json: JSONValue {
        ["path": .string(path), "bytes": .int(size), "milliseconds": .int(Int(took.microseconds / 1000))]
    }

    /// How far it has come.
    static func progress(_ state: JobStore.BackupProgress) -> String {
        let size = Quantity.bytes(state.totalBytes)
        guard !state.isChecking else { return "checking \(size)" }
        return "copied \(Quantity.bytes(state.copiedBytes)) of \(size)"
    }
}
