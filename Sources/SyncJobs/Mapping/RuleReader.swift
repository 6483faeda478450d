// From configuration nodes to rules. A bare text is a path; whatever else is meant has to be said, so that a misspelt path
// never becomes a constant.

struct RuleReader {
    /// The keys of a field rule.
    static let keys = [
        "from", "value", "text", "lookup", "key", "missing", "as", "map", "otherwise", "using", "default", "only",
    ]
    private static let originKeys = ["from", "value", "text", "lookup"]

    let functions: [String: MappingFunction]

    /// `{target field: rule}`.
    ///
    /// - Parameter limits: what `only` may say here.
    func rules(
        _ node: ConfigNode, roots: Set<Scope.Root>, limits: [FieldRule.Limit] = FieldRule.Limit.allCases,
        problems: inout [ConfigProblem]
    ) -> [FieldRule] {
        guard let entries = node.entries else {
            problems.append(
                ConfigProblem(node, "\(node.kind) where a map is due", remedy: "write {target field: source.field}"))
            return []
        }
        return entries.compactMap { entry in
            guard !entry.key.isEmpty else {
                problems.append(
                    ConfigProblem(
                        line: entry.line, place: node.place, message: "a field without a name", remedy: "name it"))
                return nil
            }
            return rule(
                entry.value, field: entry.key, line: entry.line, roots: roots, limits: limits, problems: &problems)
        }
    }

    private func rule(
        _ node: ConfigNode, field: String, line: Int, roots: Set<Scope.Root>, limits: [FieldRule.Limit],
        problems: inout [ConfigProblem]
    ) -> FieldRule? {
        guard node.entries != nil else {
            return path(node, roots: roots, problems: &problems).map {
                FieldRule(field: field, origin: .path($0), line: line, place: node.place)
            }
        }
        let count = problems.count
        guard let section = ConfigSection(node, what: "a field rule", known: Self.keys, problems: &problems),
            let origin = origin(section, roots: roots, problems: &problems)
        else { return nil }
        let rule = FieldRule(
            field: field, origin: origin, conversions: conversions(section, problems: &problems),
            map: map(section, problems: &problems), using: function(section, problems: &problems),
            fallback: section["default"]?.json,
            limit: section.choice("only", FieldRule.Limit.self, problems: &problems), line: line, place: node.place)
        if let only = section["only"], let limit = rule.limit, !limits.contains(limit) {
            let what = limits.isEmpty ? "only" : "only: \(limit.rawValue)"
            problems.append(ConfigProblem(only, "\(what) has no meaning here", remedy: "leave it out"))
        }
        return problems.count == count ? rule : nil
    }

    private func origin(
        _ section: ConfigSection, roots: Set<Scope.Root>, problems: inout [ConfigProblem]
    ) -> FieldRule.Origin? {
        // `value: null` is a constant, so presence counts here and not what is there.
        let said = Self.originKeys.filter { section.node[$0] != nil }
        guard said.count == 1 else {
            problems.append(
                ConfigProblem(
                    section.node,
                    said.isEmpty ? "the rule does not say where the value comes from" : "\(said.list) at once",
                    remedy: "write one of from: (a path), value: (a constant), text: (a template), lookup: (a type)"))
            return nil
        }
        if section.node["lookup"] != nil { return lookup(section, roots: roots, problems: &problems) }
        for key in ["key", "missing"] {
            guard let node = section.node[key] else { continue }
            problems.append(ConfigProblem(node, "\(key) without lookup", remedy: "leave it out, or add lookup:"))
        }
        if let value = section.node["value"] { return .constant(value.json) }
        if let from = section.node["from"] { return path(from, roots: roots, problems: &problems).map { .path($0) } }
        guard let node = section.node["text"], let text = node.text else {
            problems.append(
                ConfigProblem(section.node["text"] ?? section.node, "text: is no text", remedy: "put it in quotes"))
            return nil
        }
        do {
            let template = try Template(text)
            for path in template.paths { check(path, node: node, roots: roots, problems: &problems) }
            return .text(template)
        } catch {
            problems.append(ConfigProblem(node, error.positioned, remedy: error.remedy))
            return nil
        }
    }

    /// `{lookup: TYPE, key: PATH, missing: retry}`; that the type exists is checked when all types are read.
    private func lookup(
        _ section: ConfigSection, roots: Set<Scope.Root>, problems: inout [ConfigProblem]
    ) -> FieldRule.Origin? {
        let remedy = "write {lookup: name of a type, key: source.field}"
        let type = section.required("lookup", remedy: remedy, problems: &problems)
        // null is a word of `missing`, so it counts although the section takes it for nothing.
        let missing =
            section.node["missing"]?.scalar?.isNull == true
            ? .null : section.choice("missing", Lookup.Missing.self, problems: &problems) ?? .retry
        guard let node = section["key"] else {
            problems.append(ConfigProblem(section.node, "key is missing beside lookup", remedy: remedy))
            return nil
        }
        guard let type, let key = path(node, roots: roots, problems: &problems) else { return nil }
        return .lookup(Lookup(type: type, key: key, missing: missing))
    }

    /// A path; anything else is a problem that asks whether a constant was meant.
    ///
    /// - Parameter jobFields: the fields that the root `job` has here.
    func path(
        _ node: ConfigNode, roots: Set<Scope.Root>, jobFields: [String] = MappingController.jobFields,
        problems: inout [ConfigProblem]
    ) -> Path? {
        guard let text = node.text else {
            let shown = node.scalar == nil ? "…" : node.json.shortText
            problems.append(
                ConfigProblem(node, "\(node.kind) is no path", remedy: "a constant? write {value: \(shown)}"))
            return nil
        }
        do {
            let path = try Path(text)
            check(path, node: node, roots: roots, jobFields: jobFields, problems: &problems)
            return path
        } catch  where error.code == .unknownRoot || error.code == .unexpected {
            problems.append(
                ConfigProblem(
                    node, "\"\(text.prefix(80))\" is no path",
                    remedy: "a constant? write {value: \(text.prefix(80))}; paths begin with " + roots.listed))
        } catch { problems.append(ConfigProblem(node, error.positioned, remedy: error.remedy)) }
        return nil
    }

    func expression(_ node: ConfigNode, roots: Set<Scope.Root>, problems: inout [ConfigProblem]) -> Expression? {
        guard let text = node.text else {
            problems.append(
                ConfigProblem(node, "\(node.kind) is no condition", remedy: "write one such as source.kind == \"A\""))
            return nil
        }
        do {
            let expression = try Expression(text)
            for path in expression.paths { check(path, node: node, roots: roots, problems: &problems) }
            return expression
        } catch {
            problems.append(ConfigProblem(node, error.positioned, remedy: error.remedy))
            return nil
        }
    }

    private func check(
        _ path: Path, node: ConfigNode, roots: Set<Scope.Root>, jobFields: [String] = MappingController.jobFields,
        problems: inout [ConfigProblem]
    ) {
        if !roots.contains(path.root) {
            problems.append(
                ConfigProblem(
                    node, "\(path): the root \(path.root.rawValue) has no meaning here",
                    remedy: "here, paths begin with " + roots.listed))
        } else if path.root == .job, let field = path.fields.first, !jobFields.contains(field) {
            let nearest = field.nearest(among: jobFields)
            problems.append(
                ConfigProblem(
                    node, "the job has no field \"\(field.prefix(80))\"",
                    remedy: nearest.map { "did you mean job.\($0)?" } ?? "known: " + jobFields.list))
        }
    }

    private func conversions(_ section: ConfigSection, problems: inout [ConfigProblem]) -> [Conversion] {
        guard let node = section["as"] else { return [] }
        return node.oneOrMore.compactMap { element in
            if let conversion = element.text.flatMap({ Conversion($0) }) { return conversion }
            let written = element.text ?? element.kind
            let nearest = element.text.flatMap { $0.nearest(among: Conversion.names) }
            let remedy =
                written.hasPrefix("decimal")
                ? "write decimal(n) with n places, 0 to \(Conversion.maximumPlaces)"
                : nearest.map { "did you mean \($0)?" } ?? "known: " + Conversion.names.list
            problems.append(ConfigProblem(element, "as: \"\(written.prefix(80))\" is no conversion", remedy: remedy))
            return nil
        }
    }

    private func map(_ section: ConfigSection, problems: inout [ConfigProblem]) -> FieldRule.ValueMap? {
        // null is a word of `otherwise`, so it counts although the section takes it for nothing.
        let said = section.node["otherwise"]
        let otherwise =
            said?.scalar?.isNull == true
            ? .null : section.choice("otherwise", FieldRule.ValueMap.Otherwise.self, problems: &problems) ?? .fail
        guard let node = section["map"] else {
            if let said {
                problems.append(ConfigProblem(said, "otherwise without map", remedy: "add map:, or write default:"))
            }
            return nil
        }
        guard let entries = node.entries, !entries.isEmpty else {
            problems.append(ConfigProblem(node, "map is \(node.kind)", remedy: "write {from this: to that}"))
            return nil
        }
        return FieldRule.ValueMap(entries.map { ($0.key, $0.value.json) }, otherwise: otherwise)
    }

    private func function(
        _ section: ConfigSection, problems: inout [ConfigProblem]
    ) -> (name: String, function: MappingFunction)? {
        guard let name = section.text("using", problems: &problems) else { return nil }
        if let function = functions[name] { return (name, function) }
        let nearest = name.nearest(among: functions.keys.sorted())
        problems.append(
            ConfigProblem(
                section["using"] ?? section.node, "no function \"\(name.prefix(80))\" is registered",
                remedy: nearest.map { "did you mean \($0)?" } ?? "register it where Ferry is started"))
        return nil
    }
}

extension ExpressionError {
    fileprivate var positioned: String { "\(message) at character \(position)" }
}

extension Set<Scope.Root> {
    fileprivate var listed: String {
        Scope.Root.allCases.filter(contains).map { $0.rawValue + "." }.joined(separator: ", ")
    }
}
