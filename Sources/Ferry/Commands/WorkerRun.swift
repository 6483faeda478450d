// Runs a worker as a service until it ends or is told to stop, and shows how it goes meanwhile.

internal import Foundation
internal import Logging
internal import ServiceLifecycle
internal import SyncEngine
internal import SyncJobs

/// One run of a worker in the foreground.
struct WorkerRun: Sendable {
    let worker: Worker
    let settings: Worker.Settings
    let screen: Screen
    let logger: Logger
    let isQuiet: Bool
    /// Says what was done, and answers how the process ends by it.
    let conclude: @Sendable (WorkReport) -> ExitStatus

    /// Between two looks of people at a terminal, and of programs at a log.
    private static let progressInterval = Duration.milliseconds(200)
    private static let logInterval = Duration.seconds(10)

    /// Runs until the worker ends by itself or was stopped, and says what it did.
    ///
    /// - Throws: what the worker could not go on after.
    func untilStopped() async throws -> ExitStatus {
        let start = ContinuousClock.now
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    .init(
                        service: worker, successTerminationBehavior: .gracefullyShutdownGroup,
                        failureTerminationBehavior: .cancelGroup)
                ], logger: quietLogger))
        let signals = StopSignals()
        defer { signals.cancel() }
        let events = signals.events
        if !isQuiet {
            logger.info(
                "Working",
                metadata: [
                    "queues": .string(settings.queues.joined(separator: ", ")),
                    "concurrency": .stringConvertible(settings.concurrency),
                    "prefetch": .stringConvertible(settings.prefetch),
                ])
        }
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { await stop(group, on: events, since: start) }
            if !isQuiet { tasks.addTask { await showProgress(since: start) } }
            tasks.addTask {
                try await group.run()
                throw Ended()
            }
            // Not waitForAll(), which would keep the first error until the last task has ended.
            do { while try await tasks.next() != nil {} } catch is Ended { tasks.cancelAll() }
        }
        return await end(since: start)
    }

    private func end(since start: ContinuousClock.Instant) async -> ExitStatus {
        let report = WorkReport(await worker.statistics, elapsed: ContinuousClock.now - start)
        screen.endProgress()
        return conclude(report)
    }

    /// Thrown inside alone, to end the tasks that watch the worker.
    private struct Ended: Error {}

    /// The service group reports what the worker reports itself.
    private var quietLogger: Logger {
        var quiet = logger
        quiet.logLevel = .error
        return quiet
    }

    /// The first signal stops gracefully, within the grace.
    ///
    /// The second ends the process where it stands: what was not acknowledged is delivered again, which is what the
    /// engine is built for.
    private func stop(
        _ group: ServiceGroup, on signals: AsyncStream<Int32>, since start: ContinuousClock.Instant
    ) async {
        await withDiscardingTaskGroup { tasks in
            var isStopping = false
            for await number in signals {
                if isStopping {
                    screen.endProgress()
                    screen.note("ferry: ended at once. What was under way is delivered again.")
                    exit(ExitStatus.signal(number).code)
                }
                isStopping = true
                screen.note(
                    "ferry: stopping; running jobs have \(settings.grace.text). Press Ctrl-C again to end at once.")
                tasks.addTask { await leaveAfterGrace(since: start) }
                await group.triggerGracefulShutdown()
            }
        }
    }

    /// A run that hears of no cancellation (one that waits for another program's lock, a controller that never yields)
    /// must not hold the process: it is left behind like one that a crash cuts off.
    private func leaveAfterGrace(since start: ContinuousClock.Instant) async {
        do { try await Task.sleep(for: settings.grace + Worker.closingTime) } catch { return }
        let running = await worker.statistics.running
        let status = await end(since: start)
        screen.note(
            "ferry: ended with \(Quantity.count(running, "job")) still running after the grace. "
                + "What was under way is delivered again.")
        exit(status.code)
    }

    private func showProgress(since start: ContinuousClock.Instant) async {
        var line = WorkProgress()
        while !Task.isCancelled {
            do {
                try await Task.sleep(for: screen.errors.isInteractive ? Self.progressInterval : Self.logInterval)
            } catch { return }
            let statistics = await worker.statistics
            let elapsed = ContinuousClock.now - start
            if screen.errors.isInteractive {
                screen.progress(line.text(statistics, at: elapsed))
            } else {
                logger.info("Progress", metadata: line.facts(statistics, at: elapsed))
            }
        }
    }
}
