/* Strict JSON over jansson: bounded depth and size, no duplicate members, typed access
 * (protocols.md section 6.2). Safe for hostile input; json_t is jansson's. Integers stay 64-bit. */
#ifndef LANDWAITER_BASE_JSON_H
#define LANDWAITER_BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define JSON_DEPTH_MAX 32

/* For `CLEANUP(json_release) json_t *root = NULL;` */
void json_release(json_t **json);

/* Parses one document of at most JSON_DEPTH_MAX nested brackets, followed by white space only.
 * ERR_INVALID says where, and never quotes the input. The caller owns *out. */
bool json_parse(const void *bytes, size_t len, json_t **out, struct err *err) MUST_USE;
/* The same with another maximum depth, for the engine's deep documents. */
bool json_parse_deep(const void *bytes, size_t len, size_t depth, json_t **out,
                     struct err *err) MUST_USE;

/* Compact; keeps the members' order. */
void json_write(const json_t *json, struct buf *out);

/* Typed members of an object; borrowed. NULL, fallback or 0 if absent or of another type. Accepts
 * NULL and non-objects. */
const char *json_text(const json_t *object, const char *member);
int64_t json_int(const json_t *object, const char *member, int64_t fallback);
bool json_bool(const json_t *object, const char *member, bool fallback);
json_t *json_member(const json_t *object,
                    const char *member); /* of any type; NULL if absent or JSON null */
json_t *json_object_member(const json_t *object, const char *member);
json_t *json_array_member(const json_t *object, const char *member);
/* json_text along a path of members: json_text_at(j, (const char *[]){"State", "Health", "Status",
 * NULL}). */
const char *json_text_at(const json_t *object, const char *const *path);

/* A string value, or JSON null for NULL; invalid UTF-8 becomes U+FFFD. New reference. */
json_t *json_text_or_null(const char *text);
/* Length of the well-formed UTF-8 character at the start of a C string (RFC 3629, table 3-7 of
 * Unicode); 0: none. */
size_t json_utf8_length(const char *text);
/* RFC 3339 in UTC with milliseconds; null for 0. New reference. */
json_t *json_time_or_null(int64_t ms);

#endif
