// The one error of the topology: a name that cannot be used, or a broker that cannot be asked.
// Invariant: neither a password nor a document's content ever gets into its text.

/// A failure to name, verify or apply the topology.
public struct TopologyError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What kind of failure; a closed list, the raw value is stable and fit for machines.
    public enum Code: String, Sendable, Hashable, CaseIterable {
        /// A prefix that exchanges and queues cannot carry.
        case invalidPrefix = "invalid_prefix"
        /// A work queue's name that cannot be used.
        case invalidQueue = "invalid_queue"
        /// The management address is not usable, or not safe to send a password to.
        case invalidManagementURL = "invalid_management_url"
        /// The management API did not answer.
        case managementUnreachable = "management_unreachable"
        /// The management API answered, but refused or not as expected.
        case managementRefused = "management_refused"
    }

    /// What kind of failure.
    public let code: Code
    /// What was being done, in a few words.
    public let operation: String
    /// What went wrong.
    public let message: String
    /// What mends it.
    public let remedy: String
    /// What the layer below said, if anything.
    public let cause: String?

    /// Creates an error.
    public init(_ code: Code, operation: String, message: String, remedy: String, cause: String? = nil) {
        self.code = code
        self.operation = operation
        self.message = message
        self.remedy = remedy
        self.cause = cause
    }

    /// One line for people: operation, what went wrong, what mends it, the code.
    public var description: String {
        let cause = cause.map { " (\($0))" } ?? ""
        return "\(operation): \(message)\(cause). \(remedy) [\(code.rawValue)]"
    }
}
