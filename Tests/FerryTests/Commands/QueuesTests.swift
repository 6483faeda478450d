// ferry queues: what is shown of a look, what is not known and says so, and what the management API's answers mean.

import AMQP
import SyncJobs
import Testing

@testable import Ferry
@testable import JobStore
@testable import SyncBroker

@Suite struct QueuesTests {
    private static let now = Sample.instant.advanced(by: .seconds(600))

    private static func queue(
        _ role: QueueOverview.Role, _ name: String, ready: Int, consumers: Int = 0, figures: QueueFigures? = nil
    ) -> QueueOverview.Queue {
        QueueOverview.Queue(
            role: role, name: name, state: AMQPQueueState(name: "ferry.\(name)", messages: ready, consumers: consumers),
            figures: figures)
    }

    private static func figures(_ text: String) throws -> QueueFigures {
        QueueFigures(try #require(try JSONParser.parse(Array(text.utf8)).objectValue))
    }

    private static func overview() throws -> QueueOverview {
        var overview = QueueOverview(now: now)
        overview.queues = [
            queue(
                .work, "short", ready: 1_204, consumers: 2,
                figures: try figures(
                    """
                    {"messages": 1224, "messages_ready": 1204, "messages_unacknowledged": 20,
                     "head_message_timestamp": \(now.microseconds / 1_000_000 - 90),
                     "message_stats": {"publish_details": {"rate": 12.34}, "ack_details": {"rate": 11.0}}}
                    """)),
            queue(
                .work, "long", ready: 3,
                figures: try figures(#"{"messages": 3, "messages_ready": 3, "messages_unacknowledged": 0}"#)),
            queue(.dead, "dead", ready: 7, figures: try figures("{}")),
            queue(
                .delay(level: 2), "delay.02", ready: 40,
                figures: try figures(#"{"messages": 45, "messages_ready": 40, "messages_unacknowledged": 0}"#)),
        ]
        overview.openJobs = [
            JobStore.OpenJobs(
                queue: "short", status: .failed, waitReason: .retry, count: 40, oldest: Sample.instant,
                nextDue: now.advanced(by: .seconds(5)), lastDue: now.advanced(by: .seconds(3_600)), overdue: 0),
            JobStore.OpenJobs(
                queue: "short", status: .pending, waitReason: .hold, count: 2, oldest: Sample.instant, nextDue: nil,
                lastDue: nil, overdue: 0),
        ]
        return overview
    }

    @Test func aLookShowsQueuesTheLadderAndTheRecordsThatWait() throws {
        let text = QueueOverviewText(overview: try Self.overview(), showsLevels: false)
        #expect(
            text.lines(style: .plain) == [
                "QUEUE  READY  UNACKED  STUCK  CONSUMERS  IN/S  OUT/S  OLDEST",
                "short  1,204       20      0          2  12.3   11.0   1m30s",
                "long       3        0      0          0   0.0    0.0       ?",
                "dead       7        ?      ?          0   0.0    0.0       ?",
                "waiting for their time: 40 messages; of 40 records the next is due in 5s, the last in 1h; 5 stuck",
                "",
                "QUEUE  STATUS   WAITS FOR  JOBS  OLDEST  NEXT DUE",
                "short  Failed   retry        40     10m     in 5s",
                "short  Pending  hold          2     10m",
                "! nobody takes from long; ferry work --queue long",
                "! 5 messages of delay.02 cannot leave: a queue they are for is gone, full or unbound; "
                    + "ferry topology check names it",
            ])
        let levels = QueueOverviewText(overview: try Self.overview(), showsLevels: true).lines(style: .plain)
        #expect(levels.contains("delay.02     4s     40        0      5"), "\(levels)")
    }

    @Test func programsGetNullForWhatIsNotKnown() throws {
        let object = try #require(QueueOverviewText(overview: try Self.overview(), showsLevels: false).json.objectValue)
        let queues = try #require(object["broker"]?.objectValue?["queues"]?.arrayValue)
        #expect(queues.compactMap { $0.objectValue?["name"]?.stringValue } == ["short", "long", "dead"])
        #expect(queues[0].objectValue?["published_per_second"]?.numberValue?.text == "12.3")
        #expect(queues[2].objectValue?["unacknowledged"] == .null && queues[2].objectValue?["oldest"] == .null)
        let level = object["broker"]?.objectValue?["delay_levels"]?.arrayValue?.first?.objectValue
        #expect(level?["seconds"]?.numberValue?.text == "4" && level?["stuck"]?.numberValue?.text == "5")
        let jobs = object["store"]?.objectValue?["open_jobs"]?.arrayValue?.first?.objectValue
        #expect(jobs?["wait_reason"] == "retry" && jobs?["jobs"]?.numberValue?.text == "40")
        #expect(object["warnings"]?.arrayValue?.count == 2)
    }

    @Test func aBrokerThatIsDownIsSaidAndTheRecordsAreShownAllTheSame() async throws {
        try await CommandWorld.with { world in
            try await world.wait(CommandWorld.job("held"), for: .hold)
            let answer = try await world.run("queues")
            #expect(answer.status == .broker)
            #expect(answer.output.contains("the broker is not known: "), "\(answer.output)")
            #expect(answer.output.contains("short  Pending  hold"), "\(answer.output)")
            #expect(!answer.output.contains("hidden") && !answer.errors.contains("hidden"))
            let object = try await world.run("queues", "--json").json.objectValue
            #expect(object?["broker"]?.objectValue?["unknown"] != nil)
            #expect(object?["store"]?.objectValue?["open_jobs"]?.arrayValue?.count == 1)
        }
    }

    @Test func whatIsMissingOrPastItsTimeIsSaid() throws {
        var overview = QueueOverview(now: Self.now)
        overview.queues = [QueueOverview.Queue(role: .work, name: "short")]
        overview.managementProblem = "broker.management_url is not configured"
        overview.storeProblem = "there is no job store at /x"
        let lines = QueueOverviewText(overview: overview, showsLevels: false).lines(style: .plain)
        #expect(lines.contains("short  missing"), "\(lines)")
        #expect(
            lines.contains("unacknowledged, stuck and rates are not known: broker.management_url is not configured"))
        #expect(lines.contains("the records are not known: there is no job store at /x"))
        #expect(lines.last == "! there is no queue short; ferry topology apply makes what is missing")
        overview = QueueOverview(now: Self.now)
        overview.openJobs = [
            JobStore.OpenJobs(
                queue: "short", status: .queued, waitReason: .notBefore, count: 3, oldest: Sample.instant,
                nextDue: Sample.instant, lastDue: Sample.instant, overdue: 3)
        ]
        #expect(overview.warnings.first?.hasPrefix("3 jobs past their time") == true)
        #expect(
            QueueOverviewText(overview: overview, showsLevels: false).lines(style: .plain)
                .contains { $0.contains("the next is due 10m ago") })
    }
}
