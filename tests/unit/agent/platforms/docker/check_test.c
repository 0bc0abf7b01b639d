/* Refusals before anything is touched, against a scripted engine. */
#include "agent/platforms/docker/check.h"

#include "tests/unit/agent/platforms/docker/scripted_engine.h"

#define IMAGE "sha256:2222222222222222222222222222222222222222222222222222222222222222"
#define SITE(name)                                                                                 \
    "{\"Id\": \"" OLD "\", \"Name\": \"/" name "\", \"Image\": \"" IMAGE "\", \"State\": "         \
    "{\"Status\": \"running\"}, \"Config\": {\"Image\": \"reg.lan/site:1\"}}"
/* Ids are new in each row, because the process remembers what it saw. */
#define OTHER(id, mode) "{\"Id\": \"" id "\", \"Name\": \"/proxy\", \"HostConfig\": {" mode "}}"
#define INSPECT                                                                                    \
    { "GET", "/containers/" OLD "/json", 200, SITE("site"), NULL }
#define INSPECT_IMAGE                                                                              \
    { "GET", "/images/" IMAGE "/json", 200, "{\"Id\": \"" IMAGE "\"}", NULL }
#define LIST(entries)                                                                              \
    { "GET", "/containers/json?all=1", 200, "[" entries "]", NULL }
#define ENTRY(id, name) "{\"Id\": \"" id "\", \"Names\": [\"/" name "\"]}"
#define ID(digit) "a" digit "00000000000000000000000000000000000000000000000000000000000000"

struct refusal {
    enum err_kind kind; /* ERR_NONE: possible */
    const char *words;
    struct row rows[5];
};

static const struct refusal refusals[] = {
    {ERR_NONE, "", {INSPECT, INSPECT_IMAGE, LIST(ENTRY(OLD, "site"))}},
    {ERR_GONE, "docker/site", {{"GET", "/containers/" OLD "/json", 404, "{}", NULL}}},
    {ERR_TRANSIENT, "docker/site", {{"GET", "/containers/" OLD "/json", 0, NULL, NULL}}},
    {ERR_GONE,
     "named old-site now",
     {{"GET", "/containers/" OLD "/json", 200, SITE("old-site"), NULL}}},
    {ERR_INVALID,
     "made from was removed",
     {INSPECT, {"GET", "/images/" IMAGE "/json", 404, "{}", NULL}}},
    {ERR_TRANSIENT, "", {INSPECT, {"GET", "/images/" IMAGE "/json", 500, "{}", NULL}}},
    {ERR_INVALID,
     "the container app is linked to it",
     {INSPECT, INSPECT_IMAGE, LIST("{\"Id\": \"" OLD "\", \"Names\": [\"/app/db\", \"/site\"]}")}},
    {ERR_INVALID,
     "the container proxy uses its network",
     {INSPECT,
      INSPECT_IMAGE,
      LIST(ENTRY(OLD, "site") "," ENTRY(ID("1"), "proxy")),
      {"GET", "/containers/" ID("1") "/json", 200,
       OTHER(ID("1"), "\"NetworkMode\": \"container:" OLD "\""), NULL}}},
    {ERR_INVALID,
     "uses its IPC namespace",
     {INSPECT,
      INSPECT_IMAGE,
      LIST(ENTRY(ID("2"), "proxy")),
      {"GET", "/containers/" ID("2") "/json", 200,
       OTHER(ID("2"), "\"IpcMode\": \"container:" OLD "\""), NULL}}},
    {ERR_INVALID,
     "uses its PID namespace",
     {INSPECT,
      INSPECT_IMAGE,
      LIST(ENTRY(ID("3"), "proxy")),
      {"GET", "/containers/" ID("3") "/json", 200,
       OTHER(ID("3"), "\"PidMode\": \"container:" OLD "\""), NULL}}},
    /* of another container, and one that went meanwhile */
    {ERR_NONE,
     "",
     {INSPECT,
      INSPECT_IMAGE,
      LIST(ENTRY(ID("4"), "proxy") "," ENTRY(ID("5"), "gone")),
      {"GET", "/containers/" ID("4") "/json", 200,
       OTHER(ID("4"), "\"NetworkMode\": \"container:" NEW "\", \"IpcMode\": \"container:" NEW
                      "\", \"PidMode\": \"container:" NEW "\""),
       NULL},
      {"GET", "/containers/" ID("5") "/json", 404, "{}", NULL}}},
    /* nothing is known of a container without an answer */
    {ERR_TRANSIENT,
     "",
     {INSPECT,
      INSPECT_IMAGE,
      LIST(ENTRY(ID("6"), "proxy")),
      {"GET", "/containers/" ID("6") "/json", 500, "{}", NULL}}},
    {ERR_INVALID,
     "not a list",
     {INSPECT, INSPECT_IMAGE, {"GET", "/containers/json?all=1", 200, "{}", NULL}}},
};

static void refuses_with_a_reason(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(refusals); i++) {
        const struct refusal *refusal = &refusals[i];
        size_t count = 0;
        struct err err = ERR_INIT;
        while (count < ARRAY_LENGTH(refusal->rows) && refusal->rows[count].method) {
            count++;
        }
        scripted_play(refusal->rows, count);
        struct platform_task task = scripted_task();
        bool good = check_container(&task, &err);

        if (good != (refusal->kind == ERR_NONE) || err.kind != refusal->kind ||
            !strstr(err.message, refusal->words)) {
            fail_msg("row %zu: %s: %s", i, err_kind_name(err.kind), err.message);
        }
        scripted_end();
        json_decref(task.journal);
    }
}

static void a_link_names_its_first_consumer(void **state) {
    (void)state;
    static const struct {
        const char *names, *consumer; /* NULL: none */
    } rows[] = {
        {"[\"/db\"]", NULL},
        {"[]", NULL},
        {"[7, null, \"app/db\"]", NULL},
        {"[\"/app/db\", \"/b/db\"]", "app"},
        {"[\"/db\", \"/a-very-long-name/db\"]", "a-very-"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char text[128];
        char consumer[8] = "";
        (void)snprintf(text, sizeof text, "{\"Names\": %s}", rows[i].names);
        json_t *entry = read_json(text);
        assert_int_equal(check_linked(entry, consumer, sizeof consumer), rows[i].consumer != NULL);
        assert_string_equal(consumer, rows[i].consumer ? rows[i].consumer : "");
        json_decref(entry);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_with_a_reason),
        cmocka_unit_test(a_link_names_its_first_consumer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
