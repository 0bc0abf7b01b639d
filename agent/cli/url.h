/* Addresses of an agent: a base URL for `push`, a control address for the other commands. Pure. */
#ifndef LANDWAITER_AGENT_CLI_URL_H
#define LANDWAITER_AGENT_CLI_URL_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

#define URL_MAX ((size_t)2048)

/* Appends an agent's base URL without trailing slashes. ERR_INVALID: not http or https, no host,
 * user information, a query or a fragment, blanks or control characters. */
bool url_base(const char *text, struct buf *out, struct err *err) MUST_USE;

/* Is it http to another machine, so that others can read it on the network? */
bool url_is_clear(const char *url) MUST_USE;

/* Appends the host of a URL in lower case, without port; nothing if it has none. */
void url_put_host(const char *url, struct buf *out);

/* A control address: `unix:PATH`, `HOST:PORT`, or a base URL. Sets exactly one of the two. */
struct url_control {
    struct buf socket; /* path of the socket */
    struct buf base;   /* base URL */
};
#define URL_CONTROL_INIT                                                                           \
    { .socket = BUF_INIT(URL_MAX), .base = BUF_INIT(URL_MAX) }
void url_control_release(struct url_control *control);
bool url_control_parse(const char *text, struct url_control *out, struct err *err) MUST_USE;

#endif
