/* The scripted world around the agent: targets of the null platform, a registry, a configuration.
 * Keeps the real state, apart from the agent's beliefs. */
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
    unsigned old;     /* the old container during a swap; 0: none */
    unsigned created; /* 0: none */
    bool up;
    unsigned instance;
    int64_t started_ms;    /* boot time of its last start */
    int64_t stopped_by;    /* the update whose stop was tried, and is carried through; 0: none */
    int64_t touched_by;    /* the last update that changed it */
    int64_t checked;       /* the last update whose end was checked */
    unsigned touched_from; /* the digest before */
    bool meddled;          /* somebody changed it since */
    struct {
        uint64_t at;             /* the world's sequence */
        int64_t wall_ms;         /* the clock's */
    } found[MACHINE_COROUTINES]; /* each thread's last look, since the agent's start */
    bool refused[WORLD_DIGESTS]; /* rolled back here */
};

struct world {
    struct config *config; /* in force */
    struct world_target targets[WORLD_TARGETS];
    unsigned target_count;
    unsigned digests; /* the last number given; later pushes have greater ones */
    enum quality quality[WORLD_DIGESTS];
    unsigned served[WORLD_REPOSITORIES][WORLD_TAGS]; /* the registry's present answers */
    unsigned pending[WORLD_REPOSITORIES][WORLD_TAGS];
    int64_t pending_ms[WORLD_REPOSITORIES][WORLD_TAGS]; /* boot time of the move to pending */
    unsigned version[WORLD_REPOSITORIES];
    unsigned trouble, slow; /* per mille of calls that fail; that are slow */
    bool healthy;           /* nothing outside fails any more */
    bool memory;            /* enough memory is free */
    unsigned most_at_once;
    unsigned senders;     /* 1 or 2 */
    uint64_t sequence;    /* grows with each step */
    uint64_t reloaded_at; /* sequence of the last reload */
    uint64_t clock_set_at;
    uint64_t hold_at[WORLD_TARGETS + 1]; /* sequence of the hold; 0: none; the last: all targets */
    bool forgets_undo;                   /* planted fault: undo does nothing */
};

extern struct world world;

/* Chooses targets, a registry and a configuration at random, and installs them (dry.h, http.h). */
void world_begin(void);
void world_end(void);
/* The agent's threads are gone, with all that they have seen. */
void world_forget(void);
/* Chooses another configuration at random. */
void world_reconfigure(void);

/* The digest of that number, and back; 0: unknown. */
void world_digest(unsigned number, char out[DIGEST_TEXT_SIZE]);
unsigned world_number(const char *digest);
/* Finds a target; NULL: none. */
struct world_target *world_target(const char *name);
/* The settings in force. */
void world_settings(const struct world_target *target, struct settings *out);
/* The target as the platform would list it, without failures. */
void world_fill(const struct world_target *target, struct target *out);

/* Pushes a new image to the registry, now or soon. Gives its reference, with or without the
 * digest. */
struct world_push {
    char image[160];
    char digest[DIGEST_TEXT_SIZE]; /* "" if not told */
};
void world_push_image(struct world_push *out);

/* Called before the first step that takes a target down. */
extern void (*world_before_stop)(const struct world_target *target,
                                 const struct platform_task *task);
/* Called after a start of another digest. */
extern void (*world_after_start)(const struct world_target *target,
                                 const struct platform_task *task);

#endif
