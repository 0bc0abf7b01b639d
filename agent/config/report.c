/* Reports of a configuration's faults. */
#include "agent/config/report.h"

static void print_line(const char *path, const struct config_fault *fault, FILE *out) {
    struct err place = ERR_INIT;
    struct err text = ERR_INIT;
    /* err_set replaces control bytes, because both texts may quote the file. */
    if (fault->line > 0) {
        (void)err_set(&place, ERR_INVALID, "%s:%d:%d", path, fault->line, fault->column);
    } else {
        (void)err_set(&place, ERR_INVALID, "%s", path);
    }
    (void)err_set(&text, ERR_INVALID, "%s", fault->message);
    (void)fprintf(out, "%s: %s%s\n", place.message, fault->warning ? "warning: " : "",
                  text.message);
}

void config_report(const char *path, const struct config_faults *faults, FILE *out) {
    for (size_t i = 0; i < faults->count; i++) {
        print_line(path, &faults->items[i], out);
    }
}

static json_t *place_or_null(int place) {
    return place > 0 ? json_integer(place) : json_null();
}

json_t *config_report_json(const char *path, const struct config_faults *faults) {
    json_t *lists[2] = {json_array(), json_array()};
    for (size_t i = 0; i < faults->count; i++) {
        const struct config_fault *fault = &faults->items[i];
        json_t *entry =
            json_pack("{s:o, s:o, s:o, s:o}", "file", json_text_or_null(path), "line",
                      place_or_null(fault->line), "column", place_or_null(fault->column), "message",
                      json_text_or_null(fault->message));
        if (json_array_append_new(lists[fault->warning ? 1 : 0], entry) != 0) {
            json_decref(lists[0]);
            json_decref(lists[1]);
            return NULL;
        }
    }
    return json_pack("{s:b, s:o, s:o}", "ok", config_faults_fatal(faults) ? 0 : 1, "faults",
                     lists[0], "warnings", lists[1]);
}
