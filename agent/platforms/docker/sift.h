/* Reads lists and inspect documents of the engine and keeps only the members that the driver reads,
 * however large they are (base/json_sieve.h). For whatever concerns other containers than the one
 * that is updated. A fault in one object is that object's: its document then has the member
 * SIFT_FAULT, which says which part is missing. Blocks. */
#ifndef LANDWAITER_AGENT_PLATFORMS_DOCKER_SIFT_H
#define LANDWAITER_AGENT_PLATFORMS_DOCKER_SIFT_H

#include <jansson.h>
#include <stdbool.h>

#include "agent/platforms/docker/engine.h"
#include "base/err.h"

#define SIFT_FAULT "landwaiter.fault"

/* All containers, stopped ones too: an array of list entries with Id, Names, Image, ImageID, State,
 * the labels that settings and rules read, and HostConfig.NetworkMode. An entry that cannot be read
 * at all has SIFT_FAULT alone. The caller owns *out. */
bool sift_containers(struct engine *engine, json_t **out, struct err *err) MUST_USE;
/* By id or name. The same of an inspect document, whose labels are in Config. ERR_GONE: none. */
bool sift_container(struct engine *engine, const char *id, json_t **out, struct err *err) MUST_USE;
/* Id and RepoDigests of an image. ERR_GONE: none. */
bool sift_image(struct engine *engine, const char *image, json_t **out, struct err *err) MUST_USE;

/* The fault of a sifted document; NULL: none. Borrowed. */
const char *sift_fault(const json_t *document);

#endif
