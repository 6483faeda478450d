# Producers, as other people's programs are: they edit the source, then say so, and repeat each message under its id until
# the broker has confirmed it. Invariant: what stands in the journal was confirmed, and each document has one producer, so that
# its newest revision in the source is the one that was announced last.
import dataclasses
import json
import random
import threading
import time

import pika
import pika.exceptions

GOOD, DEAD, GOOD_OR_GONE = "a good end", "a dead letter", "a good end, or a dead letter because its source was deleted"


@dataclasses.dataclass(frozen=True)
class Expectation:
    """What must have become of a confirmed request."""

    group: str
    end: str
    document: str


class Journal:
    """What the broker has confirmed, by the id of the job that must be there for it."""

    def __init__(self, path):
        self.lock = threading.Lock()
        self.file = open(path, "w", encoding="utf-8")
        self.expected = {}
        self.confirmed = 0
        self.repeated = 0

    def confirm(self, jobs, times):
        with self.lock:
            self.confirmed += 1
            self.repeated += times - 1
            for job, expectation in jobs.items():
                self.expected[job] = expectation
                self.file.write(f"{job}\t{expectation.group}\t{expectation.end}\t{expectation.document}\n")
            self.file.flush()


@dataclasses.dataclass
class Document:
    code: str
    group: str
    revision: int = 0
    is_live: bool = False
    is_reserved: bool = False
    lines: int = 0

    @property
    def label(self):
        return f"{self.code} in revision {self.revision}"


class Documents:
    """All documents with their state as the producers have made it, and the source file that says the same."""

    def __init__(self, world, customers=240, others=120, orders=40, bundle=700):
        self.world, self.lock = world, threading.Lock()
        one = world.groups[0].name
        many = world.groups[-1].name
        make = lambda letter, group, count: [Document(f"{letter}-{number}", group) for number in range(count)]
        self.customers = make("A", one, customers)
        self.shared = make("B", many, customers) if len(world.groups) > 1 else []
        self.aside = make("S", one, others)
        self.posters = make("P", one, others)
        self.orders = make("O", one, orders) + [Document("O-bundle", one, lines=bundle)]
        for number, order in enumerate(self.orders[:-1]):
            order.lines = 2 + number % 9
        self.fixed = Document("A-fixed", one)
        self.edit(self.fixed)

    def edit(self, document):
        """A new revision, committed in the source."""
        with self.lock:
            self.edit_locked(document)
            self.world.source.commit()

    def edit_locked(self, document):
        document.revision += 1
        document.is_live = True
        values = (document.code, document.label, document.revision)
        source = self.world.source
        if document.code.startswith("P-"):
            return
        if not document.lines:
            source.execute("INSERT OR REPLACE INTO customers VALUES (?, ?, ?)", values)
            return
        source.execute(
            "INSERT INTO orders VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET label = excluded.label, "
            "revision = excluded.revision", values)
        source.executemany(
            "INSERT OR REPLACE INTO order_lines VALUES (?, ?, ?, ?)",
            [(document.code, line, f"{document.code}/{line}", document.revision) for line in range(document.lines)])

    def delete(self, document):
        with self.lock:
            document.revision += 1
            document.is_live = False
            self.world.source.execute("DELETE FROM customers WHERE code = ?", (document.code,))
            self.world.source.commit()


class Connection:
    """One producer's connection, made again whenever it is lost."""

    def __init__(self, broker, counts):
        self.broker, self.counts = broker, counts
        self.channel = None
        self.connection = None

    def publish(self, exchange, routing_key, message_id, body, give_up):
        """Publishes until the broker confirms; answers how often it took, or None when `give_up` said to stop."""
        times = 0
        while not give_up():
            times += 1
            try:
                if self.channel is None:
                    self.open()
                self.channel.basic_publish(
                    exchange, routing_key, body,
                    pika.BasicProperties(message_id=message_id, delivery_mode=2, content_type="application/json"),
                    mandatory=True)
                return times
            except pika.exceptions.NackError:
                self.counts["publishes_refused_by_the_broker"] += 1
                time.sleep(random.uniform(0.05, 0.2))
            except (pika.exceptions.AMQPError, OSError, KeyError, ValueError):
                self.close()
                time.sleep(random.uniform(0.1, 0.5))
        return None

    def open(self):
        parameters = pika.URLParameters(self.broker.url)
        parameters.heartbeat = 6
        parameters.blocked_connection_timeout = 20
        parameters.socket_timeout = parameters.stack_timeout = 5
        self.connection = pika.BlockingConnection(parameters)
        self.channel = self.connection.channel()
        self.channel.confirm_delivery()

    def close(self):
        connection, self.connection, self.channel = self.connection, None, None
        try:
            if connection is not None and connection.is_open:
                connection.close()
        except (pika.exceptions.AMQPError, OSError, ValueError):
            pass


class Producer(threading.Thread):
    """Edits its share of the documents and asks for them to be synced, at a rate that it catches up with."""

    def __init__(self, number, of, world, documents, journal, counts, seed, rate, limit=None, gates=None):
        super().__init__(daemon=True)
        self.number, self.world, self.documents, self.journal = number, world, documents, journal
        self.random = random.Random(f"{seed}/{number}")
        self.rate, self.limit = rate, limit
        self.side_gate = gates
        self.connection = Connection(world.broker, counts)
        self.stopping = self.abandoned = False
        self.error = None
        self.sent = 0
        self.late = []
        share = lambda all: [document for place, document in enumerate(all) if place % of == number]
        self.customers, self.shared = share(documents.customers), share(documents.shared)
        self.aside, self.posters = share(documents.aside), share(documents.posters)
        self.orders = share(documents.orders)
        self.acts = [(act, weight) for act, weight, over in [
            (self.change, 40, self.customers), (self.change_shared, 22, self.shared), (self.ask, 10, self.customers),
            (self.ask_aside, 5, self.aside), (self.send_poster, 12, self.posters), (self.relay, 3, self.orders),
            (self.ask_early, 2, self.customers), (self.hopeless, 1, [1]), (self.broken, 1, [1])] if over]

    def run(self):
        try:
            due = time.monotonic()
            while not self.stopping and (self.limit is None or self.sent < self.limit):
                acts, weights = zip(*self.acts)
                self.random.choices(acts, weights)[0]()
                self.make_late_edits()
                due += 1 / self.rate
                time.sleep(max(0, due - time.monotonic()))
            self.make_late_edits(all_of_them=True)
        except Exception as error:  # It would otherwise end without a word, and its documents look synced.
            self.error = error
        self.connection.close()

    # ---- messages

    def send(self, group, exchange, key, body, jobs, message_id=None):
        self.sent += 1
        message_id = message_id or f"{self.number}-{self.sent}"
        expected = {job.format(id=message_id): expectation for job, expectation in jobs.items()}
        prefix = next(one.prefix for one in self.world.groups if one.name == group)
        text = json.dumps(body)
        times = self.connection.publish(
            f"{prefix}.{exchange}", key, message_id, text, lambda: self.abandoned)
        if times is None:
            raise RuntimeError(f"{message_id} was never confirmed")
        self.journal.confirm(expected, times)
        # Some say everything twice, under the same id.
        if self.random.random() < 0.02:
            again = self.connection.publish(f"{prefix}.{exchange}", key, message_id, text, lambda: self.abandoned)
            self.journal.repeated += 1 if again else 0

    def send_change(self, document, event, slugs):
        end = GOOD if event == "delete" else GOOD_OR_GONE
        body = {"system": "erp", "document_type": "Customer", "document_name": document.code, "event": event,
                "version": document.revision}
        jobs = {"{id}:" + slug: Expectation(document.group, end, document.code) for slug in slugs}
        self.send(document.group, "changes", f"Customer.{event}", body, jobs)

    def send_request(self, type_name, about, end, queue=None, **more):
        slug = type_name.lower().replace(" ", "_")
        body = {"sync_job_type": type_name, "source_document_name": about.code, **more}
        if queue:
            body["queue"] = queue
        self.send(about.group, "requests", f"{queue or 'type'}.{slug}", body,
                  {"{id}": Expectation(about.group, end, about.code)})

    # ---- what producers do

    def pick(self, documents):
        free = [document for document in self.random.sample(documents, min(8, len(documents)))
                if not document.is_reserved]
        return free[0] if free else None

    def change_one(self, documents, slugs):
        document = self.pick(documents)
        if document is None:
            return
        # A delete is the business of the store that bound the target; no other store deletes what it does not know.
        if document.is_live and documents is not self.shared and self.random.random() < 0.06:
            self.documents.delete(document)
            return self.send_change(document, "delete", slugs)
        event = "update" if document.is_live else "insert"
        self.documents.edit(document)
        self.send_change(document, event, slugs)

    def change(self):
        self.change_one(self.customers, ["account_sync", "shop_sync"])

    def change_shared(self):
        self.change_one(self.shared, ["shop_sync"])

    def ask(self):
        document = self.pick([document for document in self.customers if document.is_live] or [self.documents.fixed])
        if document:
            queue = self.random.choice([None, "short", "long"])
            self.send_request(self.random.choice(["Account Sync", "Shop Sync"]), document, GOOD_OR_GONE, queue)

    def ask_aside(self):
        document = self.pick(self.aside)
        # While the queue is away, whoever publishes to it would get a dead letter: that is known, so nobody does.
        if not self.side_gate.acquire(blocking=False):
            return
        try:
            self.documents.edit(document)
            self.send_request("Side Sync", document, GOOD, "side")
        finally:
            self.side_gate.release()

    def send_poster(self):
        document = self.pick(self.posters)
        self.documents.edit(document)
        image = {"code": document.code, "label": document.label, "revision": document.revision}
        for type_name in ["Poster Sync", "Shop Sync"]:
            self.send_request(type_name, document, GOOD, "default", document=image, source_version=document.revision)

    def relay(self):
        order = self.pick(self.orders)
        if order.code == "O-bundle" and self.random.random() < 0.8:
            return
        self.documents.edit(order)
        self.send_request("Line Sync", order, GOOD, "long")

    def ask_early(self):
        """The request is there before the producer's commit."""
        document = self.pick([document for document in self.customers if document.is_live])
        if document is None:
            return
        document.is_reserved = True
        self.late.append((time.monotonic() + self.random.uniform(0.2, 2), document))
        self.send_request("Account Sync", document, GOOD_OR_GONE, "short", source_version=document.revision + 1)

    def make_late_edits(self, all_of_them=False):
        for entry in list(self.late):
            due, document = entry
            if all_of_them or due <= time.monotonic():
                self.late.remove(entry)
                self.documents.edit(document)
                document.is_reserved = False
                self.send_change(document, "update", ["account_sync", "shop_sync"])

    def hopeless(self):
        nobody = Document(f"GONE-{self.number}-{self.sent}", self.customers[0].group)
        self.send_request("Hopeless Sync", nobody, DEAD, "short")

    def broken(self):
        self.send_request("Broken Sync", self.documents.fixed, DEAD, "default")
