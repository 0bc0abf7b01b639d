/* The index: finding, replacing and forgetting objects. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/platforms/kubernetes/index.h"
#include "base/json.h"

static json_t *sighting(const char *name, const char *image) {
    return json_pack("{ss ss ss ss s[[s s b][s s b]]}", "namespace", "shop", "kind", "deployment",
                     "name", name, "uid", "u", "containers", "app", image, 0, "proxy", "envoy:1",
                     0);
}

static void put(struct index *index, int stream, const char *name, const char *image) {
    json_t *seen = sighting(name, image);
    index_put(index, stream, seen);
    json_decref(seen);
}

struct found {
    char names[256];
    size_t count;
};

static bool note(void *context, const json_t *seen, size_t place, struct err *err) {
    struct found *found = context;
    (void)err;
    (void)snprintf(found->names + strlen(found->names), sizeof found->names - strlen(found->names),
                   "%s%s.%zu", found->count++ ? " " : "", json_text(seen, "name"), place);
    return true;
}

static void expect(struct index *index, const char *image, const char *names) {
    struct found found = {.names = ""};
    const struct index_visit visit = {.each = note, .context = &found};
    struct ref ref;
    struct err err = ERR_INIT;
    assert_true(!image || ref_parse(image, &ref, &err));
    assert_true(index_visit(index, image ? &ref : NULL, &visit, &err));
    assert_string_equal(found.names, names);
}

static void by_repository(void **state) {
    (void)state;
    struct index *index = NULL;
    struct err err = ERR_INIT;
    assert_true(index_new(&index, &err));
    index_begin(index, 0);
    put(index, 0, "web",
        "ghcr.io/a/web:1@sha256:0000000000000000000000000000000000000000000000000000000000000000");
    put(index, 0, "api", "ghcr.io/a/web:2");
    put(index, 0, "odd", "NOT an image");
    index_end(index, 0);
    expect(index, "ghcr.io/a/web:9", "api.0 web.0");
    expect(index, "docker.io/library/envoy", "api.1 odd.1 web.1");
    expect(index, "ghcr.io/a/other", "");
    expect(index, NULL, "api.0 api.1 odd.0 odd.1 web.0 web.1");

    put(index, 0, "web", "ghcr.io/a/other:1"); /* another image now */
    expect(index, "ghcr.io/a/web", "api.0");
    expect(index, "ghcr.io/a/other", "web.0");
    index_remove(index, "shop/deployment/web");
    index_remove(index, "shop/deployment/none");
    expect(index, "ghcr.io/a/other", "");
    assert_int_equal(index_count(index), 2);
    json_t *found = index_find(index, "shop/deployment/api");
    assert_string_equal(json_text(found, "name"), "api");
    json_decref(found);
    assert_null(index_find(index, "shop/deployment/web"));
    index_free(index);
}

/* A new list forgets objects that are not in it, of its own stream only, even while another list
 * begins. */
static void a_new_list(void **state) {
    (void)state;
    struct index *index = NULL;
    struct err err = ERR_INIT;
    assert_true(index_new(&index, &err));
    index_begin(index, 0);
    put(index, 0, "a", "x:1");
    put(index, 0, "b", "x:1");
    index_end(index, 0);
    index_begin(index, 1);
    put(index, 1, "c", "x:1");
    index_end(index, 1);
    index_begin(index, 0);
    put(index, 0, "a", "x:1");
    index_begin(index, 1);
    index_end(index, 0);
    expect(index, "x", "a.0 c.0");
    put(index, 1, "c", "x:1");
    index_end(index, 1);
    expect(index, "x", "a.0 c.0");
    index_free(index);
    index_free(NULL);
}

/* Remembers the pods' digest for a minute, and forgets it when the object changes. */
static void what_runs(void **state) {
    (void)state;
    struct index *index = NULL;
    struct err err = ERR_INIT;
    char digest[DIGEST_TEXT_SIZE] = "";
    assert_true(index_new(&index, &err));
    put(index, 0, "a", "x:1");
    struct index_running which = {"shop/deployment/a", "app", 1000000};
    assert_false(index_running(index, &which, digest));
    index_note_running(index, &which, "sha256:1");
    assert_true(index_running(index, &which, digest));
    assert_string_equal(digest, "sha256:1");
    put(index, 0, "a", "x:1");
    assert_true(index_running(index, &which, digest));
    which.now_ms += INDEX_RUNNING_MS;
    assert_false(index_running(index, &which, digest));
    index_note_running(index, &which, "");
    assert_true(index_running(index, &which, digest));
    assert_string_equal(digest, "");
    put(index, 0, "a", "x:2");
    assert_false(index_running(index, &which, digest));
    index_free(index);
}

static void expect_faults(struct index *index, const char *names) {
    struct found found = {.names = ""};
    const struct index_visit visit = {.each = note, .context = &found};
    struct err err = ERR_INIT;
    assert_true(index_faults(index, &visit, &err));
    assert_string_equal(found.names, names);
}

/* An object with a fault is known, with its containers or without, until the fault is gone. */
static void faults(void **state) {
    (void)state;
    struct index *index = NULL;
    struct err err = ERR_INIT;
    json_t *none = json_pack("{ss ss ss s[] ss}", "namespace", "shop", "kind", "deployment", "name",
                             "none", "containers", "fault", "too large");
    json_t *one = sighting("one", "x:1");
    assert_true(index_new(&index, &err));
    (void)json_object_set_new(one, "fault", json_string("too large"));
    index_put(index, 0, none);
    index_put(index, 0, one);
    put(index, 0, "two", "x:1");
    expect_faults(index, "none.0 one.0");
    expect(index, "x", "one.0 two.0");
    put(index, 0, "one", "x:1");
    expect_faults(index, "none.0");
    index_remove(index, "shop/deployment/none");
    expect_faults(index, "");
    json_decref(none);
    json_decref(one);
    index_free(index);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_repository),
        cmocka_unit_test(a_new_list),
        cmocka_unit_test(what_runs),
        cmocka_unit_test(faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
