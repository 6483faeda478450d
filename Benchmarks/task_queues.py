# Python's task queues, the floor's work in their workers (peers/).
import importlib.metadata
import sys

import world
from contestant import Contestant

PEERS = world.HERE / "peers"


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
