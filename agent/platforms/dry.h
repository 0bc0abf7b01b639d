/* The null platform: runs nothing and answers every call. No configuration enables it. Tests and
 * the simulation give it a script of targets whose steps resemble those of a container's swap. */
#ifndef LANDWAITER_AGENT_PLATFORMS_DRY_H
#define LANDWAITER_AGENT_PLATFORMS_DRY_H

#include "agent/platforms/platform.h"

enum dry_step {
    DRY_PREPARE,
    DRY_CREATE,
    DRY_STOP /* takes the target down */,
    DRY_START,
    DRY_STEPS
};

struct dry_call {
    enum dry_step step;
    bool undo;
};

/* Like the members of struct platform with the same names. fetch: NULL to fetch nothing. */
struct dry_script {
    bool (*list)(const struct platform_session *session, const struct ref *repository,
                 struct targets *out, struct err *err);
    bool (*find)(const struct platform_session *session, const char *target, struct target *out,
                 struct err *err);
    bool (*check)(struct platform_task *task, struct err *err);
    bool (*fetch)(struct platform_task *task, enum platform_fetched *out, struct err *err);
    bool (*step)(struct platform_task *task, const struct dry_call *call, struct err *err);
    bool (*observe)(struct platform_task *task, struct platform_observation *out, struct err *err);
    bool (*available_memory)(const struct platform_session *session, const char *target,
                             int64_t *out, struct err *err);
    bool (*commit)(struct platform_task *task, struct err *err);
};

/* Call before threads start. A script enables the platform; NULL disables it. */
void dry_play(const struct dry_script *script);

#endif
