/* The routes of the control API (interface.md section 5). Each subject's file ends with its own
 * table; routes.c lists the tables. */
#ifndef LANDWAITER_AGENT_CONTROL_ROUTES_H
#define LANDWAITER_AGENT_CONTROL_ROUTES_H

#include "agent/control/request.h"

struct control_route {
    const char *method; /* NULL ends a table */
    const char *path;   /* with a closing slash: a prefix */
    /* Gives the document to answer with, or an error whose kind decides the status. */
    bool (*handle)(struct control_request *request, json_t **out, struct err *err);
    bool decides; /* with several replicas only the leader answers */
    /* In place of handle: text, and its media type. */
    bool (*write)(struct control_request *request, struct buf *out, struct err *err);
    const char *type;
    bool metrics; /* at the metrics address too */
};

extern const struct control_route control_targets_routes[];
extern const struct control_route control_updates_routes[];
extern const struct control_route control_pushes_routes[];
extern const struct control_route control_questions_routes[];

enum control_found { CONTROL_FOUND, CONTROL_NO_PATH, CONTROL_NO_METHOD };

/* metrics_only: ignores all routes but those for metrics. *out is set when CONTROL_FOUND. */
enum control_found control_routes_find(const char *method, const char *path, bool metrics_only,
                                       const struct control_route **out) MUST_USE;

#endif
