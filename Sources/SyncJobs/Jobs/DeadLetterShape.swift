// What many dead letters have in common: the message of their failure without what differs from one to the next. Pure.
// Invariant: the same message has the same shape wherever it is computed, because groups are told by it.

/// The shape of a failure's message: numbers, quoted texts, ids, hashes and times replaced by placeholders.
///
/// ```swift
/// DeadLetterShape.text(of: #"no Customer "C-17" after 3 tries"#)  // no Customer "…" after <n> tries
/// ```
public enum DeadLetterShape {
    /// The most bytes of a shape; what is longer is cut.
    public static let maximumBytes = 300

    /// The shape of `message`.
    public static func text(of message: String) -> String {
        var words: [String] = []
        for word in unquoted(message).split(whereSeparator: { $0 == " " || $0.isNewline || $0 == "\t" }) {
            words.append(shape(ofWord: word))
        }
        return words.joined(separator: " ").cut(toBytes: maximumBytes)
    }

    /// The key of a group: 10 hexadecimal digits of type, reason and shape.
    public static func groupKey(typeSlug: String?, reason: String, shape: String) -> String {
        String(Digest(ofParts: [typeSlug ?? "", reason, shape]).hex.prefix(10))
    }

    // MARK: quoted texts

    private static let closing: [Character: Character] = ["\"": "\"", "“": "”", "„": "“", "`": "`", "«": "»", "'": "'"]

    /// The message with each quoted text replaced by `…` in its quotes; an apostrophe inside a word is none.
    private static func unquoted(_ message: String) -> String {
        var result = ""
        var rest = message[...]
        while let character = rest.first {
            let isApostrophe = character == "'" && (result.last?.isLetter ?? false)
            if let close = closing[character], !isApostrophe,
                let end = rest.dropFirst().firstIndex(of: close)
            {
                result += "\(character)…\(close)"
                rest = rest[rest.index(after: end)...]
            } else {
                result.append(character)
                rest = rest.dropFirst()
            }
        }
        return result
    }

    // MARK: words

    /// A word is taken apart where a name stands beside a value: `code=17`, `(17,` and `17:` keep their marks.
    private static func shape(ofWord word: Substring) -> String {
        var result = ""
        var part: Substring = ""
        for (position, character) in zip(word.indices, word) {
            // The comma of 1,048,577 stays in its number.
            let next = word.index(after: position)
            let isInNumber =
                character == "," && part.last?.isNumber == true && next < word.endIndex && word[next].isNumber
            if !isInNumber, "=(),;[]{}<>|?!".contains(character) {
                result += placeholder(part)
                result.append(character)
                part = ""
            } else {
                part.append(character)
            }
        }
        return result + placeholder(part)
    }

    /// What stands for a part of a word: `<time>`, `<n>`, `<id>`, or the part itself where it is plain.
    private static func placeholder(_ part: Substring) -> String {
        var core = part
        var tail = ""
        while let last = core.last, last == "." || last == ":" || last == "%" {
            tail = String(last) + tail
            core = core.dropLast()
        }
        guard !core.isEmpty else { return tail }
        let digits = core.count { $0.isASCII && $0.isNumber }
        guard digits > 0 else { return (isLongHex(core) ? "<id>" : String(core)) + tail }
        if isTime(core) { return "<time>" + tail }
        if core.allSatisfy({ ($0.isASCII && $0.isNumber) || "+-.,_".contains($0) }) { return "<n>" + tail }
        let unit = core.drop { ($0.isASCII && $0.isNumber) || $0 == "." }
        if core.first?.isNumber == true, unit.count <= 3, unit.allSatisfy(\.isLetter) { return "<n>\(unit)\(tail)" }
        return "<id>" + tail
    }

    private static func isLongHex(_ text: Substring) -> Bool {
        text.count >= 16 && text.allSatisfy { $0.isASCII && $0.isHexDigit }
    }

    /// `2026-11-21`, `2026-11-21T09:30:00Z`, `09:30:00`.
    private static func isTime(_ text: Substring) -> Bool {
        let marks = text.filter { !($0.isASCII && $0.isNumber) }
        guard marks.allSatisfy({ "-:.TZ+".contains($0) }) else { return false }
        let dashes = marks.count { $0 == "-" }
        let colons = marks.count { $0 == ":" }
        guard dashes >= 2 || colons >= 1 else { return false }
        let leading = text.prefix { $0.isNumber }.count
        return dashes >= 2 ? leading == 4 : leading <= 2
    }
}
