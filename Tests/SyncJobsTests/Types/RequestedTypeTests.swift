// Which type a request means: what a worker and ferry enqueue refuse, and in which words.
import SyncJobs
import Testing

private struct Nothing: SingleTargetController {
    func update(_ target: inout Document, for job: JobHandle) async throws {}
}

@Suite struct RequestedTypeTests {
    private let types: SyncJobTypes

    init() throws {
        let source = DocumentType(system: "erp", name: "Customer")
        var disabled = SyncJobType(name: "Old Sync", source: source, target: nil, controller: Nothing())
        disabled.isDisabled = true
        types = try SyncJobTypes([
            SyncJobType(name: "Customer Sync", source: source, target: nil, controller: Nothing()), disabled,
        ])
    }

    private func failure(_ type: String, _ change: (inout SyncRequest) -> Void = { _ in }) -> JobFailure? {
        var request = SyncRequest(id: "1", type: type, sourceName: "C-1")
        change(&request)
        do {
            _ = try types.type(for: request)
            return nil
        } catch { return error }
    }

    @Test(arguments: ["Customer Sync", "customer_sync"])
    func isFoundByNameAndBySlug(name: String) throws {
        #expect(try types.type(for: SyncRequest(id: "1", type: name, sourceName: "C-1")).slug == "customer_sync")
    }

    @Test func thatIsUnknownIsRefusedWithTheNearOneElseWithAll() {
        #expect(failure("custmer_sync")?.code == .unknownType)
        #expect(failure("custmer_sync")?.remedy == "did you mean customer_sync?")
        #expect(failure("invoices")?.remedy.hasSuffix("known: customer_sync, old_sync") == true)
        #expect(failure("invoices")?.disposition == .permanent)
    }

    @Test func thatIsDisabledIsRefusedAndSaysHowToEnableIt() {
        #expect(failure("old_sync")?.code == .typeDisabled)
        #expect(failure("old_sync")?.remedy.contains("disabled: false") == true)
    }

    @Test func syncsAnotherDocumentTypeThanTheRequestSays() {
        #expect(failure("customer_sync") { $0.sourceDocumentType = "Item" }?.code == .invalidField)
        #expect(failure("customer_sync") { $0.sourceDocumentType = "Customer" } == nil)
    }

    @Test func takesNoNameOfAnyLength() {
        let longest = String(repeating: "x", count: DocumentKey.maximumNameBytes)
        #expect(failure("customer_sync") { $0.sourceDocumentName = longest } == nil)
        #expect(failure("customer_sync") { $0.sourceDocumentName = longest + "x" }?.code == .invalidField)
    }
}
