/* Reports of faults: a line for each without control bytes, and the document for scripts. */
#include "agent/config/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/agent/reading.h"

static struct config_fault items[] = {
    {.line = 3, .column = 5, .message = "`a\x1b[2J`: \n wrong"},
    {.line = 4, .column = 1, .warning = true, .message = "short"},
    {.line = 0, .column = 0, .message = "no file"},
};
static const struct config_faults all = {.items = items, .count = 3};
static const struct config_faults warning = {.items = &items[1], .count = 1};
static const struct config_faults none = {.items = NULL, .count = 0};

static void each_fault_is_one_line(void **state) {
    (void)state;
    char written[1024] = "";
    FILE *out = fmemopen(written, sizeof written, "w");
    assert_non_null(out);
    config_report("/etc/x\n.yaml", &all, out);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(written, "/etc/x?.yaml:3:5: `a?[2J`: ? wrong\n"
                                 "/etc/x?.yaml:4:1: warning: short\n"
                                 "/etc/x?.yaml: no file\n");
}

static void expect(const struct config_faults *faults, const char *text) {
    json_t *made = config_report_json("f", faults);
    json_t *wanted = read_json(text);
    assert_true(json_equal(made, wanted));
    json_decref(wanted);
    json_decref(made);
}

static void the_document_tells_faults_from_warnings(void **state) {
    (void)state;
    expect(&all, "{\"ok\": false, \"faults\": [{\"file\": \"f\", \"line\": 3, \"column\": 5, "
                 "\"message\": \"`a\\u001b[2J`: \\n wrong\"}, {\"file\": \"f\", \"line\": null, "
                 "\"column\": null, \"message\": \"no file\"}], \"warnings\": [{\"file\": \"f\", "
                 "\"line\": 4, \"column\": 1, \"message\": \"short\"}]}");
    expect(&warning, "{\"ok\": true, \"faults\": [], \"warnings\": [{\"file\": \"f\", \"line\": 4, "
                     "\"column\": 1, \"message\": \"short\"}]}");
    expect(&none, "{\"ok\": true, \"faults\": [], \"warnings\": []}");
}

static void a_path_that_is_not_utf_8_breaks_nothing(void **state) {
    (void)state;
    json_t *made = config_report_json("/etc/\xff.yaml", &warning);
    assert_true(json_is_true(json_object_get(made, "ok")));
    assert_int_equal(json_array_size(json_object_get(made, "warnings")), 1);
    json_decref(made);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_is_one_line),
        cmocka_unit_test(the_document_tells_faults_from_warnings),
        cmocka_unit_test(a_path_that_is_not_utf_8_breaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
