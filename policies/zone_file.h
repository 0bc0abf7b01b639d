/* The file of a time zone; for policies/zone.c only. */
#ifndef LANDWAITER_POLICIES_ZONE_FILE_H
#define LANDWAITER_POLICIES_ZONE_FILE_H

#include "policies/zone.h"

/* Reads a zone's file from /usr/share/zoneinfo, or else from extra_directory (may be NULL). Fails as
 * zone_load does. The caller frees *out. */
bool zone_file_read(const char *name, const char *extra_directory, uint8_t **out, size_t *out_len,
                    struct err *err) MUST_USE;

#endif
