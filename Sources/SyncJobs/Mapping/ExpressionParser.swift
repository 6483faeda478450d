// Expressions by recursive descent, as they are read aloud: `or` binds loosest, then `and`, `not`, comparison.
// Bounded in length and in depth, because a configuration is input too.

struct ExpressionParser {
    private var lexer: ExpressionLexer
    private var token: ExpressionToken
    private var depth = 0

    static func parse(_ text: String) throws(ExpressionError) -> Expression.Node {
        var parser = try ExpressionParser(text)
        let node = try parser.disjunction()
        guard parser.token == .end else {
            throw parser.unexpected("join two conditions with and or or")
        }
        return node
    }

    private init(_ text: String) throws(ExpressionError) {
        lexer = try ExpressionLexer(text, maximumBytes: Expression.maximumBytes)
        token = try lexer.next()
    }

    private mutating func disjunction() throws(ExpressionError) -> Expression.Node {
        var parts = [try conjunction()]
        while try take(word: "or") { parts.append(try conjunction()) }
        return parts.count == 1 ? parts[0] : .any(parts)
    }

    private mutating func conjunction() throws(ExpressionError) -> Expression.Node {
        var parts = [try negation()]
        while try take(word: "and") { parts.append(try negation()) }
        return parts.count == 1 ? parts[0] : .all(parts)
    }

    private mutating func negation() throws(ExpressionError) -> Expression.Node {
        guard try take(word: "not") else { return try comparison() }
        try descend()
        defer { depth -= 1 }
        return .not(try negation())
    }

    private mutating func comparison() throws(ExpressionError) -> Expression.Node {
        let left = try operand()
        if case .symbol(let symbol) = token, let comparison = Expression.Comparison(rawValue: symbol) {
            try advance()
            let node = Expression.Node.compare(comparison, left, try operand())
            if case .symbol(let next) = token, Expression.Comparison(rawValue: next) != nil {
                throw unexpected("compare two values at a time, joined with and")
            }
            return node
        }
        if try take(word: "in") { return .isMember(left, try operand()) }
        if isWord("not") {
            try advance()
            guard try take(word: "in") else { throw unexpected("behind a value, not is followed by in") }
            return .not(.isMember(left, try operand()))
        }
        guard try take(word: "is") else { return left }
        let isNegated = try take(word: "not")
        guard try take(word: "empty") else { throw unexpected("write is empty or is not empty; compare with ==") }
        return isNegated ? .not(.isEmpty(left)) : .isEmpty(left)
    }

    private mutating func operand() throws(ExpressionError) -> Expression.Node {
        switch token {
        case .text(let text):
            try advance()
            return .literal(.string(text))
        case .number(let number):
            try advance()
            return .literal(.number(number))
        case .name(let segments, let isPlain): return try named(segments, isPlain: isPlain)
        case .symbol("("):
            try descend()
            defer { depth -= 1 }
            try advance()
            let node = try disjunction()
            guard try take(symbol: ")") else { throw unexpected("close the parenthesis with )") }
            return node
        case .symbol("["): return try list()
        default: throw unexpected("a path, a literal or ( is due here")
        }
    }

    private mutating func named(_ segments: [String], isPlain: Bool) throws(ExpressionError) -> Expression.Node {
        if isPlain {
            let constants: [String: JSONValue] = ["true": true, "false": false, "null": .null]
            if let constant = constants[segments[0]] {
                try advance()
                return .literal(constant)
            }
            if Self.keywords.contains(segments[0]) { throw unexpected("a path, a literal or ( is due here") }
            if Scope.Root(rawValue: segments[0]) == nil {
                throw ExpressionError(
                    code: .unknownRoot, position: lexer.position(of: lexer.start),
                    message: "\"\(segments[0].prefix(60))\" is neither a path nor a literal",
                    remedy: Self.keywords.contains(segments[0].lowercased())
                        ? "write \(segments[0].lowercased())" : "a text stands in quotes: \"\(segments[0].prefix(60))\""
                )
            }
        }
        let path = try Path(segments, position: lexer.position(of: lexer.start))
        try advance()
        return .path(path)
    }

    private mutating func list() throws(ExpressionError) -> Expression.Node {
        try descend()
        defer { depth -= 1 }
        try advance()
        var elements: [Expression.Node] = []
        if try take(symbol: "]") { return .list(elements) }
        while true {
            elements.append(try operand())
            if try take(symbol: "]") { return .list(elements) }
            guard try take(symbol: ",") else { throw unexpected("separate elements with , and close the list with ]") }
        }
    }

    private static let keywords: Set<String> = ["and", "or", "not", "in", "is", "empty", "true", "false", "null"]

    private mutating func advance() throws(ExpressionError) { token = try lexer.next() }

    private func isWord(_ word: String) -> Bool { token == .name([word], isPlain: true) }

    private mutating func take(word: String) throws(ExpressionError) -> Bool {
        guard isWord(word) else { return false }
        try advance()
        return true
    }

    private mutating func take(symbol: String) throws(ExpressionError) -> Bool {
        guard token == .symbol(symbol) else { return false }
        try advance()
        return true
    }

    private mutating func descend() throws(ExpressionError) {
        depth += 1
        guard depth <= Expression.maximumDepth else {
            throw ExpressionError(
                code: .tooDeep, position: lexer.position(of: lexer.start),
                message: "nested deeper than \(Expression.maximumDepth) levels", remedy: "write it flatter")
        }
    }

    private func unexpected(_ remedy: String) -> ExpressionError {
        let found =
            switch token {
            case .name(let segments, _): "\"\(segments.joined(separator: ".").prefix(60))\""
            case .text(let text): "the text \"\(text.prefix(60))\""
            case .number(let number): "the number \(number.text.prefix(60))"
            case .symbol(let symbol): "\"\(symbol)\""
            case .end: "the end"
            }
        return ExpressionError(
            code: .unexpected, position: lexer.position(of: lexer.start), message: "unexpected \(found)", remedy: remedy
        )
    }
}
