/* The sieve: owns the place in the document, and the kept text. Judges no syntax but that of the
 * brackets that it enters. */
#include "base/json_sieve.h"

#include <string.h>

#include "base/json.h"
#include "base/json_mend.h"

#define SIEVE_BUFFER_MAX (JSON_SIEVE_KEPT_MAX + JSON_SIEVE_PART_MAX + (size_t)64 * 1024)
#define SIEVE_JSON_DEPTH 64

const struct json_sieve_part json_sieve_nothing[] = {{NULL, NULL, 0, false}};

void json_sieve_init(struct json_sieve *sieve, const struct json_sieve_part *root) {
    *sieve = (struct json_sieve){
        .root = root, .kept = BUF_INIT(SIEVE_BUFFER_MAX), .kept_item = BUF_INIT(SIEVE_BUFFER_MAX)};
    sieve->out = &sieve->kept;
}

void json_sieve_release(struct json_sieve *sieve) {
    buf_release(&sieve->kept);
    buf_release(&sieve->kept_item);
}

static bool sieve_break(struct json_sieve *sieve) {
    sieve->broken = true;
    return false;
}

static bool sieve_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct json_sieve_frame *sieve_top(struct json_sieve *sieve) {
    return sieve->depth > 0 ? &sieve->frames[sieve->depth - 1] : NULL;
}

/* The first fault counts. */
static void sieve_fault(struct json_sieve *sieve, const char *why) {
    struct err *fault = sieve->out == &sieve->kept ? &sieve->fault : &sieve->fault_item;
    const struct json_sieve_frame *top = sieve_top(sieve);
    const char *name = sieve->part && sieve->part->name ? sieve->part->name : "";
    if (fault->kind != ERR_NONE) {
        return;
    }
    if (top && top->object && sieve->key_len > 0 && sieve->key_len < sizeof sieve->key) {
        name = sieve->key;
    }
    (void)err_set(fault, ERR_INVALID, "%.80s%s%s", name, name[0] ? " " : "", why);
}

/* ---- items ---- */

static void item_begin(struct json_sieve *sieve) {
    sieve->out = &sieve->kept_item;
    sieve->fault_item = (struct err)ERR_INIT;
    buf_clear(&sieve->kept_item);
}

static void item_end(struct json_sieve *sieve) {
    CLEANUP(json_release) json_t *item = NULL;
    struct err *fault = &sieve->fault_item;
    (void)json_mend(&sieve->kept_item, JSON_MEND_TO_READ);
    if (!json_parse_deep(sieve->kept_item.data, sieve->kept_item.len, SIEVE_JSON_DEPTH, &item,
                         fault->kind ? NULL : fault)) {
        item = NULL;
    }
    if (sieve->item) {
        sieve->item(sieve->context, item, fault->kind || !item ? fault : NULL);
    }
    sieve->out = &sieve->kept;
    buf_clear(&sieve->kept_item);
}

/* After each value: was it an element to hand over? */
static void value_ended(struct json_sieve *sieve) {
    const struct json_sieve_frame *top = sieve_top(sieve);
    sieve->has_key = sieve->has_colon = false;
    sieve->mode = JSON_SIEVE_MEMBERS;
    if (top && top->items) {
        item_end(sieve);
    } else if (!top) {
        sieve->ended = true;
    }
}

/* ---- whole values ---- */

/* Gives up the present value: null stands for it. */
static void value_drop(struct json_sieve *sieve, const char *why) {
    sieve_fault(sieve, why);
    sieve->out->len = sieve->start;
    buf_puts(sieve->out, "null");
    sieve->mode = JSON_SIEVE_SKIP;
}

static void value_put(struct json_sieve *sieve, char c) {
    size_t max = sieve->part && sieve->part->max ? sieve->part->max : JSON_SIEVE_VALUE_MAX;
    if (sieve->mode != JSON_SIEVE_COPY) {
        return;
    }
    if (sieve->out->len - sieve->start >= max) {
        value_drop(sieve, "is too large");
    } else {
        buf_putc(sieve->out, c);
    }
}

static void value_bracket(struct json_sieve *sieve, char c) {
    value_put(sieve, c);
    sieve->nested++;
    sieve->entries++;
    if (sieve->mode == JSON_SIEVE_COPY && sieve->nested > JSON_SIEVE_DEPTH_MAX) {
        value_drop(sieve, "is nested too deeply");
    }
}

static bool members_byte(struct json_sieve *sieve, char c);

static bool value_byte(struct json_sieve *sieve, char c) {
    bool outermost = sieve->nested == 0;
    switch (c) {
    case '"':
        sieve->in_string = true;
        break;
    case '{':
    case '[':
        value_bracket(sieve, c);
        return true;
    case '}':
    case ']':
        if (outermost) {
            value_ended(sieve);
            return members_byte(sieve, c);
        }
        sieve->nested--;
        break;
    case ',':
        if (outermost) {
            value_ended(sieve);
            return members_byte(sieve, c);
        }
        if (++sieve->entries > JSON_SIEVE_ENTRIES_MAX && sieve->mode == JSON_SIEVE_COPY) {
            value_drop(sieve, "has too many members");
        }
        break;
    default:
        break;
    }
    value_put(sieve, c);
    return true;
}

/* ---- members ---- */

static bool part_named(const struct json_sieve_part *part, const char *key, size_t len) {
    size_t own = strlen(part->name);
    if (own > 0 && part->name[own - 1] == '*') {
        return len >= own - 1 && memcmp(part->name, key, own - 1) == 0;
    }
    return len == own && memcmp(part->name, key, len) == 0;
}

/* The row of the present key; NULL: not kept. */
static const struct json_sieve_part *part_find(const struct json_sieve *sieve,
                                               const struct json_sieve_frame *frame) {
    for (const struct json_sieve_part *part = frame->part->below; part && part->name; part++) {
        if (part_named(part, sieve->key, sieve->key_len)) {
            return part;
        }
    }
    return NULL;
}

/* No room for another member? */
static bool frame_full(struct json_sieve *sieve, struct json_sieve_frame *frame) {
    size_t kept = sieve->out->len - frame->start;
    if (!frame->full && !frame->items &&
        ((frame->part->max && kept > frame->part->max) || sieve->out->len > JSON_SIEVE_KEPT_MAX)) {
        sieve->part = frame->part;
        sieve->key_len = 0;
        sieve_fault(sieve, "is too large");
        frame->full = true;
    }
    return frame->full;
}

static void value_skip(struct json_sieve *sieve) {
    sieve->mode = JSON_SIEVE_SKIP;
    sieve->nested = sieve->entries = 0;
}

/* Enters an object or array of which members are kept. */
static bool frame_push(struct json_sieve *sieve, const struct json_sieve_part *part, char c) {
    if (sieve->depth == JSON_SIEVE_FRAMES) {
        return false;
    }
    const struct json_sieve_frame *above = sieve_top(sieve);
    bool items = part->items && c == '[' && !(above && above->items);
    sieve->frames[sieve->depth++] = (struct json_sieve_frame){
        .part = part, .start = sieve->out->len, .object = c == '{', .items = items};
    sieve->mode = JSON_SIEVE_MEMBERS;
    sieve->has_key = sieve->has_colon = false;
    buf_putc(sieve->out, c);
    return true;
}

/* The first byte of a value, after its separator and key were written. */
static bool value_begin(struct json_sieve *sieve, const struct json_sieve_part *part, char c) {
    const struct json_sieve_frame *above = sieve_top(sieve);
    bool bracket = c == '{' || c == '[';
    bool enters = part->below || (part->items && !(above && above->items));
    sieve->part = part;
    sieve->start = sieve->out->len;
    sieve->nested = sieve->entries = 0;
    sieve->mode = JSON_SIEVE_COPY;
    if (enters && bracket && frame_push(sieve, part, c)) {
        return true;
    }
    if (enters && bracket) {
        value_drop(sieve, "is nested too deeply");
    }
    return value_byte(sieve, c);
}

static bool element_begin(struct json_sieve *sieve, struct json_sieve_frame *frame, char c) {
    if (frame->items) {
        item_begin(sieve);
    } else if (frame_full(sieve, frame)) {
        value_skip(sieve);
        return value_byte(sieve, c);
    } else if (frame->some) {
        buf_putc(sieve->out, ',');
    }
    frame->some = true;
    return value_begin(sieve, frame->part, c);
}

static bool member_begin(struct json_sieve *sieve, struct json_sieve_frame *frame, char c) {
    const struct json_sieve_part *part = part_find(sieve, frame);
    if (part && sieve->key_len == sizeof sieve->key) {
        sieve->part = part;
        sieve_fault(sieve, "has too long a name");
        part = NULL;
    }
    if (!part || frame_full(sieve, frame)) {
        value_skip(sieve);
        return value_byte(sieve, c);
    }
    buf_puts(sieve->out, frame->some ? ",\"" : "\"");
    buf_append(sieve->out, sieve->key, sieve->key_len);
    buf_puts(sieve->out, "\":");
    frame->some = true;
    return value_begin(sieve, part, c);
}

static bool frame_close(struct json_sieve *sieve) {
    buf_putc(sieve->out, sieve_top(sieve)->object ? '}' : ']');
    sieve->depth--;
    value_ended(sieve);
    return true;
}

static bool object_byte(struct json_sieve *sieve, struct json_sieve_frame *frame, char c) {
    if (sieve->has_colon) {
        return c != '}' && c != ',' ? member_begin(sieve, frame, c) : sieve_break(sieve);
    }
    if (c == ':' && sieve->has_key) {
        sieve->has_colon = true;
        return true;
    }
    if (c == '"' && !sieve->has_key) {
        sieve->in_string = true;
        sieve->key_len = 0;
        return true;
    }
    if (c == '}' && !sieve->has_key) {
        return frame_close(sieve);
    }
    return (c == ',' && !sieve->has_key) || sieve_break(sieve);
}

static bool document_byte(struct json_sieve *sieve, char c) {
    if (sieve->began) {
        return sieve_break(sieve);
    }
    sieve->began = true;
    return value_begin(sieve, sieve->root, c);
}

/* Between values. */
static bool members_byte(struct json_sieve *sieve, char c) {
    struct json_sieve_frame *frame = sieve_top(sieve);
    if (sieve_space(c)) {
        return true;
    }
    if (!frame) {
        return document_byte(sieve, c);
    }
    if (frame->object) {
        return object_byte(sieve, frame, c);
    }
    if (c == ']') {
        return frame_close(sieve);
    }
    if (c == '}' || c == ':') {
        return sieve_break(sieve);
    }
    return c == ',' || element_begin(sieve, frame, c);
}

/* ---- strings ---- */

static void string_byte(struct json_sieve *sieve, char c) {
    bool key = sieve->mode == JSON_SIEVE_MEMBERS;
    bool ends = c == '"' && !sieve->escaped;
    sieve->escaped = c == '\\' && !sieve->escaped;
    sieve->in_string = !ends;
    if (!key) {
        value_put(sieve, c);
    } else if (ends) {
        sieve->has_key = true;
        if (sieve->key_len < sizeof sieve->key) {
            sieve->key[sieve->key_len] = '\0';
        }
    } else if (sieve->key_len < sizeof sieve->key) {
        sieve->key[sieve->key_len++] = c;
    }
}

/* ---- the document ---- */

bool json_sieve_feed(void *pointer, const char *bytes, size_t len) {
    struct json_sieve *sieve = pointer;
    for (size_t i = 0; i < len && !sieve->broken; i++) {
        if (sieve->in_string) {
            string_byte(sieve, bytes[i]);
        } else if (sieve->mode == JSON_SIEVE_MEMBERS) {
            (void)members_byte(sieve, bytes[i]);
        } else {
            (void)value_byte(sieve, bytes[i]);
        }
    }
    return !sieve->broken;
}

static void sieve_restart(struct json_sieve *sieve) {
    sieve->depth = sieve->key_len = 0;
    sieve->mode = JSON_SIEVE_MEMBERS;
    sieve->in_string = sieve->escaped = sieve->has_key = sieve->has_colon = false;
    sieve->began = sieve->ended = sieve->broken = false;
    sieve->fault = sieve->fault_item = (struct err)ERR_INIT;
    buf_clear(&sieve->kept);
    buf_clear(&sieve->kept_item);
    sieve->out = &sieve->kept;
}

/* A whole document that is no object or array of which members are kept has no end of its own. */
static void sieve_finish(struct json_sieve *sieve) {
    bool whole = sieve->mode != JSON_SIEVE_MEMBERS && !sieve->in_string;
    if (sieve->depth == 0 && sieve->nested == 0 && sieve->began && whole) {
        sieve->mode = JSON_SIEVE_MEMBERS;
        sieve->ended = true;
    }
}

bool json_sieve_end(struct json_sieve *sieve, json_t **out, struct err *fault, struct err *err) {
    json_t *kept = NULL;
    bool good = true;
    sieve_finish(sieve);
    if (sieve->broken || (sieve->began && !sieve->ended)) {
        good = err_set(err, ERR_INVALID, "JSON: %s",
                       sieve->broken ? "syntax error" : "ends too early");
    } else if (sieve->began) {
        (void)json_mend(&sieve->kept, JSON_MEND_TO_READ);
        good = json_parse_deep(sieve->kept.data, sieve->kept.len, SIEVE_JSON_DEPTH, &kept,
                               fault ? &sieve->fault : err) ||
               fault != NULL;
    }
    if (good) {
        *out = kept;
        if (fault) {
            *fault = sieve->fault;
        }
    }
    sieve_restart(sieve);
    return good;
}
