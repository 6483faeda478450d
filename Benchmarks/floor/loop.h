/* The loop that the floors share: whatever is waiting goes into one transaction with synchronous=FULL, then one
 * acknowledgement for all of it.
 * Invariant: no message is acknowledged before its record is committed. */
#ifndef LOOP_H
#define LOOP_H

#include <signal.h>
#include <sys/time.h>

#include "database.h"

static volatile sig_atomic_t stopping;

static void stop(int number) {
    (void)number;
    stopping = 1;
}

/* Takes messages until SIGTERM or Ctrl-C. `make_ready` prepares on the open database, `do_job` does one message. */
static inline int run_loop(
    int count, char **words, void (*make_ready)(void), void (*do_job)(const amqp_message_t *message)) {
    const char *path = text_option(count, words, "--database", NULL);
    const char *queue = text_option(count, words, "--queue", NULL);
    long prefetch = number_option(count, words, "--prefetch", 400);
    long largest = number_option(count, words, "--batch", 200);
    if (!path || !queue)
        fail("usage: %s --database FILE --queue NAME [--prefetch N] [--batch N]; SIGTERM ends it", words[0]);
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    open_database(path);
    sqlite3_stmt *begin = prepare("BEGIN IMMEDIATE"), *commit = prepare("COMMIT");
    make_ready();
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

#endif
