/* HTTP client over libcurl, blocking, bounded in size and time; replaceable for tests and the
 * simulation.
 *
 * One client for each thread (it keeps that thread's connection cache). No environment proxy, no
 * netrc, no redirects unless asked, http and https only. Every request says `User-Agent:
 * landwaiter/VERSION`. */
#ifndef LANDWAITER_BASE_HTTP_H
#define LANDWAITER_BASE_HTTP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct http_tls {
    const char *ca_file;   /* NULL: the system's */
    const char *cert_file; /* client certificate, NULL: none */
    const char *key_file;
    /* The same as PEM texts in memory, each instead of its file; NULL: none. Copied for each
     * connection. */
    const char *ca_pem, *cert_pem, *key_pem;
    bool insecure_skip_verify;
};

struct http_request {
    const char *method;         /* "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE" */
    const char *url;            /* http:// or https:// */
    const char *unix_socket;    /* connect there instead of to the URL's host; NULL: no */
    const char *const *headers; /* "Name: value" …, NULL; NULL: none */
    const void *body;
    size_t body_len;
    size_t body_max; /* bytes of an answer that are accepted; more is ERR_INVALID. 0: 1 MiB */
    int64_t connect_timeout_ms; /* 0: 10 s */
    int64_t timeout_ms;         /* for the whole; 0: 60 s; -1: none */
    int64_t stall_timeout_ms;   /* give up when no byte has come for that long; 0: none */
    int max_redirects; /* 0: a redirect is returned as it is. Otherwise followed on the same scheme,
                          host and port only (GET and HEAD; 307 and 308 for any method); a redirect
                          that is not followed is the answer */
    const struct http_tls *tls; /* NULL: the system's CAs, verified */
    bool close_connection; /* use a connection of its own and close it (a wait that must not block
                              others) */
    /* Where set, a 2xx answer's body goes there as it arrives instead of to the response, and
     * body_max does not bound it. False stops the transfer (ERR_INVALID). */
    bool (*sink)(void *context, const char *bytes, size_t len);
    void *sink_context;
};

struct http_response {
    long status;
    struct buf headers; /* raw lines "Name: value\n" of the last answer */
    struct buf body;
};

struct http_client {
    /* The transport. Returns false only when there was no HTTP answer: ERR_TRANSIENT (unreachable,
     * time-out, cut), ERR_INVALID (too large, not HTTP, TLS not trusted), with a message that names
     * the host. Any status is an answer. */
    bool (*perform)(struct http_client *client, const struct http_request *request,
                    struct http_response *response, struct err *err);
    void (*release)(struct http_client *client);
    const atomic_bool *cancel; /* set to true by another thread: a running request ends within a
                                  second, ERR_TRANSIENT "stopping" */
};

/* Once, before threads start and after signals are blocked. */
bool http_global_init(struct err *err) MUST_USE;

/* cancel may be NULL and is borrowed. NULL: out of memory. */
struct http_client *http_client_new(const atomic_bool *cancel) MUST_USE;
/* For tests only, before threads start: http_client_new calls this instead. NULL puts the real one
 * back. */
void http_client_replace(struct http_client *(*make)(const atomic_bool *cancel));
/* For long silences: a running request does not wake up to look at *cancel (above), but when
 * http_client_rouse says that it was set. */
struct http_client *http_client_new_roused(const atomic_bool *cancel) MUST_USE;
/* From any thread; of one that http_client_new_roused made, or NULL. */
void http_client_rouse(struct http_client *client);
void http_client_free(struct http_client *client);

bool http_perform(struct http_client *client, const struct http_request *request,
                  struct http_response *response, struct err *err) MUST_USE;

#define HTTP_RESPONSE_INIT                                                                         \
    { .status = 0, .headers = BUF_INIT(64 * 1024), .body = BUF_INIT(0) }
void http_response_release(struct http_response *response);
/* Is it a line "Name: value" of that header? Ignores case. */
bool http_header_is(const char *line, const char *name);
/* Copies the value of the index-th header of that name (case ignored, white space trimmed) into
 * out. False: there is none, or it does not fit. */
bool http_response_header(const struct http_response *response, const char *name, size_t index,
                          struct buf *out) MUST_USE;
/* How long Retry-After asks to wait, in seconds or as a date, at most max_s; 0: it says nothing
 * usable. Pure but for the wall clock. */
int64_t http_retry_after_ms(const struct http_response *response, int64_t max_s);

#endif
