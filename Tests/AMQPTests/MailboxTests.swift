// Where a consumer's events wait for their reader, and the switch, the loop and the watchdog around them.
import Testing

@testable import AMQP

@Suite("The mailbox") struct MailboxTests {
    private let lost = AMQPError(.connectionLost, operation: "x", message: "m", remedy: "r")

    private func deliveries(_ tags: ClosedRange<UInt64>, epoch: UInt64 = 1) -> AMQPConsumerEvent {
        .deliveries(tags.map { AMQPDelivery(epoch: epoch, tag: $0, queue: "q", body: []) })
    }

    private func label(_ event: AMQPConsumerEvent?) -> String {
        switch event {
        case .opened(let epoch): "opened \(epoch)"
        case .deliveries(let list): "\(list.count) of \(list[0].epoch)"
        case .cancelled(let queue, let epoch): "cancelled \(queue) \(epoch)"
        case .closed(let epoch, _): "closed \(epoch)"
        case .blocked(let reason): "blocked \(reason)"
        case .unblocked: "unblocked"
        case nil: "end"
        }
    }

    private func read(_ mailbox: ConsumerMailbox, _ count: Int) async -> [String] {
        var labels: [String] = []
        for _ in 0..<count { labels.append(label(await mailbox.next())) }
        return labels
    }

    @Test("joins batches that wait, up to 256, and keeps the order of events")
    func joins() async {
        let mailbox = ConsumerMailbox()
        mailbox.post(.opened(epoch: 1))
        mailbox.post(deliveries(1...200))
        mailbox.post(deliveries(201...256))
        mailbox.post(deliveries(257...257))
        mailbox.post(.cancelled(queue: "q", epoch: 1))
        mailbox.post(deliveries(258...260))
        mailbox.finish()
        #expect(await read(mailbox, 6) == ["opened 1", "256 of 1", "1 of 1", "cancelled q 1", "3 of 1", "end"])
    }

    @Test("throws deliveries away whose epoch has ended, so that it stays bounded without a reader")
    func bounded() async {
        let mailbox = ConsumerMailbox()
        for epoch in UInt64(1)...1000 {
            mailbox.post(.opened(epoch: epoch))
            mailbox.post(deliveries(1...100, epoch: epoch))
            mailbox.post(.blocked(reason: "memory"))
            mailbox.post(.cancelled(queue: "q", epoch: epoch))
            mailbox.post(.closed(epoch: epoch, error: lost))
        }
        mailbox.post(.opened(epoch: 1001))
        mailbox.post(deliveries(1...5, epoch: 1001))
        mailbox.finish()
        #expect(
            await read(mailbox, 6)
                == ["opened 1000", "cancelled q 1000", "closed 1000", "opened 1001", "5 of 1001", "end"])
    }

    @Test("keeps only the latest word about blocking")
    func blocking() async {
        let mailbox = ConsumerMailbox()
        for _ in 0..<10 {
            mailbox.post(.blocked(reason: "disk"))
            mailbox.post(.unblocked)
        }
        mailbox.post(.blocked(reason: "memory"))
        mailbox.finish()
        #expect(await read(mailbox, 2) == ["blocked memory", "end"])
    }

    @Test("wakes a reader that waits, ends for one that is cancelled")
    func waiting() async {
        let mailbox = ConsumerMailbox()
        async let first = mailbox.next()
        mailbox.post(.opened(epoch: 3))
        #expect(label(await first) == "opened 3")
        let waiting = Task { await mailbox.next() }
        waiting.cancel()
        #expect(label(await waiting.value) == "end")
        mailbox.post(.unblocked)
        #expect(label(await mailbox.next()) == "unblocked")
    }
}

@Suite("Waiting and watching") struct WatchTests {
    @Test("a latch lets everybody through once it is open, and the cancelled at once")
    func latch() async {
        let latch = Latch()
        let cancelled = Task { await latch.wait() }
        cancelled.cancel()
        await cancelled.value
        await latch.wait(atMost: .milliseconds(1))
        #expect(!latch.isOpen)
        async let one: Void = latch.wait()
        async let two: Void = latch.wait(atMost: .seconds(3600))
        latch.open()
        latch.open()
        _ = await (one, two)
        await latch.wait()
        #expect(latch.isOpen)
    }

    @Test("the watchdog shuts down the socket of a loop that does not come round")
    func tripped() async throws {
        let pair = try #require(SocketPair())
        let pulse = Pulse(limit: .milliseconds(1))
        try Watchdog.shared.watch(pulse)
        pulse.guardSocket(pair.near, limit: .milliseconds(1))
        let deadline = ContinuousClock.now + .seconds(120)
        while !pulse.hasTripped, ContinuousClock.now < deadline { try await Task.sleep(for: .milliseconds(5)) }
        #expect(pulse.hasTripped)
        #expect(pair.isEnded)
        Watchdog.shared.forget(pulse)
    }

    @Test("a loop that beats is left alone")
    func beating() throws {
        let pair = try #require(SocketPair())
        let pulse = Pulse(limit: .seconds(1))
        pulse.guardSocket(pair.near, limit: .seconds(10))
        let start = ContinuousClock.now
        pulse.look(now: start + .seconds(9))
        #expect(!pulse.hasTripped)
        pulse.beat()
        pulse.look(now: start + .seconds(10))
        #expect(!pulse.hasTripped)
        #expect(!pair.isEnded)
        pulse.look(now: start + .seconds(30))
        #expect(pulse.hasTripped)
        #expect(pair.isEnded)
    }
}
