// `${NAME}` and `${file:/path}` inside text: what differs between machines, and what must not stand in the file.
// Invariant: what a reference stands for shows in no message; whoever quotes a value asks `masking` first.

internal import SyncJobs

/// Replaces references by what they stand for, and remembers what must not be repeated.
struct ReferenceExpansion {
    /// Why a reference cannot be replaced.
    struct Failure: Error {
        let message: String
        let remedy: String
    }

    /// The variables that may be named.
    let environment: [String: String]
    /// Where relative paths begin.
    let folder: String
    /// The places of the values with references in them.
    private(set) var places: Set<String> = []
    private var secrets: [ExactString: String] = [:]

    /// The most bytes of a file that is referred to.
    static let maximumFileBytes = 64 << 10

    init(environment: [String: String], folder: String) {
        self.environment = environment
        self.folder = folder
    }

    /// Whether the value at `place` has a reference in it.
    func isReference(_ place: String) -> Bool { places.contains(place) }

    /// Replaces every reference in `text`; `$${` becomes `${` and refers to nothing.
    mutating func expand(_ text: String, place: String) throws(Failure) -> String {
        var result = ""
        var rest = Substring(text)
        while let start = rest.firstRange(of: "${") {
            if rest[..<start.lowerBound].last == "$" {
                result += rest[..<start.lowerBound].dropLast() + "${"
                rest = rest[start.upperBound...]
                continue
            }
            result += rest[..<start.lowerBound]
            guard let end = rest[start.upperBound...].firstIndex(of: "}") else {
                throw Failure(
                    message: "a ${ is not closed", remedy: "write ${NAME}, or $${ for a dollar sign and a brace")
            }
            let name = String(rest[start.upperBound..<end])
            let value = try value(of: name)
            places.insert(place)
            if value.utf8.count >= 4 { secrets[ExactString(value)] = "${\(name)}" }
            result += value
            rest = rest[rest.index(after: end)...]
        }
        return result + rest
    }

    /// `problem` without what references stood for; text of under 4 bytes is kept, it tells nothing and is everywhere.
    func masking(_ problem: ConfigProblem) -> ConfigProblem {
        var message = problem.message
        var remedy = problem.remedy
        for (secret, name) in secrets.sorted(by: { $0.key.text.utf8.count > $1.key.text.utf8.count }) {
            message = message.replacing(secret.text, with: name)
            remedy = remedy.replacing(secret.text, with: name)
        }
        return ConfigProblem(line: problem.line, place: problem.place, message: message, remedy: remedy)
    }

    private func value(of name: String) throws(Failure) -> String {
        if name.hasPrefix("file:") { return try contents(of: String(name.dropFirst(5))) }
        let bytes = Array(name.utf8)
        let isName = bytes.allSatisfy { $0 == UInt8(ascii: "_") || Self.isLetter($0) || (0x30...0x39).contains($0) }
        guard isName, let first = bytes.first, !(0x30...0x39).contains(first) else {
            throw Failure(
                message: "\"${\(name.prefix(80))}\" refers to nothing",
                remedy: "write ${NAME} for a variable, ${file:/path} for a file, $${ for a dollar sign and a brace")
        }
        guard let value = environment[name] else {
            throw Failure(
                message: "the environment variable \(name) is not set",
                remedy: "set it before Ferry starts: export \(name)=…")
        }
        return value
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }

    private func contents(of path: String) throws(Failure) -> String {
        let full = FilePath.resolving(path, in: folder)
        let bytes: [UInt8]
        do { bytes = try FilePath.read(full, maximumBytes: Self.maximumFileBytes) } catch {
            switch error {
            case .tooLarge:
                throw Failure(
                    message: "the file \(full) is larger than \(ByteSize(bytes: Self.maximumFileBytes))",
                    remedy: "refer to a file that holds the secret alone")
            case .notFound, .notReadable:
                throw Failure(
                    message: "the file \(full) cannot be read (\(error.words))",
                    remedy: "create it, readable for the user that Ferry runs as")
            }
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Failure(message: "the file \(full) is not UTF-8 text", remedy: "store the secret as text")
        }
        // Editors and `echo` end a file with a newline that is no part of the secret.
        return text.hasSuffix("\r\n") || text.hasSuffix("\n") ? String(text.dropLast()) : text
    }
}
