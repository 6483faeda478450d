// What a check of the topology found, as a value for people and for machines.
// Invariant: every finding names one object of the broker and what mends it.

/// One thing about the broker that is not as it has to be.
public struct TopologyFinding: Sendable, Hashable, Codable, CustomStringConvertible {
    /// What kind of finding; a closed list, the raw value is stable and fit for machines.
    public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
        /// An exchange does not exist.
        case missingExchange = "missing_exchange"
        /// A queue does not exist.
        case missingQueue = "missing_queue"
        /// A binding does not exist.
        case missingBinding = "missing_binding"
        /// A binding between our own objects that is not ours: messages go astray or arrive twice.
        case unexpectedBinding = "unexpected_binding"
        /// Something of the right name is of another type.
        case wrongType = "wrong_type"
        /// An argument is missing, superfluous or has another value.
        case differingArgument = "differing_argument"
        /// A policy sets what must not be set.
        case foreignPolicy = "foreign_policy"
        /// The user may not do what the check or the declaration needs.
        case notPermitted = "not_permitted"
        /// A canary did not arrive: a message would be lost or late here.
        case canaryLost = "canary_lost"
        /// A canary could be sent but its arrival not be seen without touching real messages.
        case canaryUnproven = "canary_unproven"
        /// The management API could not be asked, so types, arguments and policies are not verified.
        case managementUnreachable = "management_unreachable"

        /// Whether it says only that something could not be verified.
        public var isWarning: Bool { self == .canaryUnproven || self == .managementUnreachable }
    }

    /// What kind of finding.
    public let kind: Kind
    /// What it is about, such as `queue ferry.short`.
    public let object: String
    /// What should be there.
    public let expected: String
    /// What is there.
    public let found: String
    /// What mends it.
    public let remedy: String

    /// Creates a finding.
    public init(_ kind: Kind, object: String, expected: String, found: String, remedy: String) {
        self.kind = kind
        self.object = object
        self.expected = expected
        self.found = found
        self.remedy = remedy
    }

    /// One line for people.
    public var description: String {
        "\(kind.isWarning ? "warning" : "error"): \(object): expected \(expected), found \(found). \(remedy) [\(kind.rawValue)]"
    }
}

/// What was checked and what was found.
public struct TopologyReport: Sendable, Hashable, Codable, CustomStringConvertible {
    /// A step of the check; a closed list.
    public enum Step: String, Sendable, Hashable, Codable, CaseIterable {
        /// Everything was declared.
        case apply
        /// Exchanges and queues were asked for by name.
        case names
        /// Types, arguments, bindings and policies were read through the management API.
        case management
        /// Canaries were sent.
        case canaries
    }

    /// The steps that were taken, in order.
    public var steps: [Step]
    /// What was found, in order.
    public var findings: [TopologyFinding]

    /// Creates a report.
    public init(steps: [Step] = [], findings: [TopologyFinding] = []) {
        self.steps = steps
        self.findings = findings
    }

    /// Whether nothing is wrong; warnings may remain.
    public var isGood: Bool { findings.allSatisfy(\.kind.isWarning) }

    /// A line for each finding, and one that sums up.
    public var description: String {
        let done = steps.map(\.rawValue).joined(separator: ", ")
        let errors = findings.count { !$0.kind.isWarning }
        let warnings = findings.count - errors
        let counts = errors == 0 && warnings == 0 ? "no findings" : "\(errors) errors, \(warnings) warnings"
        return (findings.map(\.description) + ["topology checked (\(done)): \(counts)"]).joined(separator: "\n")
    }
}
