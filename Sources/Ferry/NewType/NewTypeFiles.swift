// Where the files of a new type go, and writing them: all of them or none, and never over a file that is there.

internal import Foundation
internal import SyncJobs

/// A Swift package, or a plain folder, that a new type's files go into.
struct NewTypeFolder: Sendable {
    /// The folder, as it was named.
    let path: String
    /// Whether it holds a Package.swift.
    let isPackage: Bool
    /// The module that the controller goes into.
    let module: String

    /// Finds the module: the one that was named, else the only one of the package.
    ///
    /// - Throws: ``CommandFailure`` (usage) when there is no such folder, or several modules and none was named.
    init(path: String, module named: String?) throws(CommandFailure) {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue else {
            throw CommandFailure(
                .usage, "there is no folder \(VisibleText.word(path))",
                remedy: "make it, or name the package's folder with --directory")
        }
        self.path = path
        isPackage = FileManager.default.fileExists(atPath: "\(path)/Package.swift")
        if let named {
            module = named
            return
        }
        guard isPackage else {
            module = "App"
            return
        }
        let modules = Self.folders(in: "\(path)/Sources")
        guard let only = modules.first, modules.count == 1 else {
            let found = modules.isEmpty ? "no module" : "several modules: \(modules.joined(separator: ", "))"
            throw CommandFailure(
                .usage, "the package has \(found) below Sources", remedy: "name the controller's with --module")
        }
        module = only
    }

    private static func folders(in path: String) -> [String] {
        // A package without the folder has no modules in it, which is what is answered.
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return names.filter { name in
            var isFolder: ObjCBool = false
            return FileManager.default.fileExists(atPath: "\(path)/\(name)", isDirectory: &isFolder)
                && isFolder.boolValue && !name.hasPrefix(".")
        }.sorted()
    }

    /// The controller, its test and its entry, with their paths.
    func files(of type: NewType) -> [NewTypeFile] {
        let sources = isPackage ? "\(path)/Sources/\(module)" : path
        let tests = isPackage ? "\(path)/Tests/\(module)Tests" : path
        return [
            NewTypeFile(
                path: "\(sources)/\(type.controller).swift",
                text: type.filledSwift(ControllerTemplates.template(type.way))),
            NewTypeFile(
                path: "\(tests)/\(type.controller)Tests.swift", text: type.filledSwift(TestTemplates.template(type.way))
            ),
            NewTypeFile(
                path: "\(path)/\(type.slug).types.yaml", text: type.filledYAML(EntryTemplate.template(type.way))),
        ]
    }
}

/// A file that is to be written.
struct NewTypeFile: Sendable, Hashable {
    let path: String
    let text: String

    /// Writes all files, and the folders they are in.
    ///
    /// - Throws: ``CommandFailure`` (usage) when one of them is there already or a folder can't be written; then none is
    ///   written.
    static func write(_ files: [NewTypeFile]) throws(CommandFailure) {
        let existing = files.filter { FileManager.default.fileExists(atPath: $0.path) }
        guard existing.isEmpty else {
            let names = existing.map { VisibleText.word($0.path) }.joined(separator: ", ")
            throw CommandFailure(
                .usage, "\(names) \(existing.count == 1 ? "is" : "are") there already, and nothing was written",
                remedy: "choose another name for the type, or another --directory")
        }
        var written: [NewTypeFile] = []
        do {
            for file in files {
                let url = URL(filePath: file.path)
                try FileManager.default.createDirectory(
                    at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data(file.text.utf8).write(to: url, options: .withoutOverwriting)
                written.append(file)
            }
        } catch {
            // try?: what can't be taken back is named by the failure, and was new.
            for file in written { try? FileManager.default.removeItem(atPath: file.path) }
            let path = VisibleText.word(files[written.count].path)
            throw CommandFailure(
                .usage, "\(path) can't be written: \(error.localizedDescription)",
                remedy: "let your user write the folder, or name another with --directory")
        }
    }
}
