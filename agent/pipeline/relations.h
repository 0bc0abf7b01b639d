/* Relations between open updates, by the names in their settings: who waits for whom, and who
 * shares places with whom. Pure. */
#ifndef LANDWAITER_AGENT_PIPELINE_RELATIONS_H
#define LANDWAITER_AGENT_PIPELINE_RELATIONS_H

#include <stdbool.h>

#include "agent/model/update.h"

/* Do names from labels mean the same to both: in one namespace, or in one Compose project? Unknown
 * projects, of older versions, may be any. */
bool relation_same_tenant(const struct update_other *a, const struct update_other *b);
/* Do they share places: pushes of one sender to one host or namespace? */
bool relation_same_party(const struct update_other *a, const struct update_other *b);
/* Are both in the same group? */
bool relation_same_group(const struct update_other *a, const struct update_other *b);
/* Does a's `depends_on` name b, or b's group? A name from a label means a target or group of its
 * tenant, or a group of the configuration; one from the configuration means a target of the same
 * host or namespace, a group of the configuration, or a group of the target's own tenant. */
bool relation_depends(const struct update_other *a, const struct update_other *b);

/* The updates that depend on one, directly or through others. */
struct relation_reach {
    bool *leads; /* for each of the others; owned; NULL: not known yet */
};
void relation_reach_release(struct relation_reach *reach);
/* Does others->items[i] depend on self? Visits each once, because labels can form a cycle; remembers
 * the answers. True if memory is short. */
bool relation_leads_to(struct relation_reach *reach, const struct update_others *others, size_t i,
                       const struct update_other *self);

#endif
