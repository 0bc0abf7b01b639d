/* The tools of one worker while it takes an update through its stages. */
#ifndef LANDWAITER_AGENT_PIPELINE_CONTEXT_H
#define LANDWAITER_AGENT_PIPELINE_CONTEXT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/pipeline/hosts.h"
#include "agent/pipeline/resolver.h"
#include "agent/platforms/platform.h"
#include "agent/store/store.h"

struct gate_shared;
struct turns;

struct pipeline {
    struct store *store;
    struct platform_session session;
    struct registry_client registry;
    struct resolver *resolver;
    struct hosts *hosts;        /* NULL: no host is in trouble */
    struct turns *turns;        /* NULL: no turns */
    pthread_mutex_t *exclusive; /* held while an exclusive stage decides; NULL: single worker */
    bool alone;                 /* this pipeline holds it; the engine lets it go */
    struct gate_shared *shared; /* facts shared by the questions of one instant; NULL: none */
    /* Wakes the workers: a condition that an update waits for has changed. */
    void (*changed)(void *context);
    /* Several replicas: is the last write replicated? NULL: single replica. */
    bool (*replicated)(void *context, struct err *err);
    /* Several replicas: does this one lead at this moment? Decisions are stored only while it does.
     * NULL: single replica. */
    bool (*may_act)(void *context);
    void *context;
    /* For the engine only (pipeline.c, journal.c); stages get the update as const. */
    struct update *moving;
    int64_t passed_boot_ms; /* time of passing the gate in this advance; 0: not yet */
};

#endif
