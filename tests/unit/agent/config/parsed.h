/* Configurations from memory, and their faults as texts "LINE:COLUMN: message". */
#ifndef LANDWAITER_TESTS_AGENT_CONFIG_PARSED_H
#define LANDWAITER_TESTS_AGENT_CONFIG_PARSED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/config/config.h"
#include "base/buf.h"

/* Five lines. */
#define PARSED_SENDER                                                                              \
    "senders:\n"                                                                                   \
    "  - name: ci\n"                                                                               \
    "    format: native\n"                                                                         \
    "    auth: {bearer: {secret: {env: PARSED_SECRET}}}\n"                                         \
    "    images: [\"ghcr.io/brian/*\"]\n"

/* No login and no variable of the user's plays a part. */
static inline int parsed_setup(void **state) {
    static const char *const unset[] = {"CREDENTIALS_DIRECTORY", "PARSED_UNSET", "DOCKER_CONFIG",
                                        "DOCKER_HOST", "LANDWAITER_TOKEN"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(unset); i++) {
        (void)unsetenv(unset[i]);
    }
    (void)setenv("HOME", "/nowhere", 1);
    return setenv("PARSED_SECRET", "a-secret-of-thirty-two-characters", 1);
}

static inline void parsed_list(const struct config_faults *faults, struct buf *out) {
    for (size_t i = 0; i < faults->count; i++) {
        const struct config_fault *fault = &faults->items[i];
        buf_printf(out, "%d:%d: %s%s\n", fault->line, fault->column,
                   fault->warning ? "warning: " : "", fault->message);
    }
}

/* Behind the sender. The caller drops it. words: part of the faults, which are warnings; NULL:
 * there are none. */
static inline struct config *parsed(const char *more, const char *words) {
    CLEANUP(buf_release) struct buf text = BUF_INIT((size_t)1024 * 1024);
    CLEANUP(buf_release) struct buf found = BUF_INIT((size_t)64 * 1024);
    CLEANUP(config_faults_release) struct config_faults faults = {0};
    struct config *config = NULL;
    buf_printf(&text, "%s%s", strncmp(more, "senders:", 8) == 0 ? "" : PARSED_SENDER, more);
    bool good = config_parse(buf_text(&text), text.len, &config, &faults);
    parsed_list(&faults, &found);
    if (!good || (words ? !strstr(buf_text(&found), words) : found.len > 0)) {
        fail_msg("%.500s\n%s", more, buf_text(&found));
    }
    return config;
}

/* The faults must hold the words. */
static inline void parsed_refused(const char *more, const char *words) {
    CLEANUP(buf_release) struct buf text = BUF_INIT((size_t)1024 * 1024);
    CLEANUP(buf_release) struct buf found = BUF_INIT((size_t)64 * 1024);
    CLEANUP(config_faults_release) struct config_faults faults = {0};
    struct config *config = NULL;
    buf_printf(&text, "%s%s", strncmp(more, "senders:", 8) == 0 ? "" : PARSED_SENDER, more);
    bool good = config_parse(buf_text(&text), text.len, &config, &faults);
    parsed_list(&faults, &found);
    if (good || !strstr(buf_text(&found), words)) {
        fail_msg("%.500s\nwithout: %s\n%s", more, words, buf_text(&found));
    }
    assert_null(config);
}

/* head, and that many times the item with its number. */
static inline const char *parsed_many(const char *head, const char *item, int count) {
    static char text[512 * 1024];
    size_t len = (size_t)snprintf(text, sizeof text, "%s", head);
    for (int i = 0; i < count; i++) {
        const char *at = strchr(item, '#');
        int before = at ? (int)(at - item) : (int)strlen(item);
        len += (size_t)snprintf(text + len, sizeof text - len, "%.*s", before, item);
        len += at ? (size_t)snprintf(text + len, sizeof text - len, "%d%s", i, at + 1) : 0;
        assert_true(len < sizeof text);
    }
    return text;
}

#endif
