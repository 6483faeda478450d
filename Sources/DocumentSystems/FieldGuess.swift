// What names of fields and a look at their values suggest. Pure; the words are those that schemas are written with.
// Invariant: a guess is only ever shown as one. Nothing is masked, fenced or converted because of it.
internal import SyncJobs

/// Guesses by a field's name.
enum FieldGuess {
    /// The words of a name: `taxID`, `tax_id` and `Tax Id` are `tax`, `id`.
    static func words(of name: String) -> [String] {
        var words: [String] = []
        var word = ""
        var previous: Character?
        for character in name {
            let begins = character.isUppercase && (previous?.isLowercase ?? false)
            if begins || !(character.isLetter || character.isNumber) {
                if !word.isEmpty { words.append(word.lowercased()) }
                word = ""
            }
            if character.isLetter || character.isNumber { word.append(character) }
            previous = character
        }
        if !word.isEmpty { words.append(word.lowercased()) }
        return words
    }

    private static let secrets = [
        "password", "passwd", "pwd", "passphrase", "passwort", "kennwort", "secret", "token", "apikey", "api key",
        "private key", "access key", "pin", "otp", "cvv", "cvc",
    ]
    private static let personal = [
        "iban", "bank account", "kontonummer", "tax id", "tax number", "steuernummer", "ssn", "social security",
        "national id", "passport", "credit card", "card number", "salary", "wage", "gehalt", "birth", "birthday",
        "birthdate", "dob", "geburtsdatum", "religion",
    ]

    /// Why the values of a field of this name should perhaps be masked; nil for no reason.
    static func sensitivity(of name: String) -> String? {
        let words = words(of: name)
        if names(secrets, in: words) { return "likely a secret" }
        return names(personal, in: words) ? "likely personal or financial" : nil
    }

    private static func names(_ terms: [String], in words: [String]) -> Bool {
        let joined = words.joined()
        return terms.contains { term in
            let parts = term.split(separator: " ").map(String.init)
            let isSpelled = words.indices.contains { words[$0...].starts(with: parts) }
            // `userpassword` and `taxnumber` have no border between their words; a short term would be found anywhere.
            let run = parts.joined()
            return isSpelled || (run.count >= 6 && joined.contains(run))
        }
    }

    /// Names of a version, the most certain first.
    private static let versions: [(words: String, order: VersionOrder?)] = [
        ("modified", .timestamp), ("last modified", .timestamp), ("modified at", .timestamp),
        ("modified on", .timestamp), ("updated at", .timestamp), ("updated on", .timestamp), ("updated", .timestamp),
        ("last updated", .timestamp), ("last update", .timestamp), ("changed at", .timestamp),
        ("last changed", .timestamp), ("changed", .timestamp), ("write date", .timestamp), ("mtime", nil),
        ("row version", .number), ("rowversion", .number), ("lock version", .number), ("version", .number),
        ("revision", .number), ("version number", .number), ("etag", VersionOrder.none),
    ]

    /// The likely version among fields, each with the kind of its values.
    static func version(among fields: [(name: String, values: FieldSample, kind: FieldKind?)]) -> DocumentDraft.Version?
    {
        for candidate in versions {
            for field in fields where words(of: field.name).joined(separator: " ") == candidate.words {
                guard let order = order(field.values, kind: field.kind, named: candidate.order) else { continue }
                let needsZone = order == .timestamp && !field.values.areInstants
                return DocumentDraft.Version(field: field.name, order: order, needsZone: needsZone)
            }
        }
        return nil
    }

    /// The order of a version field: by its values, without any by its type, without one by its name.
    private static func order(_ values: FieldSample, kind: FieldKind?, named: VersionOrder?) -> VersionOrder? {
        if values.isTime { return .timestamp }
        switch values.count == 0 ? kind : values.kind {
        case .timestamp: return .timestamp
        // Seconds since 1970, or a counter: either way the larger one is the later one.
        case .integer, .bool: return .number
        case nil, .text: return values.count == 0 || named == VersionOrder.none ? named : nil
        default: return nil
        }
    }

    /// Names of what tells rows apart, the most certain first.
    private static let rowKeys = [
        "id", "uuid", "name", "key", "code", "idx", "line", "line no", "line number", "position", "pos", "row",
        "row no", "row number", "sequence", "seq", "sort order", "sort", "number", "sku",
    ]

    /// The field of a row that tells it from others by its name, of those given; nil when none is called so.
    static func rowKey(among names: [String]) -> String? {
        rowKeys.lazy.compactMap { key in names.first { words(of: $0).joined(separator: " ") == key } }.first
    }

    /// The kind that a declared column type means beyond what SQLite makes of it; nil where values are read as they are.
    static func kind(ofColumnType declared: String) -> FieldKind? {
        let type = declared.uppercased()
        let word = type.prefix { $0.isLetter || $0 == "_" }
        let sizes = type.split(separator: "(").dropFirst().first?.split(separator: ")").first?
            .split(separator: ",").map { Int($0.filter { !$0.isWhitespace }) }
        switch word {
        case "BOOLEAN", "BOOL", "BIT": return (sizes?.first ?? 1) == 1 ? .bool : nil
        case "TINYINT": return sizes?.first == 1 ? .bool : nil
        case "DECIMAL", "NUMERIC", "DEC", "NUMBER":
            guard let sizes, let precision = sizes.first, precision != nil else { return nil }
            guard sizes.count > 1 else { return .integer }
            guard let places = sizes[1], (0...30).contains(places) else { return nil }
            return .decimal(places: places)
        case "DATETIME", "TIMESTAMP", "TIMESTAMPTZ", "DATETIMEOFFSET": return .timestamp
        case "DATE": return .date
        case "JSON", "JSONB": return .json
        default: return nil
        }
    }
}

extension DocumentDraft.Field {
    /// A field by its name, the type its system's schema gives it, and a look at its values.
    init(name: String, columnType: String? = nil, values: FieldSample) {
        self.init(name: name)
        if let columnType, !columnType.isEmpty {
            declaredType = columnType
            kind = FieldGuess.kind(ofColumnType: columnType)
            if let kind, let objection = values.objection(to: kind) {
                note = objection
                self.kind = nil
            }
        }
        if kind == nil { likelyKind = values.kindWorthDeclaring }
        sensitivity = FieldGuess.sensitivity(of: name)
    }
}
