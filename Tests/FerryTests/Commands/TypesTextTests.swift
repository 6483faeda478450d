// Types as the command shows them.

import SyncJobs
import Testing

@testable import Ferry

@Suite("Types on the command line")
struct TypesTextTests {
    private var types: [SyncJobType] {
        get throws {
            let text = """
                systems: {iso: {kind: embedded}, registry: {kind: embedded}}
                types:
                  Country Sync:
                    source: iso.Country
                    target: registry.Nation
                    queue: short
                    triggers: [{document: iso.Country, events: [update, insert]}]
                    match: {code: source.alpha_2}
                    fields: {label: source.name}
                """
            return try FerryConfiguration.read(Array(text.utf8), file: "ferry.yaml", environment: [:]).types.all
        }
    }

    @Test("the list is a table")
    func list() throws {
        #expect(
            TypesListCommand.table(try types, style: .plain) == [
                "NAME          SLUG          SOURCE       TARGET           QUEUE  TRIGGERS",
                "Country Sync  country_sync  iso.Country  registry.Nation  short  iso.Country insert,update",
            ])
    }

    @Test("the plan says triggers and rules in words")
    func plan() throws {
        let type = try #require(try types.first)
        #expect(
            TypesCheckCommand.plan(type, style: .plain) == [
                "Country Sync (country_sync): iso.Country → registry.Nation, queue short, timeout 1m",
                "  on insert, update of iso.Country",
                "  matches code ← source.alpha_2",
                "  label ← source.name",
            ])
    }

    @Test("the plan says how jobs run, with which context, and how they relay")
    func fullPlan() throws {
        let text = """
            systems: {iso: {kind: embedded}, registry: {kind: embedded}}
            types:
              Bundle Sync:
                source: iso.Bundle
                target: registry.Item
                queue: short
                triggers:
                  - {document: iso.Bundle, events: [update, rename]}
                  - {document: iso.Box, events: [update], source_name: document.bundle, context: {why: {value: box}, at: document.at}}
                order_by: context.at
                on_failure: block
                coalesce: true
                on_gone: insert
                relay: {each: source.items, key: row.id, removed: keep}
                fields: {maker: {lookup: Bundle Maker, key: row.maker}}
                write_back: {synced: {value: true}}
              Bundle Maker: {source: iso.Maker, target: registry.Maker, fields: {}}
            """
        let type = try #require(
            try FerryConfiguration.read(Array(text.utf8), file: "ferry.yaml", environment: [:]).types.all.first)
        #expect(
            TypesCheckCommand.plan(type, style: .plain) == [
                "Bundle Sync (bundle_sync): iso.Bundle → registry.Item, queue short, timeout 1m",
                "  on update, rename of iso.Bundle",
                "  on update of iso.Box, source named by document.bundle, context why ← the constant \"box\", at ← document.at",
                "  jobs of one context.at run one at a time, in arrival order",
                "  a failed job that will be retried holds up the later ones of its key",
                "  of the waiting jobs of one key, only the latest runs",
                "  a target that was deleted by hand is inserted anew",
                "  a target for each row of source.items, by row.id; targets of rows that are gone are kept",
                "  maker ← the target that Bundle Maker has for row.maker, tried again until it has one",
                "  writes back synced ← the constant true",
            ])
        let json = try #require(type.json.objectValue)
        #expect(json["order_by"] == "context.at" && json["on_failure"] == "block" && json["coalesce"] == true)
        #expect(json["exclusive"] == false && json["on_gone"] == "insert" && json["controller"] == "multiple")
        let trigger = json["triggers"]?.arrayValue?.last?.objectValue
        #expect(trigger?["context"]?.canonicalText == #"{"at":"document.at","why":{"value":"box"}}"#)
    }

    @Test("the JSON has the names of the specification")
    func json() throws {
        let object = try #require(try types.first?.json.objectValue)
        #expect(object["slug"] == "country_sync")
        #expect(object["triggers"]?.canonicalText == #"[{"document":"iso.Country","events":["insert","update"]}]"#)
        for field in ["timeout", "retry_delay", "max_retries", "insert_enabled", "update_without_changes_enabled"] {
            #expect(object[field] != nil, "\(field)")
        }
    }

    @Test("each rule of a mapping knows the field it uses and its line")
    func fieldUses() throws {
        let type = try #require(try types.first)
        let controller = try #require(type.controller as? MappingController)
        let uses = FieldUse.all(by: controller, of: type)
        #expect(Set(uses.flatMap(\.fields)) == ["alpha_2", "name", "code", "label"])
        #expect(uses.flatMap(\.matches) == [["code"]])
        #expect(uses.first { $0.fields == ["label"] }?.place == "types.Country Sync.fields.label")
        #expect(uses.first { $0.fields == ["label"] }?.line == 9)
    }
}
