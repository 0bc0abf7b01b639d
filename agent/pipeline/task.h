/* An update as a task for its platform's driver. */
#ifndef LANDWAITER_AGENT_PIPELINE_TASK_H
#define LANDWAITER_AGENT_PIPELINE_TASK_H

#include "agent/model/id.h"
#include "agent/pipeline/context.h"
#include "agent/pipeline/notes.h"

struct task {
    struct platform_task task; /* borrows from the rest, the notes and the update */
    char id[ID_TEXT_SIZE];
    char by[PUSH_SENDER_SIZE + 16];
};

/* Fills *out, which must stay where it is while it is used. The settings are those kept in the
 * notes, over the configuration's defaults; the task's journal is the driver's part of the notes.
 */
void task_begin(const struct pipeline *pipeline, const struct update *update, struct notes *notes,
                struct task *out);
/* The same for a step, which may tell whose push it is. */
void task_begin_step(const struct pipeline *pipeline, const struct update *update,
                     struct notes *notes, struct task *out);

#endif
