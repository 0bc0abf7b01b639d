/* Writes the step that a swap has reached. Runs none. */
#include "agent/pipeline/journal.h"

#include "base/crashpoint.h"
#include "base/log.h"

bool journal_replicated(const struct pipeline *pipeline, struct err *err) {
    return !pipeline->replicated || pipeline->replicated(pipeline->context, err);
}

bool journal_step(struct pipeline *pipeline, const struct notes *notes,
                  const struct journal_entry *entry, struct err *err) {
    struct update *update = pipeline->moving;
    const struct platform_step *step = entry->step;
    if (!notes_save(notes, update, err)) {
        return false;
    }
    update->attempts = strcmp(update->step, step->name) == 0 ? update->attempts : 0;
    (void)snprintf(update->step, sizeof update->step, "%s", step->name);
    char detail[REASON_SIZE];
    (void)snprintf(detail, sizeof detail, "%s%s", update->back ? "back: " : "", step->what);
    struct store_event event = {.stage = update->stage,
                                .event = update->back ? "undo" : "step",
                                .detail = detail,
                                .fast = step->down && !entry->needed};
    crashpoint("before a step is stored");
    enum store_change change = store_update_save(pipeline->store, update, &event, err);
    crashpoint("after a step is stored");
    if (change == STORE_LOST) {
        return err_set(err, ERR_TRANSIENT, "the update was changed while it was being applied");
    }
    if (change == STORE_FAILED && !entry->needed) {
        log_event(LOG_ERROR, "store.failed", "reason", err->message, NULL);
    }
    if (change != STORE_CHANGED && entry->needed) {
        return false;
    }
    return journal_replicated(pipeline, err);
}
