// Entries of `types:`: what is read, and every problem with its exact text.
import SyncJobs
import Testing

@Suite("A type's definition")
struct TypeDefinitionTests {
    struct Nothing: SingleTargetController {
        func update(_ target: inout Document, for job: JobHandle) async throws {}
    }

    private func read(_ text: String, controllers: [String: any SyncController] = [:]) throws -> SyncJobType {
        var problems: [ConfigProblem] = []
        let type = SyncJobTypeDefinition.read(
            name: "SAP Customer Sync", node: try config(text), controllers: controllers, functions: [:],
            problems: &problems)
        return try #require(type, "\(problems)")
    }

    @Test("gets the defaults of the specification")
    func defaults() throws {
        let type = try read("source: erp.Customer\ntarget: shop.Account\nfields: {\"a\": \"source.b\"}")
        #expect(type.slug == "sap_customer_sync")
        #expect(type.source == DocumentType(system: "erp", name: "Customer"))
        #expect(type.target == DocumentType(system: "shop", name: "Account"))
        #expect(type.queue == "default")
        #expect(type.timeout == .seconds(300))
        #expect(type.retryPolicy == RetryPolicy())
        #expect(type.flags == SyncFlags())
        #expect(!type.isDisabled)
        #expect(type.triggers.isEmpty)
    }

    @Test("takes everything that it may say")
    func everything() throws {
        let type = try read(
            """
            slug: customers
            source: erp.Customer
            target: shop.Account
            queue: long
            retry_delay: 0s
            backoff: exponential
            max_retry_delay: 1h30m
            jitter: 0.5
            max_retries: 0
            insert_enabled: false
            update_enabled: false
            delete_enabled: false
            update_without_changes_enabled: true
            verbose_logging: true
            disabled: true
            order_by: context.region
            coalesce: true
            exclusive: false
            on_failure: block
            on_gone: insert
            triggers:
              - {"document": "erp.Customer", "events": ["insert", "update", "delete", "rename"], "when": "document.kind == 'A'"}
              - {"document": "erp.Contact", "events": "update", "source_name": "document.customer", "context": {"region": "document.region", "why": {"value": "contact"}}}
            fields: {"a": "source.b"}
            on_delete: keep
            write_back: {"account": "job.target_document_name"}
            """)
        #expect(type.slug == "customers")
        #expect(type.timeout == .seconds(1500), "the default of the queue long")
        #expect(type.retryPolicy.delay == .zero)
        #expect(type.retryPolicy.backoff == .exponential)
        #expect(type.retryPolicy.maximumDelay == .seconds(5400))
        #expect(type.retryPolicy.jitter == 0.5)
        #expect(type.retryPolicy.maxRetries == 0)
        #expect(!type.flags.insertEnabled && !type.flags.updateEnabled && !type.flags.deleteEnabled)
        #expect(type.flags.updateWithoutChangesEnabled && type.flags.verboseLogging)
        #expect(type.isDisabled)
        #expect(type.triggers.count == 2)
        #expect(type.orderBy?.description == "context.region")
        #expect(type.coalesces && !type.isExclusive && type.onFailure == .block && type.onGone == .insert)
        #expect(type.triggers[0].events == [.insert, .update, .delete, .rename])
        #expect(type.triggers[0].when?.description == "document.kind == 'A'")
        #expect(type.triggers[1].sourceName?.description == "document.customer")
        #expect(
            type.triggers[1].context == [
                Trigger.ContextField(field: "region", value: .path(try Path("document.region"))),
                Trigger.ContextField(field: "why", value: .constant("contact")),
            ])
        #expect(type.controller is MappingController)
    }

    @Test("takes a registered controller, with or without a target")
    func controller() throws {
        let type = try read("source: erp.Customer\ncontroller: nation", controllers: ["nation": Nothing()])
        #expect(type.controller is Nothing)
        #expect(type.target == nil)
    }

    @Test("with relay has a target for each row")
    func relay() throws {
        let type = try read(
            """
            source: erp.Bundle
            target: shop.Item
            relay: {"each": "source.items", "key": "row.id", "removed": "keep"}
            fields: {"bundle": "job.source_document_name", "quantity": "row.qty"}
            """)
        guard case .multiple(let controller) = type.controller.way else {
            Issue.record("the way is \(type.controller.way.name)")
            return
        }
        #expect(controller is MappingRelayController && !controller.runsRelayFinished)
    }

    struct Export: BypassController {
        func execute(_ job: JobHandle) async throws -> BypassResult { .noTarget }
    }

    @Test("takes controllers of all three ways; a bypass one may hold a lease")
    func ways() throws {
        let type = try read(
            "source: erp.Customer\ncontroller: export\nexclusive: true\norder_by: job.queue",
            controllers: ["export": Export()])
        #expect(type.isExclusive && type.target == nil)
        #expect(type.controller.way.name == "bypass")
    }

    @Test(
        "tells a problem with line, place and remedy",
        arguments: [
            (
                "fields: {}\nqeue: long",
                "line 4: types.T.qeue: a sync job type has no key \"qeue\" (did you mean queue?)"
            ),
            (
                "fields: {}\ntimeout: 30",
                "line 4: types.T.timeout: timeout is a bare number; seconds or minutes? (write it with its unit: 500ms, 30s, 5m, 2h, 1h30m)"
            ),
            (
                "fields: {}\ntimeout: 0s",
                "line 4: types.T.timeout: timeout is no duration above 0 and at most 366d (write it with its unit: 500ms, 30s, 5m, 2h, 1h30m)"
            ),
            (
                "fields: {}\nretry_delay: soon",
                "line 4: types.T.retry_delay: retry_delay is no duration of at most 366d (write it with its unit: 500ms, 30s, 5m, 2h, 1h30m)"
            ),
            (
                "fields: {}\nmax_retries: -1",
                "line 4: types.T.max_retries: max_retries is no whole number from 0 to 1000000 (write a number without quotes)"
            ),
            (
                "fields: {}\njitter: 2",
                "line 4: types.T.jitter: jitter is no fraction from 0 to 1 (write a number such as 0.1)"
            ),
            (
                "fields: {}\nbackoff: exponentil",
                "line 4: types.T.backoff: backoff is \"exponentil\" (did you mean exponential?)"
            ),
            (
                "fields: {}\nbackoff: quickly",
                "line 4: types.T.backoff: backoff is \"quickly\" (write one of fixed, exponential)"
            ),
            ("fields: {}\ndisabled: yes", "line 4: types.T.disabled: disabled is a text (write true or false)"),
            (
                "fields: {}\nslug: SAP Sync",
                "line 4: types.T.slug: \"SAP Sync\" is no slug for the type \"T\" (write slug: with letters a–z, digits and _, at most 100)"
            ),
            (
                "queue: short",
                "line 1: types.T: the type says neither fields nor a controller (write fields: {target field: source.field}, or controller: with a registered name)"
            ),
            (
                "controller: nations",
                "line 3: types.T.controller: no controller \"nations\" is registered (did you mean nation?)"
            ),
            (
                "controller: nation\nfields: {}",
                "line 3: types.T.controller: fields beside a controller (write a mapping or a controller, not both)"
            ),
            (
                "fields: {}\norder_by: source.x",
                "line 4: types.T.order_by: source.x: the root source has no meaning here (here, paths begin with context., job., document.)"
            ),
            (
                "fields: {}\norder_by: job.dedup",
                "line 4: types.T.order_by: the job has no field \"dedup\" (known: id, sync_job_type, source_document_type, source_document_name, old_source_document_name, source_version, document, operation, target_document_type, target_document_name, context, queue, timeout, retry_delay, max_retries, trigger_type, triggered_by_document_type, triggered_by_document_name, trigger_document_timestamp, insert_enabled, update_enabled, delete_enabled, update_without_changes_enabled, verbose_logging, dry_run, parent_sync_job, target_key, hops, not_before, dedup_key, hold, relay_finished)"
            ),
            (
                "fields: {}\non_failure: wait",
                "line 4: types.T.on_failure: on_failure is \"wait\" (write one of overtake, block)"
            ),
            (
                "fields: {}\ncoalesce: always",
                "line 4: types.T.coalesce: coalesce is a text (write true or false)"
            ),
            (
                "fields: {}\non_gone: recreate",
                "line 4: types.T.on_gone: on_gone is \"recreate\" (write one of fail, insert)"
            ),
            (
                "fields: {}\nexclusive: true",
                "line 4: types.T.exclusive: exclusive is for a bypass controller, whose side effects Ferry can't compare before it writes (leave it out: here every write is conditional, and a key's jobs run one at a time)"
            ),
            (
                "controller: nation\nexclusive: true",
                "line 4: types.T.exclusive: exclusive is for a bypass controller, whose side effects Ferry can't compare before it writes (leave it out: here every write is conditional, and a key's jobs run one at a time)"
            ),
            (
                "controller: export\non_gone: insert",
                "line 4: types.T.on_gone: on_gone has no meaning for a bypass controller, which finds its target itself (leave it out)"
            ),
            (
                "controller: nation\nwrite_back: {\"a\": \"job.id\"}\nrelay: {\"each\": \"source.items\", \"key\": \"row.id\", \"removed\": \"keep\"}",
                "line 3: types.T.controller: write_back, relay beside a controller (write a mapping or a controller, not both)"
            ),
            (
                "fields: {}\ntriggers: {}",
                "line 4: types.T.triggers: triggers is a map (write a list: - {document: erp.Customer, events: [insert, update]})"
            ),
            (
                "fields: {}\ntriggers: [{\"document\": \"erp.Customer\"}]",
                "line 4: types.T.triggers[0]: events is missing (write events: [insert, update, delete], or some of them)"
            ),
            (
                "fields: {}\ntriggers: [{\"events\": [\"update\"]}]",
                "line 4: types.T.triggers[0]: document is missing (write document: system.Type, such as erp.Customer)"
            ),
            (
                "fields: {}\ntriggers: [{\"document\": \"Customer\", \"events\": \"update\"}]",
                "line 4: types.T.triggers[0].document: document is \"Customer\", which names no document type (write document: system.Type, such as erp.Customer)"
            ),
            (
                "fields: {}\ntriggers: [{\"document\": \"erp.Customer\", \"events\": [\"updated\"]}]",
                "line 4: types.T.triggers[0].events[0]: events is \"updated\" (did you mean update?)"
            ),
            (
                "fields: {}\ntriggers: [{\"document\": \"erp.Contact\", \"events\": [\"rename\"], \"source_name\": \"document.c\"}]",
                "line 4: types.T.triggers[0].events: rename has a meaning only for erp.Customer itself (leave it out here; a rename of another document changes no source's name)"
            ),
            (
                "fields: {}\ntriggers: [{\"document\": \"erp.Customer\", \"events\": \"update\", \"context\": \"all\"}]",
                "line 4: types.T.triggers[0].context: context is a text (write {field: document.field, other: {value: …}})"
            ),
            (
                "fields: {}\ntriggers: [{\"document\": \"erp.Customer\", \"events\": \"update\", \"context\": {\"a\": \"North\"}}]",
                "line 4: types.T.triggers[0].context.a: \"North\" is no path (a constant? write {value: North}; paths begin with document.)"
            ),
            (
                "fields: {}\ntriggers: [{\"document\": \"erp.Customer\", \"events\": \"update\", \"context\": {\"a\": {\"from\": \"document.a\"}}}]",
                "line 4: types.T.triggers[0].context.a: this is neither a path nor a constant (write {field: document.field, other: {value: …}})"
            ),
            (
                "fields: {}\ntriggers: [{\"document\": \"erp.Contact\", \"events\": [\"update\"]}]",
                "line 4: types.T.triggers[0]: a trigger on erp.Contact does not say which erp.Customer it means (write source_name: document.field, the field that holds the source's name)"
            ),
            (
                "fields: {}\ntriggers: [{\"document\": \"erp.Customer\", \"events\": [\"update\"], \"when\": \"source.a\"}]",
                "line 4: types.T.triggers[0].when: source.a: the root source has no meaning here (here, paths begin with document.)"
            ),
            (
                "fields: {}\ntriggers: [{\"document\": \"erp.Customer\", \"events\": [\"delete\"]}]",
                "line 1: types.T: a trigger has delete, and on_delete does not say what that means (write on_delete: delete, keep or {update: {target field: {value: …}}})"
            ),
        ])
    func problem(text: String, expected: String) throws {
        #expect(try problems(text, controllers: ["nation": Nothing(), "export": Export()]) == [expected])
    }

    @Test("needs source and target, and names them as system.Type")
    func sourceAndTarget() throws {
        #expect(
            try rawProblems("fields: {}") == [
                "line 1: types.T: source is missing (write system.Type, such as erp.Customer)",
                "line 1: types.T: target is missing (write system.Type, such as shop.Account)",
            ])
        #expect(
            try rawProblems("source: Customer\ntarget: 5\nfields: {}") == [
                "line 1: types.T.source: source is \"Customer\", which names no document type (write system.Type, such as erp.Customer)",
                "line 2: types.T.target: target is a number, which names no document type (write system.Type, such as shop.Account)",
            ])
        #expect(
            try rawProblems("- a").first?.hasPrefix("line 1: types.T: a sync job type is a list, and has to be a map")
                == true)
    }

    @Test("with a name that has no slug needs one")
    func noSlug() throws {
        var problems: [ConfigProblem] = []
        let node = try config("source: a.B\ntarget: c.D\nfields: {}")
        _ = SyncJobTypeDefinition.read(name: "日本", node: node, controllers: [:], functions: [:], problems: &problems)
        #expect(problems.map(\.message) == ["\"\" is no slug for the type \"日本\""])
    }

    @Test("tells all problems at once")
    func allAtOnce() throws {
        let found = try problems(
            "timeout: 5\nqeue: x\nfields:\n  a: Germany\n  b: {\"form\": \"source.a\"}\nwhen: source.a =")
        #expect(found.count == 6, "\(found)")
    }
}
