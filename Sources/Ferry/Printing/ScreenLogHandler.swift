// Log lines on standard error, through the screen, so that they and the progress line leave each other whole.

internal import Foundation
internal import Logging
internal import SyncJobs

/// Writes `2026-11-21T09:30:00.512Z warning message key=value …`.
struct ScreenLogHandler: LogHandler {
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    private let screen: Screen

    init(level: Logger.Level, screen: Screen) {
        logLevel = level
        self.screen = screen
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var facts = metadata
        if let provided = metadataProvider?.get() { facts.merge(provided) { _, new in new } }
        if let own = event.metadata { facts.merge(own) { _, new in new } }
        if let error = event.error { facts["error"] = "\(error)" }
        screen.note(
            Self.line(at: Composition.now(), level: event.level, message: event.message.description, facts: facts))
    }

    /// One line; what could break it is escaped, and facts stand in the order of their keys.
    static func line(at time: Timestamp, level: Logger.Level, message: String, facts: Logger.Metadata) -> String {
        let instant = Timestamp(microseconds: time.microseconds, precisionMicroseconds: 1000)
        let parts = facts.sorted { $0.key < $1.key }.map { "\($0.key)=\(VisibleText.word("\($0.value)", limit: 2000))" }
        return (["\(instant) \(level.rawValue) \(VisibleText.bare(message, limit: 2000))"] + parts)
            .joined(separator: " ")
    }

    /// A logger on `screen`.
    static func logger(level: Logger.Level, screen: Screen = .shared) -> Logger {
        Logger(label: "ferry") { _ in ScreenLogHandler(level: level, screen: screen) }
    }
}
