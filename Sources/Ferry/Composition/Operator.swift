// Who acts: the name that stands in the audit beside what was done. It is not proof of anybody's identity; whoever may write
// the store's file may write any name.

internal import Foundation

/// The one at the keyboard, or the script that says who it is.
enum Operator {
    /// The most characters of a name.
    static let maximumCharacters = 200

    /// `FERRY_ACTOR`, else the user behind sudo, else the user, each of the latter with `@host`.
    static func name(environment: [String: String], host: String = ProcessInfo.processInfo.hostName) -> String {
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        if let named = value("FERRY_ACTOR") { return String(named.prefix(maximumCharacters)) }
        let user = value("SUDO_USER") ?? value("USER") ?? value("LOGNAME") ?? "uid \(getuid())"
        return String("\(user)@\(host)".prefix(maximumCharacters))
    }
}
