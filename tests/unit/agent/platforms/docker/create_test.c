/* Making the new container against a scripted engine: what is tried again, what is final, and that
 * a failure leaves nothing behind. */
#include "agent/platforms/docker/create.h"

#include "tests/unit/agent/platforms/docker/scripted_engine.h"

#define MINE "sha256:2222222222222222222222222222222222222222222222222222222222222222"
#define THEIRS "sha256:3333333333333333333333333333333333333333333333333333333333333333"
#define FRESH "site.landwaiter-new-1f2e3d4c5b6a"
#define NET(name) "\"" name "\": {\"NetworkID\": \"id-of-" name "\"}"
#define SITE(host, networks)                                                                       \
    "{\"Id\": \"" OLD "\", \"Name\": \"/site\", \"Image\": \"" THEIRS "\", \"Config\": "           \
    "{\"Image\": \"reg.lan/site:1\"}, \"HostConfig\": {" host "}, \"NetworkSettings\": "           \
    "{\"Networks\": {" networks "}}}"
#define BRIDGED SITE("\"NetworkMode\": \"bridge\"", NET("bridge"))
#define READ(container)                                                                            \
    {"GET", "/containers/" OLD "/json", 200, container, NULL}, {                                   \
        "GET", "/images/" THEIRS "/json", 200, "{\"Id\": \"" THEIRS "\", \"Config\": {}}", NULL    \
    }
#define CREATE(status, body)                                                                       \
    { "POST", "/containers/create?name=" FRESH, status, body, "reg.lan/site:1" }
#define CREATED CREATE(201, "{\"Id\": \"" NEW "\"}")
#define VERIFY(image)                                                                              \
    {                                                                                              \
        "GET", "/containers/" NEW "/json", 200, "{\"Id\": \"" NEW "\", \"Image\": \"" image "\"}", \
            NULL                                                                                   \
    }
#define REMOVE(name, status)                                                                       \
    { "DELETE", "/containers/" name "?v=1&force=1", status, "{\"message\": \"busy\"}", NULL }
#define CONNECT(network, status)                                                                   \
    {                                                                                              \
        "POST", "/networks/" network "/connect", status, "{\"message\": \"full\"}",                \
            "\"Container\":\"" NEW "\""                                                            \
    }
#define TWO_NETS SITE("\"NetworkMode\": \"bridge\"", NET("bridge") "," NET("lan"))
#define PROVIDED SITE("\"NetworkMode\": \"bridge\", \"VolumesFrom\": [\"data:ro\"]", NET("bridge"))

static const struct attempt {
    enum err_kind kind; /* ERR_NONE: made */
    const char *words;
    bool tag_moved;
    struct row rows[8];
} attempts[] = {
    {ERR_NONE, "", false, {READ(BRIDGED), CREATED, VERIFY(MINE)}},
    /* left by an interrupted try */
    {ERR_NONE,
     "",
     false,
     {READ(BRIDGED), CREATE(409, "{\"message\": \"in use\"}"), REMOVE(FRESH, 204), CREATED,
      VERIFY(MINE)}},
    {ERR_INVALID,
     "in use",
     false,
     {READ(BRIDGED), CREATE(409, "{\"message\": \"in use\"}"), REMOVE(FRESH, 404),
      CREATE(409, "{\"message\": \"in use\"}")}},
    {ERR_TRANSIENT, "busy", false, {READ(BRIDGED), CREATE(409, "{}"), REMOVE(FRESH, 409)}},
    {ERR_INVALID,
     "no such image",
     false,
     {READ(BRIDGED), CREATE(404, "{\"message\": \"no such image\"}")}},
    {ERR_INVALID, "disk", false, {READ(BRIDGED), CREATE(500, "{\"message\": \"disk\"}")}},
    {ERR_TRANSIENT, "did not answer", false, {READ(BRIDGED), CREATE(0, NULL)}},
    {ERR_INVALID, "names no container", false, {READ(BRIDGED), CREATE(201, "{\"Id\": \"a/b\"}")}},
    {ERR_INVALID, "names no container", false, {READ(BRIDGED), CREATE(201, "{}")}},
    /* removed by the retry, by name */
    {ERR_TRANSIENT, "was moved by somebody", true, {READ(BRIDGED), CREATED, VERIFY(THEIRS)}},
    {ERR_NONE, "", false, {READ(TWO_NETS), CREATED, CONNECT("id-of-lan", 200), VERIFY(MINE)}},
    {ERR_INVALID,
     "joining the network id-of-lan: the Docker engine says: full",
     false,
     {READ(TWO_NETS), CREATED, CONNECT("id-of-lan", 403), REMOVE(NEW, 204)}},
    {ERR_TRANSIENT, "joining", false, {READ(TWO_NETS), CREATED, CONNECT("id-of-lan", 0)}},
    {ERR_INVALID,
     "leaving the network bridge",
     false,
     {READ(SITE("\"NetworkMode\": \"bridge\"", NET("lan"))),
      CREATED,
      {"POST", "/networks/bridge/disconnect", 500, "{}", "\"Force\":true"},
      REMOVE(NEW, 500)}},
    /* creation names a provider that is gone */
    {ERR_NONE,
     "",
     false,
     {READ(PROVIDED), {"GET", "/containers/data/json", 404, "{}", NULL}, CREATED, VERIFY(MINE)}},
    {ERR_TRANSIENT, "", false, {READ(PROVIDED), {"GET", "/containers/data/json", 500, "{}", NULL}}},
    {ERR_GONE, "the old container", false, {{"GET", "/containers/" OLD "/json", 404, "{}", NULL}}},
    {ERR_GONE,
     "the old container's image",
     false,
     {{"GET", "/containers/" OLD "/json", 200, BRIDGED, NULL},
      {"GET", "/images/" THEIRS "/json", 404, "{}", NULL}}},
    {ERR_TRANSIENT,
     "",
     false,
     {READ(SITE("\"NetworkMode\": \"host\"", NET("host"))), {"GET", "/info", 500, "{}", NULL}}},
};

static void makes_one_or_leaves_none(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(attempts); i++) {
        const struct attempt *attempt = &attempts[i];
        struct create_order order = {
            .old_id = OLD, .name = FRESH, .image = "reg.lan/site:1", .image_id = MINE};
        struct err err = ERR_INIT;
        size_t count = 0;
        while (count < ARRAY_LENGTH(attempt->rows) && attempt->rows[count].method) {
            count++;
        }
        scripted_play(attempt->rows, count);
        struct engine engine = scripted_open();
        bool made = create_container(&engine, &order, &err);
        if (made != (attempt->kind == ERR_NONE) || (!made && err.kind != attempt->kind) ||
            !strstr(err.message, attempt->words)) {
            fail_msg("attempt %zu: %s: %s", i, err_kind_name(err.kind), err.message);
        }
        assert_true(!made || strcmp(order.id, NEW) == 0);
        assert_int_equal(order.tag_moved, attempt->tag_moved);
        scripted_end();
    }
}

static void removes_with_its_anonymous_volumes(void **state) {
    (void)state;
    static const struct {
        long status;
        enum err_kind kind;
    } cases[] = {{204, ERR_NONE}, {404, ERR_NONE}, {409, ERR_TRANSIENT}, {403, ERR_DENIED}};
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        const struct row rows[] = {REMOVE(NEW, cases[i].status)};
        struct err err = ERR_INIT;
        PLAY(rows);
        struct engine engine = scripted_open();
        bool removed = create_remove(&engine, NEW, &err);
        assert_int_equal(removed, cases[i].kind == ERR_NONE);
        assert_true(removed || err.kind == cases[i].kind);
        scripted_end();
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_one_or_leaves_none),
        cmocka_unit_test(removes_with_its_anonymous_volumes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
