/* Framing: owns the grammar of a header, the list of headers that must be unique, and the search
 * for the end of a body. Never repairs a request. */
#include "webhook/framing.h"

#include <strings.h>

#define LENGTH_DIGITS 18 /* fits 64 bits */
#define ARGUMENTS_MAX 64 /* libmicrohttpd keeps each argument in the connection's memory */

enum { BAD = 400, URI_TOO_LONG = 414, EXPECTATION = 417, TOO_LARGE = 431, VERSION = 505 };

struct text {
    const char *at;
    size_t len;
};
#define TEXT(word)                                                                                 \
    { word, sizeof(word) - 1 }

/* Headers with an effect must be unique. */
static const struct text once[] = {
    TEXT("Content-Length"),
    TEXT("Transfer-Encoding"),
    TEXT("Host"),
    TEXT("Content-Type"),
    TEXT("Authorization"),
    TEXT("webhook-signature"),
    TEXT("webhook-id"),
    TEXT("webhook-timestamp"),
    TEXT("X-Signature-256"),
    TEXT("Signature"),
    TEXT("Digest"),
    TEXT("Date"),
    TEXT("ce-type"),
    TEXT("ce-id"),
    TEXT("circleci-signature"),
    TEXT("ce-subject"),
    TEXT("X-Buildkite-Signature"),
};

/* Where a byte is allowed: in a token (RFC 9110 section 5.6.2), in a request's target (RFC 3986),
 * in a header's value (RFC 9110 section 5.5). */
enum { TOKEN = 1, TARGET = 2, VALUE = 4 };
#define O 0 /* nowhere */
#define V VALUE
#define K (VALUE | TOKEN)
#define U (VALUE | TARGET)
#define A (VALUE | TOKEN | TARGET) /* everywhere */
/* clang-format off */
static const unsigned char places[128] = {
    O, O, O, O, O, O, O, O, O, V, O, O, O, O, O, O, /* HT */
    O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O,
    V, A, V, K, A, A, A, A, U, U, A, A, U, A, A, U, /*   ! " # $ % & ' ( ) * + , - . / */
    A, A, A, A, A, A, A, A, A, A, U, U, V, U, V, U, /* 0 to 9 : ; < = > ? */
    U, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, /* @ A to O */
    A, A, A, A, A, A, A, A, A, A, A, V, V, V, K, A, /* P to Z [ \ ] ^ _ */
    K, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, /* ` a to o */
    A, A, A, A, A, A, A, A, A, A, A, V, K, V, A, O, /* p to z { | } ~ DEL */
};
/* clang-format on */
#undef O
#undef V
#undef K
#undef U
#undef A

struct reader {
    const char *bytes;
    size_t len, at;
    struct framing_request *out;
};

static bool refuse(struct framing_request *out, unsigned status, const char *why) {
    out->status = status;
    out->why = why;
    return false;
}

static bool may_stand(char byte, unsigned place) {
    unsigned char c = (unsigned char)byte;
    return ((c < sizeof places ? places[c] : (unsigned)VALUE) & place) != 0;
}

bool framing_token_byte(char byte) {
    return may_stand(byte, TOKEN);
}

bool framing_value_byte(char byte) {
    return may_stand(byte, VALUE);
}

static size_t token_length(struct text text) {
    size_t len = 0;
    while (len < text.len && may_stand(text.at[len], TOKEN)) {
        len++;
    }
    return len;
}

static bool equal(struct text one, struct text other) {
    return one.len == other.len && strncasecmp(one.at, other.at, one.len) == 0;
}

static bool same(struct text text, const char *word) {
    return equal(text, (struct text){word, strlen(word)});
}

static bool blank(char byte) {
    return byte == ' ' || byte == '\t';
}

static struct text trimmed(struct text text) {
    while (text.len > 0 && blank(text.at[0])) {
        text.at++;
        text.len--;
    }
    while (text.len > 0 && blank(text.at[text.len - 1])) {
        text.len--;
    }
    return text;
}

static struct framing_span span_of(const struct framing_request *request, struct text text) {
    return (struct framing_span){(uint16_t)(text.at - request->bytes), (uint16_t)text.len};
}

static struct text text_of(const struct framing_request *request, struct framing_span span) {
    return (struct text){request->bytes + span.at, span.len};
}

/* ---- lines ---- */

/* The fault of an unfinished line; NULL: its end is there or may still come. */
static const char *fault_of_end(const char *at, size_t len) {
    if (len == 0 || (at[0] == '\r' && (len == 1 || at[1] == '\n'))) {
        return NULL;
    }
    return at[0] == '\n' ? "a line of the header is not ended by CR LF"
                         : "a control byte in the header";
}

/* The next line without its end, if it ends within max bytes. Refuses a control byte, including a
 * lone CR or LF, as soon as it arrives. */
static enum framing_state next_line(struct reader *reader, size_t max, struct text *line) {
    const char *from = reader->bytes + reader->at;
    size_t left = reader->len - reader->at;
    size_t looked = left < max ? left : max;
    size_t len = 0;
    while (len < looked && may_stand(from[len], VALUE)) {
        len++;
    }
    *line = (struct text){from, len};
    const char *fault = fault_of_end(from + len, looked - len);
    if (fault || (looked == max && looked - len < 2)) {
        (void)refuse(reader->out, fault ? BAD : TOO_LARGE,
                     fault ? fault : "the header is too large");
        return FRAMING_REFUSED;
    }
    if (looked - len < 2) {
        return FRAMING_PARTIAL;
    }
    reader->at += len + 2;
    return FRAMING_WHOLE;
}

/* ---- the request line (RFC 9112 section 3) ---- */

static bool hexadecimal(char byte) {
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f') ||
           (byte >= 'A' && byte <= 'F');
}

static const char *fault_of_target(struct text target) {
    for (size_t i = 0; i < target.len; i++) {
        if (!may_stand(target.at[i], TARGET)) {
            return "a byte in the request's target that must be escaped";
        }
        if (target.at[i] == '%' && (target.len - i < 3 || !hexadecimal(target.at[i + 1]) ||
                                    !hexadecimal(target.at[i + 2]))) {
            return "a percent sign in the request's target without two digits";
        }
    }
    bool shaped = target.len > 0 && (target.at[0] == '/' || same(target, "*") ||
                                     memmem(target.at, target.len, "://", 3));
    return shaped ? NULL : "the request's target does not begin with a slash";
}

static bool host_valid(struct text host);

/* `http://HOST/PATH` (RFC 9112 section 3.2.2): takes the path from it. */
static bool read_absolute(struct text *target, struct framing_request *out) {
    static const struct text schemes[] = {TEXT("http://"), TEXT("https://")};
    for (size_t i = 0; i < ARRAY_LENGTH(schemes); i++) {
        const size_t scheme = schemes[i].len;
        if (target->len < scheme || !equal((struct text){target->at, scheme}, schemes[i])) {
            continue;
        }
        size_t end = scheme;
        while (end < target->len && target->at[end] != '/' && target->at[end] != '?') {
            end++;
        }
        const struct text host = {target->at + scheme, end - scheme};
        if (host.len == 0 || !host_valid(host)) {
            return refuse(out, BAD, "the host in the request's target is not a host");
        }
        const bool bare = end == target->len || target->at[end] == '?';
        /* The path of a bare host is a slash: the last one before the host. */
        *target = bare ? (struct text){target->at + scheme - 1, 1}
                       : (struct text){target->at + end, target->len - end};
        return true;
    }
    return true;
}

static bool read_target(struct text target, struct framing_request *out) {
    const char *fault = fault_of_target(target);
    size_t arguments = 0;
    if (fault) {
        return refuse(out, BAD, fault);
    }
    if (!read_absolute(&target, out)) {
        return false;
    }
    for (size_t i = 0; i < target.len; i++) {
        arguments += target.at[i] == '&' ? 1 : 0;
    }
    if (arguments >= ARGUMENTS_MAX) {
        return refuse(out, URI_TOO_LONG, "more than 64 arguments");
    }
    out->target = span_of(out, target);
    out->escaped_zero = memmem(target.at, target.len, "%00", 3) != NULL;
    return true;
}

static bool read_version(struct text version, struct framing_request *out) {
    bool shaped = version.len == 8 && memcmp(version.at, "HTTP/", 5) == 0 && version.at[5] >= '0' &&
                  version.at[5] <= '9' && version.at[6] == '.' && version.at[7] >= '0' &&
                  version.at[7] <= '9';
    if (!shaped) {
        return refuse(out, BAD, "the request line does not end with a version of HTTP");
    }
    out->version_1_0 = memcmp(version.at + 5, "1.0", 3) == 0;
    return out->version_1_0 || memcmp(version.at + 5, "1.1", 3) == 0 ||
           refuse(out, VERSION, "only HTTP/1.1 and 1.0 are supported");
}

static bool read_request_line(struct text line, struct framing_request *out) {
    const size_t method = token_length(line);
    if (method == line.len || line.at[method] != ' ') {
        return refuse(out, BAD, "the request line has no method followed by a space");
    }
    out->method = span_of(out, (struct text){line.at, method});
    const struct text rest = {line.at + method + 1, line.len - method - 1};
    const char *space = memchr(rest.at, ' ', rest.len);
    if (!space) {
        return refuse(out, BAD, "the request line does not end with a version of HTTP");
    }
    const struct text target = {rest.at, (size_t)(space - rest.at)};
    const struct text version = {space + 1, rest.len - target.len - 1};
    return read_target(target, out) && read_version(version, out);
}

/* Do the bytes begin like a request, with a method and white space? A client of another protocol
 * would not understand an answer: close at once. */
static bool speaks_http(const struct reader *reader, bool partial) {
    size_t len = reader->len - reader->at;
    struct text text = {reader->bytes + reader->at,
                        len < FRAMING_LINE_MAX ? len : FRAMING_LINE_MAX};
    size_t method = token_length(text);
    return method == text.len ? partial : method > 0 && blank(text.at[method]);
}

static enum framing_state read_first_line(struct reader *reader) {
    const struct reader before = *reader;
    struct text line = {0};
    enum framing_state state = next_line(reader, FRAMING_LINE_MAX, &line);
    if (state == FRAMING_WHOLE && !read_request_line(line, reader->out)) {
        state = FRAMING_REFUSED;
    }
    if (state == FRAMING_REFUSED && reader->out->status == TOO_LARGE) {
        (void)refuse(reader->out, URI_TOO_LONG, "the request line is too long");
    }
    if (!speaks_http(&before, state == FRAMING_PARTIAL)) {
        (void)refuse(reader->out, 0, "this is not HTTP");
        state = FRAMING_REFUSED;
    }
    return state;
}

/* ---- fields (RFC 9112 section 5) ---- */

static bool read_field(struct text line, struct framing_request *out) {
    if (blank(line.at[0])) {
        return refuse(out, BAD, "a folded line in the header");
    }
    size_t name = token_length(line);
    if (name == 0 || name == line.len || line.at[name] != ':') {
        return refuse(out, BAD, "a header's name is not a token followed by a colon");
    }
    if (out->count == FRAMING_HEADERS_MAX) {
        return refuse(out, TOO_LARGE, "more than 64 headers");
    }
    struct text value = trimmed((struct text){line.at + name + 1, line.len - name - 1});
    out->headers[out->count++] = (struct framing_header){
        .name = span_of(out, (struct text){line.at, name}), .value = span_of(out, value)};
    return true;
}

static struct text name_at(const struct framing_request *request, size_t i) {
    return text_of(request, request->headers[i].name);
}

static const struct framing_header *find(const struct framing_request *request, struct text name) {
    for (size_t i = 0; i < request->count; i++) {
        if (equal(name_at(request, i), name)) {
            return &request->headers[i];
        }
    }
    return NULL;
}

const char *framing_value(const struct framing_request *request, const char *name) {
    const struct framing_header *header = find(request, (struct text){name, strlen(name)});
    return header ? request->bytes + header->value.at : NULL;
}

const char *framing_last(const struct framing_request *request, const char *name) {
    for (size_t i = request->count; i > 0; i--) {
        if (same(name_at(request, i - 1), name)) {
            return request->bytes + request->headers[i - 1].value.at;
        }
    }
    return NULL;
}

void framing_move(struct framing_request *request, char *copy) {
    request->bytes = copy;
    for (size_t i = 0; i < request->count; i++) {
        const struct framing_span value = request->headers[i].value;
        copy[value.at + value.len] = '\0'; /* white space, or the end of the line, is here */
    }
}

static bool twice(const struct framing_request *request, struct text name) {
    unsigned times = 0;
    for (size_t i = 0; i < request->count; i++) {
        times += equal(name_at(request, i), name) ? 1 : 0;
    }
    return times > 1;
}

static bool twice_if_named(const struct framing_request *request, const char *name) {
    return name && twice(request, (struct text){name, strlen(name)});
}

bool framing_repeats(const struct framing_request *request, const struct sender_set *senders) {
    for (size_t i = 0; senders && i < senders->count; i++) {
        const struct sender *sender = &senders->items[i];
        if (twice_if_named(request, sender->hmac_header) ||
            twice_if_named(request, sender->header_name)) {
            return true;
        }
    }
    return false;
}

/* ---- their joint meaning ---- */

static bool digits(struct text text) {
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9') {
            return false;
        }
    }
    return true;
}

static bool port_valid(struct text port) {
    return port.len == 0 || (port.at[0] == ':' && digits((struct text){port.at + 1, port.len - 1}));
}

static bool name_valid(struct text name, bool literal) {
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        bool foreign = c == '/' || c == '?' || c == '@' || (c == ':' && !literal);
        if (foreign || !may_stand(c, TARGET)) {
            return false;
        }
    }
    return true;
}

/* `uri-host [ ":" port ]` (RFC 9112 section 3.2); an address of IPv6 has brackets. */
static bool host_valid(struct text host) {
    const bool literal = host.len > 0 && host.at[0] == '[';
    const struct text name = {host.at + (literal ? 1 : 0), host.len - (literal ? 1 : 0)};
    const char *end = name.len > 0 ? memchr(name.at, literal ? ']' : ':', name.len) : NULL;
    if (!end) {
        return !literal && name_valid(name, false);
    }
    const size_t len = (size_t)(end - name.at);
    const size_t skip = len + (literal ? 1 : 0);
    return name_valid((struct text){name.at, len}, literal) &&
           port_valid((struct text){name.at + skip, name.len - skip});
}

static bool judge_host(struct framing_request *out) {
    const struct framing_header *host = find(out, (struct text)TEXT("Host"));
    if (!host && !out->version_1_0) {
        return refuse(out, BAD, "no Host header");
    }
    return !host || host_valid(text_of(out, host->value)) || refuse(out, BAD, "Host is not a host");
}

static bool read_length(struct text text, uint64_t *out) {
    if (text.len == 0 || !digits(text)) {
        return false;
    }
    uint64_t length = 0;
    for (size_t i = 0; i < text.len && i < LENGTH_DIGITS; i++) {
        length = length * 10 + (uint64_t)(text.at[i] - '0');
    }
    *out = text.len <= LENGTH_DIGITS ? length : INT64_MAX;
    return true;
}

static bool judge_body(struct framing_request *out) {
    const struct framing_header *coding = find(out, (struct text)TEXT("Transfer-Encoding"));
    const struct framing_header *length = find(out, (struct text)TEXT("Content-Length"));
    if (coding && length) {
        return refuse(out, BAD, "both Content-Length and Transfer-Encoding");
    }
    if (coding && (out->version_1_0 || !same(text_of(out, coding->value), "chunked"))) {
        return refuse(out, BAD, "Transfer-Encoding is not chunked, or came with HTTP/1.0");
    }
    out->body = (struct framing_body){.chunked = coding != NULL, .announced = length != NULL};
    return !length || read_length(text_of(out, length->value), &out->body.length) ||
           refuse(out, BAD, "Content-Length is not a number");
}

/* Handles one word of a list. */
static struct text next_word(struct text *list) {
    const char *comma = memchr(list->at, ',', list->len);
    size_t len = comma ? (size_t)(comma - list->at) : list->len;
    struct text word = trimmed((struct text){list->at, len});
    list->at += comma ? len + 1 : len;
    list->len -= comma ? len + 1 : len;
    return word;
}

static bool judge_wishes(struct framing_request *out) {
    for (size_t i = 0; i < out->count; i++) {
        struct text list = text_of(out, out->headers[i].value);
        bool connection = same(name_at(out, i), "Connection");
        while (connection && list.len > 0) {
            struct text word = next_word(&list);
            out->close = out->close || same(word, "close");
            out->keep = out->keep || same(word, "keep-alive");
        }
        if (same(name_at(out, i), "Expect")) {
            if (!same(list, "100-continue")) {
                return refuse(out, EXPECTATION, "an unknown expectation");
            }
            out->awaits_continue = true;
        }
    }
    return true;
}

static bool judge(struct framing_request *out) {
    for (size_t i = 0; i < ARRAY_LENGTH(once); i++) {
        if (twice(out, once[i])) {
            return refuse(out, BAD, "a header that may occur once is repeated");
        }
    }
    return judge_host(out) && judge_body(out) && judge_wishes(out);
}

enum framing_state framing_read(const char *bytes, size_t len, struct framing_request *out) {
    struct reader reader = {.bytes = bytes, .len = len, .out = out};
    *out = (struct framing_request){.bytes = bytes};
    if (len > 0 && bytes[0] == '\r') { /* ignores one empty line (RFC 9112 section 2.2) */
        if (len == 1) {
            return FRAMING_PARTIAL;
        }
        reader.at = bytes[1] == '\n' ? 2 : 0;
    }
    enum framing_state state = read_first_line(&reader);
    struct text line = {0};
    while (state == FRAMING_WHOLE) {
        state = next_line(&reader, FRAMING_HEAD_MAX - reader.at, &line);
        if (state == FRAMING_WHOLE && line.len == 0) {
            out->size = reader.at;
            return judge(out) ? FRAMING_WHOLE : FRAMING_REFUSED;
        }
        if (state == FRAMING_WHOLE && !read_field(line, out)) {
            state = FRAMING_REFUSED;
        }
    }
    return state;
}
