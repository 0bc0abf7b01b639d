/* An update's notes: the facts that its stages keep for later stages. The only part of an update
 * that a stage may write; the engine stores them with each transition.
 *
 * Notes that SQL queries read are columns of the update's row; the others are its journal, a JSON
 * object. */
#ifndef LANDWAITER_AGENT_PIPELINE_NOTES_H
#define LANDWAITER_AGENT_PIPELINE_NOTES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/model/settings.h"
#include "agent/store/store.h"

/* The target's settings at the start of the update: labels may change meanwhile. */
struct notes_settings {
    bool kept;
    int64_t health_timeout_ms, soak_ms, stop_timeout_ms;
    bool rollback;
    bool written[SETTINGS_KEYS];
};

struct notes {
    /* Columns. */
    char instance[TARGET_INSTANCE_SIZE];               /* of the target at the last look */
    char from[DIGEST_TEXT_SIZE], to[DIGEST_TEXT_SIZE]; /* "" unknown */
    struct update_order order;                         /* owned */
    /* Journal. */
    int64_t resolved_ms;              /* the registry's answer gave `to`; 0: not yet */
    int64_t away_ms;                  /* the registry or engine stopped answering; 0: it answers */
    char asked_for[DIGEST_TEXT_SIZE]; /* the digest that awaits approval; "" none */
    int64_t asked_ms;                 /* the request for that approval */
    struct notes_settings settings;
    int64_t down_ms;           /* the target went down; 0: it is up */
    bool stopped;              /* a step that takes the target down has begun */
    enum stage return_to;      /* the stage to continue with once undone; STAGE_UNKNOWN: end */
    char good[REASON_SIZE];    /* reason of its health; "" not known */
    char why[REASON_SIZE];     /* reason to undo it, or to leave it broken; "" neither */
    char problem[REASON_SIZE]; /* reason that a step could not be undone; "" all could */
    json_t *driver;            /* the platform's own, an object; owned */
    /* Not stored. Group or dependencies changed: others may have waited because of the old ones. */
    bool reordered;
};

/* The notes of a new update. */
void notes_init(struct notes *notes);
void notes_release(struct notes *notes);

/* Reads the notes of a stored update. Ignores members of a wrong type. ERR_INVALID: the journal is
 * no JSON object; ERR_BUG: out of memory. */
bool notes_load(const struct update *update, struct notes *out, struct err *err) MUST_USE;
/* Writes the notes into the update. ERR_BUG: the journal is too large. */
bool notes_save(const struct notes *notes, struct update *update, struct err *err) MUST_USE;

/* Keeps the settings for the time of applying; puts them into *out in place of the present ones. */
void notes_keep_settings(struct notes *notes, const struct settings *settings);
void notes_kept_settings(const struct notes *notes, struct settings *out);
/* Notes group, dependencies and project, for the gate of other updates. */
void notes_order(struct notes *notes, const struct target *target);
/* Forgets the steps: all are undone. */
void notes_undone(struct notes *notes);

#endif
