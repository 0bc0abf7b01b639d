/* What runs targets: one driver for each platform, and a null one. The pipeline knows nothing else
 * of Docker or Kubernetes.
 *
 * All calls block and are made by one worker thread at a time for one target. Every step is
 * idempotent: it looks at what is really there, does what is missing and nothing else, so that it
 * can be run again after a crash at any instant. */
#ifndef LANDWAITER_AGENT_PLATFORMS_PLATFORM_H
#define LANDWAITER_AGENT_PLATFORMS_PLATFORM_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/config/config.h"
#include "agent/model/result.h"
#include "agent/model/target.h"
#include "agent/platforms/targets.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/http.h"
#include "base/ref.h"
#include "registry/credentials.h"

#define PLATFORM_COUNT_MAX 8

/* What drivers keep running beside the workers (watches, an index). */
struct platform;
struct platform_running {
    struct {
        const struct platform *platform;
        void *running;
    } items[PLATFORM_COUNT_MAX];
    size_t count;
};

/* What a call may use. One for each worker. */
struct platform_session {
    const struct config *config;
    struct http_client *http;
    const struct platform_running *running;
    /* What drivers may share between the calls of one question that only reads (an object); NULL:
     * every call asks anew. */
    json_t *shared;
};

/* One target on its way to one digest. The journal is the driver's own notes (a JSON object): kept
 * with the update, stored before each step. */
struct platform_task {
    const struct platform_session *session;
    const char *update; /* "upd_…", for marks and messages */
    const char *by;     /* whose push it is: "sender ci"; "" where it is not asked for */
    const char *why;    /* it is being undone: why; else NULL */
    char target[TARGET_NAME_SIZE];
    char instance[TARGET_INSTANCE_SIZE]; /* the old one */
    struct ref image;                    /* with the tag that the target shall have */
    char digest[DIGEST_TEXT_SIZE];       /* what it shall run */
    struct settings settings;
    json_t *journal;
};

enum platform_fetched { PLATFORM_FETCHED, PLATFORM_SAME /* it already runs that content */ };

/* A driver sets this in the journal when a step found that somebody else had changed the target
 * before: nothing of the update is on it, and nothing is to be put back. Its value is the text of
 * the update's result (agent/model/result.h). */
#define PLATFORM_UNTOUCHED "untouched"

enum platform_health {
    PLATFORM_PENDING,
    PLATFORM_HEALTHY,
    PLATFORM_UNHEALTHY,
    /* Somebody else changed the target meanwhile: it is theirs now, and neither committed nor put
     * back. */
    PLATFORM_OVERTAKEN,
};
struct platform_observation {
    enum platform_health health;
    enum result result;       /* of OVERTAKEN: the update's */
    int64_t again_ms;         /* PENDING: look again after so long */
    char reason[REASON_SIZE]; /* "healthy after 4.1 s"; "exited with code 3: …"; "starting
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
    /* Nothing is down while it fails for now: it is tried again for as long as it takes, and not
     * undone. */
    bool patient;
};

/* What a driver may start beside the workers. */
struct platform_start {
    struct config *config; /* a reference is the driver's own, where it takes one */
    /* What it knows has changed, so that what failed for now may be tried again. From any thread;
     * must not block. */
    void (*changed)(void *context);
    /* May it change something at this moment? Asked at each change. NULL: always. */
    bool (*may_act)(void *context);
    void *context;
};

struct platform {
    const char *name;   /* "docker"; NULL ends the table */
    const char *opt_in; /* what its owner does to have a target updated: "set the label …" */
    bool (*configured)(const struct config *config);
    /* Begins what runs beside the workers; ends it, with none of them at work. NULL: nothing does.
     */
    bool (*start)(const struct platform_start *start, void **out, struct err *err);
    void (*stop)(void *running);
    /* It lists one repository from memory, so that it may be asked for each of many. */
    bool indexed;
    /* How many updates at once where nobody wrote `concurrency`; NULL: the built-in number. */
    unsigned (*at_once)(const struct platform_session *session);
    /* Does it answer? */
    bool (*probe)(const struct platform_session *session, struct err *err);
    /* Adds the targets whose image is of that repository (tag and digest ignored), all when
     * repository is NULL, to those that *out has. Those that are not enabled are included. False:
     * none was added. */
    bool (*list)(const struct platform_session *session, const struct ref *repository,
                 struct targets *out, struct err *err);
    /* The target as it is now; ERR_GONE when there is none of that name. */
    bool (*find)(const struct platform_session *session, const char *target, struct target *out,
                 struct err *err);
    /* May this be done at all? ERR_INVALID with the reason for what is not supported. Reads only.
     */
    bool (*check)(struct platform_task *task, struct err *err);
    /* Brings the bytes here; the target is not touched. */
    bool (*fetch)(struct platform_task *task, enum platform_fetched *out, struct err *err);
    const struct platform_step *steps;
    /* Has the step that changes the target taken hold, or can it not be told apart from what others
     * did? Asked before that step is tried again: where it has not, the target may still wait for
     * another window. NULL: what is stored is so. */
    bool (*begun)(struct platform_task *task, bool *out, struct err *err);
    bool (*observe)(struct platform_task *task, struct platform_observation *out, struct err *err);
    /* Memory that is available where the target runs, in bytes; -1: cannot be known. */
    bool (*available_memory)(const struct platform_session *session, const char *target,
                             int64_t *out, struct err *err);
    /* Adds what would bite to a report (finding.h), besides what probe and list tell; NULL:
     * nothing. */
    void (*examine)(const struct platform_session *session, json_t *report);
    /* It is good: removes the old one. From then on there is no way back. Idempotent. */
    bool (*commit)(struct platform_task *task, struct err *err);
};

/* A platform's own part of a session; NULL: it does not run. */
void *platform_running_of(const struct platform_session *session, const char *name);

#endif
