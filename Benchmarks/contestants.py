# Who competes: how each gets its documents and requests, which command works on them, and where its records are.
# Invariant: the same documents, requests and mapping for all; records in a SQLite table `jobs`, `sequence` in order.
import contextlib
import importlib.metadata
import json
import sqlite3
import subprocess
import sys
import time

import world

PEERS = world.HERE / "peers"


class Contestant:
    """What all have in common; a subclass says the rest."""

    name = title = ""
    share = 1.0
    database_name = "bench.sqlite"
    has_latency = ends_by_itself = False

    def __init__(self, place, options):
        self.world = place
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

    def left(self):
        """Requests that are not acknowledged, once the consumer has gone."""
        return self.world.depth(self.queue)

    def environment(self):
        return self.world.environment(BENCH_DATABASE=self.database, BENCH_QUEUE=self.queue, PYTHONPATH=PEERS)


class Floor(Contestant):
    name, title, queue, has_latency = "floor", "floor: bare loop in C", "ferry.default", True

    def version(self):
        packages = "librabbitmq4", "libsqlite3-0"
        return world.checked(["dpkg-query", "-W", "-f", "${Package} ${Version} ", *packages]).strip()

    @property
    def fill_command(self):
        return [self.world.folder / "publisher", "--exchange", "ferry.requests", "--key", "default.customer_sync"]

    @property
    def command(self):
        return [self.world.folder / "floor", "--database", self.database, "--queue", self.queue]

    @property
    def idle_command(self):
        return self.command


class Ferry(Contestant):
    name, title, queue, has_latency, ends_by_itself = "ferry", "Ferry, embedded target", "ferry.default", True, True
    template_name, database_name, sync_job_type = "ferry", "store.sqlite", "Customer Sync"

    def missing(self):
        return None if self.world.ferry.exists() else f"{self.world.ferry} is not there; make build makes it"

    def version(self):
        return self.ferry("version").strip().splitlines()[0]

    def ferry(self, *words, folder=None, **more):
        return world.checked([self.world.ferry, *words], env=self.environment(folder), **more)

    def environment(self, folder=None):
        return self.world.environment(
            FERRY_BROKER_URL=self.world.url, FERRY_CONFIG=world.HERE / "ferry.yaml",
            BENCH_FOLDER=folder or self.folder or self.world.folder)

    def make_template(self, folder):
        with contextlib.closing(sqlite3.connect(folder / "shop.sqlite")) as shop:
            shop.executescript(
                "PRAGMA journal_mode = WAL; CREATE TABLE accounts (code TEXT PRIMARY KEY NOT NULL, title TEXT NOT NULL,"
                " street TEXT, city TEXT, country TEXT, phone TEXT, mail TEXT, credit INTEGER) STRICT;")
            columns = "code", "title", "street", "city", "country", "phone", "mail", "credit"
            with shop:
                rows = (tuple(map(world.target(n).get, columns)) for n in range(self.count))
                shop.executemany("INSERT INTO accounts VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
        for document_type, make in (("erp.Customer", world.source), ("app.Account", world.target)):
            lines = folder / "documents.jsonl"
            world.write_lines(lines, map(make, range(self.count)))
            self.ferry("documents", "import", document_type, lines, "--name", "code", "--quiet", folder=folder)
            lines.unlink()
        self.bind(folder)

    def bind(self, folder):
        """Notes which target each source has, as the jobs that synced it before would have."""
        with contextlib.closing(sqlite3.connect(folder / "store.sqlite")) as store, store:
            store.executemany(
                "INSERT INTO bindings (type_slug, source_system, source_type, source_name, key, target_system, target_type,"
                " target_name, is_deleted, updated_at) VALUES (?, 'erp', 'Customer', ?, '', ?, 'Account', ?, 0, 0)",
                ((slug, world.code(n), system, world.code(n)) for n in range(self.count)
                 for slug, system in (("customer_sync", "app"), ("shop_sync", "shop"))))

    def fill(self):
        lines = world.requests(self.sync_job_type, self.count)
        start = time.monotonic()
        self.ferry("enqueue", "--stdin", "--quiet", input=lines)
        return time.monotonic() - start

    @property
    def command(self):
        return [self.world.ferry, "work", "--until-empty", "--json", "--quiet"]

    @property
    def idle_command(self):
        return [self.world.ferry, "work", "--quiet"]


class FerryFile(Ferry):
    name, title, sync_job_type, has_latency = "ferry-file", "Ferry, SQLite-file target", "Shop Sync", False


class Peer(Contestant):
    """A task queue of Python; its requests go in by its own client."""

    share = 0.1

    def version(self):
        return f"{self.package} {importlib.metadata.version(self.package)}"

    @property
    def fill_command(self):
        return [sys.executable, PEERS / f"{self.name}_app.py", "fill"]


class Dramatiq(Peer):
    name, title, package, queue = "dramatiq", "Dramatiq, 2 processes × 4 threads", "dramatiq", "bench_dramatiq"

    @property
    def command(self):
        return [sys.executable, "-m", "dramatiq", "dramatiq_app", "--processes", "2", "--threads", "4"]


class Celery(Peer):
    name, title, package, queue = "celery", "Celery, acks_late, 2 processes", "celery", "bench_celery"

    @property
    def command(self):
        return [
            sys.executable, "-m", "celery", "--app", "celery_app", "worker", "--concurrency", "2", "--without-gossip",
            "--without-mingle", "--loglevel", "WARNING"]


class RQ(Peer):
    name, title, package, queue, share = "rq", "RQ on Redis, 2 SimpleWorkers", "rq", "bench_rq", 0.05

    def missing(self):
        return None if self.world.redis.program else "no redis-server, and apt-get download brings none"

    def version(self):
        return f"{super().version()}, Redis {self.world.redis.version()}"

    def environment(self):
        return super().environment() | {"BENCH_REDIS_URL": self.world.redis.url}

    def empty(self):
        pass

    def left(self):
        words = [sys.executable, PEERS / "rq_app.py", "left"]
        return int(world.checked(words, env=self.environment()))

    @property
    def command(self):
        options = '--worker-class rq.SimpleWorker --quiet --url "$BENCH_REDIS_URL"'
        worker = f"'{sys.executable}' -m rq.cli worker {options} {self.queue}"
        return ["sh", "-c", f"{worker} & {worker} & wait"]


CONTESTANTS = (Floor, Ferry, FerryFile, Dramatiq, Celery, RQ)
