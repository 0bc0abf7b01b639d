/* Has something been watched without a gap? And what it says of itself, made fit to be shown. For
 * the drivers' health gates. */
#ifndef LANDWAITER_AGENT_PLATFORMS_WATCHED_H
#define LANDWAITER_AGENT_PLATFORMS_WATCHED_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/own.h"

#define WATCHED_BOOT_SIZE 48

/* Which start of the host this is; "" where the kernel does not tell. Returns out. */
const char *watched_boot(char out[static WATCHED_BOOT_SIZE]);
/* Notes that this process watches, in this start of the host. False: out of memory. */
bool watched_note(json_t *notes, const char *boot) MUST_USE;
/* The host or this process was away since that was noted. */
bool watched_gap(const json_t *notes, const char *boot);

/* The first line of a foreign text, cut between characters to fit size, without control bytes. */
void watched_clean(const char *text, char *out, size_t size);

#endif
