// References: what they stand for, what they are not, and that their values show nowhere.

import Foundation
import SyncJobs
import Testing

@testable import Ferry

@Suite("References")
struct ReferenceTests {
    @Test("A reference is replaced inside text, and an escaped one stays")
    func replaced() throws {
        let environment = ["HOST": "db-1", "EMPTY": "", "NUMBER": "00042"]
        let tree = try ConfigurationFixture.tree(
            """
            a: amqp://${HOST}/x-${HOST}
            b: '${EMPTY}'
            c: ${NUMBER}
            d: $${HOST} costs $5
            e: |
              at ${HOST}
            f: "{source.name}"
            ${HOST}: g
            """, environment: environment)
        #expect(tree["a"]?.text == "amqp://db-1/x-db-1")
        #expect(tree["b"]?.text == "")
        #expect(tree["c"]?.text == "00042")
        #expect(tree["d"]?.text == "${HOST} costs $5")
        #expect(tree["e"]?.text == "at db-1\n")
        #expect(tree["f"]?.text == "{source.name}")
        #expect(tree["${HOST}"]?.text == "g")
    }

    @Test("A value is not looked at again")
    func notRecursive() throws {
        let tree = try ConfigurationFixture.tree("a: ${OUTER}", environment: ["OUTER": "${INNER}", "INNER": "x"])
        #expect(tree["a"]?.text == "${INNER}")
    }

    @Test(
        "A reference that stands for nothing is told with its name",
        arguments: [
            (
                "store: {path: '${STORE}'}",
                "ferry.yaml:1: store.path: the environment variable STORE is not set (set it before Ferry "
                    + "starts: export STORE=…)"
            ),
            (
                "store:\n  path: x/${STORE\n",
                "ferry.yaml:2: store.path: a ${ is not closed (write ${NAME}, or $${ for a dollar sign and a brace)"
            ),
            (
                "store: {path: '${source.x}'}",
                """
                ferry.yaml:1: store.path: "${source.x}" refers to nothing (write ${NAME} for a variable, ${file:/path} \
                for a file, $${ for a dollar sign and a brace)
                """
            ),
            (
                "store: {path: '${file:/nowhere/secret}'}",
                """
                ferry.yaml:1: store.path: the file /nowhere/secret cannot be read (there is no such file) (create it, \
                readable for the user that Ferry runs as)
                """
            ),
        ] as [(String, String)])
    func missing(text: String, said: String) {
        #expect(ConfigurationFixture.problems(text) == said)
    }

    @Test("A secret's file is read without its last newline, and only when it is small text")
    func files() throws {
        try ConfigurationFixture.withFolder { folder in
            func write(_ name: String, _ bytes: [UInt8]) throws {
                try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
            }
            try write("unix", Array("s3cret\n".utf8))
            try write("windows", Array("s3cret\r\n".utf8))
            try write("two", Array("s3cret\n\n".utf8))
            try write("large", [UInt8](repeating: 0x61, count: (64 << 10) + 1))
            try write("binary", [0xFF, 0xFE])
            var references = ReferenceExpansion(environment: [:], folder: folder)
            #expect(try references.expand("${file:\(folder)/unix}", place: "a") == "s3cret")
            #expect(try references.expand("<${file:windows}>", place: "a") == "<s3cret>")
            #expect(try references.expand("${file:two}", place: "a") == "s3cret\n")
            for (name, said) in [
                ("large", "the file \(folder)/large is larger than 64KiB"),
                ("binary", "the file \(folder)/binary is not UTF-8 text"),
                (".", "the file \(folder)/. cannot be read (it is a folder)"),
            ] {
                do throws(ReferenceExpansion.Failure) {
                    _ = try references.expand("${file:\(name)}", place: "a")
                    Issue.record("\(name) was read")
                } catch { #expect(error.message == said) }
            }
        }
    }

    @Test("What a reference stands for shows in no problem")
    func masked() {
        let secret = "hunter2-and-more"
        let said = ConfigurationFixture.problems(
            """
            broker: {url: "http://user:${PASSWORD}@host", heartbeat: "${PASSWORD}", prefix: "${PASSWORD} "}
            systems: {erp: {kind: "${PASSWORD}"}}
            types:
              A: {source: "${PASSWORD}", target: "${PASSWORD}.x", queue: "${PASSWORD}", fields: {a: "${PASSWORD}"}}
            """, environment: ["PASSWORD": secret])
        #expect(!said.contains(secret))
        #expect(said.contains("broker.heartbeat: the value is not a duration"))
        #expect(said.split(separator: "\n").count >= 6)
    }

    @Test("A whole number may come from the environment, and text in quotes is none")
    func counts() throws {
        let environment = ["WORKERS": "7", "WORDS": "many"]
        let read = try ConfigurationFixture.read("worker: {concurrency: \"${WORKERS}\"}", environment: environment)
        #expect(read.worker.concurrency == 7)
        #expect(
            ConfigurationFixture.problems("worker: {concurrency: '7'}")
                == "ferry.yaml:1: worker.concurrency: text where a whole number belongs (write a whole "
                + "number from 1 to 1000)")
        #expect(
            ConfigurationFixture.problems("worker: {concurrency: '${WORDS}'}", environment: environment)
                == "ferry.yaml:1: worker.concurrency: text where a whole number belongs (write a whole "
                + "number from 1 to 1000)")
    }
}
