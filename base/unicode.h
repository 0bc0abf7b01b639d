/* Characters of UTF-8, and those that must not reach a terminal or a log. Pure. */
#ifndef LANDWAITER_BASE_UNICODE_H
#define LANDWAITER_BASE_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decodes one character of well-formed UTF-8 (Unicode table 3-7). Returns its length, 0 when it is
 * malformed. */
size_t unicode_decode(const unsigned char *bytes, size_t len, uint32_t *out);

/* Is it a control character, or one that breaks lines, changes the direction of text, or cannot be
 * seen? */
bool unicode_unprintable(uint32_t point);

#endif
