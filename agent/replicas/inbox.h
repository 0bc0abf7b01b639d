/* The queue of deliveries on their way into the cluster's API. A thread of its own writes them in
 * batches, so that a slow API does not block the intake; then they are answered. */
#ifndef LANDWAITER_AGENT_REPLICAS_INBOX_H
#define LANDWAITER_AGENT_REPLICAS_INBOX_H

#include "agent/replicas/record.h"
#include "agent/store/store.h"

struct inbox;

struct inbox_options {
    struct records records; /* its pointers are borrowed */
    const char *state;      /* directory */
    /* Deliveries were stored, or cannot be. Called on the inbox's thread. */
    void (*changed)(void *context);
    void *context;
};

bool inbox_new(const struct inbox_options *options, struct inbox **out, struct err *err) MUST_USE;
bool inbox_start(struct inbox *inbox, struct err *err) MUST_USE;
/* Ends the thread. Deliveries that are not written yet are not accepted. */
void inbox_stop(struct inbox *inbox);
void inbox_free(struct inbox *inbox);

struct inbox_batch {
    struct store *store; /* the caller's connection */
    struct webhook_delivery *const *deliveries;
    size_t count;
    int64_t now_ms;
};
/* Queues the deliveries, and sets the outcome of each (WEBHOOK_PENDING unless it is known already)
 * and its id. */
void inbox_offer(struct inbox *inbox, const struct inbox_batch *batch);
/* The present outcome of a pending delivery. store: the caller's connection. */
enum webhook_outcome inbox_accepted(struct inbox *inbox, struct store *store, const char *id);

#endif
