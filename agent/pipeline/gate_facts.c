/* Gathers the facts for the gate. Reads the other updates only for an update that waits neither for
 * a window nor for a person. */
#include "agent/pipeline/gate_facts.h"

#include "agent/model/target_name.h"
#include "agent/pipeline/relations.h"
#include "agent/pipeline/turns.h"
#include "agent/platforms/table.h"
#include "base/clock.h"
#include "base/thread.h"

#define PASSED_MS 1000       /* after an update passes, others are not asked again for this long */
#define FRESH_MS (60 * 1000) /* the maximum age of a registry's answer at the gate */

struct gathering {
    struct gate_facts facts;
    struct update_other self;    /* borrowed from the notes */
    struct update_others others; /* owned; NULL where shared */
};

static void gathering_release(struct gathering *gathering) {
    update_others_release(&gathering->others);
}

/* The time when the approval of this digest was requested, kept while the update goes back to the
 * registry; now, if it was not requested yet. */
static int64_t asked_since(const struct notes *notes, int64_t now_ms) {
    bool asks = notes->asked_for[0] && strcmp(notes->asked_for, notes->to) == 0 &&
                notes->asked_ms >= GATE_CLOCK_MIN_MS;
    return asks ? notes->asked_ms : now_ms;
}

/* The time limit of an approval starts when people can know of the request. */
static void note_asked(struct notes *notes, const struct gate_facts *facts,
                       const struct gate_verdict *verdict) {
    if (verdict->asks_approval) {
        memcpy(notes->asked_for, notes->to, sizeof notes->asked_for);
        notes->asked_ms = facts->asked_ms;
    }
}

static struct schedule_verdict schedule_of(struct pipeline *pipeline,
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

/* Without a configured limit the platform may know a better one. */
static unsigned concurrency_of(const struct pipeline *pipeline, const struct platform *platform) {
    const struct config *config = pipeline->session.config;
    return config->concurrency_written || !platform || !platform->at_once
               ? config->concurrency
               : platform->at_once(&pipeline->session);
}

static struct update_other self_of(const struct update *update, const struct notes *notes) {
    struct update_other self = {.id = update->id,
                                .push = update->push,
                                .image = update->image,
                                .stage = update->stage,
                                .not_before_ms = update->not_before_ms,
                                .created_ms = update->created_ms,
                                .stage_since_ms = update->stage_since_ms,
                                .order = notes->order};
    memcpy(self.sender, update->sender, sizeof self.sender);
    memcpy(self.target, update->target, sizeof self.target);
    return self;
}

/* The facts about the target alone, as if there were no other update and unlimited memory. */
static void gather(struct pipeline *pipeline, const struct gate_question *question,
                   struct gathering *out) {
    const struct update *update = question->update;
    struct gate_facts *facts = &out->facts;
    notes_order(question->notes, question->target);
    out->self = self_of(update, question->notes);
    facts->now_ms = pipeline->shared ? pipeline->shared->now_ms : clock_now_ms();
    facts->self = &out->self;
    facts->settings = &question->target->settings;
    facts->approved = update->approved[0] && strcmp(update->approved, question->notes->to) == 0;
    facts->concurrency = concurrency_of(pipeline, platform_of(update->target));
    facts->others = &out->others;
    facts->asked_ms = asked_since(question->notes, facts->now_ms);
    facts->held = store_held(pipeline->store, update->target, facts->now_ms, &facts->hold);
    facts->schedule = schedule_of(pipeline, &facts->settings->windows, facts->now_ms);
    facts->available_memory = INT64_MAX;
}

/* ---- turns ---- */

/* A party's key: no image has a blank in its name. */
static const char *party_key(const char *sender, const char *target, char out[TURNS_KEY_SIZE]) {
    const struct target_part place = target_namespace(target);
    (void)snprintf(out, TURNS_KEY_SIZE, "%s %.*s", sender, (int)place.len, place.text);
    return out;
}

static uint64_t party_turn(const struct pipeline *pipeline, const struct update_other *update) {
    char key[TURNS_KEY_SIZE];
    return turns_last(pipeline->turns, party_key(update->sender, update->target, key));
}

static uint64_t image_turn(const struct pipeline *pipeline, const struct ref *image) {
    char name[REF_NAME_SIZE];
    return turns_last(pipeline->turns, ref_name(image, name));
}

void gate_take_turn(const struct pipeline *pipeline, const struct update *update) {
    char key[TURNS_KEY_SIZE];
    char name[REF_NAME_SIZE];
    turns_take(pipeline->turns, ref_name(&update->image, name));
    turns_take(pipeline->turns, party_key(update->sender, update->target, key));
}

/* Finds an update that waits only for a place, of another party whose last turn is longer ago, or
 * in the same party of another image. An update past the gate has taken its turn. */
static const struct update_other *first_of(const struct pipeline *pipeline,
                                           const struct update_other *self,
                                           const struct update_others *others) {
    size_t platform = strcspn(self->target, "/") + 1;
    const bool waits = self->stage == STAGE_GATE;
    const uint64_t own_party = waits ? party_turn(pipeline, self) : 0;
    const uint64_t own_image = waits ? image_turn(pipeline, &self->image) : 0;
    for (size_t i = 0; own_party + own_image > 0 && i < others->count; i++) {
        const struct update_other *other = &others->items[i];
        if (!other->order.waits_for_room || other->stage != STAGE_GATE ||
            strncmp(other->target, self->target, platform) != 0) {
            continue;
        }
        bool first = relation_same_party(self, other)
                         ? !ref_same_repository(&other->image, &self->image) &&
                               image_turn(pipeline, &other->image) < own_image
                         : party_turn(pipeline, other) < own_party;
        if (first) {
            return other;
        }
    }
    return NULL;
}

static bool gather_memory(struct pipeline *pipeline, const struct gate_question *question,
                          struct gathering *gathering, struct err *err) {
    gathering->facts.available_memory = -1;
    return !question->target->settings.min_free_memory ||
           platform_of(question->update->target)
               ->available_memory(&pipeline->session, question->target->name,
                                  &gathering->facts.available_memory, err);
}

/* Facts that updates may share. */
static bool gather_others(struct pipeline *pipeline, const struct gate_question *question,
                          struct gathering *gathering, struct err *err) {
    if (pipeline->shared) {
        gathering->facts.others = &pipeline->shared->open;
    } else if (!store_list_others(pipeline->store, question->update->id, &gathering->others, err)) {
        return false;
    }
    gathering->facts.first = first_of(pipeline, &gathering->self, gathering->facts.others);
    return true;
}

/* From here on nothing is asked that may not answer. */
static void decide_alone(struct pipeline *pipeline, const struct gate_question *question) {
    if (question->decides && pipeline->exclusive) {
        thread_lock(pipeline->exclusive);
        pipeline->alone = true;
    }
}

/* The update that just passed counts as applying since then, so its place is still free. Check
 * holds and windows again nevertheless. */
static bool passed_just_now(const struct pipeline *pipeline) {
    return pipeline->passed_boot_ms && clock_boot_ms() - pipeline->passed_boot_ms < PASSED_MS;
}

bool gate_ask(struct pipeline *pipeline, const struct gate_question *question,
              struct gate_verdict *out, struct err *err) {
    CLEANUP(gathering_release) struct gathering gathering = {.others = {0}};
    gather(pipeline, question, &gathering);
    *out = gate_decide(&gathering.facts);
    note_asked(question->notes, &gathering.facts, out);
    if (out->answer != GATE_OPEN || passed_just_now(pipeline)) {
        return true;
    }
    if (!gather_memory(pipeline, question, &gathering, err)) {
        return false;
    }
    decide_alone(pipeline, question);
    if (!gather_others(pipeline, question, &gathering, err)) {
        return false;
    }
    *out = gate_decide(&gathering.facts);
    return true;
}

bool gate_fresh(const struct notes *notes) {
    int64_t age_ms = clock_now_ms() - notes->resolved_ms;
    return age_ms >= 0 &&
           age_ms <= FRESH_MS; /* the clock was set back: the answer's age is unknown */
}
