# Records as years of work would have left them: jobs with their attempts and bindings, one in a hundred failed.
# Invariant: each row has the columns that Ferry fills for such a job; ids are random, sources all different.
import time

IDENTIFIER = "lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-' || hex(randomblob(2)) || '-' || " \
    "hex(randomblob(2)) || '-' || hex(randomblob(6)))"
DIFF = '{"added":[],"changed":[["phone","+47 00000000","+47 00000100"],["street","100 Old Road",' \
    '"100 Harbour Street"]],"removed":[],"row_changed":[]}'
ERROR = '{"code":"controller_failed","disposition":"permanent","message":"the shop has refused it","remedy":"mend it"}'

JOBS = f"""
WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :count),
    facts AS (SELECT n, {IDENTIFIER} AS id, printf('R-%07d', n) AS name, n % 100 = 0 AS is_failed,
        :now - (:count - n) * 1000 AS at FROM numbers)
INSERT INTO jobs (id, request_hash, request, type_name, type_slug, source_system, source_type, source_name, queue,
    status, operation, target_system, target_type, target_name, diff, error_code, error, retry_count, next_turn,
    created_at, started_at, ended_at, attempt_count)
SELECT id, randomblob(16),
    '{{"id":"' || id || '","source_document_name":"' || name || '","sync_job_type":"Customer Sync"}}', 'Customer Sync',
    'customer_sync', 'erp', 'Customer', name, 'default', iif(is_failed, 'Failed', 'Finished'), 'update', 'app',
    'Account', name, iif(is_failed, NULL, :diff), iif(is_failed, 'controller_failed', NULL),
    iif(is_failed, :error, NULL), 0, 1, at, at + 10, at + 900, 1 FROM facts
"""
ATTEMPTS = """
INSERT INTO attempts (job, turn, number, run_id, node, started_at, ended_at, outcome)
SELECT sequence, 0, 1, lower(hex(randomblob(6))), 'before:1', started_at, ended_at, status FROM jobs
"""
BINDINGS = """
INSERT INTO bindings (type_slug, source_system, source_type, source_name, key, target_system, target_type, target_name,
    is_deleted, stored_hash, updated_at)
SELECT type_slug, source_system, source_type, source_name, '', target_system, target_type, target_name, 0,
    randomblob(16), ended_at FROM jobs WHERE status = 'Finished'
"""


def add(store, count):
    """Fills an empty store of Ferry's with `count` records that have ended."""
    with store:
        values = {"count": count, "now": time.time_ns() // 1000 - 1_000_000, "diff": DIFF, "error": ERROR}
        store.execute(JOBS, values)
        store.execute(ATTEMPTS)
        store.execute(BINDINGS)
    store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
