/* The gate's decision. Reads only the facts that it is given. */
#include "agent/pipeline/gate.h"

#include "agent/model/id.h"
#include "agent/model/target_name.h"
#include "base/clock.h"

static void gate_wait(struct gate_verdict *out, int64_t until_ms) {
    out->answer = GATE_WAIT;
    out->until_ms = until_ms;
}

/* ---- names of targets and groups ---- */

/* Does a name in a's settings mean b? */
static bool gate_named(const struct update_other *a, const struct update_other *b,
                       struct target_part name) {
    return (target_part_same(target_short_name(b->target), name) &&
            target_same_place(a->target, b->target)) ||
           target_part_is(name, b->target) ||
           (b->order.group[0] && target_part_is(name, b->order.group));
}

/* Is the update so new that its group is not known yet? False after a short time, as its platform
 * may not answer. */
static bool gate_unnoted(const struct update_other *update, int64_t now_ms) {
    return !update->order.known && now_ms - update->created_ms < GATE_NOTED_WITHIN_MS;
}

/* Does a's `depends_on` name b? */
static bool gate_depends(const struct update_other *a, const struct update_other *b) {
    const char *name = a->order.depends_on;
    while (name && *name) {
        const size_t len = strcspn(name, ",");
        if (gate_named(a, b, (struct target_part){name, len})) {
            return true;
        }
        name += len + (name[len] == ',' ? 1 : 0);
    }
    return false;
}

/* Does an update depend on another, directly or through others? Visits each once, because labels
 * can form a cycle. */
static bool gate_leads_to(const struct update_others *others, const struct update_other *from,
                          const struct update_other *to) {
    CLEANUP(own_free) const struct update_other **queue = calloc(others->count + 1, sizeof *queue);
    CLEANUP(own_free) bool *seen = calloc(others->count + 1, sizeof *seen);
    if (!queue || !seen) {
        return true;
    }
    size_t filled = 0;
    queue[filled++] = from;
    for (size_t next = 0; next < filled; next++) {
        if (gate_depends(queue[next], to)) {
            return true;
        }
        for (size_t i = 0; i < others->count; i++) {
            if (!seen[i] && &others->items[i] != from &&
                gate_depends(queue[next], &others->items[i])) {
                seen[i] = true;
                queue[filled++] = &others->items[i];
            }
        }
    }
    return false;
}

/* ---- the checks: true if the update may continue ---- */

static bool check_clock(const struct gate_facts *facts, struct gate_verdict *out) {
    if (facts->now_ms >= GATE_CLOCK_MIN_MS) {
        return true;
    }
    char now[CLOCK_TEXT_SIZE];
    gate_wait(out, 0);
    (void)snprintf(out->reason, sizeof out->reason,
                   "waits until the clock is set: it says %s, which cannot be",
                   clock_format(facts->now_ms, now));
    return false;
}

static bool check_hold(const struct gate_facts *facts, struct gate_verdict *out) {
    if (!facts->held) {
        return true;
    }
    const struct hold *hold = &facts->hold;
    gate_wait(out, hold->until_ms);
    (void)snprintf(out->reason, sizeof out->reason, "on hold%s%.150s; `landwaiter release %.120s`",
                   hold->reason[0] ? ": " : "", hold->reason,
                   strcmp(hold->target, "all") == 0 ? "all" : hold->target);
    return false;
}

static bool check_approval(const struct gate_facts *facts, struct gate_verdict *out) {
    if (!facts->settings->approval_required || facts->approved) {
        return true;
    }
    char id[ID_TEXT_SIZE];
    char after[CLOCK_TEXT_SIZE];
    int64_t until = facts->asked_ms + facts->settings->approval_expires_ms;
    if (facts->now_ms >= until) {
        out->answer = GATE_EXPIRED;
        (void)snprintf(out->reason, sizeof out->reason, "nobody approved it within %s",
                       clock_duration_text(facts->settings->approval_expires_ms, after));
        return false;
    }
    gate_wait(out, until);
    out->asks_approval = true;
    (void)snprintf(out->reason, sizeof out->reason,
                   "waits for an approval: `landwaiter approve %s`",
                   id_text("upd", facts->self->id, id));
    return false;
}

static bool check_window(const struct gate_facts *facts, struct gate_verdict *out) {
    if (facts->schedule.may_start) {
        return true;
    }
    gate_wait(out, facts->schedule.starts_ms);
    (void)snprintf(out->reason, sizeof out->reason, "waits for its window: %.280s",
                   facts->schedule.because);
    return false;
}

static bool check_dependencies(const struct gate_facts *facts, struct gate_verdict *out) {
    for (size_t i = 0; i < facts->others->count; i++) {
        const struct update_other *other = &facts->others->items[i];
        if (facts->settings->depends_on.count > 0 && gate_unnoted(other, facts->now_ms)) {
            gate_wait(out, facts->now_ms + GATE_NOTED_AGAIN_MS);
            (void)snprintf(out->reason, sizeof out->reason,
                           "waits for %.180s: its new update is not examined yet", other->target);
            return false;
        }
        if (!gate_depends(facts->self, other)) {
            continue;
        }
        /* In a cycle the older update goes first. */
        if (facts->self->id < other->id && gate_leads_to(facts->others, other, facts->self)) {
            continue;
        }
        gate_wait(out, 0);
        (void)snprintf(out->reason, sizeof out->reason,
                       "waits until %.180s, which it depends on, is updated", other->target);
        return false;
    }
    return true;
}

static bool check_group(const struct gate_facts *facts, struct gate_verdict *out) {
    for (size_t i = 0; facts->settings->group[0] && i < facts->others->count; i++) {
        const struct update_other *other = &facts->others->items[i];
        if (stage_applying(other->stage) &&
            strcmp(other->order.group, facts->settings->group) == 0) {
            gate_wait(out, 0);
            (void)snprintf(out->reason, sizeof out->reason,
                           "waits until %.150s of the same group %s is done", other->target,
                           facts->settings->group);
            return false;
        }
    }
    return true;
}

static bool check_memory(const struct gate_facts *facts, struct gate_verdict *out) {
    int64_t wanted = facts->settings->min_free_memory;
    if (!wanted || facts->available_memory >= wanted) {
        return true;
    }
    gate_wait(out, facts->now_ms + GATE_MEMORY_AGAIN_MS);
    if (facts->available_memory < 0) {
        (void)snprintf(out->reason, sizeof out->reason,
                       "waits: the free memory of its host is unknown");
    } else {
        /* Omit the present amount: it changes at every look, and each change would add a line of
         * history. */
        (void)snprintf(out->reason, sizeof out->reason,
                       "waits for memory: less than %lld MiB are free", (long long)(wanted >> 20));
    }
    return false;
}

/* There is a place; find the update to take it. */
static bool check_turn(const struct gate_facts *facts, struct gate_verdict *out) {
    if (!facts->first) {
        return true;
    }
    gate_wait(out, facts->now_ms + GATE_TURN_MS);
    (void)snprintf(out->reason, sizeof out->reason, "waits: it is the turn of another image");
    return false;
}

static bool check_room(const struct gate_facts *facts, struct gate_verdict *out) {
    unsigned running = 0;
    size_t platform = strcspn(facts->self->target, "/") + 1;
    for (size_t i = 0; i < facts->others->count; i++) {
        const struct update_other *other = &facts->others->items[i];
        if (!stage_applying(other->stage)) {
            continue;
        }
        if (target_same_object(other->target, facts->self->target)) {
            gate_wait(out, 0);
            (void)snprintf(out->reason, sizeof out->reason,
                           "waits until another update of the same target ends");
            return false;
        }
        running += strncmp(other->target, facts->self->target, platform) == 0 ? 1 : 0;
    }
    out->for_room = true;
    if (running < facts->concurrency) {
        return check_turn(facts, out);
    }
    gate_wait(out, 0);
    (void)snprintf(out->reason, sizeof out->reason, "waits: %u updates are being applied", running);
    return false;
}

struct gate_verdict gate_decide(const struct gate_facts *facts) {
    static bool (*const checks[])(const struct gate_facts *, struct gate_verdict *) = {
        check_clock,        check_hold,  check_approval, check_window,
        check_dependencies, check_group, check_memory,   check_room,
    };
    struct gate_verdict verdict = {.answer = GATE_OPEN};
    for (size_t i = 0; i < ARRAY_LENGTH(checks); i++) {
        if (!checks[i](facts, &verdict)) {
            return verdict;
        }
    }
    (void)snprintf(verdict.reason, sizeof verdict.reason, "it may happen now");
    return verdict;
}
