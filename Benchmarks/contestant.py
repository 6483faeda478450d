# What every contestant has: how it gets its documents and requests, which command works on them, where its records are.
# Invariant: the same documents, requests and mapping for all; records in a SQLite table `jobs`, `sequence` in order.
import contextlib
import json
import sqlite3
import time

import measure
import world


class Contestant:
    """What all have in common; a subclass says the rest."""

    name = title = ""
    unit = "jobs"
    share = 1.0
    database_name = "bench.sqlite"
    has_latency = ends_by_itself = False
    # How many records the store holds at the start, and for how many seconds a round may last.
    records_before, patience = 0, 180

    def __init__(self, place, options):
        self.world = place
        self.options = options
        self.count = max(int(options.jobs * self.share), 100)
        self.folder = None

    database = property(lambda self: self.folder / self.database_name)

    def missing(self):
        """Why it can't take part; nil when it can."""
        return None

    def version(self):
        raise NotImplementedError

    def make_template(self, folder):
        """Documents for the floor and the peers."""
        with contextlib.closing(sqlite3.connect(folder / self.database_name)) as db:
            db.executescript((world.HERE / "schema.sql").read_text())
            with db:
                for kind, make in ((1, world.source), (2, world.target)):
                    db.executemany(
                        "INSERT INTO documents (type_id, name, fields, updated_at) VALUES (?, ?, ?, 0)",
                        ((kind, world.code(n), json.dumps(make(n), ensure_ascii=False)) for n in range(self.count)))

    def prepare(self):
        """Fresh documents and an empty queue."""
        template = self.world.template(f"{self.template_name}-{self.count}", self.make_template)
        self.folder = self.world.fresh(template)
        self.empty()

    template_name = "plain"

    def empty(self):
        self.world.empty(self.queue)

    def fill(self):
        """Puts all requests into the queue; answers the seconds of the publisher."""
        start = time.monotonic()
        world.checked(self.fill_command, input=world.requests("Customer Sync", self.count), cwd=self.folder,
                      env=self.environment())
        return time.monotonic() - start

    def measured(self):
        """One round: the figures."""
        return measure.round_of(self, patience=self.patience)

    def observe(self, jobs, program):
        """Called at each look, with the number of records."""

    def wrong(self):
        """What is not as it should be once all records are there; nil when nothing is."""
        return None

    def left(self):
        """Requests that are not acknowledged, once the consumer has gone."""
        return self.world.depth(self.queue)

    def environment(self):
        return self.world.environment(
            BENCH_DATABASE=self.database, BENCH_QUEUE=self.queue, PYTHONPATH=world.HERE / "peers")
