#!/usr/bin/env python3
"""Fills a store that Ferry made with a million records, so that lists and lookups can be timed.

    Benchmarks/records.py STORE [--count N]

The records are of three types, 97 % Finished, 2 % Skipped and 1 % Failed (a tenth of these of a rare kind), received
over 30 days, with an attempt each; one dead letter for every hundredth failure. The store must exist: `ferry documents
put` or a worker makes it. Never point it at a store that anybody needs.
"""
import argparse
import hashlib
import json
import random
import sqlite3
import time

DAY = 86_400_000_000
TYPES = "Customer Sync", "Order Sync", "Price Sync"


def failure(code, name):
    return json.dumps({
        "code": code, "disposition": "permanent", "message": f'what is asked of "{name}" can not be done',
        "remedy": "correct the document, then run the job again"}, separators=(",", ":"))


def record(number, count, now, chance):
    """The columns of one record."""
    kind = TYPES[number % 3]
    name, identity = f"C-{chance.randrange(count // 4):07d}", f"{chance.getrandbits(128):032x}"
    luck = chance.random()
    status = "Failed" if luck < 0.01 else "Skipped" if luck < 0.03 else "Finished"
    created = now - 30 * DAY + number * 30 * DAY // count
    columns = {
        "id": identity, "request_hash": hashlib.sha256(identity.encode()).digest()[:16],
        "request": json.dumps(
            {"id": identity, "source_document_name": name, "sync_job_type": kind}, separators=(",", ":")),
        "type_name": kind, "type_slug": kind.lower().replace(" ", "_"), "source_system": "erp",
        "source_type": "Customer", "source_name": name, "queue": "default", "status": status, "target_system": "app",
        "target_type": "Account", "target_name": name, "operation": "update", "retry_count": 0, "next_turn": 1,
        "created_at": created, "started_at": created + 2_000, "ended_at": created + 9_000,
    }
    if status == "Finished":
        columns["diff"] = json.dumps({
            "added": [], "changed": [["phone", "+47 00000000", f"+47 {number:08d}"],
                                     ["street", f"{number % 200} Old Road", f"{number % 200} Harbour Street"]],
            "removed": [], "row_changed": []}, separators=(",", ":"))
    elif status == "Skipped":
        columns["skip_reason"] = "no_changes"
    else:
        code = "constraint_violated" if luck < 0.0001 else "controller_failed"
        columns |= {"error_code": code, "error": failure(code, name), "target_name": None, "operation": None,
                    "dead_lettered_at": created + 9_000}
    return columns


def letter(number, job):
    return {
        "id": f"{number:016x}", "job_id": job["id"], "turn": 0, "origin": "request", "type_slug": job["type_slug"],
        "queue": "default", "routing_key": "controller_failed", "reason": "controller_failed", "error": "can not be done",
        "remedy": "correct the document", "attempts": 1, "headers": "{}", "body_bytes": len(job["request"]),
        "received_at": job["ended_at"], "first_failed_at": job["ended_at"], "last_failed_at": job["ended_at"],
        "arrivals": 1, "shape": "can not be done", "group_key": f"{number % 7:010x}", "state": "open", "revision": 1,
        "replay_count": 0,
    }


def insert(db, table, rows):
    """Rows of any columns; those alike go together."""
    alike = {}
    for row in rows:
        alike.setdefault(tuple(row), []).append(tuple(row.values()))
    for columns, values in alike.items():
        db.executemany(
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})", values)


def fill(path, count):
    db, now, chance = sqlite3.connect(f"file:{path}?mode=rw", uri=True), int(time.time() * 1e6), random.Random(1)
    for begin in range(0, count, 10_000):
        with db:
            first = db.execute("SELECT coalesce(max(sequence), 0) + 1 FROM jobs").fetchone()[0]
            rows = [record(number, count, now, chance) | {"sequence": first + number - begin}
                    for number in range(begin, min(begin + 10_000, count))]
            # In order, as workers would have written them.
            columns = list(dict.fromkeys(key for row in rows for key in row))
            insert(db, "jobs", [{key: row.get(key) for key in columns} for row in rows])
            insert(db, "attempts", [
                {"job": row["sequence"], "turn": 0, "number": 1, "run_id": "bench", "node": "bench:1",
                 "started_at": row["started_at"], "ended_at": row["ended_at"], "outcome": row["status"]}
                for row in rows])
            letters = [row for row in rows if row["status"] == "Failed"][::100]
            insert(db, "dead_letters", [letter(begin + place, row) for place, row in enumerate(letters)])
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store")
    parser.add_argument("--count", type=int, default=1_000_000)
    options = parser.parse_args()
    fill(options.store, options.count)
