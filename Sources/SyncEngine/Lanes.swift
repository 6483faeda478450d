// Per key in arrival order, different keys in parallel, pure: a key's first job is ready at once, the next when it leaves.

/// Jobs waiting behind others of their key.
struct Lanes<Key: Hashable & Sendable, Job: Sendable>: Sendable {
    /// What waits behind the job that is ready or running, by key.
    ///
    /// A key is present while it has such a job.
    private var waiting: [Key: FIFO<Job>] = [:]

    /// How many jobs wait behind others.
    private(set) var waitingCount = 0

    /// Whether no key is taken.
    var isEmpty: Bool { waiting.isEmpty }

    /// Takes a job; true when it is ready at once, false when it waits behind another of its key.
    mutating func submit(_ job: Job, key: Key) -> Bool {
        let isReady = Self.enter(&waiting[key], job)
        if !isReady { waitingCount += 1 }
        return isReady
    }

    /// One look at the key's lane, for the question and the answer.
    private static func enter(_ lane: inout FIFO<Job>?, _ job: Job) -> Bool {
        guard lane != nil else {
            lane = FIFO()
            return true
        }
        lane?.append(job)
        return false
    }

    /// The last job that waits behind `key`'s; nil when none does.
    func lastWaiting(key: Key) -> Job? { waiting[key]?.last }

    /// Puts `job` in place of the last one that waits behind `key`'s.
    mutating func replaceLastWaiting(key: Key, with job: Job) { waiting[key]?.last = job }

    /// Takes the waiting jobs that `isWanted` names out of their lanes.
    mutating func takeWaiting(where isWanted: (Job) -> Bool) -> [Job] {
        let taken = waiting.values.flatMap { $0.all.filter(isWanted) }
        if !taken.isEmpty { removeWaiting(where: isWanted) }
        return taken
    }

    /// The key's job has left; answers the next one, which is ready now.
    mutating func release(key: Key) -> Job? {
        guard let lane = waiting.index(forKey: key) else { return nil }
        guard let next = waiting.values[lane].popFirst() else {
            waiting.remove(at: lane)
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

/// A first-in-first-out queue with constant-time ends.
struct FIFO<Element: Sendable>: Sendable {
    /// The first ones, the very first at the end, where it is taken without moving the others.
    private var front: [Element] = []
    private var back: [Element] = []

    /// How many elements there are.
    var count: Int { front.count + back.count }

    /// The first element; nil when there is none.
    var first: Element? { front.last ?? back.first }

    /// The last element; nil when there is none.
    var last: Element? {
        get { back.last ?? front.first }
        set {
            guard let newValue else { return }
            if !back.isEmpty {
                back[back.count - 1] = newValue
            } else if !front.isEmpty {
                front[0] = newValue
            }
        }
    }

    /// All elements, first to last.
    var all: [Element] { front.reversed() + back }

    /// Adds an element at the end.
    mutating func append(_ element: Element) { back.append(element) }

    /// Takes the first element; nil when there is none.
    mutating func popFirst() -> Element? {
        if front.isEmpty {
            swap(&front, &back)
            front.reverse()
        }
        return front.popLast()
    }

    /// Takes up to `limit` elements from the front, as long as each `isWanted`.
    mutating func popFirst(_ limit: Int, while isWanted: (Element) -> Bool = { _ in true }) -> [Element] {
        // All there are, as mostly, need not be moved.
        if front.isEmpty, back.count <= limit, back.allSatisfy(isWanted) { return exchange(&back, with: []) }
        var taken: [Element] = []
        while taken.count < limit, let next = first, isWanted(next), let element = popFirst() { taken.append(element) }
        return taken
    }

    /// Removes the elements that `isVoid` names.
    mutating func removeAll(where isVoid: (Element) -> Bool) {
        front.removeAll(where: isVoid)
        back.removeAll(where: isVoid)
    }
}
