/* Versions: owns their grammar and their order. Never converts a number, so that none is too
 * long. */
#include "policies/version.h"

static bool version_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool version_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

struct version_part version_part_of(const char *text) {
    return (struct version_part){text, strlen(text)};
}

/* Cuts len bytes off the front. */
static struct version_part version_cut(struct version_part *text, size_t len) {
    struct version_part front = {text->at, len};
    text->at += len;
    text->len -= len;
    return front;
}

static size_t version_digits(struct version_part text) {
    size_t len = 0;
    while (len < text.len && version_digit(text.at[len])) {
        len++;
    }
    return len;
}

/* ---- parsing ---- */

static bool version_read_numbers(struct version_part *text, struct version *out) {
    for (;;) {
        size_t len = version_digits(*text);
        if (len == 0 || out->numbers == VERSION_NUMBERS_MAX) {
            return false;
        }
        out->number[out->numbers++] = version_cut(text, len);
        if (text->len == 0 || text->at[0] != '.') {
            return true;
        }
        (void)version_cut(text, 1);
    }
}

/* Letters, digits, hyphens, underscores, and inner dots. */
static bool version_identifiers_good(struct version_part text) {
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c == '.') {
            if (i == 0 || i + 1 == text.len || text.at[i + 1] == '.') {
                return false;
            }
        } else if (!version_letter(c) && !version_digit(c) && c != '-' && c != '_') {
            return false;
        }
    }
    return text.len > 0;
}

static bool version_word_is(struct version_part word, const char *known) {
    if (word.len != strlen(known)) {
        return false;
    }
    for (size_t i = 0; i < word.len; i++) {
        char c = word.at[i];
        if ((c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c) != known[i]) {
            return false;
        }
    }
    return true;
}

/* Does the identifier begin a pre-release: a number, or a known word with or without a number? */
static bool version_begins_prerelease(struct version_part identifier) {
    static const char *const words[] = {
        "alpha", "beta",         "rc",       "pre",     "preview",  "prerelease",
        "dev",   "develop",      "devel",    "nightly", "snapshot", "canary",
        "next",  "milestone",    "unstable", "edge",    "ea",       "eap",
        "cr",    "experimental", "test",     "testing", "insider",  "insiders"};
    static const char *const letters[] = {"a", "b", "c", "m"}; /* needs a number */
    size_t len = 0;
    while (len < identifier.len && version_letter(identifier.at[len])) {
        len++;
    }
    struct version_part word = {identifier.at, len};
    struct version_part tail = {identifier.at + len, identifier.len - len};
    if (version_digits(tail) != tail.len) {
        return false;
    }
    if (len == 0) {
        return tail.len > 0;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        if (version_word_is(word, words[i])) {
            return true;
        }
    }
    for (size_t i = 0; i < ARRAY_LENGTH(letters) && tail.len > 0; i++) {
        if (version_word_is(word, letters[i])) {
            return true;
        }
    }
    return false;
}

/* The length up to the first of these bytes. */
static size_t version_span(struct version_part text, const char *stop) {
    size_t len = 0;
    while (len < text.len && !strchr(stop, text.at[len])) {
        len++;
    }
    return len;
}

/* Splits the text behind the hyphen: hyphenated pieces that begin like a pre-release form it, the
 * rest is the variant with the byte before it. */
static void version_split(struct version_part text, struct version *out) {
    size_t taken = 0;
    while (taken < text.len) {
        size_t at = taken > 0 ? taken + 1 : 0;
        struct version_part piece = {text.at + at, text.len - at};
        piece.len = version_span(piece, "-_");
        struct version_part first = {piece.at, version_span(piece, ".")};
        if ((taken > 0 && text.at[taken] != '-') || !version_begins_prerelease(first)) {
            break;
        }
        taken = at + piece.len;
    }
    out->prerelease = (struct version_part){text.at, taken};
    if (taken == 0) {
        out->variant = (struct version_part){text.at - 1, text.len + 1};
    } else {
        out->variant = (struct version_part){text.at + taken, text.len - taken};
    }
}

static bool version_read_rest(struct version_part rest, struct version *out) {
    size_t plus = version_span(rest, "+");
    if (plus < rest.len) {
        out->build = (struct version_part){rest.at + plus + 1, rest.len - plus - 1};
        rest.len = plus;
        if (!version_identifiers_good(out->build)) {
            return false;
        }
    }
    if (rest.len == 0) {
        return true;
    }
    if (rest.at[0] == '_') {
        out->variant = rest;
        return rest.len > 1 && version_identifiers_good(rest);
    }
    if (rest.at[0] == '-') {
        (void)version_cut(&rest, 1);
        if (!version_identifiers_good(rest)) {
            return false;
        }
        version_split(rest, out);
        return true;
    }
    if (!version_identifiers_good(rest)) { /* 3.13.0rc1 */
        return false;
    }
    version_split(rest, out);
    return out->prerelease.len > 0;
}

bool version_parse(struct version_part text, struct version *out) {
    struct version version = {0};
    if (text.len > 1 && (text.at[0] == 'v' || text.at[0] == 'V')) {
        (void)version_cut(&text, 1);
    }
    if (!version_read_numbers(&text, &version) || !version_read_rest(text, &version)) {
        return false;
    }
    *out = version;
    return true;
}

/* ---- comparing ---- */

static int version_sign(int difference) {
    return (difference > 0) - (difference < 0);
}

int version_compare_digits(struct version_part a, struct version_part b) {
    while (a.len > 0 && a.at[0] == '0') {
        (void)version_cut(&a, 1);
    }
    while (b.len > 0 && b.at[0] == '0') {
        (void)version_cut(&b, 1);
    }
    if (a.len != b.len) {
        return a.len < b.len ? -1 : 1;
    }
    return a.len > 0 ? version_sign(memcmp(a.at, b.at, a.len)) : 0;
}

static int version_compare_bytes(struct version_part a, struct version_part b) {
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len > 0 ? version_sign(memcmp(a.at, b.at, len)) : 0;
    if (order == 0 && a.len != b.len) {
        order = a.len < b.len ? -1 : 1;
    }
    return order;
}

/* Cuts the digits off the end. */
static struct version_part version_tail(struct version_part *identifier) {
    size_t len = 0;
    while (len < identifier->len && version_digit(identifier->at[identifier->len - 1 - len])) {
        len++;
    }
    identifier->len -= len;
    return (struct version_part){identifier->at + identifier->len, len};
}

static int version_compare_identifiers(struct version_part a, struct version_part b) {
    struct version_part a_tail = version_tail(&a);
    struct version_part b_tail = version_tail(&b);
    int order = version_compare_bytes(a, b); /* all digits leave an empty rest, which sorts first */
    if (order == 0 && (a_tail.len == 0) != (b_tail.len == 0)) {
        return a_tail.len == 0 ? -1 : 1;
    }
    return order != 0 ? order : version_compare_digits(a_tail, b_tail);
}

static struct version_part version_next_identifier(struct version_part *text) {
    struct version_part identifier = version_cut(text, version_span(*text, "."));
    if (text->len > 0) {
        (void)version_cut(text, 1);
    }
    return identifier;
}

static int version_compare_prereleases(struct version_part a, struct version_part b) {
    if (a.len == 0 || b.len == 0) { /* a release is newer than its pre-releases */
        return (a.len == 0) - (b.len == 0);
    }
    while (a.len > 0 && b.len > 0) {
        struct version_part a_first = version_next_identifier(&a);
        struct version_part b_first = version_next_identifier(&b);
        int order = version_compare_identifiers(a_first, b_first);
        if (order != 0) {
            return order;
        }
    }
    return (a.len > 0) - (b.len > 0);
}

int version_compare_numbers(const struct version *a, const struct version *b, size_t count) {
    static const struct version_part zero = {"0", 1};
    for (size_t i = 0; i < count && i < VERSION_NUMBERS_MAX; i++) {
        int order = version_compare_digits(i < a->numbers ? a->number[i] : zero,
                                           i < b->numbers ? b->number[i] : zero);
        if (order != 0) {
            return order;
        }
    }
    return 0;
}

int version_compare(const struct version *a, const struct version *b) {
    int order = version_compare_numbers(a, b, VERSION_NUMBERS_MAX);
    return order != 0 ? order : version_compare_prereleases(a->prerelease, b->prerelease);
}

bool version_same_variant(const struct version *a, const struct version *b) {
    return a->variant.len == b->variant.len &&
           (a->variant.len == 0 || memcmp(a->variant.at, b->variant.at, a->variant.len) == 0);
}

bool version_prerelease_is_revision(const struct version *version) {
    return version->prerelease.len > 0 && version_digit(version->prerelease.at[0]);
}
