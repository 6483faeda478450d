// Configuration trees for tests, from indented text: maps and lists by indentation, values as JSON or bare text. Lines
// count, so that the tests see the lines that people will see.
import SyncJobs
import Testing

/// Reads `text`; values that begin like JSON are JSON, everything else is text.
func config(_ text: String, place: String = "types.T") throws -> ConfigNode {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().compactMap { number, line in
        let indent = line.prefix { $0 == " " }.count
        return line.count == indent
            ? nil : ConfigLine(number: number + 1, indent: indent, text: String(line.dropFirst(indent)))
    }[...]
    return try block(&lines, indent: lines.first?.indent ?? 0, place: place)
}

private struct ConfigLine {
    let number: Int
    let indent: Int
    let text: String
}

private func block(_ lines: inout ArraySlice<ConfigLine>, indent: Int, place: String) throws -> ConfigNode {
    let first = try #require(lines.first)
    if first.text.hasPrefix("- ") {
        var elements: [ConfigNode] = []
        while let line = lines.first, line.indent == indent, line.text.hasPrefix("- ") {
            lines.removeFirst()
            elements.append(
                try value(String(line.text.dropFirst(2)), line: line.number, place: "\(place)[\(elements.count)]"))
        }
        return ConfigNode(.list(elements), line: first.number, place: place)
    }
    var entries: [ConfigNode.Entry] = []
    while let line = lines.first, line.indent == indent {
        lines.removeFirst()
        let colon = try #require(line.text.firstIndex(of: ":"))
        let key = String(line.text[..<colon])
        let rest = line.text[line.text.index(after: colon)...].drop { $0 == " " }
        let entryPlace = "\(place).\(key)"
        let entryValue =
            if rest.isEmpty, let next = lines.first {
                try block(&lines, indent: next.indent, place: entryPlace)
            } else {
                try value(String(rest), line: line.number, place: entryPlace)
            }
        entries.append(ConfigNode.Entry(key: key, line: line.number, value: entryValue))
    }
    return ConfigNode(.map(entries), line: first.number, place: place)
}

private func value(_ text: String, line: Int, place: String) throws -> ConfigNode {
    // As in YAML, what begins like a number and is none is text: 5m, 0s.
    let isText = JSONNumber(text) == nil && text.first.map { $0.isNumber } == true
    let isJSON = "{[\"-0123456789".contains(text.first ?? " ") || ["true", "false", "null"].contains(text)
    return node(isJSON && !isText ? try JSONParser.parse(text) : .string(text), line: line, place: place)
}

private func node(_ value: JSONValue, line: Int, place: String) -> ConfigNode {
    switch value {
    case .array(let elements):
        let nodes = elements.enumerated().map { node($1, line: line, place: "\(place)[\($0)]") }
        return ConfigNode(.list(nodes), line: line, place: place)
    case .object(let object):
        let entries = object.members.map {
            ConfigNode.Entry(key: $0.key, line: line, value: node($0.value, line: line, place: "\(place).\($0.key)"))
        }
        return ConfigNode(.map(entries), line: line, place: place)
    default: return ConfigNode(.scalar(value), line: line, place: place)
    }
}
