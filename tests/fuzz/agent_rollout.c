/* Verdicts on whatever stands in a workload, its pods and the notes: always one, always with words.
 */
#include <stdint.h>

#include "agent/kubernetes/managed.h"
#include "agent/kubernetes/rollout.h"
#include "agent/kubernetes/workload.h"
#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge(const struct rollout_facts *facts, json_t *notes) {
    struct platform_observation seen = {0};
    char reason[PLATFORM_REASON_SIZE];
    rollout_judge(facts, notes, &seen);
    if (!seen.reason[0] || (seen.health == PLATFORM_PENDING && seen.again_ms <= 0)) {
        abort();
    }
    (void)rollout_under_way(facts, reason);
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
                                  .also = "",
                                  .settings = &settings,
                                  .generation = json_int(root, "generation", 0),
                                  .now_ms = 1000000};
    for (int kind = ROLLOUT_DEPLOYMENT; kind <= ROLLOUT_NONE; kind++) {
        facts.kind = (enum rollout_kind)kind;
        judge(&facts, own);
        facts.now_ms += 1000;
    }
    for (const struct kind *kind = kinds_table; kind->name; kind++) {
        CLEANUP(json_release) json_t *sighting = workload_sighting(kind, facts.workload);
        if (sighting && !json_text(sighting, "name")) {
            abort();
        }
    }
    return 0;
}
