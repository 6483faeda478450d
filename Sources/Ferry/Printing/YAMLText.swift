// Text as YAML that any reader takes for the same text: keys, values and comments of what Ferry writes for people to
// paste. The quotes are for other readers too, for whom NO is false and 0x1F a number.
// Invariant: nothing that comes from outside can end a comment, a line or a scalar.

internal import SyncJobs

/// Writes YAML.
enum YAMLText {
    /// A key.
    static func key(_ text: String) -> String { isPlain(text) ? text : quoted(text) }

    /// A value; a `${` in it is no reference.
    static func value(_ text: String) -> String { key(text.replacing("${", with: "$${")) }

    /// A comment of one line, without the mark.
    static func comment(_ text: String, limit: Int = 400) -> String { VisibleText.bare(text, limit: limit) }

    /// `line   # comment`; the line alone without a comment.
    static func line(_ line: String, comment text: String?) -> String {
        guard let text, !text.isEmpty else { return line }
        return "\(line)   # \(comment(text))"
    }

    private static let words: Set<String> = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"]

    /// Whether YAML reads `text` as this text without quotes: letters, digits, `_`, `-`, `.`, `/`, round brackets and
    /// single spaces between them, a letter or `_` first.
    private static func isPlain(_ text: String) -> Bool {
        guard let first = text.unicodeScalars.first, first.properties.isAlphabetic || first == "_",
            !words.contains(text.lowercased()), !text.hasSuffix(" "), !text.contains("  ")
        else { return false }
        return text.unicodeScalars.allSatisfy { scalar in
            scalar.properties.isAlphabetic || scalar.properties.numericType != nil
                || " _-./()".unicodeScalars.contains(scalar)
        }
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\\(scalar)"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            default:
                if isPrintable(scalar) {
                    result.unicodeScalars.append(scalar)
                } else {
                    let digits = String(scalar.value, radix: 16, uppercase: true)
                    let width = scalar.value > 0xFFFF ? 8 : 4
                    let mark = width == 8 ? "U" : "u"
                    result += "\\\(mark)" + String(repeating: "0", count: width - digits.count) + digits
                }
            }
        }
        return result + "\""
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: false
        default: true
        }
    }
}
