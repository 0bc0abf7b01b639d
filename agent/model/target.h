/* A target as its platform sees it now. */
#ifndef LANDWAITER_AGENT_MODEL_TARGET_H
#define LANDWAITER_AGENT_MODEL_TARGET_H

#include <stdbool.h>

#include "agent/model/settings.h"
#include "base/digest.h"
#include "base/ref.h"

#define TARGET_NAME_SIZE 480     /* "kubernetes/NAMESPACE/KIND/NAME/CONTAINER" */
#define TARGET_INSTANCE_SIZE 128 /* container id, uid */
#define REASON_SIZE 320          /* a sentence for people */

struct target {
    char name[TARGET_NAME_SIZE];         /* "docker/site" */
    char instance[TARGET_INSTANCE_SIZE]; /* the present one; re-creating it changes this */
    struct ref image;                    /* as its owner wrote it, normalised, with its tag */
    char running[DIGEST_TEXT_SIZE]; /* the manifest digest it runs, "" when unknown (locally built)
                                     */
    char project[SETTINGS_NAME_SIZE]; /* Compose project; "": none */
    bool enabled;                     /* selected, and opted in if that is needed */
    struct settings settings;
    /* Its only problem is that it does not run, which is no fault. */
    bool stopped;
    char problem[256];                 /* why it must be left alone; "": none */
    char notice[SETTINGS_NOTICE_SIZE]; /* the owner should know, and updates go on; "": none */
};

#endif
