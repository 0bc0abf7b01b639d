/* Makes tasks for drivers. Owns nothing. */
#include "agent/pipeline/task.h"

void task_begin(const struct pipeline *pipeline, const struct update *update, struct notes *notes,
                struct task *out) {
    out->by[0] = '\0';
    out->task = (struct platform_task){.session = &pipeline->session,
                                       .update = id_text("upd", update->id, out->id),
                                       .by = out->by,
                                       .why = update->back && notes->why[0] ? notes->why : NULL,
                                       .image = update->image,
                                       .settings = pipeline->session.config->defaults,
                                       .journal = notes->driver};
    memcpy(out->task.target, update->target, sizeof out->task.target);
    memcpy(out->task.instance, notes->instance, sizeof out->task.instance);
    memcpy(out->task.digest, notes->to, sizeof out->task.digest);
    notes_kept_settings(notes, &out->task.settings);
}

void task_begin_step(const struct pipeline *pipeline, const struct update *update,
                     struct notes *notes, struct task *out) {
    struct push push = {0};
    task_begin(pipeline, update, notes, out);
    if (store_push_find(pipeline->store, update->push, &push, NULL)) {
        (void)snprintf(out->by, sizeof out->by, "sender %s", push.sender);
        push_release(&push);
    }
}
