// Text as people can check it: white space that matters and control characters are seen, nothing can move the
// cursor or colour the terminal, and long text is shortened around what differs.

internal import SyncJobs

/// Makes text visible.
enum VisibleText {
    /// Stands for a space that would not be seen: at either end, or beside another one.
    static let space = "␣"

    /// `text` in quotes, every character seen, at most `limit` characters of it.
    ///
    /// - Parameter isSpelled: whether characters beyond ASCII are written as `\u{…}`, for texts that only look alike.
    static func quoted(_ text: String, limit: Int = .max, isSpelled: Bool = false) -> String {
        let (shown, isCut) = shorten(text, to: limit)
        let tail = isCut ? "… (\(grouped(text.count)) characters)" : ""
        return "\"\(escape(shown, marksSpaces: true, isSpelled: isSpelled, quote: true))\"\(tail)"
    }

    /// `text` without quotes, for names and messages.
    static func bare(_ text: String, limit: Int = .max) -> String {
        let (shown, isCut) = shorten(text, to: limit)
        return escape(shown, marksSpaces: false, isSpelled: false, quote: false) + (isCut ? "…" : "")
    }

    /// `text` as one word of a line: in quotes when it has spaces or is empty.
    static func word(_ text: String, limit: Int = .max) -> String {
        let isWord = !text.isEmpty && !text.unicodeScalars.contains { $0 == " " || $0 == "\"" || $0 == "=" }
        return isWord ? bare(text, limit: limit) : quoted(text, limit: limit)
    }

    /// What comes before the place where `left` and `right` begin to differ, in characters compared by bytes.
    static func commonPrefix(_ left: String, _ right: String) -> Int {
        zip(left, right).prefix { String($0).hasSameBytes(as: String($1)) }.count
    }

    /// `12,345`.
    static func grouped(_ number: Int) -> String {
        var digits = Array(String(abs(number)))
        var position = digits.count - 3
        while position > 0 {
            digits.insert(",", at: position)
            position -= 3
        }
        return (number < 0 ? "-" : "") + String(digits)
    }

    private static func shorten(_ text: String, to limit: Int) -> (Substring, Bool) {
        // The bytes bound the characters, and counting characters of a large text is not free.
        guard text.utf8.count > limit else { return (text[...], false) }
        let shown = text.prefix(limit)
        return (shown, shown.endIndex != text.endIndex)
    }

    private static func escape(_ text: Substring, marksSpaces: Bool, isSpelled: Bool, quote: Bool) -> String {
        let scalars = Array(text.unicodeScalars)
        var result = ""
        for (position, scalar) in scalars.enumerated() {
            switch scalar {
            case "\"" where quote, "\\" where quote: result += "\\\(scalar)"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case " ":
                let isAtEnd = position == 0 || position == scalars.count - 1
                let isBesideSpace =
                    (position > 0 && scalars[position - 1] == " ")
                    || (position + 1 < scalars.count && scalars[position + 1] == " ")
                result += marksSpaces && (isAtEnd || isBesideSpace) ? space : " "
            default:
                if isUnseen(scalar) || (isSpelled && !scalar.isASCII) {
                    result += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
                } else {
                    result.unicodeScalars.append(scalar)
                }
            }
        }
        return result
    }

    /// Controls, formats (zero width, direction) and every space but the ordinary one.
    private static func isUnseen(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .spaceSeparator, .surrogate, .privateUse,
            .unassigned:
            // A zero width joiner holds emoji together and is seen by that.
            scalar.value != 0x200D
        default: false
        }
    }
}
