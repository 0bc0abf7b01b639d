/* The null platform: runs nothing, answers everything. No configuration turns it on. Tests and the
 * simulation write it a script, and then it runs what that says: any targets, with steps like those
 * of a container's swap. */
#ifndef LANDWAITER_AGENT_PLATFORMS_DRY_H
#define LANDWAITER_AGENT_PLATFORMS_DRY_H

#include "agent/platforms/platform.h"

enum dry_step {
    DRY_PREPARE,
    DRY_CREATE,
    DRY_STOP /* from here it is down */,
    DRY_START,
    DRY_STEPS
};

struct dry_call {
    enum dry_step step;
    bool undo;
};

/* As the members of struct platform of the same name. fetch: NULL where nothing is fetched. */
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

/* Before threads start. With a script the platform is configured; NULL: it runs nothing again. */
void dry_play(const struct dry_script *script);

#endif
