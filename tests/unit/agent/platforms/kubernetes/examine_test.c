/* The doctor's findings about workloads that cannot be rolled out without a gap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/platforms/kubernetes/examine.h"
#include "base/json.h"

static void workloads(void **state) {
    (void)state;
    static const struct {
        const char *kind, *spec, *probe, *words; /* words: part of the findings' texts; "": none */
    } rows[] = {
        {"deployment", "\"replicas\": 2", "{}", ""},
        {"deployment", "\"replicas\": 2", NULL, "readiness probe"},
        {"deployment", "\"strategy\": {\"type\": \"Recreate\"}", "{}", "Recreate"},
        {"deployment", "\"strategy\": {\"rollingUpdate\": {\"maxUnavailable\": \"25%\"}}", "{}",
         ""},
        {"deployment", "\"strategy\": {\"rollingUpdate\": {\"maxUnavailable\": \"100%\"}}", "{}",
         "one replica"},
        {"deployment", "\"strategy\": {\"rollingUpdate\": {\"maxUnavailable\": 1}}", "{}",
         "one replica"},
        {"deployment", "\"strategy\": {\"rollingUpdate\": {\"maxUnavailable\": 0}}", "{}", ""},
        {"statefulset", "\"replicas\": 1", "{}", "StatefulSet of one"},
        {"statefulset", "\"replicas\": 3", "{}", ""},
        {"daemonset", "\"x\": 1", "{}", ""},
        {"cronjob", "\"x\": 1", NULL, ""},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char text[1024];
        (void)snprintf(text, sizeof text,
                       "{\"metadata\": {\"namespace\": \"shop\", \"name\": \"web\"}, \"spec\": "
                       "{%s, \"template\": {\"spec\": "
                       "{\"containers\": [{\"name\": \"app\"%s%s}]}}}}",
                       rows[i].spec, rows[i].probe ? ", \"readinessProbe\": " : "",
                       rows[i].probe ? rows[i].probe : "");
        json_t *object = json_loads(text, 0, NULL);
        json_t *report = json_array();
        assert_non_null(object);
        examine_workload(kind_find(kinds_table, rows[i].kind), object, report);
        assert_int_equal(json_array_size(report), rows[i].words[0] ? 1 : 0);
        if (rows[i].words[0] &&
            !strstr(json_text(json_array_get(report, 0), "message"), rows[i].words)) {
            fail_msg("row %zu: %s", i, json_text(json_array_get(report, 0), "message"));
        }
        json_decref(report);
        json_decref(object);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(workloads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
