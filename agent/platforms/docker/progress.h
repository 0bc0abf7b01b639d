/* The progress of a pull, as the engine tells it layer by layer (docker-engine.md section 7), and
 * the limit of the whole pull: three minutes, and a second more for each 16 KiB that arrived. A slow
 * line passes, six pulls at once over 1 Mbit/s too; a registry that drips does not. Pure: the
 * caller brings the time. */
#ifndef LANDWAITER_AGENT_PLATFORMS_DOCKER_PROGRESS_H
#define LANDWAITER_AGENT_PLATFORMS_DOCKER_PROGRESS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/own.h"

#define PROGRESS_GRACE_MS (INT64_C(3) * 60 * 1000)
#define PROGRESS_RATE (16 * 1024) /* bytes a second, at least, over the whole pull */
#define PROGRESS_LAYERS 128       /* the engine allows 127 */

enum progress_state {
    PROGRESS_WAITING, /* for other downloads of the engine: not the registry's fault */
    PROGRESS_WORKING,
    PROGRESS_DONE,
};

struct progress_layer {
    char id[16];
    enum progress_state state;
    int64_t downloaded, extracted; /* bytes */
};

/* Starts as {0}. */
struct progress {
    struct progress_layer layers[PROGRESS_LAYERS];
    size_t count;
    int64_t looked_ms;  /* 0: not yet */
    int64_t charged_ms; /* without the time for which all layers waited */
};

/* Takes one line of the stream. */
void progress_line(struct progress *progress, const json_t *line);
/* May the pull go on? now_ms: of any clock that is not set. A stream without layers has no limit
 * here. */
bool progress_tick(struct progress *progress, int64_t now_ms) MUST_USE;

#endif
