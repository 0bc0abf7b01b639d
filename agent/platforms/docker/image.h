/* An image in the engine's view (docker-engine.md section 7). */
#ifndef LANDWAITER_AGENT_PLATFORMS_DOCKER_IMAGE_H
#define LANDWAITER_AGENT_PLATFORMS_DOCKER_IMAGE_H

#include <jansson.h>
#include <stdbool.h>

#include "agent/platforms/docker/engine.h"
#include "base/digest.h"
#include "base/ref.h"

/* May the text become part of a path? It must be an id or a parsed reference. */
bool image_name_valid(const char *image);
/* The whole document, by id, name:tag or name@digest. ERR_GONE: not on this engine. The caller owns *out. */
bool image_inspect(struct engine *engine, const char *image, json_t **out,
                   struct err *err) MUST_USE;
/* "sha256:…", or "". Borrowed. */
const char *image_id(const json_t *inspect);
/* The image's manifest digest in ref's repository; "" if unknown (built locally). */
void image_digest(const json_t *inspect, const struct ref *ref, char out[DIGEST_TEXT_SIZE]);
/* Equal content: equal ids, or equal layers, configuration and creation time. On the containerd
 * image store the id is the index's digest, which changes when another architecture is rebuilt. */
bool image_same(const json_t *a, const json_t *b);
/* The name as the owner wrote it, with another tag: "nginx:1.4" and "1.5" give "nginx:1.5". False:
 * too long. */
bool image_name_with_tag(const char *name, const char *tag, char *out, size_t size) MUST_USE;

#endif
