// One entry of `types:`, read into a SyncJobType. Everything that is wrong with it is told at once, each with its line, its
// place and what to do.

/// Reading of sync job types from a configuration.
public enum SyncJobTypeDefinition {
    /// The keys of a type, in the order in which they are best written.
    public static let keys =
        [
            "slug", "source", "target", "queue", "timeout", "retry_delay", "backoff", "max_retry_delay", "jitter",
            "max_retries",
        ] + flagKeys + ["disabled", "triggers", "schedules", "controller"] + RunRulesReader.keys + MappingReader.keys

    /// The keys of a trigger.
    public static let triggerKeys = ["document", "events", "when", "source_name", "context"]
    /// The keys of a schedule.
    public static let scheduleKeys = ["cron", "zone", "source_name", "context", "overlap", "missed"]
    /// The keys of a field's rule.
    public static var ruleKeys: [String] { RuleReader.keys }
    /// The keys of a relay's rule.
    public static var relayKeys: [String] { MappingReader.relayKeys }
    /// The keys of a child table's rule.
    public static var tableKeys: [String] { MappingReader.tableKeys }
    /// The keys of the five flags.
    public static let flagKeys = [
        "insert_enabled", "update_enabled", "delete_enabled", "update_without_changes_enabled", "verbose_logging",
    ]

    /// Reads the type `name` from `node`.
    ///
    /// - Parameters:
    ///   - controllers: the registered Swift controllers, by the name that `controller:` uses.
    ///   - functions: the registered pure functions, by the name that `using:` uses.
    ///   - problems: gets everything that is wrong, each with line, place and remedy.
    /// - Returns: the type; nil when anything is wrong with it. The mapping of a declarative type is that of its
    ///   ``MappingController``.
    public static func read(
        name: String, node: ConfigNode, controllers: [String: any SyncController],
        functions: [String: MappingFunction], problems: inout [ConfigProblem]
    ) -> SyncJobType? {
        let count = problems.count
        guard let section = ConfigSection(node, what: "a sync job type", known: keys, problems: &problems) else {
            return nil
        }
        let source = documentType("source", section, isRequired: true, problems: &problems)
        let target = documentType("target", section, isRequired: section["controller"] == nil, problems: &problems)
        let rules = RuleReader(functions: functions)
        let controller = controller(
            section, target: target, controllers: controllers, rules: rules, problems: &problems)
        var type = SyncJobType(
            name: name, slug: slug(section, name: name, problems: &problems),
            source: source ?? DocumentType(system: "", name: ""), target: target,
            queue: section.text("queue", problems: &problems) ?? "default",
            timeout: section.duration("timeout", problems: &problems), controller: controller ?? NoController())
        readPolicy(section, into: &type.retryPolicy, problems: &problems)
        readFlags(section, into: &type.flags, problems: &problems)
        type.isDisabled = section.bool("disabled", problems: &problems) ?? false
        if let source {
            type.triggers = TriggerReader(rules: rules, source: source).triggers(section, problems: &problems)
        }
        let readsSource = (controller as? any DeclarativeController)?.mapping.readsSource ?? false
        type.schedules = ScheduleReader(readsSource: readsSource).schedules(section, problems: &problems)
        RunRulesReader(rules: rules).read(section, of: controller, into: &type, problems: &problems)
        requireOnDelete(section, type: type, problems: &problems)
        return problems.count == count ? type : nil
    }

    /// Stands where there is a problem already; a type that has one is never returned.
    private struct NoController: SingleTargetController {
        func update(_ target: inout Document, for job: JobHandle) async throws {}
    }

    private static func documentType(
        _ key: String, _ section: ConfigSection, isRequired: Bool, problems: inout [ConfigProblem]
    ) -> DocumentType? {
        let remedy = "write system.Type, such as \(key == "source" ? "erp.Customer" : "shop.Account")"
        guard let node = section[key] else {
            if isRequired { problems.append(ConfigProblem(section.node, "\(key) is missing", remedy: remedy)) }
            return nil
        }
        return node.documentType(key, remedy: remedy, problems: &problems)
    }

    private static func slug(_ section: ConfigSection, name: String, problems: inout [ConfigProblem]) -> String {
        let slug = section.text("slug", problems: &problems) ?? name.slug
        let node = section["slug"] ?? section.node
        if slug.isEmpty || slug.utf8.count > 100 || !slug.hasSameBytes(as: slug.slug) {
            problems.append(
                ConfigProblem(
                    node, "\"\(slug.prefix(100))\" is no slug for the type \"\(name.prefix(100))\"",
                    remedy: "write slug: with letters a–z, digits and _, at most 100"))
        }
        return slug
    }

    private static func readPolicy(
        _ section: ConfigSection, into policy: inout RetryPolicy, problems: inout [ConfigProblem]
    ) {
        if let delay = section.duration("retry_delay", allowsZero: true, problems: &problems) { policy.delay = delay }
        if let longest = section.duration("max_retry_delay", problems: &problems) { policy.maximumDelay = longest }
        policy.backoff = section.choice("backoff", RetryPolicy.Backoff.self, problems: &problems) ?? .fixed
        if let retries = section.count("max_retries", maximum: 1_000_000, problems: &problems) {
            policy.maxRetries = retries
        }
        guard let node = section["jitter"] else { return }
        guard let fraction = node.scalar?.numberValue.flatMap({ Double($0.text) }), (0...1).contains(fraction) else {
            problems.append(
                ConfigProblem(node, "jitter is no fraction from 0 to 1", remedy: "write a number such as 0.1"))
            return
        }
        policy.jitter = fraction
    }

    private static func readFlags(
        _ section: ConfigSection, into flags: inout SyncFlags, problems: inout [ConfigProblem]
    ) {
        var overrides = SyncFlagOverrides()
        overrides.insertEnabled = section.bool("insert_enabled", problems: &problems)
        overrides.updateEnabled = section.bool("update_enabled", problems: &problems)
        overrides.deleteEnabled = section.bool("delete_enabled", problems: &problems)
        overrides.updateWithoutChangesEnabled = section.bool("update_without_changes_enabled", problems: &problems)
        overrides.verboseLogging = section.bool("verbose_logging", problems: &problems)
        flags = overrides.applied(to: flags)
    }

    private static func controller(
        _ section: ConfigSection, target: DocumentType?, controllers: [String: any SyncController],
        rules: RuleReader, problems: inout [ConfigProblem]
    ) -> (any SyncController)? {
        let said = MappingReader.keys.filter { section[$0] != nil }
        guard let node = section["controller"] else {
            let mapping = MappingReader(rules: rules).mapping(section, problems: &problems)
            if section["fields"] == nil, section["tables"] == nil {
                problems.append(
                    ConfigProblem(
                        section.node, "the type says neither fields nor a controller",
                        remedy: "write fields: {target field: source.field}, or controller: with a registered name"))
            }
            return target.map { target -> any SyncController in
                guard let relay = mapping.relay else { return MappingController(mapping: mapping, target: target) }
                return MappingRelayController(mapping: mapping, relay: relay, target: target)
            }
        }
        if !said.isEmpty {
            problems.append(
                ConfigProblem(
                    node, "\(said.list) beside a controller", remedy: "write a mapping or a controller, not both"))
        }
        guard let name = section.text("controller", problems: &problems) else { return nil }
        if let controller = controllers[name] { return controller }
        let nearest = name.nearest(among: controllers.keys.sorted())
        problems.append(
            ConfigProblem(
                node, "no controller \"\(name.prefix(80))\" is registered",
                remedy: nearest.map { "did you mean \($0)?" } ?? "register it where Ferry is started"))
        return nil
    }

    private static func requireOnDelete(_ section: ConfigSection, type: SyncJobType, problems: inout [ConfigProblem]) {
        let hasDelete = type.triggers.contains { $0.document == type.source && $0.events.contains(.delete) }
        guard hasDelete, section["controller"] == nil, section["on_delete"] == nil else { return }
        problems.append(
            ConfigProblem(
                section.node, "a trigger has delete, and on_delete does not say what that means",
                remedy: "write on_delete: delete, keep or {update: {target field: {value: …}}}"))
    }
}

extension ConfigNode {
    /// `system.Type`.
    func documentType(_ what: String, remedy: String, problems: inout [ConfigProblem]) -> DocumentType? {
        if let type = text.flatMap({ DocumentType($0) }) { return type }
        let shown = text.map { "\"\($0.prefix(80))\"" } ?? kind
        problems.append(ConfigProblem(self, "\(what) is \(shown), which names no document type", remedy: remedy))
        return nil
    }
}
