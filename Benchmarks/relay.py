# One job that relays: a bundle of customers becomes a child job for each, whose work is that of the other rows.
# Invariant: the worker is at work before the bundle is asked for, so the time is the whole of it: from the publishing
# of one request to the commit of the last child, the reading of the bundle and the birth of the children included.
import time

import measure
import pika
import processes
import world
from ferries import Ferry

WARM_UP = 20


class FerryRelay(Ferry):
    name, title, unit, has_latency = "ferry-relay", "Ferry, relay of {count:,} children", "children", False
    template_name = "relay"

    def __init__(self, place, options):
        super().__init__(place, options)
        self.count = min(self.count, 10_000)
        self.title = self.title.format(count=self.count)

    def make_template(self, folder):
        self.make_shop(folder, ())
        everyone = range(WARM_UP + self.count)
        bundles = ("warm-up", everyone[:WARM_UP]), ("all", everyone[WARM_UP:])
        documents = ({"code": name, "customers": [world.source(n) for n in members]} for name, members in bundles)
        self.put("erp.Bundle", documents, folder)
        self.put("app.Account", map(world.target, everyone), folder)

    def measured(self):
        self.prepare()
        log = self.folder / "program.log"
        program = processes.Program(self.idle_command, log, cwd=self.folder, env=self.environment())
        try:
            self.relay("warm-up", WARM_UP, program)
            first = self.mark(program)
            born = self.relay("all", WARM_UP + self.count, program)
            last = self.mark(program)
            peak = program.peak_bytes()
        finally:
            program.end()
        if left := self.left():
            raise measure.Failed(f"{left} requests were left in the queue")
        relayed = measure.look(self.database, "SELECT count(*) FROM jobs WHERE status = 'Relayed'")
        if relayed != 2:
            raise measure.Failed(f"{relayed} of 2 bundles are relayed")
        seconds, processor, broker = (after - before for before, after in zip(first, last))
        return {
            "jobs": self.count, "seconds": round(seconds, 4), "seconds_to_birth": round(born - first[0], 4),
            "jobs_per_second": round(self.count / seconds, 1),
            "processor_us_per_job": round(processor / self.count * 1e6, 1),
            "broker_us_per_job": round(broker / self.count * 1e6, 1), "peak_mb": round(peak / 1e6, 1),
        }

    def mark(self, program):
        return time.monotonic(), program.processor_seconds(), processes.seconds(self.world.broker_pid)

    def relay(self, bundle, finished, program, patience=180):
        """Asks for a bundle and waits until so many children have finished; answers when they all had a record."""
        body = f'{{"sync_job_type":"Bundle Sync","source_document_name":"{bundle}"}}'
        properties = pika.BasicProperties(message_id=bundle, content_type="application/json", delivery_mode=2)
        with self.world.channel() as channel:
            channel.basic_publish("ferry.requests", "default.bundle_sync", body, properties, mandatory=True)
        progress, born = measure.Progress(self.database), None
        deadline = time.monotonic() + patience
        try:
            while (measure.look(self.database, measure.FINISHED) or 0) < finished:
                if born is None and progress() > finished:
                    born = time.monotonic()
                if time.monotonic() > deadline or program.process.poll() is not None:
                    raise measure.Failed(f"the relay did not end: {program.last_words()}")
                time.sleep(measure.LOOK)
        finally:
            progress.close()
        return born or time.monotonic()
