// What is wrong with a configuration, all of it at once, printed as compilers print: file, line, place, message,
// remedy.
// Invariant: a value that came from the environment or from a secret's file never shows in it.

public import SyncJobs

/// A configuration that cannot be read or used.
public struct ConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What kind of failure; a closed list, the raw value is stable and fit for machines.
    public enum Code: String, Sendable, Hashable, CaseIterable {
        /// There is no such file.
        case notFound = "not_found"
        /// The file is there, but cannot be read.
        case notReadable = "not_readable"
        /// The file is larger than a configuration may be.
        case tooLarge = "too_large"
        /// The file was read, and there are ``ConfigurationError/problems`` with it.
        case invalidConfiguration = "invalid_configuration"
    }

    /// What kind of failure.
    public let code: Code
    /// What was being done, in a few words.
    public let operation: String
    /// What went wrong, in one sentence.
    public let message: String
    /// What to do about it.
    public let remedy: String
    /// What the operating system said, if anything.
    public let cause: String?
    /// The file, as it was named.
    public let file: String
    /// The problems by line; empty unless the code is `invalid_configuration`.
    public let problems: [ConfigProblem]

    /// The most problems that a description shows; ``json`` has all of them.
    public static let maximumShown = 100

    init(file: String, failure: FilePath.Failure) {
        operation = "reading the configuration"
        self.file = file
        problems = []
        switch failure {
        case .notFound:
            code = .notFound
            message = "there is no such file"
            remedy =
                "name it with --config or \(ConfigurationLocation.variable), or create it; this is enough to begin "
                + "with:\n\n\(ConfigurationLocation.example)\n"
            cause = nil
        case .tooLarge:
            code = .tooLarge
            message = "the file is larger than \(ByteSize(bytes: YAMLDocument.maximumBytes))"
            remedy = "name a configuration file; documents belong into a system"
            cause = nil
        case .notReadable(let words):
            code = .notReadable
            message = "the file cannot be read"
            remedy = "make it readable for the user that Ferry runs as"
            cause = words
        }
    }

    /// Collects problems with `file`, in the order of their lines.
    public init(file: String, problems: [ConfigProblem]) {
        code = .invalidConfiguration
        operation = "reading the configuration"
        self.file = file
        self.problems = problems.enumerated()
            .sorted { ($0.element.line, $0.offset) < ($1.element.line, $1.offset) }.map(\.element)
        message = problems.count == 1 ? "there is 1 problem" : "there are \(problems.count) problems"
        remedy = "correct them in the file; ferry types check reads it again"
        cause = nil
    }

    /// One line for each problem, `ferry.yaml:12: types.Country Sync.fields.label: message (remedy)`; for a file that
    /// cannot be read, message and remedy.
    public var description: String {
        guard !problems.isEmpty else {
            return "\(file): \(message)\(cause.map { ": \($0)" } ?? ""); \(remedy)"
        }
        var lines = problems.prefix(Self.maximumShown).map { problem in
            let place = problem.place.isEmpty ? "" : "\(problem.place): "
            return "\(file):\(problem.line): \(place)\(problem.message) (\(problem.remedy))"
        }
        if problems.count > Self.maximumShown {
            lines.append("\(file): … and \(problems.count - Self.maximumShown) more problems")
        }
        return lines.joined(separator: "\n")
    }

    /// `{"code", "file", "message", "remedy", "problems": [{"line", "place", "message", "remedy"}]}`.
    public var json: JSONValue {
        [
            "code": .string(code.rawValue), "file": .string(file), "message": .string(message),
            "remedy": .string(remedy),
            "problems": .array(
                problems.map {
                    [
                        "line": .int($0.line), "place": .string($0.place), "message": .string($0.message),
                        "remedy": .string($0.remedy),
                    ]
                }),
        ]
    }
}
