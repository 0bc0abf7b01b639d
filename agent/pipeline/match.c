/* Matches in batches: asks the platform a few times for any number of pushes, and lets the newest
 * push of an image replace the older ones. */
#include "agent/pipeline/match.h"

#include "agent/model/counters.h"
#include "agent/model/id.h"
#include "base/clock.h"
#include "base/log.h"

#define MATCH_BATCH 4096
#define MATCH_REPOSITORIES                                                                         \
    4 /* ask for at most this many repositories; beyond that, list everything once */

struct match {
    struct pipeline *pipeline;
    const struct platform *platform;
    struct pushes pushes;
    struct push **by_image; /* sorted by image, newest first */
    struct targets targets;
    struct store_match *items;
    size_t count, capacity;
};

static void match_release(struct match *match) {
    free(match->by_image);
    free(match->items);
    targets_release(&match->targets);
    pushes_release(&match->pushes);
}

struct policy_verdict match_verdict(const struct target *target, const struct ref *pushed) {
    if (!pushed->tag[0]) {
        return policy_decide(&target->settings.policy, target->image.tag, target->image.tag);
    }
    return policy_decide(&target->settings.policy, target->image.tag, pushed->tag);
}

static int match_compare_image(const struct ref *a, const struct ref *b) {
    int order = strcmp(a->host, b->host);
    order = order ? order : strcmp(a->path, b->path);
    return order;
}

static int match_compare(const void *left, const void *right) {
    const struct push *a = *(struct push *const *)left;
    const struct push *b = *(struct push *const *)right;
    int order = match_compare_image(&a->image, &b->image);
    order = order ? order : strcmp(a->image.tag, b->image.tag);
    return order ? order : (a->id < b->id) - (a->id > b->id);
}

static int match_compare_target(const void *left, const void *right) {
    const struct target *a = left;
    const struct target *b = right;
    int order = match_compare_image(&a->image, &b->image);
    return order ? order : strcmp(a->name, b->name);
}

static bool match_sort(struct match *match, struct err *err) {
    match->by_image = calloc(match->pushes.count, sizeof *match->by_image);
    if (!match->by_image) {
        return err_set(err, ERR_BUG, "out of memory");
    }
    for (size_t i = 0; i < match->pushes.count; i++) {
        match->by_image[i] = &match->pushes.items[i];
    }
    qsort(match->by_image, match->pushes.count, sizeof *match->by_image, match_compare);
    return true;
}

static bool match_new_repository(const struct match *match, size_t i) {
    return i == 0 ||
           match_compare_image(&match->by_image[i - 1]->image, &match->by_image[i]->image) != 0;
}

static bool match_list(struct match *match, struct err *err) {
    size_t repositories = 0;
    for (size_t i = 0; i < match->pushes.count; i++) {
        repositories += match_new_repository(match, i) ? 1 : 0;
    }
    const struct platform_session *session = &match->pipeline->session;
    if (repositories > MATCH_REPOSITORIES && !match->platform->indexed) {
        if (!match->platform->list(session, NULL, &match->targets, err)) {
            return false;
        }
        if (match->targets.count > 0) { /* qsort takes no NULL */
            qsort(match->targets.items, match->targets.count, sizeof *match->targets.items,
                  match_compare_target);
        }
        return true;
    }
    for (size_t i = 0; i < match->pushes.count; i++) {
        if (match_new_repository(match, i) &&
            !match->platform->list(session, &match->by_image[i]->image, &match->targets, err)) {
            return false;
        }
    }
    return true;
}

static bool match_add(struct match *match, const struct push *push, const struct target *target,
                      struct err *err) {
    if (match->count == match->capacity) {
        size_t capacity = match->capacity ? match->capacity * 2 : 16;
        struct store_match *more = reallocarray(match->items, capacity, sizeof *more);
        if (!more) {
            return err_set(err, ERR_BUG, "out of memory");
        }
        match->items = more;
        match->capacity = capacity;
    }
    struct store_match item = {
        .push = push, .target = target, .tag = push->image.tag[0] ? push->image.tag : NULL};
    if (target->problem[0]) {
        item.result = target->stopped ? RESULT_UNCHANGED : RESULT_FAILED;
        item.reason = target->problem;
    }
    match->items[match->count++] = item;
    return true;
}

/* The range of one repository's targets; targets are sorted by repository. */
static size_t match_first(const struct match *match, const struct ref *image) {
    size_t low = 0;
    size_t high = match->targets.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (match_compare_image(&match->targets.items[middle].image, image) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool match_push(struct match *match, const struct push *push, size_t *out_targets,
                       struct err *err) {
    for (size_t i = match_first(match, &push->image);
         i < match->targets.count &&
         match_compare_image(&match->targets.items[i].image, &push->image) == 0;
         i++) {
        const struct target *target = &match->targets.items[i];
        /* No item for a tag that the policy does not want; but report a target that never wants its
         * own tag. */
        bool own_tag = !push->image.tag[0] || strcmp(push->image.tag, target->image.tag) == 0;
        if (!target->enabled || (!own_tag && !match_verdict(target, &push->image).wanted)) {
            continue;
        }
        if (!match_add(match, push, target, err)) {
            return false;
        }
        (*out_targets)++;
    }
    return true;
}

static bool match_all(struct match *match, struct err *err) {
    for (size_t i = 0; i < match->pushes.count;) {
        struct push *newest = match->by_image[i];
        size_t targets = 0;
        if (!match_push(match, newest, &targets, err)) {
            return false;
        }
        size_t same = i + 1;
        while (same < match->pushes.count &&
               match_compare_image(&match->by_image[same]->image, &newest->image) == 0 &&
               strcmp(match->by_image[same]->image.tag, newest->image.tag) == 0) {
            match->by_image[same]->superseded_by = targets ? newest->id : 0;
            same++;
        }
        i = same;
    }
    return true;
}

/* In the order of the pushes: the store supersedes earlier ones. */
static int match_compare_push(const void *left, const void *right) {
    const struct store_match *a = left;
    const struct store_match *b = right;
    return (a->push->id > b->push->id) - (a->push->id < b->push->id);
}

/* ---- a later push of an older version does not replace a newer version that waits ---- */

static bool match_versions(const struct settings *settings) {
    switch (settings->policy.kind) {
    case POLICY_MAJOR:
    case POLICY_MINOR:
    case POLICY_PATCH:
    case POLICY_SEMVER:
    case POLICY_REGEX:
        return true;
    case POLICY_DIGEST:
    case POLICY_GLOB:
    case POLICY_FORCE:
    case POLICY_NEVER:
    default:
        return false;
    }
}

static const char *match_tag(const struct store_match *item) {
    return item->tag ? item->tag : item->target->image.tag;
}

static bool match_outdone(const struct store_match *item, const char *tag) {
    return strcmp(tag, match_tag(item)) != 0 &&
           !policy_decide(&item->target->settings.policy, tag, match_tag(item)).wanted;
}

static void match_give_way(struct store_match *item) {
    item->result = RESULT_SUPERSEDED;
    item->reason = "a newer version waits for it already";
}

static bool match_waits(const struct update *open, const struct store_match *item) {
    return strcmp(open->target, item->target->name) == 0 && match_outdone(item, open->image.tag);
}

/* Covered by an open update, or by an item before it? */
static bool match_is_late(const struct match *match, const struct updates *open,
                          const struct store_match *item) {
    for (size_t i = 0; i < open->count; i++) {
        if (match_waits(&open->items[i], item)) {
            return true;
        }
    }
    for (const struct store_match *before = match->items; before < item; before++) {
        if (!before->result && before->target == item->target &&
            match_outdone(item, match_tag(before))) {
            return true;
        }
    }
    return false;
}

/* Items are in the order of their pushes. */
static bool match_versions_first(struct match *match, struct err *err) {
    CLEANUP(updates_release) struct updates open = {0};
    struct store_filter filter = {.open_only = true, .limit = STORE_LIST_MAX};
    bool asked = false;
    for (size_t i = 0; i < match->count; i++) {
        struct store_match *item = &match->items[i];
        if (item->result || !match_versions(&item->target->settings)) {
            continue;
        }
        if (!asked && !store_update_list(match->pipeline->store, &filter, &open, err)) {
            return false;
        }
        asked = true;
        if (match_is_late(match, &open, item)) {
            match_give_way(item);
        }
    }
    return true;
}

bool match_platform(struct pipeline *pipeline, const struct platform *platform, bool *more,
                    struct err *err) {
    CLEANUP(match_release)
    struct match match = {.pipeline = pipeline, .platform = platform};
    struct store_window window = {.platform = platform->name, .limit = MATCH_BATCH};
    *more = false;
    if (!store_unmatched(pipeline->store, &window, &match.pushes, err)) {
        return false;
    }
    if (match.pushes.count == 0) {
        return true;
    }
    if (!match_sort(&match, err) || !match_list(&match, err) || !match_all(&match, err)) {
        return false;
    }
    if (match.count) {
        qsort(match.items, match.count, sizeof *match.items, match_compare_push);
    }
    if (!match_versions_first(&match, err)) {
        return false;
    }
    struct store_matches matches = {
        .platform = platform->name,
        .through = match.pushes.items[match.pushes.count - 1].id,
        .items = match.items,
        .count = match.count,
        .pushes = &match.pushes,
        .now_ms = clock_now_ms(),
    };
    if (!store_match(pipeline->store, &matches, err)) {
        return false;
    }
    for (size_t i = 0; i < matches.superseded; i++) {
        counters_update(platform->name, RESULT_SUPERSEDED);
    }
    if (match.count) {
        /* Updates that waited for a superseded one now wait for the new one, or not at all. */
        store_wake_gate(pipeline->store, STORE_WAKE_WAITING_FOR_OTHERS);
    }
    *more = match.pushes.count == MATCH_BATCH;
    return true;
}
