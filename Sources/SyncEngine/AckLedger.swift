// Which deliveries are unanswered and which are settled, pure. Answers go to the broker as one multiple acknowledgement of
// the settled prefix; what is settled beyond a long-running job is answered singly once it has piled up. Bounded by the
// prefetch: what is answered is forgotten, however long a delivery before it takes.

internal import SyncBroker

/// The deliveries of one epoch and how far each has come.
struct AckLedger: Sendable {
    private struct Settled {
        let tag: UInt64
        let kind: Acknowledgement.Kind
        let share: Int
    }

    /// The whole prefetch of a queue.
    private static let whole = 1 << 32

    /// Which part of a queue's prefetch may be settled and wait behind an unsettled delivery before it is answered singly.
    ///
    /// Each answer of its own is work for the broker; waiting for too long, they would keep new deliveries away.
    private static let patience = whole / 4

    private var epoch: UInt64 = 0
    /// What is not settled, each with the part of its queue's prefetch that it is.
    private var open: [UInt64: Int] = [:]
    /// The lowest tag of `open`; nil while that has to be looked up.
    private var firstOpen: UInt64?
    /// What is settled and not answered.
    private var settled: [Settled] = []

    /// How many deliveries are not settled.
    var unsettled: Int { open.count }

    /// Begins an epoch: the tags of earlier ones are void.
    mutating func open(epoch: UInt64) {
        self = AckLedger()
        self.epoch = epoch
    }

    /// Takes up a delivery.
    ///
    /// Tags of a channel count up by one.
    ///
    /// - Parameter prefetch: how many its queue may have out.
    mutating func track(epoch: UInt64, tag: UInt64, prefetch: Int) {
        guard epoch == self.epoch else { return }
        open[tag] = Self.whole / max(1, prefetch)
    }

    /// Marks a delivery as settled: committed, and everything it owed confirmed.
    ///
    /// Other epochs are ignored, and what is settled already; then it answers false.
    @discardableResult
    mutating func settle(epoch: UInt64, tag: UInt64, kind: Acknowledgement.Kind) -> Bool {
        guard epoch == self.epoch, let share = open.removeValue(forKey: tag) else { return false }
        if tag == firstOpen { firstOpen = nil }
        settled.append(Settled(tag: tag, kind: kind, share: share))
        return true
    }

    /// Whether a delivery is in hand still.
    func isUnsettled(epoch: UInt64, tag: UInt64) -> Bool { epoch == self.epoch && open[tag] != nil }

    /// What is to be said to the broker now.
    ///
    /// - Parameter isUrgent: whether what is settled behind an unsettled one is answered too, however little it is.
    mutating func takeAcknowledgements(isUrgent: Bool = false) -> [Acknowledgement] {
        guard !settled.isEmpty else { return [] }
        if firstOpen == nil { firstOpen = open.keys.min() }
        let end = firstOpen ?? .max
        let prefix = settled.filter { $0.tag < end }
        let isPilingUp = settled.count > prefix.count && beyond(end) > (isUrgent ? 0 : Self.patience)
        guard !prefix.isEmpty || isPilingUp else { return [] }
        var answers = all(of: prefix)
        if isPilingUp {
            answers += settled.filter { $0.tag > end }.sorted { $0.tag < $1.tag }.map {
                Acknowledgement(epoch: epoch, tag: $0.tag, multiple: false, kind: $0.kind)
            }
            settled = []
        } else {
            settled.removeAll { $0.tag < end }
        }
        return answers
    }

    /// Which part of a prefetch is settled behind `tag`.
    private func beyond(_ tag: UInt64) -> Int { settled.reduce(0) { $0 + ($1.tag > tag ? $1.share : 0) } }

    /// A rejection names its own tag; the multiple acknowledgement behind it then passes over it.
    private func all(of prefix: [Settled]) -> [Acknowledgement] {
        var answers = prefix.filter { $0.kind == .reject }.sorted { $0.tag < $1.tag }.map {
            Acknowledgement(epoch: epoch, tag: $0.tag, multiple: false, kind: .reject)
        }
        if let last = prefix.filter({ $0.kind == .acknowledge }).map(\.tag).max() {
            answers.append(Acknowledgement(epoch: epoch, tag: last, multiple: true))
        }
        return answers
    }
}
