// A sync job type that is about to be written: one name, from which all the others derive. Pure; who writes files is
// NewTypeFiles.

internal import SyncJobs

/// The way in which a new controller syncs.
enum NewTypeWay: String, Sendable, CaseIterable {
    case single, multiple, bypass
}

/// What is to be written.
struct NewType: Sendable, Hashable {
    /// The type's name, for people: "Customer Sync".
    let name: String
    /// Its slug, under which the controller is registered too: "customer_sync".
    let slug: String
    /// The controller's Swift name: "CustomerSyncController".
    let controller: String
    let way: NewTypeWay
    let source: DocumentType
    let target: DocumentType
    /// The Swift module that the controller is part of.
    var module: String

    /// Derives everything from `name`.
    ///
    /// - Throws: ``CommandFailure`` (usage) for a name that no Swift type or slug can be made of.
    init(
        name: String, way: NewTypeWay, source: DocumentType, target: DocumentType, module: String
    ) throws(CommandFailure) {
        let slug = name.slug
        let swiftName = Self.swiftName(of: name)
        let isLine = !name.unicodeScalars.contains { $0.properties.generalCategory == .control }
        guard isLine, let first = swiftName.first, first.isLetter, slug.utf8.count <= 100 else {
            throw CommandFailure(
                .usage, "\"\(VisibleText.bare(name, limit: 140))\" makes no Swift name and no slug",
                remedy: "begin with a letter from A to Z, and write at most 100 letters and digits: \"Customer Sync\"")
        }
        self.name = name
        self.slug = slug
        controller = swiftName.hasSuffix("Controller") ? swiftName : swiftName + "Controller"
        self.way = way
        self.source = source
        self.target = target
        self.module = module
    }

    /// `CustomerSync` of "customer sync": the words of ASCII letters and digits, each with a capital.
    static func swiftName(of name: String) -> String {
        name.split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }
            .map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }

    /// How the controller is made where it is registered.
    var registration: String {
        let arguments = way == .bypass ? "folder: \"exports\"" : ""
        return "\"\(slug)\": \(controller)(\(arguments))"
    }

    /// A Swift template with this type's names in it, fit to stand between quotes.
    func filledSwift(_ template: String) -> String {
        filled(template) { $0.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") }
    }

    /// A YAML template with this type's names in it, quoted where they are more than words.
    func filledYAML(_ template: String) -> String {
        filled(template) { text in
            let isPlain = text.unicodeScalars.allSatisfy { scalar in
                scalar.isASCII && (scalar.properties.isAlphabetic || "0123456789_-. ".unicodeScalars.contains(scalar))
            }
            let isWord = text.first?.isLetter == true && text.last != " "
            return isPlain && isWord ? text : JSONValue.string(text).canonicalText
        }
    }

    private func filled(_ template: String, _ escaping: (String) -> String) -> String {
        let names = [
            ("NAME", name), ("SLUG", slug), ("CONTROLLER", controller), ("MODULE", module),
            ("SOURCE_SYSTEM", source.system), ("SOURCE_TYPE", source.name), ("SOURCE", source.description),
            ("TARGET_SYSTEM", target.system), ("TARGET_TYPE", target.name), ("TARGET", target.description),
        ]
        let filled = names.reduce(template) { $0.replacing("«\($1.0)»", with: escaping($1.1)) }
        return filled.replacing("«REGISTRATION»", with: registration)
    }
}
