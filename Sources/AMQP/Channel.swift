// One channel of a connection. Each queue that is consumed has one of its own: an answer to all up to a delivery means those of its
// channel, and a queue whose delivery takes long must not keep the others' answers apart.

/// One channel: what is arriving on it, and which of its deliveries wait for an answer.
struct Channel {
    /// The channel of all requests, and of the first queue that is consumed.
    static let first: UInt16 = 1

    /// The queue that is consumed on it, or was: what the broker had sent before it heard of the end of a subscription comes after.
    var queue: String?
    var assembler: ContentAssembler
    var recurring = RecurringText()
    var window = DeliveryWindow()

    init(maximumBodyBytes: Int) { assembler = ContentAssembler(maximumBodyBytes: maximumBodyBytes) }
}

/// What the last message of a channel said where most say the same: so the next one's text is not made anew.
struct RecurringText {
    var consumerTag = ""
    var exchange = ""
    var routingKey = ""
    var contentType = ""
}
