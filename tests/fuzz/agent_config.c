/* The configuration as any bytes: accepted, or refused with a reason; nothing leaks. */
#include <stdint.h>
#include <string.h>

#include "agent/config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(const struct config *config) {
    struct ref image;
    struct settings settings;
    struct settings_labels labels;
    if (!ref_parse("docker.io/library/postgres:15", &image, NULL)) {
        abort();
    }
    const struct config_subject subject = {.name = "db", .platform = "docker", .image = &image};
    config_settings(config, &subject, &settings, &labels);
    struct schedule_verdict verdict =
        config_schedule(config, &settings.windows, INT64_C(1795176000000));
    if (labels.problem[0] || !verdict.because[0] || (verdict.may_start && !verdict.open)) {
        abort();
    }
    (void)config_registry(config, "registry.lan:5000");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    /* A secret's file may be a device that never ends; that is not the parser's problem. */
    if (memmem(data, size, "/dev", 4) || memmem(data, size, "/proc", 5)) {
        return 0;
    }
    struct config *config = NULL;
    struct config_faults faults = {0};
    bool read = config_parse((const char *)data, size, &config, &faults);
    if (read == config_faults_fatal(&faults) || read != (config != NULL)) {
        abort();
    }
    for (size_t i = 1; i < faults.count; i++) {
        const struct config_fault *a = &faults.items[i - 1], *b = &faults.items[i];
        if (a->line > b->line || (a->line == b->line && a->column > b->column) || !*b->message) {
            abort();
        }
    }
    if (config) {
        ask(config);
    }
    config_faults_release(&faults);
    config_drop(config);
    return 0;
}
