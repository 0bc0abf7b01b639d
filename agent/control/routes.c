/* Finds the route of a request. Runs none. */
#include "agent/control/routes.h"

#include <string.h>

static const struct control_route *const routes_tables[] = {
    control_targets_routes,
    control_updates_routes,
    control_pushes_routes,
    control_questions_routes,
};

static bool routes_match(const struct control_route *route, const char *path) {
    size_t length = strlen(route->path);
    bool prefix = route->path[length - 1] == '/';
    return prefix ? strncmp(route->path, path, length) == 0 && path[length]
                  : strcmp(route->path, path) == 0;
}

enum control_found control_routes_find(const char *method, const char *path, bool metrics_only,
                                       const struct control_route **out) {
    enum control_found found = CONTROL_NO_PATH;
    for (size_t i = 0; i < ARRAY_LENGTH(routes_tables); i++) {
        for (const struct control_route *route = routes_tables[i]; route->method; route++) {
            if ((metrics_only && !route->metrics) || !routes_match(route, path)) {
                continue;
            }
            if (strcmp(route->method, method) == 0) {
                *out = route;
                return CONTROL_FOUND;
            }
            found = CONTROL_NO_METHOD;
        }
    }
    return found;
}
