/* The connections of a control server: which have proved themselves, and which gives way when there
 * are too many. Thread-safe. */
#ifndef LANDWAITER_AGENT_CONTROL_LINKS_H
#define LANDWAITER_AGENT_CONTROL_LINKS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/own.h"
#include "webhook/wire.h"

struct link {
    struct wire wire;
    int fd;
    bool proven;                /* its last request had a right token; under the lock */
    struct link *newer, *older; /* under the lock */
};

struct links {
    pthread_mutex_t lock;
    struct link *newest;
    size_t count;
};

void links_init(struct links *links);
void links_release(struct links *links);

/* Adds a connection, whose reads go through its wire from then on. If there are more than max, the
 * oldest that has proved nothing is shut down. NULL: no memory, or too many open files. */
struct link *link_new(struct links *links, int fd, size_t max) MUST_USE;
/* link may be NULL. */
void link_free(struct links *links, struct link *link);
/* Its next request must be whole within LINK_REQUEST_MS. On the connection's thread. */
#define LINK_REQUEST_MS 20000
void link_renew(struct link *link);
void link_prove(struct links *links, struct link *link, bool proven);

#endif
