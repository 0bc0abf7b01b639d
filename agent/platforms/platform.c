/* The parts of a session. */
#include "agent/platforms/platform.h"

void *platform_running_of(const struct platform_session *session, const char *name) {
    for (size_t i = 0; session->running && i < session->running->count; i++) {
        if (strcmp(session->running->items[i].platform->name, name) == 0) {
            return session->running->items[i].running;
        }
    }
    return NULL;
}
