// Which deliveries of one channel are unanswered and which are settled, pure. Answers go to the broker as one multiple
// acknowledgement of the settled prefix; what is settled beyond a long-running job is answered singly once it has piled up.
// Bounded by the prefetch: what is answered is forgotten, however long a delivery before it takes.

internal import SyncBroker

/// The deliveries of one channel and how far each has come.
struct ChannelLedger: Sendable {
    /// What is to be said of a delivery, or of all up to it.
    struct Answer: Sendable, Hashable {
        let number: UInt64
        var multiple = false
        var kind = Acknowledgement.Kind.acknowledge
    }

    /// The part of the prefetch that may be settled and wait behind an unsettled delivery before it is answered singly.
    ///
    /// Each answer of its own is work for the broker; waiting for too long, they would keep new deliveries away.
    private static let patience = 4

    private var prefetch = 1
    private var open: Set<UInt64> = []
    /// The lowest of `open`; nil while that has to be looked up.
    private var firstOpen: UInt64?
    /// What is settled and not answered.
    private var settled: [Answer] = []

    /// How many deliveries are not settled.
    var unsettled: Int { open.count }

    /// Takes up a delivery; their numbers count up by one.
    mutating func track(_ number: UInt64, prefetch: Int) {
        self.prefetch = prefetch
        open.insert(number)
    }

    /// Marks a delivery as settled; false when it was not open.
    mutating func settle(_ number: UInt64, kind: Acknowledgement.Kind) -> Bool {
        guard open.remove(number) != nil else { return false }
        if number == firstOpen { firstOpen = nil }
        settled.append(Answer(number: number, kind: kind))
        return true
    }

    /// Whether a delivery is in hand still.
    func isUnsettled(_ number: UInt64) -> Bool { open.contains(number) }

    /// What is to be said to the broker now.
    ///
    /// - Parameter isUrgent: whether what is settled behind an unsettled one is answered too, however little it is.
    mutating func takeAnswers(isUrgent: Bool) -> [Answer] {
        guard !settled.isEmpty else { return [] }
        if firstOpen == nil { firstOpen = open.min() }
        let end = firstOpen ?? .max
        let prefix = settled.filter { $0.number < end }
        let beyond = settled.count - prefix.count
        let isPilingUp = beyond > (isUrgent ? 0 : prefetch / Self.patience)
        var answers = all(of: prefix)
        if isPilingUp {
            answers += settled.filter { $0.number > end }.sorted { $0.number < $1.number }
            settled = []
        } else if !prefix.isEmpty {
            settled.removeAll { $0.number < end }
        }
        return answers
    }

    /// A rejection names its own delivery; the multiple acknowledgement behind it then passes over it.
    private func all(of prefix: [Answer]) -> [Answer] {
        var answers = prefix.filter { $0.kind == .reject }.sorted { $0.number < $1.number }
        if let last = prefix.filter({ $0.kind == .acknowledge }).map(\.number).max() {
            answers.append(Answer(number: last, multiple: true))
        }
        return answers
    }
}
