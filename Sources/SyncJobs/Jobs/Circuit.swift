// The circuit of a system: closed while it answers, open while it is taken for down, probing while one job tries it. Pure,
// with the time given. A closed circuit counts in the memory of each process; an open one is kept in the store, for all.

/// When a circuit opens, and how often an open one is probed.
public struct CircuitSettings: Sendable, Hashable {
    /// So many jobs that fail in a row open it; one job that fails again and again is one.
    public var failures = 5
    /// This share of failures opens it, among at least ``minimumSample`` runs of the ``window``.
    public var ratio = 0.5
    /// The time over which the share is taken.
    public var window = Duration.seconds(60)
    /// How long after it has opened the first probe runs; each failed probe doubles the time, up to a minute.
    public var probeEvery = Duration.seconds(10)

    /// The fewest runs of which a share is taken.
    public static let minimumSample = 20
    /// The longest time between two probes, unless ``probeEvery`` is longer.
    public static let longestProbeInterval = Duration.seconds(60)

    /// The defaults.
    public init() {}
}

/// A closed circuit: counts failures until they are enough to open it.
public struct Circuit: Sendable, Hashable {
    private struct Slot: Sendable, Hashable {
        var number: Int64 = -1
        var runs = 0
        var failures = 0
    }

    /// Into how many parts the window is divided.
    private static let slotCount: Int64 = 12

    private let settings: CircuitSettings
    /// How many failed before those in ``failedInARow``.
    private var suspicion = 0
    /// The jobs that failed since the last success.
    private var failedInARow: Set<ExactString> = []
    private var slots = [Slot](repeating: Slot(), count: Int(slotCount))

    /// A closed circuit without a history.
    public init(_ settings: CircuitSettings) { self.settings = settings }

    /// A closed circuit whose next failure opens it again: nobody has proved that its system is back.
    public static func suspecting(_ settings: CircuitSettings) -> Circuit {
        var circuit = Circuit(settings)
        circuit.suspicion = settings.failures - 1
        return circuit
    }

    /// The system answered.
    public mutating func succeeded(at time: Timestamp) {
        suspicion = 0
        failedInARow = []
        count(failure: false, at: time)
    }

    /// The system was not available to this job; true when the circuit is to open.
    public mutating func failed(_ jobID: String, at time: Timestamp) -> Bool {
        failedInARow.insert(ExactString(jobID))
        count(failure: true, at: time)
        if suspicion + failedInARow.count >= settings.failures { return true }
        let newest = number(of: time)
        let recent = slots.filter { $0.number > newest - Self.slotCount && $0.number <= newest }
        let runs = recent.reduce(0) { $0 + $1.runs }
        let failures = recent.reduce(0) { $0 + $1.failures }
        return runs >= CircuitSettings.minimumSample && Double(failures) >= settings.ratio * Double(runs)
    }

    private mutating func count(failure: Bool, at time: Timestamp) {
        let number = number(of: time)
        let place = Int(((number % Self.slotCount) + Self.slotCount) % Self.slotCount)
        if slots[place].number != number { slots[place] = Slot(number: number) }
        slots[place].runs += 1
        if failure { slots[place].failures += 1 }
    }

    private func number(of time: Timestamp) -> Int64 {
        time.microseconds / max(1, settings.window.microseconds / Self.slotCount)
    }
}

/// A circuit that is open: its system is taken for down, and its jobs are parked.
public struct OpenCircuit: Sendable, Hashable {
    /// The system.
    public var system: String
    /// Since when.
    public var openedAt: Timestamp
    /// What the last failure said.
    public var reason: String
    /// How many probes have failed.
    public var failedProbes: Int
    /// When the next probe is due.
    public var nextProbeAt: Timestamp
    /// Who probes it: `host:pid`; nil while nobody does.
    public var probedBy: String?
    /// Until when that probe is believed to go on; it is moved on while it does.
    public var probeUntil: Timestamp?

    /// A circuit that opens now.
    public init(system: String, openedAt: Timestamp, reason: String, settings: CircuitSettings) {
        self.init(
            stored: system, openedAt: openedAt, reason: reason, failedProbes: 0,
            nextProbeAt: openedAt.advanced(by: settings.probeEvery), probedBy: nil, probeUntil: nil)
    }

    /// A circuit as it is stored.
    public init(
        stored system: String, openedAt: Timestamp, reason: String, failedProbes: Int, nextProbeAt: Timestamp,
        probedBy: String?, probeUntil: Timestamp?
    ) {
        self.system = system
        self.openedAt = openedAt
        self.reason = reason
        self.failedProbes = failedProbes
        self.nextProbeAt = nextProbeAt
        self.probedBy = probedBy
        self.probeUntil = probeUntil
    }

    /// Whether a probe may begin: its time has come, and no other is under way.
    public func isProbeDue(at now: Timestamp) -> Bool {
        nextProbeAt <= now && (probeUntil.map { $0 <= now } ?? true)
    }

    /// The circuit while `node` probes it.
    public func probed(by node: String, until: Timestamp) -> OpenCircuit {
        var circuit = self
        circuit.probedBy = node
        circuit.probeUntil = until
        return circuit
    }

    /// The circuit after a probe that found its system still down.
    public func afterFailedProbe(reason: String, at now: Timestamp, settings: CircuitSettings) -> OpenCircuit {
        var circuit = self
        circuit.reason = reason
        circuit.failedProbes += 1
        let longest = max(CircuitSettings.longestProbeInterval, settings.probeEvery)
        let doubled = settings.probeEvery * (1 << min(circuit.failedProbes, 10))
        circuit.nextProbeAt = now.advanced(by: min(doubled, longest))
        circuit.probedBy = nil
        circuit.probeUntil = nil
        return circuit
    }

    /// The circuit after a probe that said nothing about its system: the next one is due at once.
    public func afterVainProbe(at now: Timestamp) -> OpenCircuit {
        var circuit = self
        circuit.nextProbeAt = now
        circuit.probedBy = nil
        circuit.probeUntil = nil
        return circuit
    }
}
