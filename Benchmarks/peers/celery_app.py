# The job under Celery, as is advised for work that must not get lost: acks_late, confirms, a quorum queue.
# Invariant: the task is acknowledged after do_job has committed. `celery_app.py fill` sends what standard input has.
import json
import os
import sys

import celery
import job

app = celery.Celery("bench", broker=os.environ["BENCH_BROKER_URL"])
app.conf.update(
    task_default_queue=os.environ["BENCH_QUEUE"], task_default_queue_type="quorum", task_acks_late=True,
    task_reject_on_worker_lost=True, task_ignore_result=True, worker_enable_remote_control=False,
    worker_prefetch_multiplier=int(os.environ.get("BENCH_PREFETCH", "16")), worker_hijack_root_logger=False,
    broker_transport_options={"confirm_publish": True}, broker_connection_retry_on_startup=True)


@app.task(name="sync", bind=True)
def sync(self, request):
    job.do_job(self.request.id, request)


if __name__ == "__main__":
    for line in sys.stdin:
        sync.delay(json.loads(line))
