/* The few calls of librabbitmq that floor and publisher share: connect, open a channel, and say what went wrong.
 * Invariant: an error ends the program with a message; a benchmark that went on after one would measure nothing. */
#ifndef BROKER_H
#define BROKER_H

#include <amqp.h>
#include <amqp_tcp_socket.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline _Noreturn void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

static inline void expect_reply(amqp_rpc_reply_t reply, const char *what) {
    if (reply.reply_type == AMQP_RESPONSE_NORMAL) return;
    if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION)
        fail("%s: %s", what, amqp_error_string2(reply.library_error));
    fail("%s: the broker refused it", what);
}

static inline void expect_status(int status, const char *what) {
    if (status != AMQP_STATUS_OK) fail("%s: %s", what, amqp_error_string2(status));
}

/* A connection with channel 1 open, to the address in BENCH_BROKER_URL. */
static inline amqp_connection_state_t connect_to_broker(void) {
    const char *variable = getenv("BENCH_BROKER_URL");
    char *url = variable ? strdup(variable) : NULL;
    struct amqp_connection_info address;
    if (!url) fail("BENCH_BROKER_URL is not set");
    expect_status(amqp_parse_url(url, &address), "BENCH_BROKER_URL");
    amqp_connection_state_t connection = amqp_new_connection();
    amqp_socket_t *socket = amqp_tcp_socket_new(connection);
    if (!socket) fail("out of memory");
    expect_status(amqp_socket_open(socket, address.host, address.port), "connect");
    expect_reply(
        amqp_login(connection, address.vhost, 0, 131072, 0, AMQP_SASL_METHOD_PLAIN, address.user, address.password),
        "login");
    amqp_channel_open(connection, 1);
    expect_reply(amqp_get_rpc_reply(connection), "channel");
    free(url);
    return connection;
}

static inline long number_option(int count, char **words, const char *name, long otherwise) {
    for (int i = 1; i + 1 < count; i++)
        if (!strcmp(words[i], name)) return strtol(words[i + 1], NULL, 10);
    return otherwise;
}

static inline const char *text_option(int count, char **words, const char *name, const char *otherwise) {
    for (int i = 1; i + 1 < count; i++)
        if (!strcmp(words[i], name)) return words[i + 1];
    return otherwise;
}

#endif
