/* Who of several replicas works: the rules of a Lease (kubernetes.md section D). Pure: what was
 * read and when in, what to do out; `election` does it.
 *
 * Times are of this machine's CLOCK_BOOTTIME only. Another's timestamps are never compared: a
 * record is as old as the moment since which it has been seen unchanged here. */
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
    char acquired[40], renewed[40]; /* as they were written: compared, never read as times */
    char version[64];               /* resourceVersion */
};

/* lease > renew > 1.2 * retry. */
struct lease_timing {
    int64_t lease_ms; /* others wait so long after the last change that they saw */
    int64_t renew_ms; /* who has not renewed for so long acts no more */
    int64_t retry_ms;
};
/* 15 s, 10 s and 2 s, and the same proportions for another duration. */
struct lease_timing lease_timing(int64_t lease_ms);

struct lease {
    char identity[LEASE_HOLDER_SIZE]; /* this process's, and nobody else's ever */
    struct lease_timing timing;
    bool known; /* record says something */
    struct lease_record record;
    int64_t seen_ms;  /* since when the record is as it is */
    int64_t until_ms; /* it leads until then; 0: it does not */
};

enum lease_action {
    LEASE_READ,   /* GET */
    LEASE_CREATE, /* POST lease_object */
    LEASE_WRITE,  /* PUT lease_object */
    LEASE_WAIT,   /* somebody else leads: again after retry_ms */
};

/* Begins a round: who leads writes at once, all others read. */
enum lease_action lease_begin(const struct lease *lease);
/* What the read said; NULL: there is none. Never LEASE_READ. */
enum lease_action lease_read(struct lease *lease, const struct lease_record *record,
                             int64_t now_ms);
/* It was written at a call that began at asked_ms: from then on counts the time that it leads. */
void lease_written(struct lease *lease, const struct lease_record *record, int64_t asked_ms);
/* Somebody else wrote it meanwhile (409), or it is gone (404): what was known is worth nothing. */
void lease_lost_sight(struct lease *lease);

bool lease_leads(const struct lease *lease, int64_t now_ms);

/* The object to write: the record taken over, renewed, or (release) given up. wall_ms is for people
 * who read it. New reference; NULL: out of memory. */
struct lease_wish {
    const char *name, *namespace_;
    int64_t wall_ms;
    bool release;
};
json_t *lease_object(const struct lease *lease, const struct lease_wish *wish);
/* ERR_INVALID: it is no Lease. */
bool lease_parse(const json_t *object, struct lease_record *out, struct err *err) MUST_USE;

#endif
