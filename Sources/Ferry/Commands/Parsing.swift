// From arguments to values: what is not understood is refused with what was meant to stand there.

internal import ArgumentParser
internal import Foundation
internal import Logging
internal import SyncJobs

/// Reads arguments.
enum Parsing {
    /// `SYSTEM.TYPE`.
    static func documentType(_ text: String) throws -> DocumentType {
        guard let type = DocumentType(text) else {
            throw ValidationError("\"\(text)\" names no document type; write SYSTEM.TYPE, such as erp.Customer")
        }
        return type
    }

    /// `30s`, `5m`, `2h`.
    static func duration(_ text: String) throws -> Duration {
        guard let duration = Duration(text: text) else {
            throw ValidationError("\"\(text)\" is no duration; write it with its unit, such as 30s, 5m or 2h")
        }
        return duration
    }

    /// The time between two looks, 20ms to 1h.
    static func interval(_ text: String) throws -> Duration {
        let interval = try duration(text)
        guard interval >= .milliseconds(20), interval <= .seconds(3600) else {
            throw ValidationError("\"\(text)\" is not taken here; write a duration from 20ms to 1h")
        }
        return interval
    }

    /// A status, in any case.
    static func status(_ text: String) throws -> JobStatus {
        guard let status = JobStatus(anyCase: text) else {
            let known = JobStatus.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("\"\(text)\" is no status; use one of: \(known)")
        }
        return status
    }

    /// What a job waits for.
    static func waitReason(_ text: String) throws -> WaitReason {
        guard let reason = WaitReason(rawValue: text.slug) else {
            let known = WaitReason.allCases.map(\.rawValue)
            throw ValidationError("nothing waits for \"\(text)\"; \(Suggestion.remedy(for: text.slug, among: known))")
        }
        return reason
    }

    /// Who or what asks, in any case.
    static func triggerType(_ text: String) throws -> SyncRequest.TriggerType {
        let known = SyncRequest.TriggerType.allCases
        guard let type = known.first(where: { $0.rawValue.slug == text.slug }) else {
            throw ValidationError(
                "\"\(text)\" asks for nothing; use one of: \(known.map(\.rawValue).joined(separator: ", "))")
        }
        return type
    }

    /// An instant: RFC 3339, or a duration from now on.
    static func instant(_ text: String) throws -> Timestamp {
        if let instant = Timestamp(text) { return instant }
        guard let delay = Duration(text: text) else {
            throw ValidationError(
                "\"\(text)\" is no time; write RFC 3339 with an offset, such as 2026-11-21T09:30:00+01:00, or a duration "
                    + "from now on, such as 10m")
        }
        return Composition.now().advanced(by: delay)
    }

    /// An error code, as it stands in records.
    static func errorCode(_ text: String) throws -> JobFailure.Code {
        guard let code = JobFailure.Code(rawValue: text) else {
            let remedy = Suggestion.remedy(for: text, among: JobFailure.Code.allCases.map(\.rawValue))
            throw ValidationError("\"\(text)\" is no error code; \(remedy)")
        }
        return code
    }

    /// An operation, in any case.
    static func operation(_ text: String) throws -> DocumentOperation {
        guard let operation = DocumentOperation(anyCase: text) else {
            throw ValidationError("\"\(text)\" is no operation; use insert, update or delete")
        }
        return operation
    }

    /// What happened to a document, in any case.
    static func event(_ text: String) throws -> ChangeEvent.Kind {
        guard let event = ChangeEvent.Kind(rawValue: text.lowercased()) else {
            throw ValidationError("\"\(text)\" is no event; use insert, update, delete or rename")
        }
        return event
    }

    /// A level of log lines.
    static func logLevel(_ text: String) throws -> Logger.Level {
        guard let level = Logger.Level(rawValue: text.lowercased()) else {
            throw ValidationError("\"\(text)\" is no level; use trace, debug, info, notice, warning, error or critical")
        }
        return level
    }

    /// A whole number from 1 to `maximum`.
    static func count(upTo maximum: Int) -> @Sendable (String) throws -> Int {
        { text in
            guard let number = Int(text), (1...maximum).contains(number) else {
                throw ValidationError("\"\(text)\" is not taken here; write a whole number from 1 to \(maximum)")
            }
            return number
        }
    }

    /// `field=JSON`.
    static func assignment(_ text: String) throws -> JSONObject.Member {
        guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
            throw ValidationError("\"\(text)\" sets nothing; write field=JSON, such as label='\"Oslo\"' or number=792")
        }
        let field = String(text[..<equals])
        let written = String(text[text.index(after: equals)...])
        do { return JSONObject.Member(key: field, value: try JSONParser.parse(written)) } catch {
            throw ValidationError(
                "the value of \"\(field)\" is not JSON (\(error.message)); text needs quotes: \(field)='\"…\"'")
        }
    }

    /// A JSON object that is written out, in a file (`@file`), or on standard input (`-`).
    ///
    /// - Throws: ``CommandFailure`` (usage) naming where it stands and what is wrong.
    static func object(_ text: String, named option: String, maximumBytes: Int) throws -> JSONObject {
        let bytes: [UInt8]
        if text == "-" || text.hasPrefix("@") {
            bytes = try InputFile.read(text == "-" ? "-" : String(text.dropFirst()), maximumBytes: maximumBytes)
        } else {
            bytes = Array(text.utf8)
        }
        let value: JSONValue
        do { value = try JSONParser.parse(bytes) } catch {
            throw CommandFailure(
                .usage, "\(option) is not JSON: \(error.message) (byte \(error.offset))",
                remedy: "write an object, or name a file with @")
        }
        guard let object = value.objectValue else {
            throw CommandFailure(
                .usage, "\(option) is \(value.kind), not an object", remedy: "write {\"field\": value}")
        }
        return object
    }
}

/// What is done to a document; Foundation has an Operation too.
typealias DocumentOperation = SyncJobs.Operation
