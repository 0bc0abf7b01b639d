/* The table of payload formats. */
#ifndef LANDWAITER_WEBHOOK_SOURCES_TABLE_H
#define LANDWAITER_WEBHOOK_SOURCES_TABLE_H

#include "webhook/source.h"

extern const struct source source_table[]; /* ends with a NULL name */
const struct source *source_find(const char *name);

#endif
