// Which deliveries are unanswered and which are settled, pure: a ledger for each channel, and so for each queue.

internal import SyncBroker

/// The deliveries of one epoch and how far each has come.
struct AckLedger: Sendable {
    private var epoch: UInt64 = 0
    private var channels: [UInt16: ChannelLedger] = [:]

    /// How many deliveries are not settled.
    var unsettled: Int { channels.values.reduce(0) { $0 + $1.unsettled } }

    /// How many deliveries were taken up in this epoch, and how many of them are not settled: of one queue, or of all.
    func intake(of origin: Delivery.Origin? = nil) -> (taken: Int, unsettled: Int) {
        channels.values.filter { origin == nil || $0.origin == origin }.reduce((0, 0)) {
            ($0.0 + $1.taken, $0.1 + $1.unsettled)
        }
    }

    /// Begins an epoch: the tags of earlier ones are void.
    mutating func open(epoch: UInt64) {
        channels = [:]
        self.epoch = epoch
    }

    /// Takes up a delivery.
    ///
    /// - Parameters:
    ///   - origin: its queue, the same for all of a channel.
    ///   - prefetch: how many its queue may have out.
    mutating func track(
        _ delivery: DeliveryTag, from origin: Delivery.Origin, prefetch: @autoclosure () -> Int
    ) {
        guard delivery.epoch == epoch else { return }
        channels[delivery.channel, default: ChannelLedger(origin: origin, prefetch: prefetch())]
            .track(delivery.number)
    }

    /// Marks a delivery as settled: committed, and everything it owed confirmed.
    ///
    /// Other epochs are ignored, and what is settled already; then it answers false.
    @discardableResult
    mutating func settle(_ delivery: DeliveryTag, kind: Acknowledgement.Kind) -> Bool {
        guard delivery.epoch == epoch else { return false }
        return channels[delivery.channel]?.settle(delivery.number, kind: kind) ?? false
    }

    /// Whether a delivery is in hand still.
    func isUnsettled(_ delivery: DeliveryTag) -> Bool {
        delivery.epoch == epoch && channels[delivery.channel]?.isUnsettled(delivery.number) ?? false
    }

    /// What is to be said to the broker now.
    ///
    /// - Parameter isUrgent: whether what is settled behind an unsettled one is answered too, however little it is.
    mutating func takeAcknowledgements(isUrgent: Bool = false) -> [Acknowledgement] {
        var answers: [Acknowledgement] = []
        for channel in channels.keys {
            for answer in channels[channel]?.takeAnswers(isUrgent: isUrgent) ?? [] {
                answers.append(
                    Acknowledgement(
                        of: DeliveryTag(epoch: epoch, channel: channel, number: answer.number),
                        multiple: answer.multiple, kind: answer.kind))
            }
        }
        return answers
    }
}
