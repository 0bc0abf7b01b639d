/* The pods of a workload, and the images that they really run. */
#ifndef LANDWAITER_AGENT_PLATFORMS_KUBERNETES_PODS_H
#define LANDWAITER_AGENT_PLATFORMS_KUBERNETES_PODS_H

#include <jansson.h>
#include <stdbool.h>

#include "agent/platforms/platform.h"
#include "base/digest.h"

struct pods_query {
    const char *space;     /* namespace */
    const char *selector;  /* of workload_selector; not empty */
    const char *container; /* the container whose image counts */
    const char *image;     /* as written in the pods' specification */
    const char *stamp;     /* the required value of PATCH_STAMP; NULL: any */
};
/* The matching pods that are not being deleted, each as {"metadata": {"name", "uid"}, "status"}: a
 * new array. Reads at most 5,000. Blocks. */
bool pods_list(const struct platform_session *session, const struct pods_query *query, json_t **out,
               struct err *err) MUST_USE;

/* The digest that all of these pods run in that container; "" if they differ or none reports one.
 * Pure. */
void pods_digest(const json_t *pods, const char *container, char out[DIGEST_TEXT_SIZE]);

#endif
