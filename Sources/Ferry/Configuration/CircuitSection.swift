// The `circuit:` of a system: when it is taken for down, and how often one job tries it then.

internal import SyncJobs

extension ConfigurationReader {
    /// The settings of a system's circuit; the defaults for what is left out or wrong.
    mutating func readCircuit(_ node: ConfigNode?, of kind: SystemSettings.Kind) -> CircuitSettings {
        var circuit = CircuitSettings()
        guard let section = section(node, keys: CircuitKey.self) else { return circuit }
        if kind == .embedded {
            refuse(
                section, "an embedded system has no circuit",
                remedy: "leave it out: it lives in the store's file, and jobs wait while that is busy")
        }
        if let failures = count(CircuitKey.failures, of: section, in: 1...1000) { circuit.failures = failures }
        if let ratio = share(CircuitKey.ratio, of: section) { circuit.ratio = ratio }
        if let window = duration(CircuitKey.window, of: section, in: .seconds(1) ... .seconds(3600)) {
            circuit.window = window
        }
        if let every = duration(CircuitKey.probeEvery, of: section, in: .seconds(1) ... .seconds(3600)) {
            circuit.probeEvery = every
        }
        return circuit
    }

    private mutating func share(_ key: CircuitKey, of section: ConfigNode) -> Double? {
        guard let node = section[key.rawValue], node.scalar?.isNull != true else { return nil }
        guard case .number(let number)? = node.scalar, let share = Double(number.text), (0.01...1).contains(share)
        else {
            refuse(node, "\(shown(node)) is no share of failures", remedy: "write a number from 0.01 to 1, such as 0.5")
            return nil
        }
        return share
    }
}
