/* Documents in the tests of the cluster's parts. */
#ifndef LANDWAITER_TESTS_AGENT_READING_H
#define LANDWAITER_TESTS_AGENT_READING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"

/* The caller's; the test fails where it is none. */
static inline json_t *read_json(const char *text) {
    json_t *json = NULL;
    struct err err = ERR_INIT;
    if (!json_parse_deep(text, strlen(text), 64, &json, &err)) {
        fail_msg("%s: %s", text, err.message);
    }
    return json;
}

#endif
