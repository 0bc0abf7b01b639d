/* Whose names are those of `group` and `depends-on`? The configuration's are everybody's; those of a
 * label or annotation belong to the target's tenant: its namespace in a cluster, its Compose project
 * on an engine (all containers without one together). Updates keep such a name as "./NAME", one of
 * the configuration as "NAME", and one of a version that did not tell them apart as "*" "/NAME".
 * Pure. */
#ifndef LANDWAITER_AGENT_MODEL_SCOPE_H
#define LANDWAITER_AGENT_MODEL_SCOPE_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/model/settings.h"

#define SCOPE_NAME_SIZE (SETTINGS_NAME_SIZE + 2)

enum scope {
    SCOPE_ALL,    /* "NAME" */
    SCOPE_TENANT, /* "./NAME" */
    SCOPE_OLD,    /* an older version's: may be either */
};

struct scope_name {
    enum scope scope;
    const char *text; /* the name alone; borrowed, not terminated */
    size_t len;
};

/* The prefix of names from that source: "" or "./". Static. */
const char *scope_prefix(const struct settings_source *source);
/* Splits a kept name of that length. */
struct scope_name scope_parse(const char *kept, size_t len);

#endif
