// The single target, seen from outside: what is in the ERP, what is in the shop afterwards.

import FerryTesting
import Testing

@Suite struct CustomerTests {
    private let atlas: AtlasTest
    private var test: SyncTest { atlas.sync }

    private static let acme: JSONObject = [
        "customer_name": "Acme", "email": " Sales@Acme.Example ", "customer_group": "A", "disabled": false,
        "addresses": [
            ["id": 1, "kind": "Billing", "line1": "Main Street 1", "city": "Berlin"],
            ["id": 2, "kind": "Warehouse", "line1": "Dock 4", "city": "Hamburg"],
        ],
    ]

    init() async throws {
        atlas = try AtlasTest()
        try await test.put("erp.Customer", "C-1", Self.acme)
    }

    private func changed(_ changes: JSONObject) -> JSONObject {
        changes.reduce(into: Self.acme) { $0[$1.key] = $1.value }
    }

    @Test func aNewCustomerBecomesAnAccount() async throws {
        let job = try await test.run("Customer Sync", source: "C-1")
        #expect(job.status == .finished)
        #expect(job.operation == .insert)
        let expected: JSONObject = [
            "erp_code": "C-1", "label": "Acme", "contact": "sales@acme.example", "segment": "key", "owner": nil,
            "addresses": [["erp_row": 1, "street": "Main Street 1", "city": "Berlin"]],
        ]
        #expect(try await test.difference("shop.Account", "C-1", expected, exactly: true) == .none)
        #expect(try await test.run("Customer Sync", source: "C-1").skipReason == .noChanges)
    }

    @Test func anAccountThatIsThereAlreadyIsFoundAndBound() async throws {
        try await test.put("shop.Account", "1001", ["erp_code": "C-1", "label": "ACME", "theirs": "kept"])
        let job = try await test.run("Customer Sync", source: "C-1")
        #expect(job.targetName == "1001")
        #expect(try await test.difference("shop.Account", "1001", ["label": "Acme", "theirs": "kept"]) == .none)
    }

    @Test func twoAccountsOfOneCodeAreForPeopleToMerge() async throws {
        try await test.put("shop.Account", "1", ["erp_code": "C-1"])
        try await test.put("shop.Account", "2", ["erp_code": "C-1"])
        #expect(try await test.run("Customer Sync", source: "C-1").error?.code == .ambiguousMatch)
        #expect(await test.deadLetters.count == 1)
    }

    @Test func theShopsOwnAddressesStay() async throws {
        try await test.run("Customer Sync", source: "C-1")
        var account = try #require(try await test.document("shop.Account", "C-1")).fields
        account["addresses"] = .array((account["addresses"]?.arrayValue ?? []) + [["street": "by hand"]])
        try await test.put("shop.Account", "C-1", account)
        try await test.put("erp.Customer", "C-1", changed(["addresses": []]))
        let job = try await test.run("Customer Sync", source: "C-1")
        #expect(job.diff?.removed.map { $0.row["erp_row"] } == [1])
        #expect(try await test.document("shop.Account", "C-1")?["addresses"] == [["street": "by hand"]])
    }

    @Test func aDisabledCustomerHasNoAccountUnlessThisJobSaysSo() async throws {
        try await test.put("erp.Customer", "C-1", changed(["disabled": true]))
        #expect(try await test.run("Customer Sync", source: "C-1").noTargetReason == .condition)
        let forced = try await test.run("Customer Sync", source: "C-1") { $0.context = ["force_update": true] }
        #expect(forced.status == .finished)
    }

    @Test func anOwnerWhoIsNotSyncedYetIsWaitedFor() async throws {
        try await test.put("erp.Staff", "S-7", ["login": "kim", "name": "Kim"])
        try await test.put("erp.Customer", "C-1", changed(["sales_rep": "S-7"]))
        let job = try await test.run("Customer Sync", source: "C-1")
        #expect(job.status == .failed)
        let staff = try await test.run("Staff Sync", source: "S-7")
        let again = try await test.advance(by: .seconds(60))
        #expect(again.map(\.id) == [job.id])
        #expect(
            try await test.difference("shop.Account", "C-1", ["owner": .optional(staff.targetName)]) == .none)
    }

    @Test(arguments: [["customer_name": ""], ["customer_group": "Z"]] as [JSONObject])
    func whatNoRetryMendsIsADeadLetterAtOnce(changes: JSONObject) async throws {
        try await test.put("erp.Customer", "C-1", changed(changes))
        let job = try await test.run("Customer Sync", source: "C-1")
        #expect(job.deadLetteredAt != nil)
        #expect(job.retryCount == 0)
    }

    @Test func theAccountOfADeletedCustomerIsClosedAndKept() async throws {
        try await test.run("Customer Sync", source: "C-1")
        try await test.delete("erp.Customer", "C-1")
        let jobs = try await test.change(.delete, "erp.Customer", "C-1")
        #expect(jobs.map(\.operation) == [.update])
        #expect(try await test.difference("shop.Account", "C-1", ["status": "Closed", "label": "Acme"]) == .none)
    }
}
