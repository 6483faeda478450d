// A test for each kind of problem, with the text that people read.

import SyncJobs
import Testing

@testable import Ferry

@Suite("Problems of a configuration")
struct ConfigurationProblemTests {
    /// A text and what is said about it, without the file's name in front of each line.
    struct Case: Sendable, CustomTestStringConvertible {
        let text: String
        let said: String
        var testDescription: String { said }

        init(_ text: String, _ said: String...) {
            self.text = text
            self.said = said.map { "ferry.yaml:\($0)" }.joined(separator: "\n")
        }
    }

    static let base = "systems: {a: {kind: embedded}, f: {kind: sqlite, path: f.sqlite}}\n"

    @Test(
        "Sections and keys",
        arguments: [
            Case("- a\n", "1: a list where a map of settings belongs (write key: value lines below it)"),
            Case("stor: {}\n", "1: stor: there is no such key (did you mean store?)"),
            Case(
                "quantum: 1\n",
                "1: quantum: there is no such key (use one of: broker, store, queues, limits, worker, retention, systems, "
                    + "documents, types, dead_letters)"),
            Case("broker: fast\n", "1: broker: text where a map of settings belongs (write key: value lines below it)"),
            Case("broker: {uri: x}\n", "1: broker.uri: there is no such key (did you mean url?)"),
            Case("store: {path: }\n", "1: store.path: there is no value (write one, or leave the key out)"),
            Case("store: {path: ''}\n", "1: store.path: the text is empty (write a value, or leave the key out)"),
            Case("store: {path: 12}\n", "1: store.path: a number where text belongs (put it in quotes: \"12\")"),
            Case("store: {path: true}\n", "1: store.path: true where text belongs (put it in quotes: \"true\")"),
            Case("store: {path: [a]}\n", "1: store.path: a list where text belongs (write a text)"),
            Case(
                "queues: nightly\n", "1: queues: text where a list belongs (write a list, such as [nightly, imports])"),
        ])
    func sections(expected: Case) { #expect(ConfigurationFixture.problems(expected.text) == expected.said) }

    @Test(
        "Lookups among the types",
        arguments: [
            Case(
                base + "types:\n  Staff Sync: {source: a.S, target: a.U, fields: {}}\n"
                    + "  T: {source: a.B, target: a.C, fields: {x: {lookup: Staf Sync, key: source.s}}}\n",
                "4: types.T.fields.x.lookup: there is no sync job type \"Staf Sync\" (did you mean Staff Sync?)"),
            Case(
                base + "types:\n  R: {source: a.S, target: a.U, fields: {}, on_delete: keep, "
                    + "relay: {each: source.i, key: row.id}}\n"
                    + "  T: {source: a.B, target: a.C, fields: {x: {lookup: r, key: source.s}}}\n",
                "4: types.T.fields.x.lookup: \"r\" relays: it has a target for each row, and none for the document "
                    + "(look up by a type with one target for each source document)"),
        ])
    func lookups(expected: Case) { #expect(ConfigurationFixture.problems(expected.text) == expected.said) }

    @Test("A lookup by a type that has problems of its own is no further problem")
    func lookupOfBroken() {
        let text =
            Self.base + "types:\n  Staff Sync: {source: a.S, target: a.U, fields: {}, colour: red}\n"
            + "  T: {source: a.B, target: a.C, fields: {x: {lookup: staff_sync, key: source.s}}}\n"
        #expect(ConfigurationFixture.problems(text).split(separator: "\n").count == 1)
    }

    @Test(
        "Numbers, durations and sizes",
        arguments: [
            Case(
                "worker: {concurrency: 0}\n",
                "1: worker.concurrency: 0 is not taken here (write a whole "
                    + "number from 1 to 1000)"),
            Case(
                "worker: {prefetch: 1.5}\n",
                "1: worker.prefetch: 1.5 is not taken here (write a whole number "
                    + "from 1 to 2000)"),
            Case(
                "limits: {max_depth: 501}\n",
                "1: limits.max_depth: 501 is not taken here (write a whole "
                    + "number from 10 to 500)"),
            Case(
                "worker: {grace: 30}\n",
                "1: worker.grace: 30 has no unit (write a duration from 0s to 1h, such as 20s, 5m or 2h)"),
            Case(
                "retention: {ids: 7d}\n",
                "1: retention.ids: \"7d\" is not taken here (write a duration from 14d to 3650d, such as 20s, 5m or 2h)"
            ),
            Case(
                "worker: {grace: soon}\n",
                "1: worker.grace: \"soon\" is not a duration (write a duration from 0s to 1h, such as 20s, 5m or 2h)"),
            Case(
                "broker: {heartbeat: 10m}\n",
                "1: broker.heartbeat: \"10m\" is not taken here (write a duration from 1s to 5m, such as 20s, 5m or 2h)"
            ),
            Case(
                "limits: {max_message: 1048576}\n",
                "1: limits.max_message: 1048576 has no unit (write a size from 1KiB to 16MiB, such as 64KiB or 1MiB)"),
            Case(
                "limits: {max_message: 1MB}\n",
                "1: limits.max_message: \"1MB\" is not a size (write a size from 1KiB to 16MiB, "
                    + "such as 64KiB or 1MiB)"),
            Case(
                "limits: {max_document: 1GiB}\n",
                "1: limits.max_document: \"1GiB\" is not taken here (write a size from 1KiB to 64MiB, such as "
                    + "64KiB or 1MiB)"),
        ])
    func quantities(expected: Case) { #expect(ConfigurationFixture.problems(expected.text) == expected.said) }

    @Test(
        "The broker",
        arguments: [
            Case(
                "broker: {url: 'http://user:secret@host'}\n",
                "1: broker.url: a broker URL starts neither with amqp:// nor with amqps:// (write "
                    + "amqp://user:password@host:port/vhost)"),
            Case(
                "broker: {url: 'amqps://user:secret@host'}\n",
                "1: broker.url: an amqps URL needs TLS settings (name the CA bundle to trust)"),
            Case(
                "broker:\n  urls: ['amqp://u:secret@a', 'amqp://v:secret@b']\n",
                "2: broker.urls: the broker URLs differ in more than host and port (use the same scheme, user, "
                    + "password and virtual host in all of them)"),
            Case(
                "broker: {url: 'amqp://u:p@a', urls: ['amqp://u:p@b']}\n",
                "1: broker: both url and urls are given (keep urls when the broker has several nodes, else url)"),
            Case(
                "broker: {urls: []}\n",
                "1: broker.urls: the list is empty (name at least one node, or leave "
                    + "the key out)"),
            Case(
                "broker: {heartbeat: 1500ms}\n",
                "1: broker.heartbeat: a heartbeat has whole seconds (write it in seconds, such as 20s)"),
            Case(
                "broker: {prefix: my ferry}\n",
                "1: broker.prefix: the prefix \"my ferry\" cannot be used (use letters, digits, '.', '_' and "
                    + "'-', at most 60 bytes, not beginning with amq.)"),
            Case(
                "broker: {management_url: 'http://u:secret@broker.example.com'}\n",
                "1: broker.management_url: http would send the password to broker.example.com in the clear (use "
                    + "https, or an address of this machine)"),
            Case(
                "broker:\n  url: amqps://u:p@a\n  tls: {certificate_file: c.pem}\n",
                "2: broker.url: an amqps URL needs TLS settings (name the CA bundle to trust)",
                "3: broker.tls: a client certificate and its key go together (write both certificate_file and "
                    + "key_file, or neither)",
                "3: broker.tls: there is no ca_file (name the PEM bundle of the authorities to trust)"),
        ])
    func broker(expected: Case) {
        let said = ConfigurationFixture.problems(expected.text)
        #expect(said == expected.said)
        #expect(!said.contains("secret"))
    }

    @Test(
        "Queues and systems",
        arguments: [
            Case("queues: [long]\n", "1: queues[0]: the queue \"long\" is always there (leave it out of queues)"),
            Case("queues: [a, a]\n", "1: queues[1]: the queue \"a\" is named twice (name it once)"),
            Case(
                "queues: [dead]\n",
                "1: queues[0]: the queue name \"dead\" has a meaning of its own (choose "
                    + "another name)"),
            Case(
                "queues: [A.b]\n",
                "1: queues[0]: the queue name \"A.b\" cannot be used (use lower-case letters, digits, '_' and "
                    + "'-', at most 60 bytes, no dots)"),
            Case(
                "systems: {a.b: {kind: embedded}}\n",
                "1: systems.a.b: a system's name has a dot or is empty (use a name without dots: document types "
                    + "are named system.Type)"),
            Case(
                "systems: {a: }\n",
                "1: systems.a: there is no kind (write {kind: embedded} or {kind: sqlite, "
                    + "path: …})"),
            Case("systems: {a: {path: x}}\n", "1: systems.a: there is no kind (write kind: embedded or kind: sqlite)"),
            Case(
                "systems: {a: {kind: sqlit}}\n",
                "1: systems.a.kind: \"sqlit\" is no kind of system (did you "
                    + "mean sqlite?)"),
            Case(
                "systems: {a: {kind: sqlite}}\n",
                "1: systems.a: there is no path (name the SQLite file: path: "
                    + "registry.sqlite)"),
            Case(
                "systems: {a: {kind: embedded, path: x}}\n",
                "1: systems.a.path: an embedded system has no path (leave it out: it lives in the store's file)"),
            Case(
                "store: {path: x.sqlite}\nsystems: {a: {kind: sqlite, path: x.sqlite}}\n",
                "2: systems.a: its file is the job store's own (write kind: embedded for documents in the "
                    + "store, or name another file)"),
        ])
    func systems(expected: Case) { #expect(ConfigurationFixture.problems(expected.text) == expected.said) }

    @Test(
        "Documents",
        arguments: [
            Case(
                base + "documents: {Customer: {name: n}}\n",
                "2: documents.Customer: \"Customer\" names no document type (write system.Type, such as erp.Customer)"),
            Case(
                base + "documents: {zz.C: {name: n}}\n",
                "2: documents.zz.C: there is no system \"zz\" (use "
                    + "one of: a, f)"),
            Case(
                "documents: {b.C: {name: n}}\n",
                "1: documents.b.C: there is no system \"b\" (declare it: systems: {b: {kind: embedded}})"),
            Case(
                base + "documents: {a.C: {table: t}}\n",
                "2: documents.a.C.table: an embedded system has no tables of its own (leave it out, or use a "
                    + "system of kind sqlite)"),
            Case(
                base + "documents: {f.C: {name: n}}\n",
                "2: documents.f.C: \"table\" is missing: the table that holds the documents (add table: and its "
                    + "name in the file)"),
            Case(
                base + "documents: {f.C: {table: t, name: n, tables: {rows: {table: r, parent: p}}}}\n",
                "2: documents.f.C.tables.rows: row_key is missing (write row_key: with the field that tells the "
                    + "rows of one parent apart)"),
        ])
    func documents(expected: Case) { #expect(ConfigurationFixture.problems(expected.text) == expected.said) }

    @Test(
        "Types against the rest",
        arguments: [
            Case(
                base + "types: {A: {source: zz.C, target: a.D, fields: {x: source.x}}}\n",
                "2: types.A.source: there is no system \"zz\" (use one of: a, f)"),
            Case(
                base + "documents: {f.Country: {table: t, name: n}}\ntypes:\n  A:\n    source: f.Contry\n    "
                    + "target: a.D\n    fields: {x: source.x}\n",
                "5: types.A.source: there is no document type \"f.Contry\" (did you mean f.Country?)"),
            Case(
                base + "types: {A: {source: a.C, target: f.D, fields: {x: source.x}}}\n",
                "2: types.A.target: there is no document type \"f.D\" (declare its table: documents: {f.D: "
                    + "{table: …, name: …}})"),
            Case(
                base + "types:\n  A:\n    source: a.C\n    target: a.D\n    queue: defalt\n    fields: {x: source.x}\n",
                "6: types.A.queue: there is no queue \"defalt\" (did you mean default?)"),
            Case(
                base + "types: {A: {source: a.C, target: a.D, queue: nightly, fields: {x: source.x}}}\n",
                "2: types.A.queue: there is no queue \"nightly\" (add it to queues:, or use one of: short, "
                    + "default, long)"),
            Case(
                base + "types: {A: {source: a.C, target: a.D, timeout: 2h, fields: {x: source.x}}}\n",
                "2: types.A.timeout: a run may take 2h, but the broker waits 30m for its end (shorten it, or "
                    + "raise consumer_timeout at the broker and in broker:)"),
            Case(
                base + "types:\n  A b: {source: a.C, target: a.D, fields: {x: source.x}}\n  a-B: {source: a.C, "
                    + "target: a.D, fields: {x: source.x}}\n",
                "4: types.a-B: the types \"A b\" and \"a-B\" have the same slug \"a_b\" (give one of them "
                    + "another with slug:)"),
            Case(
                base + """
                    types:
                      A:
                        source: a.C
                        target: a.D
                        fields: {x: source.x}
                        triggers:
                          - {document: a.C, events: [insert]}
                          - {document: zz.E, events: [update], source_name: document.c}
                    """,
                "9: types.A.triggers[1].document: there is no system \"zz\" (use one of: a, f)"),
            Case(
                base + """
                    documents: {f.D: {table: t, name: n}}
                    types:
                      A:
                        source: a.C
                        target: f.D
                        tables: {rows: {from: source.rows, row_key: {id: row.id}}}
                    """,
                "7: types.A.tables.rows: the target declares no child table \"rows\" (declare it below "
                    + "documents: tables: {rows: {row_key: id}})"),
            Case(
                base + "types: {A: {source: a.C, target: a.D, fields: {x: Germany}}}\n",
                "2: types.A.fields.x: \"Germany\" is no path (a constant? write {value: Germany}; paths begin "
                    + "with source., context., job.)"),
            Case(
                base + "types: {A: {source: a.C, controller: Sync}}\n",
                "2: types.A.controller: no controller \"Sync\" is registered (register it where Ferry is started)"),
        ])
    func types(expected: Case) { #expect(ConfigurationFixture.problems(expected.text) == expected.said) }

    @Test("All problems are told at once, in the order of their lines")
    func together() {
        let said = ConfigurationFixture.problems(
            """
            types:
              A: {source: x.C, target: x.D, fields: {y: 5}}
            worker: {grace: 5}
            broker: {url: nonsense}
            """)
        let lines = said.split(separator: "\n").compactMap { $0.split(separator: ":").dropFirst().first }
        #expect(lines == ["2", "3", "4"])
    }

    @Test("A value that is missing for another reason is not told twice")
    func noEcho() {
        let said = ConfigurationFixture.problems("systems: {erp: {kind: sqlite, path: '${ERP}'}}")
        #expect(
            said == "ferry.yaml:1: systems.erp.path: the environment variable ERP is not set (set it "
                + "before Ferry starts: export ERP=…)")
    }

    @Test("Problems are JSON for machines")
    func json() throws {
        do {
            _ = try ConfigurationFixture.read("worker:\n  grace: 5\n")
            Issue.record("it was read")
        } catch {
            #expect(error.code == .invalidConfiguration)
            #expect(error.json.objectValue?["code"] == "invalid_configuration")
            #expect(
                error.json.objectValue?["problems"] == [
                    [
                        "line": 2, "place": "worker.grace", "message": "5 has no unit",
                        "remedy": "write a duration from 0s to 1h, such as 20s, 5m or 2h",
                    ]
                ])
        }
    }

    @Test("A long list of problems is shortened for people and whole for machines")
    func many() {
        let keys = (0..<150).map { "key\($0): 1" }.joined(separator: "\n")
        do {
            _ = try ConfigurationFixture.read(keys)
            Issue.record("it was read")
        } catch {
            #expect(error.problems.count == 150)
            #expect(error.description.split(separator: "\n").count == 101)
            #expect(error.description.hasSuffix("ferry.yaml: … and 50 more problems"))
        }
    }
}
