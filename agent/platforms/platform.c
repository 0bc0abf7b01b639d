/* A session's parts. */
#include "agent/platforms/platform.h"

void *platform_running_of(const struct platform_session *session, const struct platform *platform) {
    for (size_t i = 0; session->running && i < session->running->count; i++) {
        if (session->running->items[i].platform == platform) {
            return session->running->items[i].running;
        }
    }
    return NULL;
}
