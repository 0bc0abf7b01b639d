/* Names of pushes and updates: 63-bit numbers that grow with time, written psh_… and upd_… (13
 * digits of Crockford's base 32). Growing numbers keep the tables append-only and tell which came
 * first, also after a restart or when the clock was set back. */
#ifndef LANDWAITER_AGENT_MODEL_ID_H
#define LANDWAITER_AGENT_MODEL_ID_H

#include <stdbool.h>
#include <stdint.h>

#include "base/own.h"

#define ID_TEXT_SIZE 24

/* The next one: greater than all before it in this process and than any given to id_after.
 * Thread-safe. */
int64_t id_next(void);
/* Ids from now on are greater than this one: called with the largest one stored. */
void id_after(int64_t id);

/* Others make ids too, at the same time: from now on each that begins with the clock has a random
 * end, so that hardly any two are the same. */
void id_spread(void);
/* In none of those, so that there is another one for the second of two that are the same. */
#define ID_SPARE (INT64_C(1) << 19)

/* When it was made, by the clock of whoever made it: about. */
int64_t id_ms(int64_t id);

/* prefix: "psh", "upd". Returns out. */
const char *id_text(const char *prefix, int64_t id, char out[ID_TEXT_SIZE]);
bool id_parse(const char *prefix, const char *text, int64_t *out) MUST_USE;

#endif
