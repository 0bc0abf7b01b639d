/* Deliveries on their way into the cluster's API: taken from the intake, written in batches by a
 * thread of its own (so that the API may take its time), then answered. */
#ifndef LANDWAITER_AGENT_REPLICAS_INBOX_H
#define LANDWAITER_AGENT_REPLICAS_INBOX_H

#include "agent/replicas/record.h"
#include "agent/store/store.h"

struct inbox;

struct inbox_options {
    struct records records; /* what it points to is borrowed */
    const char *state;      /* directory */
    /* Some were stored, or cannot be: from its thread. */
    void (*changed)(void *context);
    void *context;
};

bool inbox_new(const struct inbox_options *options, struct inbox **out, struct err *err) MUST_USE;
bool inbox_start(struct inbox *inbox, struct err *err) MUST_USE;
/* What is not written yet is not accepted. */
void inbox_stop(struct inbox *inbox);
void inbox_free(struct inbox *inbox);

/* Both with the caller's store. Sets outcome (WEBHOOK_PENDING, where it is not known already) and
 * id of each. */
struct inbox_batch {
    struct store *store;
    struct webhook_delivery *const *deliveries;
    size_t count;
    int64_t now_ms;
};
void inbox_offer(struct inbox *inbox, const struct inbox_batch *batch);
enum webhook_outcome inbox_accepted(struct inbox *inbox, struct store *store, const char *id);

#endif
