/* An update's notes: all that its stages find out and have to remember from one to the next. The
 * only part of an update that a stage may write; the engine stores them with each transition.
 *
 * Some are columns of the update's row, as others ask for them in SQL; the rest is its journal, a
 * JSON object. */
#ifndef LANDWAITER_AGENT_PIPELINE_NOTES_H
#define LANDWAITER_AGENT_PIPELINE_NOTES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/model/settings.h"
#include "agent/store/store.h"

/* The settings of the target when its update began: labels may change under way. */
struct notes_settings {
    bool kept;
    int64_t health_timeout_ms, soak_ms, stop_timeout_ms;
    bool rollback;
    bool written[SETTINGS_KEYS];
};

struct notes {
    /* Columns: */
    char instance[TARGET_INSTANCE_SIZE];               /* the target's present one */
    char from[DIGEST_TEXT_SIZE], to[DIGEST_TEXT_SIZE]; /* "" unknown */
    struct update_order order;                         /* owned */
    /* Journal: */
    int64_t resolved_ms;              /* when the registry said `to`; 0: not yet */
    int64_t away_ms;                  /* since when a registry or an engine is away; 0: it is not */
    char asked_for[DIGEST_TEXT_SIZE]; /* the digest that an approval is asked for; "" none … */
    int64_t asked_ms;                 /* … and since when */
    struct notes_settings settings;
    int64_t down_ms;           /* since when the target is down; 0: it is not */
    bool stopped;              /* a step that takes the target down has begun */
    enum stage return_to;      /* once all is undone, on from there; STAGE_UNKNOWN: it ends */
    char good[REASON_SIZE];    /* why it is healthy; "" not known */
    char why[REASON_SIZE];     /* why it is undone, or is left broken; "" it is not */
    char problem[REASON_SIZE]; /* why a step could not be undone; "" all could */
    json_t *driver;            /* the platform's own, an object; owned */
};

/* The notes of a new update. */
void notes_init(struct notes *notes);
void notes_release(struct notes *notes);

/* Reads them from the update as it was stored. Members of another type read as if absent. False
 * (ERR_INVALID, ERR_BUG): the journal is no JSON object, or out of memory. */
bool notes_load(const struct update *update, struct notes *out, struct err *err) MUST_USE;
/* Writes them into the update. ERR_BUG: the journal is too large. */
bool notes_save(const struct notes *notes, struct update *update, struct err *err) MUST_USE;

/* Settings in force while it is applied: into *out, which holds the present ones. */
void notes_keep_settings(struct notes *notes, const struct settings *settings);
void notes_kept_settings(const struct notes *notes, struct settings *out);
/* Group and dependencies, as the other updates ask for them. */
void notes_order(struct notes *notes, const struct settings *settings);
/* Forgets what was done to the target: all of it is undone. */
void notes_undone(struct notes *notes);

#endif
