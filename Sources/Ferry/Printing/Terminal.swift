// What is known about where output goes: a terminal or not, how wide, whether colours are welcome.

internal import Foundation

/// One of the two output streams.
struct Terminal: Sendable, Hashable {
    /// The stream's descriptor.
    let descriptor: Int32
    /// Whether people watch it.
    let isInteractive: Bool
    /// Whether colours are used: on a terminal, unless `NO_COLOR` (https://no-color.org) or `TERM=dumb` says no.
    let hasColours: Bool

    /// Looks at the stream of this descriptor.
    init(descriptor: Int32, environment: [String: String]) {
        let isTerminal = isatty(descriptor) == 1 && environment["TERM"] != "dumb"
        self.init(descriptor: descriptor, isInteractive: isTerminal, environment: environment)
    }

    init(descriptor: Int32, isInteractive: Bool, environment: [String: String]) {
        self.descriptor = descriptor
        self.isInteractive = isInteractive
        hasColours = isInteractive && (environment["NO_COLOR"] ?? "").isEmpty
    }

    /// How to style text here.
    var style: Style { Style(isOn: hasColours) }

    /// The width in columns; 80 where it is not known.
    var width: Int { size.map { Int($0.ws_col) } ?? 80 }

    /// The height in lines; 24 where it is not known.
    var height: Int { size.map { Int($0.ws_row) } ?? 24 }

    private var size: winsize? {
        var size = winsize()
        guard isInteractive, ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
            return nil
        }
        return size
    }
}

/// Colours by what they mean; without colours, the text as it is.
struct Style: Sendable, Hashable {
    /// What text means.
    enum Meaning: String, Sendable {
        case good = "32"
        case bad = "31"
        case notice = "33"
        case heading = "1"
        case quiet = "2"
    }

    /// Whether anything is styled.
    let isOn: Bool

    /// No colours.
    static let plain = Style(isOn: false)

    /// The text in the style of its meaning.
    func callAsFunction(_ meaning: Meaning, _ text: String) -> String {
        isOn && !text.isEmpty ? "\u{1B}[\(meaning.rawValue)m\(text)\u{1B}[0m" : text
    }
}
