// What waits where, as tables and as JSON.

internal import JobStore
internal import SyncBroker
internal import SyncJobs

/// Renders one look.
struct QueueOverviewText: Sendable {
    let overview: QueueOverview
    /// Whether each level of the delay ladder gets a line.
    let showsLevels: Bool

    /// What stands where nothing is known.
    private static let unknown = "?"

    func lines(style: Style) -> [String] {
        var lines: [String] = []
        if let problem = overview.brokerProblem {
            lines.append("\(style(.bad, "the broker is not known")): \(problem)")
        } else {
            lines += queueTable(style: style) + [ladder]
            if showsLevels { lines += levelTable(style: style) }
            if let problem = overview.managementProblem {
                lines.append("unacknowledged, stuck and rates are not known: \(problem)")
            }
        }
        lines += [""] + jobTable(style: style)
        lines += overview.warnings.map { "\(style(.bad, "!")) \($0)" }
        return lines
    }

    private func queueTable(style: Style) -> [String] {
        var table = TextTable(
            [.init(title: "QUEUE")]
                + ["READY", "UNACKED", "STUCK", "CONSUMERS", "IN/S", "OUT/S", "OLDEST"].map {
                    .init(title: $0, alignment: .right)
                })
        for queue in overview.named {
            guard let state = queue.state else {
                table.add([queue.name, "missing"])
                continue
            }
            let figures = queue.figures
            table.add([
                queue.name, VisibleText.grouped(state.messages), number(figures?.unacknowledged),
                number(figures?.stuck), VisibleText.grouped(state.consumers), rate(figures?.publishedPerSecond),
                rate(figures?.acknowledgedPerSecond), oldest(queue),
            ])
        }
        return table.lines(style: style)
    }

    private func number(_ count: Int?) -> String { count.map { VisibleText.grouped($0) } ?? Self.unknown }

    /// The broker has no rate of a queue that has been quiet since it started.
    private func rate(_ value: Double?) -> String {
        if let value { return Quantity.tenths(value) }
        return overview.managementProblem == nil ? Quantity.tenths(0) : Self.unknown
    }

    private func oldest(_ queue: QueueOverview.Queue) -> String {
        if queue.ready == 0 { return "" }
        return queue.figures?.oldest.map { Quantity.age($0, now: overview.now) } ?? Self.unknown
    }

    /// The delay ladder in a line.
    private var ladder: String {
        var text = "waiting for their time: \(Quantity.count(overview.delayed, "message"))"
        if let due = overview.due {
            text += "; of \(Quantity.count(due.count, "record")) the next is due \(whenDue(due.next))"
            if due.last != due.next { text += ", the last \(whenDue(due.last))" }
        }
        let stuck = overview.levels.reduce(0) { $0 + $1.stuck }
        return stuck > 0 ? text + "; \(VisibleText.grouped(stuck)) stuck" : text
    }

    private func whenDue(_ time: Timestamp) -> String {
        time < overview.now
            ? "\(Quantity.age(time, now: overview.now)) ago" : "in \(Quantity.age(overview.now, now: time))"
    }

    private func levelTable(style: Style) -> [String] {
        var table = TextTable(
            [.init(title: "LEVEL")]
                + ["HOLDS", "READY", "UNACKED", "STUCK"].map { .init(title: $0, alignment: .right) })
        for queue in overview.levels {
            guard case .delay(let level) = queue.role else { continue }
            let ready = queue.state.map { VisibleText.grouped($0.messages) } ?? "missing"
            table.add([
                queue.name, Duration.seconds(1 << level).text, ready, number(queue.figures?.unacknowledged),
                number(queue.figures?.stuck),
            ])
        }
        return table.lines(style: style)
    }

    private func jobTable(style: Style) -> [String] {
        if let problem = overview.storeProblem { return ["the records are not known: \(problem)"] }
        guard !overview.openJobs.isEmpty else { return ["no job with a record is open"] }
        var table = TextTable([
            .init(title: "QUEUE"), .init(title: "STATUS"), .init(title: "WAITS FOR"),
            .init(title: "JOBS", alignment: .right), .init(title: "OLDEST", alignment: .right),
            .init(title: "NEXT DUE", alignment: .right),
        ])
        for jobs in overview.openJobs {
            table.add([
                VisibleText.bare(jobs.queue), style(JobText.meaning(jobs.status), jobs.status.rawValue),
                jobs.waitReason?.rawValue ?? (jobs.status == .started ? "" : "a worker"),
                VisibleText.grouped(jobs.count),
                Quantity.age(jobs.oldest, now: overview.now), jobs.nextDue.map { whenDue($0) } ?? "",
            ])
        }
        return table.lines(style: style)
    }

    // MARK: JSON

    var json: JSONValue {
        var broker: JSONObject = [
            "queues": .array(overview.named.map { Self.json($0) }), "delayed": .int(overview.delayed),
            "delay_levels": .array(overview.levels.map { Self.json($0) }),
        ]
        if let problem = overview.brokerProblem { broker = ["unknown": .string(problem.description)] }
        if let problem = overview.managementProblem { broker["unknown"] = .string(problem) }
        var store: JSONObject = ["open_jobs": .array(overview.openJobs.map(Self.json))]
        if let problem = overview.storeProblem { store = ["unknown": .string(problem)] }
        return [
            "at": .string(overview.now.description), "broker": .object(broker), "store": .object(store),
            "warnings": .array(overview.warnings.map { .string($0) }),
        ]
    }

    private static func json(_ queue: QueueOverview.Queue) -> JSONValue {
        func int(_ value: Int?) -> JSONValue { value.map { .int($0) } ?? .null }
        func rate(_ value: Double?) -> JSONValue { value.map { Quantity.json($0) } ?? .null }
        var object: JSONObject = [
            "name": .string(queue.name), "exists": .bool(queue.state != nil), "ready": int(queue.state?.messages),
            "unacknowledged": int(queue.figures?.unacknowledged), "stuck": int(queue.figures?.stuck),
            "consumers": int(queue.state?.consumers),
            "published_per_second": rate(queue.figures?.publishedPerSecond),
            "acknowledged_per_second": rate(queue.figures?.acknowledgedPerSecond),
            "oldest": queue.figures?.oldest.map { .string($0.description) } ?? .null,
        ]
        if case .delay(let level) = queue.role { object["seconds"] = .int(1 << level) }
        return .object(object)
    }

    private static func json(_ jobs: JobStore.OpenJobs) -> JSONValue {
        func instant(_ time: Timestamp?) -> JSONValue { time.map { .string($0.description) } ?? .null }
        return [
            "queue": .string(jobs.queue), "status": .string(jobs.status.rawValue),
            "wait_reason": jobs.waitReason.map { .string($0.rawValue) } ?? .null, "jobs": .int(jobs.count),
            "oldest": instant(jobs.oldest), "next_due": instant(jobs.nextDue), "last_due": instant(jobs.lastDue),
            "past_due": .int(jobs.overdue),
        ]
    }
}

extension Quantity {
    /// A number with one digit behind the point.
    static func json(_ value: Double) -> JSONValue {
        JSONNumber(tenths(value)).map { .number($0) } ?? .null
    }
}
