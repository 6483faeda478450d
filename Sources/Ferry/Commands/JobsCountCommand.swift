// ferry jobs count.

internal import ArgumentParser
internal import JobStore
internal import SyncJobs

/// `ferry jobs count`.
struct JobsCountCommand: FerrySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "count", abstract: "Counts jobs by status.",
        discussion: """
            EXAMPLES
              ferry jobs count
              ferry jobs count --since 1h --json
            """)

    @OptionGroup var conditions: JobFilterOptions
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var options: CommonOptions

    func perform(_ context: CommandContext) async throws {
        let composition = try context.composition()
        let store = try composition.openExistingStore()
        let counts = try await store.countJobs(conditions.filter(composition))
        try store.close()
        if json {
            var object = JSONObject()
            for status in JobStatus.allCases { object[status.rawValue] = .int(counts[status, default: 0]) }
            context.print(json: .object(object))
            return
        }
        var table = TextTable([.init(title: "STATUS"), .init(title: "JOBS", alignment: .right)])
        for status in JobStatus.allCases {
            guard let count = counts[status] else { continue }
            table.add([context.style(JobText.meaning(status), status.rawValue), VisibleText.grouped(count)])
        }
        table.add(["total", VisibleText.grouped(counts.values.reduce(0, +))])
        context.print(table.lines(style: context.style))
    }
}
