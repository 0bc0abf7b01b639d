/* A strict parser of the chunked transfer coding (RFC 9112 section 7.1): each line ends with CR LF,
 * an extension consists of tokens, a trailer's line is a header's. Pure. */
#ifndef LANDWAITER_WEBHOOK_CHUNKS_H
#define LANDWAITER_WEBHOOK_CHUNKS_H

#include <stddef.h>
#include <stdint.h>

#define CHUNKS_LINE_MAX 256                   /* of a size and its extension, bytes */
#define CHUNKS_TRAILER_MAX ((size_t)4 * 1024) /* of all lines behind the last chunk */

enum chunks_place {
    CHUNKS_FIRST_DIGIT, /* start of a body; struct chunks is {0} then */
    CHUNKS_DIGITS,
    CHUNKS_EXTENSION,
    CHUNKS_SIZE_LF,
    CHUNKS_DATA,
    CHUNKS_DATA_CR,
    CHUNKS_DATA_LF,
    CHUNKS_TRAILER, /* start of a line */
    CHUNKS_TRAILER_NAME,
    CHUNKS_TRAILER_VALUE,
    CHUNKS_TRAILER_LF,
    CHUNKS_LAST_LF,
};

struct chunks {
    enum chunks_place place;
    uint64_t left; /* remaining bytes of the chunk; its size while that is parsed */
    size_t line;   /* bytes of the line, or of the trailer, so far */
};

enum chunks_found {
    CHUNKS_MORE,    /* the taken bytes are framing only */
    CHUNKS_CONTENT, /* the taken bytes are content */
    CHUNKS_END,     /* the body ends with the taken bytes */
    CHUNKS_BROKEN,  /* the byte behind the taken ones is not allowed */
};

/* Parses on; len > 0. *taken: the number of bytes that the result covers. */
enum chunks_found chunks_read(struct chunks *chunks, const char *bytes, size_t len, size_t *taken);

#endif
