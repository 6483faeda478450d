/* The floor: one job after another in a bare loop on librabbitmq and SQLite, one thread, no engine.
 * Invariant: an id that has a record is not done again; loop.h acknowledges after the commit.
 * Left out, and so what an engine costs: retries, time-outs, dead letters, configuration, bindings, hooks, attempts,
 * versions, conflicts between processes, reconnection. Its mapping is compiled in. */
#include "loop.h"
#include "mapping.h"

enum { SOURCE = 1, TARGET = 2 };

static sqlite3_stmt *known, *load, *save, *record;
static flat_object request, source, target;

static void make_ready(void) {
    known = prepare("SELECT 1 FROM jobs WHERE id = ?1");
    load = prepare("SELECT fields FROM documents WHERE type_id = ?1 AND name = ?2");
    save = prepare("UPDATE documents SET fields = ?3, updated_at = ?4 WHERE type_id = ?1 AND name = ?2");
    record = prepare(
        "INSERT INTO jobs (id, request, type_name, source_name, target_name, status, operation, diff, created_at,"
        " ended_at) VALUES (?1, ?2, ?3, ?4, ?4, ?5, 'update', ?6, ?7, ?8)");
}

static bool read_document(int type, flat_text name, flat_object *document) {
    sqlite3_bind_int(load, 1, type);
    bind_text(load, 2, name);
    bool found = step(load);
    if (found) read_fields(load, 0, document);
    sqlite3_reset(load);
    return found;
}

static void write_diff(flat_writer *diff, const field_change *changes, size_t count) {
    diff->length = 0;
    flat_put(diff, "{", 1);
    for (size_t i = 0; i < count; i++) {
        if (i) flat_put(diff, ",", 1);
        flat_put_string(diff, changes[i].name);
        flat_put(diff, ":{\"old\":", 8);
        flat_put_value(diff, changes[i].is_added ? NULL : &changes[i].old);
        flat_put(diff, ",\"new\":", 7);
        flat_put_value(diff, &changes[i].new);
        flat_put(diff, "}", 1);
    }
    flat_put(diff, "}", 1);
}

static void save_target(flat_text name, sqlite3_int64 at) {
    static flat_writer fields;
    put_document(&fields, &target);
    sqlite3_bind_int(save, 1, TARGET);
    bind_text(save, 2, name);
    bind_text(save, 3, (flat_text){fields.bytes, fields.length});
    sqlite3_bind_int64(save, 4, at);
    run(save);
}

static void do_job(const amqp_message_t *message) {
    static flat_writer diff;
    static field_change changes[MAPPED];
    sqlite3_int64 received = now();
    flat_text id = {message->properties.message_id.bytes, message->properties.message_id.len};
    if (!flat_read(&request, message->body.bytes, message->body.len)) fail("floor: a request is not a flat object");
    flat_field *type = flat_find(&request, "sync_job_type"), *name = flat_find(&request, "source_document_name");
    if (!type || !name) fail("floor: a request without type or name");
    bind_text(known, 1, id);
    bool is_known = step(known);
    sqlite3_reset(known);
    if (is_known) return;
    if (!read_document(SOURCE, name->value, &source)) fail("floor: a source that is not there");
    if (!read_document(TARGET, name->value, &target)) fail("floor: a target that is not there");
    size_t count = apply_mapping(&source, &target, changes);
    write_diff(&diff, changes, count);
    sqlite3_int64 ended = now();
    if (count) save_target(name->value, ended);
    bind_text(record, 1, id);
    bind_text(record, 2, (flat_text){message->body.bytes, message->body.len});
    bind_text(record, 3, type->value);
    bind_text(record, 4, name->value);
    sqlite3_bind_text(record, 5, count ? "Finished" : "Skipped", -1, SQLITE_STATIC);
    bind_text(record, 6, (flat_text){diff.bytes, diff.length});
    sqlite3_bind_int64(record, 7, received);
    sqlite3_bind_int64(record, 8, ended);
    run(record);
}

int main(int count, char **words) { return run_loop(count, words, make_ready, do_job); }
