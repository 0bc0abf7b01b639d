/* The statement of `push`: its body and its authentication (interface.md section 4, Standard
 * Webhooks: protocols.md section 1.14). Pure except for the random id. */
#ifndef LANDWAITER_AGENT_CLI_NOTICE_H
#define LANDWAITER_AGENT_CLI_NOTICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/ref.h"
#include "base/secret.h"

enum notice_proof {
    NOTICE_SECRET, /* signs with HMAC */
    NOTICE_TOKEN,  /* a constant bearer token */
    NOTICE_OIDC,   /* a CI job's token, valid for one statement and a few minutes */
};

/* The credential of the sender. */
struct notice_key {
    enum notice_proof proof;
    struct secret bytes; /* the HMAC's key; or the token */
};
void notice_key_release(struct notice_key *key);
/* written: the file's content. A secret that begins with whsec_ is base64, any other is the key
 * itself. ERR_INVALID: no base64, a public (whpk_) or private key (whsk_), or a token with blanks
 * or control characters. */
bool notice_key_read(enum notice_proof proof, const struct secret *written, struct notice_key *out,
                     struct err *err) MUST_USE;

/* `msg_` and random digits: one for each statement, kept for retries. */
#define NOTICE_ID_SIZE 32
bool notice_id(char out[NOTICE_ID_SIZE]) MUST_USE;

/* {"image", "digest", "meta"}; meta may be NULL. */
bool notice_body(const struct ref *image, const json_t *meta, struct buf *out,
                 struct err *err) MUST_USE;

struct notice_stamp {
    const struct notice_key *key;
    const char *id;
    int64_t seconds; /* since 1970; renewed with each attempt */
};
/* The headers of one request, for http_request.headers. */
struct notice_headers {
    struct buf id, timestamp;
    struct secret proof; /* signature or Authorization */
    const char *list[8];
};
#define NOTICE_HEADERS_INIT                                                                        \
    {                                                                                              \
        .id = BUF_INIT(128), .timestamp = BUF_INIT(128), .proof = SECRET_INIT, .list = { NULL }    \
    }
void notice_headers_release(struct notice_headers *headers);
/* out must be new or released. An empty body makes the headers of a GET. */
bool notice_headers_make(const struct notice_stamp *stamp, const void *body, size_t len,
                         struct notice_headers *out, struct err *err) MUST_USE;

#endif
