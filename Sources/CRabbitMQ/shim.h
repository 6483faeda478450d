// The door to librabbitmq: picks the headers of whichever release is installed and wraps what Swift cannot call or
// read by itself (variadic functions, cast macros, unions, eventfd). No logic lives here; every function is a line or two.
#ifndef FERRY_CRABBITMQ_SHIM_H
#define FERRY_CRABBITMQ_SHIM_H

#if __has_include(<rabbitmq-c/amqp.h>)
#include <rabbitmq-c/amqp.h>
#include <rabbitmq-c/framing.h>
#include <rabbitmq-c/ssl_socket.h>
#include <rabbitmq-c/tcp_socket.h>
#else
#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#endif

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/eventfd.h>
#endif

// `amqp_login_with_properties` is variadic. As many channels (0) as the broker allows.
static inline amqp_rpc_reply_t ferry_login_plain(amqp_connection_state_t state, const char *vhost, int frame_max,
                                                 int heartbeat, const amqp_table_t *properties, const char *user,
                                                 const char *password) {
    return amqp_login_with_properties(state, vhost, 0, frame_max, heartbeat, properties, AMQP_SASL_METHOD_PLAIN, user,
                                      password);
}

// Method numbers are cast macros in the headers; as constants Swift can switch over them.
enum {
    FERRY_CONNECTION_CLOSE = 0x000A0032,
    FERRY_CONNECTION_CLOSE_OK = 0x000A0033,
    FERRY_CONNECTION_BLOCKED = 0x000A003C,
    FERRY_CONNECTION_UNBLOCKED = 0x000A003D,
    FERRY_CHANNEL_CLOSE = 0x00140028,
    FERRY_CHANNEL_CLOSE_OK = 0x00140029,
    FERRY_BASIC_CANCEL = 0x003C001E,
    FERRY_BASIC_CANCEL_OK = 0x003C001F,
    FERRY_BASIC_RETURN = 0x003C0032,
    FERRY_BASIC_DELIVER = 0x003C003C,
    FERRY_BASIC_GET_OK = 0x003C0047,
    FERRY_BASIC_GET_EMPTY = 0x003C0048,
    FERRY_BASIC_ACK = 0x003C0050,
    FERRY_BASIC_NACK = 0x003C0078
};
_Static_assert(FERRY_BASIC_DELIVER == AMQP_BASIC_DELIVER_METHOD && FERRY_BASIC_RETURN == AMQP_BASIC_RETURN_METHOD &&
                   FERRY_BASIC_ACK == AMQP_BASIC_ACK_METHOD && FERRY_BASIC_NACK == AMQP_BASIC_NACK_METHOD &&
                   FERRY_BASIC_CANCEL == AMQP_BASIC_CANCEL_METHOD && FERRY_BASIC_GET_OK == AMQP_BASIC_GET_OK_METHOD &&
                   FERRY_BASIC_GET_EMPTY == AMQP_BASIC_GET_EMPTY_METHOD &&
                   FERRY_CHANNEL_CLOSE == AMQP_CHANNEL_CLOSE_METHOD &&
                   FERRY_CHANNEL_CLOSE_OK == AMQP_CHANNEL_CLOSE_OK_METHOD &&
                   FERRY_CONNECTION_CLOSE == AMQP_CONNECTION_CLOSE_METHOD &&
                   FERRY_CONNECTION_CLOSE_OK == AMQP_CONNECTION_CLOSE_OK_METHOD &&
                   FERRY_CONNECTION_BLOCKED == AMQP_CONNECTION_BLOCKED_METHOD &&
                   FERRY_CONNECTION_UNBLOCKED == AMQP_CONNECTION_UNBLOCKED_METHOD,
               "method numbers differ from the installed librabbitmq");

// A descriptor that another thread can make readable. An eventfd on Linux (both ends are the same), else a pipe.
static inline int ferry_wakeup_open(int *read_end, int *write_end) {
#ifdef __linux__
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0) return errno;
    *read_end = fd;
    *write_end = fd;
    return 0;
#else
    int ends[2];
    if (pipe(ends) != 0) return errno;
    for (int i = 0; i < 2; i++) {
        fcntl(ends[i], F_SETFD, FD_CLOEXEC);
        fcntl(ends[i], F_SETFL, O_NONBLOCK);
    }
    *read_end = ends[0];
    *write_end = ends[1];
    return 0;
#endif
}

static inline void ferry_wakeup_signal(int write_end) {
    uint64_t one = 1;
    // A full counter or pipe is already readable, which is all that is wanted.
    ssize_t written = write(write_end, &one, sizeof(one));
    (void)written;
}

static inline void ferry_wakeup_drain(int read_end) {
    uint64_t buffer[8];
    while (read(read_end, buffer, sizeof(buffer)) == (ssize_t)sizeof(buffer)) {
    }
}

// `fcntl` is variadic.
static inline int ferry_duplicate(int fd) { return fcntl(fd, F_DUPFD_CLOEXEC, 3); }

// Pushes out what MSG_MORE holds back (tcp(7): setting TCP_NODELAY flushes pending output, corked or not).
static inline void ferry_push(int fd) {
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

/* While corked, the kernel sends full packets only: small writes that follow each other go together. Uncorking sends the
 * rest at once. Where there is no such thing (or it fails) nothing changes but speed. */
static inline void ferry_cork(int fd, int corked) {
#ifdef TCP_CORK
    setsockopt(fd, IPPROTO_TCP, TCP_CORK, &corked, sizeof(corked));
#else
    (void)fd;
    (void)corked;
#endif
}

#endif
