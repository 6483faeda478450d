/* The floor on Ferry's own store: the same bare loop, but it reads and writes the rows that Ferry keeps of a job, in a
 * store that `ferry documents import` has made: the record with all its indexes, the attempt, documents with their
 * hashes, the target by the source's binding. What the engine costs is what is left between this and Ferry.
 * Invariant: every column that Ferry fills for such a job is filled, in the same form; loop.h acknowledges after the
 * commit. Left out: what only a second writer or a failure needs (a second look at hash and turn before the write, the
 * savepoint, outbox, intents, leases, pauses), time-outs, hooks, dead letters, reconnection. Its mapping is compiled
 * in. */
#include <unistd.h>

#include "digest.h"
#include "loop.h"
#include "mapping.h"

static sqlite3_stmt *known, *bound, *source_row, *target_row, *save, *record, *attempt;
static sqlite3_int64 source_type, target_type;
static flat_object request, source, target;
static char node[300];

static sqlite3_int64 number_of(const char *sql) {
    sqlite3_stmt *statement = prepare(sql);
    if (!step(statement)) fail("floor-store: nothing found by: %s", sql);
    sqlite3_int64 value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return value;
}

static void make_ready(void) {
    execute("PRAGMA foreign_keys = ON");
    source_type = number_of("SELECT id FROM document_types WHERE system = 'erp' AND name = 'Customer'");
    target_type = number_of("SELECT id FROM document_types WHERE system = 'app' AND name = 'Account'");
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    snprintf(node, sizeof node, "%s:%d", host, (int)getpid());
    known = prepare("SELECT sequence, next_turn, status FROM jobs WHERE id = ?1");
    bound = prepare(
        "SELECT target_name, is_deleted, version_order, source_version FROM bindings WHERE source_name = ?1"
        " AND type_slug = 'customer_sync' AND key = '' AND source_type = 'Customer' AND source_system = 'erp'");
    source_row = prepare(
        "SELECT fields, hash, version_order, version, is_deleted FROM documents WHERE type_id = ?1 AND name = ?2");
    target_row = prepare(
        "SELECT id, fields, hash, version_order, version, is_deleted FROM documents WHERE type_id = ?1 AND name = ?2");
    save = prepare(
        "UPDATE documents SET fields = ?2, hash = ?3, version_order = NULL, version = NULL, updated_at = ?4,"
        " is_deleted = 0 WHERE id = ?1");
    record = prepare(
        "INSERT INTO jobs (id, request_hash, request, type_name, type_slug, source_system, source_type, source_name,"
        " queue, status, operation, target_system, target_type, target_name, diff, retry_count, next_turn, created_at,"
        " started_at, ended_at, attempt_count) VALUES (?1, ?2, ?3, ?4, 'customer_sync', 'erp', 'Customer', ?5,"
        " 'default', ?6, 'update', 'app', 'Account', ?7, ?8, 0, 1, ?9, ?9, ?10, 1)");
    attempt = prepare(
        "INSERT INTO attempts (job, turn, number, run_id, node, started_at, ended_at, outcome)"
        " VALUES (last_insert_rowid(), 0, 1, ?1, ?2, ?3, ?4, ?5)");
}

static bool is_known(flat_text id) {
    bind_text(known, 1, id);
    bool is = step(known);
    sqlite3_reset(known);
    return is;
}

static void read_source(flat_text name) {
    sqlite3_bind_int64(source_row, 1, source_type);
    bind_text(source_row, 2, name);
    if (!step(source_row)) fail("floor-store: a source that is not there");
    read_fields(source_row, 0, &source);
    sqlite3_reset(source_row);
}

/* Reads the account that the source is bound to; answers its row. */
static sqlite3_int64 read_target(flat_text source_name) {
    bind_text(bound, 1, source_name);
    if (!step(bound)) fail("floor-store: a source without a binding");
    sqlite3_bind_int64(target_row, 1, target_type);
    bind_text(target_row, 2, (flat_text){
        (const char *)sqlite3_column_text(bound, 0), (size_t)sqlite3_column_bytes(bound, 0)});
    if (!step(target_row)) fail("floor-store: a target that is not there");
    sqlite3_int64 row = sqlite3_column_int64(target_row, 0);
    read_fields(target_row, 1, &target);
    sqlite3_reset(target_row);
    sqlite3_reset(bound);
    return row;
}

/* {"added":[[name,new]],"changed":[[name,old,new]],"removed":[],"row_changed":[]} */
static void write_diff(flat_writer *diff, const field_change *changes, size_t count) {
    diff->length = 0;
    for (int added = 1; added >= 0; added--) {
        const char *head = added ? "{\"added\":[" : "],\"changed\":[";
        flat_put(diff, head, strlen(head));
        bool is_first = true;
        for (size_t i = 0; i < count; i++) {
            if (changes[i].is_added != added) continue;
            flat_put(diff, is_first ? "[" : ",[", is_first ? 1 : 2);
            is_first = false;
            flat_put_string(diff, changes[i].name);
            if (!added) flat_put(diff, ",", 1);
            if (!added) flat_put_value(diff, &changes[i].old);
            flat_put(diff, ",", 1);
            flat_put_value(diff, &changes[i].new);
            flat_put(diff, "]", 1);
        }
    }
    const char *tail = "],\"removed\":[],\"row_changed\":[]}";
    flat_put(diff, tail, strlen(tail));
}

/* The request as it is kept: with the id that the message carries. */
static void write_request(flat_writer *text, flat_text id, const flat_field *type, const flat_field *name) {
    text->length = 0;
    flat_put(text, "{\"id\":", 6);
    flat_put_string(text, id);
    flat_put(text, ",\"source_document_name\":", 24);
    flat_put_value(text, name);
    flat_put(text, ",\"sync_job_type\":", 17);
    flat_put_value(text, type);
    flat_put(text, "}", 1);
}

static void save_target(sqlite3_int64 row, sqlite3_int64 at) {
    static flat_writer fields;
    put_document(&fields, &target);
    digest hash = digest_of(fields.bytes, fields.length);
    sqlite3_bind_int64(save, 1, row);
    bind_text(save, 2, (flat_text){fields.bytes, fields.length});
    bind_digest(save, 3, &hash);
    sqlite3_bind_int64(save, 4, at);
    run(save);
}

static void save_record(
    flat_text id, const flat_field *type, flat_text name, const flat_writer *diff, sqlite3_int64 started,
    sqlite3_int64 ended) {
    static flat_writer text;
    static unsigned long long runs;
    write_request(&text, id, type, flat_find(&request, "source_document_name"));
    digest hash = digest_of(text.bytes, text.length);
    bind_text(record, 1, id);
    bind_digest(record, 2, &hash);
    bind_text(record, 3, (flat_text){text.bytes, text.length});
    bind_text(record, 4, type->value);
    bind_text(record, 5, name);
    sqlite3_bind_text(record, 6, diff ? "Finished" : "Skipped", -1, SQLITE_STATIC);
    bind_text(record, 7, name);
    if (diff) bind_text(record, 8, (flat_text){diff->bytes, diff->length});
    else sqlite3_bind_null(record, 8);
    sqlite3_bind_int64(record, 9, started);
    sqlite3_bind_int64(record, 10, ended);
    run(record);
    char run_id[32];
    snprintf(run_id, sizeof run_id, "%013llx", ++runs);
    sqlite3_bind_text(attempt, 1, run_id, -1, SQLITE_STATIC);
    sqlite3_bind_text(attempt, 2, node, -1, SQLITE_STATIC);
    sqlite3_bind_int64(attempt, 3, started);
    sqlite3_bind_int64(attempt, 4, ended);
    sqlite3_bind_text(attempt, 5, diff ? "Finished" : "Skipped", -1, SQLITE_STATIC);
    run(attempt);
}

static void do_job(const amqp_message_t *message) {
    static flat_writer diff;
    static field_change changes[MAPPED];
    sqlite3_int64 started = now();
    flat_text id = {message->properties.message_id.bytes, message->properties.message_id.len};
    if (!flat_read(&request, message->body.bytes, message->body.len))
        fail("floor-store: a request is not a flat object");
    flat_field *type = flat_find(&request, "sync_job_type"), *name = flat_find(&request, "source_document_name");
    if (!type || !name) fail("floor-store: a request without type or name");
    if (is_known(id)) return;
    read_source(name->value);
    sqlite3_int64 row = read_target(name->value);
    size_t count = apply_mapping(&source, &target, changes);
    sqlite3_int64 ended = now();
    if (count) {
        save_target(row, ended);
        write_diff(&diff, changes, count);
    }
    save_record(id, type, name->value, count ? &diff : NULL, started, ended);
}

int main(int count, char **words) { return run_loop(count, words, make_ready, do_job); }
