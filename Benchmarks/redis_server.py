# A private Redis for RQ: on a socket file of its own, with its append-only file written every second, as is usual.
# Invariant: no port is opened and no Redis of the machine is touched; where there is no redis-server, nor Debian's
# package to unpack, RQ is left out.
import pathlib
import shutil
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent


class RedisServer:
    """Started at the first question for its address."""

    def __init__(self, folder):
        self.folder, self.process, self.found = folder, None, None

    @property
    def program(self):
        """The server's path; nil when there is none to be had."""
        if self.found is None:
            unpacked = self.folder.with_name("redis-unpacked")
            self.found = shutil.which("redis-server") or ""
            if not self.found and subprocess.run([HERE / "redis-unpacked", unpacked], check=False).returncode == 0:
                self.found = str(unpacked / "redis-server")
        return self.found or None

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
