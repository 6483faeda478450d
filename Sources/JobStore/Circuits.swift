// Open circuits, as rows that all processes on the store see. Invariant: a probe is claimed in the transaction that chooses
// its job, so that one process probes at a time; a claim that is not renewed ends with its time.
internal import GRDB
public import SyncJobs

extension JobStore {
    /// What became of the wish to probe a system.
    public enum Probe: Sendable, Hashable {
        /// It is claimed: this parked job is the probe, at its `nextTurn`.
        case job(SyncJob)
        /// None is due: the circuit is closed, its time has not come, or another process probes.
        case notDue
        /// Nothing is parked that could be the probe.
        ///
        /// The circuit is closed: the next job of the system will tell.
        case nothingParked
    }

    /// Opens the circuit of a system; false when it is open already.
    ///
    /// - Throws: ``JobStoreError``.
    public func openCircuit(_ circuit: OpenCircuit) async throws(JobStoreError) -> Bool {
        try await writer.write("circuit") { context in
            guard try CircuitRow.circuit(of: circuit.system, in: context.db) == nil else { return false }
            try context.store(circuit)
            return true
        }
    }

    /// Closes the circuit of a system that has proved to be available: what is parked for it is due at once.
    ///
    /// - Returns: the circuit as it was; nil when it was closed.
    /// - Throws: ``JobStoreError``.
    public func closeCircuit(of system: String) async throws(JobStoreError) -> OpenCircuit? {
        try await writer.write("circuit") { context in
            guard let circuit = try CircuitRow.circuit(of: system, in: context.db) else { return nil }
            try context.close(circuit)
            return circuit
        }
    }

    /// Lets the next probe of an open circuit begin at once; false when the circuit is closed.
    ///
    /// - Throws: ``JobStoreError``.
    public func hastenProbe(of system: String, actor: String, reason: String?, at now: Timestamp)
        async throws(JobStoreError) -> Bool
    {
        try await writer.write("circuit") { context in
            guard var circuit = try CircuitRow.circuit(of: system, in: context.db) else { return false }
            circuit.nextProbeAt = min(circuit.nextProbeAt, now)
            try context.store(circuit)
            try context.audit(action: "probe", actor: actor, subject: "system \(system)", reason: reason, at: now)
            return true
        }
    }

    /// Claims the probe of a system whose time has come, and chooses its job: of those that are first of their key the one
    /// that was not tried yet, the oldest first; then the one that was tried longest ago.
    ///
    /// - Parameter until: when the claim ends, unless it is renewed.
    /// - Throws: ``JobStoreError``.
    public func claimProbe(
        of system: String, node: String, now: Timestamp, until: Timestamp
    ) async throws(JobStoreError) -> Probe {
        try await writer.write("circuit") { context in
            guard let circuit = try CircuitRow.circuit(of: system, in: context.db), circuit.isProbeDue(at: now) else {
                return .notDue
            }
            guard let sequence = try ParkedRow.probe(of: system, in: context.db),
                let job = try JobRow.job(sequence: sequence, in: context.db)
            else {
                try context.close(circuit)
                return .nothingParked
            }
            try context.store(circuit.probed(by: node, until: until))
            return .job(job)
        }
    }

    /// Moves on the end of a claim that a process still holds.
    ///
    /// - Throws: ``JobStoreError``.
    public func renewProbe(of system: String, node: String, until: Timestamp) async throws(JobStoreError) {
        try await writer.write("circuit") { context in
            try context.execute(
                "UPDATE circuits SET probe_until = ? WHERE system = ? AND probed_by = ?",
                [until.columnValue, system.nameValue, node.nameValue])
        }
    }

    /// Changes an open circuit by what a probe has found; the circuit as it is then, nil when it is closed.
    ///
    /// - Throws: ``JobStoreError``.
    public func endProbe(
        of system: String, _ change: @escaping @Sendable (OpenCircuit) -> OpenCircuit
    ) async throws(JobStoreError) -> OpenCircuit? {
        try await writer.write("circuit") { context in
            guard let circuit = try CircuitRow.circuit(of: system, in: context.db) else { return nil }
            let changed = change(circuit)
            try context.store(changed)
            return changed
        }
    }
}

extension WriteContext {
    fileprivate func store(_ circuit: OpenCircuit) throws {
        try execute(
            "INSERT OR REPLACE INTO circuits (\(CircuitRow.columns)) VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                circuit.system.nameValue, circuit.openedAt.columnValue, circuit.reason.nameValue,
                circuit.failedProbes.databaseValue, circuit.nextProbeAt.columnValue, circuit.probedBy.nameValue,
                circuit.probeUntil?.columnValue ?? .null,
            ])
        note(.standstill)
    }

    fileprivate func close(_ circuit: OpenCircuit) throws {
        try execute("DELETE FROM circuits WHERE system = ?", [circuit.system.nameValue])
        try makeDue(parkedFor: circuit.system)
    }
}

enum CircuitRow {
    fileprivate static let columns =
        "system, opened_at, reason, failed_probes, next_probe_at, probed_by, probe_until"

    static func all(in db: Database) throws -> [OpenCircuit] {
        try db.allRows("SELECT \(columns) FROM circuits ORDER BY opened_at, system", [], circuit)
    }

    fileprivate static func circuit(of system: String, in db: Database) throws -> OpenCircuit? {
        try db.firstRow("SELECT \(columns) FROM circuits WHERE system = ?", [system.nameValue], circuit)
    }

    private static func circuit(from row: StoredRow) throws -> OpenCircuit {
        var columns = ColumnReader(row)
        return OpenCircuit(
            stored: try columns.text(), openedAt: try columns.timestamp(), reason: try columns.text(),
            failedProbes: try columns.int(), nextProbeAt: try columns.timestamp(),
            probedBy: try columns.optionalText(), probeUntil: columns.optionalTimestamp())
    }
}
