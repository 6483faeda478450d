// Reading one map of a configuration by key and kind. Nothing is thrown: every mistake becomes a problem with line, place
// and remedy, and reading goes on, so that all of them are told at once.

/// One map of a configuration, with the keys it may have.
struct ConfigSection {
    let node: ConfigNode

    /// Takes a map; nil, with a problem, for anything else.
    ///
    /// Keys that are not known become problems.
    init?(_ node: ConfigNode, what: String, known: [String], problems: inout [ConfigProblem]) {
        self.node = node
        guard let entries = node.entries else {
            problems.append(
                ConfigProblem(node, "\(what) is \(node.kind), and has to be a map", remedy: "known keys: " + known.list)
            )
            return nil
        }
        for entry in entries where !known.contains(where: { $0.hasSameBytes(as: entry.key) }) {
            let nearest = entry.key.nearest(among: known)
            problems.append(
                ConfigProblem(
                    line: entry.line, place: entry.value.place,
                    message: "\(what) has no key \"\(entry.key.prefix(80))\"",
                    remedy: nearest.map { "did you mean \($0)?" } ?? "known keys: " + known.list))
        }
    }

    /// The value of a key that is there and not null.
    subscript(key: String) -> ConfigNode? {
        guard let value = node[key], value.scalar?.isNull != true else { return nil }
        return value
    }

    func text(_ key: String, problems: inout [ConfigProblem]) -> String? {
        guard let value = self[key] else { return nil }
        guard let text = value.text, !text.isEmpty else {
            problems.append(ConfigProblem(value, "\(key) is \(value.kind)", remedy: "write a text; quotes make one"))
            return nil
        }
        return text
    }

    func required(_ key: String, remedy: String, problems: inout [ConfigProblem]) -> String? {
        guard self[key] != nil else {
            problems.append(ConfigProblem(node, "\(key) is missing", remedy: remedy))
            return nil
        }
        return text(key, problems: &problems)
    }

    func bool(_ key: String, problems: inout [ConfigProblem]) -> Bool? {
        guard let value = self[key] else { return nil }
        guard let truth = value.scalar?.boolValue else {
            problems.append(ConfigProblem(value, "\(key) is \(value.kind)", remedy: "write true or false"))
            return nil
        }
        return truth
    }

    func count(_ key: String, maximum: Int64, problems: inout [ConfigProblem]) -> Int? {
        guard let value = self[key] else { return nil }
        guard let number = value.scalar?.numberValue?.int64, (0...maximum).contains(number) else {
            problems.append(
                ConfigProblem(
                    value, "\(key) is no whole number from 0 to \(maximum)", remedy: "write a number without quotes"))
            return nil
        }
        return Int(number)
    }

    /// A duration with its unit; at most 366 days.
    func duration(_ key: String, allowsZero: Bool = false, problems: inout [ConfigProblem]) -> Duration? {
        guard let value = self[key] else { return nil }
        let remedy = "write it with its unit: 500ms, 30s, 5m, 2h, 1h30m"
        if value.scalar?.numberValue != nil {
            problems.append(ConfigProblem(value, "\(key) is a bare number; seconds or minutes?", remedy: remedy))
            return nil
        }
        guard let duration = value.text.flatMap({ Duration(text: $0) }), duration <= .seconds(366 * 86_400),
            allowsZero || duration > .zero
        else {
            problems.append(
                ConfigProblem(
                    value, "\(key) is no duration \(allowsZero ? "of" : "above 0 and") at most 366d", remedy: remedy))
            return nil
        }
        return duration
    }

    func zone(_ key: String, problems: inout [ConfigProblem]) -> TimeZoneRules? {
        guard let value = self[key], let name = text(key, problems: &problems) else { return nil }
        do { return try TimeZoneRules(name) } catch {
            problems.append(ConfigProblem(value, error.message, remedy: error.remedy))
            return nil
        }
    }

    func choice<Choice: RawRepresentable & CaseIterable>(
        _ key: String, _ type: Choice.Type, problems: inout [ConfigProblem]
    ) -> Choice? where Choice.RawValue == String {
        self[key].flatMap { $0.choice(key, type, problems: &problems) }
    }
}

extension ConfigNode {
    /// What kind of node this is, in words.
    var kind: String {
        switch content {
        case .scalar(.string(let text)): text.isEmpty ? "an empty text" : "a text"
        case .scalar(let value): value.kind
        case .list: "a list"
        case .map: "a map"
        }
    }

    /// One of a few words.
    func choice<Choice: RawRepresentable & CaseIterable>(
        _ what: String, _ type: Choice.Type, problems: inout [ConfigProblem]
    ) -> Choice? where Choice.RawValue == String {
        let known = Choice.allCases.map(\.rawValue)
        if let choice = text.flatMap({ Choice(rawValue: $0) }) { return choice }
        let nearest = text.flatMap { $0.nearest(among: known) }
        problems.append(
            ConfigProblem(
                self, "\(what) is \(text.map { "\"\($0.prefix(80))\"" } ?? kind)",
                remedy: nearest.map { "did you mean \($0)?" } ?? "write one of " + known.list))
        return nil
    }

    /// The elements of a list, or the node itself where one may stand for a list of one.
    var oneOrMore: [ConfigNode] { elements ?? [self] }
}

extension [String] {
    var list: String { joined(separator: ", ") }
}
