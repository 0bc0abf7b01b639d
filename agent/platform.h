/* What runs targets: one driver for each platform, and a null one. The pipeline knows nothing else
 * of Docker or Kubernetes.
 *
 * All calls block and are made by one worker thread at a time for one target. Every step is
 * idempotent: it looks at what is really there, does what is missing and nothing else, so that it
 * can be run again after a crash at any instant. */
#ifndef LANDWAITER_AGENT_PLATFORM_H
#define LANDWAITER_AGENT_PLATFORM_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/config.h"
#include "agent/settings.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/http.h"
#include "base/ref.h"
#include "registry/credentials.h"

#define PLATFORM_TARGET_SIZE 320   /* "kubernetes/NAMESPACE/KIND/NAME/CONTAINER" */
#define PLATFORM_INSTANCE_SIZE 128 /* container id, uid */
#define PLATFORM_REASON_SIZE 320

struct platform_target {
    char name[PLATFORM_TARGET_SIZE];       /* "docker/site" */
    char instance[PLATFORM_INSTANCE_SIZE]; /* which one it is now; changes when it is re-created */
    struct ref image;                      /* as its owner wrote it, normalised, with its tag */
    char running[DIGEST_TEXT_SIZE]; /* the manifest digest it runs, "" when unknown (locally built)
                                     */
    bool enabled;                   /* selected, and opted in where that is needed */
    struct settings settings;
    /* The problem is only that it does not run: nothing is wrong, there is nothing to do. */
    bool stopped;
    char problem[256]; /* not empty: it must be left alone, and why */
};

struct platform_targets {
    struct platform_target *items;
    size_t count;
    size_t capacity;
};
void platform_targets_release(struct platform_targets *targets);
/* A new zeroed entry at the end, or NULL (out of memory). */
struct platform_target *platform_targets_add(struct platform_targets *targets);

/* What a call may use. One for each worker. */
struct platform_session {
    const struct config *config;
    struct http_client *http;
    /* What drivers may share between the calls of one question that only reads (an object); NULL:
     * every call asks anew. */
    json_t *shared;
};

/* One target on its way to one digest. The journal is the driver's own notes (a JSON object): kept
 * with the update, stored before each step. */
struct platform_task {
    const struct platform_session *session;
    const char *update; /* "upd_…", for marks and messages */
    char target[PLATFORM_TARGET_SIZE];
    char instance[PLATFORM_INSTANCE_SIZE]; /* the old one */
    struct ref image;                      /* with the tag that the target shall have */
    char digest[DIGEST_TEXT_SIZE];         /* what it shall run */
    struct settings settings;
    json_t *journal;
};

enum platform_fetched { PLATFORM_FETCHED, PLATFORM_SAME /* it already runs that content */ };

enum platform_health { PLATFORM_PENDING, PLATFORM_HEALTHY, PLATFORM_UNHEALTHY };
struct platform_observation {
    enum platform_health health;
    int64_t again_ms;                  /* PENDING: look again after so long */
    char reason[PLATFORM_REASON_SIZE]; /* "healthy after 4.1 s"; "exited with code 3: …"; "starting
                                          (health check: starting)" */
};

struct platform_step {
    const char *name; /* NULL ends the table */
    const char *what; /* for history and documentation: "stop the old container" */
    /* ERR_TRANSIENT is tried again; anything else undoes the steps so far. */
    bool (*run)(struct platform_task *task, struct err *err);
    /* NULL: nothing to undo. ERR_TRANSIENT is tried again for as long as it takes. */
    bool (*undo)(struct platform_task *task, struct err *err);
    /* The target is down while it runs: its journal entry need survive a crash of the agent only,
     * not of the machine (the step looks at what is there anyway), so no disk is waited for. */
    bool down;
};

struct platform {
    const char *name; /* "docker"; NULL ends the table */
    bool (*configured)(const struct config *config);
    /* Does it answer? */
    bool (*probe)(const struct platform_session *session, struct err *err);
    /* Adds the targets whose image is of that repository (tag and digest ignored), all when
     * repository is NULL, to those that *out has. Those that are not enabled are included. False:
     * none was added. */
    bool (*list)(const struct platform_session *session, const struct ref *repository,
                 struct platform_targets *out, struct err *err);
    /* The target as it is now; ERR_GONE when there is none of that name. */
    bool (*find)(const struct platform_session *session, const char *target,
                 struct platform_target *out, struct err *err);
    /* May this be done at all? ERR_INVALID with the reason for what is not supported. Reads only.
     */
    bool (*check)(struct platform_task *task, struct err *err);
    /* Brings the bytes here; the target is not touched. */
    bool (*fetch)(struct platform_task *task, enum platform_fetched *out, struct err *err);
    const struct platform_step *steps;
    bool (*observe)(struct platform_task *task, struct platform_observation *out, struct err *err);
    /* Memory that is available where the target runs, in bytes; -1: cannot be known. */
    bool (*available_memory)(const struct platform_session *session, const char *target,
                             int64_t *out, struct err *err);
    /* It is good: removes the old one. From then on there is no way back. Idempotent. */
    bool (*commit)(struct platform_task *task, struct err *err);
};

/* docker, dry. Ends with a NULL name. */
extern const struct platform *const platform_table[];
const struct platform *platform_find(const char *name);
/* By the part of a target's name before the first slash. */
const struct platform *platform_of(const char *target);

extern const struct platform platform_docker;
/* The null platform: runs nothing, answers everything. */
extern const struct platform platform_dry;

#endif
