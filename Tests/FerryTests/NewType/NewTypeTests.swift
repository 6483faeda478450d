// What ferry types new writes. Tests/NewTypes holds it for one name of each way, where it is compiled and run; here it is
// compared with that, byte by byte, so that what users get is what was tested.

import Foundation
import SyncJobs
import Testing

@testable import Ferry

@Suite("ferry types new")
struct NewTypeTests {
    /// A type as in Tests/NewTypes.
    struct Golden: Sendable, CustomTestStringConvertible {
        let name: String
        let way: String
        let source: String
        let target: String
        var testDescription: String { way }
    }

    private struct IdleBypass: BypassController {
        func execute(_ job: JobHandle) async throws -> BypassResult { .noTarget }
    }

    private static let goldens = [
        Golden(name: "Customer Sync", way: "single", source: "erp.Customer", target: "app.Account"),
        Golden(name: "Order Line Sync", way: "multiple", source: "erp.Order", target: "app.OrderLine"),
        Golden(name: "Customer Export", way: "bypass", source: "erp.Customer", target: "files.Customer"),
    ]

    private static let kept = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "NewTypes")

    /// A package with one module, as far as ferry types new looks at it.
    private func package(in folder: String, modules: [String] = ["NewControllers"]) throws {
        for module in modules {
            try FileManager.default.createDirectory(
                atPath: "\(folder)/Sources/\(module)", withIntermediateDirectories: true)
        }
        try Data().write(to: URL(filePath: "\(folder)/Package.swift"))
    }

    private func files(in folder: String) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: folder)
            .filter { $0.hasSuffix(".swift") || $0.hasSuffix(".yaml") }.filter { $0 != "Package.swift" }.sorted()
    }

    /// The exit code.
    private func code(_ arguments: String...) async -> Int32 {
        await Ferry().status(arguments: ["types", "new"] + arguments).code
    }

    @Test("writes what is compiled and run in Tests/NewTypes", arguments: goldens)
    func writesWhatIsTested(golden: Golden) async throws {
        let folder = try TestFolder()
        try package(in: folder.path)
        #expect(
            await code(
                golden.name, "--way", golden.way, "--source", golden.source, "--target", golden.target,
                "--directory", folder.path) == 0)
        let written = try files(in: folder.path)
        #expect(written.count == 3)
        for file in written {
            let text = try folder.read(file)
            let kept = try String(contentsOf: Self.kept.appending(path: file), encoding: .utf8)
            #expect(text == kept, "\(file): run scripts/write-new-types when the templates have changed")
        }
    }

    @Test("keeps nothing in Tests/NewTypes that it does not write")
    func keepsNothingElse() throws {
        #expect(try files(in: Self.kept.path).count == 3 * Self.goldens.count)
    }

    @Test("its entry is a configuration that loads once the controller is registered", arguments: goldens)
    func entriesLoad(golden: Golden) throws {
        let slug = golden.name.slug
        let entry = try String(contentsOf: Self.kept.appending(path: "\(slug).types.yaml"), encoding: .utf8)
        let systems = "systems:\n" + ["erp", "app", "files"].map { "  \($0): {kind: embedded}\n" }.joined()
        let controller: any SyncController = golden.way == "bypass" ? IdleBypass() : IdleController()
        let configuration = try ConfigurationFixture.read(systems + entry, controllers: [slug: controller])
        let type = try #require(configuration.types[slug])
        #expect(type.name == golden.name)
        #expect(type.source.description == golden.source)
    }

    @Test("puts everything side by side where there is no package")
    func plainFolder() async throws {
        let folder = try TestFolder()
        #expect(await code("vat sync", "--directory", folder.path, "--module", "Shop") == 0)
        #expect(
            try files(in: folder.path) == [
                "VatSyncController.swift", "VatSyncControllerTests.swift", "vat_sync.types.yaml",
            ])
        let test = try folder.read("VatSyncControllerTests.swift")
        #expect(test.contains("@testable import Shop\n"))
    }

    @Test("never overwrites, and then writes nothing at all")
    func neverOverwrites() async throws {
        let folder = try TestFolder()
        try folder.write("VatSyncControllerTests.swift", "mine")
        #expect(await code("VAT Sync", "--directory", folder.path) == 0)
        try folder.remove("VATSyncController.swift")
        #expect(await code("VAT Sync", "--directory", folder.path) == 2)
        #expect(!folder.exists("VATSyncController.swift"))
        #expect(await code("Vat Sync", "--directory", folder.path) == 2)
        #expect(try folder.read("VatSyncControllerTests.swift") == "mine")
    }

    @Test("a name becomes a Swift name and a slug, or is refused")
    func names() throws {
        func type(_ name: String, _ way: NewTypeWay = .single) throws -> NewType {
            try NewType(
                name: name, way: way, source: DocumentType(system: "a", name: "B"),
                target: DocumentType(system: "c", name: "D"), module: "App")
        }
        let names = try ["SAP customer-sync", "price list", "Äpfel 2 Go", "Page Controller"].map {
            let type = try type($0)
            return [type.controller, type.slug]
        }
        #expect(
            names == [
                ["SAPCustomerSyncController", "sap_customer_sync"], ["PriceListController", "price_list"],
                ["Pfel2GoController", "pfel_2_go"], ["PageController", "page_controller"],
            ])
        #expect(try type("price list").registration == "\"price_list\": PriceListController()")
        #expect(
            try type("price list", .bypass).registration == "\"price_list\": PriceListController(folder: \"exports\")")
        for bad in ["", "日本", "3PL Sync", "!", String(repeating: "a", count: 101)] {
            let failure = #expect(throws: CommandFailure.self) { try type(bad) }
            #expect(failure?.status == .usage)
        }
    }

    @Test("a package with several modules asks which, and a folder that is not there is named")
    func modules() async throws {
        let folder = try TestFolder()
        try package(in: folder.path, modules: ["One", "Two"])
        let failure = #expect(throws: CommandFailure.self) { try NewTypeFolder(path: folder.path, module: nil) }
        #expect(failure?.description.contains("several modules: One, Two") == true)
        #expect(try NewTypeFolder(path: folder.path, module: "Two").module == "Two")
        #expect(await code("Vat", "--directory", "\(folder.path)/nowhere") == 2)
    }

    @Test("names with quotes end as text in Swift and YAML")
    func quotes() throws {
        let type = try NewType(
            name: "The \"big\" one: all", way: .single, source: DocumentType(system: "a", name: "B"),
            target: DocumentType(system: "c", name: "D"), module: "App")
        let entry = type.filledYAML(EntryTemplate.template(.single))
        let root = try ConfigurationFixture.tree(entry)
        #expect(root["types"]?.entries?.map(\.key) == ["The \"big\" one: all"])
        #expect(type.filledSwift(TestTemplates.template(.single)).contains(#"name: "The \"big\" one: all", source"#))
    }
}
