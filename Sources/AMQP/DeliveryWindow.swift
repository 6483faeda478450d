// Which delivery tags of one epoch still wait for an answer.
// Invariant: only a tag that is outstanding is ever answered. RabbitMQ closes the channel (406 "unknown delivery tag")
// for one that is not, also for `multiple` whose own tag was answered singly before: that costs every unacked message.

/// The outstanding delivery tags of one channel; the broker counts them from 1 without gaps.
struct DeliveryWindow {
    /// `true` for each tag from `lowest` on that is outstanding.
    private var flags = FIFO<Bool>()
    private var lowest: UInt64 = 1
    private(set) var outstanding = 0

    /// Notes a delivery; tags that were skipped (none are, by the protocol) count as answered.
    mutating func deliver(_ tag: UInt64) {
        let next = lowest + UInt64(flags.count)
        guard tag >= next else { return }
        if tag > next, flags.isEmpty { lowest = tag } else { for _ in next..<tag { flags.append(false) } }
        flags.append(true)
        outstanding += 1
    }

    /// The tag to send to the broker for an answer to `tag`, or nothing when there is nothing left to answer.
    mutating func answer(_ tag: UInt64, multiple: Bool) -> UInt64? {
        let next = lowest + UInt64(flags.count)
        guard tag >= lowest, tag < next else { return nil }
        let position = Int(tag - lowest)
        guard multiple else {
            guard flags[position] else { return nil }
            flags[position] = false
            outstanding -= 1
            trim()
            return tag
        }
        guard let last = (0...position).last(where: { flags[$0] }) else { return nil }
        for index in 0...last where flags[index] {
            flags[index] = false
            outstanding -= 1
        }
        let answered = lowest + UInt64(last)
        trim()
        return answered
    }

    private mutating func trim() {
        while flags.first == false {
            _ = flags.popFirst()
            lowest += 1
        }
    }
}
