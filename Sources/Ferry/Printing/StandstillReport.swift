// What stands still, with the jobs that are parked for it: as a table and as JSON.

internal import JobStore
internal import SyncJobs

/// Pauses and open circuits with their parked jobs.
struct StandstillReport: Sendable {
    private struct Count: Sendable {
        var jobs = 0
        var oldest: Timestamp?

        mutating func add(_ group: JobStore.ParkedGroup) {
            jobs += group.waiting
            oldest = [oldest, group.oldest].compactMap { $0 }.min()
        }
    }

    private let pauses: [(pause: Pause, count: Count)]
    private let circuits: [(circuit: OpenCircuit, count: Count)]
    /// Those that nothing stops any more.
    private let free: Count
    private let released: Int
    private let now: Timestamp

    init(_ standstill: Standstill, groups: [JobStore.ParkedGroup], now: Timestamp) {
        var byStop: [Stop: Count] = [:]
        var free = Count()
        for group in groups where group.waiting > 0 {
            if let stop = standstill.stop(of: group.needs) {
                byStop[stop, default: Count()].add(group)
            } else {
                free.add(group)
            }
        }
        pauses = standstill.pauses.map { ($0, byStop[.paused($0)] ?? Count()) }
        circuits = standstill.circuits.map { ($0, byStop[.outage($0)] ?? Count()) }
        self.free = free
        released = groups.reduce(0) { $0 + $1.released }
        self.now = now
    }

    /// Whether there is nothing to tell.
    var isEmpty: Bool { pauses.isEmpty && circuits.isEmpty && free.jobs == 0 && released == 0 }

    /// For people.
    func lines(style: Style) -> [String] {
        var lines: [String] = []
        if !pauses.isEmpty || !circuits.isEmpty {
            var table = TextTable([
                .init(title: "WHAT"), .init(title: "SINCE"), .init(title: "UNTIL"),
                .init(title: "PARKED", alignment: .right), .init(title: "OLDEST"), .init(title: "BY"),
                .init(title: "WHY"),
            ])
            for (pause, count) in pauses {
                table.add([
                    "paused \(VisibleText.bare(pause.subject))", ExplanationText.second(pause.since),
                    pause.until.map { ExplanationText.second($0) } ?? "ferry resume", VisibleText.grouped(count.jobs),
                    age(count), VisibleText.bare(pause.actor), pause.reason.map { VisibleText.bare($0) } ?? "",
                ])
            }
            for (circuit, count) in circuits {
                table.add([
                    style(.bad, "down system \(VisibleText.bare(circuit.system))"),
                    ExplanationText.second(circuit.openedAt),
                    "probe at \(ExplanationText.second(circuit.nextProbeAt))", VisibleText.grouped(count.jobs),
                    age(count), "", VisibleText.bare(circuit.reason, limit: 100),
                ])
            }
            lines += table.lines(style: style)
        }
        let moving = free.jobs + released
        if moving > 0 { lines.append("\(Quantity.count(moving, "parked job")) on the way again") }
        return lines
    }

    private func age(_ count: Count) -> String { count.oldest.map { ExplanationText.ago($0, now: now) } ?? "" }

    /// For programs.
    var json: JSONValue {
        [
            "pauses": .array(pauses.map { Self.json($0.pause.json, $0.count) }),
            "circuits": .array(circuits.map { Self.json($0.circuit.json, $0.count) }),
            "on_the_way": .int(free.jobs + released),
        ]
    }

    private static func json(_ value: JSONValue, _ count: Count) -> JSONValue {
        var object = value.objectValue ?? JSONObject()
        object["parked"] = .int(count.jobs)
        object["oldest"] = count.oldest.map { .string($0.description) } ?? .null
        return .object(object)
    }
}

extension Pause {
    /// The pause for programs.
    var json: JSONValue {
        [
            "kind": .string(kind.rawValue), "name": .string(name), "reason": reason.map { .string($0) } ?? .null,
            "actor": .string(actor), "since": .string(since.description),
            "until": until.map { .string($0.description) } ?? .null,
        ]
    }
}

extension OpenCircuit {
    /// The circuit for programs.
    var json: JSONValue {
        [
            "system": .string(system), "state": .string(probedBy == nil ? "open" : "probing"),
            "opened_at": .string(openedAt.description), "reason": .string(reason),
            "failed_probes": .int(failedProbes), "next_probe_at": .string(nextProbeAt.description),
        ]
    }
}
