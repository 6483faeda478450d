# Who competes, in the order of the table.
from ferries import Ferry, FerryController, FerryFailing, FerryFile
from floors import Floor, FloorStore
from relay import FerryRelay
from task_queues import RQ, Celery, Dramatiq

CONTESTANTS = (
    Floor, FloorStore, Ferry, FerryController, FerryFile, FerryRelay, FerryFailing, Dramatiq, Celery, RQ)
