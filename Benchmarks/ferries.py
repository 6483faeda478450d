# Ferry's ways to do the job: a declarative type, into the embedded system or a SQLite file, and controllers in Swift.
import contextlib
import sqlite3
import time

import measure
import world
from contestant import Contestant


def missing(program):
    return None if program.exists() else f"{program} is not there; make bench builds it"


class Ferry(Contestant):
    name, title, queue, has_latency, ends_by_itself = "ferry", "Ferry, embedded target", "ferry.default", True, True
    template_name, database_name, sync_job_type = "ferry", "store.sqlite", "Customer Sync"
    configuration = world.HERE / "ferry.yaml"
    program = property(lambda self: self.world.ferry)

    def missing(self):
        return missing(self.program)

    def version(self):
        return self.ferry("version").strip().splitlines()[0]

    def ferry(self, *words, folder=None, **more):
        return world.checked([self.program, *words], env=self.environment(folder), **more)

    def environment(self, folder=None):
        return self.world.environment(
            FERRY_BROKER_URL=self.world.url, FERRY_CONFIG=self.configuration,
            BENCH_FOLDER=folder or self.folder or self.world.folder)

    def make_template(self, folder):
        self.make_shop(folder, range(self.count))
        for document_type, make in (("erp.Customer", world.source), ("app.Account", world.target)):
            self.put(document_type, map(make, range(self.count)), folder)
        self.bind(folder, range(self.count))

    @staticmethod
    def bind(folder, numbers):
        """Notes which target each source has, as the jobs that synced it before have done."""
        pairs = ("customer_sync", "app"), ("shop_sync", "shop"), ("failing_sync", "app")
        with contextlib.closing(sqlite3.connect(folder / "store.sqlite")) as store, store:
            store.executemany(
                "INSERT INTO bindings (type_slug, source_system, source_type, source_name, key, target_system, target_type,"
                " target_name, is_deleted, updated_at) VALUES (?, 'erp', 'Customer', ?, '', ?, 'Account', ?, 0, 0)",
                ((slug, world.code(n), system, world.code(n)) for slug, system in pairs for n in numbers))

    @staticmethod
    def make_shop(folder, numbers):
        """The SQLite file of somebody else's making."""
        columns = "code", "title", "street", "city", "country", "phone", "mail", "credit"
        with contextlib.closing(sqlite3.connect(folder / "shop.sqlite")) as shop:
            shop.executescript(
                "PRAGMA journal_mode = WAL; CREATE TABLE accounts (code TEXT PRIMARY KEY NOT NULL, title TEXT NOT NULL,"
                " street TEXT, city TEXT, country TEXT, phone TEXT, mail TEXT, credit INTEGER) STRICT;")
            with shop:
                rows = (tuple(map(world.target(n).get, columns)) for n in numbers)
                shop.executemany("INSERT INTO accounts VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def put(self, document_type, documents, folder):
        """Imports documents, each named by its code."""
        lines = folder / "documents.jsonl"
        world.write_lines(lines, documents)
        self.ferry("documents", "import", document_type, lines, "--name", "code", "--quiet", folder=folder)
        lines.unlink()

    def fill(self):
        lines = world.requests(self.sync_job_type, self.count)
        start = time.monotonic()
        self.ferry("enqueue", "--stdin", "--quiet", input=lines)
        return time.monotonic() - start

    @property
    def command(self):
        return [self.program, "work", "--until-empty", "--json", "--quiet"]

    @property
    def idle_command(self):
        return [self.program, "work", "--quiet"]


class FerryFile(Ferry):
    name, title, sync_job_type, has_latency = "ferry-file", "Ferry, SQLite-file target", "Shop Sync", False


class FerryController(Ferry):
    """The program of controller/: the same job by a controller in Swift."""

    name, title, has_latency = "ferry-controller", "Ferry, Swift controller", False
    configuration = world.HERE / "controller/ferry.yaml"
    program = property(lambda self: self.world.controller)


class FerryFailing(FerryController):
    """The same controller, but the first attempt of every tenth job fails and is retried after a second."""

    name, title, sync_job_type = "ferry-failing", "Ferry, 10 % fail once", "Failing Sync"
    # It would end while the retries lie on the broker's delay ladder.
    ends_by_itself = False
    command = property(lambda self: self.idle_command)

    def wrong(self):
        attempts = measure.look(self.database, "SELECT count(*) FROM attempts")
        expected = self.count - -self.count // 10
        return None if attempts == expected else f"{attempts} attempts instead of {expected}"
