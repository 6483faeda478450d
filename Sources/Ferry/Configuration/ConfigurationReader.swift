// Reads keys by name and kind, and keeps every problem: the caller goes on with the default, so that one run says all.

internal import SyncJobs

/// Reads the sections of a configuration.
struct ConfigurationReader {
    /// Where relative paths begin, and which values came from references.
    let references: ReferenceExpansion
    /// What is wrong so far.
    var problems: [ConfigProblem] = []

    init(references: ReferenceExpansion) { self.references = references }

    mutating func refuse(_ node: ConfigNode, _ message: String, remedy: String) {
        problems.append(ConfigProblem(node, message, remedy: remedy))
    }

    /// The entries of a map whose keys are all among `Key`; unknown ones and values that are left empty are problems.
    ///
    /// Nil for a section that is left out or is no map.
    mutating func section<Key: ConfigurationKey>(_ node: ConfigNode?, keys: Key.Type) -> ConfigNode? {
        guard let node, let entries = map(node, of: "settings") else { return nil }
        let known = Key.allCases.map(\.rawValue)
        for entry in entries {
            guard known.contains(where: { $0.hasSameBytes(as: entry.key) }) else {
                problems.append(
                    ConfigProblem(
                        line: entry.line, place: entry.value.place, message: "there is no such key",
                        remedy: Suggestion.remedy(for: entry.key, among: known)))
                continue
            }
            // An empty section is a section without settings; an empty setting was meant to say something.
            if entry.value.scalar?.isNull == true, Key.self != SectionKey.self {
                refuse(entry.value, "there is no value", remedy: "write one, or leave the key out")
            }
        }
        return node
    }

    /// The entries of a map; nil with a problem for anything else but nothing.
    mutating func map(_ node: ConfigNode?, of things: String) -> [ConfigNode.Entry]? {
        guard let node, node.scalar?.isNull != true else { return nil }
        if let entries = node.entries { return entries }
        refuse(node, "\(found(node)) where a map of \(things) belongs", remedy: "write key: value lines below it")
        return nil
    }

    /// The text of `key`; nil when it is left out or wrong.
    mutating func text<Key: ConfigurationKey>(_ key: Key, of section: ConfigNode?) -> String? {
        guard let node = value(key, of: section) else { return nil }
        return text(node)
    }

    /// The text of `node`; nil with a problem for anything else.
    mutating func text(_ node: ConfigNode) -> String? {
        switch node.scalar {
        case .string(let text) where !text.isEmpty: return text
        case .string: refuse(node, "the text is empty", remedy: "write a value, or leave the key out")
        case .number(let number):
            refuse(node, "a number where text belongs", remedy: "put it in quotes: \"\(number.text)\"")
        case .bool(let flag): refuse(node, "\(flag) where text belongs", remedy: "put it in quotes: \"\(flag)\"")
        default: refuse(node, "\(found(node)) where text belongs", remedy: "write a text")
        }
        return nil
    }

    /// The texts of a list; nil when it is left out or wrong.
    mutating func texts(_ node: ConfigNode?, example: String) -> [(node: ConfigNode, text: String)]? {
        guard let node, node.scalar?.isNull != true else { return nil }
        guard let elements = node.elements else {
            refuse(node, "\(found(node)) where a list belongs", remedy: "write a list, such as \(example)")
            return nil
        }
        return elements.compactMap { element in text(element).map { (element, $0) } }
    }

    /// The whole number of `key` within `range`; a reference may stand for it.
    mutating func count<Key: ConfigurationKey>(
        _ key: Key, of section: ConfigNode?, in range: ClosedRange<Int>
    ) -> Int? {
        guard let node = value(key, of: section) else { return nil }
        let written: JSONNumber? =
            switch node.scalar {
            case .number(let number): number
            case .string(let text) where references.isReference(node.place): JSONNumber(text)
            default: nil
            }
        let remedy = "write a whole number from \(range.lowerBound) to \(range.upperBound)"
        guard let written else {
            refuse(node, "\(found(node)) where a whole number belongs", remedy: remedy)
            return nil
        }
        guard let number = written.int64.flatMap({ Int(exactly: $0) }), range.contains(number) else {
            refuse(node, "\(shown(node)) is not taken here", remedy: remedy)
            return nil
        }
        return number
    }

    /// The truth value of `key`; a reference may stand for it.
    mutating func flag<Key: ConfigurationKey>(_ key: Key, of section: ConfigNode?) -> Bool? {
        guard let node = value(key, of: section) else { return nil }
        switch node.scalar {
        case .bool(let flag): return flag
        case .string("true") where references.isReference(node.place): return true
        case .string("false") where references.isReference(node.place): return false
        default:
            refuse(node, "\(found(node)) where true or false belongs", remedy: "write true or false")
            return nil
        }
    }

    /// The duration of `key` within `range`.
    mutating func duration<Key: ConfigurationKey>(
        _ key: Key, of section: ConfigNode?, in range: ClosedRange<Duration>
    ) -> Duration? {
        let remedy = "write a duration from \(range.lowerBound.text) to \(range.upperBound.text), such as 20s, 5m or 2h"
        return quantity(key, of: section, named: "a duration", in: range, remedy: remedy) { Duration(text: $0) }
    }

    /// The size of `key` within `range`.
    mutating func size<Key: ConfigurationKey>(
        _ key: Key, of section: ConfigNode?, in range: ClosedRange<ByteSize>
    ) -> ByteSize? {
        let remedy = "write a size from \(range.lowerBound) to \(range.upperBound), such as 64KiB or 1MiB"
        return quantity(key, of: section, named: "a size", in: range, remedy: remedy) { ByteSize(text: $0) }
    }

    /// The path of `key`; a relative one begins at the configuration file's folder.
    mutating func path<Key: ConfigurationKey>(_ key: Key, of section: ConfigNode?) -> String? {
        text(key, of: section).map { FilePath.resolving($0, in: references.folder) }
    }

    private mutating func quantity<Key: ConfigurationKey, Quantity: Comparable>(
        _ key: Key, of section: ConfigNode?, named kind: String, in range: ClosedRange<Quantity>, remedy: String,
        _ read: (String) -> Quantity?
    ) -> Quantity? {
        guard let node = value(key, of: section) else { return nil }
        if case .number = node.scalar {
            refuse(node, "\(shown(node)) has no unit", remedy: remedy)
            return nil
        }
        guard let text = node.text, let quantity = read(text) else {
            refuse(node, "\(node.text == nil ? found(node) : shown(node)) is not \(kind)", remedy: remedy)
            return nil
        }
        guard range.contains(quantity) else {
            refuse(node, "\(shown(node)) is not taken here", remedy: remedy)
            return nil
        }
        return quantity
    }

    /// The node of `key`; nil when it is left out, or empty, which `section` has said.
    private func value<Key: ConfigurationKey>(_ key: Key, of section: ConfigNode?) -> ConfigNode? {
        section?[key.rawValue].flatMap { $0.scalar?.isNull == true ? nil : $0 }
    }

    /// What kind of thing `node` is, in words.
    func found(_ node: ConfigNode) -> String {
        switch node.content {
        case .list: "a list"
        case .map: "a map"
        case .scalar(.string): "text"
        case .scalar(let value): value.kind
        }
    }

    /// The scalar as it is written, unless a reference stands for it.
    func shown(_ node: ConfigNode) -> String {
        if references.isReference(node.place) { return "the value" }
        return switch node.scalar {
        case .string(let text): "\"\(text.prefix(80))\""
        case .number(let number): String(number.text.prefix(80))
        case let value?: value.canonicalText
        case nil: found(node)
        }
    }
}
