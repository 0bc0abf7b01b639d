/* Questions about a target that several stages and the plan (foresee.h) ask. They change nothing
 * but notes. */
#ifndef LANDWAITER_AGENT_PIPELINE_JUDGE_H
#define LANDWAITER_AGENT_PIPELINE_JUDGE_H

#include "agent/pipeline/context.h"
#include "agent/pipeline/notes.h"
#include "agent/pipeline/outcome.h"

#define JUDGE_AWAY_MS                                                                              \
    (INT64_C(24) * 60 * 60 * 1000) /* a registry or an engine may not answer for this long */

/* After a transient failure: WAIT, or FAIL once the failures in a row last longer than limit_ms.
 * Earlier waits, at the gate for example, do not count. */
struct outcome judge_retry(const struct update *update, struct notes *notes, const struct err *err,
                           int64_t limit_ms);

struct judge_waiting {
    enum hosts_work work;
    int64_t limit_ms; /* as of judge_retry */
};
/* May the host of the update's image be asked now? NEXT: yes; else as judge_retry, until the host's
 * time. */
struct outcome judge_host(const struct pipeline *pipeline, const struct update *update,
                          struct notes *notes, const struct judge_waiting *waiting);

/* May a target in that state get that image? NEXT names the policy. Pure. */
struct outcome judge_target(const struct ref *image, const struct target *target);
/* Finds the update's target and judges it. Any answer but NEXT ends the stage (gone, another image,
 * disabled, not wanted, no answer). Notes instance and digest. */
struct outcome judge_find(struct pipeline *pipeline, const struct update *update,
                          struct notes *notes, struct target *out_target);
/* Does the digest in the notes differ from the running one, and is it not rejected here? */
struct outcome judge_digest(const struct pipeline *pipeline, const struct update *update,
                            const struct notes *notes);
/* Does the platform support the update? Reads only. limit_ms: as for a transient failure above. */
struct outcome judge_possible(struct pipeline *pipeline, const struct update *update,
                              struct notes *notes, const struct target *target);

#endif
