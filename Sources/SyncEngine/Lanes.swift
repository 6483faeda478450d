// Per key in arrival order, different keys in parallel, pure: a key's first job is ready at once, the next when it leaves.

/// Jobs waiting behind others of their key.
struct Lanes<Job: Sendable>: Sendable {
    /// What waits behind the job that is ready or running, by key.
    ///
    /// A key is present while it has such a job.
    private var waiting: [String: FIFO<Job>] = [:]

    /// How many jobs wait behind others.
    private(set) var waitingCount = 0

    /// Whether no key is taken.
    var isEmpty: Bool { waiting.isEmpty }

    /// Takes a job; true when it is ready at once, false when it waits behind another of its key.
    mutating func submit(_ job: Job, key: String) -> Bool {
        if waiting[key] == nil {
            waiting[key] = FIFO()
            return true
        }
        waiting[key]?.append(job)
        waitingCount += 1
        return false
    }

    /// The last job that waits behind `key`'s; nil when none does.
    func lastWaiting(key: String) -> Job? { waiting[key]?.last }

    /// Puts `job` in place of the last one that waits behind `key`'s.
    mutating func replaceLastWaiting(key: String, with job: Job) { waiting[key]?.last = job }

    /// Takes the waiting jobs that `isWanted` names out of their lanes.
    mutating func takeWaiting(where isWanted: (Job) -> Bool) -> [Job] {
        let taken = waiting.values.flatMap { $0.all.filter(isWanted) }
        if !taken.isEmpty { removeWaiting(where: isWanted) }
        return taken
    }

    /// The key's job has left; answers the next one, which is ready now.
    mutating func release(key: String) -> Job? {
        guard let next = waiting[key]?.popFirst() else {
            waiting[key] = nil
            return nil
        }
        waitingCount -= 1
        return next
    }

    /// Forgets all waiting jobs that `isVoid` names; the keys stay taken by what is ready or running.
    mutating func removeWaiting(where isVoid: (Job) -> Bool) {
        for key in Array(waiting.keys) { waiting[key]?.removeAll(where: isVoid) }
        waitingCount = waiting.values.reduce(0) { $0 + $1.count }
    }
}

/// A first-in-first-out queue with constant-time ends; what was taken is not kept alive.
struct FIFO<Element: Sendable>: Sendable {
    private var elements: [Element?] = []
    private var head = 0

    /// How many elements there are.
    var count: Int { elements.count - head }

    /// The first element; nil when there is none.
    var first: Element? { head < elements.count ? elements[head] : nil }

    /// The last element; nil when there is none.
    var last: Element? {
        get { count > 0 ? elements[elements.count - 1] : nil }
        set { if count > 0, let newValue { elements[elements.count - 1] = newValue } }
    }

    /// All elements, first to last.
    var all: [Element] { elements[head...].compactMap { $0 } }

    /// Adds an element at the end.
    mutating func append(_ element: Element) { elements.append(element) }

    /// Takes the first element; nil when there is none.
    mutating func popFirst() -> Element? {
        guard head < elements.count else { return nil }
        let first = elements[head]
        elements[head] = nil
        head += 1
        if head == elements.count || head > 1_024 {
            elements.removeFirst(head)
            head = 0
        }
        return first
    }

    /// Takes up to `limit` elements from the front, as long as each `isWanted`.
    mutating func popFirst(_ limit: Int, while isWanted: (Element) -> Bool = { _ in true }) -> [Element] {
        var taken: [Element] = []
        while taken.count < limit, let next = first, isWanted(next), let element = popFirst() { taken.append(element) }
        return taken
    }

    /// Removes the elements that `isVoid` names.
    mutating func removeAll(where isVoid: (Element) -> Bool) {
        elements.removeFirst(head)
        head = 0
        elements.removeAll { $0.map(isVoid) ?? true }
    }
}
