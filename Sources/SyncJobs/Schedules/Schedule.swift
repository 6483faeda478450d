// A named schedule of a type: when it is due, what its requests carry, and what becomes of times that were missed. Pure:
// whoever keeps the clock and remembers the last look asks here.

/// A schedule of a sync job type.
public struct Schedule: Sendable, Hashable {
    /// What happens when a time is due and the schedule's last job is still alive.
    public enum Overlap: String, Sendable, Hashable, CaseIterable {
        /// The new time is left out.
        case skip
        /// Both run.
        case allow
    }

    /// What happens with times that were due while nobody looked.
    public enum Missed: String, Sendable, Hashable, CaseIterable {
        /// The latest of them runs, once.
        case runOnce = "run_once"
        /// They are left out, but for what was due within the last minute.
        case skip
    }

    /// The name, unique within its type: letters, digits, `.`, `_` and `-`, at most ``maximumNameBytes``.
    public var name: String
    /// When it is due.
    public var cron: CronExpression
    /// By which clocks.
    public var zone: TimeZoneRules
    /// The source document of its requests; nil when the controller finds its sources by the context.
    public var sourceName: String?
    /// The context of its requests.
    public var context: JSONObject?
    /// What happens when a time is due and the last job is still alive.
    public var overlap: Overlap
    /// What happens with times that were missed.
    public var missed: Missed

    /// The longest name in UTF-8 bytes.
    public static let maximumNameBytes = 100
    /// How long ago a time may have been due that is not missed yet.
    public static let tolerance = Duration.seconds(60)

    /// Makes a schedule with the defaults of the specification.
    public init(
        name: String, cron: CronExpression, zone: TimeZoneRules = .utc, sourceName: String? = nil,
        context: JSONObject? = nil, overlap: Overlap = .skip, missed: Missed = .runOnce
    ) {
        self.name = name
        self.cron = cron
        self.zone = zone
        self.sourceName = sourceName
        self.context = context
        self.overlap = overlap
        self.missed = missed
    }

    /// The first time after `instant` at which it is due; nil when there is none up to the year 9999.
    public func next(after instant: Timestamp) -> Timestamp? { cron.next(after: instant, in: zone) }

    /// What is to run now, given the last look at the schedule; the caller remembers `now` as the next last look.
    ///
    /// At most one time, since of several that were missed only the latest runs. Nothing at the first look (`last` is
    /// nil): a schedule that is new has missed nothing. Nothing either when the clock was set back behind the last look.
    ///
    /// Asking twice for one time is harmless: the job's id derives from it.
    public func dueTimes(after last: Timestamp?, upTo now: Timestamp) -> [Timestamp] {
        guard var last, last < now else { return [] }
        if missed == .skip { last = max(last, now.advanced(by: .zero - Self.tolerance)) }
        return latest(after: last, upTo: now).map { [$0] } ?? []
    }

    /// The last time that is due in `(start, end]`; nil when there is none.
    ///
    /// By halves: years of a schedule for every minute are some thirty steps.
    private func latest(after start: Timestamp, upTo end: Timestamp) -> Timestamp? {
        guard var latest = next(after: start), latest <= end else { return nil }
        // Nothing is due in (empty, end].
        var empty = end
        while empty.since(latest) >= .seconds(1) {
            let middle = latest.advanced(by: empty.since(latest) / 2)
            if let due = next(after: middle), due <= end { latest = due } else { empty = middle }
        }
        return latest
    }

    /// The id of the job for one due time, the same whoever asks and however often.
    ///
    /// `sap_customer_sync@nightly@2026-11-21T02:00:00Z`
    public func jobID(typeSlug: String, due: Timestamp) -> String {
        let whole = Timestamp(
            microseconds: due.microseconds.floorDivided(by: 1_000_000) * 1_000_000, precisionMicroseconds: 1_000_000)
        return "\(typeSlug)@\(name)@\(whole)"
    }
}

extension SyncJobType {
    /// The request that `schedule` becomes at one of its due times.
    public func request(for schedule: Schedule, due: Timestamp) -> SyncRequest {
        var request = SyncRequest(
            id: schedule.jobID(typeSlug: slug, due: due), type: name, sourceName: schedule.sourceName)
        request.triggerType = .scheduler
        // Without a source's name a request needs a context, if only an empty one.
        request.context = schedule.context ?? (schedule.sourceName == nil ? [:] : nil)
        return request
    }
}
