/* The world around the agent, scripted: targets of the null platform, a registry, people's
 * configuration. It keeps what really happened, apart from what the agent believes. */
#ifndef LANDWAITER_TESTS_SIMULATION_WORLD_H
#define LANDWAITER_TESTS_SIMULATION_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/config/config.h"
#include "agent/platforms/dry.h"
#include "agent/store/store.h"
#include "base/http.h"
#include "tests/simulation/machine.h"

#define WORLD_TARGETS 8
#define WORLD_REPOSITORIES 3
#define WORLD_TAGS 2 /* `stable`, and the newest version */
#define WORLD_DIGESTS 4096

enum quality { QUALITY_GOOD, QUALITY_SICK /* never healthy */, QUALITY_UNSTARTABLE };

struct world_target {
    char name[32]; /* "dry/t3" */
    unsigned repository;
    bool versions; /* policy `minor` on a version's tag; else `digest` on `stable` */
    char tag[32], old_tag[32];
    unsigned running; /* digest number */
    unsigned old;     /* the one aside while it is swapped; 0: none */
    unsigned created; /* 0: none */
    bool up;
    unsigned instance;
    int64_t started_ms;    /* boot time of the start of what runs */
    int64_t touched_by;    /* the update that changed it last */
    int64_t checked;       /* the update whose end was looked at */
    unsigned touched_from; /* what ran before that */
    bool meddled;          /* somebody changed it since */
    struct {
        uint64_t at;             /* the world's sequence */
        int64_t wall_ms;         /* the clock's */
    } found[MACHINE_COROUTINES]; /* the last look of each thread */
    bool refused[WORLD_DIGESTS]; /* rolled back here */
};

struct world {
    struct config *config; /* in force */
    struct world_target targets[WORLD_TARGETS];
    unsigned target_count;
    unsigned digests; /* numbers given so far; a later push has a greater one */
    enum quality quality[WORLD_DIGESTS];
    unsigned served[WORLD_REPOSITORIES][WORLD_TAGS]; /* what the registry says now */
    unsigned pending[WORLD_REPOSITORIES][WORLD_TAGS];
    int64_t pending_ms[WORLD_REPOSITORIES][WORLD_TAGS]; /* boot time when it will */
    unsigned version[WORLD_REPOSITORIES];
    unsigned trouble, slow; /* so many of a thousand calls fail; take long */
    bool healthy;           /* nothing of the outside fails any more */
    bool memory;            /* there is enough */
    unsigned most_at_once;
    uint64_t sequence;    /* grows with each step */
    uint64_t reloaded_at; /* … and what happened then */
    uint64_t clock_set_at;
    uint64_t hold_at[WORLD_TARGETS + 1]; /* 0: none; the last: of all */
    bool forgets_undo;                   /* a planted fault: says undone, and is not */
};

extern struct world world;

/* Draws targets, a registry and a configuration, and plays them (dry.h, http.h). */
void world_begin(void);
void world_end(void);
/* Draws another configuration. */
void world_reconfigure(void);

/* The digest of that number, and back; 0: none of ours. */
void world_digest(unsigned number, char out[DIGEST_TEXT_SIZE]);
unsigned world_number(const char *digest);
/* NULL: there is none. */
struct world_target *world_target(const char *name);
/* The settings that hold for it now. */
void world_settings(const struct world_target *target, struct settings *out);
/* What the pipeline's find would say, without trouble. */
void world_fill(const struct world_target *target, struct target *out);

/* A new image in the registry, soon or now. Gives its reference, with the digest or without. */
struct world_push {
    char image[160];
    char digest[DIGEST_TEXT_SIZE]; /* "" where it is not told */
};
void world_push_image(struct world_push *out);

/* Called before the first step that takes a target down. */
extern void (*world_before_stop)(const struct world_target *target,
                                 const struct platform_task *task);
/* Called when something was started. */
extern void (*world_after_start)(const struct world_target *target,
                                 const struct platform_task *task);

#endif
