/* A pattern, a line end, a name: the result must equal that of a slow and obvious matcher. */
#include <stdint.h>

#include "policies/pattern.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Exponential, so for short inputs only. */
static bool obvious_match(const char *pattern, const char *name) {
    if (!*pattern) {
        return !*name;
    }
    if (*pattern != '*') {
        return *pattern == *name && obvious_match(pattern + 1, name + 1);
    }
    bool across = pattern[1] == '*';
    const char *rest = pattern + strspn(pattern, "*");
    for (;; name++) {
        if (obvious_match(rest, name)) {
            return true;
        }
        if (!*name || (*name == '/' && !across)) {
            return false;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *pattern = malloc(size + 1);
    if (!pattern) {
        return 0;
    }
    memcpy(pattern, data, size);
    pattern[size] = '\0';
    char *name = strchr(pattern, '\n');
    if (name) {
        *name++ = '\0';
        bool match = pattern_match(pattern, name);
        if (size <= 24 && match != obvious_match(pattern, name)) {
            abort();
        }
    }
    struct err err = ERR_INIT;
    bool good = pattern_check(pattern, &err);
    if (good != (err.kind == ERR_NONE)) {
        abort();
    }
    free(pattern);
    return 0;
}
