/* Patterns of image names: owns the meaning of `*` and `**`. Never allocates, and takes at most
 * pattern times name steps, because both may be hostile. */
#include "policies/pattern.h"

static bool pattern_letter_known(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           strchr("._-/:*", c) != NULL;
}

/* The fault of a character, with what to write instead; NULL: none. */
static const char *pattern_letter_fault(char c) {
    if (strchr("?[]{}\\", c)) {
        return "the only wildcards are * (within one path segment) and ** (across segments)";
    }
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
        return "it has white space; write one pattern for each list item";
    }
    if (c == '@') {
        return "patterns match names without a digest; leave out the @ and what follows";
    }
    if (!pattern_letter_known(c)) {
        return "it has a character that no image name has; write letters, digits, . _ - / : and *";
    }
    return NULL;
}

/* Behind the host, names are lower case, and a colon would begin a tag. */
static const char *pattern_path_fault(const char *path) {
    for (; *path; path++) {
        if (*path == ':') {
            return "patterns match names without a tag; leave out the last : and what follows";
        }
        if (*path >= 'A' && *path <= 'Z') {
            return "image names are in lower case; write it so";
        }
    }
    return NULL;
}

bool pattern_check(const char *pattern, struct err *err) {
    size_t len = strlen(pattern);
    if (len == 0) {
        return err_set(err, ERR_INVALID, "an empty pattern matches nothing; write ** for all");
    }
    if (len > PATTERN_MAX) {
        return err_set(err, ERR_INVALID, "the pattern has %zu characters; at most %d are allowed",
                       len, PATTERN_MAX);
    }
    const char *fault = NULL;
    for (const char *p = pattern; *p && !fault; p++) {
        fault = pattern_letter_fault(*p);
    }
    const char *path = strchr(pattern, '/');
    if (!fault && path) {
        fault = pattern_path_fault(path);
    }
    if (!fault && strstr(pattern, "***")) {
        fault = "*** means nothing; write ** for any number of segments";
    }
    return !fault || err_set(err, ERR_INVALID, "pattern \"%.200s\": %s", pattern, fault);
}

/* The set of pattern positions that match the name so far. */
struct pattern_places {
    bool at[PATTERN_MAX + 1];
};

/* A star may match nothing, so the position behind it is reached too. */
static void pattern_skip_stars(const char *pattern, size_t len, struct pattern_places *places) {
    for (size_t i = 0; i < len; i++) {
        if (places->at[i] && pattern[i] == '*') {
            places->at[i + 1] = true;
        }
    }
}

static bool pattern_star_takes(const char *pattern, size_t star, char c) {
    bool across = pattern[star + 1] == '*' || (star > 0 && pattern[star - 1] == '*');
    return across || c != '/';
}

static bool pattern_step(const char *pattern, size_t len, struct pattern_places *places, char c) {
    struct pattern_places next = {0};
    bool any = false;
    for (size_t i = 0; i < len; i++) {
        if (!places->at[i]) {
            continue;
        }
        if (pattern[i] == '*' && pattern_star_takes(pattern, i, c)) {
            next.at[i] = true;
            any = true;
        } else if (pattern[i] != '*' && pattern[i] == c) {
            next.at[i + 1] = true;
            any = true;
        }
    }
    pattern_skip_stars(pattern, len, &next);
    *places = next;
    return any;
}

bool pattern_match(const char *pattern, const char *name) {
    size_t len = strlen(pattern);
    if (len > PATTERN_MAX) {
        return false;
    }
    struct pattern_places places = {.at = {true}};
    pattern_skip_stars(pattern, len, &places);
    for (; *name; name++) {
        if (!pattern_step(pattern, len, &places, *name)) {
            return false;
        }
    }
    return places.at[len];
}
