/* Custom resources: the images at the configured paths, and the replacements of a patch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/platforms/kubernetes/patch.h"
#include "agent/platforms/kubernetes/workload.h"
#include "base/json.h"
#include "tests/unit/agent/reading.h"

#define DIGEST "sha256:1111111111111111111111111111111111111111111111111111111111111111"

/* A kind "thing" with those paths; "" for an absent one. */
struct paths {
    const char *image, *name, *tag, *digest;
};

struct kinds {
    struct config_resource resource;
    struct config_kubernetes kubernetes;
    struct kind *kinds;
};

static void read_path(const char *text, struct json_path *out) {
    struct err err = ERR_INIT;
    if (text && !json_path_parse(text, out, &err)) {
        fail_msg("%s", err.message);
    }
}

static const struct kind *the_kind(const struct paths *paths, struct kinds *kinds) {
    *kinds = (struct kinds){.resource = {.version = (char *)"x.example/v1",
                                         .kind = (char *)"Thing",
                                         .plural = (char *)"things",
                                         .name = "thing",
                                         .api = "/apis/x.example/v1"}};
    read_path(paths->image, &kinds->resource.image_at);
    read_path(paths->name, &kinds->resource.name_at);
    read_path(paths->tag, &kinds->resource.tag_at);
    read_path(paths->digest, &kinds->resource.digest_at);
    kinds->kubernetes.resources = &kinds->resource;
    kinds->kubernetes.resource_count = 1;
    kinds->kinds = kinds_new(&kinds->kubernetes);
    assert_non_null(kinds->kinds);
    assert_non_null(kind_find(kinds->kinds, "cronjob"));
    const struct kind *kind = kind_find(kinds->kinds, "thing");
    assert_non_null(kind);
    return kind;
}

static json_t *object_of(const char *spec) {
    char text[2048];
    (void)snprintf(text, sizeof text,
                   "{\"metadata\": {\"namespace\": \"shop\", \"name\": \"web\", \"uid\": \"u-1\"}, "
                   "\"spec\": %s}",
                   spec);
    return read_json(text);
}

/* `image` finds whole images, `name` and `tag` pairs that belong together. */
#define WHOLE                                                                                      \
    { ".spec.containers[*].image", NULL, NULL, NULL }
#define PARTS                                                                                      \
    { NULL, ".spec.values.image.repository", ".spec.values.image.tag", ".spec.values.image.digest" }
#define VALUES(members) "{\"values\": {\"image\": {" members "}}}"

struct row {
    struct paths paths;
    const char *spec;
    const char *containers; /* as kept; NULL: none */
};

static void what_is_kept(void **state) {
    (void)state;
    static const struct row rows[] = {
        {WHOLE,
         "{\"containers\": [{\"name\": \"app\", \"image\": \"a:1\"}, {\"name\": \"side\"}, "
         "{\"image\": \"c:3\"}]}",
         "[[\"app\",\"a:1\",false,false,null],[\"2\",\"c:3\",false,false,null]]"},
        {WHOLE,
         "{\"containers\": [{\"name\": \"a\", \"image\": \"a:1\"}, {\"name\": \"a\", "
         "\"image\": \"b:1\"}, {\"name\": \"UPPER\", \"image\": \"c:1\"}]}",
         "[[\"a\",\"a:1\",false,false,null]]"},
        {WHOLE, "{\"containers\": [{\"name\": \"a\", \"image\": 7}]}",
         "[[\"a\",\"\",false,false,\"its image is not a string\"]]"},
        {WHOLE, "{\"containers\": 3}", NULL},
        {PARTS, VALUES("\"repository\": \"shop/web\", \"tag\": \"1.2\""),
         "[[\"image\",\"shop/web:1.2\",false,true,null]]"},
        {PARTS, VALUES("\"repository\": \"shop/web\", \"tag\": \"1.2@" DIGEST "\""),
         "[[\"image\",\"shop/web:1.2@" DIGEST "\",false,false,null]]"},
        {PARTS, VALUES("\"repository\": \"shop/web\", \"tag\": \"1.2\", \"digest\": \"\""),
         "[[\"image\",\"shop/web:1.2\",false,false,null]]"},
        {PARTS,
         VALUES("\"repository\": \"shop/web\", \"tag\": \"1.2\", \"digest\": \"" DIGEST "\""),
         "[[\"image\",\"shop/web:1.2@" DIGEST "\",false,false,null]]"},
        {PARTS, VALUES("\"repository\": \"shop/web\", \"tag\": 1.2"),
         "[[\"image\",\"shop/web\",false,true,\"its tag is a number to YAML: put it in quotes\"]]"},
        {PARTS, VALUES("\"repository\": \"shop/web\", \"tag\": \"\""), NULL},
        {PARTS, VALUES("\"tag\": \"1\""), NULL},
        {PARTS, VALUES("\"repository\": \"shop/web\""), NULL},
        {PARTS, VALUES("\"repository\": 5, \"tag\": \"1\""), NULL},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct kinds kinds;
        const struct kind *kind = the_kind(&rows[i].paths, &kinds);
        CLEANUP(json_release) json_t *object = object_of(rows[i].spec);
        CLEANUP(json_release) json_t *sighting = workload_sighting(kind, object, NULL);
        CLEANUP(buf_release) struct buf text = BUF_INIT(8192);
        json_write(json_array_member(sighting, "containers"), &text);
        if (strcmp(sighting ? buf_text(&text) : "-",
                   rows[i].containers ? rows[i].containers : "-")) {
            fail_msg("%s: %s", rows[i].spec, buf_text(&text));
        }
        free(kinds.kinds);
    }
}

struct exchange {
    struct paths paths;
    const char *spec, *container, *to;
    bool pins;
    const char *ops; /* of the image only */
};

static void what_is_exchanged(void **state) {
    (void)state;
    static const struct exchange rows[] = {
        {WHOLE, "{\"containers\": [{}, {\"name\": \"app\", \"image\": \"a:1\"}]}", "app",
         "a:2@" DIGEST, true,
         "/spec/containers/1/name is app, /spec/containers/1/image a:1 -> a:2@" DIGEST ", "},
        {PARTS, VALUES("\"repository\": \"r.example:5000/web\", \"tag\": \"1.2\""), "image",
         "r.example:5000/web:1.3", false, "/spec/values/image/tag 1.2 -> 1.3, "},
        {PARTS, VALUES("\"repository\": \"web\", \"tag\": \"1@" DIGEST "\""), "image",
         "web:2@sha256:2", true, "/spec/values/image/tag 1@" DIGEST " -> 2@sha256:2, "},
        {PARTS, VALUES("\"repository\": \"web\", \"tag\": \"1\", \"digest\": \"\""), "image",
         "web:1@sha256:2", true,
         "/spec/values/image/tag 1 -> 1, /spec/values/image/digest  -> sha256:2, "},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct kinds kinds;
        struct workload_container found;
        struct patch patch = {.container = rows[i].container};
        const struct kind *kind = the_kind(&rows[i].paths, &kinds);
        CLEANUP(json_release) json_t *object = object_of(rows[i].spec);
        CLEANUP(buf_release) struct buf text = BUF_INIT(8192);
        assert_true(workload_container(kind, object, rows[i].container, &found));
        assert_int_equal(workload_pins(kind, &found, true), rows[i].pins);
        workload_patch(&found, found.image, rows[i].to, &patch);
        if (patch.named[0]) {
            buf_printf(&text, "%s is %s, ", patch.named, patch.container);
        }
        for (size_t k = 0; k < patch.count; k++) {
            buf_printf(&text, "%s %s -> %s, ", patch.texts[k].pointer, patch.texts[k].from,
                       patch.texts[k].to);
        }
        assert_string_equal(buf_text(&text), rows[i].ops);
        assert_false(workload_container(kind, object, "none", &found));
        free(kinds.kinds);
    }
}

static void what_stands_in_the_way(void **state) {
    (void)state;
    static const struct paths parts = PARTS;
    static const struct {
        const char *spec, *says;
    } rows[] = {
        {VALUES("\"repository\": \"web\", \"tag\": \"1\""), "a moved tag changes nothing"},
        {VALUES("\"repository\": \"web\", \"tag\": 1"), "put it in quotes"},
        {"{\"suspend\": true, \"values\": {\"image\": {\"repository\": \"web\", \"tag\": \"1\", "
         "\"digest\": \"\"}}}",
         "paused or suspended"},
        {VALUES("\"repository\": \"web\", \"tag\": \"1\", \"digest\": \"\""), ""},
    };
    struct config config = {.kubernetes = {.enabled = true}};
    settings_init(&config.defaults);
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct kinds kinds;
        struct target target;
        const struct kind *kind = the_kind(&parts, &kinds);
        CLEANUP(json_release) json_t *object = object_of(rows[i].spec);
        CLEANUP(json_release) json_t *sighting = workload_sighting(kind, object, NULL);
        assert_true(workload_target(&config, sighting, 0, &target));
        assert_string_equal(target.name, "kubernetes/shop/thing/web/image");
        if (rows[i].says[0] ? !strstr(target.problem, rows[i].says) : target.problem[0]) {
            fail_msg("%s: \"%s\"", rows[i].spec, target.problem);
        }
        free(kinds.kinds);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_kept),
        cmocka_unit_test(what_is_exchanged),
        cmocka_unit_test(what_stands_in_the_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
