// ferry dead list: a look into the dead-letter queue. Messages are fetched without being acknowledged, and all of
// them are the broker's again when the connection closes.

internal import AMQP
internal import ArgumentParser
internal import SyncBroker
internal import SyncJobs

/// `ferry dead list`.
struct DeadListCommand: FerrySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists what lies in the dead-letter queue, oldest first.",
        discussion: """
            It is a look: nothing is removed. The messages are fetched and go back when the command ends, so \
            that two looks at the same time may each see a part.

            EXAMPLES
              ferry dead list
              ferry dead list --limit 100 --json
            """)

    @Option(
        name: .long, help: ArgumentHelp("At most so many.", valueName: "n"), transform: Parsing.count(upTo: 1000))
    var limit = 20

    @Flag(help: "Print a JSON array.") var json = false
    @OptionGroup var options: CommonOptions

    func perform(_ context: CommandContext) async throws {
        let composition = try context.composition()
        let reading = DeadLetterReading(maximumMessageBytes: composition.configuration.limits.maximumMessage.bytes)
        let (letters, total) = try await letters(composition, reading)
        if json {
            context.print(json: .array(letters.map(\.json)))
            return
        }
        guard !letters.isEmpty else {
            context.screen.note("no dead letters")
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
    ) async throws -> ([ReadDeadLetter], Int) {
        let connection = try await AMQPConnection.open(try composition.broker("dead"), logger: composition.logger)
        do throws(AMQPError) {
            let queue = composition.topology.dead
            let total = try await connection.declareQueue(queue, passive: true).messages
            var letters: [ReadDeadLetter] = []
            while letters.count < min(limit, total), let delivery = try await connection.get(queue) {
                letters.append(reading.read(delivery))
            }
            await connection.close()
            return (letters, total)
        } catch {
            await connection.close()
            throw error
        }
    }
}
