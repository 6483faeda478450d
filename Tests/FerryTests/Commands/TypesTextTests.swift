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
                    schedules:
                      nightly: {cron: 30 2 * * *, zone: Europe/Berlin, source_name: NO, context: {full: true}, missed: skip}
                      one: {cron: '@monthly', source_name: DE, overlap: allow}
                    triggers: [{document: iso.Country, events: [update, insert]}]
                    match: {code: source.alpha_2}
                    fields: {label: source.name}
                """
            return try FerryConfiguration.read(Array(text.utf8), file: "ferry.yaml", environment: [:]).types.all
        }
    }

    /// The evening before the clocks of Berlin go forward.
    private let now = Timestamp(microseconds: 1_774_728_000_000_000)

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
            TypesCheckCommand.plan(type, now: now, style: .plain) == [
                "Country Sync (country_sync): iso.Country → registry.Nation, queue short, timeout 1m",
                "  on insert, update of iso.Country",
                "  schedule nightly: 30 2 * * * in Europe/Berlin, source NO, next due 2026-03-29T01:00:00Z, overlap skip, missed skip",
                "  schedule one: @monthly in UTC, source DE, next due 2026-04-01T00:00:00Z, overlap allow, missed run_once",
                "  matches code ← source.alpha_2",
                "  label ← source.name",
            ])
    }

    @Test("a disabled type's schedules are due never")
    func disabledSchedules() throws {
        var type = try #require(try types.first)
        type.isDisabled = true
        let plan = TypesCheckCommand.plan(type, now: now, style: .plain)
        #expect(
            plan.contains("  schedule nightly: 30 2 * * * in Europe/Berlin, source NO, overlap skip, missed skip"),
            "\(plan)")
        let schedules = TypesCheckCommand.schedules(of: type, after: now).arrayValue
        #expect(schedules?.first?.objectValue?["next_due"] == .null)
    }

    @Test("the JSON of schedules has the keys of the configuration, and of the plan when they are due next")
    func schedulesJSON() throws {
        let type = try #require(try types.first)
        let listed = try #require(type.json.objectValue?["schedules"])
        #expect(
            listed.canonicalText
                == #"[{"context":{"full":true},"cron":"30 2 * * *","missed":"skip","name":"nightly","overlap":"skip","#
                + #""source_name":"NO","zone":"Europe/Berlin"},{"cron":"@monthly","missed":"run_once","name":"one","overlap":"allow","#
                + #""source_name":"DE","zone":"UTC"}]"#)
        let planned = try #require(TypesCheckCommand.schedules(of: type, after: now).arrayValue)
        #expect(
            planned.map { $0.objectValue?["next_due"] } == ["2026-03-29T01:00:00Z", "2026-04-01T00:00:00Z"])
        #expect(planned.first?.objectValue?["name"] == "nightly")
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
            TypesCheckCommand.plan(type, now: now, style: .plain) == [
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
        #expect(uses.first { $0.fields == ["label"] }?.line == 12)
    }
}
