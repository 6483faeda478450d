/* The floor of publishing: each line of standard input becomes a persistent, mandatory message with an id of its own,
 * which the broker confirms. As many as --window are on their way at a time.
 * Invariant: it ends with status 0 only when every line was confirmed and none returned. Prints count and seconds. */
#include <stdbool.h>
#include <stdint.h>
#include <sys/random.h>
#include <sys/time.h>
#include <time.h>

#include "broker.h"

/* What is confirmed, by number; all below `open` are. */
static bool *settled;
static uint64_t confirmed, open = 1;

static double seconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void settle(uint64_t number) {
    if (!settled[number]) confirmed++;
    settled[number] = true;
}

/* Takes one confirm, of one message or of all up to it; answers whether there was one. */
static bool take_confirm(amqp_connection_state_t connection, bool waits) {
    amqp_frame_t frame;
    struct timeval patience = {waits ? 30 : 0, 0};
    int status = amqp_simple_wait_frame_noblock(connection, &frame, &patience);
    if (status == AMQP_STATUS_TIMEOUT && waits) fail("publisher: no confirm within 30 s");
    if (status == AMQP_STATUS_TIMEOUT) return false;
    expect_status(status, "publisher: wait for a confirm");
    if (frame.frame_type != AMQP_FRAME_METHOD || frame.payload.method.id != AMQP_BASIC_ACK_METHOD)
        fail("publisher: a message was returned or refused, or the channel closed");
    const amqp_basic_ack_t *ack = frame.payload.method.decoded;
    for (; ack->multiple && open <= ack->delivery_tag; open++) settle(open);
    settle(ack->delivery_tag);
    return true;
}

static void publish(
    amqp_connection_state_t connection, const char *exchange, const char *key, const char *id, amqp_bytes_t body) {
    amqp_basic_properties_t properties = {
        ._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG,
        .content_type = amqp_cstring_bytes("application/json"),
        .delivery_mode = AMQP_DELIVERY_PERSISTENT,
        .message_id = amqp_cstring_bytes(id),
    };
    int status = amqp_basic_publish(
        connection, 1, amqp_cstring_bytes(exchange), amqp_cstring_bytes(key), 1, 0, &properties, body);
    expect_status(status, "publisher: publish");
}

/* An id ordered by time, as Ferry gives them: a UUID of version 7 (RFC 9562, 5.7), whose first 48 bits are milliseconds. */
static void make_id(char *id, size_t size) {
    uint64_t words[2];
    if (getrandom(words, sizeof words, 0) != sizeof words) fail("publisher: no random numbers");
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    uint64_t milliseconds = (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
    snprintf(id, size, "%08x-%04x-7%03x-%04x-%012llx", (unsigned)(milliseconds >> 16), (unsigned)(milliseconds & 0xffff),
             (unsigned)(words[0] & 0xfff), (unsigned)(words[0] >> 16 & 0x3fff) | 0x8000,
             (unsigned long long)(words[1] & 0xffffffffffff));
}

int main(int count, char **words) {
    const char *exchange = text_option(count, words, "--exchange", ""), *key = text_option(count, words, "--key", NULL);
    uint64_t window = (uint64_t)number_option(count, words, "--window", 500), sent = 0, room = 0;
    if (!key || !window) fail("usage: publisher --key KEY [--exchange NAME] [--window N] < lines");
    amqp_connection_state_t connection = connect_to_broker();
    amqp_confirm_select(connection, 1);
    expect_reply(amqp_get_rpc_reply(connection), "publisher: confirms");
    char *line = NULL, id[64];
    size_t capacity = 0;
    ssize_t length;
    double start = seconds();
    while ((length = getline(&line, &capacity, stdin)) > 0) {
        if (line[length - 1] == '\n') length--;
        if (++sent >= room) {
            uint64_t larger = room ? 2 * room : 65536;
            if (!(settled = realloc(settled, larger * sizeof *settled))) fail("publisher: out of memory");
            memset(settled + room, 0, (larger - room) * sizeof *settled);
            room = larger;
        }
        make_id(id, sizeof id);
        publish(connection, exchange, key, id, (amqp_bytes_t){(size_t)length, line});
        while (sent - confirmed >= window) take_confirm(connection, true);
        while (take_confirm(connection, false)) {}
        amqp_maybe_release_buffers(connection);
    }
    while (confirmed < sent) take_confirm(connection, true);
    printf("{\"messages\": %llu, \"seconds\": %.6f}\n", (unsigned long long)sent, seconds() - start);
    amqp_connection_close(connection, AMQP_REPLY_SUCCESS);
    amqp_destroy_connection(connection);
    free(line);
    free(settled);
    return 0;
}
