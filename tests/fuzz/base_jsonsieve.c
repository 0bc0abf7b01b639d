/* Any bytes through the sieve: its outcome does not depend on how they are split, and what it hands
 * over has no other members than the tables name. */
#include <stdint.h>

#include "base/json.h"
#include "base/json_sieve.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct json_sieve_part labels[] = {{"*", NULL, 0, false}, {NULL, NULL, 0, false}};
static const struct json_sieve_part element[] = {{"a", NULL, 32, false},
                                                 {"b", labels, 64, false},
                                                 {"c*", NULL, 0, false},
                                                 {"d", json_sieve_nothing, 0, false},
                                                 {NULL, NULL, 0, false}};
static const struct json_sieve_part list[] = {
    {"v", NULL, 0, false}, {"items", element, 0, true}, {NULL, NULL, 0, false}};
static const struct json_sieve_part roots[] = {
    {NULL, list, 0, false}, {NULL, element, 0, true}, {NULL, NULL, 0, false}};

static void count(void *context, json_t *item, const struct err *fault) {
    CLEANUP(buf_release) struct buf text = BUF_INIT((size_t)16 * 1024 * 1024);
    const char *key = NULL;
    json_t *value = NULL;
    if (!item && !fault) {
        abort();
    }
    json_object_foreach(item, key, value) {
        if (strlen(key) == 0 || !strchr("abcd", key[0]) || !value) {
            abort();
        }
    }
    json_write(item ? item : json_null(), &text);
    for (size_t i = 0; i < text.len; i++) {
        *(uint64_t *)context = *(uint64_t *)context * 31 + (unsigned char)text.data[i];
    }
    *(uint64_t *)context += fault ? 7 : 3;
}

static uint64_t run(const struct json_sieve_part *root, const char *bytes, size_t size,
                    size_t piece) {
    CLEANUP(json_sieve_release) struct json_sieve sieve;
    CLEANUP(json_release) json_t *rest = NULL;
    uint64_t sum = 1;
    json_sieve_init(&sieve, root);
    sieve.item = count;
    sieve.context = &sum;
    bool good = true;
    for (size_t at = 0; good && at < size; at += piece) {
        good = json_sieve_feed(&sieve, bytes + at, size - at < piece ? size - at : piece);
    }
    good = json_sieve_end(&sieve, &rest, NULL, NULL);
    return sum * 2 + good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2) {
        return 0;
    }
    const struct json_sieve_part *root = &roots[data[0] % ARRAY_LENGTH(roots)];
    const char *bytes = (const char *)data + 2;
    if (run(root, bytes, size - 2, size) != run(root, bytes, size - 2, 1 + data[1] % 32)) {
        abort();
    }
    return 0;
}
