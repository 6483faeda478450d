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

    /// Between two looks of people at a terminal, and of programs at a log.
    private static let progressInterval = Duration.milliseconds(200)
    private static let logInterval = Duration.seconds(10)

    /// Runs until the worker ends by itself or was stopped, and says what it did.
    ///
    /// - Throws: what the worker could not go on after.
    func untilStopped() async throws -> WorkReport {
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
            tasks.addTask { await stop(group, on: events) }
            if !isQuiet { tasks.addTask { await showProgress(since: start) } }
            tasks.addTask {
                try await group.run()
                throw Ended()
            }
            // Not waitForAll(), which would keep the first error until the last task has ended.
            do { while try await tasks.next() != nil {} } catch is Ended { tasks.cancelAll() }
        }
        let report = WorkReport(await worker.statistics, elapsed: ContinuousClock.now - start)
        screen.endProgress()
        return report
    }

    /// Thrown inside alone, to end the tasks that watch the worker.
    private struct Ended: Error {}

    /// The service group reports what the worker reports itself.
    private var quietLogger: Logger {
        var quiet = logger
        quiet.logLevel = .error
        return quiet
    }

    /// The first signal stops gracefully.
    ///
    /// The second ends the process where it stands: what was not acknowledged is delivered again, which is what the
    /// engine is built for.
    private func stop(_ group: ServiceGroup, on signals: AsyncStream<Int32>) async {
        var isStopping = false
        for await number in signals {
            if isStopping {
                screen.endProgress()
                screen.note("ferry: ended at once. What was under way is delivered again.")
                exit(ExitStatus.signal(number).code)
            }
            isStopping = true
            screen.note("ferry: stopping; running jobs have \(settings.grace.text). Press Ctrl-C again to end at once.")
            await group.triggerGracefulShutdown()
        }
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
