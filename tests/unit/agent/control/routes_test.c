/* The routes: each method and path finds its row, and only the metrics are at the metrics address. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/control/routes.h"

struct row {
    const char *method, *path;
    enum control_found found;
    const char *route; /* its path */
    bool decides;
};

static void each_path(void **state) {
    static const struct row rows[] = {
        {"GET", "/v1/targets", CONTROL_FOUND, "/v1/targets", false},
        {"POST", "/v1/targets/docker/site/hold", CONTROL_FOUND, "/v1/targets/", true},
        {"GET", "/v1/updates", CONTROL_FOUND, "/v1/updates", false},
        {"GET", "/v1/updates/upd_1", CONTROL_FOUND, "/v1/updates/", false},
        {"POST", "/v1/updates/upd_1/retry", CONTROL_FOUND, "/v1/updates/", true},
        {"GET", "/v1/pushes", CONTROL_FOUND, "/v1/pushes", false},
        {"GET", "/v1/pushes/psh_1", CONTROL_FOUND, "/v1/pushes/", false},
        {"GET", "/v1/windows", CONTROL_FOUND, "/v1/windows", false},
        {"GET", "/v1/audit", CONTROL_FOUND, "/v1/audit", false},
        {"POST", "/v1/plan", CONTROL_FOUND, "/v1/plan", false},
        {"GET", "/v1/doctor", CONTROL_FOUND, "/v1/doctor", false},
        {"GET", "/metrics", CONTROL_FOUND, "/metrics", false},
        {"POST", "/v1/targets", CONTROL_NO_METHOD, NULL, false},
        {"GET", "/v1/targets/docker/site", CONTROL_NO_METHOD, NULL, false},
        {"DELETE", "/v1/updates/upd_1", CONTROL_NO_METHOD, NULL, false},
        {"POST", "/metrics", CONTROL_NO_METHOD, NULL, false},
        {"GET", "/v1/updates/", CONTROL_NO_PATH, NULL, false},
        {"GET", "/v1/windows/night", CONTROL_NO_PATH, NULL, false},
        {"GET", "/v1", CONTROL_NO_PATH, NULL, false},
        {"GET", "", CONTROL_NO_PATH, NULL, false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const struct control_route *route = NULL;
        assert_int_equal(control_routes_find(rows[i].method, rows[i].path, false, &route),
                         rows[i].found);
        if (!rows[i].route) {
            assert_null(route);
            continue;
        }
        assert_string_equal(route->path, rows[i].route);
        assert_string_equal(route->method, rows[i].method);
        assert_int_equal(route->decides, rows[i].decides);
    }
}

static void metrics_only(void **state) {
    const struct control_route *route = NULL;
    (void)state;
    assert_int_equal(control_routes_find("GET", "/metrics", true, &route), CONTROL_FOUND);
    assert_non_null(route->write);
    assert_int_equal(control_routes_find("POST", "/metrics", true, &route), CONTROL_NO_METHOD);
    assert_int_equal(control_routes_find("GET", "/v1/targets", true, &route), CONTROL_NO_PATH);
    assert_int_equal(control_routes_find("POST", "/v1/updates/upd_1/retry", true, &route),
                     CONTROL_NO_PATH);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_path),
        cmocka_unit_test(metrics_only),
    };
    return cmocka_run_group_tests_name("routes", tests, NULL, NULL);
}
