/* Headers of HTTP answers. */
#include <strings.h>

#include "base/clock.h"
#include "base/http.h"

bool http_header_is(const char *line, const char *name) {
    size_t length = strlen(name);
    return strncasecmp(line, name, length) == 0 && line[length] == ':';
}

void http_response_release(struct http_response *response) {
    response->status = 0;
    buf_release(&response->headers);
    buf_release(&response->body);
}

/* The value of a header line without white space around it; *length is the value's. */
static const char *value_of(const char *line, size_t *length) {
    const char *end = line + strcspn(line, "\n");
    const char *value = memchr(line, ':', (size_t)(end - line));
    value = value ? value + 1 : end;
    while (value < end && (*value == ' ' || *value == '\t')) {
        value++;
    }
    while (end > value && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r')) {
        end--;
    }
    *length = (size_t)(end - value);
    return value;
}

bool http_response_header(const struct http_response *response, const char *name, size_t index,
                          struct buf *out) {
    for (const char *line = buf_text(&response->headers); *line;) {
        if (http_header_is(line, name) && index-- == 0) {
            size_t length = 0;
            const char *value = value_of(line, &length);
            if (length > out->max) {
                return false;
            }
            buf_clear(out);
            buf_append(out, value, length);
            return !out->overflow;
        }
        line += strcspn(line, "\n");
        line += *line == '\n' ? 1 : 0;
    }
    return false;
}

int64_t http_retry_after_ms(const struct http_response *response, int64_t max_s) {
    CLEANUP(buf_release) struct buf value = BUF_INIT(128);
    if (!http_response_header(response, "Retry-After", 0, &value) || value.len == 0) {
        return 0;
    }
    const char *text = buf_text(&value);
    int64_t seconds = 0;
    size_t digits = strspn(text, "0123456789");
    if (digits > 0) {
        if (text[digits] != '\0') {
            return 0;
        }
        /* So many digits mean a very long time. */
        seconds = digits > 9 ? max_s : strtol(text, NULL, 10);
    } else {
        int64_t at_ms = 0;
        if (!clock_http_parse(text, &at_ms)) {
            return 0;
        }
        seconds = at_ms / 1000 - clock_now_ms() / 1000;
    }
    seconds = seconds > 0 ? seconds : 0;
    return 1000 * (seconds < max_s ? seconds : max_s);
}
