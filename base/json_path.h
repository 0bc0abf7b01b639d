/* The singular part of JSONPath (RFC 9535): members, array indexes and [*]. Pure.
 *
 * `.spec.values.image.tag`, `$.spec.set['image.tag']`, `{.spec.containers[*].image}` (as kubectl
 * writes it). Refuses filters, slices, `..` and negative indexes: every match must be writable at
 * its JSON pointer (RFC 6901). */
#ifndef LANDWAITER_BASE_JSON_PATH_H
#define LANDWAITER_BASE_JSON_PATH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

#define JSON_PATH_TEXT_MAX 255
#define JSON_PATH_PARTS_MAX 16
#define JSON_PATH_MATCHES_MAX 64
#define JSON_POINTER_SIZE 512

enum json_path_kind { JSON_PATH_MEMBER, JSON_PATH_INDEX, JSON_PATH_ALL };
struct json_path {
    struct {
        enum json_path_kind kind;
        size_t at; /* offset of the name in names; or the index */
    } parts[JSON_PATH_PARTS_MAX];
    size_t count;
    char names[JSON_PATH_TEXT_MAX + 1]; /* each ended by NUL */
};

/* ERR_INVALID names the mistake and what to write. */
bool json_path_parse(const char *text, struct json_path *out, struct err *err) MUST_USE;
bool json_path_same(const struct json_path *a, const struct json_path *b);
/* Does the path match at most one value? */
bool json_path_single(const struct json_path *path);

struct json_path_match {
    char pointer[JSON_POINTER_SIZE];
    json_t *value; /* borrowed; never NULL */
    json_t *item;  /* the array element of the last [*] that holds it; NULL: the path has no [*] */
    size_t place;  /* the element's index */
    size_t item_len; /* length of the pointer to the item */
};
/* The place-th match, in document order. False: there are fewer, or more than
 * JSON_PATH_MATCHES_MAX, or the pointer is too long. */
bool json_path_find(const struct json_path *path, const json_t *root, size_t place,
                    struct json_path_match *out) MUST_USE;

/* Appends "/NAME" to a JSON pointer, escaped (RFC 6901). */
void json_pointer_add(struct buf *pointer, const char *name);

#endif
