// A single target: a customer of the ERP becomes an account of the shop.
//
// Most of this could be said in ferry.yaml without code (docs/mapping.md). It is here to show what each hook is for, and to
// be the place where the one rule goes that YAML can't say.

import SyncJobs

struct CustomerController: SingleTargetController {
    static let account = DocumentType(system: "shop", name: "Account")

    /// Which account the job is about.
    ///
    /// A live binding says it. Without one an account may be there all the same, made by hand or by an earlier system: it is
    /// found by its code and bound by this job's commit, and never duplicated.
    func target(for job: JobHandle) async throws -> TargetDecision {
        // The account of a customer that is gone is closed and kept: its orders refer to it.
        if job.isDelete { return job.boundTargetName.map { .update($0) } ?? .none(.alreadyGone) }
        // A disabled customer has no account, unless somebody says so for this one job.
        if job.source?["disabled"] == true, job.context["force_update"] != true { return .none(.condition) }
        if let bound = job.boundTargetName { return .update(bound) }
        guard let code = job.job.request.sourceDocumentName else { return .none(.controller) }
        let found = try await job.lookups.find(
            DocumentQuery(type: Self.account, fields: ["erp_code": .string(code)], limit: 3))
        guard found.count < 2 else {
            throw JobFailure(
                .ambiguousMatch,
                "\(found.count) accounts have the code: \(found.compactMap(\.key?.name).joined(separator: ", "))",
                remedy: "merge them in the shop, then: ferry jobs retry")
        }
        return found.first?.key.map { .update($0.name) } ?? .insert()
    }

    /// Sets the account's fields; fields that are not named here are the shop's own and never touched.
    func update(_ target: inout Document, for job: JobHandle) async throws {
        if job.isDelete {
            target["status"] = "Closed"
            return
        }
        guard let customer = job.source, let name = customer["customer_name"]?.stringValue, !name.isEmpty else {
            // No retry mends this, so the job goes to the dead letters at once, with what to do.
            throw JobFailure(
                .requiredFieldMissing, "the customer has no customer_name",
                remedy: "complete the customer in the ERP, then: ferry jobs retry")
        }
        let isNew = target.key == nil
        if isNew { target["erp_code"] = .optional(job.job.request.sourceDocumentName) }
        target["label"] = .string(name)
        target["contact"] = customer["email"]?.stringValue.map { .string(Self.address($0)) } ?? .null
        target["segment"] = try Self.segment(customer["customer_group"])
        target["owner"] = try await owner(customer["sales_rep"], of: job)
        target["addresses"] = Self.addresses(customer["addresses"], of: target)
    }

    /// An e-mail address in one spelling, so that the shop finds it again.
    private static func address(_ text: String) -> String {
        String(text.lowercased().drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }

    private static func segment(_ group: JSONValue?) throws -> JSONValue {
        switch group {
        case "A"?: return "key"
        case "B"?: return "retail"
        case nil, .null?: return .null
        default:
            // Better a dead letter that names the value's field than a segment that nobody has decided on.
            throw JobFailure(
                .unmappedValue, "customer_group has a value without a segment",
                remedy: "add it to CustomerController.segment, then: ferry jobs retry")
        }
    }

    /// The member of the shop's staff that the sales representative was synced into.
    ///
    /// The two types run side by side, so it may not be there yet: then this job comes back after a minute.
    private func owner(_ representative: JSONValue?, of job: JobHandle) async throws -> JSONValue {
        guard let name = representative?.nameText else { return .null }
        let binding = try await job.binding(of: "Staff Sync", source: name)
        guard let binding, !binding.isDeleted else {
            throw JobFailure.retryable("the sales representative is not synced yet", after: .seconds(60))
        }
        return .string(binding.target.name)
    }

    /// The billing and shipping addresses, paired with the account's by the ERP's row id (`row_key: erp_row` in ferry.yaml).
    ///
    /// Rows that the shop's people added themselves have no `erp_row`, and stay.
    private static func addresses(_ rows: JSONValue?, of account: Document) -> JSONValue? {
        guard let rows = rows?.arrayValue else { return account["addresses"] }
        let own = (account["addresses"]?.arrayValue ?? []).filter { ($0.objectValue?["erp_row"] ?? .null).isNull }
        let synced = rows.compactMap(\.objectValue).filter { $0["kind"] == "Billing" || $0["kind"] == "Shipping" }
        return .array(
            own
                + synced.map { row in
                    [
                        "erp_row": row["id"] ?? .null, "street": row["line1"] ?? .null, "city": row["city"] ?? .null,
                    ]
                })
    }
}
