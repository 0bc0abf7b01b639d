/* Reads inspect documents, and names with Landwaiter's marks. Changes nothing. */
#include "agent/platforms/docker/container.h"

#include <ctype.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json.h"

#define CONTAINER_SHORT_ID 12
#define CONTAINER_MARK_NEW ".landwaiter-new-"
#define CONTAINER_MARK_OLD ".landwaiter-old-"
#define CONTAINER_STOP_TIMEOUT_S 10 /* the engine's default */

static const char *container_or_empty(const char *text) {
    return text ? text : "";
}

const char *container_id(const json_t *inspect) {
    return container_or_empty(json_text(inspect, "Id"));
}

const char *container_name(const json_t *inspect) {
    const char *name = container_or_empty(json_text(inspect, "Name"));
    return *name == '/' ? name + 1 : name;
}

const char *container_image_id(const json_t *inspect) {
    return container_or_empty(json_text(inspect, "Image"));
}

const char *container_image_name(const json_t *inspect) {
    return container_or_empty(json_text(json_object_member(inspect, "Config"), "Image"));
}

const char *container_status(const json_t *inspect) {
    return container_or_empty(json_text(json_object_member(inspect, "State"), "Status"));
}

const char *container_shares(const json_t *inspect, const char *member) {
    const char *mode = json_text(json_object_member(inspect, "HostConfig"), member);
    return mode && strncmp(mode, "container:", 10) == 0 ? mode + 10 : NULL;
}

int64_t container_stop_timeout_ms(const json_t *inspect) {
    int64_t seconds =
        json_int(json_object_member(inspect, "Config"), "StopTimeout", CONTAINER_STOP_TIMEOUT_S);
    if (seconds < 0) {
        return -1;
    }
    return seconds > INT32_MAX ? (int64_t)INT32_MAX * 1000 : seconds * 1000;
}

bool container_name_valid(const char *name) {
    size_t len = strlen(name);
    if (len == 0 || len > CONTAINER_NAME_SIZE - 64 || !isalnum((unsigned char)name[0])) {
        return false;
    }
    for (const char *at = name; *at; at++) {
        if (!isalnum((unsigned char)*at) && !strchr("_.-", *at)) {
            return false;
        }
    }
    return true;
}

static size_t container_hex_len(const char *text) {
    return strspn(text, "0123456789abcdef");
}

bool container_name_marked(const char *name) {
    if (strstr(name, CONTAINER_MARK_NEW) || strstr(name, CONTAINER_MARK_OLD)) {
        return true;
    }
    return container_hex_len(name) == CONTAINER_SHORT_ID && name[CONTAINER_SHORT_ID] == '_';
}

static const char *container_marked(const char *name, const char *mark, const char *old_id,
                                    char out[static CONTAINER_NAME_SIZE]) {
    (void)snprintf(out, CONTAINER_NAME_SIZE, "%.300s%s%.12s", name, mark, old_id);
    return out;
}

const char *container_new_name(const char *name, const char *old_id,
                               char out[CONTAINER_NAME_SIZE]) {
    return container_marked(name, CONTAINER_MARK_NEW, old_id, out);
}

const char *container_aside_name(const char *name, const char *old_id,
                                 char out[CONTAINER_NAME_SIZE]) {
    return container_marked(name, CONTAINER_MARK_OLD, old_id, out);
}

bool container_idle(const char *status, char *reason, size_t size) {
    if (strcmp(status, "running") == 0 || strcmp(status, "restarting") == 0) {
        return false;
    }
    if (strcmp(status, "paused") == 0) {
        (void)snprintf(reason, size, "it is paused; it is left alone until it runs again");
    } else {
        (void)snprintf(reason, size, "it is not running (%s); it is left alone until it is started",
                       *status ? status : "unknown");
    }
    return true;
}

bool container_image_pinned(const char *image, const char *image_id) {
    if (strchr(image, '@') || strncmp(image, "sha256:", 7) == 0) {
        return true;
    }
    /* A bare id looks like the name of a repository; compare it with the image's id. */
    size_t len = strlen(image);
    return len >= 4 && container_hex_len(image) == len && strncmp(image_id, "sha256:", 7) == 0 &&
           strncmp(image_id + 7, image, len) == 0;
}

bool container_valid(const json_t *inspect) {
    return json_is_object(inspect) && strlen(container_id(inspect)) >= CONTAINER_SHORT_ID &&
           container_name_valid(container_id(inspect));
}

bool container_inspect(struct engine *engine, const char *id, json_t **out, struct err *err) {
    if (!container_name_valid(id)) {
        return err_set(err, ERR_GONE, "there is no container of that name");
    }
    CLEANUP(json_release) json_t *inspect = NULL;
    if (!engine_get(engine, &inspect, err, "/containers/%s/json", id)) {
        return false;
    }
    if (!container_valid(inspect)) {
        return err_set(err, ERR_INVALID, "the Docker engine's answer is not a container");
    }
    *out = TAKE(inspect);
    return true;
}

/* The files that the engine binds into every container identify it. Requiring their mount points
 * excludes the host's own table, which lists the mounts of other containers too. */
static bool container_mounts_name(const char *id, const char *mountinfo) {
    char wanted[128];
    (void)snprintf(wanted, sizeof wanted, "/containers/%.64s/", id);
    static const char *const points[] = {" /etc/hostname ", " /etc/hosts ", " /etc/resolv.conf "};
    for (const char *line = mountinfo; line && *line;) {
        size_t len = strcspn(line, "\n");
        const char *found = memmem(line, len, wanted, strlen(wanted));
        for (size_t i = 0; found && i < ARRAY_LENGTH(points); i++) {
            if (memmem(found, len - (size_t)(found - line), points[i], strlen(points[i]))) {
                return true;
            }
        }
        line += len + (line[len] == '\n');
    }
    return false;
}

bool container_is_self_text(const char *id, const char *cgroup, const char *mountinfo,
                            const char *hostname) {
    if (strlen(id) < CONTAINER_SHORT_ID) {
        return false;
    }
    if (strstr(cgroup, id) || container_mounts_name(id, mountinfo)) {
        return true;
    }
    return strlen(hostname) == CONTAINER_SHORT_ID && strncmp(hostname, id, CONTAINER_SHORT_ID) == 0;
}

static void container_read(const char *path, struct buf *out) {
    FILE *file = fopen(path, "re");
    if (!file) {
        return;
    }
    char block[4096];
    size_t got = 0;
    while ((got = fread(block, 1, sizeof block, file)) > 0) {
        buf_append(out, block, got);
    }
    (void)fclose(file);
}

bool container_is_self(const char *id) {
    CLEANUP(buf_release) struct buf cgroup = BUF_INIT((size_t)64 * 1024);
    CLEANUP(buf_release) struct buf mountinfo = BUF_INIT((size_t)4 * 1024 * 1024);
    char hostname[256] = "";
    container_read("/proc/self/cgroup", &cgroup);
    container_read("/proc/self/mountinfo", &mountinfo);
    if (gethostname(hostname, sizeof hostname - 1) != 0) {
        hostname[0] = '\0';
    }
    return container_is_self_text(id, buf_text(&cgroup), buf_text(&mountinfo), hostname);
}
