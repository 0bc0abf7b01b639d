/* An update: bring one target to one digest. The unit of work, durable, with a stage and a history.
 */
#ifndef LANDWAITER_AGENT_MODEL_UPDATE_H
#define LANDWAITER_AGENT_MODEL_UPDATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/model/push.h"
#include "agent/model/result.h"
#include "agent/model/scope.h"
#include "agent/model/settings.h"
#include "agent/model/stage.h"
#include "agent/model/target.h"
#include "base/digest.h"
#include "base/ref.h"

#define UPDATE_STEP_SIZE 16
/* not_before_ms of an update that waits for store_wake_gate. */
#define UPDATE_UNTIL_WOKEN (INT64_C(1) << 62)

/* The relations of an update's target to others: columns, because the gate reads those of all open
 * updates. */
struct update_order {
    bool known;                       /* its target was looked at */
    char group[SCOPE_NAME_SIZE];      /* "": none; a name of scope.h */
    char *depends_on;                 /* names of scope.h, comma separated; owned; NULL: none */
    bool waits_for_room;              /* at the gate, it waits only for room to run */
    bool placed;                      /* its project is known */
    char project[SETTINGS_NAME_SIZE]; /* Compose project; "": none */
};
void update_order_release(struct update_order *order);
/* The caller owns *out. False: out of memory. */
bool update_order_copy(const struct update_order *order, struct update_order *out) MUST_USE;

struct update {
    int64_t id, push;
    char target[TARGET_NAME_SIZE];
    char instance[TARGET_INSTANCE_SIZE];
    struct ref image; /* the target's own, with tag */
    enum stage stage;
    enum result result;
    char reason[REASON_SIZE];
    char from[DIGEST_TEXT_SIZE], to[DIGEST_TEXT_SIZE]; /* "" unknown */
    int64_t not_before_ms;                             /* 0: at once */
    int64_t stage_since_ms;
    int64_t attempts; /* transient failures of the present stage or step */
    int64_t created_ms, finished_ms;
    int64_t revision; /* grows with each change; a save with an older one is lost */
    /* From its push: */
    char pushed_digest[DIGEST_TEXT_SIZE];
    int64_t received_ms;
    char sender[PUSH_SENDER_SIZE];
    /* The digest that a person approved; "": none. */
    char approved[DIGEST_TEXT_SIZE];
    char step[UPDATE_STEP_SIZE]; /* the step that was reached; "": before the first */
    bool back;                   /* undoing */
    struct update_order order;   /* owned */
    char *journal; /* the notes of its stages (agent/pipeline/notes.h), JSON; owned; NULL: none */
};
void update_release(struct update *update);

struct updates {
    struct update *items;
    size_t count;
};
void updates_release(struct updates *updates);

/* The part of an open update that the gate reads. Small, because hundreds of updates may each read
 * hundreds of others. */
struct update_other {
    int64_t id, push;
    char target[TARGET_NAME_SIZE];
    struct ref image;
    char sender[PUSH_SENDER_SIZE];
    enum stage stage;
    int64_t not_before_ms, created_ms, stage_since_ms;
    struct update_order order;
};
struct update_others {
    struct update_other *items;
    size_t count;
};
void update_others_release(struct update_others *others);

#endif
