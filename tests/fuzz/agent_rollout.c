/* Rollout verdicts for any workload, pods and notes: each has a text. */
#include <stdint.h>

#include "agent/platforms/kubernetes/managed.h"
#include "agent/platforms/kubernetes/patch.h"
#include "agent/platforms/kubernetes/rollout.h"
#include "agent/platforms/kubernetes/workload.h"
#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge(const struct rollout_facts *facts, json_t *notes) {
    struct platform_observation seen = {0};
    char reason[REASON_SIZE];
    rollout_judge(facts, notes, &seen);
    if (!seen.reason[0] || (seen.health == PLATFORM_PENDING && seen.again_ms <= 0)) {
        abort();
    }
    (void)rollout_under_way(facts, reason);
}

static struct config_resource resource(const char *image, const char *name, const char *tag,
                                       const char *digest) {
    struct config_resource made = {.version = (char *)"x.example/v1",
                                   .kind = (char *)"Thing",
                                   .plural = (char *)"things",
                                   .name = "thing",
                                   .api = "/apis/x.example/v1"};
    if ((image && !json_path_parse(image, &made.image_at, NULL)) ||
        (name && !json_path_parse(name, &made.name_at, NULL)) ||
        (tag && !json_path_parse(tag, &made.tag_at, NULL)) ||
        (digest && !json_path_parse(digest, &made.digest_at, NULL))) {
        abort();
    }
    return made;
}

/* Each kept container can be found again, and its patch has the old image. */
static void sight_kind(const struct kind *kind, const json_t *workload) {
    CLEANUP(json_release) json_t *sighting = workload_sighting(kind, workload, NULL);
    size_t i = 0;
    json_t *entry = NULL;
    if (sighting && !json_text(sighting, "name")) {
        abort();
    }
    json_array_foreach(json_array_member(sighting, "containers"), i, entry) {
        struct workload_container found;
        struct patch patch = {.count = 0};
        const char *name = json_string_value(json_array_get(entry, 0));
        bool usable = !json_string_value(json_array_get(entry, 4));
        if (!workload_container(kind, workload, name, &found)) {
            if (usable && strlen(json_string_value(json_array_get(entry, 1))) < 256 &&
                json_string_length(json_array_get(entry, 1)) > 0) {
                abort();
            }
            continue;
        }
        workload_patch(&found, found.image, "r.example/x:2", &patch);
        if (patch.count == 0 || patch.count > PATCH_TEXTS_MAX) {
            abort();
        }
    }
}

static void sight(const json_t *workload) {
    struct config_resource resources[] = {
        resource(".spec.list[*].image", NULL, NULL, NULL),
        resource(NULL, ".spec.name", ".spec.tag", ".spec.digest"),
        resource(".spec.deep[*].more[*].image", NULL, NULL, NULL),
    };
    const struct config_kubernetes kubernetes = {.resources = resources,
                                                 .resource_count = ARRAY_LENGTH(resources)};
    struct kind *kinds = kinds_new(&kubernetes);
    for (const struct kind *kind = kinds; kind && kind->name; kind++) {
        sight_kind(kind, workload);
    }
    free(kinds);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    CLEANUP(json_release) json_t *root = NULL;
    struct settings settings;
    if (!json_parse_deep(data, size, 64, &root, NULL)) {
        return 0;
    }
    settings_init(&settings);
    json_t *notes = json_object_member(root, "notes");
    CLEANUP(json_release) json_t *own = notes ? json_incref(notes) : json_object();
    struct rollout_facts facts = {.workload = json_object_member(root, "workload"),
                                  .pods = json_array_member(root, "pods"),
                                  .before = json_object_member(root, "before"),
                                  .container = "app",
                                  .digest = "sha256:0",
                                  .settings = &settings,
                                  .generation = json_int(root, "generation", 0),
                                  .now_ms = 1000000};
    for (int kind = ROLLOUT_DEPLOYMENT; kind <= ROLLOUT_CUSTOM; kind++) {
        facts.kind = (enum rollout_kind)kind;
        judge(&facts, own);
        facts.now_ms += 1000;
    }
    sight(facts.workload);
    return 0;
}
