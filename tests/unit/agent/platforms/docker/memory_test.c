/* The host's available memory, from /proc/meminfo. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/platforms/docker/memory.h"
#include "agent/platforms/table.h"

static void available_is_read(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t bytes;
    } rows[] = {
        {"MemTotal:        4028440 kB\nMemFree:          112340 kB\nMemAvailable:    1048576 kB\n"
         "Buffers: 1 kB\n",
         INT64_C(1073741824)},
        {"MemAvailable: 0 kB\n", 0},
        {"MemAvailable:\t7 kB", 7168},
        {"", -1},
        {"MemTotal: 1 kB\nXMemAvailable: 7 kB\n", -1},
        {"MemAvailable: kB\n", -1},
        {"MemAvailable: 7\n", -1},
        {"MemAvailable: -7 kB\n", -1},
        {"MemAvailable: 99999999999999999999 kB\n", -1},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        assert_int_equal(memory_parse(rows[i].text), rows[i].bytes);
    }
}

static void only_a_local_engine_is_known(void **state) {
    (void)state;
    char local[] = "unix:///var/run/docker.sock";
    char remote[] = "tcp://10.0.0.1:2376";
    struct config config = {.docker = {.host = local}};
    struct platform_session session = {.config = &config};
    struct err err = ERR_INIT;
    int64_t bytes = 0;
    assert_true(platform_docker.available_memory(&session, "docker/site", &bytes, &err));
    assert_true(bytes > 1024 * 1024);
    config.docker.host = remote;
    assert_true(platform_docker.available_memory(&session, "docker/site", &bytes, &err));
    assert_int_equal(bytes, -1);
    bytes = 0;
    assert_true(platform_dry.available_memory(&session, "dry/x", &bytes, &err));
    assert_int_equal(bytes, -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(available_is_read),
        cmocka_unit_test(only_a_local_engine_is_known),
    };
    return cmocka_run_group_tests_name("docker_memory", tests, NULL, NULL);
}
