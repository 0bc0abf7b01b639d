/* The agent's TLS certificate on disk: notices a replacement, and gives it to the intake. */
#ifndef LANDWAITER_AGENT_WORK_CERTIFICATE_H
#define LANDWAITER_AGENT_WORK_CERTIFICATE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "agent/config/config.h"
#include "agent/work/intake.h"

struct certificate {
    int files;            /* descriptor: something changed beside the files */
    int quiet;            /* descriptor: nothing more changed for a moment */
    struct stat shown[2]; /* certificate and key at their last read */
};

/* Opens both descriptors; -1 where one cannot be had. */
void certificate_init(struct certificate *certificate);
void certificate_release(struct certificate *certificate);

/* Watches the files of a configuration, if it has any. Call it before they are read for the first
 * time, so that no replacement is missed. */
void certificate_watch(struct certificate *certificate, const struct config *config);
/* `files` is readable. */
void certificate_files_changed(struct certificate *certificate);
/* `quiet` is readable: presents the files if they have changed. */
void certificate_quiet(struct certificate *certificate, struct intake *intake,
                       const struct config *config);
/* Watches the files of a reloaded configuration, and presents them if they differ. */
void certificate_reload(struct certificate *certificate, struct intake *intake,
                        const struct config *config);

#endif
