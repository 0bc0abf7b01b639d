/* Recognising the manager of a workload and the tool that set its image last. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/platforms/kubernetes/managed.h"
#include "base/json.h"

#define OWNS(manager, at)                                                                          \
    "{\"manager\": \"" manager "\", \"time\": \"" at                                               \
    "\", \"fieldsV1\": {\"f:spec\": {\"f:template\": {\"f:spec\": "                                \
    "{\"f:containers\": {\"k:{\\\"name\\\":\\\"app\\\"}\": {\".\": {}, \"f:image\": {}}}}}}}}"

static void tools(void **state) {
    (void)state;
    static const struct {
        const char *metadata, *by; /* by NULL: no manager */
    } rows[] = {
        {"{}", NULL},
        {"{\"labels\": {\"app.kubernetes.io/instance\": \"web\", \"app.kubernetes.io/managed-by\": "
         "\"ops\"}}",
         NULL},
        {"{\"labels\": {\"app.kubernetes.io/managed-by\": \"Helm\"}, \"annotations\": "
         "{\"meta.helm.sh/release-name\": "
         "\"shop\"}}",
         "Helm (release shop)"},
        {"{\"labels\": {\"kustomize.toolkit.fluxcd.io/name\": \"apps\"}}",
         "Flux (Kustomization apps)"},
        {"{\"labels\": {\"helm.toolkit.fluxcd.io/name\": \"shop\", "
         "\"app.kubernetes.io/managed-by\": \"Helm\"}}",
         "Flux (HelmRelease shop)"},
        {"{\"annotations\": {\"argocd.argoproj.io/tracking-id\": "
         "\"shop:apps/Deployment:shop/web\"}}",
         "Argo CD (application shop)"},
        {"{\"managedFields\": [" OWNS("argocd-controller", "2026-11-27T00:00:00Z") "]}", "Argo CD"},
        {"{\"managedFields\": [" OWNS("kubectl-client-side-apply", "2026-11-27T00:00:00Z") "]}",
         NULL},
        {"{\"managedFields\": [{\"manager\": \"helm\", \"fieldsV1\": {\"f:metadata\": {}}}]}",
         NULL},
        {"{\"managedFields\": [7, {\"manager\": 1}, {\"manager\": \"helm\", \"fieldsV1\": []}], "
         "\"labels\": 3}",
         NULL},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char by[MANAGED_SIZE];
        json_t *metadata = json_loads(rows[i].metadata, 0, NULL);
        assert_non_null(metadata);
        assert_int_equal(managed_by(metadata, false, by), rows[i].by != NULL);
        assert_string_equal(by, rows[i].by ? rows[i].by : "");
        json_decref(metadata);
    }
}

static void the_last_who_set_the_image(void **state) {
    (void)state;
    char by[MANAGED_SIZE];
    json_t *metadata = json_loads(
        "{\"managedFields\": [" OWNS("landwaiter", "2026-11-27T00:00:00Z") ", " OWNS(
            "kubectl-edit", "2026-11-27T00:00:09Z") ", " OWNS("tests", "2026-11-26T00:00:00Z") "]}",
        0, NULL);
    assert_non_null(metadata);
    managed_image_by(metadata, &(struct managed_image){"app", ""}, by);
    assert_string_equal(by, "kubectl-edit");
    managed_image_by(metadata, &(struct managed_image){"proxy", ""}, by);
    assert_string_equal(by, "");
    json_decref(metadata);
}

/* Custom resources, by the pointer to the value; a list without keys is owned as a whole. */
static void who_set_a_value(void **state) {
    (void)state;
    static const struct {
        const char *pointer, *by;
    } rows[] = {
        {"/spec/values/image/tag", "flux"},
        {"/spec/values/image", "flux"},
        {"/spec/values/other", ""},
        {"/spec/list/0/image", "argo"},
        {"/spec/list", "argo"},
        {"/metadata/x", ""},
    };
    char by[MANAGED_SIZE];
    json_t *metadata =
        json_loads("{\"managedFields\": [{\"manager\": \"flux\", \"fieldsV1\": {\"f:spec\": "
                   "{\"f:values\": {\"f:image\": {\"f:tag\": {}}}}}}, {\"manager\": \"argo\", "
                   "\"fieldsV1\": {\"f:spec\": {\"f:list\": {}}}}, {\"manager\": \"none\", "
                   "\"fieldsV1\": {}}]}",
                   0, NULL);
    assert_non_null(metadata);
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        managed_image_by(metadata, &(struct managed_image){"image", rows[i].pointer}, by);
        assert_string_equal(by, rows[i].by);
    }
    assert_false(managed_by(metadata, false, by));
    json_decref(metadata);
    metadata = json_loads("{\"managedFields\": [{\"manager\": \"kustomize-controller\", "
                          "\"fieldsV1\": {\"f:spec\": {\"f:values\": {}}}}]}",
                          0, NULL);
    assert_false(managed_by(metadata, false, by));
    assert_true(managed_by(metadata, true, by));
    assert_string_equal(by, "Flux");
    json_decref(metadata);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tools),
        cmocka_unit_test(the_last_who_set_the_image),
        cmocka_unit_test(who_set_a_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
