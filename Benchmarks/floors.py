# The two floors, programs in C: the bare loop with a record of its own, and the same loop on the rows that Ferry keeps.
import ferries
import world
from contestant import Contestant


class Floor(Contestant):
    name, title, queue, has_latency = "floor", "floor: bare loop in C", "ferry.default", True

    program, more_packages = "floor", ()

    def version(self):
        packages = "librabbitmq4", "libsqlite3-0", *self.more_packages
        return world.checked(["dpkg-query", "-W", "-f", "${Package} ${Version} ", *packages]).strip()

    @property
    def fill_command(self):
        return [self.world.folder / "publisher", "--exchange", "ferry.requests", "--key", "default.customer_sync"]

    @property
    def command(self):
        return [self.world.folder / self.program, "--database", self.database, "--queue", self.queue]

    @property
    def idle_command(self):
        return self.command


class FloorStore(Floor):
    """On a store that Ferry has made, with the documents that Ferry has imported."""

    name, title, has_latency = "floor-store", "floor-store: with Ferry's rows", False
    program, more_packages = "floor_store", ("libssl3",)
    template_name, database_name = ferries.Ferry.template_name, ferries.Ferry.database_name

    def missing(self):
        return ferries.missing(self.world.ferry)

    def make_template(self, folder):
        ferries.Ferry(self.world, self.options).make_template(folder)
