# Where the benchmark happens: a folder with a private broker, a private Redis where there is one, the floor's programs,
# and documents made once, of which every round gets a fresh copy.
# Invariant: everything that is started here listens on loopback (Redis: on a file) and ends with this context.
import contextlib
import json
import os
import pathlib
import platform
import shutil
import sqlite3
import subprocess

import pika
from redis_server import RedisServer

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parent


class Unusable(Exception):
    """Something that every contestant needs is missing."""


def checked(command, **more):
    """Runs a command to its end; answers its output."""
    result = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, timeout=more.pop("timeout", 600), **more)
    if result.returncode != 0:
        words = " ".join(str(word) for word in command[:3])
        raise Unusable(f"{words}: status {result.returncode}\n{result.stderr}{result.stdout}")
    return result.stdout


class World:
    """Everything that outlives a round."""

    def __init__(self, folder, ferry, controller):
        self.folder, self.ferry, self.controller = folder.resolve(), ferry.resolve(), controller.resolve()
        self.broker_folder, self.templates = self.folder / "broker", self.folder / "templates"
        self.variables, self.redis, self.load_at_start = {}, None, os.getloadavg()[0]

    def __enter__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.templates, ignore_errors=True)
        shutil.rmtree(self.folder / "round", ignore_errors=True)
        self.templates.mkdir()
        try:
            checked([REPOSITORY / "broker/start", "--data", self.broker_folder, "--timeout", "180"])
            lines = (self.broker_folder / "broker.env").read_text().splitlines()
            self.variables = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
            self.build_floor()
            self.redis = RedisServer(self.folder / "redis")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.redis:
            self.redis.stop()
        subprocess.run(
            [REPOSITORY / "broker/stop", "--data", self.broker_folder], capture_output=True, timeout=120, check=False)

    url = property(lambda self: self.variables["FERRY_OPERATOR_URL"])
    broker_pid = property(lambda self: int(self.variables["FERRY_BROKER_PID"]))

    def build_floor(self):
        for name in ("floor", "floor_store", "publisher"):
            checked([
                "gcc", "-std=c11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Wno-deprecated-declarations", "-o",
                self.folder / name, HERE / "floor" / f"{name}.c", "-lrabbitmq", "-lsqlite3", "-lcrypto"])

    @contextlib.contextmanager
    def channel(self):
        connection = pika.BlockingConnection(pika.URLParameters(self.url))
        try:
            yield connection.channel()
        finally:
            connection.close()

    def depth(self, queue):
        """Messages that wait; what a consumer held is back here once it has gone."""
        with self.channel() as channel:
            return channel.queue_declare(queue, passive=True).method.message_count

    def empty(self, queue):
        with self.channel() as channel, contextlib.suppress(pika.exceptions.ChannelClosedByBroker):
            channel.queue_purge(queue)

    def template(self, name, make):
        """A folder of files that `make` has filled once; a round copies it."""
        folder = self.templates / name
        if not folder.exists():
            # What was begun and failed is nobody's template.
            begun = self.templates / "begun"
            shutil.rmtree(begun, ignore_errors=True)
            begun.mkdir()
            make(begun)
            begun.rename(folder)
        return folder

    def fresh(self, template):
        """A copy of a template, for one round."""
        folder = self.folder / "round"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(template, folder)
        # What was copied is written out now, not in the middle of the round.
        os.sync()
        return folder

    def environment(self, **more):
        own = {key: value for key, value in os.environ.items() if not key.startswith(("FERRY_", "BENCH_"))}
        return own | {"BENCH_BROKER_URL": self.url} | {key: str(value) for key, value in more.items()}

    def machine(self):
        """What the figures depend on."""
        model = [line.split(":", 1)[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                 if line.startswith("model name")]
        control = checked([REPOSITORY / "broker/ctl", "--data", self.broker_folder, "version"])
        return {
            "processor": model[0] if model else platform.machine(), "cores": len(os.sched_getaffinity(0)),
            "system": platform.platform(), "load_at_start": self.load_at_start,
            "rabbitmq": control.strip(),
            "python": platform.python_version(), "sqlite_of_python": sqlite3.sqlite_version,
        }


def code(number):
    return f"C-{number:07d}"


def source(number):
    return {
        "code": code(number), "label": f"Customer {number} Ltd", "street": f"{number % 200 + 1} Harbour Street",
        "city": ("Oslo", "Zürich", "İzmir", "Kraków")[number % 4], "country": ("NO", "CH", "TR", "PL")[number % 4],
        "phone": f"+47 {number + 1:08d}", "email": f"office@customer-{number}.example", "credit": number * 10,
    }


def target(number):
    """What the source was before two of its fields were edited."""
    now = source(number)
    return {
        "code": now["code"], "title": now["label"], "street": f"{number % 200 + 1} Old Road", "city": now["city"],
        "country": now["country"], "phone": "+47 00000000", "mail": now["email"], "credit": now["credit"],
    }


def requests(sync_job_type, count):
    """The lines that ask for `count` jobs, each of another document."""
    line = '{{"sync_job_type":"{}","source_document_name":"{}"}}\n'
    return "".join(line.format(sync_job_type, code(number)) for number in range(count))


def write_lines(path, documents):
    path.write_text("".join(json.dumps(document, ensure_ascii=False) + "\n" for document in documents))
