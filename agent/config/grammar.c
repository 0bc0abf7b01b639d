/* Names: owns their grammar. */
#include "agent/config/grammar.h"

#include <string.h>

#include "agent/model/settings.h"

bool config_text_same(const char *a, const char *b) {
    return a && b ? strcmp(a, b) == 0 : a == b;
}

bool config_label_valid(const char *text) {
    size_t len = strlen(text);
    return len > 0 && len < SETTINGS_NAME_SIZE && text[0] != '-' && text[len - 1] != '-' &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

bool config_check_namespace(const char *text, struct err *err) {
    return config_label_valid(text) ||
           err_set(err, ERR_INVALID,
                   "\"%.64s\" is not a namespace: write up to %d of a-z, 0-9 and -", text,
                   SETTINGS_NAME_SIZE - 1);
}
