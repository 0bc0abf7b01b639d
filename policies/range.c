/* Ranges of versions: owns their grammar and membership. Never decides which version is newer
 * (policies/policy.c does). */
#include "policies/range.h"

/* ---- parsing ---- */

struct range_reader {
    const char *at;
    size_t alternative;
    struct range range;
    struct err *err;
};

static bool range_space(char c) {
    return c == ' ' || c == '\t';
}

static void range_skip_space(struct range_reader *reader) {
    while (range_space(*reader->at)) {
        reader->at++;
    }
}

static const struct range_sign {
    const char *text;
    enum range_operator sign;
} range_signs[] = {
    /* longer ones first */
    {"~>", RANGE_TILDE},      {">=", RANGE_GREATER_EQUAL}, {"=>", RANGE_GREATER_EQUAL},
    {"<=", RANGE_LESS_EQUAL}, {"=<", RANGE_LESS_EQUAL},    {"!=", RANGE_NOT_EQUAL},
    {"~", RANGE_TILDE},       {"^", RANGE_CARET},          {">", RANGE_GREATER},
    {"<", RANGE_LESS},        {"=", RANGE_EQUAL},
};

/* No operator means "=". */
static enum range_operator range_read_operator(struct range_reader *reader) {
    for (size_t i = 0; i < ARRAY_LENGTH(range_signs); i++) {
        size_t len = strlen(range_signs[i].text);
        if (strncmp(reader->at, range_signs[i].text, len) == 0) {
            reader->at += len;
            range_skip_space(reader);
            return range_signs[i].sign;
        }
    }
    return RANGE_EQUAL;
}

static bool range_wildcard(struct version_part text) {
    return text.len == 1 && (text.at[0] == 'x' || text.at[0] == 'X' || text.at[0] == '*');
}

/* The index of the first wildcard among the numbers; the length if there is none. */
static size_t range_before_wildcard(struct version_part text) {
    size_t piece = 0;
    for (size_t i = 0; i <= text.len; i++) {
        if (i < text.len && text.at[i] != '.' && text.at[i] != '-') {
            continue;
        }
        if (range_wildcard((struct version_part){text.at + piece, i - piece})) {
            return piece;
        }
        if (i < text.len && text.at[i] == '-') {
            break;
        }
        piece = i + 1;
    }
    return text.len;
}

/* Only wildcards and a pre-release may follow a wildcard. */
static bool range_after_wildcard_good(struct version_part rest, struct version_part *prerelease) {
    size_t i = 0;
    while (i < rest.len && rest.at[i] != '-') {
        bool wildcard = i % 2 == 0 && range_wildcard((struct version_part){rest.at + i, 1});
        if (!wildcard && !(i % 2 == 1 && rest.at[i] == '.')) {
            return false;
        }
        i++;
    }
    if (i % 2 == 0 || i > 2 * VERSION_NUMBERS_MAX) {
        return false;
    }
    if (i < rest.len) {
        *prerelease = (struct version_part){rest.at + i + 1, rest.len - i - 1};
        return prerelease->len > 0;
    }
    return true;
}

static bool range_fault(const struct range_reader *reader, struct version_part piece) {
    return err_set(reader->err, ERR_INVALID,
                   "\"%.*s\" is not a version or a range; write for example ~1.4, ^1.4.2, 1.4.x, "
                   ">=1.4 <2 or 1.4 - 1.6",
                   (int)(piece.len < 40 ? piece.len : 40), piece.at);
}

/* "1.2.x": the numbers up to the wildcard; none for "*". */
static bool range_read_wildcard(const struct range_reader *reader, struct version_part piece,
                                size_t before, struct version *out) {
    struct version_part prerelease = {NULL, 0};
    struct version_part rest = {piece.at + before, piece.len - before};
    struct version version = {0};
    if (!range_after_wildcard_good(rest, &prerelease)) {
        return range_fault(reader, piece);
    }
    if (before > 0) {
        struct version_part numbers = {piece.at, before - 1}; /* without the dot */
        if (!version_parse(numbers, &version) || version.prerelease.len > 0 ||
            version.variant.len > 0) {
            return range_fault(reader, piece);
        }
    }
    version.prerelease = prerelease;
    *out = version;
    return true;
}

static struct version_part range_read_piece(struct range_reader *reader) {
    struct version_part piece = {reader->at, 0};
    while (*reader->at && !range_space(*reader->at) && !strchr(",|<>=!~^", *reader->at)) {
        reader->at++;
        piece.len++;
    }
    return piece;
}

static bool range_read_version(struct range_reader *reader, struct version *out, bool *wildcard) {
    struct version_part piece = range_read_piece(reader);
    if (piece.len > 1 && (piece.at[0] == 'v' || piece.at[0] == 'V')) {
        piece.at++;
        piece.len--;
    }
    size_t before = range_before_wildcard(piece);
    *wildcard = before < piece.len;
    if (*wildcard) {
        return range_read_wildcard(reader, piece, before, out);
    }
    if (!version_parse(piece, out)) {
        return range_fault(reader, piece);
    }
    if (out->variant.len > 0) {
        return err_set(reader->err, ERR_INVALID,
                       "leave out \"%.*s\": what follows the version must stay the same anyway",
                       (int)(out->variant.len < 40 ? out->variant.len : 40), out->variant.at);
    }
    return true;
}

static bool range_put(struct range_reader *reader, enum range_operator sign,
                      const struct version *bound) {
    if (reader->range.count == RANGE_TERMS_MAX) {
        return err_set(reader->err, ERR_INVALID, "the range has over %d parts", RANGE_TERMS_MAX);
    }
    if (bound->numbers == 0) { /* no version is below or above all versions */
        if (sign == RANGE_LESS || sign == RANGE_GREATER || sign == RANGE_NOT_EQUAL) {
            return err_set(reader->err, ERR_INVALID, "no version is below, above or other than *");
        }
        sign = RANGE_ANY;
    }
    reader->range.terms[reader->range.count++] =
        (struct range_term){.sign = sign, .bound = *bound, .alternative = reader->alternative};
    return true;
}

/* "1.2 - 1.4": the hyphen has spaces around it. */
static bool range_at_hyphen(const char *at) {
    const char *p = at;
    while (range_space(*p)) {
        p++;
    }
    return p > at && p[0] == '-' && range_space(p[1]);
}

static bool range_read_term(struct range_reader *reader) {
    const char *before = reader->at;
    enum range_operator sign = range_read_operator(reader);
    bool bare = reader->at == before;
    bool wildcard = false;
    struct version bound = {0};
    if (!range_read_version(reader, &bound, &wildcard)) {
        return false;
    }
    if (!bare || !range_at_hyphen(reader->at)) {
        if (wildcard && sign == RANGE_EQUAL) {
            sign = RANGE_WITHIN;
        }
        return range_put(reader, sign, &bound);
    }
    range_skip_space(reader);
    reader->at++;
    range_skip_space(reader);
    struct version upper = {0};
    return range_put(reader, RANGE_GREATER_EQUAL, &bound) &&
           range_read_version(reader, &upper, &wildcard) &&
           range_put(reader, RANGE_LESS_EQUAL, &upper);
}

static bool range_read_alternative(struct range_reader *reader) {
    size_t before = reader->range.count;
    for (;;) {
        range_skip_space(reader);
        if (*reader->at == '\0' || *reader->at == '|') {
            break;
        }
        if (*reader->at == ',' && reader->range.count > before) {
            reader->at++;
            range_skip_space(reader);
        }
        if (!range_read_term(reader)) {
            return false;
        }
    }
    return reader->range.count > before ||
           err_set(reader->err, ERR_INVALID, "a part of the range is empty; write * for all");
}

bool range_parse(const char *text, struct range *out, struct err *err) {
    struct range_reader reader = {.at = text, .err = err};
    for (;;) {
        if (!range_read_alternative(&reader)) {
            return false;
        }
        if (*reader.at == '\0') {
            break;
        }
        if (strncmp(reader.at, "||", 2) != 0) {
            return err_set(err, ERR_INVALID, "write || between alternatives");
        }
        reader.at += 2;
        reader.alternative++;
    }
    *out = reader.range;
    return true;
}

/* ---- matching ---- */

/* A bound of fewer than three numbers without pre-release stands for every version with these
 * numbers. */
static bool range_is_whole(const struct version *bound) {
    return bound->numbers < 3 && bound->prerelease.len == 0;
}

static int range_compare(const struct version *version, const struct version *bound) {
    if (range_is_whole(bound)) {
        return version_compare_numbers(version, bound, bound->numbers);
    }
    return version_compare(version, bound);
}

/* `<2.0.0` excludes the pre-releases of 2.0.0, too. */
static bool range_less(const struct version *version, const struct version *bound) {
    if (bound->prerelease.len > 0) {
        return version_compare(version, bound) < 0;
    }
    size_t count = range_is_whole(bound) ? bound->numbers : VERSION_NUMBERS_MAX;
    return version_compare_numbers(version, bound, count) < 0;
}

/* ^ fixes the numbers up to the first one that is not 0. */
static size_t range_caret_numbers(const struct version *bound) {
    static const struct version_part zero = {"0", 1};
    for (size_t i = 0; i < bound->numbers; i++) {
        if (version_compare_digits(bound->number[i], zero) != 0) {
            return i + 1;
        }
    }
    return bound->numbers;
}

static bool range_near(const struct version *version, const struct version *bound, size_t same) {
    return range_compare(version, bound) >= 0 && version_compare_numbers(version, bound, same) == 0;
}

static bool range_term_holds(const struct range_term *term, const struct version *version) {
    const struct version *bound = &term->bound;
    switch (term->sign) {
    case RANGE_ANY:
        return true;
    case RANGE_EQUAL:
        return range_compare(version, bound) == 0;
    case RANGE_NOT_EQUAL:
        return range_compare(version, bound) != 0;
    case RANGE_LESS:
        return range_less(version, bound);
    case RANGE_LESS_EQUAL:
        return range_compare(version, bound) <= 0;
    case RANGE_GREATER:
        return range_compare(version, bound) > 0;
    case RANGE_GREATER_EQUAL:
        return range_compare(version, bound) >= 0;
    case RANGE_TILDE:
        return range_near(version, bound, bound->numbers < 2 ? 1 : 2);
    case RANGE_CARET:
        return range_near(version, bound, range_caret_numbers(bound));
    case RANGE_WITHIN:
        return range_near(version, bound, bound->numbers);
    }
    return false;
}

bool range_holds(const struct range *range, const struct version *version, bool prerelease_wanted) {
    for (size_t at = 0; at < range->count;) {
        size_t alternative = range->terms[at].alternative;
        bool all = true;
        bool names_prerelease = false;
        for (; at < range->count && range->terms[at].alternative == alternative; at++) {
            all = all && range_term_holds(&range->terms[at], version);
            names_prerelease = names_prerelease || range->terms[at].bound.prerelease.len > 0;
        }
        if (all && (version->prerelease.len == 0 || prerelease_wanted || names_prerelease)) {
            return true;
        }
    }
    return false;
}
