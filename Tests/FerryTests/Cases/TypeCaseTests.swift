// Cases of types: what they may say, what they answer when they fail, and what is wrong with a file of them.

import Foundation
import SyncJobs
import Testing

@testable import Ferry

@Suite("ferry types test")
struct TypeCaseTests {
    /// A declarative type whose systems are files that are not there: nothing may open them.
    private static let configuration = """
        systems:
          erp: {kind: sqlite, path: /nowhere/erp.sqlite}
          shop: {kind: embedded}
        documents:
          erp.Customer:
            table: customers
            name: code
            version: {field: revision, order: number}
            fields: {disabled: bool}
          shop.Account:
            name: number
            fields: {limit: decimal(2), tax: {type: text, sensitive: true}}
            tables: {addresses: {row_key: row}}
        types:
          Customer Sync:
            source: erp.Customer
            target: shop.Account
            triggers: [{document: erp.Customer, events: [insert, update, delete]}]
            when: not source.disabled
            require: [source.name]
            match: {erp_code: job.source_document_name}
            fields:
              erp_code: {from: job.source_document_name, only: insert}
              label: source.name
              limit: {from: source.limit, as: decimal(2)}
              tax: source.tax
            tables:
              addresses: {from: source.addresses, row_key: {row: row.id}, fields: {street: row.line1}}
            on_delete: delete
        """

    private static let header = """
        - name: the case
          type: Customer Sync

        """

    private func cases(_ text: String, _ configuration: String = configuration) throws -> ([TypeCase], [String]) {
        let configuration = try ConfigurationFixture.read(configuration)
        let read = TypeCaseReader.read(
            Array(text.utf8), file: "cases.yaml", configuration: configuration, environment: [:])
        return (read.cases, read.problems.map { "\($0.line): \($0.message) (\($0.remedy))" })
    }

    /// What is not as expected of the one case in `text`; nil when it passed.
    private func differences(_ text: String) async throws -> [String]? {
        let (cases, problems) = try cases(Self.header + text)
        try #require(problems == [])
        let run = TypeCaseRun(configuration: try ConfigurationFixture.read(Self.configuration))
        let result = try await run.result(of: try #require(cases.first))
        return result.isPassed ? nil : result.differences
    }

    @Test("an insert: nothing before, all fields after")
    func insert() async throws {
        #expect(
            try await differences(
                """
                  source: {code: C-1, name: Acme, limit: "10"}
                  expect:
                    status: finished
                    operation: insert
                    diff: {erp_code: [null, C-1], label: [null, Acme], limit: [null, 10.00]}
                    target: {label: Acme, limit: 10, number: C-1}
                    target_document_name: C-1
                """) == nil)
    }

    @Test("a target that is given is bound; binding: false leaves it to match")
    func bindings() async throws {
        let source = """
              source_document_name: C-1
              source: {name: Acme}

            """
        #expect(
            try await differences(
                source + """
                      target: {number: 7, label: Old}
                      expect: {operation: update, diff: {label: [Old, Acme]}, target_document_name: 7}
                    """) == nil)
        #expect(
            try await differences(
                source + """
                      target: {number: 7, label: Old}
                      binding: false
                      expect: {operation: insert}
                    """) == nil)
        #expect(
            try await differences(
                source + """
                      target: {number: 7, label: Acme, erp_code: C-1}
                      binding: false
                      expect: {status: Skipped, skip_reason: no_changes, diff: {}}
                    """) == nil)
    }

    @Test("a binding by name meets a target that is gone, and a version fences")
    func fences() async throws {
        #expect(
            try await differences(
                """
                  source: {code: C-1, name: Acme}
                  binding: "9"
                  expect: {status: Failed, error: target_gone}
                """) == nil)
        #expect(
            try await differences(
                """
                  source: {code: C-1, name: Acme, revision: 4}
                  target: {label: Old}
                  binding: {source_version: 5}
                  expect: {skip_reason: stale, target: {label: Old}}
                """) == nil)
    }

    @Test("a deleted source takes its target along, though its system forgets it")
    func delete() async throws {
        #expect(
            try await differences(
                """
                  source: {code: C-1, name: Acme}
                  source_deleted: true
                  target: {label: Acme}
                  request: {operation: delete}
                  expect: {status: Finished, operation: delete, diff: {label: [Acme, null], number: ["1", null]}, target: null}
                """) == nil)
    }

    @Test("conditions, requirements and a source that is not there have their words")
    func ends() async throws {
        #expect(
            try await differences(
                """
                  source: {name: Acme, disabled: true}
                  expect: {status: No Target, no_target_reason: condition}
                """) == nil)
        #expect(
            try await differences(
                """
                  source: {name: ""}
                  expect: {status: Failed, error: required_field_missing}
                """) == nil)
        #expect(
            try await differences(
                """
                  source: null
                  source_document_name: C-9
                  expect: {error: source_not_visible}
                """) == nil)
        #expect(
            try await differences(
                """
                  source: {name: Acme}
                  request: {queue: fast, dry_run: true, insert_enabled: false}
                  expect: {skip_reason: insert_disabled}
                """) == nil)
    }

    @Test("rows of child tables are expected by their keys")
    func rows() async throws {
        #expect(
            try await differences(
                """
                  source: {name: Acme, addresses: [{id: 1, line1: new}, {id: 3, line1: third}]}
                  target: {label: Acme, addresses: [{row: 1, street: old}, {row: 2, street: second}]}
                  expect:
                    added: {addresses: [{row: 3, street: third}]}
                    removed: {addresses: [{row: 2, street: second}]}
                    row_changed: {addresses: {1: {street: [old, new]}}}
                """) == nil)
    }

    @Test("a failure says field by field what was expected and what there is")
    func failures() async throws {
        #expect(
            try await differences(
                """
                  source: {code: C-1, name: Acme, limit: 5}
                  target: {number: 7, label: Old, addresses: [{row: 1, street: a}]}
                  expect:
                    status: Skipped
                    operation: insert
                    diff: {label: [Old, Akme], erp_code: [null, C-1]}
                    target: {label: Akme, addresses: [{row: 1, street: b}], number: "7"}
                    children: [a]
                """) == [
                    "status: expected Skipped, is Finished", "operation: expected insert, is update",
                    "erp_code: expected null → \"C-1\", did not change",
                    "label: expected \"Old\" → \"Akme\", is \"Old\" → \"Acme\"",
                    "limit: changed null → 5.00, and was not expected to",
                    "target: addresses[1].street: expected \"b\", is \"a\"",
                    "target: label: expected \"Akme\", is \"Acme\"", "target: number: expected \"7\", is 7",
                    "children: expected a, are none",
                ])
        #expect(
            try await differences(
                """
                  source: {name: ""}
                  expect: {target: {label: x}}
                """) == [
                    "target: the document is not there",
                    "it failed: required_field_missing: source.name is required, and is missing, null or empty "
                        + "(complete the source document, then send it again)",
                ])
    }

    @Test("a sensitive value that differs is not shown")
    func sensitive() async throws {
        let said = try await differences(
            """
              source: {code: C-1, name: Acme, tax: DE123}
              expect: {target: {tax: DE999}, diff: {erp_code: [null, C-1], label: [null, Acme], tax: [null, "•••"]}}
            """)
        #expect(said == ["target: tax: differs, and is sensitive"])
    }

    @Test("other documents and bindings are placed for those who look them up")
    func lookups() async throws {
        let (cases, problems) = try cases(
            Self.header + """
                  source: {name: Acme}
                  documents:
                    shop.Account: {A-1: {label: x}, A-2: {label: y}}
                  bindings:
                    customer_sync: {C-5: A-2}
                  expect: {status: Finished}
                """)
        #expect(problems == [])
        let read = try #require(cases.first)
        #expect(read.documents.map(\.key.name) == ["A-1", "A-2", "1"])
        #expect(read.bindings == [.init(typeSlug: "customer_sync", source: "C-5", target: "A-2")])
    }

    @Test("a request that is refused fails the case unless it is expected")
    func refusals() async throws {
        let disabled = Self.configuration.replacing(
            "    target: shop.Account\n", with: "    target: shop.Account\n    disabled: true\n")
        let configuration = try ConfigurationFixture.read(disabled)
        for (expected, passes) in [("error: type_disabled", true), ("status: Finished", false)] {
            let (cases, _) = try cases(Self.header + "  source: {name: A}\n  expect: {\(expected)}\n", disabled)
            let result = try await TypeCaseRun(configuration: configuration).result(of: try #require(cases.first))
            #expect(result.isPassed == passes)
            #expect(passes || result.differences.first?.hasPrefix("the request was refused: type_disabled: ") == true)
        }
    }

    @Test("whatever is wrong with a file is said with its line, all of it")
    func problems() throws {
        let (cases, problems) = try cases(
            """
            - name: good
              type: customer_sync
              source: {name: Acme}
              expect: {status: Finished}
            - type: Customer Sync
              sorce: {name: Acme}
              expect: {status: Finnished, diff: {label: x}, error: no_such, children: 5}
            - name: a
              type: Custmer Sync
            - name: good
              type: Customer Sync
              request: {max_retries: many}
              expect: {}
            - name: b
              type: Customer Sync
              source: text
              binding: {target: 1, source_version: old}
              source_deleted: maybe
              source_document_name: C
              documents: {erp.Custmer: {}, crm.Lead: {}}
              bindings: {nothing: {a: b}}
            """)
        #expect(cases.map(\.name) == ["good"])
        #expect(
            problems == [
                "6: a case has no key \"sorce\" (did you mean source?)",
                "5: the case has no name (write name: …)",
                "7: \"Finnished\" is not known here (did you mean Finished?)",
                "7: \"no_such\" is not known here (use one of: \(JobFailure.Code.allCases.prefix(20).map(\.rawValue).joined(separator: ", ")) …)",
                "7: it is no pair of values (write [old, new], with null for none)",
                "7: it is no list (write the keys of the children: [a, b])",
                "9: there is no sync job type \"Custmer Sync\" (did you mean customer_sync?)",
                "12: \"max_retries\" is a string that is not taken here (send a whole number from 0 to 1000000)",
                "13: the case expects nothing (write expect: {status: Finished}, or more than that)",
                "16: source has to be a map of fields (write field: value lines below it)",
                "20: \"crm.Lead\" is no document type of a configured system (use one of: erp.Customer, shop.Account)",
                "18: it is neither true nor false (write true or false)",
                "21: there is no sync job type \"nothing\" (use one of: customer_sync)",
                "17: the version field \"revision\" holds no number (correct the document, or declare the version's order as the system writes it)",
                "14: the case expects nothing (write expect: {status: Finished}, or more than that)",
            ])
    }

    @Test("a file without cases, with another shape, or that is no YAML, is said to be that")
    func files() throws {
        #expect(try cases("").1 == ["1: there are no cases in it (begin each case with a dash: - name: …)"])
        #expect(try cases("name: x").1 == ["1: it is no list of cases (begin each case with a dash: - name: …)"])
        #expect(try cases("- [").1.count == 1)
        let twice = Self.header + "  source: {name: A}\n  expect: {status: Finished}\n"
        #expect(
            try cases(twice + twice).1 == ["5: two cases are called \"the case\" (give each a name of its own)"])
    }
}
