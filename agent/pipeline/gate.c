/* The gate's decision. Reads only the facts that it is given. */
#include "agent/pipeline/gate.h"

#include "agent/model/id.h"
#include "agent/model/target_name.h"
#include "agent/pipeline/relations.h"
#include "base/clock.h"

static void gate_wait(struct gate_verdict *out, int64_t until_ms) {
    out->answer = GATE_WAIT;
    out->until_ms = until_ms;
}

/* Is the other update so new that its group is not known yet? False after a short time, as its
 * platform may not answer. Those of other tenants, which may belong to a group of the configuration,
 * count only if they are about as old: a tenant that keeps making new ones holds up nobody else. */
static bool gate_unnoted(const struct gate_facts *facts, const struct update_other *other) {
    const struct update_other *self = facts->self;
    const bool near = relation_same_tenant(self, other);
    const int64_t within = near ? GATE_NOTED_WITHIN_MS : GATE_NOTED_ELSEWHERE_MS;
    return !other->order.known && facts->now_ms - other->created_ms < within &&
           (near || other->created_ms <= self->created_ms + GATE_NOTED_ELSEWHERE_MS);
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

/* Waits if self depends on that one. */
static bool check_dependency(const struct gate_facts *facts, size_t i, struct relation_reach *reach,
                             struct gate_verdict *out) {
    const struct update_other *other = &facts->others->items[i];
    if (facts->settings->depends_on.count > 0 && gate_unnoted(facts, other)) {
        gate_wait(out, facts->now_ms + GATE_NOTED_AGAIN_MS);
        (void)snprintf(out->reason, sizeof out->reason,
                       "waits for %.180s: its new update is not examined yet", other->target);
        return false;
    }
    /* In a cycle the older update goes first. */
    if (!relation_depends(facts->self, other) ||
        (facts->self->id < other->id && relation_leads_to(reach, facts->others, i, facts->self))) {
        return true;
    }
    gate_wait(out, 0);
    (void)snprintf(out->reason, sizeof out->reason,
                   "waits until %.180s, which it depends on, is updated", other->target);
    return false;
}

static bool check_dependencies(const struct gate_facts *facts, struct gate_verdict *out) {
    CLEANUP(relation_reach_release) struct relation_reach reach = {.leads = NULL};
    for (size_t i = 0; i < facts->others->count; i++) {
        if (!check_dependency(facts, i, &reach, out)) {
            return false;
        }
    }
    return true;
}

static bool check_group(const struct gate_facts *facts, struct gate_verdict *out) {
    for (size_t i = 0; facts->settings->group[0] && i < facts->others->count; i++) {
        const struct update_other *other = &facts->others->items[i];
        if (stage_applying(other->stage) && relation_same_group(facts->self, other)) {
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
    (void)snprintf(out->reason, sizeof out->reason, "waits: it is the turn of %s",
                   relation_same_party(facts->self, facts->first) ? "another image"
                                                                  : "another sender or namespace");
    return false;
}

/* The places of a platform that are taken. */
struct gate_places {
    unsigned running;
    unsigned own;     /* by the same party */
    unsigned patient; /* by others, for a while: these lend their place */
    int64_t lent_ms;  /* when the next of them becomes patient; INT64_MAX: none does */
};

static void gate_count(const struct gate_facts *facts, const struct update_other *other,
                       struct gate_places *places) {
    const int64_t patient_ms = other->stage_since_ms + GATE_PATIENCE_MS;
    places->running++;
    if (relation_same_party(facts->self, other)) {
        places->own++;
    } else if (facts->now_ms >= patient_ms || facts->now_ms < other->stage_since_ms) {
        places->patient++;
    } else if (patient_ms < places->lent_ms) {
        places->lent_ms = patient_ms;
    }
}

/* A party of which nothing is being applied does not wait for a place longer than a moment: it gets
 * the place of one that has been at the same stage, watched mostly, for longer. */
static bool check_places(const struct gate_facts *facts, const struct gate_places *places,
                         struct gate_verdict *out) {
    out->for_room = true;
    const bool lends = places->own == 0;
    if (places->running < facts->concurrency) {
        return check_turn(facts, out);
    }
    if (lends && places->running - places->patient < facts->concurrency) {
        return true; /* a lent place is for this party alone: nobody else has the turn */
    }
    gate_wait(out, lends && places->lent_ms < INT64_MAX ? places->lent_ms : 0);
    (void)snprintf(out->reason, sizeof out->reason, "waits: %u updates are being applied",
                   places->running);
    return false;
}

static bool check_room(const struct gate_facts *facts, struct gate_verdict *out) {
    struct gate_places places = {.lent_ms = INT64_MAX};
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
        if (strncmp(other->target, facts->self->target, platform) == 0) {
            gate_count(facts, other, &places);
        }
    }
    return check_places(facts, &places, out);
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
