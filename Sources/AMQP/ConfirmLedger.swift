// The broker's publisher confirms, counted by us: the n-th publish after confirm.select has tag n.
// Invariant: an element leaves exactly once: by ack, by nack, or by `takeAll` when the connection is gone. A return
// only marks it, because basic.return comes before the ack of its message (RabbitMQ, "Publisher Confirms").

/// What a confirm said about one published element.
enum ConfirmOutcome: Hashable {
    case acknowledged
    case returned(replyCode: Int, text: String)
    case refused
}

/// The unconfirmed publishes of one channel.
struct ConfirmLedger<Element> {
    private struct Slot {
        var element: Element?
        var returned: ConfirmOutcome?
    }

    private var slots = FIFO<Slot>()
    private var lowest: UInt64 = 1
    /// How many elements are unconfirmed.
    private(set) var count = 0

    /// Notes that `element` is published next and gives its tag.
    mutating func publish(_ element: Element) -> UInt64 {
        slots.append(Slot(element: element, returned: nil))
        count += 1
        return lowest + UInt64(slots.count) - 1
    }

    /// Takes in a basic.ack (or basic.nack); confirms of unknown tags change nothing.
    mutating func confirm(
        _ tag: UInt64, multiple: Bool, acknowledged: Bool, settle: (Element, ConfirmOutcome) -> Void
    ) {
        let next = lowest + UInt64(slots.count)
        // Tag 0 with `multiple` means all outstanding (AMQP 0-9-1, basic.ack, delivery-tag).
        let last = multiple && tag == 0 ? next - 1 : min(tag, next - 1)
        guard last >= lowest, multiple || tag < next else { return }
        let end = Int(last - lowest)
        for position in (multiple ? 0 : end)...end {
            guard let element = slots[position].element else { continue }
            settle(element, acknowledged ? slots[position].returned ?? .acknowledged : .refused)
            slots[position] = Slot()
            count -= 1
        }
        while let first = slots.first, first.element == nil {
            _ = slots.popFirst()
            lowest += 1
        }
    }

    /// Takes in a basic.return for the publish with this tag.
    mutating func markReturned(_ tag: UInt64, replyCode: Int, text: String) {
        guard tag >= lowest, tag < lowest + UInt64(slots.count) else { return }
        slots[Int(tag - lowest)].returned = .returned(replyCode: replyCode, text: text)
    }

    /// Gives up all that is unconfirmed, in publishing order, and counts from 1 again: the channel is gone.
    mutating func takeAll() -> [Element] {
        defer { self = ConfirmLedger() }
        return slots.takeAll().compactMap(\.element)
    }
}
