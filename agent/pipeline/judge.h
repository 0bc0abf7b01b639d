/* The questions about a target that stages share, and that a plan asks too (foresee.h). They change
 * nothing but notes. */
#ifndef LANDWAITER_AGENT_PIPELINE_JUDGE_H
#define LANDWAITER_AGENT_PIPELINE_JUDGE_H

#include "agent/pipeline/context.h"
#include "agent/pipeline/notes.h"
#include "agent/pipeline/outcome.h"

#define JUDGE_AWAY_MS                                                                              \
    (INT64_C(24) * 60 * 60 * 1000) /* a registry or an engine may be away so long */

/* A failure for now: wait, or give up limit_ms after the first of them in a row. An update may have
 * waited at the gate for days before. */
struct outcome judge_retry(const struct update *update, struct notes *notes, const struct err *err,
                           int64_t limit_ms);

/* May a target in that state be updated with that image? NEXT names the policy. Pure. */
struct outcome judge_target(const struct ref *image, const struct target *target);
/* The update's target as it is now, and whether it may be updated: anything but NEXT is what the
 * stage answers (gone, another image, left alone, not wanted, away). Notes instance and digest. */
struct outcome judge_find(struct pipeline *pipeline, const struct update *update,
                          struct notes *notes, struct target *out_target);
/* Is the digest in the notes another one than what runs, and not refused here? */
struct outcome judge_digest(const struct pipeline *pipeline, const struct update *update,
                            const struct notes *notes);
/* Can the platform do it at all? Reads only. limit_ms: how long it may fail for now. */
struct outcome judge_possible(struct pipeline *pipeline, const struct update *update,
                              struct notes *notes, const struct target *target);

#endif
