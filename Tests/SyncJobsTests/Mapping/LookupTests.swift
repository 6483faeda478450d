// Lookups: a value of the source becomes the name of the target that another type has bound.
import SyncJobs
import Testing

@Suite("A lookup")
struct LookupTests {
    private static let staff = DocumentType(system: "erp", name: "Staff")

    /// A bench with a type "Staff Sync" beside it, by which EMP-7 is bound to the target 42.
    private func bench(_ rule: String) throws -> MappingBench {
        var bench = try MappingBench("fields:\n  owner: \(rule)")
        let staffSync = try MappingBench.type("Staff Sync", "fields: {}", source: "erp.Staff", target: "shop.User")
        bench.services.types = [staffSync, bench.type]
        bench.services.bindings = [
            Self.binding("EMP-7", to: "42"), Self.binding("EMP-8", to: "43", isDeleted: true),
            Self.binding("caf\u{E9}", to: "44"),
        ]
        return bench
    }

    private static func binding(_ name: String, to target: String, isDeleted: Bool = false) -> Binding {
        Binding(
            key: BindingKey(typeSlug: "staff_sync", source: DocumentKey(type: staff, name: name)),
            target: DocumentKey(type: DocumentType(system: "shop", name: "User"), name: target), isDeleted: isDeleted)
    }

    private static let retry = #"{"lookup": "Staff Sync", "key": "source.rep"}"#

    @Test("gives the name of the other type's target, by the type's name or its slug")
    func found() async throws {
        for name in ["Staff Sync", "staff_sync"] {
            var bench = try bench("{\"lookup\": \"\(name)\", \"key\": \"source.rep\", \"missing\": \"fail\"}")
            bench.source = ["rep": "EMP-7"]
            #expect(try await bench.inserted() == ["owner": "42"])
        }
    }

    @Test("comes first: then as, map, using, default, and only decides before all of them")
    func order() async throws {
        var bench = try MappingBench(
            """
            fields:
              number: {"lookup": "Staff Sync", "key": "source.rep", "as": "integer"}
              group: {"lookup": "Staff Sync", "key": "source.rep", "map": {"42": "key"}, "otherwise": "fail"}
              signed: {"lookup": "Staff Sync", "key": "source.rep", "using": "sign"}
              none: {"lookup": "Staff Sync", "key": "source.none", "as": "integer", "default": 0}
              first: {"lookup": "Staff Sync", "key": "source.unknown", "only": "insert"}
              empty: {"lookup": "Staff Sync", "key": "source.unknown", "only": "empty"}
            """, functions: ["sign": { .string("\($0.stringValue ?? "")!") }])
        bench.services = try self.bench(Self.retry).services
        bench.source = ["rep": "EMP-7", "unknown": "EMP-9"]
        let before: JSONObject = ["first": "f", "empty": "e"]
        let expected: JSONObject = [
            "number": 42, "group": "key", "signed": "42!", "none": 0, "first": "f", "empty": "e",
        ]
        #expect(try await bench.updated(before) == expected, "a rule that is not applied looks nothing up in vain")
        let failure = await #expect(throws: JobFailure.self) { try await bench.inserted() }
        #expect(failure?.code == .lookupMissing)
    }

    @Test("with missing: retry fails retryably, and names type and key")
    func retry() async throws {
        var bench = try bench(Self.retry)
        for name in ["EMP-9", "EMP-8"] {
            bench.source = ["rep": .string(name)]
            let failure = await #expect(throws: JobFailure.self) { try await bench.inserted() }
            #expect(failure?.code == .lookupMissing)
            #expect(failure?.code.rawValue == "lookup_missing")
            #expect(failure?.disposition == .retryable(after: nil))
            #expect(failure?.message == "the field \"owner\": \"\(name)\" has no target by \"Staff Sync\" yet")
        }
    }

    @Test("with missing: fail fails for good, with missing: null is null")
    func failAndNull() async throws {
        var failing = try bench(#"{"lookup": "Staff Sync", "key": "source.rep", "missing": "fail"}"#)
        failing.source = ["rep": "EMP-9"]
        #expect(try await failing.failure().code == .lookupMissing)
        var null = try bench(#"{"lookup": "Staff Sync", "key": "source.rep", "missing": null}"#)
        null.source = ["rep": "EMP-9"]
        #expect(try await null.updated(["owner": "42"]) == ["owner": nil])
    }

    @Test("by a missing, null or empty key is null", arguments: [[:], ["rep": nil], ["rep": ""]] as [JSONObject])
    func nothing(source: JSONObject) async throws {
        var bench = try bench(Self.retry)
        bench.source = source
        #expect(try await bench.inserted() == ["owner": nil])
    }

    @Test("by a number looks for the name as the number is written; by what is no name fails for good")
    func kinds() async throws {
        var bench = try bench(Self.retry)
        bench.services.bindings.append(Self.binding("7", to: "47"))
        bench.source = ["rep": 7]
        #expect(try await bench.inserted() == ["owner": "47"])
        for value in [true, [1], ["a": 1]] as [JSONValue] {
            bench.source = ["rep": value]
            let failure = try await bench.failure()
            #expect(failure.code == .coercionFailed)
            #expect(failure.message.hasSuffix("is no document's name"))
        }
    }

    @Test("holds composed and decomposed names apart")
    func bytes() async throws {
        var bench = try bench(Self.retry)
        bench.source = ["rep": "caf\u{E9}"]
        #expect(try await bench.inserted() == ["owner": "44"])
        bench.source = ["rep": "cafe\u{301}"]
        await #expect(throws: JobFailure.self) { try await bench.inserted() }
    }

    @Test("masks a sensitive key")
    func sensitive() async throws {
        var bench = try bench(Self.retry)
        bench.source = ["rep": "EMP-9"]
        bench.lookups.shapes = [MappingBench.sourceType: DocumentShape(fields: ["rep": FieldShape(isSensitive: true)])]
        let failure = await #expect(throws: JobFailure.self) { try await bench.inserted() }
        #expect(failure?.message == "the field \"owner\": ••• has no target by \"Staff Sync\" yet")
    }

    @Test("works in match, child tables, on_delete and write_back as well")
    func everywhere() async throws {
        var bench = try MappingBench(
            """
            match: {"owner": {"lookup": "Staff Sync", "key": "source.rep"}}
            fields: {}
            tables:
              lines:
                from: source.lines
                row_key: {"no": "row.no"}
                when: row.no < 3
                fields:
                  user: {"lookup": "Staff Sync", "key": "row.rep"}
            on_delete: {"update": {"last": {"lookup": "Staff Sync", "key": "source.rep"}}}
            write_back: {"rep_account": {"lookup": "Staff Sync", "key": "source.rep"}}
            """)
        bench.services = try self.bench(Self.retry).services
        bench.source = ["rep": "EMP-7", "lines": [["no": 1, "rep": "EMP-7"], ["no": 2], ["no": 3, "rep": "EMP-9"]]]
        bench.lookups.documents = [
            Document(key: DocumentKey(type: MappingBench.targetType, name: "A-5"), fields: ["owner": "42"])
        ]
        #expect(try await bench.target() == .update("A-5"))
        #expect(
            try await bench.inserted() == ["lines": [["no": 1, "user": "42"], ["no": 2, "user": nil]]],
            "a row that the condition leaves out asks nothing")
        #expect(try await bench.writtenBack()["rep_account"] == "42")
        bench.isDeleted = true
        bench.boundTo = "A-5"
        #expect(try await bench.updated(["last": "x"]) == ["last": "42"])
    }

    @Test("in a row that fails names the row")
    func failingRow() async throws {
        var bench = try MappingBench(
            """
            tables:
              lines:
                from: source.lines
                row_key: {"no": "row.no"}
                fields:
                  user: {"lookup": "Staff Sync", "key": "row.rep"}
            """)
        bench.services = try self.bench(Self.retry).services
        bench.source = ["lines": [["no": 1, "rep": "EMP-7"], ["no": 2, "rep": "EMP-9"]]]
        let failure = await #expect(throws: JobFailure.self) { try await bench.inserted() }
        #expect(
            failure?.message == "the field \"lines.user\" in row 2: \"EMP-9\" has no target by \"Staff Sync\" yet")
        #expect(failure?.disposition == .retryable(after: nil))
    }

    @Test("asks for each name once, however many rows have it")
    func once() async throws {
        var bench = try MappingBench(
            """
            tables:
              lines:
                from: source.lines
                row_key: {"no": "row.no"}
                fields:
                  user: {"lookup": "Staff Sync", "key": "row.rep"}
            """)
        let services = CountingServices(try self.bench(Self.retry).services)
        let names = (0..<200).map { "EMP-\($0)" }
        for name in names { await services.bind(Self.binding(name, to: "U-\(name)")) }
        let rows = (0..<1_000).map { position -> JSONValue in
            ["no": .int(position), "rep": .string(names[position % names.count])]
        }
        bench.source = ["lines": .array(rows)]
        let after = try await bench.inserted(with: services)
        let users = after["lines"]?.rowsOfTest.map { $0["user"] }
        #expect(users == (0..<1_000).map { .string("U-EMP-\($0 % 200)") })
        #expect(await services.asked == 200)
    }

    @Test("has to name a type that is there and has one target for each document, and suggests one")
    func unknownTypes() throws {
        let bench = try bench(#"{"lookup": "Staff Snyc", "key": "source.rep"}"#)
        let mapping = try #require(bench.type.controller as? MappingController).mapping
        let problems = mapping.problems(names: ["T", "Staff Sync"]) { _ in nil }
        #expect(
            problems.map(\.description) == [
                "line 4: types.T.fields.owner.lookup: there is no sync job type \"Staff Snyc\" (did you mean Staff Sync?)"
            ])
        #expect(
            mapping.problems(names: ["T", "Staff Snyc"]) { _ in nil }.isEmpty, "it is there, with problems of its own")
        let relay = try MappingBench.type(
            "Staff Snyc",
            "fields: {}\nrelay: {\"each\": \"source.items\", \"key\": \"row.id\", \"removed\": \"keep\"}")
        #expect(
            mapping.problems(names: ["Staff Snyc"]) { _ in relay }.map(\.message)
                == ["\"Staff Snyc\" relays: it has a target for each row, and none for the document"])
    }
}

/// Services that count what they are asked for.
actor CountingServices: JobServices {
    private var services: MemoryServices
    private(set) var asked = 0

    init(_ services: MemoryServices) {
        self.services = services
        types = services.types
    }

    private let types: [SyncJobType]

    func bind(_ binding: Binding) { services.bindings.append(binding) }

    nonisolated func report(_ progress: JobProgress, jobID: String) {}
    func saveCheckpoint(_ state: JSONValue, jobID: String) async throws {}

    func binding(_ key: BindingKey) async throws -> Binding? {
        asked += 1
        return services.bindings.last { $0.key == key }
    }

    func bindings(typeSlug: String, source: DocumentKey) async throws -> [Binding] {
        try await services.bindings(typeSlug: typeSlug, source: source)
    }

    nonisolated func type(_ nameOrSlug: String) -> SyncJobType? {
        types.first { $0.name.hasSameBytes(as: nameOrSlug) || $0.slug == nameOrSlug }
    }
}

extension JSONValue {
    fileprivate var rowsOfTest: [JSONObject] { (arrayValue ?? []).compactMap(\.objectValue) }
}
