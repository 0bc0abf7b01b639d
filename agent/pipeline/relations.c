/* Compares names. Reads no store. */
#include "agent/pipeline/relations.h"

#include <stdlib.h>
#include <string.h>

#include "agent/model/scope.h"
#include "agent/model/target_name.h"

bool relation_same_tenant(const struct update_other *a, const struct update_other *b) {
    return target_same_place(a->target, b->target) &&
           (!a->order.placed || !b->order.placed ||
            strcmp(a->order.project, b->order.project) == 0);
}

bool relation_same_party(const struct update_other *a, const struct update_other *b) {
    const bool known = a->sender[0] && b->sender[0]; /* a plan's push has none */
    return (!known || strcmp(a->sender, b->sender) == 0) && target_same_place(a->target, b->target);
}

/* ---- groups ---- */

static struct scope_name relation_group(const struct update_other *update) {
    return scope_parse(update->order.group, strlen(update->order.group));
}

static bool relation_same_name(const struct scope_name *a, const struct scope_name *b) {
    return a->len > 0 && a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

bool relation_same_group(const struct update_other *a, const struct update_other *b) {
    const struct scope_name left = relation_group(a);
    const struct scope_name right = relation_group(b);
    if (!relation_same_name(&left, &right)) {
        return false;
    }
    if (left.scope == SCOPE_OLD || right.scope == SCOPE_OLD) {
        return true;
    }
    return left.scope == right.scope && (left.scope == SCOPE_ALL || relation_same_tenant(a, b));
}

/* ---- dependencies ---- */

static bool relation_named(const struct update_other *a, const struct update_other *b,
                           const struct scope_name *name) {
    const struct target_part target = target_short_name(b->target);
    const struct scope_name called = {SCOPE_ALL, target.text, target.len};
    const struct scope_name group = relation_group(b);
    if (relation_same_name(name, &called) && target_same_place(a->target, b->target) &&
        (name->scope != SCOPE_TENANT || relation_same_tenant(a, b))) {
        return true;
    }
    return relation_same_name(name, &group) &&
           (group.scope != SCOPE_TENANT || relation_same_tenant(a, b));
}

bool relation_depends(const struct update_other *a, const struct update_other *b) {
    const char *kept = a->order.depends_on;
    while (kept && *kept) {
        const size_t len = strcspn(kept, ",");
        const struct scope_name name = scope_parse(kept, len);
        if (relation_named(a, b, &name)) {
            return true;
        }
        kept += len + (kept[len] == ',' ? 1 : 0);
    }
    return false;
}

/* ---- cycles ---- */

void relation_reach_release(struct relation_reach *reach) {
    free(reach->leads);
    reach->leads = NULL;
}

/* Backwards from self: who depends on it, who depends on these, and so on. */
static void relation_reach_fill(struct relation_reach *reach, const struct update_others *others,
                                const struct update_other *self) {
    CLEANUP(own_free) size_t *queue = calloc(others->count + 1, sizeof *queue);
    bool *leads = calloc(others->count + 1, sizeof *leads);
    if (!queue || !leads) {
        free(leads);
        return;
    }
    size_t filled = 0;
    const struct update_other *to = self;
    for (size_t next = 0;; to = &others->items[queue[next++]]) {
        for (size_t i = 0; i < others->count; i++) {
            if (!leads[i] && relation_depends(&others->items[i], to)) {
                leads[i] = true;
                queue[filled++] = i;
            }
        }
        if (next == filled) {
            break;
        }
    }
    reach->leads = leads;
}

bool relation_leads_to(struct relation_reach *reach, const struct update_others *others, size_t i,
                       const struct update_other *self) {
    if (!reach->leads) {
        relation_reach_fill(reach, others, self);
    }
    return !reach->leads || reach->leads[i];
}
