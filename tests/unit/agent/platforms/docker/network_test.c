/* Endpoints: the owner's part of each dialect, and modes that have none. */
#include "agent/platforms/docker/network.h"

#include "tests/unit/agent/platforms/docker/scripted_engine.h"

#define SITE(mode, networks)                                                                       \
    "{\"Id\": \"" OLD "\", \"Config\": {\"Hostname\": \"1f2e3d4c5b6a\", \"MacAddress\": "          \
    "\"02:42:ac:11:00:02\"}, \"HostConfig\": {\"NetworkMode\": " mode "}, "                        \
    "\"NetworkSettings\": {\"Networks\": {" networks "}}}"
#define LAN "\"lan\": {\"NetworkID\": \"id-of-lan\"}"
#define WAN "\"wan\": {}"
#define BRIDGE "\"bridge\": {\"NetworkID\": \"id-of-bridge\"}"
#define MAC "{\"MacAddress\": \"02:42:ac:11:00:02\"}"

static void plans(void **state) {
    (void)state;
    static const struct {
        int minor;
        const char *container, *endpoints, *connect, *disconnect;
    } rows[] = {
        {43, SITE("\"lan\"", LAN "," WAN), "{\"lan\": {}}",
         "[{\"network\": \"wan\", \"body\": {\"EndpointConfig\": {}}}]", ""},
        {44, SITE("\"lan\"", LAN "," WAN), "{\"lan\": " MAC ", \"wan\": {}}", "[]", ""},
        {44, SITE("\"id-of-lan\"", LAN), "{\"lan\": " MAC "}", "[]", ""},
        {44, SITE("\"default\"", BRIDGE), "{\"bridge\": " MAC "}", "[]", ""},
        {44, SITE("\"\"", BRIDGE), "{\"bridge\": " MAC "}", "[]", ""},
        {44, SITE("null", BRIDGE), "{\"bridge\": " MAC "}", "[]", ""},
        /* moved away from the network that it was made with */
        {44, SITE("\"default\"", LAN), "{}",
         "[{\"network\": \"id-of-lan\", \"body\": {\"EndpointConfig\": {}}}]", "bridge"},
        {44, SITE("\"lan\"", ""), "{}", "[]", "lan"},
        {44, SITE("\"none\"", "\"none\": {}"), "{}", "[]", ""},
        {44, SITE("\"none\"", LAN), "{}",
         "[{\"network\": \"id-of-lan\", \"body\": {\"EndpointConfig\": {}}}]", "none"},
        {44, SITE("\"host\"", "\"host\": {}"), "{}", "[]", ""},
        {44, SITE("\"container:" NEW "\"", ""), "{}", "[]", ""},
        {44, "{\"Id\": \"" OLD "\", \"Config\": {\"NetworkDisabled\": true}}", "{}", "[]", ""},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP(network_plan_release) struct network_plan plan = {0};
        struct err err = ERR_INIT;
        json_t *inspect = read_json(rows[i].container);
        json_t *endpoints = read_json(rows[i].endpoints);
        json_t *connect = read_json(rows[i].connect);
        assert_true(network_plan(inspect, rows[i].minor, &plan, &err));
        if (!json_equal(plan.endpoints, endpoints) || !json_equal(plan.connect, connect) ||
            strcmp(plan.disconnect, rows[i].disconnect) != 0) {
            fail_msg("row %zu: %s", i, plan.disconnect);
        }
        json_decref(connect);
        json_decref(endpoints);
        json_decref(inspect);
    }
}

/* The endpoint of a network that is not the main one. */
static void expect(int minor, const char *endpoint, const char *wanted) {
    CLEANUP(network_plan_release) struct network_plan plan = {0};
    char text[2048];
    struct err err = ERR_INIT;
    (void)snprintf(text, sizeof text, SITE("\"bridge\"", BRIDGE ", \"lan\": %s"), endpoint);
    json_t *inspect = read_json(text);
    json_t *right = read_json(wanted);
    assert_true(network_plan(inspect, minor, &plan, &err));
    const json_t *config =
        minor < 44 ? json_object_member(json_object_member(json_array_get(plan.connect, 0), "body"),
                                        "EndpointConfig")
                   : json_object_member(plan.endpoints, "lan");
    if (!json_equal(config, right)) {
        fail_msg("1.%d: %s", minor, endpoint);
    }
    json_decref(right);
    json_decref(inspect);
}

static void keeps_only_the_owners_settings(void **state) {
    (void)state;
    expect(44,
           "{\"IPAMConfig\": {\"IPv4Address\": \"10.0.0.9\"}, \"Links\": [\"a:b\"], "
           "\"DriverOpts\": {\"x\": \"y\"}, \"IPAddress\": \"10.0.0.9\", \"Gateway\": \"g\", "
           "\"MacAddress\": \"m\", \"EndpointID\": \"e\"}",
           "{\"IPAMConfig\": {\"IPv4Address\": \"10.0.0.9\"}, \"Links\": [\"a:b\"], "
           "\"DriverOpts\": {\"x\": \"y\"}}");
    expect(44, "{\"IPAMConfig\": null, \"Links\": null, \"Aliases\": null}", "{}");
    expect(47, "{\"GwPriority\": 5}", "{}");
    expect(48, "{\"GwPriority\": 5}", "{\"GwPriority\": 5}");
    expect(48, "{\"GwPriority\": 0}", "{}");
}

static void drops_aliases_that_the_engine_added(void **state) {
    (void)state;
    expect(43, "{\"Aliases\": [\"1f2e3d4c5b6a\", \"web\", 7, \"\"]}", "{\"Aliases\": [\"web\"]}");
    expect(43, "{\"Aliases\": [\"1f2e3d4c5b6a\"]}", "{}");
    expect(45, "{\"Aliases\": [\"1f2e3d4c5b6a0\", \"1f2e\"]}",
           "{\"Aliases\": [\"1f2e3d4c5b6a0\", \"1f2e\"]}");
}

static void before_1_45_the_host_name_is_an_alias_of_the_engines(void **state) {
    (void)state;
    static const char text[] =
        "{\"Id\": \"" OLD "\", \"Config\": {\"Hostname\": \"web\"}, \"HostConfig\": "
        "{\"NetworkMode\": \"lan\"}, \"NetworkSettings\": {\"Networks\": {\"lan\": {\"Aliases\": "
        "[\"web\"]}}}}";
    for (int minor = 44; minor <= 45; minor++) {
        CLEANUP(network_plan_release) struct network_plan plan = {0};
        struct err err = ERR_INIT;
        json_t *inspect = read_json(text);
        assert_true(network_plan(inspect, minor, &plan, &err));
        const json_t *lan = json_object_member(plan.endpoints, "lan");
        assert_int_equal(json_array_size(json_object_get(lan, "Aliases")), minor == 45 ? 1 : 0);
        json_decref(inspect);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans),
        cmocka_unit_test(keeps_only_the_owners_settings),
        cmocka_unit_test(drops_aliases_that_the_engine_added),
        cmocka_unit_test(before_1_45_the_host_name_is_an_alias_of_the_engines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
