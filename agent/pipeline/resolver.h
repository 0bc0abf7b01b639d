/* What a tag is right now, asked once for all targets of a push: answers are shared for some
 * seconds between the workers, and two that ask the same thing at the same time make one request.
 * Thread-safe. */
#ifndef LANDWAITER_AGENT_PIPELINE_RESOLVER_H
#define LANDWAITER_AGENT_PIPELINE_RESOLVER_H

#include "agent/config/config.h"
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
    const struct ref *ref; /* its tag is asked for, or its digest when it names one */
    int64_t since_ms;      /* wall clock: an answer that was asked for earlier is too old … */
    int64_t age_ms;        /* … and so is one older than this */
};
/* Blocking. Fails as registry_resolve does. */
bool resolver_resolve(struct resolver *resolver, const struct resolver_question *question,
                      char out_digest[DIGEST_TEXT_SIZE], struct err *err) MUST_USE;
/* What was asked until now is not shared any more: somebody wants it to be asked again. */
void resolver_forget(struct resolver *resolver);

#endif
