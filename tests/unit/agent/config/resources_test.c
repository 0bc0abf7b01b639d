/* Custom resources: derived names, paths, and entries that would have the same targets. */
#include "tests/unit/agent/config/parsed.h"

#define ENTRIES(list) "platforms:\n  kubernetes:\n    resources:\n" list
#define ENTRY(version, kind, more) "      - {apiVersion: " version ", kind: " kind more "}\n"
#define RELEASE(more) ENTRY("helm.toolkit.fluxcd.io/v2", "HelmRelease", more)
#define IMAGE ", image: .spec.image"

static void a_plural_is_guessed_as_kubectl_did(void **state) {
    (void)state;
    static const struct {
        const char *kind, *name, *plural;
    } rows[] = {
        {"HelmRelease", "helmrelease", "helmreleases"},
        {"Proxy", "proxy", "proxies"},
        {"Ingress", "ingress", "ingresses"},
        {"Box", "box", "boxes"},
        {"X", "x", "xes"},
        {"Y", "y", "ies"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char text[512];
        (void)snprintf(text, sizeof text, ENTRIES(ENTRY("a.example/v1", "%s", IMAGE)),
                       rows[i].kind);
        CLEANUP(config_release) struct config *config = parsed(text, NULL);
        const struct config_resource *resource = &config->kubernetes.resources[0];
        assert_string_equal(resource->name, rows[i].name);
        assert_string_equal(resource->plural, rows[i].plural);
        assert_string_equal(resource->api, "/apis/a.example/v1");
    }
    CLEANUP(config_release)
    struct config *config = parsed(ENTRIES(RELEASE(IMAGE ", plural: hrs")), NULL);
    assert_string_equal(config->kubernetes.resources[0].plural, "hrs");
}

static void single_values_are_checked(void **state) {
    (void)state;
    static const struct {
        const char *entry, *words;
    } rows[] = {
        {ENTRY("v1", "C", IMAGE), "not a group and a version"},
        {ENTRY("/v1", "C", IMAGE), "not a group and a version"},
        {ENTRY("a/", "C", IMAGE), "not a group and a version"},
        {ENTRY("a/v1/x", "C", IMAGE), "not a group and a version"},
        {ENTRY("'../v1'", "helm", IMAGE), "not a kind"},
        {ENTRY("a/v1", "Helm-Release", IMAGE), "not a kind"},
        {RELEASE(IMAGE ", plural: 'a/b'"), "not a plural"},
        {RELEASE(IMAGE ", container: A"), "is not a name"},
        {RELEASE(", image: .metadata.name"), "begin with .spec"},
        {RELEASE(", image: .specs.image"), "begin with .spec"},
        {RELEASE(", image: spec"), "`image`: "},
        {ENTRY("apps/v1", "Deployment", IMAGE), "remove the entry"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char text[512];
        (void)snprintf(text, sizeof text, ENTRIES("%s"), rows[i].entry);
        parsed_refused(text, rows[i].words);
    }
}

static void the_image_stands_in_one_way(void **state) {
    (void)state;
    static const struct {
        const char *entry, *words; /* NULL: good */
    } rows[] = {
        {RELEASE(", name: .spec.n, tag: .spec.t"), NULL},
        {RELEASE(", name: .spec.n, tag: .spec.t, digest: .spec.d"), NULL},
        {RELEASE(", image: '.spec.c[*].image'"), NULL},
        {RELEASE(""), "write `image`, or `name` and `tag`"},
        {RELEASE(", name: .spec.n"), "write `image`, or `name` and `tag`"},
        {RELEASE(", tag: .spec.t"), "write `image`, or `name` and `tag`"},
        {RELEASE(", digest: .spec.d"), "write `image`, or `name` and `tag`"},
        {RELEASE(IMAGE ", tag: .spec.t"), "write `image`, or `name` and `tag`"},
        {RELEASE(IMAGE ", digest: .spec.d"), "write `image`, or `name` and `tag`"},
        {RELEASE(", name: '.spec.c[*].n', tag: .spec.t"), "cannot have a [*]"},
        {RELEASE(", image: '.spec.c[*].image', container: app"), "`container` is for one image"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char text[512];
        (void)snprintf(text, sizeof text, ENTRIES("%s"), rows[i].entry);
        if (rows[i].words) {
            parsed_refused(text, rows[i].words);
        } else {
            config_drop(parsed(text, NULL));
        }
    }
}

static void no_two_entries_have_the_same_targets(void **state) {
    (void)state;
    parsed_refused(ENTRIES(RELEASE(IMAGE) RELEASE(", image: .spec.other")), "have the same target");
    parsed_refused(ENTRIES(RELEASE(IMAGE) RELEASE(", image: .spec.other, container: image")),
                   "have the same target");
    parsed_refused(ENTRIES(RELEASE(IMAGE) ENTRY("other/v2", "Helmrelease", IMAGE)),
                   "two entries are for the kind Helmrelease");
    parsed_refused(
        ENTRIES(RELEASE(IMAGE ", container: a") RELEASE(IMAGE ", container: b, plural: x")),
        "two entries are for the kind");
    config_drop(
        parsed(ENTRIES(RELEASE(IMAGE) RELEASE(", image: .spec.other, container: two")), NULL));
    parsed_refused(parsed_many(ENTRIES(""), ENTRY("a/v1", "K#", IMAGE), 17), "at most 16");
    parsed_refused("platforms:\n  kubernetes:\n    resources: {a: b}\n", "must be a list");
}

static void a_changed_path_is_another_resource(void **state) {
    (void)state;
    static const struct {
        const char *entry;
        bool same;
    } rows[] = {
        {RELEASE(", name: .spec.n, tag: .spec.t"), true},
        {RELEASE(", name: .spec.n, tag: .spec.t, plural: helmreleases"), true},
        {RELEASE(", name: .spec.n, tag: .spec.u"), false},
        {RELEASE(", name: .spec.n, tag: .spec.t, digest: .spec.d"), false},
        {RELEASE(", name: .spec.n, tag: .spec.t, container: x"), false},
        {RELEASE(", name: .spec.n, tag: .spec.t") ENTRY("a/v1", "B", IMAGE), false},
    };
    CLEANUP(config_release)
    struct config *config = parsed(ENTRIES(RELEASE(", name: .spec.n, tag: .spec.t")), NULL);
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char text[512];
        (void)snprintf(text, sizeof text, ENTRIES("%s"), rows[i].entry);
        CLEANUP(config_release) struct config *other = parsed(text, NULL);
        assert_int_equal(config_kubernetes_same(&config->kubernetes, &other->kubernetes),
                         rows[i].same);
    }
}

#define TEST(function) cmocka_unit_test_setup(function, parsed_setup)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_plural_is_guessed_as_kubectl_did), TEST(single_values_are_checked),
        TEST(the_image_stands_in_one_way),        TEST(no_two_entries_have_the_same_targets),
        TEST(a_changed_path_is_another_resource),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
