// As much of JSON Schema 2020-12 as the contract files use, so that they are held to the decoders on any machine. A
// keyword that is not known here fails the test: nothing is passed over in silence.

import SyncJobs
import Testing

/// Validates values against one schema file.
struct SchemaValidator {
    let root: JSONObject

    private static let annotations: Set<String> = [
        "$schema", "$id", "$defs", "title", "description", "examples", "default",
    ]

    /// Why `value` is not valid; empty when it is.
    func errors(in value: JSONValue) throws -> [String] { try errors(value, .object(root), at: "$") }

    /// The schema at `path`, through references: `["properties", "broker", "properties"]`.
    func keys(of path: String...) throws -> [String] {
        var schema = JSONValue.object(root)
        for name in path { schema = try #require(schema.objectValue?[name], "\(path) ends at \(name)") }
        return try #require(schema.objectValue).keys
    }

    private func errors(_ value: JSONValue, _ schema: JSONValue, at place: String) throws -> [String] {
        if let truth = schema.boolValue { return truth ? [] : ["\(place): never valid"] }
        let schema = try #require(schema.objectValue)
        var found: [String] = []
        for member in schema where !Self.annotations.contains(member.key) {
            switch member.key {
            case "then", "else": break
            case "$ref":
                let name = try #require(member.value.stringValue?.split(separator: "/").last)
                let target = try #require(root["$defs"]?.objectValue?[String(name)])
                found += try errors(value, target, at: place)
            case "anyOf", "oneOf":
                let parts = try #require(member.value.arrayValue)
                let count = try parts.count { try errors(value, $0, at: place).isEmpty }
                let isGood = member.key == "anyOf" ? count > 0 : count == 1
                if !isGood { found.append("\(place): \(count) of \(member.key)") }
            case "allOf":
                for part in try #require(member.value.arrayValue) { found += try errors(value, part, at: place) }
            case "not": if try errors(value, member.value, at: place).isEmpty { found.append("\(place): not") }
            case "if":
                let holds = try errors(value, member.value, at: place).isEmpty
                if let next = schema[holds ? "then" : "else"] { found += try errors(value, next, at: place) }
            default: found += try check(value, member, schema, at: place)
            }
        }
        return found
    }

    private func check(
        _ value: JSONValue, _ member: JSONObject.Member, _ schema: JSONObject, at place: String
    ) throws -> [String] {
        let isGood: Bool
        switch (member.key, value) {
        case ("type", _):
            let names = member.value.arrayValue?.compactMap(\.stringValue) ?? [member.value.stringValue ?? ""]
            isGood = names.contains { Self.isOf($0, value) }
        case ("enum", _): isGood = try #require(member.value.arrayValue).contains(value)
        case ("const", _): isGood = value == member.value
        case ("pattern", .string(let text)): isGood = try text.contains(Regex(try #require(member.value.stringValue)))
        case ("minLength", .string(let text)): isGood = text.unicodeScalars.count >= limit(member)
        case ("maxLength", .string(let text)): isGood = text.unicodeScalars.count <= limit(member)
        case ("minimum", .number(let number)):
            isGood = number.decimal >= ExactDecimal(member.value.nameText ?? "") ?? .zero
        case ("maximum", .number(let number)):
            isGood = number.decimal <= ExactDecimal(member.value.nameText ?? "") ?? .zero
        case ("minItems", .array(let elements)): isGood = elements.count >= limit(member)
        case ("uniqueItems", .array(let elements)): isGood = Set(elements).count == elements.count
        case ("minProperties", .object(let object)): isGood = object.count >= limit(member)
        case ("maxProperties", .object(let object)): isGood = object.count <= limit(member)
        case ("required", .object(let object)):
            isGood = try #require(member.value.arrayValue).allSatisfy { object[$0.stringValue ?? ""] != nil }
        case ("dependentRequired", .object(let object)):
            isGood = try #require(member.value.objectValue).allSatisfy { rule in
                object[rule.key] == nil
                    || (rule.value.arrayValue ?? []).allSatisfy { object[$0.stringValue ?? ""] != nil }
            }
        case ("items", .array(let elements)):
            return try elements.enumerated().flatMap { try errors($1, member.value, at: "\(place)[\($0)]") }
        case ("propertyNames", .object(let object)):
            return try object.keys.flatMap { try errors(.string($0), member.value, at: "\(place).\($0)") }
        case ("properties", .object(let object)):
            let properties = try #require(member.value.objectValue)
            return try object.flatMap { entry in
                try properties[entry.key].map { try errors(entry.value, $0, at: "\(place).\(entry.key)") } ?? []
            }
        case ("additionalProperties", .object(let object)):
            let known = schema["properties"]?.objectValue
            return try object.filter { known?[$0.key] == nil }.flatMap {
                try errors($0.value, member.value, at: "\(place).\($0.key)")
            }
        case ("pattern", _), ("minLength", _), ("maxLength", _), ("minimum", _), ("maximum", _), ("minItems", _),
            ("uniqueItems", _), ("minProperties", _), ("maxProperties", _), ("required", _), ("dependentRequired", _),
            ("items", _), ("propertyNames", _), ("properties", _), ("additionalProperties", _):
            isGood = true
        default:
            Issue.record("the validator does not know the keyword \(member.key)")
            isGood = false
        }
        return isGood ? [] : ["\(place): \(member.key)"]
    }

    private func limit(_ member: JSONObject.Member) -> Int {
        Int(member.value.numberValue?.int64 ?? -1)
    }

    private static func isOf(_ type: String, _ value: JSONValue) -> Bool {
        switch (type, value) {
        case ("null", .null), ("boolean", .bool), ("string", .string), ("number", .number), ("array", .array),
            ("object", .object):
            true
        case ("integer", .number(let number)): number.int64 != nil
        default: false
        }
    }
}
