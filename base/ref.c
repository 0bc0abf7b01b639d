/* Image references: owns their grammar. Never asks a registry and never guesses a tag. */
#include "base/ref.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

#define DEFAULT_HOST "docker.io"
#define OFFICIAL "library/"

/* A borrowed part of the text. */
struct span {
    const char *at;
    size_t len;
};

static bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}

static bool is_upper(char c) {
    return c >= 'A' && c <= 'Z';
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_alnum(char c) {
    return is_lower(c) || is_upper(c) || is_digit(c);
}

static bool span_is(struct span span, const char *text) {
    return span.len == strlen(text) && memcmp(span.at, text, span.len) == 0;
}

static bool has_upper(struct span span) {
    for (size_t i = 0; i < span.len; i++) {
        if (is_upper(span.at[i])) {
            return true;
        }
    }
    return false;
}

static void span_copy(struct span span, char *out) {
    memcpy(out, span.at, span.len);
    out[span.len] = '\0';
}

/* 1 to 65535, decimal, without leading zeros. */
static bool port_valid(struct span port) {
    if (port.len == 0 || port.len > 5 || port.at[0] == '0') {
        return false;
    }
    uint32_t value = 0;
    for (size_t i = 0; i < port.len; i++) {
        if (!is_digit(port.at[i])) {
            return false;
        }
        value = value * 10 + (uint32_t)(port.at[i] - '0');
    }
    return value <= UINT16_MAX;
}

/* Labels of letters, digits and inner hyphens, joined by single dots. */
static bool domain_valid(struct span domain) {
    char before = '.';
    for (size_t i = 0; i < domain.len; i++) {
        char c = domain.at[i];
        bool edge = before == '.' || before == '-';
        if (!is_alnum(c) && (c == '.' ? edge : c != '-' || before == '.')) {
            return false;
        }
        before = c;
    }
    return before != '.' && before != '-';
}

/* The inside of brackets: an IPv6 address without zone and without a dotted end. */
static bool ipv6_valid(struct span address) {
    char text[INET6_ADDRSTRLEN];
    struct in6_addr parsed;
    if (address.len >= sizeof text || memchr(address.at, '.', address.len)) {
        return false;
    }
    span_copy(address, text);
    return inet_pton(AF_INET6, text, &parsed) == 1;
}

static bool host_valid(struct span host) {
    if (host.len == 0 || host.len > REF_HOST_MAX) {
        return false;
    }
    struct span name = host;
    bool bracket = host.at[0] == '[';
    const char *end = memchr(host.at, bracket ? ']' : ':', host.len);
    if (bracket && !end) {
        return false;
    }
    size_t used = end ? (size_t)(end - host.at) + bracket : host.len;
    if (used < host.len && (host.at[used] != ':' ||
                            !port_valid((struct span){host.at + used + 1, host.len - used - 1}))) {
        return false;
    }
    name.len = used;
    return bracket ? ipv6_valid((struct span){name.at + 1, name.len - 2}) : domain_valid(name);
}

bool ref_host_valid(const char *host) {
    return host_valid((struct span){host, strnlen(host, REF_HOST_MAX + 1)});
}

/* The length of a separator between two runs of letters and digits: one dot, one or two
 * underscores, any number of hyphens. 0: no separator. */
static size_t joint_len(struct span rest) {
    size_t len = 0;
    while (len < rest.len && rest.at[len] == rest.at[0]) {
        len++;
    }
    switch (rest.at[0]) {
    case '.':
        return len == 1 ? len : 0;
    case '_':
        return len <= 2 ? len : 0;
    case '-':
        return len;
    default:
        return 0;
    }
}

/* [a-z0-9]+((\.|_|__|-+)[a-z0-9]+)* */
static bool component_valid(struct span component) {
    for (;;) {
        size_t run = 0;
        while (run < component.len &&
               (is_lower(component.at[run]) || is_digit(component.at[run]))) {
            run++;
        }
        if (run == 0 || run == component.len) {
            return run > 0;
        }
        size_t joint = joint_len((struct span){component.at + run, component.len - run});
        if (joint == 0) {
            return false;
        }
        component.at += run + joint;
        component.len -= run + joint;
    }
}

static bool path_valid(struct span path) {
    for (;;) {
        const char *slash = memchr(path.at, '/', path.len);
        size_t len = slash ? (size_t)(slash - path.at) : path.len;
        if (!component_valid((struct span){path.at, len})) {
            return false;
        }
        if (!slash) {
            return true;
        }
        path.at += len + 1;
        path.len -= len + 1;
    }
}

static bool tag_valid(struct span tag) {
    if (tag.len == 0 || tag.len > REF_TAG_MAX || tag.at[0] == '.' || tag.at[0] == '-') {
        return false;
    }
    for (size_t i = 0; i < tag.len; i++) {
        if (!is_alnum(tag.at[i]) && !strchr("_.-", tag.at[i])) {
            return false;
        }
    }
    return true;
}

bool ref_tag_valid(const char *tag) {
    return tag_valid((struct span){tag, strnlen(tag, REF_TAG_MAX + 1)});
}

/* The name of a nameless image in an engine: 64 hexadecimal digits, perhaps behind "sha256:", which
 * the grammar would take for a repository called sha256. */
static bool is_image_id(const char *text) {
    unsigned char raw[DIGEST_BYTES];
    return digest_valid(text) || digest_hex_decode(text, strlen(text), raw, sizeof raw);
}

/* Cuts "@digest" off the end of the text. */
static bool split_digest(struct span *text, struct ref *ref, struct err *err) {
    const char *at = memchr(text->at, '@', text->len);
    if (!at) {
        return true;
    }
    if (!digest_valid(at + 1)) {
        return err_set(err, ERR_INVALID,
                       "the digest is not sha256: and 64 lower-case hexadecimal digits");
    }
    span_copy((struct span){at + 1, DIGEST_TEXT_SIZE - 1}, ref->digest);
    text->len = (size_t)(at - text->at);
    return true;
}

/* Cuts ":tag" off the end of the text. A colon before a slash belongs to the host. */
static bool split_tag(struct span *text, struct ref *ref, struct err *err) {
    const char *slash = memrchr(text->at, '/', text->len);
    const char *colon = memrchr(text->at, ':', text->len);
    if (!colon || (slash && colon < slash)) {
        return true;
    }
    size_t before = (size_t)(colon - text->at);
    struct span tag = {colon + 1, text->len - before - 1};
    if (!tag_valid(tag)) {
        return err_set(err, ERR_INVALID,
                       "the tag is not 1 to %d letters, digits, '_', '.' and '-' "
                       "that begin with a letter, a digit or '_'",
                       REF_TAG_MAX);
    }
    span_copy(tag, ref->tag);
    text->len = before;
    return true;
}

/* Cuts "host/" off the front of the name. A name without host is Docker Hub's. */
static bool split_host(struct span *name, struct ref *ref, struct err *err) {
    const char *slash = memchr(name->at, '/', name->len);
    struct span first = {name->at, slash ? (size_t)(slash - name->at) : 0};
    bool named = memchr(first.at, '.', first.len) || memchr(first.at, ':', first.len) ||
                 span_is(first, "localhost") || has_upper(first);
    struct span host = {DEFAULT_HOST, sizeof DEFAULT_HOST - 1};
    if (named) {
        if (!host_valid(first)) {
            return err_set(err, ERR_INVALID, "the registry's host or port is wrong");
        }
        name->at += first.len + 1;
        name->len -= first.len + 1;
        if (!span_is(first, "index.docker.io")) {
            host = first;
        }
    }
    span_copy(host, ref->host);
    return true;
}

static bool take_path(struct span path, struct ref *ref, struct err *err) {
    if (path.len == 0) {
        return err_set(err, ERR_INVALID, "there is no repository");
    }
    if (has_upper(path)) {
        return err_set(err, ERR_INVALID, "the repository has upper-case letters");
    }
    if (!path_valid(path)) {
        return err_set(err, ERR_INVALID,
                       "the repository is not lower-case letters and digits, joined by '.', '_', "
                       "'-' and '/'");
    }
    bool official = strcmp(ref->host, DEFAULT_HOST) == 0 && !memchr(path.at, '/', path.len);
    size_t prefix = official ? sizeof OFFICIAL - 1 : 0;
    if (path.len > REF_PATH_MAX - prefix) {
        return err_set(err, ERR_INVALID, "the repository is longer than %d bytes", REF_PATH_MAX);
    }
    memcpy(ref->path, OFFICIAL, prefix);
    span_copy(path, ref->path + prefix);
    return true;
}

bool ref_parse(const char *text, struct ref *out, struct err *err) {
    struct span rest = {text, strnlen(text, REF_TEXT_SIZE)};
    if (rest.len == 0) {
        return err_set(err, ERR_INVALID, "the image reference is empty");
    }
    if (rest.len == REF_TEXT_SIZE) {
        return err_set(err, ERR_INVALID, "the image reference is too long");
    }
    if (is_image_id(text)) {
        return err_set(err, ERR_INVALID, "this is an image id, not the name of an image");
    }
    struct ref ref = {.host = "", .path = "", .tag = "", .digest = ""};
    if (!split_digest(&rest, &ref, err) || !split_tag(&rest, &ref, err) ||
        !split_host(&rest, &ref, err) || !take_path(rest, &ref, err)) {
        return false;
    }
    *out = ref;
    return true;
}

void ref_default_tag(struct ref *ref) {
    if (!ref->tag[0] && !ref->digest[0]) {
        (void)snprintf(ref->tag, sizeof ref->tag, "latest");
    }
}

const char *ref_name(const struct ref *ref, char out[REF_NAME_SIZE]) {
    (void)snprintf(out, REF_NAME_SIZE, "%s/%s", ref->host, ref->path);
    return out;
}

const char *ref_text(const struct ref *ref, char out[REF_TEXT_SIZE]) {
    (void)snprintf(out, REF_TEXT_SIZE, "%s/%s%s%s%s%s", ref->host, ref->path,
                   ref->tag[0] ? ":" : "", ref->tag, ref->digest[0] ? "@" : "", ref->digest);
    return out;
}

bool ref_same_repository(const struct ref *a, const struct ref *b) {
    return strcmp(a->host, b->host) == 0 && strcmp(a->path, b->path) == 0;
}

size_t ref_written_length(const char *text) {
    size_t end = strcspn(text, "@");
    size_t segment = 0;
    for (size_t i = 0; i < end; i++) {
        segment = text[i] == '/' ? i : segment;
    }
    const char *colon = memchr(text + segment, ':', end - segment);
    return colon ? (size_t)(colon - text) : end;
}
