/* The verdict on custom resources by the conventions of kstatus, Flux, Argo Rollouts and
 * Knative. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/platforms/kubernetes/custom.h"
#include "base/json.h"
#include "tests/unit/agent/reading.h"

struct row {
    const char *version, *status;
    enum rollout_state state;
    const char *words;
    const char *before;
};

#define FLUX "helm.toolkit.fluxcd.io/v2"
#define ARGO "argoproj.io/v1alpha1"
#define KNATIVE "serving.knative.dev/v1"
#define OTHER "helm.cattle.io/v1"
#define SEEN "\"observedGeneration\": 2, "
#define SAYS(type, status, more)                                                                   \
    "\"conditions\": [{\"type\": \"" type "\", \"status\": \"" status                              \
    "\", \"message\": \"words\"" more "}]"
#define OLD ", \"observedGeneration\": 1"
#define NOW ", \"observedGeneration\": 2"

static void verdicts(void **state) {
    (void)state;
    static const struct row rows[] = {
        {FLUX, "\"observedGeneration\": -1", ROLLOUT_WAITS, "not seen it yet", NULL},
        {FLUX, "\"observedGeneration\": 1, " SAYS("Ready", "True", ""), ROLLOUT_WAITS,
         "not seen it yet", NULL},
        {FLUX, SEEN SAYS("Ready", "True", ""), ROLLOUT_STANDS, "", NULL},
        {FLUX, SEEN SAYS("Ready", "True", OLD), ROLLOUT_WAITS, "it is not ready", NULL},
        {FLUX, SEEN SAYS("Ready", "False", ""), ROLLOUT_WAITS, "it is not ready: words", NULL},
        {FLUX, SEEN SAYS("Reconciling", "True", ""), ROLLOUT_WAITS, "is working on it: words",
         NULL},
        {FLUX, SEEN SAYS("Stalled", "True", ""), ROLLOUT_FAILS, "given up: words", NULL},
        {FLUX, SEEN SAYS("Stalled", "True", OLD), ROLLOUT_WAITS, "not ready", NULL},
        /* between two attempts: it restored the previous release and will try again */
        {FLUX, SEEN SAYS("Remediated", "True", ""), ROLLOUT_WAITS, "it is not ready", NULL},
        {FLUX, "\"observedGeneration\": 1, " SAYS("Reconciling", "True", NOW), ROLLOUT_WAITS,
         "is working on it: words", NULL},
        {FLUX, "\"observedGeneration\": 1, " SAYS("Reconciling", "True", OLD), ROLLOUT_WAITS,
         "not seen it yet", NULL},
        {FLUX, SEEN "\"x\": 1", ROLLOUT_WAITS, "it is not ready", NULL},
        {ARGO, "\"observedGeneration\": \"1\", \"phase\": \"Healthy\"", ROLLOUT_WAITS,
         "not seen it yet", NULL},
        {ARGO, "\"observedGeneration\": \"2\", \"phase\": \"Healthy\"", ROLLOUT_STANDS, "", NULL},
        {ARGO, "\"observedGeneration\": \"2\", \"phase\": \"Progressing\"", ROLLOUT_WAITS,
         "its phase: Progressing", NULL},
        {ARGO, "\"observedGeneration\": \"2\", \"phase\": \"Paused\"", ROLLOUT_WAITS, "Paused",
         NULL},
        {ARGO, "\"observedGeneration\": \"2\", \"phase\": \"Degraded\", \"message\": \"aborted\"",
         ROLLOUT_FAILS, "it is degraded: aborted", NULL},
        {ARGO, "\"x\": 1", ROLLOUT_WAITS, "its phase", NULL},
        {KNATIVE, SEEN SAYS("Ready", "Unknown", ""), ROLLOUT_WAITS, "not ready: words", NULL},
        {KNATIVE, SEEN SAYS("Ready", "False", ""), ROLLOUT_FAILS, "not ready: words", NULL},
        {KNATIVE, SEEN SAYS("Ready", "True", ""), ROLLOUT_STANDS, "", NULL},
        {KNATIVE, "\"x\": 1", ROLLOUT_WAITS, "not ready", NULL},
        {OTHER, "\"x\": 1", ROLLOUT_STANDS, "", NULL},
        {OTHER, SAYS("Failed", "True", ""), ROLLOUT_FAILS, "it has failed: words", NULL},
        {OTHER, SAYS("Failed", "True", ", \"reason\": \"R\""), ROLLOUT_STANDS, "",
         "{\"Failed\": \" True R\"}"},
        {OTHER, SAYS("Failed", "False", ""), ROLLOUT_STANDS, "", NULL},
        {OTHER, SAYS("Ready", "False", ""), ROLLOUT_WAITS, "not ready", NULL},
        {OTHER, "\"observedGeneration\": 1.5, \"conditions\": [3, {\"type\": 4}]", ROLLOUT_STANDS,
         "", NULL},
        {OTHER, "\"observedGeneration\": \"x\"", ROLLOUT_STANDS, "", NULL},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char text[1024];
        char reason[REASON_SIZE] = "";
        (void)snprintf(
            text, sizeof text,
            "{\"apiVersion\": \"%s\", \"metadata\": {\"generation\": 2}, \"status\": {%s}}",
            rows[i].version, rows[i].status);
        CLEANUP(json_release) json_t *workload = read_json(text);
        CLEANUP(json_release)
        json_t *before = rows[i].before ? read_json(rows[i].before) : NULL;
        const struct rollout_facts facts = {
            .kind = ROLLOUT_CUSTOM, .workload = workload, .before = before, .generation = 2};
        enum rollout_state found = custom_judge(&facts, reason);
        if (found != rows[i].state || !strstr(reason, rows[i].words)) {
            fail_msg("%s: %d \"%s\"", text, (int)found, reason);
        }
    }
}

/* A status without a generation must stand for a while. */
static void an_unnumbered_status_has_to_stand(void **state) {
    (void)state;
    CLEANUP(json_release)
    json_t *workload = read_json("{\"apiVersion\": \"x.example/v1\", \"metadata\": "
                                 "{\"generation\": 2}, \"status\": {}}");
    CLEANUP(json_release) json_t *notes = json_object();
    struct settings settings;
    struct platform_observation seen = {0};
    settings_init(&settings);
    settings.soak_ms = 0;
    struct rollout_facts facts = {.kind = ROLLOUT_CUSTOM,
                                  .workload = workload,
                                  .container = "image",
                                  .digest = "sha256:1",
                                  .settings = &settings,
                                  .generation = 2,
                                  .now_ms = 1000000};
    rollout_judge(&facts, notes, &seen);
    assert_int_equal(seen.health, PLATFORM_PENDING);
    facts.now_ms += CUSTOM_UNSEEN_MS - 1;
    rollout_judge(&facts, notes, &seen);
    assert_int_equal(seen.health, PLATFORM_PENDING);
    facts.now_ms += 1;
    rollout_judge(&facts, notes, &seen);
    assert_int_equal(seen.health, PLATFORM_HEALTHY);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts),
        cmocka_unit_test(an_unnumbered_status_has_to_stand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
