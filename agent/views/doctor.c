/* The doctor: owns the checks that concern no single platform, and the order of the findings. */
#include "agent/views/doctor.h"

#include <stdarg.h>

#include "agent/pipeline/gate.h"
#include "agent/platforms/table.h"
#include "base/clock.h"
#include "base/json.h"

/* ---- valid but questionable configuration ---- */

static void examine_senders(const struct config *config, json_t *report) {
    if (config->senders.count == 0) {
        finding_add(
            report,
            &(struct finding){
                FINDING_WARNING, "senders",
                "configure a sender, or set LANDWAITER_TOKEN where there is no configuration"},
            "no push can be accepted: there is no sender");
    }
    if (!config->tls_certificate && strncmp(config->listen, "unix:", 5) != 0 &&
        strncmp(config->listen, "127.", 4) != 0 && strncmp(config->listen, "[::1]", 5) != 0) {
        finding_add(
            report,
            &(struct finding){
                FINDING_NOTE, "listen",
                "configure `tls`, or put a proxy with TLS in front of it and listen on loopback"},
            "%s accepts hooks without TLS: anybody on the network path can read bearer tokens and "
            "secret URLs",
            config->listen);
    }
}

static void examine_clock(json_t *report) {
    char now[CLOCK_TEXT_SIZE];
    if (clock_now_ms() < GATE_CLOCK_MIN_MS) {
        finding_add(report,
                    &(struct finding){FINDING_ERROR, "clock", "set the clock, e.g. with NTP"},
                    "the clock shows %s: no update starts, and no signature can be checked",
                    clock_format(clock_now_ms(), now));
    }
}

static void examine_windows(const struct config *config, json_t *report) {
    for (size_t i = 0; i < config->window_count; i++) {
        struct settings_names one = {.count = 1};
        (void)snprintf(one.items[0], sizeof one.items[0], "%s", config->windows[i].name);
        struct schedule_verdict verdict = config_schedule(config, &one, clock_now_ms());
        if (!verdict.may_start && verdict.starts_ms == 0) {
            finding_add(
                report,
                &(struct finding){FINDING_WARNING, "windows",
                                  "look at its dates, at the freezes and at `min_remaining`"},
                "no update can start in the window %s within the next two years",
                config->windows[i].name);
        }
    }
}

static void examine_logins(const struct config *config, json_t *report) {
    for (size_t i = 0; i < config->registry_count; i++) {
        CLEANUP(credentials_release) struct credentials credentials = {0};
        struct err err = ERR_INIT;
        if (!registry_host_credentials(&config->registries[i], &credentials, &err)) {
            finding_add(report,
                        &(struct finding){FINDING_ERROR, config->registries[i].host,
                                          "correct its `credentials`, or log in again"},
                        "its credentials cannot be read: %s", err.message);
        }
    }
}

/* ---- platforms ---- */

static void examine_targets(const struct targets *targets, json_t *report) {
    for (size_t i = 0; i < targets->count; i++) {
        const struct target *target = &targets->items[i];
        if (target->enabled && target->problem[0]) {
            finding_add(report,
                        &(struct finding){target->stopped ? FINDING_NOTE : FINDING_WARNING,
                                          target->name, "pushes do not update it until then"},
                        "it is left alone: %s", target->problem);
        }
        if (target->enabled && target->notice[0]) {
            finding_add(report,
                        &(struct finding){FINDING_WARNING, target->name,
                                          "ask for less, or raise the limit"},
                        "%s", target->notice);
        }
    }
}

static void examine_platform(const struct pipeline *pipeline, const struct platform *platform,
                             json_t *report) {
    CLEANUP(targets_release) struct targets targets = {0};
    struct err err = ERR_INIT;
    if (!platform->probe(&pipeline->session, &err)) {
        finding_add(report,
                    &(struct finding){FINDING_ERROR, platform->name,
                                      "nothing can be updated until it answers"},
                    "it does not answer: %s", err.message);
    } else if (!platform->list(&pipeline->session, NULL, &targets, &err)) {
        finding_add(report,
                    &(struct finding){FINDING_ERROR, platform->name,
                                      "pushes do not reach its targets until then"},
                    "its targets cannot be listed: %s", err.message);
    } else {
        examine_targets(&targets, report);
        if (targets.count == 0) {
            finding_add(report, &(struct finding){FINDING_NOTE, platform->name, platform->opt_in},
                        "it has no targets");
        }
    }
    if (platform->examine) {
        platform->examine(&pipeline->session, report);
    }
}

/* ---- the report ---- */

static json_t *doctor_sorted(const json_t *report) {
    json_t *sorted = json_array();
    for (size_t level = 0; level < FINDING_LEVELS; level++) {
        size_t i = 0;
        json_t *finding = NULL;
        json_array_foreach(report, i, finding) {
            if (strcmp(json_text(finding, "level"), finding_levels[level]) == 0) {
                (void)json_array_append(sorted, finding);
            }
        }
    }
    return sorted;
}

json_t *doctor_examine(struct pipeline *pipeline) {
    CLEANUP(json_release) json_t *report = json_array();
    const struct config *config = pipeline->session.config;
    examine_clock(report);
    examine_senders(config, report);
    examine_windows(config, report);
    examine_logins(config, report);
    for (size_t i = 0; platform_table[i]; i++) {
        if (platform_table[i]->configured(config)) {
            examine_platform(pipeline, platform_table[i], report);
        }
    }
    json_t *sorted = doctor_sorted(report);
    const char *worst = json_text(json_array_get(sorted, 0), "level");
    return json_pack("{sb so}", "ok", !worst || strcmp(worst, "error") != 0, "findings", sorted);
}
