// Setting one value inside a JSON object by its path: names and positions, with dots between them. Pure.

internal import SyncJobs

/// Changes to JSON objects.
enum JSONEdit {
    /// `object` with the value at `path`, or without it when `value` is nil.
    ///
    /// A key that is spelled like the whole path goes first. Objects on the way that are missing are made.
    ///
    /// - Throws: ``CommandFailure`` (usage) when something on the way is neither object nor list, or has no such position.
    static func setting(_ path: String, to value: JSONValue?, in object: JSONObject) throws -> JSONObject {
        let names =
            object[path] != nil ? [path] : path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard let changed = try setting(names[...], of: path, to: value, in: .object(object)).objectValue else {
            return object
        }
        return changed
    }

    private static func setting(
        _ names: ArraySlice<String>, of path: String, to value: JSONValue?, in container: JSONValue
    ) throws -> JSONValue {
        guard let name = names.first else { return container }
        let rest = names.dropFirst()
        switch container {
        case .object(var object):
            guard !name.isEmpty else { throw refusal(path, "an empty name") }
            if rest.isEmpty {
                object[name] = value
            } else if let inner = object[name], !inner.isNull {
                object[name] = try setting(rest, of: path, to: value, in: inner)
            } else if value != nil {
                object[name] = try setting(rest, of: path, to: value, in: .object(JSONObject()))
            }
            return .object(object)
        case .array(var elements):
            guard let position = Int(name), elements.indices.contains(position) else {
                throw refusal(path, "a list of \(elements.count), without the position \"\(name)\"")
            }
            if !rest.isEmpty {
                elements[position] = try setting(rest, of: path, to: value, in: elements[position])
            } else if let value {
                elements[position] = value
            } else {
                elements.remove(at: position)
            }
            return .array(elements)
        default: throw refusal(path, "\(container.kind), in which nothing can be set")
        }
    }

    private static func refusal(_ path: String, _ found: String) -> CommandFailure {
        CommandFailure(
            .usage, "there is \(found) on the way to \"\(path.prefix(120))\"",
            remedy: "names and positions are written with dots between them, such as context.lines.0.code")
    }
}
