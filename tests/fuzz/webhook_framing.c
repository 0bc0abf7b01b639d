/* Framing: header lines of any bytes. What passes has one length and one value for what matters. */
#include <stdint.h>

#include "webhook/framing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One line, "name:value" (as libmicrohttpd hands it out: both closed by a zero byte), as a header.
 */
static void add_line(struct framing_request *request, char *line, size_t len) {
    char *colon = memchr(line, ':', len);
    if (request->count < FRAMING_HEADERS_MAX && colon) {
        *colon = '\0';
        request->headers[request->count] = (struct framing_header){
            line, (size_t)(colon - line), colon + 1, len - (size_t)(colon + 1 - line)};
    }
    request->count += colon != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct sender ci = {.name = (char[]){"ci"}, .hmac_header = (char[]){"X-My-Signature"}};
    const struct sender_set set = {&ci, 1};
    char *text = malloc(size + 1);
    if (!text) {
        return 0;
    }
    if (size > 0) {
        memcpy(text, data, size);
    }
    text[size] = '\0';
    struct framing_request request = {
        .method = text, .version = "HTTP/1.1", .header_size = size, .senders = &set};
    for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        add_line(&request, line, (size_t)(end - line));
    }
    struct framing_body body = {0};
    const char *why = NULL;
    unsigned status = framing_check(&request, &body, &why);
    if (status == 0 ? body.chunked && body.announced : !why) {
        abort();
    }
    if (status == 0 && (!framing_value(&request, "host") ||
                        (body.chunked && framing_value(&request, "Content-Length")))) {
        abort();
    }
    if (request.count <= FRAMING_HEADERS_MAX && framing_contiguous(&request)) {
        abort(); /* its version is not in the buffer */
    }
    free(text);
    return 0;
}
