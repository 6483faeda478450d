// From `schedules:` to schedules: a map from their names.

struct ScheduleReader {
    /// Whether the type's mapping reads a source document, which its schedules then have to name.
    let readsSource: Bool

    func schedules(_ section: ConfigSection, problems: inout [ConfigProblem]) -> [Schedule] {
        guard let node = section["schedules"] else { return [] }
        guard let entries = node.entries else {
            problems.append(
                ConfigProblem(
                    node, "schedules is \(node.kind)",
                    remedy: "write a map of names: {nightly: {cron: \"0 2 * * *\", zone: Europe/Berlin}}"))
            return []
        }
        return entries.compactMap { entry in
            refuseName(entry, problems: &problems)
            return schedule(entry.value, name: entry.key, problems: &problems)
        }
    }

    private func refuseName(_ entry: ConfigNode.Entry, problems: inout [ConfigProblem]) {
        let isOfKnownLetters = entry.key.unicodeScalars.allSatisfy { scalar in
            scalar.isASCII && (scalar.properties.isAlphabetic || "0123456789._-".unicodeScalars.contains(scalar))
        }
        if isOfKnownLetters, (1...Schedule.maximumNameBytes).contains(entry.key.utf8.count) { return }
        problems.append(
            ConfigProblem(
                line: entry.line, place: entry.value.place,
                message: "\"\(entry.key.prefix(100))\" is no name of a schedule, which is a part of its jobs' ids",
                remedy: "write letters, digits, . _ and -, at most \(Schedule.maximumNameBytes)"))
    }

    private func schedule(_ node: ConfigNode, name: String, problems: inout [ConfigProblem]) -> Schedule? {
        let known = SyncJobTypeDefinition.scheduleKeys
        guard let section = ConfigSection(node, what: "a schedule", known: known, problems: &problems) else {
            return nil
        }
        let cron = cron(section, problems: &problems)
        let zone = section.zone("zone", problems: &problems) ?? .utc
        let sourceName = section.text("source_name", problems: &problems)
        if readsSource, section["source_name"] == nil {
            problems.append(
                ConfigProblem(
                    node, "the mapping reads the source, and the schedule does not say which document that is",
                    remedy: "write source_name: with its name, or use a controller that finds its sources itself"))
        }
        let context = context(section, problems: &problems)
        let overlap = section.choice("overlap", Schedule.Overlap.self, problems: &problems) ?? .skip
        let missed = section.choice("missed", Schedule.Missed.self, problems: &problems) ?? .runOnce
        return cron.map {
            Schedule(
                name: name, cron: $0, zone: zone, sourceName: sourceName, context: context, overlap: overlap,
                missed: missed)
        }
    }

    private func cron(_ section: ConfigSection, problems: inout [ConfigProblem]) -> CronExpression? {
        let remedy = "write cron: with five fields, such as \"0 2 * * *\", or @daily"
        guard let text = section.required("cron", remedy: remedy, problems: &problems) else { return nil }
        do { return try CronExpression(text) } catch {
            problems.append(ConfigProblem(section["cron"] ?? section.node, error.message, remedy: error.remedy))
            return nil
        }
    }

    private func context(_ section: ConfigSection, problems: inout [ConfigProblem]) -> JSONObject? {
        guard let node = section["context"] else { return nil }
        guard node.entries != nil, let context = node.json.objectValue else {
            problems.append(
                ConfigProblem(node, "context is \(node.kind), and has to be a map", remedy: "write {key: value}"))
            return nil
        }
        return context
    }
}
