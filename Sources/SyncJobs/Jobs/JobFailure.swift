// Why a request, a run or a write did not succeed: one shape for all of it, with a closed code that programs read, a
// message and a remedy that people read, and how the job goes on. Never document contents or secrets.

/// A failure of a request or a job: code, message, remedy, and how it goes on.
public struct JobFailure: Error, Sendable, Hashable, CustomStringConvertible {
    /// How a failed attempt goes on.
    public enum Disposition: Sendable, Hashable {
        /// Again later by the type's retry policy, or after the given time.
        case retryable(after: Duration?)
        /// Never again by itself: to the dead letters.
        case permanent
        /// Again after this time, without using up an attempt.
        case snooze(Duration)
        /// The job ends as canceled.
        case cancel
    }

    /// The closed set of reasons, as they stand in records, dead letters and JSON output.
    public enum Code: String, Sendable, Hashable, CaseIterable {
        // What is wrong with a message.
        case invalidJSON = "invalid_json"
        case invalidUTF8 = "invalid_utf8"
        case duplicateKey = "duplicate_key"
        case tooDeep = "too_deep"
        case numberOutOfRange = "number_out_of_range"
        case notAnObject = "not_an_object"
        case bodyTooLarge = "body_too_large"
        case missingID = "missing_id"
        case invalidID = "invalid_id"
        case idReused = "id_reused"
        case missingType = "missing_type"
        case unknownType = "unknown_type"
        case typeDisabled = "type_disabled"
        case missingField = "missing_field"
        case invalidField = "invalid_field"
        case unknownField = "unknown_field"
        case unknownQueue = "unknown_queue"
        case unroutable = "unroutable"
        case loop = "loop"
        // What the broker took out of a queue.
        case deliveryLimit = "delivery_limit"
        case removedByBroker = "removed_by_broker"
        // What is wrong with a document, a mapping or a target.
        case sourceNotVisible = "source_not_visible"
        case documentTooLarge = "document_too_large"
        case invalidVersion = "invalid_version"
        case missingRowKey = "missing_row_key"
        case duplicateRowKey = "duplicate_row_key"
        case requiredFieldMissing = "required_field_missing"
        case coercionFailed = "coercion_failed"
        case unmappedValue = "unmapped_value"
        case lookupMissing = "lookup_missing"
        case ambiguousMatch = "ambiguous_match"
        case targetGone = "target_gone"
        case targetNotFound = "target_not_found"
        case targetBound = "target_bound"
        case invalidTarget = "invalid_target"
        case numberNotExact = "number_not_exact"
        case constraintViolated = "constraint_violated"
        case writeConflict = "write_conflict"
        case systemUnavailable = "system_unavailable"
        case timedOut = "timed_out"
        case canceled = "canceled"
        case controllerFailed = "controller_failed"
    }

    /// The reason.
    public var code: Code
    /// What happened, in one sentence.
    public var message: String
    /// What to do about it.
    public var remedy: String
    /// How the job goes on.
    public var disposition: Disposition
    /// The system that is not available, where the failure says so (`system_unavailable`) and it is known.
    public var system: String?

    /// The most UTF-8 bytes of a message and of a remedy; what is longer is cut.
    public static let maximumTextBytes = 2_000

    /// Makes a failure; permanent unless told otherwise.
    public init(_ code: Code, _ message: String, remedy: String, disposition: Disposition = .permanent) {
        self.code = code
        // Both travel in message headers, so their bytes are bounded, whatever a message or a document held.
        self.message = message.cut(toBytes: Self.maximumTextBytes)
        self.remedy = remedy.cut(toBytes: Self.maximumTextBytes)
        self.disposition = disposition
    }

    /// A failure that time may mend.
    public static func retryable(_ message: String, after delay: Duration? = nil) -> JobFailure {
        JobFailure(
            .controllerFailed, message, remedy: "it is tried again by the type's retry policy",
            disposition: .retryable(after: delay))
    }

    /// A failure that no retry mends.
    public static func permanent(_ message: String, remedy: String = "mend the cause, then send it again") -> JobFailure
    {
        JobFailure(.controllerFailed, message, remedy: remedy)
    }

    /// Any thrown error as a failure; what is none already is retryable.
    public init(_ error: any Error) {
        if let failure = error as? JobFailure {
            self = failure
        } else if error is CancellationError {
            self.init(
                .canceled, "the run was stopped", remedy: "it runs again when its message is delivered again",
                disposition: .retryable(after: nil))
        } else {
            // Its description may hold document contents, and this stands in records, dead letters and logs.
            self = JobFailure(
                .controllerFailed, "the controller threw \(type(of: error))",
                remedy: "throw a JobFailure to say more; the controller's own log may have it",
                disposition: .retryable(after: nil))
        }
    }

    /// `code: message (remedy)`.
    public var description: String { "\(code.rawValue): \(message) (\(remedy))" }

    /// `{"code", "message", "remedy"}`.
    public var json: JSONValue {
        ["code": .string(code.rawValue), "message": .string(message), "remedy": .string(remedy)]
    }
}
