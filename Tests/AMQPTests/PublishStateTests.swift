// What a publisher decides, without a broker.
import Testing

@testable import AMQP

@Suite("Publishing") struct PublishStateTests {
    private let start = ContinuousClock.now
    private func soon() -> ContinuousClock.Instant { start + .seconds(30) }

    private func message(_ key: String, exchange: String = "e") -> AMQPMessage {
        AMQPMessage(exchange: exchange, routingKey: key, body: [])
    }

    private func add(_ state: inout PublishState, _ keys: String..., exchange: String = "e") {
        state.add(keys.map { message($0, exchange: exchange) }, deadline: soon(), pending: nil) { _ in nil }
    }

    private func take(_ state: inout PublishState, _ limit: Int = 100) -> [String] {
        state.takeOutgoing(atMost: limit).map { "\($0.message.routingKey)#\($0.number)" }
    }

    private func publishError(_ code: AMQPError.Code) -> AMQPError {
        AMQPError(
            code, operation: "publish", message: "m", remedy: "r", replyCode: 404, isTransient: nil,
            isCausedByPublish: true)
    }

    private let lost = AMQPError(.connectionLost, operation: "x", message: "m", remedy: "r")

    @Test("gives the results of a batch together and in order")
    func order() {
        var state = PublishState(maximumInFlight: 10)
        add(&state, "a", "b", "c")
        #expect(take(&state) == ["a#1", "b#2", "c#3"])
        state.markReturned(2, replyCode: 312, text: "NO_ROUTE")
        state.confirm(3, multiple: false, acknowledged: false)
        #expect(state.takeCompleted().isEmpty)
        state.confirm(2, multiple: true, acknowledged: true)
        #expect(
            state.takeCompleted().map(\.results) == [
                [.confirmed, .returned(replyCode: 312, text: "NO_ROUTE"), .refused]
            ])
        #expect(state.isIdle)
    }

    @Test("has no more in flight than its bound, and goes on as confirms come")
    func bound() {
        var state = PublishState(maximumInFlight: 2)
        add(&state, "a", "b", "c", "d")
        #expect(take(&state) == ["a#1", "b#2"])
        #expect(!state.hasOutgoing)
        state.confirm(1, multiple: false, acknowledged: true)
        #expect(take(&state) == ["c#3"])
    }

    @Test("sends nothing while the broker blocks")
    func blocked() {
        var state = PublishState(maximumInFlight: 2)
        add(&state, "a")
        state.blockedReason = "low on memory"
        #expect(take(&state).isEmpty)
        state.expire(now: start + .seconds(31))
        guard case .failed(let error) = state.takeCompleted().first?.results.first else {
            Issue.record("no failure")
            return
        }
        #expect(error.code == .timedOut)
        #expect(error.message.contains("low on memory"))
        state.blockedReason = nil
        #expect(take(&state).isEmpty)
    }

    @Test("publishes the unconfirmed again after a lost connection, before what waits")
    func lostConnection() {
        var state = PublishState(maximumInFlight: 3)
        add(&state, "a", "b", "c", "d")
        #expect(take(&state) == ["a#1", "b#2", "c#3"])
        state.confirm(2, multiple: false, acknowledged: true)
        state.disconnected(lost)
        #expect(take(&state) == ["a#1", "c#2", "d#3"])
        state.confirm(3, multiple: true, acknowledged: true)
        #expect(state.takeCompleted().map(\.results) == [[.confirmed, .confirmed, .confirmed, .confirmed]])
    }

    @Test("fails what the connection cannot carry once it is there")
    func revalidated() {
        var state = PublishState(maximumInFlight: 10)
        add(&state, "a", "wide", "c")
        state.connected { $0.routingKey == "wide" ? "too wide" : nil }
        #expect(take(&state) == ["a#1", "c#2"])
        state.confirm(2, multiple: true, acknowledged: true)
        guard case .failed(let error)? = state.takeCompleted().first?.results[1] else {
            Issue.record("no failure")
            return
        }
        #expect(error.code == .invalidMessage)
    }

    @Test("finds the message that closes the channel and spares its mates")
    func culprit() {
        var state = PublishState(maximumInFlight: 10)
        add(&state, "a")
        add(&state, "bad")
        add(&state, "c")
        #expect(take(&state).count == 3)
        state.disconnected(publishError(.preconditionFailed))
        add(&state, "later")
        #expect(take(&state) == ["a#1"])
        #expect(!state.hasOutgoing)
        state.confirm(1, multiple: false, acknowledged: true)
        #expect(take(&state) == ["bad#2"])
        state.disconnected(publishError(.preconditionFailed))
        #expect(take(&state) == ["c#1"])
        state.confirm(1, multiple: false, acknowledged: true)
        #expect(take(&state) == ["later#2"])
        let results = state.takeCompleted().map(\.results)
        #expect(results == [[.confirmed], [.failed(publishError(.preconditionFailed))], [.confirmed]])
    }

    @Test("blames all that go to the same missing exchange at once")
    func kin() {
        var state = PublishState(maximumInFlight: 10)
        add(&state, "a", "b", "c", exchange: "missing")
        add(&state, "d")
        #expect(take(&state).count == 4)
        state.disconnected(publishError(.resourceMissing))
        #expect(take(&state) == ["a#1"])
        state.disconnected(publishError(.resourceMissing))
        let error = AMQPPublishResult.failed(publishError(.resourceMissing))
        #expect(state.takeCompleted().map(\.results) == [[error, error, error]])
        #expect(take(&state) == ["d#1"])
    }

    @Test("keeps suspects apart when the connection is lost for another reason")
    func suspectsStay() {
        var state = PublishState(maximumInFlight: 10)
        add(&state, "a", "b")
        #expect(take(&state).count == 2)
        state.disconnected(publishError(.preconditionFailed))
        #expect(take(&state) == ["a#1"])
        state.disconnected(lost)
        #expect(take(&state) == ["a#1"])
        state.confirm(1, multiple: false, acknowledged: true)
        #expect(take(&state) == ["b#2"])
    }

    @Test("fails what is not confirmed in time, and keeps counting it as in flight")
    func expiry() {
        var state = PublishState(maximumInFlight: 2)
        add(&state, "a", "b")
        #expect(take(&state).count == 2)
        state.expire(now: start + .seconds(29))
        #expect(state.takeCompleted().isEmpty)
        state.expire(now: start + .seconds(31))
        #expect(state.takeCompleted().count == 1)
        state.add([message("c")], deadline: start + .seconds(90), pending: nil) { _ in nil }
        #expect(!state.hasOutgoing)
        state.confirm(1, multiple: false, acknowledged: true)
        #expect(take(&state) == ["c#3"])
        state.disconnected(lost)
        #expect(take(&state) == ["c#1"])
    }

    @Test("fails the unusable at once and all else when it ends")
    func end() {
        var state = PublishState(maximumInFlight: 2)
        state.add([message("a"), message("bad")], deadline: soon(), pending: nil) {
            $0.routingKey == "bad" ? "bad" : nil
        }
        #expect(take(&state) == ["a#1"])
        state.finish(lost)
        let results = state.takeCompleted().flatMap(\.results)
        #expect(results.count == 2)
        #expect(results.first == .failed(lost))
        add(&state, "late")
        #expect(state.takeCompleted().map(\.results) == [[.failed(lost)]])
        state.add([], deadline: soon(), pending: nil) { _ in nil }
        #expect(state.takeCompleted().map(\.results) == [[]])
        #expect(!state.hasOutgoing)
        #expect(state.isIdle)
    }
}
