/* Pulls an image by its digest (docker-engine.md section 7). */
#ifndef LANDWAITER_AGENT_PLATFORMS_DOCKER_PULL_H
#define LANDWAITER_AGENT_PLATFORMS_DOCKER_PULL_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/platforms/docker/engine.h"
#include "agent/platforms/docker/progress.h"
#include "base/ref.h"

/* Lets the engine fetch a digest from ref's repository, and waits for the end: as long as bytes
 * arrive at a reasonable rate (progress.h), up to 10 minutes without any word. ERR_GONE: the registry has no such manifest; ERR_DENIED:
 * credentials; ERR_INVALID: no space, certificate, wrong platform; ERR_TRANSIENT: the rest. */
bool pull_image(struct engine *engine, const struct platform_session *session,
                const struct ref *ref, const char *digest, struct err *err) MUST_USE;

/* Turns the engine's message about a failed pull into a kind and a sentence. Pure. */
bool pull_fail(struct err *err, const char *message);

/* Reads the progress stream: one JSON object a line, in pieces of any size. Pure. */
#define PULL_LINE_MAX ((size_t)64 * 1024)
struct pull_stream {
    struct buf line;
    char failure[320]; /* the first error in the stream; "": none */
    struct progress progress;
    bool slow; /* given up */
};
#define PULL_STREAM_INIT                                                                           \
    { .line = BUF_INIT(PULL_LINE_MAX), .failure = "" }
void pull_stream_release(struct pull_stream *stream);
/* A sink of base/http.h; always true. */
bool pull_stream_feed(void *stream, const char *bytes, size_t len);
/* Called about once a second, base/http.h's `going`. False: the registry is too slow. */
bool pull_stream_going(void *stream);
/* Call after the last piece. */
void pull_stream_end(struct pull_stream *stream);

#endif
