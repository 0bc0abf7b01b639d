/* Faults of a configuration: owns their list during a read. */
#include "agent/config/value.h"

#include <stdarg.h>

struct config_place config_at(const struct yaml_node *value) {
    return value ? (struct config_place){value->line, value->column, false} : CONFIG_NOWHERE;
}

struct config_place config_at_key(const struct yaml_key *key) {
    return (struct config_place){key->line, key->column, false};
}

struct config_place config_warning_at(const struct yaml_node *value) {
    return (struct config_place){value->line, value->column, true};
}

void config_faults_release(struct config_faults *faults) {
    free(faults->items);
    faults->items = NULL;
    faults->count = 0;
}

bool config_faults_fatal(const struct config_faults *faults) {
    for (size_t i = 0; i < faults->count; i++) {
        if (!faults->items[i].warning) {
            return true;
        }
    }
    return false;
}

void config_fault_add(struct config_reader *reader, struct config_place place, const char *format,
                      ...) {
    struct config_fault fault = {
        .line = place.line, .column = place.column, .warning = place.warning};
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(fault.message, sizeof fault.message, format, arguments);
    va_end(arguments);
    for (char *c = fault.message; *c; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            *c = '?';
        }
    }
    bool first_fatal = !place.warning && !reader->fatal;
    reader->fatal = reader->fatal || !place.warning;
    if (reader->count < CONFIG_FAULTS_MAX) {
        reader->items[reader->count++] = fault;
    } else if (first_fatal) {
        /* Replaces a warning, so that a refusal always has a reason. */
        reader->items[CONFIG_FAULTS_MAX - 1] = fault;
    }
}

static bool fault_before(const struct config_fault *a, const struct config_fault *b) {
    return a->line != b->line ? a->line < b->line : a->column < b->column;
}

/* Insertion sort: stable, and the faults are few. */
static void sort_faults(struct config_fault *items, size_t count) {
    for (size_t i = 1; i < count; i++) {
        struct config_fault fault = items[i];
        size_t at = i;
        for (; at > 0 && fault_before(&fault, &items[at - 1]); at--) {
            items[at] = items[at - 1];
        }
        items[at] = fault;
    }
}

bool config_reader_finish(struct config_reader *reader, struct config_faults *out) {
    *out = (struct config_faults){.items = NULL, .count = 0};
    if (reader->count == 0) {
        return true;
    }
    sort_faults(reader->items, reader->count);
    out->items = calloc(reader->count, sizeof *out->items);
    if (!out->items) {
        return false; /* out of memory: refuses rather than lose the warnings */
    }
    memcpy(out->items, reader->items, reader->count * sizeof *out->items);
    out->count = reader->count;
    return !reader->fatal;
}
