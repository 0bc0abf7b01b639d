/* Counts the bytes of a pull. Knows no clock. */
#include "agent/platforms/docker/progress.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"

#define PROGRESS_BYTES_MAX (INT64_C(1) << 40) /* of one layer; more earns no more time */

/* The layer of that id, a new one if there is room; NULL: none. */
static struct progress_layer *progress_find(struct progress *progress, const char *id) {
    for (size_t i = 0; i < progress->count; i++) {
        if (strcmp(progress->layers[i].id, id) == 0) {
            return &progress->layers[i];
        }
    }
    if (progress->count == PROGRESS_LAYERS ||
        strlen(id) >= sizeof progress->layers[progress->count].id) {
        return NULL;
    }
    struct progress_layer *layer = &progress->layers[progress->count++];
    (void)snprintf(layer->id, sizeof layer->id, "%s", id);
    return layer;
}

/* False: the line is about no layer. */
static bool progress_state_of(const char *status, enum progress_state *out) {
    static const struct {
        const char *status;
        enum progress_state state;
    } rows[] = {
        {"Pulling fs layer", PROGRESS_WORKING},   {"Waiting", PROGRESS_WAITING},
        {"Downloading", PROGRESS_WORKING},        {"Retrying", PROGRESS_WORKING},
        {"Verifying Checksum", PROGRESS_WORKING}, {"Download complete", PROGRESS_DONE},
        {"Extracting", PROGRESS_WORKING},         {"Pull complete", PROGRESS_DONE},
        {"Already exists", PROGRESS_DONE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strncmp(status, rows[i].status, strlen(rows[i].status)) == 0) {
            *out = rows[i].state;
            return true;
        }
    }
    return false;
}

void progress_line(struct progress *progress, const json_t *line) {
    const char *id = json_text(line, "id");
    const char *status = json_text(line, "status");
    enum progress_state state = PROGRESS_WORKING;
    if (!id || !status || !progress_state_of(status, &state)) {
        return;
    }
    struct progress_layer *layer = progress_find(progress, id);
    if (!layer) {
        return;
    }
    layer->state = state;
    int64_t bytes = json_int(json_object_member(line, "progressDetail"), "current", 0);
    int64_t *counted = strcmp(status, "Extracting") == 0 ? &layer->extracted : &layer->downloaded;
    bytes = bytes < PROGRESS_BYTES_MAX ? bytes : PROGRESS_BYTES_MAX;
    *counted = bytes > *counted ? bytes : *counted;
}

/* Do all layers that are not here yet wait for other downloads? */
static bool progress_starved(const struct progress *progress) {
    bool waiting = false;
    for (size_t i = 0; i < progress->count; i++) {
        if (progress->layers[i].state == PROGRESS_WORKING) {
            return false;
        }
        waiting = waiting || progress->layers[i].state == PROGRESS_WAITING;
    }
    return waiting;
}

bool progress_tick(struct progress *progress, int64_t now_ms) {
    if (progress->looked_ms && !progress_starved(progress)) {
        progress->charged_ms += now_ms - progress->looked_ms;
    }
    progress->looked_ms = now_ms;
    int64_t bytes = 0;
    for (size_t i = 0; i < progress->count; i++) {
        bytes += progress->layers[i].downloaded / 1024 + progress->layers[i].extracted / 1024;
    }
    return progress->count == 0 ||
           progress->charged_ms <= PROGRESS_GRACE_MS + bytes * 1000 / (PROGRESS_RATE / 1024);
}
