/* The pods of a workload: which there are, and which image each really runs. */
#ifndef LANDWAITER_AGENT_PLATFORMS_KUBERNETES_PODS_H
#define LANDWAITER_AGENT_PLATFORMS_KUBERNETES_PODS_H

#include <jansson.h>
#include <stdbool.h>

#include "agent/platforms/platform.h"
#include "base/digest.h"

struct pods_query {
    const char *space;     /* namespace */
    const char *selector;  /* as workload_selector gives it; not empty */
    const char *container; /* whose image counts */
    const char *image;     /* as it stands in the pods' specification */
    const char *stamp;     /* PATCH_STAMP's value that they must have; NULL: any */
};
/* Those that match and are not being deleted, each as {"metadata": {"name", "uid"}, "status"}: a
 * new array. At most 5,000 are read. Blocks. */
bool pods_list(const struct platform_session *session, const struct pods_query *query, json_t **out,
               struct err *err) MUST_USE;

/* The digest that all of these pods run in that container; "" when they do not agree, or none says.
 * Pure. */
void pods_digest(const json_t *pods, const char *container, char out[DIGEST_TEXT_SIZE]);

#endif
