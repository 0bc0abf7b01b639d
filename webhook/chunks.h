/* The chunked transfer coding (RFC 9112 section 7.1), read from its raw bytes and to the letter:
 * each line ends with CR LF, an extension is made of tokens, a trailer's line is one of a header.
 * Pure. */
#ifndef LANDWAITER_WEBHOOK_CHUNKS_H
#define LANDWAITER_WEBHOOK_CHUNKS_H

#include <stddef.h>
#include <stdint.h>

#define CHUNKS_LINE_MAX 256                   /* of a size and its extension, bytes */
#define CHUNKS_TRAILER_MAX ((size_t)4 * 1024) /* of all lines behind the last chunk */

enum chunks_place {
    CHUNKS_FIRST_DIGIT, /* a coding begins here: struct chunks is {0} then */
    CHUNKS_DIGITS,
    CHUNKS_EXTENSION,
    CHUNKS_SIZE_LF,
    CHUNKS_DATA,
    CHUNKS_DATA_CR,
    CHUNKS_DATA_LF,
    CHUNKS_TRAILER, /* the beginning of a line */
    CHUNKS_TRAILER_NAME,
    CHUNKS_TRAILER_VALUE,
    CHUNKS_TRAILER_LF,
    CHUNKS_LAST_LF,
};

struct chunks {
    enum chunks_place place;
    uint64_t left; /* of the chunk's content; its size until that is known */
    size_t line;   /* bytes of the line, or of the trailer, so far */
};

enum chunks_found {
    CHUNKS_MORE,    /* nothing but framing was in the bytes that were taken */
    CHUNKS_CONTENT, /* what was taken is content */
    CHUNKS_END,     /* the body ends with what was taken */
    CHUNKS_BROKEN,  /* the first byte that was not taken may not stand there */
};

/* Reads on; len > 0. *taken: of the bytes, those that what is returned tells of. */
enum chunks_found chunks_read(struct chunks *chunks, const char *bytes, size_t len, size_t *taken);

#endif
