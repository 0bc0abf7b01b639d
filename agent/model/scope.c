/* Prefixes of kept names. Never knows a tenant. */
#include "agent/model/scope.h"

#include <string.h>

const char *scope_prefix(const struct settings_source *source) {
    return source->kind == SETTINGS_LABEL || source->kind == SETTINGS_ANNOTATION ? "./" : "";
}

struct scope_name scope_parse(const char *kept, size_t len) {
    if (len > 2 && memcmp(kept, "./", 2) == 0) {
        return (struct scope_name){SCOPE_TENANT, kept + 2, len - 2};
    }
    if (len > 2 && memcmp(kept, "*/", 2) == 0) {
        return (struct scope_name){SCOPE_OLD, kept + 2, len - 2};
    }
    return (struct scope_name){SCOPE_ALL, kept, len};
}
