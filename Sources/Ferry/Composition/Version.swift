// Which version this is.

/// The version of this library and command.
public enum FerryVersion {
    /// As in the change log: `major.minor.patch`.
    public static let current = "0.1.0"
}
