// What is worked out once about a document that many jobs hold. Invariant: it is about the fields as they were read; a document
// that is changed lets go of it.

internal import Synchronization

/// Values that follow from a document's fields, each made when it is first asked for.
final class DocumentFacts: Sendable {
    /// What the store wrote down beside the fields; nil where they come from elsewhere.
    let stored: (hash: Digest, byteCount: Int)?
    private let values = Mutex<[String: any Sendable]>([:])

    init(stored: (hash: Digest, byteCount: Int)? = nil) { self.stored = stored }

    /// The value of this name, which is made when there is none; of two who make it at once the first counts.
    func value<Value: Sendable, Failure: Error>(
        _ name: String, _ make: () throws(Failure) -> Value
    ) throws(Failure) -> Value {
        if let known = values.withLock({ $0[name] }) as? Value { return known }
        let made = try make()
        return values.withLock { values in
            if let known = values[name] as? Value { return known }
            values[name] = made
            return made
        }
    }
}
