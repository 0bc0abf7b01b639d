/* Mends JSON texts: knows escapes and UTF-8, and nothing else of JSON. */
#include "base/json_mend.h"

#include <string.h>

#include "base/json.h"

#define MEND_STAND_IN "\xEF\xB7\x90" /* U+FDD0 */
#define MEND_UNKNOWN "\xEF\xBF\xBD"  /* U+FFFD */
#define MEND_ESCAPE 6                /* the length of \u0000 */

struct mending {
    const char *at, *end;
    const char *zero; /* stands for a zero character */
    struct buf out;
    bool whole; /* nothing was lost */
};

/* The value of an escape like \u0041; -1: none. */
static int escape_value(const char *at, const char *end) {
    int value = 0;
    if (end - at < MEND_ESCAPE || at[0] != '\\' || at[1] != 'u') {
        return -1;
    }
    for (int i = 2; i < MEND_ESCAPE; i++) {
        static const char digits[] = "0123456789abcdef0123456789ABCDEF";
        const char *digit = at[i] ? strchr(digits, at[i]) : NULL;
        if (!digit) {
            return -1;
        }
        value = value * 16 + (int)((digit - digits) % 16);
    }
    return value;
}

static bool surrogate(int value, int first) {
    return value >= first && value < first + 0x400;
}

static void mend_replace(struct mending *mending, size_t len, const char *by) {
    mending->whole = mending->whole && strcmp(by, MEND_UNKNOWN) != 0;
    buf_puts(&mending->out, by);
    mending->at += len;
}

static void mend_copy(struct mending *mending, size_t len) {
    buf_append(&mending->out, mending->at, len);
    mending->at += len;
}

/* At a backslash. */
static void mend_escape(struct mending *mending) {
    int value = escape_value(mending->at, mending->end);
    if (value < 0) {
        mend_copy(mending, mending->end - mending->at < 2 ? 1 : 2);
    } else if (value == 0) {
        bool loses = strcmp(mending->zero, MEND_UNKNOWN) == 0;
        mend_replace(mending, MEND_ESCAPE, mending->zero);
        mending->whole = mending->whole && !loses;
    } else if (surrogate(value, 0xD800) &&
               surrogate(escape_value(mending->at + MEND_ESCAPE, mending->end), 0xDC00)) {
        mend_copy(mending, (size_t)2 * MEND_ESCAPE);
    } else if (value == 0xFDD0 || (value >= 0xD800 && value < 0xE000)) {
        mend_replace(mending, MEND_ESCAPE, MEND_UNKNOWN);
    } else {
        mend_copy(mending, MEND_ESCAPE);
    }
}

/* At a byte beyond ASCII. */
static void mend_character(struct mending *mending) {
    size_t len = json_utf8_length(mending->at);
    if (len == 0) {
        mend_replace(mending, 1, MEND_UNKNOWN);
    } else if (len == 3 && memcmp(mending->at, MEND_STAND_IN, 3) == 0) {
        mend_replace(mending, 3, MEND_UNKNOWN);
    } else {
        mend_copy(mending, len);
    }
}

/* Is there an escape by number, or a byte beyond ASCII? */
static bool mend_needed(const struct buf *text) {
    for (size_t i = 0; i < text->len; i++) {
        if ((unsigned char)text->data[i] >= 0x80 ||
            (text->data[i] == '\\' && text->data[i + 1] == 'u')) {
            return true;
        }
    }
    return false;
}

bool json_mend(struct buf *text, enum json_mend how) {
    const size_t max = text->max;
    if (!mend_needed(text)) {
        return !text->overflow;
    }
    struct mending mending = {
        .at = text->data,
        .end = text->data + text->len,
        .zero = how == JSON_MEND_TO_READ ? MEND_UNKNOWN : MEND_STAND_IN,
        /* At worst every byte becomes the three of U+FFFD. */
        .out = BUF_INIT(3 * text->len),
        .whole = true,
    };
    while (mending.at < mending.end) {
        const char *from = mending.at;
        while (mending.at < mending.end && *mending.at != '\\' &&
               (unsigned char)*mending.at < 0x80) {
            mending.at++;
        }
        buf_append(&mending.out, from, (size_t)(mending.at - from));
        if (mending.at == mending.end) {
            break;
        }
        if (*mending.at == '\\') {
            mend_escape(&mending);
        } else {
            mend_character(&mending);
        }
    }
    mending.out.overflow = mending.out.overflow || text->overflow;
    buf_release(text);
    *text = mending.out;
    text->max = max > text->len ? max : text->len;
    return mending.whole && !text->overflow;
}

void json_mend_undo(struct buf *text) {
    const char *at = text->len > 0 ? memmem(text->data, text->len, MEND_STAND_IN, 3) : NULL;
    if (!at) {
        return;
    }
    struct buf out = BUF_INIT(text->max);
    const char *from = text->data;
    const char *end = text->data + text->len;
    for (; at; at = memmem(from, (size_t)(end - from), MEND_STAND_IN, 3)) {
        buf_append(&out, from, (size_t)(at - from));
        buf_puts(&out, "\\u0000");
        from = at + 3;
    }
    buf_append(&out, from, (size_t)(end - from));
    out.overflow = out.overflow || text->overflow;
    buf_release(text);
    *text = out;
}
