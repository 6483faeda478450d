// A list of records as a table, newest first.

internal import SyncJobs

/// Renders lists of records.
enum JobTable {
    /// The heading and a line for each job.
    static func lines(_ jobs: [SyncJob], style: Style) -> [String] {
        // A column that most lists would leave empty: when what waits for a time comes back.
        let hasDueTimes = jobs.contains { $0.retryAfter != nil }
        var table = TextTable(
            [
                .init(title: "ID"), .init(title: "STATUS"), .init(title: "TYPE"), .init(title: "SOURCE"),
                .init(title: "TARGET"), .init(title: "OPERATION"), .init(title: "TOOK", alignment: .right),
                .init(title: "RECEIVED"),
            ] + (hasDueTimes ? [.init(title: "AGAIN")] : []))
        for job in jobs {
            let cells = [
                // Whole, however long: it is what one copies into the next command.
                VisibleText.bare(job.id), style(JobText.meaning(job.status), JobText.status(job)),
                VisibleText.bare(job.typeSlug), name(job.request.sourceDocumentName), name(job.targetName),
                job.operation?.rawValue ?? "-", job.timeTaken.map { Quantity.time($0) } ?? "-",
                second(job.createdAt),
            ]
            table.add(cells + (hasDueTimes ? [job.retryAfter.map { second($0) } ?? ""] : []))
        }
        return table.lines(style: style)
    }

    private static func second(_ time: Timestamp) -> String {
        Timestamp(microseconds: time.microseconds, precisionMicroseconds: 1_000_000).description
    }

    private static func name(_ name: String?) -> String { name.map { VisibleText.bare($0, limit: 32) } ?? "-" }
}
