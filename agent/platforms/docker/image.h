/* An image as the engine shows it (docker-engine.md section 7). */
#ifndef LANDWAITER_AGENT_PLATFORMS_DOCKER_IMAGE_H
#define LANDWAITER_AGENT_PLATFORMS_DOCKER_IMAGE_H

#include <jansson.h>
#include <stdbool.h>

#include "agent/platforms/docker/engine.h"
#include "base/digest.h"
#include "base/ref.h"

/* By id, name:tag or name@digest. ERR_GONE: it is not here. The caller owns *out. */
bool image_inspect(struct engine *engine, const char *image, json_t **out,
                   struct err *err) MUST_USE;
/* "sha256:…", or "". Borrowed. */
const char *image_id(const json_t *inspect);
/* The manifest digest under which the image came from ref's repository; "" when it is not known
 * (built here). */
void image_digest(const json_t *inspect, const struct ref *ref, char out[DIGEST_TEXT_SIZE]);
/* The same content: the same id, or (on the containerd image store, where the id is the index's
 * digest and moves when another architecture is rebuilt) the same layers, configuration and
 * creation. */
bool image_same(const json_t *a, const json_t *b);
/* As its owner wrote it, but with another tag: "nginx:1.4" and "1.5" to "nginx:1.5". Returns false
 * when it does not fit. */
bool image_name_with_tag(const char *name, const char *tag, char *out, size_t size) MUST_USE;

#endif
