// Dead letters and their groups as tables and as JSON: what they are about and why they died, never what they hold.

internal import JobStore
internal import SyncJobs

/// Renders lists of dead letters.
enum DeadLetterTable {
    /// The heading and a line for each letter.
    static func lines(_ letters: [DeadLetterRecord], style: Style) -> [String] {
        let areAllOpen = letters.allSatisfy { $0.state == .open }
        var table = TextTable(
            [.init(title: "ID"), .init(title: "REASON"), .init(title: "TYPE"), .init(title: "JOB")]
                + (areAllOpen ? [] : [.init(title: "STATE")])
                + [
                    .init(title: "FAILED"), .init(title: "TRIES", alignment: .right), .init(title: "GROUP"),
                    .init(title: "ERROR"),
                ])
        for letter in letters {
            table.add(
                [
                    letter.id, style(.bad, VisibleText.bare(letter.reason, limit: 40)),
                    letter.typeSlug.map { VisibleText.bare($0, limit: 40) } ?? "-",
                    letter.jobID.map { VisibleText.bare($0) } ?? "-",
                ] + (areAllOpen ? [] : [letter.state.rawValue]) + [
                    second(letter.lastFailedAt), letter.attempts.map { String($0) } ?? "-", letter.group,
                    VisibleText.bare(letter.error, limit: 70),
                ])
        }
        return table.lines(style: style)
    }

    /// The heading and a line for each group.
    static func lines(_ groups: [DeadLetterGroup], style: Style) -> [String] {
        var table = TextTable([
            .init(title: "GROUP"), .init(title: "LETTERS", alignment: .right), .init(title: "TYPE"),
            .init(title: "REASON"), .init(title: "OLDEST"), .init(title: "NEWEST"), .init(title: "EXAMPLE"),
            .init(title: "ERROR"),
        ])
        for group in groups {
            table.add([
                group.key, VisibleText.grouped(group.count),
                group.typeSlug.map { VisibleText.bare($0, limit: 40) } ?? "-",
                style(.bad, VisibleText.bare(group.reason, limit: 40)), second(group.oldest), second(group.newest),
                group.example, VisibleText.bare(group.exampleError, limit: 80),
            ])
        }
        return table.lines(style: style)
    }

    /// To the second.
    static func second(_ time: Timestamp) -> String {
        Timestamp(microseconds: time.microseconds, precisionMicroseconds: 1_000_000).description
    }
}

extension DeadLetterRecord {
    /// The letter for programs, without its body.
    var json: JSONValue {
        var object: JSONObject = [
            "dead_letter": .string(id), "state": .string(state.rawValue), "kind": .string(origin.rawValue),
            "id": .optional(jobID), "turn": .int(turn), "sync_job_type": .optional(typeSlug),
            "queue": .optional(queue), "routing_key": .string(routingKey), "reason": .string(reason),
            "error_message": .string(error), "remedy": .string(remedy), "group": .string(group),
            "attempts": attempts.map { .int($0) } ?? .null, "received_at": .string(receivedAt.description),
            "first_failed_at": .string(firstFailedAt.description),
            "last_failed_at": .string(lastFailedAt.description), "arrivals": .int(arrivals),
            "revision": .int(revision), "replays": .int(replayCount), "body_bytes": .int(bodyBytes),
        ]
        if let resolution {
            object["resolved_at"] = .string(resolution.at.description)
            object["resolved_by"] = .optional(resolution.actor)
            object["resolved_reason"] = .optional(resolution.reason)
            object["replayed_as"] = .optional(resolution.replayedAs)
        }
        return .object(object)
    }
}

extension DeadLetterGroup {
    /// The group for programs.
    var json: JSONValue {
        [
            "group": .string(key), "sync_job_type": .optional(typeSlug), "reason": .string(reason),
            "count": .int(count), "oldest": .string(oldest.description), "newest": .string(newest.description),
            "shape": .string(shape), "example": .string(example), "example_error": .string(exampleError),
        ]
    }
}
