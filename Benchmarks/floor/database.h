/* The SQLite calls that the floors share: open with synchronous=FULL, prepare, step, and the time in microseconds.
 * Invariant: an error ends the program with SQLite's message. */
#ifndef DATABASE_H
#define DATABASE_H

#include <sqlite3.h>
#include <time.h>

#include "broker.h"
#include "flat_json.h"

static sqlite3 *database;

static inline void expect(int result, int wanted) {
    if (result != wanted) fail("floor: SQLite: %s", sqlite3_errmsg(database));
}

static inline sqlite3_stmt *prepare(const char *sql) {
    sqlite3_stmt *statement;
    expect(sqlite3_prepare_v3(database, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL), SQLITE_OK);
    return statement;
}

static inline void execute(const char *sql) { expect(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK); }

static inline void open_database(const char *path) {
    expect(sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL), SQLITE_OK);
    execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 10000");
}

static inline void run(sqlite3_stmt *statement) {
    expect(sqlite3_step(statement), SQLITE_DONE);
    sqlite3_reset(statement);
}

/* Answers whether there is a row; the statement is to be reset once it has been read. */
static inline bool step(sqlite3_stmt *statement) {
    int result = sqlite3_step(statement);
    if (result != SQLITE_ROW) expect(result, SQLITE_DONE);
    return result == SQLITE_ROW;
}

/* The text lives until the statement is run. */
static inline void bind_text(sqlite3_stmt *statement, int place, flat_text text) {
    expect(sqlite3_bind_text(statement, place, text.bytes, (int)text.length, SQLITE_STATIC), SQLITE_OK);
}

static inline flat_text column_text(sqlite3_stmt *statement, int column) {
    const char *bytes = (const char *)sqlite3_column_text(statement, column);
    return (flat_text){bytes, (size_t)sqlite3_column_bytes(statement, column)};
}

static inline void read_fields(sqlite3_stmt *statement, int column, flat_object *document) {
    flat_text text = column_text(statement, column);
    if (!flat_read(document, text.bytes, text.length)) fail("floor: a document is not a flat object");
}

static inline sqlite3_int64 now(void) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return (sqlite3_int64)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

#endif
