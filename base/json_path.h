/* The part of JSONPath (RFC 9535) that names a place: members, array indexes and [*]. Pure.
 *
 * `.spec.values.image.tag`, `$.spec.set['image.tag']`, `{.spec.containers[*].image}` (as kubectl
 * writes it). Filters, slices, `..` and negative indexes are refused: what is found must be
 * writable at the JSON pointer (RFC 6901) that it was found at. */
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
        size_t at; /* where its name stands in names; the index */
    } parts[JSON_PATH_PARTS_MAX];
    size_t count;
    char names[JSON_PATH_TEXT_MAX + 1]; /* each ended by NUL */
};

/* ERR_INVALID: what is wrong with it, and what to write. */
bool json_path_parse(const char *text, struct json_path *out, struct err *err) MUST_USE;
bool json_path_same(const struct json_path *a, const struct json_path *b);
/* Does it name one place at most? */
bool json_path_single(const struct json_path *path);

struct json_path_match {
    char pointer[JSON_POINTER_SIZE];
    json_t *value; /* borrowed; never NULL */
    json_t *item;  /* the array's element that holds it, of the last [*]; NULL: the path has none */
    size_t place;  /* its index there */
    size_t item_len; /* how much of the pointer leads to the item */
};
/* The place-th value at the path, in the order of the document. False: there are not so many (or
 * more than JSON_PATH_MATCHES_MAX, or its pointer is too long). */
bool json_path_find(const struct json_path *path, const json_t *root, size_t place,
                    struct json_path_match *out) MUST_USE;

/* Adds "/NAME" to a JSON pointer, escaped as RFC 6901 wants it. */
void json_pointer_add(struct buf *pointer, const char *name);

#endif
