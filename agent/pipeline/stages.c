/* The table of stages. Owns no state. */
#include "agent/pipeline/stages.h"

static bool always_quick(const struct update *update) {
    (void)update;
    return true;
}

const struct stage_row stages_table[STAGES_COUNT] = {
    {.stage = STAGE_POLICY, .question = "may this target want that tag?", .run = stage_policy},
    {.stage = STAGE_RESOLVE,
     .question = "what does the registry say the tag is, right now?",
     .run = stage_resolve,
     .at_most = 2,
     .in_all = STAGES_RESOLVE_AT_ONCE,
     .work = HOSTS_RESOLVE},
    {.stage = STAGE_VERIFY,
     .question = "did the right key or identity sign that digest?",
     .run = stage_verify},
    {.stage = STAGE_FETCH,
     .question = "are the bytes here?",
     .run = stage_fetch,
     .at_most = 2,
     .in_all = STAGES_FETCH_AT_ONCE,
     .work = HOSTS_FETCH,
     .quick = stage_fetch_quick},
    {.stage = STAGE_GATE,
     .question = "may it happen now?",
     .run = stage_gate,
     .exclusive = true,
     .quick = always_quick},
    {.stage = STAGE_APPLY, .question = "swap it, journalled step by step", .run = stage_apply},
    {.stage = STAGE_OBSERVE, .question = "does it come up and stay up?", .run = stage_observe},
    {.stage = STAGE_SETTLE, .question = "commit, or put the old one back", .run = stage_settle},
    {.stage = STAGE_NOTIFY, .question = "tell people, CI and metrics", .run = stage_notify},
};

static struct outcome run_unknown(struct pipeline *pipeline, const struct update *update,
                                  struct notes *notes) {
    (void)pipeline;
    (void)update;
    (void)notes;
    return outcome_fail("this version does not know the stage that it was in: look at the target, "
                        "then `landwaiter retry` it");
}

const struct stage_row *stages_row(enum stage stage) {
    static const struct stage_row unknown = {.stage = STAGE_UNKNOWN, .run = run_unknown};
    return stage < STAGES_COUNT ? &stages_table[stage] : &unknown;
}
