/* Free memory of nodes: quantities, and the pods and nodes that count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/platforms/kubernetes/nodes.h"
#include "base/json.h"
#include "tests/unit/agent/reading.h"

static void quantities(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t bytes; /* -1: none */
    } rows[] = {
        {"0", 0},
        {"128974848", 128974848},
        {"128974848000m", 128974848},
        {"1e3", 1000},
        {"123Mi", 128974848},
        {"1.5Gi", 1610612736},
        {"129M", 129000000},
        {"4k", 4000},
        {"8145404Ki", INT64_C(8340893696)},
        {"7Ei", INT64_C(8070450532247928832)},
        {"", -1},
        {"Mi", -1},
        {"-1", -1},
        {"1mi", -1},
        {"0x10", -1},
        {"nan", -1},
        {"9Ei", -1},
        {"1 Mi", -1},
        {"1..2", -1},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        int64_t bytes = -1;
        bool good = nodes_quantity(rows[i].text, &bytes);
        if (good != (rows[i].bytes >= 0) || bytes != rows[i].bytes) {
            fail_msg("%s: %lld", rows[i].text, (long long)bytes);
        }
    }
}

#define NODE(name, memory, more)                                                                   \
    "{\"metadata\": {\"name\": \"" name "\"}, \"spec\": {" more                                    \
    "}, \"status\": {\"allocatable\": {\"memory\": \"" memory                                      \
    "\"}, \"conditions\": [{\"type\": \"Ready\", \"status\": \"True\"}]}}"
#define ASKS(memory) "{\"resources\": {\"requests\": {\"memory\": \"" memory "\"}}}"
#define POD(node, containers, inits, phase)                                                        \
    "{\"spec\": {\"nodeName\": \"" node "\", \"containers\": [" containers                         \
    "], \"initContainers\": [" inits "]}, \"status\": {\"phase\": \"" phase "\"}}"

static void room(void **state) {
    (void)state;
    json_t *nodes = read_json("[" NODE("a", "1000", "") ", " NODE(
        "b", "5000", "\"unschedulable\": true") ", " NODE("c", "800", "") "]");
    json_t *pods = read_json(
        "[" POD("a", ASKS("100") ", " ASKS("200") ", {}", ASKS("250"), "Running") ", " POD(
            "a", ASKS("50"), ASKS("150"),
            "Pending") ", " POD("a", ASKS("400"), "", "Succeeded") ", " POD("c", ASKS("10k"), "",
                                                                            "Running") "]");
    assert_int_equal(nodes_room(nodes, pods), 1000 - 300 - 150);
    assert_int_equal(nodes_room(nodes, NULL), 1000);
    assert_int_equal(nodes_room(NULL, pods), 0);
    json_decref(nodes);
    json_decref(pods);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantities),
        cmocka_unit_test(room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
