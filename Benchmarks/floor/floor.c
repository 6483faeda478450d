/* The floor: one job after another in a bare loop on librabbitmq and SQLite, one thread, no engine. Whatever is waiting
 * goes into one transaction with synchronous=FULL, then one acknowledgement for all of it.
 * Invariant: no message is acknowledged before its record is committed; an id that has a record is not done again.
 * Left out, and so what an engine costs: retries, time-outs, dead letters, configuration, bindings, hooks, attempts,
 * versions, conflicts between processes, reconnection. Its mapping is compiled in. */
#include <signal.h>
#include <sqlite3.h>
#include <sys/time.h>
#include <time.h>

#include "broker.h"
#include "flat_json.h"

/* Target field, source field: the mapping of the type Customer Sync in ferry.yaml. */
static const char *const mapping[][2] = {
    {"title", "label"}, {"street", "street"}, {"city", "city"},      {"country", "country"},
    {"phone", "phone"}, {"mail", "email"},    {"credit", "credit"},
};
enum { MAPPED = sizeof mapping / sizeof *mapping, SOURCE = 1, TARGET = 2 };

static sqlite3 *database;
static sqlite3_stmt *begin, *commit, *known, *load, *save, *record;
static flat_object request, source, target;
static volatile sig_atomic_t stopping;

static void stop(int number) {
    (void)number;
    stopping = 1;
}

static void expect(int result, int wanted) {
    if (result != wanted) fail("floor: SQLite: %s", sqlite3_errmsg(database));
}

static sqlite3_stmt *prepare(const char *sql) {
    sqlite3_stmt *statement;
    expect(sqlite3_prepare_v3(database, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL), SQLITE_OK);
    return statement;
}

static void open_database(const char *path) {
    expect(sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL), SQLITE_OK);
    const char *settings = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 10000";
    expect(sqlite3_exec(database, settings, NULL, NULL, NULL), SQLITE_OK);
    begin = prepare("BEGIN IMMEDIATE");
    commit = prepare("COMMIT");
    known = prepare("SELECT 1 FROM jobs WHERE id = ?1");
    load = prepare("SELECT fields FROM documents WHERE type_id = ?1 AND name = ?2");
    save = prepare("UPDATE documents SET fields = ?3, updated_at = ?4 WHERE type_id = ?1 AND name = ?2");
    record = prepare(
        "INSERT INTO jobs (id, request, type_name, source_name, target_name, status, operation, diff, created_at,"
        " ended_at) VALUES (?1, ?2, ?3, ?4, ?4, ?5, 'update', ?6, ?7, ?8)");
}

static void run(sqlite3_stmt *statement) {
    expect(sqlite3_step(statement), SQLITE_DONE);
    sqlite3_reset(statement);
}

static sqlite3_int64 now(void) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return (sqlite3_int64)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

static bool read_document(int type, flat_text name, flat_object *document) {
    sqlite3_bind_int(load, 1, type);
    sqlite3_bind_text(load, 2, name.bytes, (int)name.length, SQLITE_STATIC);
    bool found = sqlite3_step(load) == SQLITE_ROW;
    if (found) {
        const char *text = (const char *)sqlite3_column_text(load, 0);
        size_t length = (size_t)sqlite3_column_bytes(load, 0);
        if (!flat_read(document, text, length)) fail("floor: a document is not a flat object");
    }
    sqlite3_reset(load);
    return found;
}

static void put_member(flat_writer *writer, flat_text name, const flat_field *value) {
    flat_put(writer, writer->length == 1 ? "" : ",", writer->length == 1 ? 0 : 1);
    flat_put_string(writer, name);
    flat_put(writer, ":", 1);
    flat_put_value(writer, value);
}

/* Applies the mapping to the target; answers whether anything differs. */
static bool compute_diff(flat_writer *diff) {
    diff->length = 0;
    flat_put(diff, "{", 1);
    for (size_t i = 0; i < MAPPED; i++) {
        flat_field *old = flat_find(&target, mapping[i][0]), *new = flat_find(&source, mapping[i][1]);
        if (!new || (old && flat_same(old, new))) continue;
        flat_text name = {mapping[i][0], strlen(mapping[i][0])};
        if (diff->length > 1) flat_put(diff, ",", 1);
        flat_put_string(diff, name);
        flat_put(diff, ":{\"old\":", 8);
        flat_put_value(diff, old);
        flat_put(diff, ",\"new\":", 7);
        flat_put_value(diff, new);
        flat_put(diff, "}", 1);
        if (!old) {
            if (target.count == FLAT_MAX_FIELDS) fail("floor: too many fields");
            old = &target.fields[target.count++];
            old->name = name;
        }
        old->value = new->value;
        old->is_string = new->is_string;
    }
    flat_put(diff, "}", 1);
    return diff->length > 2;
}

static void save_target(flat_text name, sqlite3_int64 at) {
    static flat_writer fields;
    fields.length = 0;
    flat_put(&fields, "{", 1);
    for (size_t i = 0; i < target.count; i++) put_member(&fields, target.fields[i].name, &target.fields[i]);
    flat_put(&fields, "}", 1);
    sqlite3_bind_int(save, 1, TARGET);
    sqlite3_bind_text(save, 2, name.bytes, (int)name.length, SQLITE_STATIC);
    sqlite3_bind_text(save, 3, fields.bytes, (int)fields.length, SQLITE_STATIC);
    sqlite3_bind_int64(save, 4, at);
    run(save);
}

static void do_job(const amqp_message_t *message) {
    static flat_writer diff;
    sqlite3_int64 received = now();
    amqp_bytes_t id = message->properties.message_id;
    if (!flat_read(&request, message->body.bytes, message->body.len)) fail("floor: a request is not a flat object");
    flat_field *type = flat_find(&request, "sync_job_type"), *name = flat_find(&request, "source_document_name");
    if (!type || !name) fail("floor: a request without type or name");
    sqlite3_bind_text(known, 1, id.bytes, (int)id.len, SQLITE_STATIC);
    bool is_known = sqlite3_step(known) == SQLITE_ROW;
    sqlite3_reset(known);
    if (is_known) return;
    if (!read_document(SOURCE, name->value, &source)) fail("floor: a source that is not there");
    if (!read_document(TARGET, name->value, &target)) fail("floor: a target that is not there");
    bool differs = compute_diff(&diff);
    sqlite3_int64 ended = now();
    if (differs) save_target(name->value, ended);
    sqlite3_bind_text(record, 1, id.bytes, (int)id.len, SQLITE_STATIC);
    sqlite3_bind_text(record, 2, message->body.bytes, (int)message->body.len, SQLITE_STATIC);
    sqlite3_bind_text(record, 3, type->value.bytes, (int)type->value.length, SQLITE_STATIC);
    sqlite3_bind_text(record, 4, name->value.bytes, (int)name->value.length, SQLITE_STATIC);
    sqlite3_bind_text(record, 5, differs ? "Finished" : "Skipped", -1, SQLITE_STATIC);
    sqlite3_bind_text(record, 6, diff.bytes, (int)diff.length, SQLITE_STATIC);
    sqlite3_bind_int64(record, 7, received);
    sqlite3_bind_int64(record, 8, ended);
    run(record);
}

int main(int count, char **words) {
    const char *path = text_option(count, words, "--database", NULL);
    const char *queue = text_option(count, words, "--queue", NULL);
    long prefetch = number_option(count, words, "--prefetch", 400);
    long largest = number_option(count, words, "--batch", 200);
    if (!path || !queue) fail("usage: floor --database FILE --queue NAME [--prefetch N] [--batch N]; SIGTERM ends it");
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    open_database(path);
    amqp_connection_state_t connection = connect_to_broker();
    amqp_basic_qos(connection, 1, 0, (uint16_t)prefetch, 0);
    expect_reply(amqp_get_rpc_reply(connection), "floor: prefetch");
    amqp_basic_consume(connection, 1, amqp_cstring_bytes(queue), amqp_empty_bytes, 0, 0, 0, amqp_empty_table);
    expect_reply(amqp_get_rpc_reply(connection), "floor: consume");
    long in_batch = 0;
    uint64_t last_tag = 0;
    while (!stopping) {
        amqp_envelope_t envelope;
        /* While a batch is open only what is there already joins it. */
        struct timeval patience = {0, in_batch ? 0 : 100000};
        amqp_maybe_release_buffers(connection);
        amqp_rpc_reply_t reply = amqp_consume_message(connection, &envelope, &patience, 0);
        bool is_quiet =
            reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION && reply.library_error == AMQP_STATUS_TIMEOUT;
        if (!is_quiet) {
            expect_reply(reply, "floor: consume");
            if (in_batch++ == 0) run(begin);
            do_job(&envelope.message);
            last_tag = envelope.delivery_tag;
            amqp_destroy_envelope(&envelope);
        }
        if (in_batch && (is_quiet || in_batch == largest)) {
            run(commit);
            expect_status(amqp_basic_ack(connection, 1, last_tag, 1), "floor: acknowledge");
            in_batch = 0;
        }
    }
    /* What was not acknowledged is the broker's again. */
    amqp_connection_close(connection, AMQP_REPLY_SUCCESS);
    amqp_destroy_connection(connection);
    return 0;
}
