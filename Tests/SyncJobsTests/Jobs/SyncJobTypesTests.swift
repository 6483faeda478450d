// Types and what their configuration is written with: slugs, flags, timeouts, durations, suggestions.
import SyncJobs
import Testing

private struct Nothing: SingleTargetController {
    func update(_ target: inout Document, for job: JobHandle) async throws {}
}

private let source = DocumentType(system: "erp", name: "Customer")

private func type(_ name: String, slug: String? = nil) -> SyncJobType {
    SyncJobType(name: name, slug: slug, source: source, target: nil, controller: Nothing())
}

@Suite("A duration")
struct DurationTextTests {
    @Test(
        "is read with its unit",
        arguments: [
            ("500ms", Duration.milliseconds(500)), ("30s", .seconds(30)), ("5m", .seconds(300)),
            ("2h", .seconds(7_200)),
            ("7d", .seconds(604_800)), ("1h30m", .seconds(5_400)), ("0s", .zero), ("90m", .seconds(5_400)),
        ])
    func reads(text: String, duration: Duration) {
        #expect(Duration(text: text) == duration)
    }

    @Test(
        "is none without one",
        arguments: [
            "", "5", "5 m", "m", "-5s", "1.5h", "5M", "5min", "s5", "5s6", "5s\n", "٥s", "9999999999999s", "1e3s",
        ])
    func refuses(text: String) {
        #expect(Duration(text: text) == nil)
    }

    @Test("is written as the sum of whole units", arguments: ["90s", "5m", "1h30m", "250ms", "1d2h3m4s5ms", "0s"])
    func writes(text: String) throws {
        let duration = try #require(Duration(text: text))
        #expect(Duration(text: duration.text) == duration)
        #expect(duration.text == (text == "90s" ? "1m30s" : text))
    }
}

@Suite("Types")
struct SyncJobTypesTests {
    @Test(
        "have slugs of ASCII letters, digits and single underscores",
        arguments: [
            ("SAP Customer Sync", "sap_customer_sync"), ("  A--b ", "a_b"), ("Größe 2", "gr_e_2"), ("日本", ""),
            ("a_b", "a_b"),
        ])
    func slugs(name: String, slug: String) {
        #expect(name.slug == slug)
    }

    @Test("are found by name and by slug")
    func found() throws {
        let types = try SyncJobTypes([type("A Sync"), type("B Sync", slug: "other")])
        #expect(
            types["A Sync"]?.slug == "a_sync" && types["a_sync"]?.name == "A Sync" && types["other"]?.name == "B Sync")
        #expect(types["b_sync"] == nil && types[""] == nil)
        #expect(types.all.map(\.name) == ["A Sync", "B Sync"])
    }

    @Test("with empty or colliding names or slugs are refused")
    func collisions() {
        for pair in [
            [type("日本")], [type("A b"), type("a B")], [type("A", slug: "X")], [type("A"), type("A", slug: "b")],
        ] {
            let failure = #expect(throws: JobFailure.self) { try SyncJobTypes(pair) }
            #expect(failure?.code == .invalidField)
        }
    }

    @Test(
        "have the timeout of their queue",
        arguments: [("short", 60), ("default", 300), ("long", 1_500), ("other", 300)])
    func timeouts(queue: String, seconds: Int) {
        #expect(
            SyncJobType(name: "T", source: source, target: nil, queue: queue, controller: Nothing()).timeout
                == .seconds(seconds))
    }

    @Test("have flags that a job overrides one by one")
    func flags() {
        var overrides = SyncFlagOverrides()
        overrides.insertEnabled = false
        overrides.verboseLogging = true
        let flags = overrides.applied(to: SyncFlags())
        #expect(!flags.insertEnabled && flags.verboseLogging && flags.updateEnabled && flags.deleteEnabled)
        #expect(SyncFlagOverrides().applied(to: flags) == flags)
    }

    @Test(
        "and keys are suggested where one is nearly met",
        arguments: [("qeue", "queue"), ("Timeout", "timeout"), ("retry_dealy", "retry_delay"), ("xyz", nil), ("", nil)]
            as [(String, String?)])
    func suggestions(text: String, nearest: String?) {
        #expect(text.nearest(among: ["queue", "timeout", "retry_delay"]) == nearest)
    }
}
