// One dead letter for people and for programs: why it died, what it holds (masked), how it was edited, what was done about
// it, and what would mend it.

internal import JobStore
internal import SyncJobs

/// A dead letter with all that stands around it.
struct DeadLetterDetails: Sendable {
    let letter: DeadLetterRecord
    let revisions: [DeadLetterRevision]
    /// The newest first.
    let audit: [AuditEntry]
    /// What a replay would do, or why it would not.
    let plan: JobStore.ReplayPlan
    let configuration: FerryConfiguration

    /// The most characters of a body that are shown unless it is asked for whole.
    private static let shownCharacters = 2_000

    /// For people.
    func lines(style: Style, isFull: Bool) -> [String] {
        var lines = [
            [
                "\(style(.heading, "dead letter")) \(letter.id)",
                style(.bad, VisibleText.bare(letter.reason, limit: 60)),
                letter.state.rawValue, Quantity.count(letter.bodyBytes, "byte"),
            ].joined(separator: " · "),
            "  \(VisibleText.bare(letter.error))", "  remedy: \(VisibleText.bare(letter.remedy))",
        ]
        lines += section("about", about, style)
        lines += section("happened", happened, style)
        lines += section(
            "headers", letter.headers.map { ($0.key, VisibleText.bare($0.value.nameText ?? $0.value.canonicalText)) },
            style)
        lines.append(style(.heading, letter.revision == 1 ? "body" : "body (revision \(letter.revision))"))
        lines += bodyLines(isFull: isFull)
        if revisions.count > 1 {
            lines += section(
                "revisions",
                revisions.map { revision in
                    let who = revision.actor.map { "by \(VisibleText.bare($0))" } ?? "as it came"
                    let why = revision.reason.map { ": \(VisibleText.bare($0))" } ?? ""
                    return (
                        String(revision.number),
                        "\(DeadLetterTable.second(revision.at)) \(who), \(Quantity.count(revision.body.count, "byte"))\(why)"
                    )
                }, style)
        }
        if !audit.isEmpty {
            lines.append(style(.heading, "audit"))
            lines += AuditTable.lines(audit, style: style).map { "  \($0)" }
        }
        return lines + advice.map { style(.notice, "→ ") + $0 }
    }

    private var about: [(String, String)] {
        var facts: [(String, String)] = []
        func add(_ name: String, _ value: String?) { if let value { facts.append((name, VisibleText.bare(value))) } }
        add(letter.origin == .change ? "event" : "job", letter.jobID ?? "(no id)")
        add("type", letter.typeSlug)
        add("queue", letter.queue)
        add("routing key", letter.routingKey)
        add("turn", letter.turn == 0 ? nil : String(letter.turn))
        add("group", "\(letter.group): \(letter.shape)")
        return facts
    }

    private var happened: [(String, String)] {
        var facts: [(String, String)] = []
        func add(_ name: String, _ value: String?) { if let value { facts.append((name, value)) } }
        add("first failed", letter.firstFailedAt.description)
        add("last failed", letter.lastFailedAt.description)
        add("received", letter.receivedAt.description)
        add("attempts", letter.attempts.map { String($0) })
        add("came", letter.arrivals > 1 ? Quantity.count(letter.arrivals, "time") : nil)
        add("replays before", letter.replayCount > 0 ? String(letter.replayCount) : nil)
        if let resolution = letter.resolution {
            let who = resolution.actor.map { " by \(VisibleText.bare($0))" } ?? ""
            let why = resolution.reason.map { ": \(VisibleText.bare($0))" } ?? ""
            add(letter.state.rawValue, "\(resolution.at)\(who)\(why)")
            add("replayed as", resolution.replayedAs.map { VisibleText.bare($0) })
        }
        return facts
    }

    private func section(_ title: String, _ facts: [(String, String)], _ style: Style) -> [String] {
        guard !facts.isEmpty else { return [] }
        let width = facts.map { TextWidth.of($0.0) }.max() ?? 0
        return [style(.heading, title)] + facts.map { "  \(TextWidth.pad($0.0, to: width))  \($0.1)" }
    }

    // MARK: the body

    private func bodyLines(isFull: Bool) -> [String] {
        let text = shownBody.map(\.prettyText) ?? String(decoding: revisions.last?.body ?? [], as: UTF8.self)
        let limit = isFull ? Int.max : Self.shownCharacters
        let shown = text.count > limit ? String(text.prefix(limit)) : text
        let lines = shown.split(separator: "\n", omittingEmptySubsequences: false).map {
            "  " + VisibleText.bare(String($0), limit: isFull ? .max : 400)
        }
        return shown.count < text.count ? lines + ["  … (--full shows it whole, --body as it is)"] : lines
    }

    /// The newest body as JSON, masked; nil when it is none.
    private var shownBody: JSONValue? {
        let value: JSONValue
        do { value = try JSONParser.parse(revisions.last?.body ?? []) } catch { return nil }
        guard var object = value.objectValue else { return value }
        if object["specversion"] != nil, let data = object["data"]?.objectValue {
            object["data"] = .object(masking(data))
            return .object(object)
        }
        return .object(masking(object))
    }

    /// A document whose type is not known is masked whole: nobody can say what of it is sensitive.
    private func masking(_ object: JSONObject) -> JSONObject {
        guard let document = object["document"]?.objectValue else { return object }
        var masked = object
        masked["document"] =
            documentType(of: object).map { type in
                let shape = configuration.document(type)?.shape
                return .object(shape.map { SensitiveFields(of: $0).masking(document) } ?? document)
            } ?? SensitiveFields.mask
        return masked
    }

    private func documentType(of object: JSONObject) -> DocumentType? {
        if letter.origin == .change {
            guard let system = object["system"]?.stringValue, let type = object["document_type"]?.stringValue else {
                return nil
            }
            return DocumentType(system: system, name: type)
        }
        return object["sync_job_type"]?.stringValue.flatMap { configuration.types[$0]?.source }
    }

    // MARK: what would mend it

    private var advice: [String] {
        guard letter.state == .open else { return [] }
        let discard = "ferry dead discard \(letter.id) --reason …"
        switch plan {
        case .refused(let sentence):
            return [
                "a replay would be refused: \(VisibleText.bare(sentence))",
                "ferry dead edit \(letter.id) --set FIELD=JSON, or --file FILE", discard,
            ]
        case .goesOnAs(let id):
            let isOther = letter.jobID.map { !$0.hasSameBytes(as: id) } ?? true
            let name = isOther ? "   (as \(VisibleText.bare(id)))" : ""
            return ["ferry dead replay \(letter.id) --reason …\(name)", discard]
        }
    }

    /// For programs.
    var json: JSONValue {
        var object = letter.json.objectValue ?? JSONObject()
        object["headers"] = .object(letter.headers)
        object["shape"] = .string(letter.shape)
        object["body"] = shownBody ?? .string(String(decoding: revisions.last?.body ?? [], as: UTF8.self))
        object["revisions"] = .array(
            revisions.map { revision in
                [
                    "revision": .int(revision.number), "at": .string(revision.at.description),
                    "actor": .optional(revision.actor), "reason": .optional(revision.reason),
                    "bytes": .int(revision.body.count),
                ]
            })
        object["audit"] = .array(audit.map(\.json))
        switch plan {
        case .refused(let sentence): object["replay_refused"] = .string(sentence)
        case .goesOnAs(let id): object["replay_as"] = .string(id)
        }
        return .object(object)
    }
}
