// From Yams' nodes to ours: lines, places, and what a scalar is by the rules of this product.
// Invariant: bounded whatever the text says; an alias that stands for a million nodes ends at the limit.

internal import SyncJobs
internal import Yams

/// Builds the tree, collecting problems.
struct YAMLTree {
    private(set) var references: ReferenceExpansion
    private(set) var problems: [ConfigProblem] = []
    /// The places of maps and lists that lost an entry to a problem.
    private(set) var incomplete: Set<String> = []
    private var count = 0

    init(references: ReferenceExpansion) { self.references = references }

    /// The node at `place`; nil when it is not taken, with a problem.
    mutating func node(from node: Node, place: String, depth: Int) -> ConfigNode? {
        let line = node.mark?.line ?? 1
        guard count < YAMLDocument.maximumNodes else { return nil }
        count += 1
        guard count < YAMLDocument.maximumNodes else {
            return refuse(
                line, place, "the file has more than \(YAMLDocument.maximumNodes) nodes",
                "make it smaller; every use of an alias counts anew")
        }
        guard depth <= YAMLDocument.maximumDepth else {
            return refuse(line, place, "more than \(YAMLDocument.maximumDepth) levels deep", "nest less deeply")
        }
        switch node {
        case .scalar(let scalar): return self.scalar(scalar, line: line, place: place)
        case .sequence(let sequence):
            guard isTagged(sequence.tag, as: .seq, line: line, place: place) else { return nil }
            var elements: [ConfigNode] = []
            for (position, element) in sequence.enumerated() {
                let elementPlace = "\(place)[\(position)]"
                if let element = self.node(from: element, place: elementPlace, depth: depth + 1) {
                    elements.append(element)
                } else {
                    incomplete.insert(place)
                }
            }
            return ConfigNode(.list(elements), line: line, place: place)
        case .mapping(let mapping):
            guard isTagged(mapping.tag, as: .map, line: line, place: place) else { return nil }
            return map(mapping, line: line, place: place, depth: depth)
        case .alias: return refuse(line, place, "an alias without an anchor", "name an anchor that stands above")
        }
    }

    private mutating func map(_ mapping: Node.Mapping, line: Int, place: String, depth: Int) -> ConfigNode {
        var entries: [ConfigNode.Entry] = []
        for (keyNode, valueNode) in mapping {
            let keyLine = keyNode.mark?.line ?? line
            guard case .scalar(let key) = keyNode else {
                _ = refuse(keyLine, place, "a key is a map or a list", "use text as key, in quotes when it has braces")
                continue
            }
            if key.style == .plain, key.string == "<<" {
                _ = refuse(keyLine, place, "merge keys (<<) are not read", "write the keys out")
                continue
            }
            let keyPlace = place.isEmpty ? key.string : "\(place).\(key.string)"
            guard let value = node(from: valueNode, place: keyPlace, depth: depth + 1) else {
                incomplete.insert(place)
                continue
            }
            entries.append(ConfigNode.Entry(key: key.string, line: keyLine, value: value))
        }
        return ConfigNode(.map(entries), line: line, place: place)
    }

    private mutating func scalar(_ scalar: Node.Scalar, line: Int, place: String) -> ConfigNode? {
        let tag = scalar.tag.rawValue
        let isText = tag == Tag.Name.str.rawValue || tag == Tag.Name.nonSpecific.rawValue
        guard isText || isTagged(scalar.tag, as: .str, line: line, place: place) else { return nil }
        if scalar.style == .plain, !isText, let value = plain(scalar.string, line: line, place: place) {
            return ConfigNode(.scalar(value), line: line, place: place)
        }
        guard scalar.string.contains("${") else {
            return ConfigNode(.scalar(.string(scalar.string)), line: line, place: place)
        }
        do {
            let text = try references.expand(scalar.string, place: place)
            return ConfigNode(.scalar(.string(text)), line: line, place: place)
        } catch { return refuse(line, place, error.message, error.remedy) }
    }

    /// The value of an unquoted scalar that is no text; nil for text.
    private mutating func plain(_ text: String, line: Int, place: String) -> JSONValue? {
        switch text {
        case "", "~", "null": return .null
        case "true": return true
        case "false": return false
        default: break
        }
        guard let first = text.utf8.first, first == UInt8(ascii: "-") || (0x30...0x39).contains(first) else {
            return nil
        }
        if let number = JSONNumber(text) { return .number(number) }
        if ExactDecimal(text) != nil {
            let remedy = "put it in quotes to carry it as text"
            _ = refuse(line, place, "the number has too many digits or too large an exponent", remedy)
        }
        return nil
    }

    private mutating func isTagged(_ tag: Tag, as expected: Tag.Name, line: Int, place: String) -> Bool {
        let name = tag.rawValue
        let isKnown =
            name == Tag.Name.implicit.rawValue || name == Tag.Name.nonSpecific.rawValue || name == expected.rawValue
        if !isKnown {
            let short = name.replacing("tag:yaml.org,2002:", with: "!!").prefix(80)
            _ = refuse(line, place, "the tag \(short) is not read", "leave it out; quotes make text of anything")
        }
        return isKnown
    }

    private mutating func refuse(_ line: Int, _ place: String, _ message: String, _ remedy: String) -> ConfigNode? {
        problems.append(ConfigProblem(line: line, place: place, message: message, remedy: remedy))
        return nil
    }
}
