# What must hold when the trouble is over and everything is quiet, by id, read past Ferry: from the journal of the producers,
# the source, the stores' and the targets' files, and the broker's queues. Invariant: each check can fail, and says with what.
import collections
import json

import pika

from producers import DEAD, GOOD, GOOD_OR_GONE
from world import has_table, rows

GOOD_ENDS = {"Finished", "Skipped", "No Target", "Relayed"}


class Verdict:
    """Faults by kind, each with the ids that show it, and the figures of the run."""

    def __init__(self):
        self.faults = collections.defaultdict(list)
        self.figures = collections.Counter()

    def fault(self, kind, what):
        self.faults[kind].append(what)


def dead_letters(broker, group):
    """Dead letters by the job's id: those in the broker's queue, which stay there, and those that a store has taken over."""
    letters = {}
    connection = pika.BlockingConnection(pika.URLParameters(broker.url))
    channel = connection.channel()
    while True:
        method, properties, _ = channel.basic_get(f"{group.prefix}.dead")
        if method is None:
            break
        headers = properties.headers or {}
        reason = headers.get("ferry-reason") or broker_reason(headers)
        letters.setdefault(properties.message_id, set()).add(reason)
    connection.close()
    for store in group.stores:
        if has_table(store, "dead_letters"):
            columns = {name for _, name, *_ in rows(store, "PRAGMA table_info(dead_letters)")}
            reason = "reason" if "reason" in columns else "code"
            for job, code in rows(store, f"SELECT job_id, {reason} FROM dead_letters"):
                letters.setdefault(job, set()).add(code)
    return letters


def broker_reason(headers):
    deaths = headers.get("x-death") or [{}]
    return f"broker: {deaths[0].get('reason', 'unroutable')}"


def check(world, documents, journal, verdict):
    for group in world.groups:
        letters = dead_letters(world.broker, group)
        records = read_records(group)
        verdict.figures["records"] += sum(len(all_of_id) for all_of_id in records.values())
        verdict.figures["dead_letters"] += len(letters)
        check_ends(group, journal, records, letters, verdict)
        check_strangers(group, journal, records, letters, verdict)
        check_stores(group, verdict)
        check_history(group, verdict)
        check_outside(group, world, documents, verdict)
        if group.shared:
            check_embedded(group, world, documents, verdict)
            check_effects(group, verdict)
            check_children(group, documents, verdict)


# ---- records

def read_records(group):
    records = collections.defaultdict(list)
    for store in group.stores:
        sql = "SELECT id, status, is_open, error_code, dead_lettered_at, parent, skip_reason FROM jobs"
        for row in rows(store, sql):
            records[row[0]].append(row)
    return records


def is_open(known):
    """Whether a job has not ended.

    A message goes to any worker: where stores are not shared, a retry may end in another store than the one that asked for
    it, whose record then stays as it was.
    """
    return all(record[2] for record in known)


def check_ends(group, journal, records, letters, verdict):
    """Every confirmed request has a record with an end status, or a dead letter: none is lost."""
    for job, expected in journal.expected.items():
        if expected.group != group.name:
            continue
        known = records.get(job, [])
        if not known and job not in letters:
            verdict.fault("lost", f"{job} ({expected.document}): neither a record nor a dead letter")
            continue
        if known and is_open(known):
            verdict.fault("not ended", f"{job} is {', '.join(record[1] for record in known)}")
        for _, status, open_here, code, dead_lettered, _, _ in known:
            if status == "Failed" and not open_here and not dead_lettered:
                verdict.fault("not ended", f"{job} is {status} ({code})")
            elif status == "Failed" and not open_here and job not in letters:
                verdict.fault("lost", f"{job} ({expected.document}) failed with {code}: its dead letter is nowhere")
        is_dead = job in letters
        is_good = any(record[1] in GOOD_ENDS for record in known)
        reasons = ", ".join(sorted(map(str, letters.get(job, ()))))
        if expected.end == DEAD and not is_dead:
            verdict.fault("wrong end", f"{job} should be a dead letter, and is {[record[1] for record in known]}")
        elif expected.end == GOOD and (is_dead or not is_good):
            verdict.fault("wrong end", f"{job} ({expected.document}) should have ended well: {reasons or known}")
        elif expected.end == GOOD_OR_GONE and is_dead and not is_good:
            if letters[job] != {"source_not_visible"}:
                verdict.fault("wrong end", f"{job} ({expected.document}) is a dead letter: {reasons}")
            verdict.figures["overtaken_by_a_delete"] += 1


def check_strangers(group, journal, records, letters, verdict):
    """Nothing is there that nobody asked for, and one store has one record of an id."""
    for job, known in records.items():
        if job not in journal.expected and known[0][5] is None:
            verdict.fault("stranger", f"{job} was asked for by nobody")
        if group.shared and len(known) > 1:
            verdict.fault("double", f"{job} has {len(known)} records")
    verdict.figures["jobs_with_records_in_several_stores"] += sum(len(known) > 1 for known in records.values())
    for job in letters:
        if job not in journal.expected and job not in records:
            verdict.fault("stranger", f"the dead letter {job} is about nothing that was asked for")


def check_stores(group, verdict):
    """Nothing is owed, nothing is claimed, no run is half done, the file is sound."""
    records = read_records(group)
    for store in group.stores:
        for table in ["outbox", "write_intents", "leases", "dedup_keys"]:
            left = rows(store, f"SELECT * FROM {table}")
            if table == "write_intents":
                left = [row for row in left if not may_stay(row[1], records, group)]
            if left:
                verdict.fault("left over", f"{store.name}: {len(left)} rows in {table}, such as {left[0][:2]}")
        attempts = rows(store, "SELECT count(*), count(DISTINCT job) FROM attempts")[0]
        verdict.figures["attempts"] += attempts[0]
        repeated = rows(
            store, "SELECT id FROM jobs JOIN attempts ON job = sequence GROUP BY job, number "
            "HAVING count(*) > 1")
        for job, in repeated:
            verdict.fault("double", f"{store.name}: {job} has an attempt twice")
        if rows(store, "PRAGMA quick_check") != [("ok",)]:
            verdict.fault("damaged", str(store))
    if rows(group.shop, "PRAGMA quick_check") != [("ok",)]:
        verdict.fault("damaged", str(group.shop))


def may_stay(job, records, group):
    """Whether an intent may outlive its run: a failed job keeps it, as whoever retries it by hand must know of a write that
    may have landed; and a job that another store has ended leaves it where it began."""
    known = records.get(job, [])
    return any(record[1] == "Failed" for record in known) or (not group.shared and known and not is_open(known))


# ---- targets

def expected_accounts(world, group, letters):
    """What the source says, as code → (label, revision), of the documents whose codes begin with one of `letters`."""
    sql = "SELECT code, label, revision FROM customers"
    return {code: (label, revision) for code, label, revision in rows(world.folder / "erp.sqlite", sql)
            if code[0] in letters and code != "A-fixed"}


def posters(documents):
    return {poster.code: (poster.label, poster.revision) for poster in documents.posters if poster.revision}


def compare(where, expected, found, verdict):
    for code in expected.keys() | found.keys():
        if expected.get(code) != found.get(code):
            verdict.fault(
                "not converged", f"{where}: {code} is {found.get(code)}, and the source says {expected.get(code)}")


def check_outside(group, world, documents, verdict):
    found = {code: (label, revision) for code, label, revision in
             rows(group.shop, "SELECT code, label, revision FROM accounts") if code != "A-fixed"}
    expected = expected_accounts(world, group, "A" if group.shared else "B")
    if group.shared:
        expected |= posters(documents)
    compare(group.shop.name, expected, found, verdict)


def check_history(group, verdict):
    """The target's own memory: no revision after a later one (stale), none written twice (double)."""
    newest = {}
    for code, before, after in rows(group.shop, "SELECT code, before, after FROM history ORDER BY sequence"):
        verdict.figures["writes_of_outside_targets"] += 1
        if after is None:
            continue
        if after < newest.get(code, 0):
            verdict.fault("stale write", f"{group.shop.name}: {code} went from revision {newest[code]} to {after}")
        elif after == newest.get(code):
            verdict.fault("double", f"{group.shop.name}: {code} got revision {after} twice")
        newest[code] = max(after, newest.get(code, 0))


def embedded(store, name):
    sql = ("SELECT documents.name, fields FROM documents JOIN document_types ON document_types.id = type_id "
           "WHERE system = 'app' AND document_types.name = ? AND NOT is_deleted")
    return {code: json.loads(fields) for code, fields in rows(store, sql, name)}


def check_embedded(group, world, documents, verdict):
    store = group.stores[0]
    kept = lambda name, *fields: {
        code: tuple(document.get(field) for field in fields) for code, document in embedded(store, name).items()
        if code != "A-fixed"}
    compare("app.Account", expected_accounts(world, group, "AS"), kept("Account", "label", "revision"), verdict)
    compare("app.Poster", posters(documents), kept("Poster", "label", "revision"), verdict)
    lines = {f"{order.code}/{line}": (order.revision, order.revision)
             for order in documents.orders if order.revision for line in range(order.lines)}
    compare("app.Line", lines, kept("Line", "quantity", "revision"), verdict)


def check_effects(group, verdict):
    """One effect for each document and version on the embedded target.

    The records' differences must be one chain: each revision was entered at most once and left at most once, in ascending
    order, and the last is the one that is there.
    """
    store = group.stores[0]
    steps = collections.defaultdict(list)
    sql = ("SELECT id, target_type, target_name, diff FROM jobs WHERE target_system = 'app' AND status = 'Finished' "
           "AND diff IS NOT NULL")
    for job, target_type, target, diff in rows(store, sql):
        for field, old, new in json.loads(diff).get("changed", []):
            if field == "revision":
                steps[f"{target_type}/{target}"].append((old, new, job))
    present = {f"{kind}/{code}": document.get("revision") for kind in ["Account", "Poster", "Line"]
               for code, document in embedded(store, kind).items()}
    for document in steps.keys() | present.keys():
        chain = steps[document]
        verdict.figures["effects_on_the_embedded_target"] += len(chain)
        for place, what in [(1, "entered"), (0, "left")]:
            seen = collections.Counter(step[place] for step in chain if step[place] is not None)
            for revision, times in seen.items():
                if times > 1:
                    jobs = ", ".join(step[2] for step in chain if step[place] == revision)
                    verdict.fault("double", f"{document}: revision {revision} was {what} {times} times, by {jobs}")
        for old, new, job in chain:
            if old is not None and new is not None and new < old:
                verdict.fault("stale write", f"{document}: {job} went from revision {old} to {new}")
        entered = {step[1] for step in chain} - {None}
        left = {step[0] for step in chain} - {None}
        now = {present[document]} if document in present else set()
        if entered - left != now or left - entered:
            verdict.fault("effect without a record", f"{document} is at {now}, its records lead to {entered - left}")


def check_children(group, documents, verdict):
    """Each relay has exactly the children that its rows say, each with an end of its own."""
    store = group.stores[0]
    lines = {order.code: order.lines for order in documents.orders}
    children = collections.defaultdict(list)
    for parent, job, is_open in rows(store, "SELECT parent, id, is_open FROM jobs WHERE parent IS NOT NULL"):
        children[parent].append(job)
        verdict.figures["children"] += 1
        if is_open:
            verdict.fault("not ended", f"the child {job} is open")
    for job, order in rows(store, "SELECT id, source_name FROM jobs WHERE status = 'Relayed'"):
        verdict.figures["relays"] += 1
        found = children.pop(job, [])
        if len(found) != lines[order] or len(set(found)) != len(found):
            verdict.fault("children", f"{job}: {len(found)} children for the {lines[order]} lines of {order}")
    for parent in children:
        verdict.fault("children", f"{parent} has children and is no relay")


# ---- quiescence

def unsettled(world):
    """What is still on its way: messages in queues (dead letters are where they belong), open jobs, what is owed."""
    left = []
    for group in world.groups:
        records = read_records(group)
        count = sum(is_open(known) for known in records.values())
        if count:
            left.append(f"{group.name}: {count} open jobs")
        for store in group.stores:
            count = rows(store, "SELECT count(*) FROM outbox")[0][0]
            if count:
                left.append(f"{store.name}: {count} owed messages")
    # A quick look, which is blind to messages that somebody holds: `unanswered` sees all.
    connection = pika.BlockingConnection(pika.URLParameters(world.broker.url))
    channel = connection.channel()
    for group in world.groups:
        for name in ["short", "default", "long", "side", "changes", *[f"delay.{level:02}" for level in range(20)]]:
            count = channel.queue_declare(f"{group.prefix}.{name}", passive=True).method.message_count
            if count:
                left.append(f"{group.prefix}.{name}: {count} messages")
    connection.close()
    return left


def unanswered(world):
    """Messages in whatever state: ready, held by a worker, or between two levels of the delay ladder."""
    listing = world.broker.control("list_queues", "-q", "-p", "ferry", "name", "messages", "--no-table-headers")
    prefixes = tuple(f"{group.prefix}." for group in world.groups)
    left = []
    for line in listing.splitlines():
        name, _, count = line.partition("\t")
        if name.startswith(prefixes) and not name.endswith(".dead") and count.strip() != "0":
            left.append(f"{name}: {count} messages")
    return left
