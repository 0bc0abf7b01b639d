/* The configuration as any bytes: read or refused with a reason, and nothing leaks either way. */
#include <stdint.h>
#include <string.h>

#include "agent/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    /* A secret's file may be a device that never ends or never answers; that is not the parser's.
     */
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
        (void)config_registry(config, "registry.lan:5000");
    }
    config_faults_release(&faults);
    config_drop(config);
    return 0;
}
