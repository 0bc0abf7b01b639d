/* Images in the engine's view: what may stand in a path, and which answers are images. */
#include "agent/platforms/docker/image.h"

#include "tests/unit/agent/platforms/docker/scripted_engine.h"

static void puts_no_strange_name_into_a_path(void **state) {
    (void)state;
    static const char *const bad[] = {"",     "a?b",    "a#b",     "a%2fb", "a b",
                                      "a\tb", "a\r\nb", "../../x", "a/../b"};
    scripted_play(NULL, 0);
    struct engine engine = scripted_open();
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        json_t *out = NULL;
        struct err err = ERR_INIT;
        assert_false(image_inspect(&engine, bad[i], &out, &err));
        assert_int_equal(err.kind, ERR_INVALID);
        assert_null(out);
    }
}

static void an_answer_must_be_an_image(void **state) {
    (void)state;
    static const char *const bodies[] = {
        "{}", "[]", "{\"Id\": 7}", "{\"Id\": \"1111\"}",
        "{\"Id\": \"sha256:11111111111111111111111111111111111111111111111111111111111111111\"}"};
    for (size_t i = 0; i < ARRAY_LENGTH(bodies); i++) {
        const struct row rows[] = {{"GET", "/images/site:1/json", 200, bodies[i], NULL}};
        json_t *out = NULL;
        struct err err = ERR_INIT;
        PLAY(rows);
        struct engine engine = scripted_open();
        assert_false(image_inspect(&engine, "site:1", &out, &err));
        scripted_says(&err, ERR_INVALID, "not an image");
        assert_null(out);
    }
}

static void the_digest_is_that_of_the_same_repository(void **state) {
    (void)state;
    static const struct {
        const char *digests, *repository;
        bool found;
    } rows[] = {
        {"[\"nginx@" ENGINE_DIGEST "\"]", "docker.io/library/nginx:2", true},
        {"[\"nginx@" ENGINE_DIGEST "\"]", "reg.lan/library/nginx", false},
        {"[\"nginx:1\", \"nginx@" ENGINE_DIGEST "\"]", "nginx", true},
        {"[\"nginx@sha256:12\", null, 7]", "nginx", false},
        {"null", "nginx", false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char text[256];
        char digest[DIGEST_TEXT_SIZE] = "before";
        struct ref ref;
        assert_true(ref_parse(rows[i].repository, &ref, NULL));
        (void)snprintf(text, sizeof text, "{\"RepoDigests\": %s}", rows[i].digests);
        json_t *inspect = read_json(text);
        image_digest(inspect, &ref, digest);
        assert_string_equal(digest, rows[i].found ? ENGINE_DIGEST : "");
        json_decref(inspect);
    }
}

#define IMAGE(id, layers, config)                                                                  \
    "{\"Id\": \"sha256:" id "\", \"RootFS\": " layers ", \"Config\": " config                      \
    ", \"Created\": \"t\", \"Os\": \"linux\", \"Architecture\": \"amd64\"}"

static void equal_content_is_one_image(void **state) {
    (void)state;
    static const struct {
        const char *a, *b;
        bool same;
    } rows[] = {
        {IMAGE("1", "[1]", "{}"), IMAGE("1", "[2]", "{}"), true}, /* the id decides */
        {IMAGE("1", "[1]", "{}"), IMAGE("2", "[1]", "{}"), true},
        {IMAGE("1", "[1]", "{}"), IMAGE("2", "[1]", "{\"Cmd\": 1}"), false},
        {IMAGE("1", "[1]", "{}"), "{\"Id\": \"sha256:2\", \"RootFS\": [1]}", false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        json_t *a = read_json(rows[i].a);
        json_t *b = read_json(rows[i].b);
        assert_int_equal(image_same(a, b), rows[i].same);
        assert_int_equal(image_same(b, a), rows[i].same);
        json_decref(a);
        json_decref(b);
    }
}

static void another_tag_fits_exactly(void **state) {
    (void)state;
    char out[8];
    assert_true(image_name_with_tag("site:1", "23", out, sizeof out));
    assert_string_equal(out, "site:23");
    assert_false(image_name_with_tag("site:1", "234", out, sizeof out));
    assert_true(image_name_with_tag("a:5/b", "1", out, sizeof out));
    assert_string_equal(out, "a:5/b:1");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(puts_no_strange_name_into_a_path),
        cmocka_unit_test(an_answer_must_be_an_image),
        cmocka_unit_test(the_digest_is_that_of_the_same_repository),
        cmocka_unit_test(equal_content_is_one_image),
        cmocka_unit_test(another_tag_fits_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
