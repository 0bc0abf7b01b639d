/* Names of pushes and updates: 63-bit numbers that grow with time, written psh_… and upd_… (13
 * digits of Crockford's base 32). Growing numbers keep the tables append-only, and give the order
 * of events even after a restart or a clock that was set back. */
#ifndef LANDWAITER_AGENT_MODEL_ID_H
#define LANDWAITER_AGENT_MODEL_ID_H

#include <stdbool.h>
#include <stdint.h>

#include "base/own.h"

#define ID_TEXT_SIZE 24

/* Returns the next id, greater than all before in this process and than any given to id_after.
 * Thread-safe. */
int64_t id_next(void);
/* Makes all further ids greater than this one; called with the largest stored id. */
void id_after(int64_t id);

/* For several replicas, which make ids at the same time: further ids end in random bits, so that
 * two are hardly ever equal. */
void id_spread(void);
/* A bit that no random end has: setting it makes the second of two equal ids unique. */
#define ID_SPARE (INT64_C(1) << 19)

/* The approximate time when the id was made, by its maker's clock. */
int64_t id_ms(int64_t id);

/* prefix: "psh", "upd". Returns out. */
const char *id_text(const char *prefix, int64_t id, char out[ID_TEXT_SIZE]);
bool id_parse(const char *prefix, const char *text, int64_t *out) MUST_USE;

#endif
