// ferry types new: a controller, its test and its entry in the configuration, written to be kept.

internal import ArgumentParser
internal import SyncJobs

/// `ferry types new`.
struct TypesNewCommand: FerrySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "new", abstract: "Writes the controller of a new type, its test and its entry in ferry.yaml.",
        discussion: """
            A type that can be said in ferry.yaml needs no controller (docs/mapping.md). What it can't say is Swift:
            single: one target for each source; multiple: any number of targets, a child job each; bypass: the \
            controller does everything itself.

            In a package the controller goes to Sources/MODULE and its test to Tests/MODULETests; in any other folder \
            all files go side by side. Nothing is ever overwritten.

            EXAMPLES
              ferry types new "Customer Sync"
              ferry types new "Customer Sync" --source erp.Customer --target shop.Account
              ferry types new "Price List Export" --way bypass --directory ~/atlas --module Atlas
            """)

    @Argument(help: "The type's name, for people: \"Customer Sync\".") var name: String

    @Option(name: .long, help: "single, multiple or bypass.", transform: Self.way)
    var way: NewTypeWay = .single

    @Option(
        name: .long, help: ArgumentHelp("The source's document type.", valueName: "system.type"),
        transform: Parsing.documentType)
    var source: DocumentType = DocumentType(system: "erp", name: "Customer")

    @Option(
        name: .long, help: ArgumentHelp("The target's document type.", valueName: "system.type"),
        transform: Parsing.documentType)
    var target: DocumentType = DocumentType(system: "app", name: "Account")

    @Option(name: .long, help: ArgumentHelp("The package's folder.", valueName: "folder"))
    var directory = "."

    @Option(name: .long, help: ArgumentHelp("The Swift module of the controller.", valueName: "module"))
    var module: String?

    @Flag(help: "Print what was written as JSON.") var json = false
    @OptionGroup var options: CommonOptions

    func perform(_ context: CommandContext) async throws {
        let folder = try NewTypeFolder(path: directory, module: module)
        let type = try NewType(name: name, way: way, source: source, target: target, module: folder.module)
        let files = folder.files(of: type)
        try NewTypeFile.write(files)
        if json {
            context.print(json: Self.report(type, files))
        } else {
            context.print(Self.report(type, files, in: folder, style: context.style))
        }
    }

    /// What was written and what is left to do, a line each.
    static func report(_ type: NewType, _ files: [NewTypeFile], in folder: NewTypeFolder, style: Style) -> [String] {
        var steps = [
            ("in main", "await Ferry(controllers: [\(type.registration)]).run()"),
            ("in ferry.yaml", "the entry of \(VisibleText.word(files[2].path))"),
        ]
        if folder.isPackage {
            let tests = "a test target \(folder.module)Tests that depends on \(folder.module) and FerryTesting"
            steps.append(("in Package.swift", tests))
        } else {
            let remark = "the test imports the module \(folder.module); --module names another"
            steps.append(("in your package", remark))
        }
        steps.append(("then", "swift test; ferry types check \(type.slug)"))
        let width = steps.map { TextWidth.of($0.0) }.max() ?? 0
        return files.map { "wrote \(VisibleText.word($0.path))" } + [style(.heading, "next")]
            + steps.map { "  \(TextWidth.pad($0.0, to: width))  \($0.1)" }
    }

    private static func report(_ type: NewType, _ files: [NewTypeFile]) -> JSONValue {
        [
            "name": .string(type.name), "slug": .string(type.slug), "controller": .string(type.controller),
            "way": .string(type.way.rawValue), "registration": .string(type.registration),
            "files": .array(files.map { .string($0.path) }),
        ]
    }

    private static func way(_ text: String) throws -> NewTypeWay {
        guard let way = NewTypeWay(rawValue: text.lowercased()) else {
            throw ValidationError("\"\(text)\" is no way to sync; use single, multiple or bypass")
        }
        return way
    }
}
