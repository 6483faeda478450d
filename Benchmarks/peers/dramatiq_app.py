# The job under Dramatiq: it acknowledges after the actor has returned; here on a quorum queue, like all others.
# Invariant: when an actor returns, do_job has committed. `dramatiq_app.py fill` sends the lines of standard input.
import json
import os
import sys

import dramatiq
import job
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.middleware import CurrentMessage


class QuorumBroker(RabbitmqBroker):
    """Dramatiq declares classic queues; the same promise needs the same queue."""

    def _build_queue_arguments(self, queue_name):
        return {**super()._build_queue_arguments(queue_name), "x-queue-type": "quorum"}


broker = QuorumBroker(url=os.environ["BENCH_BROKER_URL"], confirm_delivery=True)
broker.add_middleware(CurrentMessage())
dramatiq.set_broker(broker)


@dramatiq.actor(queue_name=os.environ["BENCH_QUEUE"])
def sync(request):
    job.do_job(CurrentMessage.get_current_message().message_id, request)


if __name__ == "__main__":
    for line in sys.stdin:
        sync.send(json.loads(line))
    broker.close()
