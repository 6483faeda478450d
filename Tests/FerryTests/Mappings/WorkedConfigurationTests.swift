// The worked configuration of the specification, word for word: it is taken whole, by the reader and by the schema, and says
// in words what was meant.

import SyncJobs
import Testing

@testable import Ferry

@Suite("The worked configuration of the specification")
struct WorkedConfigurationTests {
    /// As the specification has it; only the type that a lookup names, and its document, are added.
    private static let text = #"""
        systems:
          erp:  {kind: sqlite, path: "${ERP_DB}"}
          shop: {kind: sqlite, path: "${SHOP_DB}"}
        documents:                        # the shape of a document type, once; an unlisted column has the type it is read with
          erp.Customer:
            table: customers
            name: code                    # the column that holds the document's name
            version: {field: modified, order: timestamp, zone: Europe/Berlin}
            fields: {credit_limit: decimal(2), disabled: bool, tax_id: {type: text, sensitive: true}}
            tables: {addresses: {table: customer_addresses, parent: customer_code, row_key: id}}
          erp.Bundle:
            table: bundles
            name: code
            tables: {items: {table: bundle_items, parent: bundle_code, row_key: id}}
          shop.Account:
            table: accounts
            name: account_no
            tables: {addresses: {table: account_addresses, parent: account_no, row_key: erp_row}}
          erp.Staff: {table: staff, name: code}
          shop.Item: {table: items, name: sku, fields: {is_component: bool}}
        types:
          SAP Customer Sync:
            source: erp.Customer
            target: shop.Account
            retry_delay: 5m
            triggers:
              - {document: erp.Customer, events: [insert, update, delete]}
              - {document: erp.Contact, events: [update], source_name: document.customer}
            when: not source.disabled or context.force_update   # false: No Target (condition)
            require: [source.customer_name]           # null or "": permanent error
            match: {erp_code: job.source_document_name}  # without a binding: 0 found insert, 1 bind, 2+ permanent error naming them
            fields:                                   # TARGET field: where its value comes from
              erp_code: {from: job.source_document_name, only: insert}  # never touched on update
              label: source.customer_name             # copy
              contact: {from: source.email, as: [trim, lower]}   # left to right
              greeting: {text: "Dear {source.customer_name}"}    # template
              channel: {value: ERP}                   # constant
              limit: {from: source.credit_limit, as: decimal(2), default: 0}  # default: missing or null
              segment: {from: source.group, map: {A: key, B: retail}, otherwise: fail}  # or keep, null
              owner: {lookup: Staff Sync, key: source.sales_rep, missing: retry}  # through its binding; or fail, null (run again once bound)
              vat: {from: source.vat, using: normalise_vat}      # a registered pure function
              note: {from: source.note, only: empty}  # only if the target's is null or ""
            tables:
              addresses:
                from: source.addresses                # [] empties; missing or null leaves alone
                row_key: {erp_row: row.id}            # pairs rows; a duplicate key is a permanent error
                when: row.kind in ["Billing", "Shipping"]  # other rows count as absent
                removed: delete                       # paired rows that are gone; or keep
                fields:
                  street: row.line1
                  country: {from: row.country, map: {DE: Germany, NO: Norway}, otherwise: keep}
            on_delete: {update: {status: {value: Closed}}}  # or delete, keep; skips when and require
            write_back: {shop_account: job.target_document_name}  # into the source after the write; its echo ends Skipped
          Staff Sync: {source: erp.Staff, target: shop.Account, fields: {label: source.name}}
          Bundle Item Sync:
            source: erp.Bundle
            target: shop.Item
            insert_enabled: false                     # no match: Skipped (insert_disabled)
            triggers: [{document: erp.Bundle, events: [insert, update, delete]}]
            relay: {each: source.items, key: row.id, removed: on_delete}  # rows that were bound and are gone get on_delete
            match: {sku: row.item_code}               # evaluated in each child
            fields:
              is_component: {value: true}
              bundle: job.source_document_name
              quantity: {from: row.qty, as: decimal(3)}
            on_delete: {update: {is_component: {value: false}, bundle: {value: null}}}
        """#

    private func configuration() throws -> FerryConfiguration {
        try FerryConfiguration.read(
            Array(Self.text.utf8), file: "ferry.yaml", environment: ["ERP_DB": "erp.sqlite", "SHOP_DB": "shop.sqlite"],
            functions: ["normalise_vat": { $0 }])
    }

    @Test("is taken by the reader and by the schema")
    func taken() throws {
        let types = try configuration().types
        #expect(types.all.map(\.slug) == ["sap_customer_sync", "staff_sync", "bundle_item_sync"])
        #expect(types["Bundle Item Sync"]?.controller is MappingRelayController)
        let shown = try ConfigurationFixture.tree(Self.text.replacing("${", with: "$${"))
        #expect(try ContractFiles.schema("ferry.schema.json").errors(in: shown.json) == [])
    }

    @Test("says in words what it means")
    func explained() throws {
        let types = try configuration().types
        let customer = try #require(types["sap_customer_sync"])
        #expect(
            TypesCheckCommand.plan(customer, now: Timestamp(microseconds: 0), style: .plain) == [
                "SAP Customer Sync (sap_customer_sync): erp.Customer → shop.Account, queue default, timeout 5m",
                "  on insert, update, delete of erp.Customer",
                "  on update of erp.Contact, source named by document.customer",
                "  when not source.disabled or context.force_update",
                "  requires source.customer_name",
                "  matches erp_code ← job.source_document_name",
                "  erp_code ← job.source_document_name, only on insert",
                "  label ← source.customer_name",
                "  contact ← source.email, as trim, lower",
                "  greeting ← the text \"Dear {source.customer_name}\"",
                "  channel ← the constant \"ERP\"",
                "  limit ← source.credit_limit, as decimal(2), 0 when missing or null",
                "  segment ← source.group, mapped A → \"key\", B → \"retail\", otherwise fail",
                "  owner ← the target that Staff Sync has for source.sales_rep, tried again until it has one",
                "  vat ← source.vat, using normalise_vat",
                "  note ← source.note, only where the target has nothing",
                "  addresses ← rows of source.addresses, paired by erp_row ← row.id, only those where row.kind in [\"Billing\", \"Shipping\"]; rows that are gone are deleted",
                "  addresses.street ← row.line1",
                "  addresses.country ← row.country, mapped DE → \"Germany\", NO → \"Norway\", otherwise keep",
                "  on delete: status ← the constant \"Closed\"",
                "  writes back shop_account ← job.target_document_name",
            ])
        let bundle = try #require(types["bundle_item_sync"])
        #expect(
            TypesCheckCommand.plan(bundle, now: Timestamp(microseconds: 0), style: .plain) == [
                "Bundle Item Sync (bundle_item_sync): erp.Bundle → shop.Item, queue default, timeout 5m",
                "  on insert, update, delete of erp.Bundle",
                "  a target for each row of source.items, by row.id; targets of rows that are gone get on_delete",
                "  matches sku ← row.item_code",
                "  is_component ← the constant true",
                "  bundle ← job.source_document_name",
                "  quantity ← row.qty, as decimal(3)",
                "  on delete: is_component ← the constant false",
                "  on delete: bundle ← the constant null",
            ])
    }
}
