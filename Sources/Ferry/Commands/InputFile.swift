// Reading what a command is fed, from a file or standard input: bounded, and never on a thread that others need.

internal import Dispatch
internal import Foundation
internal import SyncJobs

/// Reads files whole, with a bound.
enum InputFile {
    /// The bytes of the file, or of standard input for `-`.
    ///
    /// - Throws: ``CommandFailure`` (usage) when it can't be read or is larger than `maximumBytes`.
    static func read(_ path: String, maximumBytes: Int) throws -> [UInt8] {
        let descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw unreadable(path) }
        defer { if descriptor != STDIN_FILENO { close(descriptor) } }
        var bytes: [UInt8] = []
        while let part = try chunk(of: descriptor, named: path) {
            bytes += part
            guard bytes.count <= maximumBytes else {
                throw CommandFailure(
                    .usage, "\(shown(path)) is larger than \(ByteSize(bytes: maximumBytes))",
                    remedy: "split it into smaller parts")
            }
        }
        return bytes
    }

    /// The next bytes of a descriptor; nil at the end.
    static func chunk(of descriptor: Int32, named path: String, bytes size: Int = 1 << 18) throws -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: size)
        while true {
            let count = buffer.withUnsafeMutableBytes { Foundation.read(descriptor, $0.baseAddress, $0.count) }
            if count > 0 { return Array(buffer.prefix(count)) }
            if count == 0 { return nil }
            if errno != EINTR { throw unreadable(path) }
        }
    }

    private static func shown(_ path: String) -> String { path == "-" ? "standard input" : path }

    private static func unreadable(_ path: String) -> CommandFailure {
        let reason = String(cString: strerror(errno))
        return CommandFailure(
            .usage, "\(shown(path)) cannot be read: \(reason)", remedy: "check the path and its permissions")
    }
}

/// Lines of standard input as they come: each batch is what has arrived, so that a slow producer's lines do not wait.
///
/// Invariant: at most one chunk and one unfinished line are held.
struct InputLines {
    /// One line.
    struct Line: Sendable, Hashable {
        /// Counted from 1.
        let number: Int
        /// Its bytes, without the line feed; cut when it is too long.
        let bytes: [UInt8]
        /// Whether it was longer than the bound.
        let isTooLong: Bool

        /// Whether there is nothing but white space on it.
        var isBlank: Bool { bytes.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D } }
    }

    private let maximumLineBytes: Int
    private let queue = DispatchQueue(label: "ferry.input")
    private var unfinished: [UInt8] = []
    private var isTooLong = false
    private var number = 0
    private var isAtEnd = false

    init(maximumLineBytes: Int) { self.maximumLineBytes = maximumLineBytes }

    /// The lines that have arrived, blank ones left out; nil at the end.
    mutating func next() async throws -> [Line]? {
        while !isAtEnd {
            let chunk = try await read()
            let lines = chunk.map { split($0) } ?? end()
            if !lines.isEmpty { return lines }
        }
        return nil
    }

    /// Reading blocks, so it happens on a thread of its own.
    private func read() async throws -> [UInt8]? {
        try await withCheckedThrowingContinuation { continuation in
            queue.async {
                continuation.resume(with: Result { try InputFile.chunk(of: STDIN_FILENO, named: "-") })
            }
        }
    }

    /// The lines that end in `chunk`; what is behind the last line feed is kept.
    mutating func split(_ chunk: [UInt8]) -> [Line] {
        var lines: [Line] = []
        var rest = chunk[...]
        while let feed = rest.firstIndex(of: 0x0A) {
            append(rest[..<feed])
            finish(into: &lines)
            rest = rest[(feed + 1)...]
        }
        append(rest)
        return lines
    }

    /// The last line, when it has no line feed.
    mutating func end() -> [Line] {
        isAtEnd = true
        var lines: [Line] = []
        if !unfinished.isEmpty { finish(into: &lines) }
        return lines
    }

    private mutating func append(_ bytes: ArraySlice<UInt8>) {
        let room = maximumLineBytes - unfinished.count
        if bytes.count > room { isTooLong = true }
        unfinished += bytes.prefix(max(0, room))
    }

    private mutating func finish(into lines: inout [Line]) {
        number += 1
        let line = Line(number: number, bytes: unfinished, isTooLong: isTooLong)
        if !line.isBlank { lines.append(line) }
        unfinished = []
        isTooLong = false
    }
}
