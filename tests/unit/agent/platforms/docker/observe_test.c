/* The health gate's verdicts, look by look, under a fake time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/platforms/docker/observe.h"
#include "base/json.h"

#define START 1000000
#define RUNNING                                                                                    \
    "\"Running\": true, \"Status\": \"running\", \"StartedAt\": \"2026-11-20T12:00:00Z\""

struct gate {
    struct settings settings;
    const char *boot;
    json_t *notes;
    struct platform_observation seen;
};

static struct gate *gate_open(struct gate *gate) {
    settings_init(&gate->settings);
    gate->settings.soak_ms = 10000;
    gate->settings.health_timeout_ms = 120000;
    gate->boot = "first";
    gate->notes = json_pack("{s:i, s:s}", "started_ms", START, "boot", gate->boot);
    assert_non_null(gate->notes);
    return gate;
}

static void gate_release(struct gate *gate) {
    json_decref(gate->notes);
}

/* The verdict at START + after_ms. */
static enum platform_health look(struct gate *gate, int64_t after_ms, const char *text) {
    json_error_t error;
    CLEANUP(json_release) json_t *inspect = json_loads(text, 0, &error);
    if (!inspect) {
        fail_msg("%s: %s", text, error.text);
    }
    const struct observe_facts facts = {.inspect = inspect,
                                        .settings = &gate->settings,
                                        .now_ms = START + after_ms,
                                        .boot = gate->boot};
    observe_judge(&facts, gate->notes, &gate->seen);
    return gate->seen.health;
}

static const char plain[] = "{\"RestartCount\": 0, \"State\": {" RUNNING "}}";
static const char starting[] =
    "{\"State\": {" RUNNING ", \"Health\": {\"Status\": \"starting\", \"Log\": "
    "[{\"ExitCode\": 1, \"Output\": \"refused\\nsecond line\"}]}}}";
static const char healthy[] = "{\"State\": {" RUNNING ", \"Health\": {\"Status\": \"healthy\"}}}";

static void soaks_without_a_health_check(void **state) {
    (void)state;
    CLEANUP(gate_release) struct gate gate;
    gate_open(&gate);
    assert_int_equal(look(&gate, 100, plain), PLATFORM_PENDING);
    assert_true(gate.seen.again_ms >= 1 && gate.seen.again_ms <= 1000);
    assert_int_equal(look(&gate, 9900, plain), PLATFORM_PENDING);
    assert_int_equal(gate.seen.again_ms, 100);
    assert_int_equal(look(&gate, 10000, plain), PLATFORM_HEALTHY);
    assert_string_equal(gate.seen.reason, "running after 10 s");
}

static void soaks_from_the_first_healthy_look(void **state) {
    (void)state;
    CLEANUP(gate_release) struct gate gate;
    gate_open(&gate);
    assert_int_equal(look(&gate, 1000, starting), PLATFORM_PENDING);
    assert_int_equal(look(&gate, 4100, healthy), PLATFORM_PENDING);
    assert_int_equal(look(&gate, 14000, healthy), PLATFORM_PENDING);
    assert_int_equal(look(&gate, 14100, healthy), PLATFORM_HEALTHY);
    assert_string_equal(gate.seen.reason, "healthy after 4.1 s");
}

static void gives_up_at_the_deadline(void **state) {
    (void)state;
    CLEANUP(gate_release) struct gate gate;
    gate_open(&gate);
    gate.settings.sources[SETTINGS_HEALTH_TIMEOUT].written = true;
    assert_int_equal(look(&gate, 119999, starting), PLATFORM_PENDING);
    assert_int_equal(look(&gate, 120000, starting), PLATFORM_UNHEALTHY);
    assert_string_equal(gate.seen.reason, "not healthy after 2 min: refused");
}

/* Without a configured time, allow the time that the image's own check may take. */
static void waits_for_a_slow_check_unless_told_otherwise(void **state) {
    (void)state;
    static const char slow[] =
        "{\"Config\": {\"Healthcheck\": {\"Interval\": 60000000000, \"Timeout\": 0, \"Retries\": 2,"
        "\"StartPeriod\": 30000000000}}, \"State\": {" RUNNING
        ", \"Health\": {\"Status\": \"starting\"}}}";
    CLEANUP(gate_release) struct gate gate;
    gate_open(&gate);
    assert_int_equal(look(&gate, 299999, slow), PLATFORM_PENDING);
    assert_int_equal(look(&gate, 300000, slow), PLATFORM_UNHEALTHY);
    gate.settings.sources[SETTINGS_HEALTH_TIMEOUT].written = true;
    assert_int_equal(look(&gate, 120000, slow), PLATFORM_UNHEALTHY);
}

static void fails_at_once_when_unhealthy(void **state) {
    (void)state;
    CLEANUP(gate_release) struct gate gate;
    gate_open(&gate);
    assert_int_equal(look(&gate, 10,
                          "{\"State\": {" RUNNING ", \"Health\": {\"Status\": \"unhealthy\","
                          "\"Log\": [{\"ExitCode\": 1, \"Output\": \" old \"}, {\"ExitCode\": 2,"
                          "\"Output\": \"\\u001b[31mHTTP 500\\u0007\\nmore\"},"
                          "{\"ExitCode\": 0, \"Output\": \"fine\"}]}}}"),
                     PLATFORM_UNHEALTHY);
    assert_string_equal(gate.seen.reason, "its health check failed: [31mHTTP 500");
    assert_int_equal(look(&gate, 10,
                          "{\"State\": {" RUNNING ", \"Health\": {\"Status\": \"unhealthy\","
                          "\"Log\": [{\"ExitCode\": 7, \"Output\": \"\"}]}}}"),
                     PLATFORM_UNHEALTHY);
    assert_string_equal(gate.seen.reason, "its health check failed: exit status 7");
}

static void tells_a_crash(void **state) {
    (void)state;
    static const struct {
        const char *document, *reason;
    } rows[] = {
        {"{\"State\": {\"Status\": \"exited\", \"ExitCode\": 3, \"StartedAt\": "
         "\"2026-11-20T12:00:00.1Z\", \"FinishedAt\": \"2026-11-20T12:00:00.5Z\"}}",
         "exited with code 3 after 0.4 s"},
        {"{\"State\": {\"Status\": \"exited\", \"ExitCode\": 137, \"OOMKilled\": true}}",
         "ran out of memory and was killed"},
        {"{\"State\": {\"Status\": \"exited\", \"ExitCode\": 127, \"Error\": \"no such file\"}}",
         "exited with code 127: no such file"},
        {"{\"RestartCount\": 2, \"State\": {\"Status\": \"restarting\", \"Restarting\": true, "
         "\"Running\": true, \"ExitCode\": 3}}",
         "exited with code 3, restarted 2 times"},
        {"{\"RestartCount\": 1, \"State\": {" RUNNING "}}", "crashed and was restarted 1 time"},
        {"{\"State\": {\"Status\": \"created\"}}", "was never started"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP(gate_release) struct gate gate;
        gate_open(&gate);
        assert_int_equal(look(&gate, 500, rows[i].document), PLATFORM_UNHEALTHY);
        assert_string_equal(gate.seen.reason, rows[i].reason);
    }
}

/* A restart by the engine or a person is no crash: begin again. */
static void soaks_again_after_a_restart_by_hand(void **state) {
    (void)state;
    CLEANUP(gate_release) struct gate gate;
    gate_open(&gate);
    assert_int_equal(look(&gate, 9000, plain), PLATFORM_PENDING);
    static const char later[] = "{\"State\": {\"Running\": true, \"Status\": \"running\", "
                                "\"StartedAt\": \"2026-11-20T12:00:09Z\"}}";
    assert_int_equal(look(&gate, 10500, later), PLATFORM_PENDING);
    assert_int_equal(look(&gate, 20499, later), PLATFORM_PENDING);
    assert_int_equal(look(&gate, 20500, later), PLATFORM_HEALTHY);
}

/* The noted time belongs to another boot, and is not comparable whether lower or higher. */
static void soaks_again_after_a_reboot(void **state) {
    (void)state;
    static const int64_t shifts[] = {-500000, 500000};
    for (size_t i = 0; i < ARRAY_LENGTH(shifts); i++) {
        CLEANUP(gate_release) struct gate gate;
        gate_open(&gate);
        gate.settings.sources[SETTINGS_HEALTH_TIMEOUT].written = true;
        assert_int_equal(look(&gate, 9000, plain), PLATFORM_PENDING);
        gate.boot = "second";
        assert_int_equal(look(&gate, shifts[i], starting), PLATFORM_PENDING);
        assert_int_equal(look(&gate, shifts[i] + 1000, healthy), PLATFORM_PENDING);
        assert_int_equal(look(&gate, shifts[i] + 10999, healthy), PLATFORM_PENDING);
        assert_int_equal(look(&gate, shifts[i] + 11000, healthy), PLATFORM_HEALTHY);
        assert_string_equal(gate.seen.reason, "healthy after 1 s");
    }
}

static void cuts_output_between_characters(void **state) {
    (void)state;
    CLEANUP(gate_release) struct gate gate;
    CLEANUP(json_release) json_t *inspect = NULL;
    char output[400];
    gate_open(&gate);
    (void)snprintf(output, sizeof output, "%0119d\xc3\xa4\xc3\xa4", 0);
    inspect = json_pack("{s:{s:b, s:s, s:{s:s, s:[{s:i, s:s}]}}}", "State", "Running", 1, "Status",
                        "running", "Health", "Status", "unhealthy", "Log", "ExitCode", 1, "Output",
                        output);
    assert_non_null(inspect);
    const struct observe_facts facts = {
        .inspect = inspect, .settings = &gate.settings, .now_ms = START, .boot = gate.boot};
    observe_judge(&facts, gate.notes, &gate.seen);
    assert_int_equal(strlen(gate.seen.reason), strlen("its health check failed: ") + 119);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(soaks_without_a_health_check),
        cmocka_unit_test(soaks_from_the_first_healthy_look),
        cmocka_unit_test(gives_up_at_the_deadline),
        cmocka_unit_test(waits_for_a_slow_check_unless_told_otherwise),
        cmocka_unit_test(fails_at_once_when_unhealthy),
        cmocka_unit_test(tells_a_crash),
        cmocka_unit_test(soaks_again_after_a_restart_by_hand),
        cmocka_unit_test(soaks_again_after_a_reboot),
        cmocka_unit_test(cuts_output_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
