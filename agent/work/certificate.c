/* Compares the files' inodes, sizes and times. Reads no certificate itself. */
#include "agent/work/certificate.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include "base/file_watch.h"
#include "base/log.h"

/* Tools replace certificate and key one after the other. */
#define CERTIFICATE_QUIET_NS (300 * 1000 * 1000)

void certificate_init(struct certificate *certificate) {
    *certificate =
        (struct certificate){.files = file_watch_open(),
                             .quiet = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)};
}

void certificate_release(struct certificate *certificate) {
    own_close(&certificate->files);
    own_close(&certificate->quiet);
}

/* Have the files changed since they were noted? Notes them again. */
static bool certificate_note(struct certificate *certificate, const struct config *config) {
    const char *const paths[] = {config->tls_certificate, config->tls_key};
    bool changed = false;
    for (size_t i = 0; i < ARRAY_LENGTH(paths); i++) {
        struct stat now = {0};
        (void)stat(paths[i], &now);
        const struct stat *before = &certificate->shown[i];
        changed = changed || now.st_ino != before->st_ino || now.st_dev != before->st_dev ||
                  now.st_size != before->st_size || now.st_mtim.tv_sec != before->st_mtim.tv_sec ||
                  now.st_mtim.tv_nsec != before->st_mtim.tv_nsec;
        certificate->shown[i] = now;
    }
    return changed;
}

static void certificate_add(const struct certificate *certificate, const struct config *config) {
    const char *const paths[] = {config->tls_certificate, config->tls_key};
    for (size_t i = 0; i < ARRAY_LENGTH(paths); i++) {
        if (!file_watch_add(certificate->files, paths[i])) {
            log_event(LOG_WARNING, "tls.unwatched", "file", paths[i], "reason",
                      "its folder cannot be watched: send SIGHUP after a change", NULL);
        }
    }
}

void certificate_watch(struct certificate *certificate, const struct config *config) {
    if (config->tls_certificate) {
        certificate_add(certificate, config);
        (void)certificate_note(certificate, config);
    }
}

void certificate_files_changed(struct certificate *certificate) {
    if (file_watch_read(certificate->files)) {
        const struct itimerspec soon = {.it_value.tv_nsec = CERTIFICATE_QUIET_NS};
        (void)timerfd_settime(certificate->quiet, 0, &soon, NULL);
    }
}

static void certificate_present(struct certificate *certificate, struct intake *intake,
                                const struct config *config) {
    struct err err = ERR_INIT;
    if (!config->tls_certificate || !certificate_note(certificate, config)) {
        return;
    }
    if (intake_identity(intake, config, &err)) {
        log_event(LOG_INFO, "tls.reloaded", "file", config->tls_certificate, NULL);
    } else {
        log_event(LOG_ERROR, "tls.refused", "reason", err.message, "advice",
                  "the previous certificate stays in use: put a matching pair there", NULL);
    }
}

void certificate_quiet(struct certificate *certificate, struct intake *intake,
                       const struct config *config) {
    uint64_t count = 0;
    (void)!read(certificate->quiet, &count, sizeof count);
    certificate_present(certificate, intake, config);
}

void certificate_reload(struct certificate *certificate, struct intake *intake,
                        const struct config *config) {
    if (config->tls_certificate) {
        certificate_add(certificate, config);
        certificate_present(certificate, intake, config);
    }
}
