/* Starts, stops and drives the agent. */
#include "tests/simulation/agent.h"

#include <stdio.h>
#include <stdlib.h>

#include "agent/model/id.h"
#include "base/clock.h"
#include "tests/simulation/disk.h"
#include "tests/simulation/world.h"

struct agent agent;

static void changed(void *context) {
    (void)context;
}

static void rearm(void *context) {
    (void)context; /* the timers are checked after each step */
}

static void must(bool good, const struct err *err) {
    if (!good) {
        (void)fprintf(stderr, "simulation: %s\n", err->message);
        abort();
    }
}

void agent_start(void) {
    struct err err = ERR_INIT;
    const struct workers_options options = {
        .config = world.config, .changed = changed, .rearm = rearm};
    must(store_open(world.config->state, &agent.store, &err), &err);
    store_wake_gate(agent.store, STORE_WAKE_ALL);
    must(store_platform_begin(agent.store, "dry", &err), &err);
    must(workers_new(&options, &agent.workers, &err), &err);
    must(workers_start(agent.workers, &err), &err);
    agent.kicked_ms = agent.kicked_boot_ms = 0;
}

void agent_forget(void) {
    workers_free(agent.workers);
    store_free(agent.store);
    agent = (struct agent){.store = NULL};
}

void agent_kick(void) {
    agent.kicked_ms = clock_now_ms();
    agent.kicked_boot_ms = clock_boot_ms();
    workers_kick(agent.workers);
}

/* Caches store_next_due until the store is written. */
static int64_t next_due(void) {
    static uint64_t writes;
    static int64_t after_ms, due_ms;
    if (writes != disk_writes() || after_ms != agent.kicked_ms) {
        after_ms = agent.kicked_ms;
        due_ms = store_next_due(agent.store, after_ms);
        writes = disk_writes();
    }
    return due_ms;
}

bool agent_timers(void) {
    if (next_due() <= clock_now_ms() ||
        workers_next_ms(agent.workers, agent.kicked_boot_ms) <= clock_boot_ms()) {
        agent_kick();
        return true;
    }
    return false;
}

int64_t agent_next_ms(void) {
    int64_t due = next_due();
    int64_t again = workers_next_ms(agent.workers, agent.kicked_boot_ms);
    int64_t wall = due == INT64_MAX ? INT64_MAX : due - clock_now_ms();
    int64_t boot = again == INT64_MAX ? INT64_MAX : again - clock_boot_ms();
    int64_t next = wall < boot ? wall : boot;
    return next < 0 ? 0 : next;
}

void agent_decided(void) {
    store_wake_gate(agent.store, STORE_WAKE_WAITING_FOR_OTHERS);
    workers_kick(agent.workers);
}

void agent_look_again(void) {
    store_wake_gate(agent.store, STORE_WAKE_ALL);
    agent_kick();
}

int64_t agent_accept(const char *sender, const char *image) {
    struct source_image pushed = {.meta = NULL};
    struct err err = ERR_INIT;
    must(ref_parse(image, &pushed.ref, &err), &err);
    struct webhook_delivery delivery = {.sender = sender, .images = &pushed, .count = 1};
    struct webhook_delivery *batch = &delivery;
    store_accept(agent.store, &batch, 1, clock_now_ms());
    workers_pushed(agent.workers);
    int64_t id = 0;
    return delivery.outcome == WEBHOOK_ACCEPTED && id_parse("psh", delivery.id, &id) ? id : 0;
}
