// The Python controller of a Sync Job Type: where Frappe finds it, and which hooks it defines when it lies beside the
// exported file. Pure; who reads the file is the command.

internal import SyncJobs

/// A Python controller.
struct FrappeController: Sendable, Hashable {
    /// Its dotted path; `<app>` and `<module>` stand for what neither the file's own path nor the record says.
    let module: String
    /// The functions it defines at its top level; nil when it was not read.
    let functions: [String]?

    /// The hooks, with the words of the specification.
    static let hooks: [(python: String, ferry: String)] = [
        ("execute", "execute"), ("after_start", "after_start"), ("get_target_document", "target"),
        ("get_multiple_target_documents", "targets"), ("update_target_doc", "update"), ("before_relay", "before_relay"),
        ("after_relay", "after_relay"), ("before_sync", "before_sync"), ("after_sync", "after_sync"),
        ("finished", "finished"),
    ]

    /// The controller of the type `name` of the Frappe module `module`.
    init(name: String, module: String, file: String, source: String?) {
        let name = Self.scrub(name)
        let package = Self.package(of: file) ?? "<app>." + (module.isEmpty ? "<module>" : Self.scrub(module))
        self.module = "\(package).sync_job_type.\(name).\(name)"
        functions = source.map(Self.functions)
    }

    /// As `frappe.scrub`: lower case, spaces and hyphens as underscores.
    static func scrub(_ name: String) -> String {
        String(name.map { $0 == " " || $0 == "-" ? "_" : $0 }).lowercased()
    }

    /// Where the Python file lies when `file` is a standard type's own: beside it.
    static func pythonFile(beside file: String) -> String? {
        guard file.hasSuffix(".json"), package(of: file) != nil else { return nil }
        return file.dropLast("json".count) + "py"
    }

    /// `app.module` out of `…/app/module/sync_job_type/name/name.json`; nil for any other path.
    private static func package(of file: String) -> String? {
        let parts = file.split(separator: "/").map(String.init)
        guard parts.count >= 5, parts[parts.count - 3] == "sync_job_type",
            parts[parts.count - 1] == parts[parts.count - 2] + ".json"
        else { return nil }
        return parts[(parts.count - 5)...(parts.count - 4)].joined(separator: ".")
    }

    private static func functions(in source: String) -> [String] {
        source.split(whereSeparator: \.isNewline).compactMap { line in
            guard line.hasPrefix("def ") else { return nil }
            let name = line.dropFirst(4).drop { $0 == " " }.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
            return name.isEmpty ? nil : String(name)
        }
    }

    /// The kind of controller that it becomes; nil when it was not read or has no hook that says so.
    ///
    /// In the order in which the original looks: a module with several of them runs the first.
    var kind: String? {
        guard let functions else { return nil }
        if functions.contains("execute") { return "BypassController" }
        if functions.contains("get_multiple_target_documents") { return "MultipleTargetsController" }
        return functions.contains("get_target_document") ? "SingleTargetController" : nil
    }

    /// What of it goes where: `get_target_document → target`.
    var hooksInWords: String? {
        guard let functions else { return nil }
        let known = Self.hooks.filter { functions.contains($0.python) }.map { "\($0.python) → \($0.ferry)" }
        let own = functions.filter { name in !Self.hooks.contains { $0.python == name } }
        let rest = own.isEmpty ? [] : ["own functions: \(own.joined(separator: ", "))"]
        return (known + rest).joined(separator: ", ")
    }
}
