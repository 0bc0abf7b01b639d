/* Answers: owns the headers common to all of them. Never decides which answer to give. */
#include "webhook/answer.h"

#include "base/buf.h"

#define DOCUMENT_MAX ((size_t)4 * 1024 * 1024)

void answer_release(struct answer *answer) {
    if (answer->response && !answer->shared) {
        MHD_destroy_response(answer->response);
    }
    *answer = (struct answer){0};
}

static bool add(struct MHD_Response *response, const char *name, const char *value) {
    return !value || MHD_add_response_header(response, name, value) == MHD_YES;
}

static bool add_headers(struct MHD_Response *response, unsigned status,
                        const struct answer_options *options) {
    char seconds[24];
    (void)snprintf(seconds, sizeof seconds, "%lld", (long long)((options->retry_ms + 999) / 1000));
    return add(response, "Content-Type", "application/json") &&
           add(response, "X-Content-Type-Options", "nosniff") &&
           add(response, "Cache-Control", "no-store") &&
           add(response, "Location", options->location) && add(response, "Allow", options->allow) &&
           add(response, "Retry-After", options->retry_ms > 0 ? seconds : NULL) &&
           add(response, "Connection", status >= 400 ? "close" : NULL);
}

static void answer_bytes(struct answer *out, unsigned status, const struct buf *json,
                         const struct answer_options *options) {
    static const struct answer_options none = {0};
    answer_release(out);
    if (json->overflow) {
        return;
    }
    /* With MUST_COPY libmicrohttpd only reads the text, although its interface lacks const. */
    struct MHD_Response *response = MHD_create_response_from_buffer(
        json->len, (void *)(uintptr_t)buf_text(json), MHD_RESPMEM_MUST_COPY);
    if (response && !add_headers(response, status, options ? options : &none)) {
        MHD_destroy_response(response);
        response = NULL;
    }
    *out = (struct answer){.status = status, .response = response};
}

void answer_text(struct answer *out, unsigned status, const char *json,
                 const struct answer_options *options) {
    CLEANUP(buf_release) struct buf text = BUF_INIT(DOCUMENT_MAX);
    buf_puts(&text, json);
    answer_bytes(out, status, &text, options);
}

void answer_json(struct answer *out, unsigned status, json_t *document,
                 const struct answer_options *options) {
    CLEANUP(json_release) json_t *owned = document;
    CLEANUP(buf_release) struct buf text = BUF_INIT(DOCUMENT_MAX);
    answer_release(out);
    if (owned) {
        json_write(owned, &text);
        answer_bytes(out, status, &text, options);
    }
}

void answer_error(struct answer *out, unsigned status, const char *message,
                  const struct answer_options *options) {
    answer_json(out, status, json_pack("{s:o}", "error", json_text_or_null(message)), options);
}
