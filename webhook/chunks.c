/* Chunks: owns the grammar of the bytes between a body's chunks. Keeps no bytes. */
#include "webhook/chunks.h"

#include <stdbool.h>

#include "base/own.h"
#include "webhook/framing.h"

#define LEFT_MAX (UINT64_MAX >> 4) /* leaves room for one more digit */

static bool go(struct chunks *chunks, enum chunks_place place) {
    chunks->place = place;
    return true;
}

/* -1: not a digit. */
static int digit_of(char byte) {
    if (byte >= '0' && byte <= '9') {
        return byte - '0';
    }
    char lower = (char)(byte | ('a' - 'A'));
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* ---- the allowed bytes at each place; false: not allowed ---- */

static bool digit(struct chunks *chunks, char byte) {
    int value = digit_of(byte);
    if (value < 0 || chunks->left > LEFT_MAX) {
        return false;
    }
    chunks->left = (chunks->left << 4) | (unsigned)value;
    return go(chunks, CHUNKS_DIGITS);
}

static bool after_digit(struct chunks *chunks, char byte) {
    if (byte == '\r' || byte == ';') {
        return go(chunks, byte == '\r' ? CHUNKS_SIZE_LF : CHUNKS_EXTENSION);
    }
    return digit(chunks, byte);
}

static bool extension(struct chunks *chunks, char byte) {
    if (byte == '\r') {
        return go(chunks, CHUNKS_SIZE_LF);
    }
    return framing_token_byte(byte) || byte == '=' || byte == ';';
}

static bool size_lf(struct chunks *chunks, char byte) {
    chunks->line = 0;
    return byte == '\n' && go(chunks, chunks->left > 0 ? CHUNKS_DATA : CHUNKS_TRAILER);
}

static bool data_cr(struct chunks *chunks, char byte) {
    return byte == '\r' && go(chunks, CHUNKS_DATA_LF);
}

static bool data_lf(struct chunks *chunks, char byte) {
    return byte == '\n' && go(chunks, CHUNKS_FIRST_DIGIT);
}

static bool trailer(struct chunks *chunks, char byte) {
    if (byte == '\r') {
        return go(chunks, CHUNKS_LAST_LF);
    }
    return framing_token_byte(byte) && go(chunks, CHUNKS_TRAILER_NAME);
}

static bool trailer_name(struct chunks *chunks, char byte) {
    return framing_token_byte(byte) || (byte == ':' && go(chunks, CHUNKS_TRAILER_VALUE));
}

static bool trailer_value(struct chunks *chunks, char byte) {
    return byte == '\r' ? go(chunks, CHUNKS_TRAILER_LF) : framing_value_byte(byte);
}

static bool trailer_lf(struct chunks *chunks, char byte) {
    return byte == '\n' && go(chunks, CHUNKS_TRAILER);
}

static bool last_lf(struct chunks *chunks, char byte) {
    return byte == '\n' && go(chunks, CHUNKS_FIRST_DIGIT);
}

static bool (*const steps[])(struct chunks *chunks, char byte) = {
    [CHUNKS_FIRST_DIGIT] = digit,
    [CHUNKS_DIGITS] = after_digit,
    [CHUNKS_EXTENSION] = extension,
    [CHUNKS_SIZE_LF] = size_lf,
    [CHUNKS_DATA_CR] = data_cr,
    [CHUNKS_DATA_LF] = data_lf,
    [CHUNKS_TRAILER] = trailer,
    [CHUNKS_TRAILER_NAME] = trailer_name,
    [CHUNKS_TRAILER_VALUE] = trailer_value,
    [CHUNKS_TRAILER_LF] = trailer_lf,
    [CHUNKS_LAST_LF] = last_lf,
};

static bool step(struct chunks *chunks, char byte) {
    size_t max = chunks->place < CHUNKS_TRAILER ? CHUNKS_LINE_MAX : CHUNKS_TRAILER_MAX;
    return chunks->line++ < max && steps[chunks->place](chunks, byte);
}

static enum chunks_found read_data(struct chunks *chunks, size_t len, size_t *taken) {
    *taken = len < chunks->left ? len : (size_t)chunks->left;
    chunks->left -= *taken;
    chunks->line = 0;
    if (chunks->left == 0) {
        chunks->place = CHUNKS_DATA_CR;
    }
    return CHUNKS_CONTENT;
}

enum chunks_found chunks_read(struct chunks *chunks, const char *bytes, size_t len, size_t *taken) {
    *taken = 0;
    if (chunks->place == CHUNKS_DATA) {
        return read_data(chunks, len, taken);
    }
    while (*taken < len && chunks->place != CHUNKS_DATA) {
        bool last = chunks->place == CHUNKS_LAST_LF;
        if (!step(chunks, bytes[*taken])) {
            return CHUNKS_BROKEN;
        }
        ++*taken;
        if (last) {
            return CHUNKS_END;
        }
    }
    return CHUNKS_MORE;
}
