// Producers that are not ours: pika, the client of most Python programs, and amqp-publish.
import Foundation

/// Programs that publish by the contract files and know nothing of Ferry.
enum ForeignProducer {
    /// A Python with pika: the one that FERRY_TEST_PYTHON names, else one in a virtual environment that the first test
    /// makes and the end of this process removes.
    private static let python = Task { () throws -> String in
        if let python = ProcessInfo.processInfo.environment["FERRY_TEST_PYTHON"], !python.isEmpty { return python }
        let folder = FileManager.default.temporaryDirectory.appending(path: "ferry-test-venv-\(randomName())")
        let watch = """
            while kill -0 "$1" 2>/dev/null; do sleep 1; done
            rm -rf "$2"
            """
        let process = String(ProcessInfo.processInfo.processIdentifier)
        try Program("/bin/sh", ["-c", watch, "watcher", process, folder.path]).detach()
        try await Program("/usr/bin/python3", ["-m", "venv", folder.path]).run()
        let python = folder.appending(path: "bin/python").path
        try await Program(python, ["-m", "pip", "install", "--quiet", "pika==1.3.2"]).run()
        return python
    }

    /// A program in Python that may import pika.
    static func pika(_ script: String, _ arguments: [String] = [], url: String) async throws -> Program {
        Program(
            try await python.value, ["-c", script] + arguments, folder: contracts.path,
            environment: ["FERRY_PRODUCER_URL": url])
    }

    /// A line of shell, as it stands in contracts/README.md.
    static func shell(_ line: String, url: String) -> Program {
        Program("/bin/sh", ["-c", line], folder: contracts.path, environment: ["FERRY_PRODUCER_URL": url])
    }

    /// Publishes the file `argv[3]` to exchange `argv[1]` with routing key `argv[2]`, with confirms and mandatory; with
    /// the message id `argv[4]` if there is one.
    static let publishFile = """
        import os, sys, pika
        exchange, key, file = sys.argv[1:4]
        connection = pika.BlockingConnection(pika.URLParameters(os.environ["FERRY_PRODUCER_URL"]))
        channel = connection.channel()
        channel.confirm_delivery()
        channel.basic_publish(
            exchange=exchange, routing_key=key, body=open(file, "rb").read(), mandatory=True,
            properties=pika.BasicProperties(
                message_id=sys.argv[4] if len(sys.argv) > 4 else None, content_type="application/json",
                delivery_mode=2))
        connection.close()
        """

    /// contracts/ of this repository.
    static let contracts = PrivateBroker.repository.appending(path: "contracts")

    /// The first code block in `language` of contracts/README.md.
    static func example(in language: String) throws -> String {
        let text = try String(contentsOf: contracts.appending(path: "README.md"), encoding: .utf8)
        guard let start = text.range(of: "\n```\(language)\n"),
            let end = text.range(of: "\n```\n", range: start.upperBound..<text.endIndex)
        else { throw NeverHappened(description: "contracts/README.md has no example in \(language)") }
        return String(text[start.upperBound..<end.lowerBound])
    }
}
