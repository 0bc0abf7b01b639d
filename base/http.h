/* Blocking HTTP client over libcurl, bounded in size and time; replaceable for tests and the
 * simulation.
 *
 * Each thread needs its own client, which keeps that thread's connection cache. No environment
 * proxy, no netrc, no redirects unless asked, http and https only. Every request says `User-Agent:
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
    /* PEM texts, each in place of its file; NULL: none. Copied for each connection. */
    const char *ca_pem, *cert_pem, *key_pem;
    bool insecure_skip_verify;
};

struct http_request {
    const char *method;         /* "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE" */
    const char *url;            /* http:// or https:// */
    const char *unix_socket;    /* connect here instead of to the URL's host; NULL: no */
    const char *const *headers; /* "Name: value" …, NULL; NULL: none */
    const void *body;
    size_t body_len;
    size_t body_max;            /* largest accepted answer in bytes, else ERR_INVALID; 0: 1 MiB */
    int64_t connect_timeout_ms; /* 0: 10 s */
    int64_t timeout_ms;         /* for the whole request; 0: 60 s; -1: none */
    int64_t stall_timeout_ms;   /* give up after so long without a byte; 0: never */
    /* 0: return a redirect as the answer. Otherwise follow redirects on the same scheme, host and
     * port only (GET and HEAD; 307 and 308 for any method), and return others as the answer. */
    int max_redirects;
    const struct http_tls *tls; /* NULL: the system's CAs, verified */
    /* use a separate connection and close it (for a wait that must not block others) */
    bool close_connection;
    /* If set, receives a 2xx answer's body as it arrives, without the limit of body_max. False
     * aborts the transfer (ERR_INVALID). */
    bool (*sink)(void *context, const char *bytes, size_t len);
    /* If set, called about once a second. False aborts the transfer (ERR_TRANSIENT). */
    bool (*going)(void *sink_context);
    void *sink_context;
};

struct http_response {
    long status;
    struct buf headers; /* raw lines "Name: value\n" of the last answer */
    struct buf body;
};

struct http_client {
    /* The transport. Any HTTP answer is a success. False: there was none, ERR_TRANSIENT
     * (unreachable, time-out, connection lost) or ERR_INVALID (too large, not HTTP, TLS not
     * trusted), with a message that names the host. */
    bool (*perform)(struct http_client *client, const struct http_request *request,
                    struct http_response *response, struct err *err);
    void (*release)(struct http_client *client);
    /* another thread sets it to true: a running request ends within a second, ERR_TRANSIENT
     * "stopping" */
    const atomic_bool *cancel;
};

/* Call once, before threads start and after signals are blocked. */
bool http_global_init(struct err *err) MUST_USE;

/* cancel is borrowed and may be NULL. NULL: out of memory. */
struct http_client *http_client_new(const atomic_bool *cancel) MUST_USE;
/* For tests only, before threads start: make() replaces http_client_new. NULL restores it. */
void http_client_replace(struct http_client *(*make)(const atomic_bool *cancel));
/* A client for long-lived idle requests: checks *cancel only after http_client_wake, not once a
 * second. */
struct http_client *http_client_new_wakeable(const atomic_bool *cancel) MUST_USE;
/* Wakes a client of http_client_new_wakeable, or none if NULL. From any thread. */
void http_client_wake(struct http_client *client);
void http_client_free(struct http_client *client);

bool http_perform(struct http_client *client, const struct http_request *request,
                  struct http_response *response, struct err *err) MUST_USE;

#define HTTP_RESPONSE_INIT                                                                         \
    { .status = 0, .headers = BUF_INIT(64 * 1024), .body = BUF_INIT(0) }
void http_response_release(struct http_response *response);
/* Is line "Name: value" of that header? Ignores case. */
bool http_header_is(const char *line, const char *name);
/* Copies the value of the index-th header of that name (case ignored, white space trimmed) into
 * out. False: no such header, or it does not fit. */
bool http_response_header(const struct http_response *response, const char *name, size_t index,
                          struct buf *out) MUST_USE;
/* The delay that Retry-After asks for, in seconds or as a date, at most max_s; 0: none, or not
 * usable. Pure but for the wall clock. */
int64_t http_retry_after_ms(const struct http_response *response, int64_t max_s);

#endif
