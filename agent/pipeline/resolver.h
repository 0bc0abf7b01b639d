/* Resolves a tag once for all targets of a push: workers share answers for some seconds, and two
 * that ask the same question at the same time make one request. Thread-safe. */
#ifndef LANDWAITER_AGENT_PIPELINE_RESOLVER_H
#define LANDWAITER_AGENT_PIPELINE_RESOLVER_H

#include "agent/config/config.h"
#include "agent/pipeline/hosts.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/ref.h"
#include "registry/client.h"

struct resolver;
struct resolver *resolver_new(void) MUST_USE; /* NULL: out of memory */
void resolver_free(struct resolver *resolver);

struct resolver_question {
    const struct registry_client *client;
    const struct config *config;
    struct hosts *hosts;   /* told how the host answers; NULL: nobody is */
    const struct ref *ref; /* resolves its tag, or its digest if it names one */
    int64_t since_ms;      /* wall clock: ignore answers to earlier questions */
    int64_t age_ms;        /* ignore answers older than this */
};
/* Blocks. Fails like registry_resolve. */
bool resolver_resolve(struct resolver *resolver, const struct resolver_question *question,
                      char out_digest[DIGEST_TEXT_SIZE], struct err *err) MUST_USE;
/* Forgets all answers, so that the next question goes to the registry. */
void resolver_forget(struct resolver *resolver);

#endif
