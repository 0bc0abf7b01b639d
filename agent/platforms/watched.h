/* For the drivers' health gates: detects gaps in the watch of a target, and makes foreign text safe
 * to show. */
#ifndef LANDWAITER_AGENT_PLATFORMS_WATCHED_H
#define LANDWAITER_AGENT_PLATFORMS_WATCHED_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/own.h"

#define WATCHED_BOOT_SIZE 48

/* The id of this boot of the host; "" where the kernel has none. Returns out. */
const char *watched_boot(char out[static WATCHED_BOOT_SIZE]);
/* Notes that this process of this boot is watching. False: out of memory. */
bool watched_note(json_t *notes, const char *boot) MUST_USE;
/* Did the host or this process restart since that note? */
bool watched_gap(const json_t *notes, const char *boot);

/* Copies the first line of a foreign text without control bytes, cut between characters to size. */
void watched_clean(const char *text, char *out, size_t size);

#endif
