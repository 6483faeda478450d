// Short spellings of what the tests of schedules are full of.
import SyncJobs
import Testing

/// The instant of an RFC 3339 text.
func instant(_ text: String) throws -> Timestamp { try #require(Timestamp(text), "\(text)") }

/// The local time of a text without an offset.
func local(_ text: String) throws -> LocalTime { try #require(LocalTime(text), "\(text)") }
