/* Remembers facts that never change during a container's life, so that a list need not inspect
 * every container each time. Shared by all workers; bounded. */
#ifndef LANDWAITER_AGENT_PLATFORMS_DOCKER_SEEN_H
#define LANDWAITER_AGENT_PLATFORMS_DOCKER_SEEN_H

#include <jansson.h>
#include <stdbool.h>

#include "agent/platforms/docker/engine.h"
#include "base/ref.h"

#define SEEN_ID_SIZE 80

struct seen {
    char image[REF_TEXT_SIZE]; /* Config.Image, as the owner wrote it */
    char network_of[SEEN_ID_SIZE], ipc_of[SEEN_ID_SIZE], pid_of[SEEN_ID_SIZE]; /* the id of the
                              container whose namespace it uses, or "" */
};

/* Reads from memory, or by one inspect. ERR_GONE: the container no longer exists. */
bool seen_get(struct engine *engine, const char *id, struct seen *out, struct err *err) MUST_USE;
/* Notes a failure of seen_get that concerns this container alone. True: it has failed so often that
 * others need not wait for it. */
bool seen_hopeless(const char *id);
/* Forgets all containers that are not in the answer of GET /containers/json?all=1. */
void seen_retain(const json_t *list);

#endif
