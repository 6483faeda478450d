# A private Redis for RQ: on a socket file of its own, with its append-only file written every second, as RQ's users run it.
# Invariant: no port is opened, no Redis of the machine is touched; without a redis-server there is none, and RQ is left out.
import shutil
import subprocess
import time


class RedisServer:
    """Started at the first question for its address."""

    def __init__(self, folder):
        self.folder, self.process = folder, None
        self.program = shutil.which("redis-server")

    @property
    def url(self):
        if self.process is None:
            self.start()
        return f"unix://{self.folder / 'socket'}"

    def start(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(mode=0o700)
        self.process = subprocess.Popen(
            [self.program, "--port", "0", "--unixsocket", self.folder / "socket", "--unixsocketperm", "700", "--dir",
             self.folder, "--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--logfile", "redis.log"],
            start_new_session=True)
        deadline = time.monotonic() + 20
        while not (self.folder / "socket").exists():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RuntimeError(f"redis-server did not start; see {self.folder / 'redis.log'}")
            time.sleep(0.05)

    def version(self):
        words = subprocess.run([self.program, "--version"], capture_output=True, text=True, check=True).stdout.split()
        return next((word[2:] for word in words if word.startswith("v=")), "?")

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=30)
