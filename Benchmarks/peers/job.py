# The benchmark's job as a user of a Python task queue would write it: the floor's work and SQL, in sqlite3.
# Invariant: when do_job returns, record and target are committed with synchronous=FULL; an id is done once.
import json
import os
import sqlite3
import threading
import time

SOURCE, TARGET = 1, 2
MAPPING = {
    "title": "label", "street": "street", "city": "city", "country": "country", "phone": "phone", "mail": "email",
    "credit": "credit",
}
local = threading.local()


def database():
    """A connection for each thread of each process, opened at its first job."""
    if getattr(local, "process", None) != os.getpid():
        local.process = os.getpid()
        local.database = sqlite3.connect(os.environ["BENCH_DATABASE"], isolation_level=None, timeout=60)
        local.database.execute("PRAGMA journal_mode = WAL")
        local.database.execute("PRAGMA synchronous = FULL")
    return local.database


def load(db, kind, name):
    (fields,) = db.execute("SELECT fields FROM documents WHERE type_id = ? AND name = ?", (kind, name)).fetchone()
    return json.loads(fields)


def do_job(job_id, request):
    received = time.time_ns() // 1000
    name = request["source_document_name"]
    db = database()
    db.execute("BEGIN IMMEDIATE")
    try:
        if db.execute("SELECT 1 FROM jobs WHERE id = ?", (job_id,)).fetchone() is None:
            source, target = load(db, SOURCE, name), load(db, TARGET, name)
            diff = {
                field: {"old": target.get(field), "new": source[origin]}
                for field, origin in MAPPING.items() if field not in target or target[field] != source[origin]
            }
            ended = time.time_ns() // 1000
            if diff:
                target.update((field, change["new"]) for field, change in diff.items())
                db.execute(
                    "UPDATE documents SET fields = ?, updated_at = ? WHERE type_id = ? AND name = ?",
                    (json.dumps(target), ended, TARGET, name))
            db.execute(
                "INSERT INTO jobs (id, request, type_name, source_name, target_name, status, operation, diff,"
                " created_at, ended_at) VALUES (?, ?, ?, ?, ?, ?, 'update', ?, ?, ?)",
                (job_id, json.dumps(request), request["sync_job_type"], name, name, "Finished" if diff else "Skipped",
                 json.dumps(diff), received, ended))
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise
