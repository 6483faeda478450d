# The job under RQ on Redis. Its workers take a job off the list before they do it; what one leaves that dies is found
# by a clean-up.
# Invariant: a job counts as finished after do_job has committed. `rq_app.py fill` queues standard input, `left` counts.
import json
import os
import sys

import job
import redis
import rq


def sync(request):
    job.do_job(rq.get_current_job().id, request)


if __name__ == "__main__":
    queue = rq.Queue(os.environ["BENCH_QUEUE"], connection=redis.Redis.from_url(os.environ["BENCH_REDIS_URL"]))
    if sys.argv[1] == "fill":
        requests = [json.loads(line) for line in sys.stdin]
        for start in range(0, len(requests), 500):
            queue.enqueue_many([
                rq.Queue.prepare_data("rq_app.sync", args=(request,), result_ttl=0)
                for request in requests[start:start + 500]])
    else:
        print(queue.count + queue.started_job_registry.count)
