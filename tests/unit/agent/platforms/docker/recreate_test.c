/* The mapping of docker-engine.md sections 2 to 6, row by row, on inspect documents of a real
 * engine (20.10.24, API 1.41). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/platforms/docker/recreate.h"
#include "base/json.h"

#define NEW_IMAGE "registry.lan/home/rich:1"
#define NEW_ID "sha256:2222222222222222222222222222222222222222222222222222222222222222"

struct fixture {
    json_t *root;
    struct recreate_input input;
    struct recreate_plan plan;
};

static void fixture_release(struct fixture *fixture) {
    json_decref(fixture->root);
    recreate_plan_release(&fixture->plan);
}

static void fixture_load(struct fixture *fixture, const char *name) {
    char path[512];
    (void)snprintf(path, sizeof path, "%s/docker/%s.json", TEST_DATA, name);
    json_error_t error;
    fixture->root = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (!fixture->root) {
        fail_msg("%s: %s", path, error.text);
    }
    fixture->input = (struct recreate_input){
        .container = json_object_get(fixture->root, "container"),
        .image = json_object_get(fixture->root, "image"),
        .providers = json_object_get(fixture->root, "providers"),
        .image_name = NEW_IMAGE,
        .image_id = NEW_ID,
        .engine_name = json_text(fixture->root, "engine"),
        .minor = 41,
    };
}

static void fixture_plan(struct fixture *fixture) {
    struct err err = ERR_INIT;
    recreate_plan_release(&fixture->plan);
    if (!recreate_plan(&fixture->input, &fixture->plan, &err)) {
        fail_msg("%s", err.message);
    }
}

/* A member along "A/B/C". */
static const json_t *at(const json_t *value, const char *path) {
    char step[256];
    while (value && *path) {
        size_t len = strcspn(path, "/");
        (void)snprintf(step, sizeof step, "%.*s", (int)len, path);
        value = json_object_get(value, step);
        path += len + (path[len] == '/');
    }
    return value;
}

/* expected NULL: the member is absent. */
static void expect(const json_t *root, const char *where, const char *path, const char *expected) {
    const json_t *value = at(root, path);
    json_t *wanted = expected ? json_loads(expected, JSON_DECODE_ANY, NULL) : NULL;
    if (expected) {
        assert_non_null(wanted);
    }
    if ((value == NULL) != (wanted == NULL) || (value && !json_equal(value, wanted))) {
        char *shown = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
        fail_msg("%s: %s is %s and not %s", where, path, shown ? shown : "absent",
                 expected ? expected : "absent");
    }
    json_decref(wanted);
}

struct row {
    const char *fixture, *path, *expected;
};

static const struct row rows[] = {
    /* section 2 */
    {"plain", "Image", "\"" NEW_IMAGE "\""},
    /* section 3: drop the image's defaults, keep the owner's settings */
    {"plain", "Env", "[]"},
    {"plain", "Labels", "{}"},
    {"plain", "User", NULL},
    {"plain", "WorkingDir", NULL},
    {"plain", "StopSignal", NULL},
    {"plain", "ExposedPorts", NULL},
    {"plain", "Volumes", NULL},
    {"plain", "Healthcheck", NULL},
    {"plain", "Entrypoint", NULL},
    {"plain", "Cmd", NULL},
    {"plain", "OnBuild", "null"},
    {"plain", "NetworkingConfig", "{\"EndpointsConfig\": {\"bridge\": {}}}"},
    {"env", "Env", "[\"USERVAR=1\", \"MODE=mine\"]"},
    {"env_unset", "Env", "[\"SHARED\", \"X=1\"]"},
    {"labels", "Labels/img.keep", "\"mine\""},
    {"labels", "Labels/own", "\"1\""},
    {"labels", "Labels/img.version", NULL},
    {"labels", "Labels/com.docker.compose.image", "\"" NEW_ID "\""},
    {"scalars", "User", "\"1:1\""},
    {"scalars", "WorkingDir", "\"/x\""},
    {"scalars", "StopSignal", "\"SIGINT\""},
    {"scalars", "StopTimeout", "3"},
    {"ports", "ExposedPorts", "{\"8080/tcp\": {}, \"7000/tcp\": {}, \"7001/tcp\": {}}"},
    {"ports", "HostConfig/PublishAllPorts", "true"},
    {"health_fields", "Healthcheck", "{\"Interval\": 7000000000, \"Retries\": 9}"},
    {"health_none", "Healthcheck", "{\"Test\": [\"NONE\"]}"},
    {"entrypoint_other", "Entrypoint", "[\"/bin/sh\"]"},
    {"entrypoint_other", "Cmd", "[\"-c\", \"sleep 100\"]"},
    {"entrypoint_cleared", "Entrypoint", "[\"\"]"},
    {"entrypoint_cleared", "Cmd", "[\"/bin/sleep\", \"100\"]"},
    {"entrypoint_empty", "Entrypoint", "[]"},
    {"entrypoint_empty", "Cmd", NULL},
    {"entrypoint_empty_cmd", "Entrypoint", "[]"},
    {"entrypoint_empty_cmd", "Cmd", "[\"/bin/sleep\", \"9\"]"},
    {"cmd_suppressed", "Entrypoint", "[\"/app.sh\"]"},
    {"cmd_suppressed", "Cmd", "null"},
    {"cmd_other", "Entrypoint", NULL},
    {"cmd_other", "Cmd", "[\"else\"]"},
    {"bare", "Env", "[\"A=1\"]"},
    {"bare", "Cmd", "[\"/bin/sleep\", \"77\"]"},
    {"bare", "Entrypoint", NULL},
    {"bare_plain", "Cmd", NULL},
    /* section 4 */
    {"plain", "Hostname", NULL},
    {"hostname", "Hostname", "\"web\""},
    {"hostname", "Domainname", "\"d.lan\""},
    {"hostname_hex", "Hostname", "\"0123456789ab\""},
    {"net_container", "Hostname", NULL},
    {"net_container", "Domainname", NULL},
    {"net_container", "ExposedPorts", NULL},
    {"net_container", "NetworkingConfig", NULL},
    {"net_container", "HostConfig/NetworkMode",
     "\"container:34f3212dedf5054c4331ea48655678113e464b96d0ae6943c5b3051f0d00ecfc\""},
    {"net_host", "Hostname", NULL},
    {"net_host", "NetworkingConfig", NULL},
    {"uts_host", "Hostname", NULL},
    {"namespaces", "HostConfig/PidMode",
     "\"container:34f3212dedf5054c4331ea48655678113e464b96d0ae6943c5b3051f0d00ecfc\""},
    {"unconfined", "HostConfig/MaskedPaths", "[]"},
    {"unconfined", "HostConfig/ReadonlyPaths", "[]"},
    {"hostconfig", "HostConfig/Ulimits",
     "[{\"Name\": \"core\", \"Hard\": 9007199254740993, \"Soft\": 9007199254740993},"
     " {\"Name\": \"nofile\", \"Hard\": 2048, \"Soft\": 1024}]"},
    {"hostconfig", "HostConfig/RestartPolicy",
     "{\"Name\": \"on-failure\", \"MaximumRetryCount\": 5}"},
    {"link_legacy", "HostConfig/Links", "[\"/prov:/t-old/pp\"]"},
    /* section 5 */
    {"net_two", "NetworkingConfig/EndpointsConfig",
     "{\"na\": {\"Links\": [\"other:oo\"], \"Aliases\": [\"al\"]}}"},
    {"net_id", "NetworkingConfig/EndpointsConfig", "{\"na\": {}}"},
    {"net_none", "NetworkingConfig", NULL},
    {"hostname", "NetworkingConfig/EndpointsConfig/na", "{\"Aliases\": [\"al\"]}"},
    {"mac", "MacAddress", "\"02:42:ac:11:00:99\""},
    {"net_moved", "NetworkingConfig", NULL},
    /* section 6 */
    {"vol_over", "HostConfig/Binds", "[\"named:/data\"]"},
    {"vol_mount_over", "HostConfig/Binds", "null"},
    {"bare", "HostConfig/Binds", "null"},
};

static void maps_each_row(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP(fixture_release) struct fixture fixture = {0};
        fixture_load(&fixture, rows[i].fixture);
        fixture_plan(&fixture);
        expect(fixture.plan.body, rows[i].fixture, rows[i].path, rows[i].expected);
    }
}

/* Copies all of HostConfig as the engine wrote it, including unknown members, except volumes. */
static void copies_the_host_part(void **state) {
    (void)state;
    static const char *const names[] = {"hostconfig", "unconfined", "ports", "namespaces", "mac"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        CLEANUP(fixture_release) struct fixture fixture = {0};
        fixture_load(&fixture, names[i]);
        json_t *host = json_object_get(fixture.input.container, "HostConfig");
        assert_int_equal(json_object_set_new(host, "Unheard", json_pack("{s:[i,n]}", "of", 1)), 0);
        fixture_plan(&fixture);
        json_t *made = json_object_get(fixture.plan.body, "HostConfig");
        assert_true(json_equal(json_object_get(made, "PortBindings"),
                               json_object_get(host, "PortBindings")));
        assert_int_equal(json_object_del(made, "Binds"), 0);
        assert_int_equal(json_object_del(host, "Binds"), 0);
        assert_true(json_equal(made, host));
    }
}

/* The name of the volume mounted there. */
static const char *volume_at(const json_t *document, const char *destination) {
    size_t i = 0;
    json_t *mount = NULL;
    json_array_foreach(json_object_get(document, "Mounts"), i, mount) {
        if (strcmp(json_text(mount, "Destination"), destination) == 0) {
            return json_text(mount, "Name");
        }
    }
    fail_msg("no volume at %s", destination);
    return "";
}

static void keeps_anonymous_volumes(void **state) {
    (void)state;
    CLEANUP(fixture_release) struct fixture fixture = {0};
    char wanted[512];
    fixture_load(&fixture, "vol_three");
    fixture_plan(&fixture);
    const json_t *old = fixture.input.container;
    (void)snprintf(wanted, sizeof wanted,
                   "[\"named:/named\", \"/srv/app:/b:ro\", \"%s:/anon\", \"%s:/data\"]",
                   volume_at(old, "/anon"), volume_at(old, "/data"));
    expect(fixture.plan.body, "vol_three", "HostConfig/Binds", wanted);
    (void)snprintf(wanted, sizeof wanted,
                   "[{\"Type\": \"volume\", \"Target\": \"/third/\", \"Source\": \"%s\"}]",
                   volume_at(old, "/third"));
    expect(fixture.plan.body, "vol_three", "HostConfig/Mounts", wanted);
    expect(fixture.plan.body, "vol_three", "Volumes", "{\"/anon\": {}}");
}

/* A second update finds ordinary binds and adds nothing. */
static void binds_volumes_once(void **state) {
    (void)state;
    CLEANUP(fixture_release) struct fixture fixture = {0};
    fixture_load(&fixture, "vol_three");
    fixture_plan(&fixture);
    json_t *host = json_deep_copy(json_object_get(fixture.plan.body, "HostConfig"));
    json_t *container = json_object_get(fixture.root, "container");
    assert_int_equal(json_object_set(container, "HostConfig", host), 0);
    fixture_plan(&fixture);
    assert_true(json_equal(json_object_get(fixture.plan.body, "HostConfig"), host));
    json_decref(host);
}

static void leaves_inherited_volumes(void **state) {
    (void)state;
    CLEANUP(fixture_release) struct fixture fixture = {0};
    fixture_load(&fixture, "vol_from");
    fixture_plan(&fixture);
    const json_t *old = fixture.input.container;
    const json_t *provider = json_array_get(fixture.input.providers, 0);
    assert_string_equal(volume_at(old, "/pv"), volume_at(provider, "/pv"));
    expect(fixture.plan.body, "vol_from", "HostConfig/VolumesFrom", "[\"prov\"]");
    expect(fixture.plan.body, "vol_from", "HostConfig/Binds", "null");
    /* Without the provider the volume would be lost. */
    fixture.input.providers = NULL;
    fixture_plan(&fixture);
    assert_int_equal(json_array_size(at(fixture.plan.body, "HostConfig/Binds")), 2);
}

static void connects_further_networks_after_creation(void **state) {
    (void)state;
    CLEANUP(fixture_release) struct fixture fixture = {0};
    fixture_load(&fixture, "net_two");
    fixture_plan(&fixture);
    const struct network_plan *network = &fixture.plan.network;
    assert_string_equal(network->disconnect, "");
    assert_int_equal(json_array_size(network->connect), 1);
    const json_t *second = json_array_get(network->connect, 0);
    assert_string_equal(
        json_text(second, "network"),
        json_text(at(fixture.input.container, "NetworkSettings/Networks/nb"), "NetworkID"));
    expect(second, "net_two", "body",
           "{\"EndpointConfig\": {\"IPAMConfig\": {\"IPv4Address\": \"10.91.0.60\"},"
           " \"Aliases\": [\"second\"], \"DriverOpts\": {}}}");
}

static void creates_all_endpoints_at_once_since_1_44(void **state) {
    (void)state;
    CLEANUP(fixture_release) struct fixture fixture = {0};
    fixture_load(&fixture, "net_two");
    fixture.input.minor = 44;
    fixture_plan(&fixture);
    assert_int_equal(json_array_size(fixture.plan.network.connect), 0);
    expect(fixture.plan.body, "net_two", "NetworkingConfig/EndpointsConfig",
           "{\"na\": {\"Links\": [\"other:oo\"], \"Aliases\": [\"al\"]},"
           " \"nb\": {\"IPAMConfig\": {\"IPv4Address\": \"10.91.0.60\"},"
           " \"Aliases\": [\"second\"], \"DriverOpts\": {}}}");
}

/* The owner disconnected it from the network that it was created with. */
static void follows_a_moved_container(void **state) {
    (void)state;
    for (int minor = 41; minor <= 51; minor += 10) {
        CLEANUP(fixture_release) struct fixture fixture = {0};
        fixture_load(&fixture, "net_moved");
        fixture.input.minor = minor;
        fixture_plan(&fixture);
        const struct network_plan *network = &fixture.plan.network;
        assert_string_equal(network->disconnect, "na");
        assert_int_equal(json_array_size(network->connect), 1);
        expect(json_array_get(network->connect, 0), "net_moved", "body/EndpointConfig/Aliases",
               "[\"mv\"]");
        expect(fixture.plan.body, "net_moved", "NetworkingConfig", NULL);
    }
}

static void keeps_the_default_bridge_beside_another(void **state) {
    (void)state;
    CLEANUP(fixture_release) struct fixture fixture = {0};
    fixture_load(&fixture, "net_default_more");
    fixture_plan(&fixture);
    assert_string_equal(fixture.plan.network.disconnect, "");
    expect(fixture.plan.body, "net_default_more", "NetworkingConfig/EndpointsConfig",
           "{\"bridge\": {}}");
    expect(json_array_get(fixture.plan.network.connect, 0), "net_default_more",
           "body/EndpointConfig/Aliases", "[\"q\"]");
}

static void moves_the_mac_address_into_the_endpoint_since_1_44(void **state) {
    (void)state;
    CLEANUP(fixture_release) struct fixture fixture = {0};
    fixture_load(&fixture, "mac");
    fixture.input.minor = 44;
    fixture_plan(&fixture);
    expect(fixture.plan.body, "mac", "MacAddress", NULL);
    expect(fixture.plan.body, "mac", "NetworkingConfig/EndpointsConfig/bridge",
           "{\"MacAddress\": \"02:42:ac:11:00:99\"}");
    /* Never copies a generated address. */
    CLEANUP(fixture_release) struct fixture plain = {0};
    fixture_load(&plain, "net_id");
    plain.input.minor = 44;
    fixture_plan(&plain);
    expect(plain.plan.body, "net_id", "NetworkingConfig/EndpointsConfig", "{\"na\": {}}");
}

/* Up to 1.44 the engine adds the host name to the aliases; from 1.45 they are the owner's alone. */
static void drops_the_engines_own_aliases(void **state) {
    (void)state;
    CLEANUP(fixture_release) struct fixture fixture = {0};
    fixture_load(&fixture, "hostname");
    char short_id[13];
    (void)snprintf(short_id, sizeof short_id, "%s",
                   json_text(json_object_get(fixture.root, "container"), "Id"));
    json_t *endpoint =
        (json_t *)(uintptr_t)at(fixture.root, "container/NetworkSettings/Networks/na");
    json_object_set_new(endpoint, "Aliases", json_pack("[s,s,s]", "al", short_id, "web"));
    json_object_set_new(endpoint, "GwPriority", json_integer(7));
    fixture.input.minor = 44;
    fixture_plan(&fixture);
    expect(fixture.plan.body, "hostname", "NetworkingConfig/EndpointsConfig/na",
           "{\"Aliases\": [\"al\"]}");
    fixture.input.minor = 48;
    fixture_plan(&fixture);
    expect(fixture.plan.body, "hostname", "NetworkingConfig/EndpointsConfig/na",
           "{\"Aliases\": [\"al\", \"web\"], \"GwPriority\": 7}");
}

/* A host name other than the engine's is the owner's. */
static void keeps_a_host_name_of_ones_own(void **state) {
    (void)state;
    CLEANUP(fixture_release) struct fixture fixture = {0};
    fixture_load(&fixture, "net_host");
    fixture.input.engine_name = "elsewhere";
    fixture_plan(&fixture);
    expect(fixture.plan.body, "net_host", "Hostname", "\"dockerhost\"");
}

static void does_not_touch_its_input(void **state) {
    (void)state;
    CLEANUP(fixture_release) struct fixture fixture = {0};
    fixture_load(&fixture, "vol_three");
    json_t *before = json_deep_copy(fixture.root);
    fixture_plan(&fixture);
    assert_true(json_equal(before, fixture.root));
    json_decref(before);
}

static void refuses_what_is_no_container(void **state) {
    (void)state;
    CLEANUP(json_release) json_t *empty = json_object();
    struct recreate_plan plan = {0};
    struct err err = ERR_INIT;
    const struct recreate_input input = {
        .container = empty, .image = empty, .image_name = "a", .image_id = "b", .minor = 41};
    assert_false(recreate_plan(&input, &plan, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_null(plan.body);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_each_row),
        cmocka_unit_test(copies_the_host_part),
        cmocka_unit_test(keeps_anonymous_volumes),
        cmocka_unit_test(binds_volumes_once),
        cmocka_unit_test(leaves_inherited_volumes),
        cmocka_unit_test(connects_further_networks_after_creation),
        cmocka_unit_test(creates_all_endpoints_at_once_since_1_44),
        cmocka_unit_test(follows_a_moved_container),
        cmocka_unit_test(keeps_the_default_bridge_beside_another),
        cmocka_unit_test(moves_the_mac_address_into_the_endpoint_since_1_44),
        cmocka_unit_test(drops_the_engines_own_aliases),
        cmocka_unit_test(keeps_a_host_name_of_ones_own),
        cmocka_unit_test(does_not_touch_its_input),
        cmocka_unit_test(refuses_what_is_no_container),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
