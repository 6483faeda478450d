# Ferry at the job of `make bench`, under conditions that can be set: the size of documents, the records that are there
# already, the number of jobs, the processes and what they are told.
# Invariant: two workloads with the same conditions begin with the same files.
import contextlib
import sqlite3
import time
import types

import world
from ferries import Ferry
from series import old_records

SENTENCE = "Deliveries to the back door only; ring twice, and mind the step. "


class Workload(Ferry):
    """A round of it is a point of a curve."""

    def __init__(self, place, jobs, records=0, notes_bytes=0, processes=1, words=()):
        super().__init__(place, types.SimpleNamespace(jobs=jobs))
        self.records_before, self.notes_bytes = records, notes_bytes
        self.processes, self.words = processes, words
        self.patience = 180 + jobs // 100
        self.sync_job_type = "Large Sync" if notes_bytes else "Customer Sync"
        self.template_name = f"growth-{records}-{notes_bytes}"

    def grown(self, document):
        if not self.notes_bytes:
            return document
        text = SENTENCE * (self.notes_bytes // len(SENTENCE) + 1)
        return document | {"notes": text[:self.notes_bytes]}

    def make_template(self, folder):
        self.make_shop(folder, ())
        for document_type, make in (("erp.Customer", world.source), ("app.Account", world.target)):
            self.put(document_type, (self.grown(make(n)) for n in range(self.count)), folder)
        if self.records_before:
            with contextlib.closing(sqlite3.connect(folder / self.database_name)) as store:
                old_records.add(store, self.records_before)

    def fill(self):
        """By the publisher in C: what is measured here begins behind the queue."""
        slug = self.sync_job_type.lower().replace(" ", "_")
        start = time.monotonic()
        self.publish(f"default.{slug}", world.requests(self.sync_job_type, self.count))
        return time.monotonic() - start

    def publish(self, routing_key, lines):
        command = [self.world.folder / "publisher", "--exchange", "ferry.requests", "--key", routing_key]
        world.checked(command, input=lines, env=self.world.environment())

    @property
    def command(self):
        one = [self.program, *super().command[1:], *self.words]
        if self.processes == 1:
            return one
        # Its status is that of the last one that ended; what one of them left undone shows in the records.
        each = " ".join(f"'{word}'" for word in one)
        return ["sh", "-c", f"{f'{each} & ' * self.processes}wait"]
