/* Reads a JSON document of any size in pieces of any size, and keeps little of it: only the members
 * that a table names. Elements of one array, such as the objects of a list, are handed over one by
 * one, so that a fault in one of them concerns no other, and memory holds one at a time.
 *
 * The sieve counts brackets and quotes; jansson parses and judges whatever is kept. Skipped members
 * are not judged. Kept texts are mended (json_mend.h): a zero character becomes U+FFFD. */
#ifndef LANDWAITER_BASE_JSON_SIEVE_H
#define LANDWAITER_BASE_JSON_SIEVE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

#define JSON_SIEVE_VALUE_MAX ((size_t)64 * 1024) /* bytes of one kept value */
#define JSON_SIEVE_PART_MAX ((size_t)16 * 1024 * 1024)
#define JSON_SIEVE_KEPT_MAX ((size_t)1024 * 1024) /* nothing more is kept after so many bytes */
#define JSON_SIEVE_ENTRIES_MAX 50000              /* in one kept value */
#define JSON_SIEVE_DEPTH_MAX 32                   /* of one kept value */
#define JSON_SIEVE_FRAMES 24
#define JSON_SIEVE_KEY_SIZE 512

/* A member to keep. A table of them ends with a row without a name. */
struct json_sieve_part {
    /* "spec"; "status.example/" and a star: each member that begins so. The first row counts. */
    const char *name;
    /* The members to keep of its value; of each element's, if it is an array. NULL: all of it. */
    const struct json_sieve_part *below;
    /* Largest kept size in bytes, at most JSON_SIEVE_PART_MAX; 0: JSON_SIEVE_VALUE_MAX of a whole
     * value, no own limit with `below`. A larger value becomes null; with `below`, members beyond
     * the limit are dropped. */
    size_t max;
    /* Hand over the elements of this array, and keep none. At one place of the tables only. */
    bool items;
};
/* Keeps nothing of a value but its brackets. */
extern const struct json_sieve_part json_sieve_nothing[];

struct json_sieve_frame {
    const struct json_sieve_part *part;
    size_t start; /* in the output */
    bool object, some, full;
    bool items;
};

struct json_sieve {
    const struct json_sieve_part *root; /* the document itself; its name does not matter */
    /* One element: item is borrowed, NULL if it cannot be parsed. fault: NULL: none; else a part is
     * missing, and it says why. */
    void (*item)(void *context, json_t *item, const struct err *fault);
    void *context;

    struct json_sieve_frame frames[JSON_SIEVE_FRAMES];
    size_t depth;
    enum { JSON_SIEVE_MEMBERS, JSON_SIEVE_COPY, JSON_SIEVE_SKIP } mode;
    bool in_string, escaped, has_key, has_colon, began, ended, broken;
    char key[JSON_SIEVE_KEY_SIZE];
    size_t key_len;
    const struct json_sieve_part *part; /* of the present value */
    size_t start, nested, entries;      /* of the present value */
    struct buf kept, kept_item, *out;
    struct err fault, fault_item;
};

void json_sieve_init(struct json_sieve *sieve, const struct json_sieve_part *root);
void json_sieve_release(struct json_sieve *sieve);

/* A sink of base/http.h. False: this is not JSON. */
bool json_sieve_feed(void *sieve, const char *bytes, size_t len);
/* Ends the document: the kept rest of it in *out, the caller's; NULL: there was no byte. *fault says
 * why a part of it is missing, or, with *out NULL, why jansson refuses it; a caller that passes NULL
 * gets the latter as an error. The sieve is then ready for another document. ERR_INVALID: it is not
 * JSON, or ended too early. */
bool json_sieve_end(struct json_sieve *sieve, json_t **out, struct err *fault,
                    struct err *err) MUST_USE;

#endif
