/* Containers as targets, against a scripted engine: as few questions as possible, and all or
 * nothing. */
#include "agent/platforms/docker/list.h"

#include "agent/platforms/docker/seen.h"
#include "tests/unit/agent/platforms/docker/scripted_engine.h"

#define IMAGE "sha256:2222222222222222222222222222222222222222222222222222222222222222"
#define LIST(entries)                                                                              \
    { "GET", "/containers/json?all=1", 200, "[" entries "]", NULL }
#define ENTRY(id, name, image)                                                                     \
    "{\"Id\": \"" id "\", \"Names\": [\"/" name "\"], \"Image\": \"" image                         \
    "\", \"ImageID\": \"" IMAGE "\", \"State\": \"running\"}"
#define INSPECT_IMAGE                                                                              \
    {                                                                                              \
        "GET", "/images/" IMAGE "/json", 200,                                                      \
            "{\"Id\": \"" IMAGE "\", \"RepoDigests\": [\"reg.lan/site@" ENGINE_DIGEST "\"]}", NULL \
    }

static struct targets list(const char *repository, enum err_kind kind) {
    struct targets out = {0};
    struct ref ref;
    struct err err = ERR_INIT;
    assert_true(!repository || ref_parse(repository, &ref, NULL));
    bool good = list_targets(&scripted_engine.session, repository ? &ref : NULL, &out, &err);
    if (good != (kind == ERR_NONE) || err.kind != kind) {
        fail_msg("%s: %s", err_kind_name(err.kind), err.message);
    }
    scripted_end();
    return out;
}

static void asks_once_for_each_image(void **state) {
    (void)state;
    static const struct row rows[] = {
        LIST(ENTRY(OLD, "site", "reg.lan/site:1") "," ENTRY(NEW, "site2", "reg.lan/site:1")),
        INSPECT_IMAGE};
    PLAY(rows);
    struct targets out = list(NULL, ERR_NONE);
    assert_int_equal(out.count, 2);
    assert_string_equal(out.items[1].name, "docker/site2");
    assert_string_equal(out.items[1].running, ENGINE_DIGEST);
    assert_string_equal(out.items[1].instance, NEW);
    assert_true(out.items[0].enabled);
    targets_release(&out);
}

/* Anybody may write any label: a name that Compose would refuse is no project. */
static void knows_the_project(void **state) {
    (void)state;
    static const struct {
        const char *project, *expected;
    } rows[] = {{"shop", "shop"}, {"", ""}, {"a/b", ""}, {"a,b", ""}, {NULL, ""}};
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP(json_release)
        json_t *labels = json_pack("{ss* ss}", "com.docker.compose.project", rows[i].project,
                                   "landwaiter.soak", "24h");
        const struct list_sighting sighting = {.id = OLD,
                                               .name = "site",
                                               .image = "reg.lan/site:1",
                                               .image_id = IMAGE,
                                               .status = "running",
                                               .labels = labels};
        struct target target = {0};
        list_target(&scripted_engine.config, &sighting, &target);
        assert_string_equal(target.project, rows[i].expected);
        assert_non_null(strstr(target.notice, "label soak"));
        assert_string_equal(target.problem, "");
    }
}

static void asks_nothing_about_other_repositories(void **state) {
    (void)state;
    static const struct row rows[] = {LIST(ENTRY(OLD, "site", "reg.lan/site:1"))};
    PLAY(rows);
    struct targets out = list("reg.lan/other", ERR_NONE);
    assert_int_equal(out.count, 0);
    targets_release(&out);
}

static void leaves_out_what_is_no_target(void **state) {
    (void)state;
    static const struct row rows[] = {
        LIST(ENTRY(OLD, "site.landwaiter-new-1f2e3d4c5b6a", "reg.lan/site:1") "," ENTRY(
            OLD, "0123456789ab_site",
            "reg.lan/site:1") ","
                              "{\"Id\": \"" OLD
                              "\", \"Names\": [\"/task\"], \"Image\": \"reg.lan/site:1\", "
                              "\"Labels\": {\"com.docker.swarm.task.id\": \"x\"}},"
                              "{\"Id\": \"" OLD "\", \"Names\": []}, {}, 7")};
    PLAY(rows);
    struct targets out = list(NULL, ERR_NONE);
    assert_int_equal(out.count, 0);
    targets_release(&out);
}

/* The list shows an id in place of the name once the tag has moved on. */
static void finds_the_name_behind_an_id(void **state) {
    (void)state;
    static const struct row rows[] = {
        LIST(ENTRY(OLD, "site", IMAGE) "," ENTRY(NEW, "gone", IMAGE)),
        {"GET", "/containers/" OLD "/json", 200,
         "{\"Id\": \"" OLD "\", \"Config\": {\"Image\": \"reg.lan/site:1\"}}", NULL},
        INSPECT_IMAGE,
        {"GET", "/containers/" NEW "/json", 404, "{}", NULL}};
    PLAY(rows);
    struct targets out = list(NULL, ERR_NONE);
    assert_int_equal(out.count, 1);
    assert_string_equal(out.items[0].image.path, "site");
    assert_string_equal(out.items[0].running, ENGINE_DIGEST);
    targets_release(&out);
}

static void a_failure_in_the_middle_adds_nothing(void **state) {
    (void)state;
    static const struct row rows[] = {
        LIST(ENTRY(OLD, "site", "reg.lan/site:1") "," ENTRY(NEW, "late", IMAGE)),
        INSPECT_IMAGE,
        {"GET", "/containers/" NEW "/json", 500, "{}", NULL}};
    static const struct row no_image[] = {LIST(ENTRY(OLD, "site", "reg.lan/site:1")),
                                          {"GET", "/images/" IMAGE "/json", 0, NULL, NULL}};
    static const struct row gone[] = {LIST(ENTRY(OLD, "site", "reg.lan/site:1")),
                                      {"GET", "/images/" IMAGE "/json", 404, "{}", NULL}};
    PLAY(rows);
    struct targets out = list(NULL, ERR_TRANSIENT);
    assert_int_equal(out.count, 0);
    targets_release(&out);
    PLAY(no_image);
    out = list(NULL, ERR_TRANSIENT);
    assert_int_equal(out.count, 0);
    targets_release(&out);
    PLAY(gone); /* the image was removed: the digest is unknown */
    out = list(NULL, ERR_NONE);
    assert_string_equal(out.items[0].running, "");
    targets_release(&out);
}

/* One that the engine refuses to show concerns nobody else: not at all if it has not opted in, and
 * only for a while otherwise. */
static void one_that_cannot_be_shown(void **state) {
    (void)state;
    static const struct row rows[] = {
        LIST(ENTRY(OLD, "site", "reg.lan/site:1") "," ENTRY(NEW, "broken", IMAGE)),
        {"GET", "/images/" IMAGE "/json", 500, "{}", NULL},
        {"GET", "/containers/" NEW "/json", 500, "{}", NULL}};
    PLAY(rows);
    seen_retain(NULL);
    scripted_engine.config.docker.select_all = false;
    struct targets out = list(NULL, ERR_NONE);
    assert_int_equal(out.count, 2);
    assert_string_equal(out.items[0].running, "");
    assert_string_equal(out.items[0].problem, "");
    assert_non_null(strstr(out.items[1].problem, "cannot be read"));
    targets_release(&out);
    for (int i = 0; i < 4; i++) {
        PLAY(rows);
        out = list(NULL, i < 3 ? ERR_TRANSIENT : ERR_NONE);
        assert_int_equal(out.count, i < 3 ? 0 : 2);
        targets_release(&out);
    }
}

static void one_question_shares_one_list(void **state) {
    (void)state;
    static const struct row rows[] = {LIST(ENTRY(OLD, "site", "reg.lan/site:1"))};
    struct err err = ERR_INIT;
    json_t *shared = json_object();
    PLAY(rows);
    struct engine engine = scripted_open();
    for (int i = 0; i < 2; i++) {
        json_t *out = NULL;
        assert_true(list_shared(&engine, shared, &out, &err));
        assert_int_equal(json_array_size(out), 1);
        json_decref(out);
    }
    scripted_end();
    json_decref(shared);
}

static void finds_by_the_exact_name_only(void **state) {
    (void)state;
    static const char site[] = "{\"Id\": \"" OLD "\", \"Name\": \"/site\", \"Image\": \"" IMAGE
                               "\", \"State\": {\"Status\": \"running\"}, \"Config\": {\"Image\": "
                               "\"reg.lan/site:1\"}}";
    static const struct row found[] = {{"GET", "/containers/site/json", 200, site, NULL},
                                       INSPECT_IMAGE};
    /* The engine takes the beginning of an id, too. */
    static const struct row other[] = {{"GET", "/containers/1f2e3d/json", 200, site, NULL}};
    struct target target = {.name = "before"};
    struct err err = ERR_INIT;
    PLAY(other);
    assert_false(list_find(&scripted_engine.session, "docker/1f2e3d", &target, &err));
    assert_int_equal(err.kind, ERR_GONE);
    assert_false(list_find(&scripted_engine.session, "kubernetes/site", &target, &err));
    assert_int_equal(err.kind, ERR_GONE);
    assert_string_equal(target.name, "before");
    scripted_end();
    PLAY(found);
    assert_true(list_find(&scripted_engine.session, "docker/site", &target, &err));
    assert_string_equal(target.name, "docker/site");
    assert_string_equal(target.running, ENGINE_DIGEST);
    scripted_end();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_once_for_each_image),
        cmocka_unit_test(knows_the_project),
        cmocka_unit_test(asks_nothing_about_other_repositories),
        cmocka_unit_test(leaves_out_what_is_no_target),
        cmocka_unit_test(finds_the_name_behind_an_id),
        cmocka_unit_test(a_failure_in_the_middle_adds_nothing),
        cmocka_unit_test(one_that_cannot_be_shown),
        cmocka_unit_test(one_question_shares_one_list),
        cmocka_unit_test(finds_by_the_exact_name_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
