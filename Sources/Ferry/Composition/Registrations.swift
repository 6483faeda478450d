// What a program registers reaches the commands through a task-local value: the argument parser makes commands
// itself, from text alone, so nothing can be handed to them; and unlike a global it is never changed, so tests run
// side by side.

internal import SyncJobs

/// Registered controllers and functions.
struct Registrations: Sendable {
    /// Those of the command that is running.
    @TaskLocal static var current = Registrations()

    /// By the names that `controller:` uses.
    var controllers: [String: any SyncController] = [:]
    /// By the names that `using:` uses.
    var functions: [String: FerryConfiguration.Function] = [:]
}
