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

    /// The queue that is consumed on the channel.
    let origin: Delivery.Origin
    private let prefetch: Int
    /// How many deliveries were taken up.
    private(set) var taken = 0
    /// The numbers that are not settled, in their order, from `firstOpen` on.
    private var open: [UInt64] = []
    private var firstOpen = 0
    /// What is settled and not answered.
    private var settled: [Answer] = []

    /// - Parameter prefetch: how many deliveries its queue may have out.
    init(origin: Delivery.Origin, prefetch: Int) {
        self.origin = origin
        self.prefetch = prefetch
    }

    /// How many deliveries are not settled.
    var unsettled: Int { open.count - firstOpen }

    /// Takes up a delivery; their numbers count up.
    mutating func track(_ number: UInt64) {
        taken += 1
        open.append(number)
    }

    /// Marks a delivery as settled; false when it was not open.
    mutating func settle(_ number: UInt64, kind: Acknowledgement.Kind) -> Bool {
        guard let place = place(of: number) else { return false }
        if place == firstOpen { forgetFirst() } else { open.remove(at: place) }
        settled.append(Answer(number: number, kind: kind))
        return true
    }

    /// Whether a delivery is in hand still.
    func isUnsettled(_ number: UInt64) -> Bool { place(of: number) != nil }

    private func place(of number: UInt64) -> Int? {
        var low = firstOpen
        var high = open.count
        while low < high {
            let middle = (low + high) / 2
            if open[middle] < number { low = middle + 1 } else { high = middle }
        }
        return low < open.count && open[low] == number ? low : nil
    }

    /// The gap before what is open never outgrows it for long.
    private mutating func forgetFirst() {
        firstOpen += 1
        guard firstOpen == open.count || firstOpen >= 1_024, firstOpen * 2 >= open.count else { return }
        open.removeFirst(firstOpen)
        firstOpen = 0
    }

    /// What is to be said to the broker now.
    ///
    /// - Parameter isUrgent: whether what is settled behind an unsettled one is answered too, however little it is.
    mutating func takeAnswers(isUrgent: Bool) -> [Answer] {
        guard !settled.isEmpty else { return [] }
        let end = firstOpen < open.count ? open[firstOpen] : .max
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
