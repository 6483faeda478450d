// Mistakes in a mapping, each with its exact text; and what start-up checks and people get to see of a good one.
import SyncJobs
import Testing

@Suite("A mapping's configuration")
struct MappingProblemTests {
    @Test(
        "with a mistake says line, place and remedy",
        arguments: [
            (
                "fields:\n  c: Germany",
                "line 4: types.T.fields.c: \"Germany\" is no path (a constant? write {value: Germany}; paths begin with source., context., job.)"
            ),
            ("fields:\n  c: 5", "line 4: types.T.fields.c: a number is no path (a constant? write {value: 5})"),
            ("fields:\n  c: true", "line 4: types.T.fields.c: a boolean is no path (a constant? write {value: true})"),
            ("fields:\n  c: null", "line 4: types.T.fields.c: null is no path (a constant? write {value: null})"),
            (
                "fields:\n  c: [\"source.a\"]",
                "line 4: types.T.fields.c: a list is no path (a constant? write {value: …})"
            ),
            (
                "fields:\n  c: source",
                "line 4: types.T.fields.c: \"source\" names no field at character 1 (write source.field)"
            ),
            (
                "fields:\n  c: row.a",
                "line 4: types.T.fields.c: row.a: the root row has no meaning here (here, paths begin with source., context., job.)"
            ),
            (
                "fields:\n  c: document.a",
                "line 4: types.T.fields.c: document.a: the root document has no meaning here (here, paths begin with source., context., job.)"
            ),
            (
                "fields:\n  c: job.source_name",
                "line 4: types.T.fields.c: the job has no field \"source_name\" (known: id, sync_job_type, source_document_type, source_document_name, source_version, operation, target_document_type, target_document_name, target_key, queue, trigger_type, triggered_by_document_type, triggered_by_document_name, trigger_document_timestamp, parent_sync_job, dry_run, retry_count)"
            ),
            (
                "fields:\n  c: job.operaton",
                "line 4: types.T.fields.c: the job has no field \"operaton\" (did you mean job.operation?)"
            ),
            (
                "fields:\n  c: {\"form\": \"source.a\", \"value\": 1}",
                "line 4: types.T.fields.c.form: a field rule has no key \"form\" (did you mean from?)"
            ),
            (
                "fields:\n  c: {}",
                "line 4: types.T.fields.c: the rule does not say where the value comes from (write one of from: (a path), value: (a constant), text: (a template), lookup: (a type))"
            ),
            (
                "fields:\n  c: {\"from\": \"source.a\", \"value\": null}",
                "line 4: types.T.fields.c: from, value at once (write one of from: (a path), value: (a constant), text: (a template), lookup: (a type))"
            ),
            (
                "fields:\n  c: {\"lookup\": \"Staff Sync\"}",
                "line 4: types.T.fields.c: key is missing beside lookup (write {lookup: name of a type, key: source.field})"
            ),
            (
                "fields:\n  c: {\"lookup\": 5, \"key\": \"source.rep\"}",
                "line 4: types.T.fields.c.lookup: lookup is a number (write a text; quotes make one)"
            ),
            (
                "fields:\n  c: {\"lookup\": \"Staff Sync\", \"key\": \"rep\"}",
                "line 4: types.T.fields.c.key: \"rep\" is no path (a constant? write {value: rep}; paths begin with source., context., job.)"
            ),
            (
                "fields:\n  c: {\"lookup\": \"Staff Sync\", \"key\": \"source.rep\", \"missing\": \"later\"}",
                "line 4: types.T.fields.c.missing: missing is \"later\" (write one of retry, fail, null)"
            ),
            (
                "fields:\n  c: {\"lookup\": \"Staff Sync\", \"from\": \"source.rep\"}",
                "line 4: types.T.fields.c: from, lookup at once (write one of from: (a path), value: (a constant), text: (a template), lookup: (a type))"
            ),
            (
                "fields:\n  c: {\"from\": \"source.rep\", \"missing\": \"retry\"}",
                "line 4: types.T.fields.c.missing: missing without lookup (leave it out, or add lookup:)"
            ),
            (
                "fields: {}\nwrite_back: {\"a\": {\"from\": \"job.target_document_name\", \"only\": \"insert\"}}",
                "line 4: types.T.write_back.a.only: only: insert has no meaning here (leave it out)"
            ),
            (
                "fields: {}\nwrite_back: {\"a\": \"row.b\"}",
                "line 4: types.T.write_back.a: row.b: the root row has no meaning here (here, paths begin with source., context., job.)"
            ),
            (
                "fields: {}\non_delete: keep\nrelay: {\"key\": \"row.id\"}",
                "line 5: types.T.relay: each is missing (write each: source.field)"
            ),
            (
                "fields: {}\non_delete: keep\nrelay: {\"each\": \"source.items\"}",
                "line 5: types.T.relay: key is missing (write key: row.field)"
            ),
            (
                "fields: {}\non_delete: keep\nrelay: {\"each\": \"row.items\", \"key\": \"row.id\"}",
                "line 5: types.T.relay.each: row.items: the root row has no meaning here (here, paths begin with source., context., job.)"
            ),
            (
                "fields: {}\non_delete: keep\nrelay: {\"each\": \"source.items\", \"key\": \"row.id\", \"removed\": \"delete\"}",
                "line 5: types.T.relay.removed: removed is \"delete\" (write one of on_delete, keep)"
            ),
            (
                "fields: {}\nrelay: {\"each\": \"source.items\", \"key\": \"row.id\"}",
                "line 4: types.T.relay: targets of rows that are gone get on_delete, and the type has none (write on_delete: for the type, or removed: keep here)"
            ),
            (
                "fields: {}\nwhen: row.a\non_delete: keep\nrelay: {\"each\": \"source.items\", \"key\": \"row.id\"}",
                "line 4: types.T.when: row.a: the root row has no meaning here (here, paths begin with source., context., job.)"
            ),
            ("fields:\n  c: {\"text\": 5}", "line 4: types.T.fields.c.text: text: is no text (put it in quotes)"),
            (
                "fields:\n  c: {\"text\": \"a {source.b\"}",
                "line 4: types.T.fields.c.text: a { is opened and not closed at character 3 (close it with }, or write {{ for a brace)"
            ),
            (
                "fields:\n  c: {\"text\": \"a } b\"}",
                "line 4: types.T.fields.c.text: a } without its { at character 3 (write }} for a brace)"
            ),
            (
                "fields:\n  c: {\"text\": \"a {b}\"}",
                "line 4: types.T.fields.c.text: \"b\" is no root of a path at character 4 (a path begins with source.…, row.…, context.…, job.…, document.…)"
            ),
            (
                "fields:\n  c: {\"text\": \"a {row.b}\"}",
                "line 4: types.T.fields.c.text: row.b: the root row has no meaning here (here, paths begin with source., context., job.)"
            ),
            (
                "fields:\n  c: {\"from\": \"source.a\", \"as\": \"trimm\"}",
                "line 4: types.T.fields.c.as: as: \"trimm\" is no conversion (did you mean trim?)"
            ),
            (
                "fields:\n  c: {\"from\": \"source.a\", \"as\": [\"trim\", \"decimal\"]}",
                "line 4: types.T.fields.c.as[1]: as: \"decimal\" is no conversion (write decimal(n) with n places, 0 to 30)"
            ),
            (
                "fields:\n  c: {\"from\": \"source.a\", \"as\": \"decimal(31)\"}",
                "line 4: types.T.fields.c.as: as: \"decimal(31)\" is no conversion (write decimal(n) with n places, 0 to 30)"
            ),
            (
                "fields:\n  c: {\"from\": \"source.a\", \"map\": {}}",
                "line 4: types.T.fields.c.map: map is a map (write {from this: to that})"
            ),
            (
                "fields:\n  c: {\"from\": \"source.a\", \"otherwise\": \"keep\"}",
                "line 4: types.T.fields.c.otherwise: otherwise without map (add map:, or write default:)"
            ),
            (
                "fields:\n  c: {\"from\": \"source.a\", \"map\": {\"a\": 1}, \"otherwise\": \"fial\"}",
                "line 4: types.T.fields.c.otherwise: otherwise is \"fial\" (did you mean fail?)"
            ),
            (
                "fields:\n  c: {\"from\": \"source.a\", \"using\": \"normalize_vat\"}",
                "line 4: types.T.fields.c.using: no function \"normalize_vat\" is registered (did you mean normalise_vat?)"
            ),
            (
                "fields:\n  c: {\"from\": \"source.a\", \"only\": \"update\"}",
                "line 4: types.T.fields.c.only: only is \"update\" (write one of insert, empty)"
            ),
            (
                "fields: source.a",
                "line 3: types.T.fields: a text where a map is due (write {target field: source.field})"
            ),
            (
                "fields: {}\nwhen: source.a = 5",
                "line 4: types.T.when: a single = is not known here at character 10 (write == to compare)"
            ),
            (
                "fields: {}\nwhen: true",
                "line 4: types.T.when: a boolean is no condition (write one such as source.kind == \"A\")"
            ),
            (
                "fields: {}\nwhen: row.a",
                "line 4: types.T.when: row.a: the root row has no meaning here (here, paths begin with source., context., job.)"
            ),
            (
                "fields: {}\nrequire: [\"customer_name\"]",
                "line 4: types.T.require[0]: \"customer_name\" is no path (a constant? write {value: customer_name}; paths begin with source., context., job.)"
            ),
            (
                "fields: {}\nmatch: {}",
                "line 4: types.T.match: match names no field (write {target field: source.field})"
            ),
            (
                "fields: {}\nmatch: {\"a\": {\"from\": \"source.a\", \"only\": \"insert\"}}",
                "line 4: types.T.match.a.only: only has no meaning here (leave it out)"
            ),
            (
                "fields: {}\non_delete: remove",
                "line 4: types.T.on_delete: on_delete is \"remove\" (write delete, keep or {update: {target field: {value: …}}})"
            ),
            (
                "fields: {}\non_delete: {\"update\": {}}",
                "line 4: types.T.on_delete: on_delete names no field to update (write delete, keep or {update: {target field: {value: …}}})"
            ),
            (
                "fields: {}\non_delete: {\"update\": {\"status\": \"Closed\"}}",
                "line 4: types.T.on_delete.update.status: \"Closed\" is no path (a constant? write {value: Closed}; paths begin with source., context., job.)"
            ),
            (
                "tables: {\"a\": {\"from\": \"source.a\"}}",
                "line 3: types.T.tables.a: row_key is missing (write row_key: {target field: row.field})"
            ),
            (
                "tables: {\"a\": {\"row_key\": {\"id\": \"row.id\"}}}",
                "line 3: types.T.tables.a: from is missing (write from: source.field)"
            ),
            (
                "tables: {\"a\": {\"from\": \"source.a\", \"row_key\": \"row.id\"}}",
                "line 3: types.T.tables.a.row_key: row_key is no map with one entry (write row_key: {target field: row.field})"
            ),
            (
                "tables: {\"a\": {\"from\": \"source.a\", \"row_key\": {\"a\": \"row.a\", \"b\": \"row.b\"}}}",
                "line 3: types.T.tables.a.row_key: row_key is no map with one entry (write row_key: {target field: row.field})"
            ),
            (
                "tables: {\"a\": {\"from\": \"source.a\", \"row_key\": {\"a\": \"row.a\"}, \"removed\": \"drop\"}}",
                "line 3: types.T.tables.a.removed: removed is \"drop\" (write one of delete, keep)"
            ),
            (
                "tables: {\"a\": {\"from\": \"source.a\", \"row_key\": {\"a\": \"row.a\"}, \"fields\": {\"a\": \"row.b\"}}}",
                "line 3: types.T.tables.a.fields.a: \"a\" is the row_key already (leave it out of fields)"
            ),
            (
                "fields: {\"a\": \"source.a\"}\ntables: {\"a\": {\"from\": \"source.a\", \"row_key\": {\"id\": \"row.id\"}}}",
                "line 4: types.T.tables.a: \"a\" stands below fields and below tables (map it once)"
            ),
        ])
    func mistake(text: String, expected: String) throws {
        #expect(try problems(text, functions: ["normalise_vat": { $0 }]) == [expected])
    }

    private func mapping() throws -> Mapping {
        let bench = try MappingBench(
            """
            when: not source.disabled
            require: ["source.customer_name"]
            match: {"erp_code": "job.source_document_name"}
            fields:
              erp_code: {"from": "job.source_document_name", "only": "insert"}
              contact: {"from": "source.email", "as": ["trim", "lower"]}
              limit: {"from": "source.credit_limit", "as": "decimal(2)", "default": 0}
              segment: {"from": "source.group", "map": {"A": "key", "B": "retail"}, "otherwise": "fail"}
              greeting: {"text": "Dear {source.name}"}
              channel: {"value": "ERP"}
              vat: {"from": "source.vat", "using": "normalise_vat"}
            tables:
              addresses:
                from: source.addresses
                row_key: {"erp_row": "row.id"}
                when: row.kind in ["Billing"]
                fields: {"street": "row.line1"}
            on_delete: {"update": {"status": {"value": "Closed"}}}
            """, functions: ["normalise_vat": { $0 }])
        return try #require(bench.type.controller as? MappingController).mapping
    }

    @Test("is explained in words")
    func explained() throws {
        #expect(
            try mapping().explain() == [
                "when not source.disabled", "requires source.customer_name",
                "matches erp_code ← job.source_document_name",
                "erp_code ← job.source_document_name, only on insert", "contact ← source.email, as trim, lower",
                "limit ← source.credit_limit, as decimal(2), 0 when missing or null",
                "segment ← source.group, mapped A → \"key\", B → \"retail\", otherwise fail",
                "greeting ← the text \"Dear {source.name}\"", "channel ← the constant \"ERP\"",
                "vat ← source.vat, using normalise_vat",
                "addresses ← rows of source.addresses, paired by erp_row ← row.id, only those where row.kind in [\"Billing\"]; rows that are gone are deleted",
                "addresses.street ← row.line1", "on delete: status ← the constant \"Closed\"",
            ])
    }

    @Test("tells start-up checks its target fields, tables and source paths")
    func columns() throws {
        let mapping = try mapping()
        let fields = mapping.targetFields.map { ($0.table.map { $0 + "." } ?? "") + $0.field }
        #expect(
            Set(fields) == [
                "erp_code", "contact", "limit", "segment", "greeting", "channel", "vat", "status", "addresses.erp_row",
                "addresses.street",
            ])
        #expect(mapping.targetFields.filter(\.isRowKey).map(\.field) == ["erp_row"])
        #expect(mapping.targetFields.allSatisfy { $0.line > 2 })
        let paths = mapping.sourcePaths.map { ($0.rows.map { "\($0): " } ?? "") + $0.path.description }
        #expect(
            Set(paths) == [
                "source.disabled", "source.customer_name", "job.source_document_name", "source.email",
                "source.credit_limit", "source.group", "source.name", "source.vat", "source.addresses",
                "source.addresses: row.id", "source.addresses: row.kind", "source.addresses: row.line1",
            ])
    }

    @Test("has to fit the row keys that the target declares")
    func rowKeys() throws {
        let mapping = try mapping()
        #expect(mapping.problems(target: DocumentShape(tables: ["addresses": TableShape(rowKey: "erp_row")])).isEmpty)
        #expect(
            mapping.problems(target: DocumentShape()).map(\.message)
                == ["the target declares no child table \"addresses\""])
        #expect(
            mapping.problems(target: DocumentShape(tables: ["addresses": TableShape(rowKey: "id")])).map(\.message)
                == ["rows are paired by \"erp_row\", the target declares \"id\""])
    }
}
