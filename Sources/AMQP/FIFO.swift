// A first-in-first-out queue on one array, for what is taken from the front all day long.
// Invariant: elements before `head` are gone (nil), and the array is compacted before the gap outgrows the content.

struct FIFO<Element> {
    private var storage: [Element?] = []
    private var head = 0

    var count: Int { storage.count - head }
    var isEmpty: Bool { count == 0 }

    var first: Element? { isEmpty ? nil : storage[head] }

    /// All elements, in order.
    var elements: [Element] { storage[head...].compactMap { $0 } }

    /// The element at `position`, counted from the front.
    subscript(position: Int) -> Element {
        get {
            guard let element = storage[head + position] else { preconditionFailure("a hole in a queue") }
            return element
        }
        set { storage[head + position] = newValue }
    }

    mutating func append(_ element: Element) { storage.append(element) }

    mutating func popFirst() -> Element? {
        guard !isEmpty else { return nil }
        let element = storage[head]
        storage[head] = nil
        head += 1
        compact()
        return element
    }

    /// Puts `elements`, in their order, in front of everything.
    mutating func prepend(_ elements: [Element]) {
        guard !elements.isEmpty else { return }
        storage.replaceSubrange(..<head, with: elements.map { Optional($0) })
        head = 0
    }

    /// Takes everything out, in order.
    mutating func takeAll() -> [Element] {
        defer {
            storage.removeAll(keepingCapacity: true)
            head = 0
        }
        return storage[head...].compactMap { $0 }
    }

    /// Removes what does not satisfy `keep`.
    mutating func removeAll(where remove: (Element) -> Bool) {
        storage = storage[head...].filter { element in element.map { !remove($0) } ?? false }
        head = 0
    }

    private mutating func compact() {
        if head == storage.count {
            storage.removeAll(keepingCapacity: true)
            head = 0
        } else if head >= 1024, head * 2 >= storage.count {
            storage.removeSubrange(..<head)
            head = 0
        }
    }
}
