/* JSON paths: owns their grammar, and matches them with documents. */
#include "base/json_path.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"

#define PATH_INDEX_MAX 9999

/* ---- parsing ---- */

struct path_reader {
    const char *at;
    struct json_path *out;
    size_t used; /* of names */
    struct err *err;
};

static bool path_wrong(const struct path_reader *reader, const char *text, const char *why) {
    return err_set(reader->err, ERR_INVALID,
                   "\"%.80s\" is not a path: %s; write one like .spec.values.image.tag, "
                   ".spec.set['image.tag'] or .spec.template.spec.containers[*].image",
                   text, why);
}

/* Adds a part; NULL: too many. */
static bool path_add(struct path_reader *reader, enum json_path_kind kind, size_t at) {
    struct json_path *path = reader->out;
    if (path->count == JSON_PATH_PARTS_MAX) {
        return false;
    }
    path->parts[path->count].kind = kind;
    path->parts[path->count++].at = at;
    return true;
}

static bool path_add_member(struct path_reader *reader, const char *name, size_t len) {
    struct json_path *path = reader->out;
    if (len == 0 || reader->used + len + 1 > sizeof path->names) {
        return false;
    }
    memcpy(path->names + reader->used, name, len);
    path->names[reader->used + len] = '\0';
    size_t at = reader->used;
    reader->used += len + 1;
    return path_add(reader, JSON_PATH_MEMBER, at);
}

/* An unquoted name: RFC 9535's member-name-shorthand, and hyphens as kubectl takes them. */
static bool path_read_name(struct path_reader *reader) {
    size_t len = strspn(reader->at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                    "0123456789_-");
    bool good = path_add_member(reader, reader->at, len);
    reader->at += len;
    return good;
}

/* The contents of brackets: a quoted name, an index, or a star. */
static bool path_read_bracket(struct path_reader *reader) {
    const char *at = reader->at;
    bool good = false;
    if (*at == '\'' || *at == '"') {
        const char quote[] = {*at, '\\', '\0'}; /* escapes are refused */
        size_t len = strcspn(at + 1, quote);
        good = at[len + 1] == *at && path_add_member(reader, at + 1, len);
        at += good ? len + 2 : 0;
    } else if (*at == '*') {
        good = path_add(reader, JSON_PATH_ALL, 0);
        at++;
    } else {
        size_t index = 0;
        size_t len = strspn(at, "0123456789");
        for (size_t i = 0; i < len && index <= PATH_INDEX_MAX; i++) {
            index = index * 10 + (size_t)(at[i] - '0');
        }
        good = len > 0 && index <= PATH_INDEX_MAX && path_add(reader, JSON_PATH_INDEX, index);
        at += len;
    }
    good = good && *at == ']';
    reader->at = good ? at + 1 : at;
    return good;
}

bool json_path_parse(const char *text, struct json_path *out, struct err *err) {
    struct json_path path = {.count = 0};
    struct path_reader reader = {.at = text, .out = &path, .err = err};
    size_t len = strlen(text);
    if (len > JSON_PATH_TEXT_MAX) {
        return path_wrong(&reader, text, "it is too long");
    }
    bool braces = text[0] == '{';
    reader.at += braces;
    reader.at += *reader.at == '$';
    while (*reader.at == '.' || *reader.at == '[') {
        char opener = *reader.at++;
        if (!(opener == '.' ? path_read_name(&reader) : path_read_bracket(&reader))) {
            return path_wrong(&reader, text,
                              path.count == JSON_PATH_PARTS_MAX
                                  ? "it has too many parts"
                                  : "only members, indexes and [*] can be written");
        }
    }
    if (path.count == 0 || strcmp(reader.at, braces ? "}" : "") != 0) {
        return path_wrong(&reader, text,
                          path.count == 0 ? "it must begin with a dot"
                                          : "its end is not part of a path");
    }
    *out = path;
    return true;
}

bool json_path_same(const struct json_path *a, const struct json_path *b) {
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++) {
        size_t left = a->parts[i].at;
        size_t right = b->parts[i].at;
        same =
            a->parts[i].kind == b->parts[i].kind &&
            (a->parts[i].kind == JSON_PATH_MEMBER ? strcmp(a->names + left, b->names + right) == 0
                                                  : left == right);
    }
    return same;
}

bool json_path_single(const struct json_path *path) {
    for (size_t i = 0; i < path->count; i++) {
        if (path->parts[i].kind == JSON_PATH_ALL) {
            return false;
        }
    }
    return true;
}

/* ---- matching ---- */

void json_pointer_add(struct buf *pointer, const char *name) {
    buf_putc(pointer, '/');
    for (; *name; name++) {
        if (*name == '~' || *name == '/') {
            buf_puts(pointer, *name == '~' ? "~0" : "~1");
        } else {
            buf_putc(pointer, *name);
        }
    }
}

/* The indexes of all [*], outermost first, count up like a number; path_try tries one
 * combination. */
struct path_indexes {
    size_t at[JSON_PATH_PARTS_MAX];
    size_t size[JSON_PATH_PARTS_MAX]; /* of the array; 0: no [*], or not reached */
};

/* Follows the path with the present indexes. True: there is a value. */
static bool path_try(const struct json_path *path, const json_t *root, struct path_indexes *indexes,
                     struct json_path_match *match) {
    CLEANUP(buf_release) struct buf pointer = BUF_INIT(JSON_POINTER_SIZE - 1);
    json_t *at = (json_t *)root;
    match->item = NULL;
    match->place = 0;
    match->item_len = 0;
    memset(indexes->size, 0, sizeof indexes->size);
    for (size_t i = 0; at && i < path->count; i++) {
        size_t index = path->parts[i].at;
        if (path->parts[i].kind == JSON_PATH_MEMBER) {
            json_pointer_add(&pointer, path->names + index);
            at = json_object_get(at, path->names + index);
            continue;
        }
        if (path->parts[i].kind == JSON_PATH_ALL) {
            index = indexes->at[i];
            indexes->size[i] = json_array_size(at);
            match->place = index;
        }
        buf_printf(&pointer, "/%zu", index);
        at = json_array_get(at, index);
        if (path->parts[i].kind == JSON_PATH_ALL) {
            match->item = at;
            match->item_len = pointer.len;
        }
    }
    match->value = at;
    (void)snprintf(match->pointer, sizeof match->pointer, "%s", buf_text(&pointer));
    return at && !json_is_null(at) && !pointer.overflow;
}

/* The next combination: increments the last index that can grow, and resets those behind it. */
static bool path_next(const struct json_path *path, struct path_indexes *indexes) {
    for (size_t i = path->count; i-- > 0;) {
        if (path->parts[i].kind == JSON_PATH_ALL && indexes->at[i] + 1 < indexes->size[i]) {
            indexes->at[i]++;
            return true;
        }
        indexes->at[i] = 0;
    }
    return false;
}

bool json_path_find(const struct json_path *path, const json_t *root, size_t place,
                    struct json_path_match *out) {
    struct path_indexes indexes = {.at = {0}};
    struct json_path_match match = {.value = NULL};
    size_t found = 0;
    size_t looks = 0;
    do {
        if (path_try(path, root, &indexes, &match) && found++ == place) {
            *out = match;
            return true;
        }
    } while (++looks < JSON_PATH_MATCHES_MAX && path_next(path, &indexes));
    return false;
}
