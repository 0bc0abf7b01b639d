/* The rules of the Lease by which one of several replicas leads (docs/replicas.md). Pure: takes
 * records with the times at which they were read, and returns the next action; election.c does it.
 *
 * All times are of this machine's CLOCK_BOOTTIME. Timestamps of other machines are never compared:
 * a record's age is the time since this machine saw it change. */
#ifndef LANDWAITER_AGENT_REPLICAS_LEASE_H
#define LANDWAITER_AGENT_REPLICAS_LEASE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define LEASE_HOLDER_SIZE 320 /* a pod's name and a random part */

struct lease_record {
    char holder[LEASE_HOLDER_SIZE]; /* "": released */
    int64_t duration_ms;
    int64_t transitions;
    char acquired[40], renewed[40]; /* compared as texts, never read as times */
    char version[64];               /* resourceVersion */
};

/* lease > renew > 1.2 * retry. */
struct lease_timing {
    int64_t lease_ms; /* others wait this long after the last change they saw */
    int64_t renew_ms; /* a leader stops acting this long after its last renewal */
    int64_t retry_ms;
};
/* 15 s, 10 s and 2 s, and the same proportions for another duration. */
struct lease_timing lease_timing(int64_t lease_ms);

struct lease {
    char identity[LEASE_HOLDER_SIZE]; /* unique to this process */
    struct lease_timing timing;
    bool known; /* the record was read */
    struct lease_record record;
    int64_t seen_ms;  /* when the record was first seen as it is */
    int64_t until_ms; /* this replica leads until then; 0: it does not lead */
};

enum lease_action {
    LEASE_READ,   /* GET */
    LEASE_CREATE, /* POST lease_object */
    LEASE_WRITE,  /* PUT lease_object */
    LEASE_WAIT,   /* another replica leads: again after retry_ms */
};

/* Begins a round: the leader writes at once, all others read. */
enum lease_action lease_begin(const struct lease *lease);
/* Takes the record that was read; NULL: there is none. Never returns LEASE_READ. */
enum lease_action lease_read(struct lease *lease, const struct lease_record *record,
                             int64_t now_ms);
/* The Lease was written by a call that began at asked_ms; leading counts from that time. */
void lease_written(struct lease *lease, const struct lease_record *record, int64_t asked_ms);
/* The Lease was changed (409) or deleted (404) meanwhile: read it before the next write. */
void lease_lost_sight(struct lease *lease);

bool lease_leads(const struct lease *lease, int64_t now_ms);

/* Returns the object to write, which takes the Lease over, renews it, or (release) gives it up; a
 * new reference, NULL: out of memory. wall_ms: only for people who read it. */
struct lease_wish {
    const char *name, *namespace_;
    int64_t wall_ms;
    bool release;
};
json_t *lease_object(const struct lease *lease, const struct lease_wish *wish);
/* ERR_INVALID: the object is no Lease. */
bool lease_parse(const json_t *object, struct lease_record *out, struct err *err) MUST_USE;

#endif
