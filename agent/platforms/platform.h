/* A platform runs targets: one driver for each, and a null one. The pipeline knows nothing else of
 * Docker or Kubernetes.
 *
 * Every call blocks; one worker thread at a time calls for one target. Every step is idempotent: it
 * looks at the real state and does only the missing part, so that it can run again after a crash at
 * any instant. */
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

/* The threads that drivers run beside the workers (watches, an index). */
struct platform;
struct platform_running {
    struct {
        const struct platform *platform;
        void *running;
    } items[PLATFORM_COUNT_MAX];
    size_t count;
};

/* The tools of a call; one session for each worker. */
struct platform_session {
    const struct config *config;
    struct http_client *http;
    const struct platform_running *running;
    /* Shared by a driver's calls for one question that only reads (an object); NULL: no sharing. */
    json_t *shared;
};

/* A target and the digest to bring there. The journal holds the driver's own notes (a JSON object);
 * it is part of the update and stored before each step. */
struct platform_task {
    const struct platform_session *session;
    const char *update; /* "upd_…", for marks and messages */
    const char *by;     /* the sender: "sender ci"; "" unless the call needs it */
    const char *why;    /* the reason to undo; NULL: not undoing */
    char target[TARGET_NAME_SIZE];
    char instance[TARGET_INSTANCE_SIZE]; /* of the old version */
    struct ref image;                    /* with the target's new tag */
    char digest[DIGEST_TEXT_SIZE];       /* to run */
    struct settings settings;
    json_t *journal;
};

enum platform_fetched { PLATFORM_FETCHED, PLATFORM_SAME /* runs that content already */ };

/* A driver sets this in the journal when a step finds that somebody else changed the target first:
 * the update has not touched it and must undo nothing. Its value is the text of the update's result
 * (agent/model/result.h). */
#define PLATFORM_UNTOUCHED "untouched"

enum platform_health {
    PLATFORM_PENDING,
    PLATFORM_HEALTHY,
    PLATFORM_UNHEALTHY,
    /* Somebody else changed the target meanwhile. Neither commit nor undo: the target is theirs. */
    PLATFORM_OVERTAKEN,
};
struct platform_observation {
    enum platform_health health;
    enum result result;       /* OVERTAKEN: of the update */
    int64_t again_ms;         /* PENDING: time to the next look */
    char reason[REASON_SIZE]; /* "healthy after 4.1 s"; "exited with code 3: …"; "starting
                                          (health check: starting)" */
};

struct platform_step {
    const char *name; /* NULL ends the table */
    const char *what; /* for history and documentation: "stop the old container" */
    /* ERR_TRANSIENT: retry; any other error: undo the steps so far. */
    bool (*run)(struct platform_task *task, struct err *err);
    /* NULL: nothing to undo. ERR_TRANSIENT: retry without limit. */
    bool (*undo)(struct platform_task *task, struct err *err);
    /* The target is down while the step runs, so that its journal entry skips the wait for the
     * disk: it must survive a crash of the agent only. After one of the machine the step looks at
     * the real state. */
    bool down;
    /* Nothing is down while the step fails transiently: retry without limit instead of undoing. */
    bool patient;
};

/* For the threads of a driver. */
struct platform_start {
    struct config *config; /* the driver takes a reference to keep it */
    /* The driver has news: retry failed work. From any thread; must not block. */
    void (*changed)(void *context);
    /* Several replicas: may the driver change anything at this moment? Ask before each change.
     * NULL: always. */
    bool (*may_act)(void *context);
    void *context;
};

struct platform {
    const char *name;   /* "docker"; NULL ends the table */
    const char *opt_in; /* the owner's part: "set the label …" */
    bool (*configured)(const struct config *config);
    /* Starts and stops the driver's threads; no worker runs at the stop. NULL: none. */
    bool (*start)(const struct platform_start *start, void **out, struct err *err);
    void (*stop)(void *running);
    /* Lists one repository from memory, so that a call for each of many repositories is cheap. */
    bool indexed;
    /* The default of `concurrency`; NULL: the built-in one. */
    unsigned (*at_once)(const struct platform_session *session);
    /* Does the platform answer? */
    bool (*probe)(const struct platform_session *session, struct err *err);
    /* Adds the targets whose image is of that repository (ignoring tag and digest), or all if
     * repository is NULL; also those that are not enabled. False: adds none. */
    bool (*list)(const struct platform_session *session, const struct ref *repository,
                 struct targets *out, struct err *err);
    /* Reads a target. ERR_GONE: none of that name. */
    bool (*find)(const struct platform_session *session, const char *target, struct target *out,
                 struct err *err);
    /* Does the platform support the update? ERR_INVALID: no; the message says why. Reads only. */
    bool (*check)(struct platform_task *task, struct err *err);
    /* Fetches the image. Leaves the target untouched. */
    bool (*fetch)(struct platform_task *task, enum platform_fetched *out, struct err *err);
    const struct platform_step *steps;
    /* Did the step that changes the target take effect, or is that undecidable? Asked before the
     * step is retried: if it did not, the target may still wait for another window. NULL: believe
     * the journal. */
    bool (*begun)(struct platform_task *task, bool *out, struct err *err);
    bool (*observe)(struct platform_task *task, struct platform_observation *out, struct err *err);
    /* Available memory on the target's host, in bytes; -1: unknown. */
    bool (*available_memory)(const struct platform_session *session, const char *target,
                             int64_t *out, struct err *err);
    /* Adds findings (finding.h) to a report, beyond those that probe and list reveal; NULL:
     * none. */
    void (*examine)(const struct platform_session *session, json_t *report);
    /* Commits the update: removes the old version, after which nothing can be undone.
     * Idempotent. */
    bool (*commit)(struct platform_task *task, struct err *err);
};

/* A platform's part of a session; NULL: it does not run. */
void *platform_running_of(const struct platform_session *session, const char *name);

#endif
