// What Ferry asks of SQLite beside GRDB: a function of variable arguments, which Swift can't call.
#include <sqlite3.h>

static inline int ferry_sqlite_without_memory_statistics(void) {
    return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}
