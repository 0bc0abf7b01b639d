/* Turns an update into a task for its platform's driver. */
#ifndef LANDWAITER_AGENT_PIPELINE_TASK_H
#define LANDWAITER_AGENT_PIPELINE_TASK_H

#include "agent/model/id.h"
#include "agent/pipeline/context.h"
#include "agent/pipeline/notes.h"

struct task {
    struct platform_task task; /* borrowed from session, notes and update */
    char id[ID_TEXT_SIZE];
    char by[PUSH_SENDER_SIZE + 16];
};

/* Fills *out, which must not move while it is in use. Its settings are those kept in the notes,
 * over the configuration's defaults; its journal is the driver's part of the notes. */
void task_begin(const struct pipeline *pipeline, const struct update *update, struct notes *notes,
                struct task *out);
/* The same for a step, and with the sender's name. */
void task_begin_step(const struct pipeline *pipeline, const struct update *update,
                     struct notes *notes, struct task *out);

#endif
