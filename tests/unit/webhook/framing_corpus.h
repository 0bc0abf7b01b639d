/* The raw requests of tests/data/framing (their README explains the notation), and a client that
 * sends them to a listener and checks the answers. It sends one more request on an open connection,
 * and reads a closed one to its end, to detect a request hidden in another. */
#ifndef LANDWAITER_TESTS_FRAMING_CORPUS_H
#define LANDWAITER_TESTS_FRAMING_CORPUS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"

#define CORPUS_ANSWERS_MAX 64
#define CORPUS_CASES_LEAST 220

struct corpus_case {
    char name[160];
    struct buf bytes;
    bool ends, said; /* the client sends no more; the case has an answer for this listener */
    bool asks_head;  /* no answer has a body */
    int answers[CORPUS_ANSWERS_MAX];
    size_t count;
    bool closed;
};

struct corpus_macro {
    const char *name, *text;
};

struct corpus_listener {
    const char *name;                  /* for messages */
    const char *prefix;                /* "hook" or "control" */
    const struct corpus_macro *macros; /* ends with a NULL name */
    int good;                          /* the status that `ok` means */
    /* A connection's bytes; NULL: those of the socket. */
    void *(*dial)(const struct corpus_listener *listener);
    ssize_t (*send)(void *connection, const char *bytes, size_t len);
    ssize_t (*receive)(void *connection, char *bytes, size_t room);
    void (*finish)(void *connection); /* says that nothing more comes */
    void (*hang_up)(void *connection);
    const struct sockaddr *address;
    socklen_t address_len;
};

/* ---- reading the files ---- */

static inline int corpus_hex(char c) {
    const char *digits = "0123456789abcdef";
    const char *found = c ? strchr(digits, c) : NULL;
    assert_non_null(found);
    return (int)(found - digits);
}

/* \r \n \t \0 \s (a space at a line's end) \\ \{ \xHH, and \e, after which nothing is sent. */
static inline const char *corpus_escape(const char *at, struct corpus_case *one, struct buf *out) {
    static const char names[] = "rnt0s\\{";
    static const char bytes[] = {'\r', '\n', '\t', '\0', ' ', '\\', '{'};
    if (*at == 'x') {
        buf_putc(out, (char)(corpus_hex(at[1]) * 16 + corpus_hex(at[2])));
        return at + 3;
    }
    if (*at == 'e') {
        one->ends = true;
        return at + 1;
    }
    const char *found = strchr(names, *at);
    assert_true(*at && found);
    buf_putc(out, bytes[found - names]);
    return at + 1;
}

/* {NAME}, or {TEXT*NUMBER}: the text so many times. */
static inline const char *corpus_expand(const char *at, struct corpus_case *one,
                                        const struct corpus_macro *macros) {
    const char *end = strchr(at, '}');
    assert_non_null(end);
    for (; macros->name; macros++) {
        if (strlen(macros->name) == (size_t)(end - at) &&
            strncmp(macros->name, at, (size_t)(end - at)) == 0) {
            buf_puts(&one->bytes, macros->text);
            return end + 1;
        }
    }
    CLEANUP(buf_release) struct buf text = BUF_INIT(256);
    while (*at != '*') {
        if (*at == '\\') {
            at = corpus_escape(at + 1, one, &text);
        } else {
            assert_true(at < end);
            buf_putc(&text, *at++);
        }
    }
    for (unsigned long times = strtoul(at + 1, NULL, 10); times > 0; times--) {
        buf_append(&one->bytes, text.data, text.len);
    }
    return end + 1;
}

static inline void corpus_bytes(const char *line, struct corpus_case *one,
                                const struct corpus_macro *macros) {
    while (*line) {
        if (*line == '\\') {
            line = corpus_escape(line + 1, one, &one->bytes);
        } else if (*line == '{') {
            line = corpus_expand(line + 1, one, macros);
        } else {
            buf_putc(&one->bytes, *line++);
        }
    }
}

/* "400", "ok 200 closed", "404 open", "none". */
static inline void corpus_answers(const char *text, struct corpus_case *one, int good) {
    one->said = true;
    one->count = 0;
    one->closed = true;
    for (const char *word = text + strspn(text, " "); *word; word += strspn(word, " ")) {
        size_t len = strcspn(word, " ");
        if (strncmp(word, "closed", len) == 0 || strncmp(word, "open", len) == 0) {
            one->closed = word[0] == 'c';
        } else if (strncmp(word, "none", len) != 0) {
            assert_true(one->count < CORPUS_ANSWERS_MAX);
            int status = strncmp(word, "ok", len) == 0 ? good : (int)strtol(word, NULL, 10);
            assert_true(status >= 200);
            one->answers[one->count++] = status;
            one->closed = status >= 400;
        }
        word += len;
    }
}

static inline void corpus_release(struct corpus_case *one) {
    buf_release(&one->bytes);
    *one = (struct corpus_case){.bytes = BUF_INIT(1 << 22)};
}

/* Called with each case. */
struct corpus_visitor {
    void (*visit)(const struct corpus_case *one, void *context);
    void *context;
    size_t visited;
};

static inline void corpus_line(char *line, struct corpus_case *one,
                               const struct corpus_listener *listener) {
    char own[32];
    int own_len = snprintf(own, sizeof own, "%s= ", listener->prefix);
    line[strcspn(line, "\n")] = '\0';
    if (line[0] == '[') {
        (void)snprintf(one->name, sizeof one->name, "%.*s", (int)strcspn(line + 1, "]"), line + 1);
    } else if (strncmp(line, "> ", 2) == 0) {
        corpus_bytes(line + 2, one, listener->macros);
    } else if (strncmp(line, "= ", 2) == 0) {
        corpus_answers(line + 2, one, listener->good);
    } else if (strncmp(line, own, (size_t)own_len) == 0) {
        corpus_answers(line + own_len, one, listener->good);
    }
}

static inline void corpus_end(struct corpus_case *one, struct corpus_visitor *visitor) {
    if (one->name[0] && one->said) {
        assert_false(one->bytes.overflow);
        one->asks_head = one->bytes.len > 5 && memcmp(one->bytes.data, "HEAD ", 5) == 0;
        visitor->visited++;
        visitor->visit(one, visitor->context);
    }
    corpus_release(one);
}

static inline void corpus_file(const char *path, const struct corpus_listener *listener,
                               struct corpus_visitor *visitor) {
    static char line[8192];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    struct corpus_case one = {.bytes = BUF_INIT(1 << 22)};
    while (fgets(line, sizeof line, file)) {
        if (line[0] == '[') {
            corpus_end(&one, visitor);
        }
        corpus_line(line, &one, listener);
    }
    corpus_end(&one, visitor);
    corpus_release(&one);
    (void)fclose(file);
}

static inline int corpus_is_text(const struct dirent *entry) {
    const char *dot = strrchr(entry->d_name, '.');
    return dot && strcmp(dot, ".txt") == 0;
}

/* All cases with an answer for this listener. */
static inline void corpus_each(const struct corpus_listener *listener,
                               struct corpus_visitor *visitor) {
    struct dirent **entries = NULL;
    int count = scandir(TEST_DATA "/framing", &entries, corpus_is_text, alphasort);
    assert_true(count > 0);
    for (int i = 0; i < count; i++) {
        char path[4096];
        (void)snprintf(path, sizeof path, "%s/framing/%s", TEST_DATA, entries[i]->d_name);
        corpus_file(path, listener, visitor);
        free(entries[i]);
    }
    free((void *)entries);
}

/* ---- a client on a socket ---- */

static inline int corpus_connect(const struct corpus_listener *listener) {
    int fd = socket(listener->address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct timeval patience = {.tv_sec = 10};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience), 0);
    if (listener->address->sa_family == AF_INET) { /* send a second small segment at once */
        const int yes = 1;
        assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes), 0);
    }
    assert_int_equal(connect(fd, listener->address, listener->address_len), 0);
    return fd;
}

static inline void *corpus_socket_dial(const struct corpus_listener *listener) {
    int *fd = malloc(sizeof *fd);
    assert_non_null(fd);
    *fd = corpus_connect(listener);
    return fd;
}

static inline ssize_t corpus_socket_send(void *connection, const char *bytes, size_t len) {
    return send(*(int *)connection, bytes, len, MSG_NOSIGNAL);
}

static inline ssize_t corpus_socket_receive(void *connection, char *bytes, size_t room) {
    return recv(*(int *)connection, bytes, room, 0);
}

static inline void corpus_socket_finish(void *connection) {
    (void)shutdown(*(int *)connection, SHUT_WR);
}

static inline void corpus_socket_hang_up(void *connection) {
    (void)close(*(int *)connection);
    free(connection);
}

/* ---- sending a case, and hearing its answers ---- */

struct corpus_run {
    const struct corpus_listener *listener;
    void *connection;
    char bytes[16384];
    size_t len;
    bool over, silent; /* the connection has ended; nothing came within 10 s */
    unsigned failures, answered, taken;
};

static inline void corpus_say(struct corpus_run *run, const char *bytes, size_t len) {
    while (len > 0) {
        ssize_t sent = run->listener->send(run->connection, bytes, len);
        if (sent <= 0) {
            return; /* the listener has closed it; its answer says why */
        }
        bytes += sent;
        len -= (size_t)sent;
    }
}

static inline bool corpus_hear(struct corpus_run *run) {
    ssize_t got = -1;
    assert_true(run->len < sizeof run->bytes - 1);
    if (!run->over) {
        errno = 0;
        got = run->listener->receive(run->connection, run->bytes + run->len,
                                     sizeof run->bytes - 1 - run->len);
        run->silent = got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
        run->over = got <= 0;
    }
    run->len += got > 0 ? (size_t)got : 0;
    run->bytes[run->len] = '\0';
    return got > 0;
}

/* 0: the connection ended instead; -1: what came is no answer. Those of the 1xx kind are skipped.
 */
static inline int corpus_answer(struct corpus_run *run, bool bodiless) {
    for (;;) {
        const char *end = strstr(run->bytes, "\r\n\r\n");
        if (run->len == 0 || !end) {
            if (!corpus_hear(run)) {
                return run->len == 0 ? 0 : -1;
            }
            continue;
        }
        size_t header = (size_t)(end - run->bytes) + 4;
        bool spoken =
            strncmp(run->bytes, "HTTP/1.1 ", 9) == 0 || strncmp(run->bytes, "HTTP/1.0 ", 9) == 0;
        int status = spoken ? (int)strtol(run->bytes + 9, NULL, 10) : -1;
        const char *length = strcasestr(run->bytes, "\r\nContent-Length: ");
        bool body = !bodiless && length && length < end;
        size_t size = header + (body ? strtoul(length + 18, NULL, 10) : 0);
        while (run->len < size && corpus_hear(run)) {
        }
        if (run->len < size) {
            return -1;
        }
        run->len -= size;
        memmove(run->bytes, run->bytes + size, run->len + 1);
        if (status < 100 || status >= 200) {
            return status;
        }
    }
}

static inline void corpus_fail(struct corpus_run *run, const struct corpus_case *one,
                               const char *what, int status) {
    run->failures++;
    print_error("%s: [%s] %s: %d%s\n", run->listener->name, one->name, what, status,
                run->silent ? " (nothing for 10 s)" : "");
}

static inline void corpus_check(struct corpus_run *run, const struct corpus_case *one) {
    static const char probe[] =
        "GET /corpus/probe HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n";
    for (size_t i = 0; i < one->count; i++) {
        int status = corpus_answer(run, one->asks_head);
        if (status != one->answers[i]) {
            corpus_fail(run, one, "another answer than expected", status);
            return;
        }
        run->answered++;
        run->taken += status == run->listener->good ? 1 : 0;
    }
    if (!one->closed) {
        corpus_say(run, probe, sizeof probe - 1);
        int status = corpus_answer(run, false);
        if (status != 404) {
            corpus_fail(run, one, "then one too many, or it closed", status);
            return;
        }
    }
    int status = corpus_answer(run, false); /* the probe asks for the end */
    if (status != 0 || run->silent) {
        corpus_fail(run, one, "then one too many, or it did not close", status);
    }
}

static inline void corpus_visit(const struct corpus_case *one, void *context) {
    struct corpus_run *run = context;
    run->connection = run->listener->dial(run->listener);
    run->len = 0;
    run->bytes[0] = '\0';
    run->over = run->silent = false;
    corpus_say(run, one->bytes.data, one->bytes.len);
    if (one->ends) {
        run->listener->finish(run->connection);
    }
    corpus_check(run, one);
    run->listener->hang_up(run->connection);
}

/* Sends each case; returns how many requests were answered with the listener's good status. */
static inline unsigned corpus_hold(const struct corpus_listener *listener) {
    struct corpus_run *run = calloc(1, sizeof *run);
    struct corpus_visitor visitor = {.visit = corpus_visit, .context = run};
    assert_non_null(run);
    run->listener = listener;
    corpus_each(listener, &visitor);
    unsigned failures = run->failures;
    unsigned taken = run->taken;
    print_message("%s: %zu raw requests, %u answers\n", listener->name, visitor.visited,
                  run->answered);
    free(run);
    assert_true(visitor.visited >= CORPUS_CASES_LEAST);
    assert_int_equal(failures, 0);
    return taken;
}

#endif
