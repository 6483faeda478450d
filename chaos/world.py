# Where chaos happens: a folder with a private broker, two groups of workers' configurations, a source that all read, and
# targets that remember each write that reached them. Nothing here knows Ferry's code: files are SQLite, the broker is AMQP.
# Invariant: what is started here is ended here, and nothing outside the folder is touched.
import contextlib
import os
import pathlib
import shutil
import sqlite3
import subprocess
import tempfile
import threading
import time

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent

SOURCE_SCHEMA = """
PRAGMA journal_mode = WAL;
CREATE TABLE customers (code TEXT PRIMARY KEY NOT NULL, label TEXT NOT NULL, revision INTEGER NOT NULL) STRICT;
CREATE TABLE orders (code TEXT PRIMARY KEY NOT NULL, label TEXT NOT NULL, revision INTEGER NOT NULL) STRICT;
CREATE TABLE order_lines (order_code TEXT NOT NULL REFERENCES orders (code), line INTEGER NOT NULL, code TEXT NOT NULL,
    quantity INTEGER NOT NULL, PRIMARY KEY (order_code, line)) STRICT;
"""

# The history is the target's own memory: each write, in the order in which it was committed, whoever made it.
TARGET_SCHEMA = """
PRAGMA journal_mode = WAL;
CREATE TABLE history (sequence INTEGER PRIMARY KEY AUTOINCREMENT, code TEXT NOT NULL, before INTEGER, after INTEGER,
    at TEXT NOT NULL DEFAULT (strftime('%H:%M:%f', 'now'))) STRICT;
CREATE TABLE accounts ({name}, label TEXT NOT NULL, revision INTEGER NOT NULL) STRICT;
CREATE TRIGGER inserted AFTER INSERT ON accounts BEGIN
    INSERT INTO history (code, before, after) VALUES (new.code, NULL, new.revision); END;
CREATE TRIGGER updated AFTER UPDATE ON accounts BEGIN
    INSERT INTO history (code, before, after) VALUES (new.code, old.revision, new.revision); END;
CREATE TRIGGER deleted AFTER DELETE ON accounts BEGIN
    INSERT INTO history (code, before, after) VALUES (old.code, old.revision, NULL); END;
"""

CONFIGURATION = """
broker: {{url: "${{FERRY_BROKER_URL}}", prefix: {prefix}, heartbeat: {heartbeat}s}}
store: {{path: "${{CHAOS_STORE}}"}}
queues: [side]
worker: {{concurrency: 8, prefetch: 40, grace: 10s}}
systems:
  erp: {{kind: sqlite, path: erp.sqlite}}
  app: {{kind: embedded}}
  shop: {{kind: sqlite, path: {shop}}}
documents:
  erp.Customer: {{table: customers, name: code, version: {{field: revision, order: number}}}}
  erp.Order:
    table: orders
    name: code
    version: {{field: revision, order: number}}
    tables: {{lines: {{table: order_lines, parent: order_code, row_key: line}}}}
  app.Account: {{name: code}}
  app.Poster: {{name: code}}
  app.Line: {{name: code}}
  shop.Account: {{table: accounts, name: {name}}}
types:
"""

# retry_delay is short so that a run of a few minutes sees many turns.
CUSTOMER_TYPE = """
  {name}:
    source: erp.Customer
    target: {target}
    queue: {queue}
    retry_delay: 1s
    max_retries: {retries}
    {more}
    match: {{code: job.source_document_name}}
    fields:
      code: {{from: job.source_document_name, only: insert}}
      label: source.label
      revision: {{from: source.revision, as: integer}}
    on_delete: delete
"""

RELAY_TYPE = """
  Line Sync:
    source: erp.Order
    target: app.Line
    queue: long
    retry_delay: 1s
    max_retries: 20
    relay: {each: source.lines, key: row.line, removed: keep}
    match: {code: row.code}
    fields:
      code: {from: row.code, only: insert}
      quantity: {from: row.quantity, as: integer}
      revision: {from: source.revision, as: integer}
"""

TRIGGERS = "triggers: [{document: erp.Customer, events: [insert, update, delete]}]"


class Group:
    """Workers that share a topology and an outside target: `shared` on one store, or each with a store of its own."""

    def __init__(self, world, name, prefix, shared):
        self.world, self.name, self.prefix, self.shared = world, name, prefix, shared
        self.config = world.folder / f"ferry-{name}.yaml"
        self.shop = world.folder / f"shop-{name}.sqlite"

    def store(self, slot):
        """The store of the worker in this slot."""
        return self.world.folder / (f"{self.name}.sqlite" if self.shared else f"{self.name}-{slot}.sqlite")

    @property
    def stores(self):
        """The stores that a worker has made so far."""
        found = sorted(self.world.folder.glob(f"{self.name}.sqlite" if self.shared else f"{self.name}-*.sqlite"))
        return [store for store in found if has_table(store, "outbox")]

    def write_files(self, heartbeat):
        # One store knows a target by a name that the target gives; several stores share one by its natural key.
        name = "id" if self.shared else "code"
        key = "id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE" if self.shared else "code TEXT PRIMARY KEY NOT NULL"
        text = CONFIGURATION.format(prefix=self.prefix, heartbeat=heartbeat, shop=self.shop.name, name=name)

        def customers(type_name, target, more="", queue="default", retries=20):
            return CUSTOMER_TYPE.format(name=type_name, target=target, queue=queue, retries=retries, more=more)

        text += customers("Shop Sync", "shop.Account", f"{TRIGGERS}\n    on_gone: insert")
        if self.shared:
            text += customers("Account Sync", "app.Account", TRIGGERS, queue="short")
            text += customers("Side Sync", "app.Account", queue="side")
            text += customers("Poster Sync", "app.Poster", "coalesce: true")
            text += customers("Hopeless Sync", "app.Account", retries=2)
            text += customers("Broken Sync", "app.Account").replace("source.label", "{from: source.label, as: integer}")
            text += RELAY_TYPE
        self.config.write_text(text)
        with contextlib.closing(sqlite3.connect(self.shop)) as shop:
            shop.executescript(TARGET_SCHEMA.format(name=key))

    def environment(self, store, url):
        own = {key: value for key, value in os.environ.items() if not key.startswith("FERRY_")}
        return own | {"FERRY_BROKER_URL": url, "FERRY_CONFIG": str(self.config), "CHAOS_STORE": str(store)}

    def ferry(self, *arguments, store=None, url=None, timeout=120):
        """Runs a ferry command to its end; answers its output."""
        environment = self.environment(store or self.store(0), url or self.world.broker.url)
        result = subprocess.run(
            [self.world.ferry, *arguments], env=environment, cwd=self.world.folder, capture_output=True, text=True,
            timeout=timeout)
        if result.returncode != 0:
            raise RuntimeError(f"ferry {' '.join(arguments)}: status {result.returncode}\n{result.stderr}")
        return result.stdout


class Broker:
    """A RabbitMQ node of broker/start, in a folder of its own."""

    def __init__(self, data):
        self.data = data
        self.lock = threading.RLock()
        self.variables = {}

    def run(self, script, *arguments, timeout=240):
        result = subprocess.run(
            [REPOSITORY / "broker" / script, "--data", self.data, *arguments], capture_output=True, text=True,
            timeout=timeout)
        if result.returncode != 0:
            raise RuntimeError(f"broker/{script} {' '.join(arguments)}: {result.stderr}{result.stdout}")
        return result.stdout

    def start(self):
        with self.lock:
            self.run("start", "--timeout", "180")
            self.read()

    def read(self):
        lines = (self.data / "broker.env").read_text().splitlines()
        self.variables = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))

    def stop(self, kill=False):
        with self.lock:
            self.run("stop", *(["--kill"] if kill else []))

    def control(self, *arguments):
        """Runs rabbitmqctl; a node that was just paused or is busy may need to be asked again."""
        for attempt in range(5):
            try:
                return self.run("ctl", *arguments)
            except RuntimeError:
                if attempt == 4:
                    raise
                time.sleep(1)

    url = property(lambda self: self.variables["FERRY_OPERATOR_URL"])
    management = property(lambda self: self.variables["FERRY_MANAGEMENT_URL"])
    port = property(lambda self: int(self.variables["FERRY_BROKER_PORT"]))
    pid = property(lambda self: int(self.variables["FERRY_BROKER_PID"]))


class World:
    """Everything of one run; a context that cleans up behind itself, unless something is to be looked at."""

    def __init__(self, ferry, broker_folder=None, names=("one", "many"), heartbeat=5):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ferry-chaos-"))
        self.ferry = str(pathlib.Path(ferry).resolve())
        self.owns_broker = broker_folder is None
        self.broker = Broker(self.folder / "broker" if self.owns_broker else pathlib.Path(broker_folder))
        self.heartbeat = heartbeat
        self.keep = False
        mark = self.folder.name[-6:].lower().replace("_", "x")
        self.groups = [Group(self, name, f"chaos{mark}-{name}", name == "one") for name in names]

    def __enter__(self):
        try:
            if self.owns_broker:
                self.broker.start()
            else:
                self.broker.read()
            self.source = sqlite3.connect(self.folder / "erp.sqlite", check_same_thread=False)
            self.source.executescript(SOURCE_SCHEMA)
            # Nobody cuts the power here, and the harness is not what is measured.
            self.source.execute("PRAGMA synchronous = OFF")
            for group in self.groups:
                group.write_files(self.heartbeat)
                group.ferry("topology", "apply")
            # Up to RabbitMQ 3.12 what was just declared is not yet safe from a kill (broker/README.md).
            time.sleep(1)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.owns_broker:
            with contextlib.suppress(Exception):
                self.broker.stop(kill=True)
        if not self.keep:
            shutil.rmtree(self.folder, ignore_errors=True)


def rows(path, sql, *arguments):
    """What a query answers on a file that others may be writing to."""
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as db:
        return db.execute(sql, arguments).fetchall()


def has_table(store, name):
    return bool(rows(store, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", name))
