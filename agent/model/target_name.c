/* Splits the names of targets. Never knows whether a target exists. */
#include "agent/model/target_name.h"

#include <string.h>

#define TARGET_CLUSTER "kubernetes/"

static bool target_in_cluster(const char *target) {
    return strncmp(target, TARGET_CLUSTER, sizeof TARGET_CLUSTER - 1) == 0;
}

/* The number-th part from 0; empty: there are fewer. */
static struct target_part target_part(const char *target, size_t number) {
    for (; number > 0; number--) {
        target = strchr(target, '/');
        if (!target) {
            return (struct target_part){"", 0};
        }
        target++;
    }
    return (struct target_part){target, strcspn(target, "/")};
}

struct target_part target_short_name(const char *target) {
    if (target_in_cluster(target)) {
        return target_part(target, 3);
    }
    const char *slash = strrchr(target, '/');
    const char *name = slash ? slash + 1 : target;
    return (struct target_part){name, strlen(name)};
}

struct target_part target_namespace(const char *target) {
    return target_in_cluster(target) ? target_part(target, 1) : (struct target_part){"", 0};
}

bool target_part_is(struct target_part part, const char *text) {
    return strlen(text) == part.len && memcmp(part.text, text, part.len) == 0;
}

bool target_part_same(struct target_part a, struct target_part b) {
    return a.len == b.len && memcmp(a.text, b.text, a.len) == 0;
}

bool target_same_place(const char *a, const char *b) {
    return target_part_same(target_namespace(a), target_namespace(b));
}

bool target_same_object(const char *a, const char *b) {
    const char *end = strrchr(a, '/');
    if (!target_in_cluster(a) || !end) {
        return strcmp(a, b) == 0;
    }
    const char *other = strrchr(b, '/');
    return other && other - b == end - a && memcmp(a, b, (size_t)(end - a)) == 0;
}
