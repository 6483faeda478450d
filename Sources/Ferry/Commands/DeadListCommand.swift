// ferry dead list: the dead letters in the store, newest first; with --broker a look into the broker's queue, where they lie
// until a keeper has moved them. Messages looked at are fetched without being acknowledged, and all are the broker's again.

internal import AMQP
internal import ArgumentParser
internal import JobStore
internal import SyncBroker
internal import SyncJobs

/// `ferry dead list`.
struct DeadListCommand: FerrySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists dead letters, newest first.",
        discussion: """
            It reads the store, where a worker keeps them. With --broker it looks into the broker's queue instead, \
            oldest first: what no worker has moved yet. That is a look, and nothing is removed; the messages go \
            back when the command ends, so that two looks at the same time may each see a part.

            EXAMPLES
              ferry dead list
              ferry dead list --type country_sync --since 12h
              ferry dead list --state all --text C-17 --json
              ferry dead list --broker
            """)

    @OptionGroup var conditions: DeadFilterOptions
    @OptionGroup var states: DeadStateOptions

    @Option(
        name: .long, help: ArgumentHelp("At most so many.", valueName: "n"),
        transform: Parsing.count(upTo: JobFilter.maximumLimit))
    var limit = 50

    @Flag(name: .long, help: "Look into the broker's queue, not into the store.") var broker = false
    @Flag(help: "Print a JSON array.") var json = false
    @OptionGroup var options: CommonOptions

    func validate() throws {
        if broker, !conditions.isEmpty || !states.state.isEmpty {
            throw ValidationError("The broker's queue has no filters; leave --broker out, or the conditions")
        }
        if broker, limit > 1000 { throw ValidationError("With --broker, --limit is from 1 to 1000") }
    }

    func perform(_ context: CommandContext) async throws {
        let composition = try context.composition()
        if broker { return try await look(composition, context) }
        let store = try composition.openExistingStore()
        var filter = conditions.filter(composition)
        filter.states = states.states
        filter.limit = limit
        let letters = try await store.deadLetters(filter, newestFirst: true)
        let total = try await store.countDeadLetters(filter).count
        try store.close()
        if json {
            context.print(json: .array(letters.map(\.json)))
            return
        }
        guard !letters.isEmpty else {
            context.screen.note("no dead letters" + (conditions.isEmpty ? "" : " of that kind"))
            return
        }
        context.print(DeadLetterTable.lines(letters, style: context.style))
        if letters.count < total {
            context.screen.note("\(letters.count) of \(Quantity.count(total, "dead letter")); --limit shows more")
        }
    }

    private func look(_ composition: Composition, _ context: CommandContext) async throws {
        let reading = DeadLetterReading(
            topology: composition.topology, maximumMessageBytes: composition.configuration.limits.maximumMessage.bytes)
        let (letters, total) = try await letters(composition, reading)
        if json {
            context.print(json: .array(letters.map(\.json)))
            return
        }
        guard !letters.isEmpty else {
            context.screen.note("no dead letters in the broker's queue")
            return
        }
        for (position, letter) in letters.enumerated() {
            context.print(letter.lines(number: position + 1, style: context.style))
        }
        if letters.count < total {
            context.screen.note("\(letters.count) of \(Quantity.count(total, "dead letter")); --limit shows more")
        }
    }

    private func letters(
        _ composition: Composition, _ reading: DeadLetterReading
    ) async throws -> ([QueuedDeadLetter], Int) {
        let connection = try await AMQPConnection.open(try composition.broker("dead"), logger: composition.logger)
        do throws(AMQPError) {
            let queue = composition.topology.dead
            let total = try await connection.declareQueue(queue, passive: true).messages
            var letters: [QueuedDeadLetter] = []
            while letters.count < min(limit, total), let delivery = try await connection.get(queue) {
                letters.append(QueuedDeadLetter(reading.read(delivery), bodyBytes: delivery.bodyBytes))
            }
            await connection.close()
            return (letters, total)
        } catch {
            await connection.close()
            throw error
        }
    }
}
