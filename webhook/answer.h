/* An answer: a status and a JSON document as one libmicrohttpd response. Every refusal (status 400
 * and above) closes its connection. */
#ifndef LANDWAITER_WEBHOOK_ANSWER_H
#define LANDWAITER_WEBHOOK_ANSWER_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"

struct answer {
    unsigned status;
    /* NULL: none yet, or out of memory, which closes the connection */
    struct MHD_Response *response;
    bool shared; /* another owner has the response */
};

struct answer_options {
    const char *location, *allow; /* values of these headers; NULL: none */
    int64_t retry_ms;             /* Retry-After, rounded up to seconds; 0: none */
};

/* Both replace the previous answer. options may be NULL. */
void answer_text(struct answer *out, unsigned status, const char *json,
                 const struct answer_options *options);
/* Steals the reference to document; NULL (out of memory) gives no response. */
void answer_json(struct answer *out, unsigned status, json_t *document,
                 const struct answer_options *options);
/* {"error": message} */
void answer_error(struct answer *out, unsigned status, const char *message,
                  const struct answer_options *options);
void answer_release(struct answer *answer);

#endif
