// Which deliveries are unanswered and which are settled, pure. Answers go to the broker as one multiple acknowledgement of
// the settled prefix; what is settled beyond a long-running job is answered singly once it has piled up.

internal import SyncBroker

/// The deliveries of one epoch and how far each has come.
struct AckLedger: Sendable {
    private enum State {
        case unsettled
        case settled(Acknowledgement.Kind)
        case answered
    }

    /// How many settled deliveries may wait behind an unsettled one before they are answered singly.
    private let patience: Int
    private var epoch: UInt64 = 0
    private var firstTag: UInt64 = 1
    private var states: [State] = []
    private var settledBeyond = 0

    /// - Parameter patience: how many settled deliveries may wait behind an unsettled one.
    init(patience: Int) { self.patience = max(0, patience) }

    /// How many deliveries are not settled.
    private(set) var unsettled = 0

    /// Begins an epoch: the tags of earlier ones are void.
    mutating func open(epoch: UInt64) {
        self = AckLedger(patience: patience)
        self.epoch = epoch
    }

    /// Takes up a delivery.
    ///
    /// Tags of a channel count up by one.
    mutating func track(epoch: UInt64, tag: UInt64) {
        guard epoch == self.epoch else { return }
        if states.isEmpty { firstTag = tag }
        states.append(.unsettled)
        unsettled += 1
    }

    /// Marks a delivery as settled: committed, and everything it owed confirmed.
    ///
    /// Other epochs are ignored, and what is settled already; then it answers false.
    @discardableResult
    mutating func settle(epoch: UInt64, tag: UInt64, kind: Acknowledgement.Kind) -> Bool {
        guard isUnsettled(epoch: epoch, tag: tag) else { return false }
        states[Int(tag - firstTag)] = .settled(kind)
        unsettled -= 1
        settledBeyond += 1
        return true
    }

    /// Whether a delivery is in hand still.
    func isUnsettled(epoch: UInt64, tag: UInt64) -> Bool {
        guard epoch == self.epoch, tag >= firstTag, tag - firstTag < UInt64(states.count),
            case .unsettled = states[Int(tag - firstTag)]
        else { return false }
        return true
    }

    /// What is to be said to the broker now.
    ///
    /// - Parameter isUrgent: whether what is settled behind an unsettled one is answered too, however little it is.
    mutating func takeAcknowledgements(isUrgent: Bool = false) -> [Acknowledgement] {
        var answers = takePrefix()
        if settledBeyond > (isUrgent ? 0 : patience) { answers += takeSingles() }
        return answers
    }

    private mutating func takePrefix() -> [Acknowledgement] {
        var answers: [Acknowledgement] = []
        var lastAcknowledged: UInt64?
        var length = 0
        prefix: for state in states {
            let tag = firstTag + UInt64(length)
            switch state {
            case .unsettled: break prefix
            case .answered: break
            case .settled(.acknowledge):
                lastAcknowledged = tag
                settledBeyond -= 1
            case .settled(.reject):
                // A rejection names its own tag; the multiple acknowledgement behind it then passes over it.
                answers.append(Acknowledgement(epoch: epoch, tag: tag, multiple: false, kind: .reject))
                settledBeyond -= 1
            }
            length += 1
        }
        states.removeFirst(length)
        firstTag += UInt64(length)
        if let lastAcknowledged {
            answers.append(Acknowledgement(epoch: epoch, tag: lastAcknowledged, multiple: true))
        }
        return answers
    }

    private mutating func takeSingles() -> [Acknowledgement] {
        var answers: [Acknowledgement] = []
        for position in states.indices {
            guard case .settled(let kind) = states[position] else { continue }
            let tag = firstTag + UInt64(position)
            answers.append(Acknowledgement(epoch: epoch, tag: tag, multiple: false, kind: kind))
            states[position] = .answered
        }
        settledBeyond = 0
        return answers
    }
}
