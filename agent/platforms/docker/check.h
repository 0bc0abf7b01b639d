/* What of a container cannot be updated yet, said before anything is touched. */
#ifndef LANDWAITER_AGENT_PLATFORMS_DOCKER_CHECK_H
#define LANDWAITER_AGENT_PLATFORMS_DOCKER_CHECK_H

#include "agent/platforms/platform.h"

/* struct platform's check: ERR_INVALID with a sentence, ERR_GONE when it is another one now. */
bool check_container(struct platform_task *task, struct err *err);

/* The part that the container's own document tells. Pure. */
bool check_document(const json_t *inspect, struct err *err) MUST_USE;
/* Legacy links show in the target's own list entry as further names, "/CONSUMER/ALIAS": writes the
 * first consumer's name. Pure. */
bool check_linked(const json_t *entry, char *consumer, size_t size);

#endif
