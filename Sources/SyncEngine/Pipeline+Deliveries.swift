// How deliveries come into the pipeline: each is entered in the ledger, from where it is owed an answer, and then becomes a
// job, a change event to route, or a message that stands for it.

internal import JobStore
internal import Logging
internal import SyncBroker
internal import SyncJobs

extension Pipeline {
    // MARK: events of the consumer

    /// Takes what the consumer reports.
    func handle(_ event: ConsumerEvent) {
        switch event {
        case .opened(let epoch): open(epoch)
        case .deliveries(let deliveries): receive(deliveries)
        case .cancelled(let queue):
            counts.lostSubscriptions += 1
            if let origin = consumer.queues[queue] { widening.narrow(origin) }
            logger.error("The broker ended a subscription; it is taken up again", metadata: ["queue": .string(queue)])
        case .closed(let error):
            counts.isConnected = false
            guard !isStopping else { return }
            // Closed by the worker itself, which says why.
            guard error.code != .stopped else { return }
            logger.warning("The broker's connection is gone; reconnecting", metadata: ["reason": .string("\(error)")])
        case .blocked(let reason):
            counts.blockedReason = reason
            logger.warning("The broker takes nothing for now", metadata: ["reason": .string(reason)])
        case .unblocked: counts.blockedReason = nil
        }
    }

    /// A new connection: what was delivered before and has not begun will be delivered again, so it is dropped here.
    func open(_ epoch: UInt64) {
        self.epoch = epoch
        counts.isConnected = true
        ledger.open(epoch: epoch)
        widening = Widening()
        crowding = Crowding()
        suspects.forgetWaiting()
        lanes.removeWaiting { $0.probing == nil && $0.delivery?.epoch != epoch }
        for job in ready.takeAll() {
            if job.probing != nil || job.delivery?.epoch == epoch {
                ready.append(job)
            } else {
                releaseLane(of: job)
            }
        }
        changes.removeAll { $0.epoch != epoch }
        dispatch()
    }

    func receive(_ deliveries: [Delivery]) {
        for delivery in deliveries {
            ledger.track(delivery.tag, from: delivery.origin, prefetch: prefetch(delivery.origin))
            counts.deliveries += 1
            Failpoint.received.pass()
            if delivery.isRedelivered { counts.redelivered += 1 }
            take(delivery)
            switch delivery.origin {
            case .changes where delivery.isBodyOmitted: reject(delivery)
            case .changes: changes.append(delivery)
            case .work(let queue): admit(delivery, queue: queue)
            }
        }
        dispatch()
        routeChanges()
        relieveQueues()
    }

    func admit(_ delivery: Delivery, queue: String) {
        switch intake.receive(delivery, queue: queue, at: now()) {
        case .job(let job): submit(job)
        case .forward(let queue, let slug): publish(.forward(delivery, queue: queue, slug: slug), for: delivery)
        case .canary(let report): publish(report, for: delivery)
        case .refuse(let failure, let id, let slug):
            counts.refused += 1
            let inbox = self.inbox
            publishing += 1
            errandSink.yield {
                let isPublished = await inbox.refuse(
                    body: delivery.body, messageID: delivery.messageID, turn: delivery.turn, failure: failure, id: id,
                    typeSlug: slug, queue: queue)
                await self.published(delivery, isPublished)
            }
        case .reject: reject(delivery)
        }
    }

    func reject(_ delivery: Delivery) {
        counts.refused += 1
        logger.warning(
            "A message is over the size limit; the broker moves it to the dead letters as it is",
            metadata: [
                "bytes": .stringConvertible(delivery.bodyBytes),
                "reason": .string(JobFailure.Code.bodyTooLarge.rawValue),
            ])
        settle(delivery, kind: .reject)
    }

    func publish(_ message: OutgoingMessage, for delivery: Delivery) {
        let inbox = self.inbox
        publishing += 1
        errandSink.yield { await self.published(delivery, await inbox.publishForCertain(message)) }
    }

    /// Answers a delivery once what stands for it is safe with the broker, and never before.
    func published(_ delivery: Delivery, _ isPublished: Bool) {
        publishing -= 1
        if isPublished { settle(delivery) }
    }

    // MARK: change events

    func routeChanges() {
        guard !isRouting, !isStopping else { return }
        // One that was delivered again and again is routed alone.
        let isSuspect = changes.first?.isSuspect ?? false
        let batch = isSuspect ? changes.popFirst(1) : changes.popFirst(500) { !$0.isSuspect }
        guard !batch.isEmpty else { return }
        isRouting = true
        let router = self.router
        errandSink.yield {
            var pending = batch
            while !pending.isEmpty {
                let settled = await router.route(pending)
                await self.routed(zip(pending, settled).compactMap { $1 ? $0 : nil })
                pending = zip(pending, settled).compactMap { $1 ? nil : $0 }
                if !pending.isEmpty { try await Task.sleep(for: .seconds(1)) }
            }
            await self.endedRouting()
        }
    }

    func routed(_ deliveries: [Delivery]) {
        counts.changes += deliveries.count
        for delivery in deliveries where ledger.settle(delivery.tag, kind: .acknowledge) { release(delivery) }
        answer()
    }

    func endedRouting() {
        isRouting = false
        routeChanges()
    }
}
