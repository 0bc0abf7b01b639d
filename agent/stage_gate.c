/* The gate stage: gathers the facts, lets gate.c decide, and sends what has waited back to ask the
 * registry again before its turn. */
#include "agent/gate.h"
#include "agent/pipeline.h"
#include "agent/turns.h"
#include "base/clock.h"
#include "base/json.h"

#define GATE_PASSED_MS 1000 /* so long after it let one through, others are not asked for again */
#define GATE_FRESH_MS (60 * 1000) /* how old the registry's word may be when it is acted on */

static const struct outcome_backoff gate_away = {.first_ms = 2000, .most_ms = 5 * 60 * 1000};

struct gate_question {
    struct gate_facts facts;
    struct store_updates others; /* where they are not shared */
    struct platform_target target;
};

static void gate_question_release(struct gate_question *question) {
    store_updates_release(&question->others);
}

static bool gate_memory(struct pipeline *pipeline, const struct platform *platform,
                        struct gate_question *question, struct err *err) {
    question->facts.available_memory = -1;
    return !question->target.settings.min_free_memory ||
           platform->available_memory(&pipeline->session, question->target.name,
                                      &question->facts.available_memory, err);
}

/* Since when an approval of this digest is asked for: kept over the ways back to the registry. Now,
 * where it was not asked for yet. */
static int64_t gate_asked(const struct store_update *update, int64_t now_ms) {
    const char *asked_for = json_text(update->journal, "asked_for");
    int64_t asked = json_int(update->journal, "asked", 0);
    bool asks = asked_for && strcmp(asked_for, update->to) == 0 && asked >= GATE_CLOCK_MIN_MS;
    return asks ? asked : now_ms;
}

/* The time that an approval may take begins when somebody can know that it is wanted. */
static void gate_note_asked(struct store_update *update, const struct gate_facts *facts,
                            const struct gate_verdict *verdict) {
    if (verdict->asks_approval) {
        (void)json_object_set_new(update->journal, "asked_for", json_text_or_null(update->to));
        (void)json_object_set_new(update->journal, "asked", json_integer(facts->asked_ms));
    }
}

static struct schedule_verdict gate_schedule(struct pipeline *pipeline,
                                             const struct settings_names *windows, int64_t now_ms) {
    struct gate_shared *shared = pipeline->shared;
    if (!shared) {
        return config_schedule(pipeline->session.config, windows, now_ms);
    }
    if (!shared->decided || !config_names_equal(&shared->windows, windows)) {
        shared->schedule = config_schedule(pipeline->session.config, windows, now_ms);
        shared->windows = *windows;
        shared->decided = true;
    }
    return shared->schedule;
}

/* Where nobody wrote how many, the platform may know better. */
static unsigned gate_concurrency(const struct pipeline *pipeline, const struct platform *platform) {
    const struct config *config = pipeline->session.config;
    return config->concurrency_written || !platform || !platform->at_once
               ? config->concurrency
               : platform->at_once(&pipeline->session);
}

/* The facts about the target alone: as if there were no other update and memory without end.
 * question->target is filled already. */
static void gate_gather(struct pipeline *pipeline, struct store_update *update,
                        struct gate_question *question) {
    struct gate_facts *facts = &question->facts;
    facts->now_ms = pipeline->shared ? pipeline->shared->now_ms : clock_now_ms();
    facts->update = update;
    facts->settings = &question->target.settings;
    facts->concurrency = gate_concurrency(pipeline, platform_of(update->target));
    facts->others = &question->others;
    facts->asked_ms = gate_asked(update, facts->now_ms);
    facts->held = store_held(pipeline->store, update->target, facts->now_ms, &facts->hold);
    facts->schedule = gate_schedule(pipeline, &facts->settings->windows, facts->now_ms);
    facts->available_memory = INT64_MAX;
    gate_note(update, facts->settings);
}

/* Of those that wait for nothing but room: one of another image, whose last turn was longer ago. */
static const struct store_update *gate_first(const struct pipeline *pipeline,
                                             const struct store_update *update,
                                             const struct store_updates *others) {
    size_t platform = strcspn(update->target, "/") + 1;
    /* One that is past the gate has taken its turn. */
    bool asks = strcmp(update->stage, "gate") == 0;
    uint64_t own = asks ? turns_last(pipeline->turns, &update->image) : 0;
    for (size_t i = 0; own > 0 && i < others->count; i++) {
        const struct store_update *other = &others->items[i];
        if (json_bool(other->journal, GATE_ROOM, false) && strcmp(other->stage, "gate") == 0 &&
            strncmp(other->target, update->target, platform) == 0 &&
            !ref_same_repository(&other->image, &update->image) &&
            turns_last(pipeline->turns, &other->image) < own) {
            return other;
        }
    }
    return NULL;
}

/* What it may share with others. */
static bool gate_gather_others(struct pipeline *pipeline, const struct store_update *update,
                               struct gate_question *question, struct err *err) {
    if (pipeline->shared) {
        question->facts.others = &pipeline->shared->open;
    } else if (!store_open_others(pipeline->store, update, &question->others, err)) {
        return false;
    }
    question->facts.first = gate_first(pipeline, update, question->facts.others);
    return gate_memory(pipeline, platform_of(update->target), question, err);
}

/* Others count it as being applied since, so that there is room for it still. A hold or a window is
 * looked at once more all the same. */
static bool gate_passed(const struct pipeline *pipeline) {
    return pipeline->passed_boot_ms && clock_boot_ms() - pipeline->passed_boot_ms < GATE_PASSED_MS;
}

bool gate_ask(struct pipeline *pipeline, struct store_update *update,
              const struct platform_target *target, struct gate_verdict *out, struct err *err) {
    CLEANUP(gate_question_release) struct gate_question question = {.target = *target};
    gate_gather(pipeline, update, &question);
    *out = gate_decide(&question.facts);
    gate_note_asked(update, &question.facts, out);
    if (out->answer != GATE_OPEN || gate_passed(pipeline)) {
        return true; /* a hold, an approval, a window: of many that wait, none reads all others */
    }
    if (!gate_gather_others(pipeline, update, &question, err)) {
        return false;
    }
    *out = gate_decide(&question.facts);
    return true;
}

bool gate_fresh(const struct store_update *update) {
    int64_t age_ms = clock_now_ms() - json_int(update->journal, "resolved", 0);
    return age_ms >= 0 && age_ms <= GATE_FRESH_MS; /* set back: nobody knows how old it is */
}

/* Its turn has come: what the registry said long ago is asked again, from the policy on. */
static struct outcome gate_again(struct store_update *update) {
    (void)snprintf(update->stage, sizeof update->stage, "policy");
    return outcome_wait(0, "its turn has come: the registry is asked again");
}

static struct outcome gate_waits(struct store_update *update, const struct gate_verdict *verdict) {
    struct outcome wait = outcome_wait(OUTCOME_UNTIL_WOKEN, "%s", verdict->reason);
    wait.until_ms = verdict->until_ms;
    if (verdict->for_room) {
        (void)json_object_set_new(update->journal, GATE_ROOM, json_true());
    }
    return wait;
}

static struct outcome gate_run(struct pipeline *pipeline, struct store_update *update) {
    struct platform_target target = {0};
    struct err err = ERR_INIT;
    struct outcome missing = {0};
    struct gate_verdict verdict = {0};
    if (!stage_target(pipeline, update, &target, &missing)) {
        return missing;
    }
    pipeline->passed_boot_ms = 0;
    if (!gate_ask(pipeline, update, &target, &verdict, &err)) {
        return outcome_again(update, &gate_away, &err);
    }
    update->attempts = 0; /* it could be asked */
    (void)json_object_del(update->journal, "away");
    switch (verdict.answer) {
    case GATE_EXPIRED:
        return outcome_drop("cancelled", "%s", verdict.reason);
    case GATE_WAIT:
        return gate_waits(update, &verdict);
    case GATE_OPEN:
    default:
        break;
    }
    if (!gate_fresh(update)) {
        return gate_again(update);
    }
    turns_take(pipeline->turns, &update->image);
    pipeline->passed_boot_ms = clock_boot_ms();
    return outcome_next("%s", verdict.reason);
}

struct outcome stage_gate(struct pipeline *pipeline, struct store_update *update) {
    bool waited = json_bool(update->journal, GATE_ROOM, false);
    (void)json_object_del(update->journal, GATE_ROOM);
    struct outcome outcome = gate_run(pipeline, update);
    /* Neither does one that gives way: the one whose turn it is may be asleep. */
    bool asleep = outcome.until_ms == 0 && json_object_get(update->journal, GATE_ROOM);
    outcome.passes = waited && outcome.verdict == VERDICT_WAIT && !asleep;
    return outcome;
}
