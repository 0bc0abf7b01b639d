/* The names of targets (interface.md section 4): docker/NAME,
 * kubernetes/NAMESPACE/KIND/NAME/CONTAINER. Pure. */
#ifndef LANDWAITER_AGENT_MODEL_TARGET_NAME_H
#define LANDWAITER_AGENT_MODEL_TARGET_NAME_H

#include <stdbool.h>
#include <stddef.h>

/* A part of a target's name; borrowed from it. */
struct target_part {
    const char *text;
    size_t len;
};

/* The short name, for rules and `depends-on`: the container's name, or the workload's. */
struct target_part target_short_name(const char *target);
/* The namespace; empty: not in a cluster. */
struct target_part target_namespace(const char *target);
bool target_part_is(struct target_part part, const char *text);
bool target_part_same(struct target_part a, struct target_part b);
/* Are both on one host, or in one namespace? Only then can a short name mean either. */
bool target_same_place(const char *a, const char *b);
/* Are both the same container, or containers of one workload, which is rolled out as a whole? */
bool target_same_object(const char *a, const char *b);

#endif
