// Text with values in it: `Dear {source.customer_name}`. Values stand as text; what is missing or null stands as nothing.

/// A text with paths in braces; `{{` and `}}` are braces themselves.
struct Template: Sendable, Hashable {
    private enum Part: Sendable, Hashable {
        case text(String)
        case path(Path)
    }

    private let parts: [Part]
    let text: String

    init(_ text: String) throws(ExpressionError) {
        guard text.utf8.count <= Expression.maximumBytes else {
            throw ExpressionError(
                code: .tooLong, position: 1, message: "over \(Expression.maximumBytes) bytes long",
                remedy: "write it shorter, or write a controller")
        }
        self.text = text
        var parts: [Part] = []
        var plain = ""
        var rest = Substring(text)
        func position() -> Int { 1 + text.unicodeScalars.count - rest.unicodeScalars.count }
        while let character = rest.first {
            if rest.hasPrefix("{{") || rest.hasPrefix("}}") {
                plain.append(character)
                rest = rest.dropFirst(2)
            } else if character == "{" {
                guard let end = rest.firstIndex(of: "}") else {
                    throw ExpressionError(
                        code: .unexpected, position: position(), message: "a { is opened and not closed",
                        remedy: "close it with }, or write {{ for a brace")
                }
                let inner = String(rest[rest.index(after: rest.startIndex)..<end])
                if !plain.isEmpty { parts.append(.text(plain)) }
                plain = ""
                parts.append(.path(try Self.path(inner, position: position())))
                rest = rest[rest.index(after: end)...]
            } else if character == "}" {
                throw ExpressionError(
                    code: .unexpected, position: position(), message: "a } without its {",
                    remedy: "write }} for a brace")
            } else {
                plain.append(character)
                rest = rest.dropFirst()
            }
        }
        if !plain.isEmpty { parts.append(.text(plain)) }
        self.parts = parts
    }

    private static func path(_ text: String, position: Int) throws(ExpressionError) -> Path {
        do { return try Path(text) } catch {
            throw ExpressionError(
                code: error.code, position: position + error.position, message: error.message, remedy: error.remedy)
        }
    }

    var paths: [Path] { parts.compactMap { if case .path(let path) = $0 { path } else { nil } } }

    func text(in scope: Scope) -> String {
        var result = ""
        for part in parts {
            switch part {
            case .text(let text): result += text
            case .path(let path): result += path.value(in: scope)?.writtenText ?? ""
            }
        }
        return result
    }

    static func == (left: Template, right: Template) -> Bool { left.text.hasSameBytes(as: right.text) }
    func hash(into hasher: inout Hasher) { hasher.combine(ExactString(text)) }
}

extension JSONValue {
    /// The value as text: a string itself, a number as written, arrays and objects as canonical JSON; nil for null.
    var writtenText: String? {
        switch self {
        case .null: nil
        case .string(let text): text
        case .number(let number): number.text
        default: canonicalText
        }
    }
}
