/* Lists targets: owns the choice of containers, and reads their images' names and digests. Changes
 * nothing. */
#include "agent/platforms/docker/list.h"

#include "agent/platforms/docker/container.h"
#include "agent/platforms/docker/image.h"
#include "agent/platforms/docker/seen.h"
#include "agent/platforms/docker/sift.h"
#include "agent/platforms/finding.h"
#include "base/json.h"

#define LIST_FAULTS_TOLD_MAX 20
#define LIST_ENABLE "landwaiter.enable"

bool list_containers(struct engine *engine, json_t **out, struct err *err) {
    CLEANUP(json_release) json_t *list = NULL;
    if (!sift_containers(engine, &list, err)) {
        return false;
    }
    seen_retain(list);
    *out = TAKE(list);
    return true;
}

bool list_shared(struct engine *engine, json_t *shared, json_t **out, struct err *err) {
    json_t *known = json_object_get(shared, "containers");
    if (known) {
        *out = json_incref(known);
        return true;
    }
    if (!list_containers(engine, out, err)) {
        return false;
    }
    if (shared) {
        (void)json_object_set(shared, "containers", *out);
    }
    return true;
}

const char *list_name(const json_t *entry) {
    size_t i = 0;
    json_t *item = NULL;
    json_array_foreach(json_array_member(entry, "Names"), i, item) {
        const char *name = json_string_value(item);
        if (name && name[0] == '/' && !strchr(name + 1, '/')) {
            return name + 1;
        }
    }
    return "";
}

/* A container that is being replaced, or somebody else's: not a target. */
static bool list_ignored(const struct list_sighting *sighting) {
    return !container_name_valid(sighting->name) || container_name_marked(sighting->name) ||
           strlen(sighting->name) + sizeof LIST_TARGET_PREFIX > TARGET_NAME_SIZE ||
           json_text(sighting->labels, CONTAINER_LABEL_SWARM_TASK);
}

/* The image's reference. False: *out says why the target is left alone. */
static bool list_image(const struct list_sighting *sighting, struct target *out) {
    struct err err = ERR_INIT;
    bool pinned = container_image_pinned(sighting->image, sighting->image_id);
    struct ref image;
    bool parsed = strncmp(sighting->image, "sha256:", 7) != 0 &&
                  (!pinned || strchr(sighting->image, '@')) &&
                  ref_parse(sighting->image, &image, &err);
    if (parsed) {
        ref_default_tag(&image);
        out->image = image;
    }
    if (pinned) {
        (void)snprintf(out->problem, sizeof out->problem,
                       "its image is pinned by digest or id; no push can move it");
    } else if (!parsed) {
        (void)snprintf(out->problem, sizeof out->problem, "its image's name is not usable: %.180s",
                       err.message);
    }
    return parsed && !pinned;
}

/* The Compose project, whose names its labels mean. Anybody may write any label: a name that Compose
 * would refuse counts as none. */
static void list_project(const json_t *labels, struct target *out) {
    const char *project = json_text(labels, CONTAINER_LABEL_PROJECT);
    bool valid = project && settings_name_valid(project);
    (void)snprintf(out->project, sizeof out->project, "%s", valid ? project : "");
}

void list_target(const struct config *config, const struct list_sighting *sighting,
                 struct target *out) {
    struct settings_labels labels = {0};
    (void)snprintf(out->name, sizeof out->name, LIST_TARGET_PREFIX "%s", sighting->name);
    (void)snprintf(out->instance, sizeof out->instance, "%s", sighting->id);
    bool usable = list_image(sighting, out);
    const struct config_subject subject = {.name = sighting->name,
                                           .platform = "docker",
                                           .image = &out->image,
                                           .labels = sighting->labels};
    config_settings(config, &subject, &out->settings, &labels);
    list_project(sighting->labels, out);
    memcpy(out->notice, labels.notice, sizeof out->notice);
    out->enabled = (usable || sighting->fault) &&
                   (labels.enable == SETTINGS_ENABLE_TRUE ||
                    (config->docker.select_all && labels.enable != SETTINGS_ENABLE_FALSE));
    if (sighting->fault) {
        (void)snprintf(out->problem, sizeof out->problem, "a part of it cannot be read: %.180s",
                       sighting->fault);
    } else if (usable && labels.problem[0] != '\0') {
        (void)snprintf(out->problem, sizeof out->problem, "%s", labels.problem);
    } else if (usable) {
        out->stopped = container_idle(sighting->status, out->problem, sizeof out->problem);
    }
}

/* digests: image id to digest, "" if unknown. Kept for one list only, because a moved tag or a push
 * adds digests. */
static bool list_running(struct engine *engine, json_t *digests, const char *image_id,
                         struct target *target, struct err *err) {
    CLEANUP(json_release) json_t *inspect = NULL;
    if (target->image.path[0] == '\0' || *image_id == '\0') {
        return true;
    }
    json_t *known = json_object_get(digests, image_id);
    if (known) {
        image_digest(known, &target->image, target->running);
        return true;
    }
    struct err missing = ERR_INIT;
    if (!sift_image(engine, image_id, &inspect, &missing)) {
        if (engine->answered) {
            return true; /* gone, or a fault of that image: its digest is unknown */
        }
        if (err) {
            *err = missing;
        }
        return false;
    }
    image_digest(inspect, &target->image, target->running);
    json_t *kept = json_pack("{s:O*}", "RepoDigests", json_member(inspect, "RepoDigests"));
    return json_object_set_new(digests, image_id, kept) == 0 ||
           err_set(err, ERR_BUG, "out of memory");
}

static bool list_opted_in(const struct config *config, const json_t *labels) {
    const char *enable = json_text(labels, LIST_ENABLE);
    return config->docker.select_all ? !(enable && strcmp(enable, "false") == 0)
                                     : enable && strcmp(enable, "true") == 0;
}

/* The engine refuses to show this container. One that is not opted in hurts nobody; for another it
 * is asked again a few times, because its image may be the pushed one. */
static bool list_unknown(const struct engine *engine, struct list_sighting *sighting,
                         const struct err *failed) {
    bool away = !engine->answered || failed->kind == ERR_GONE;
    if (away || (list_opted_in(engine->config, sighting->labels) && !seen_hopeless(sighting->id))) {
        return false;
    }
    sighting->image = "";
    sighting->fault = failed->message;
    return true;
}

/* The list shows the image by its id once its tag has moved on. */
static bool list_image_name(struct engine *engine, struct list_sighting *sighting,
                            struct seen *seen, struct err *err) {
    if (*sighting->image && !strchr(sighting->image, '@') &&
        !container_image_pinned(sighting->image, sighting->image_id)) {
        return true;
    }
    if (!seen_get(engine, sighting->id, seen, err)) {
        return list_unknown(engine, sighting, err);
    }
    sighting->image = seen->image;
    return true;
}

static const char *list_text(const json_t *entry, const char *member) {
    const char *text = json_text(entry, member);
    return text ? text : "";
}

struct listing {
    const struct platform_session *session;
    const struct ref *repository;
    struct engine engine;
    json_t *digests;
    struct targets *out;
};

static bool list_add(struct listing *listing, const json_t *entry, struct err *err) {
    struct list_sighting sighting = {.id = list_text(entry, "Id"),
                                     .name = list_name(entry),
                                     .image = list_text(entry, "Image"),
                                     .image_id = list_text(entry, "ImageID"),
                                     .status = list_text(entry, "State"),
                                     .labels = json_object_member(entry, "Labels"),
                                     .fault = sift_fault(entry)};
    struct seen seen;
    struct target target = {0};
    struct err gone = ERR_INIT;
    if (list_ignored(&sighting)) {
        return true;
    }
    if (!list_image_name(&listing->engine, &sighting, &seen, &gone)) {
        if (gone.kind == ERR_GONE) { /* removed since the list was read */
            return true;
        }
        if (err) {
            *err = gone;
        }
        return false;
    }
    list_target(listing->session->config, &sighting, &target);
    if (listing->repository && !ref_same_repository(listing->repository, &target.image)) {
        return true;
    }
    if (!list_running(&listing->engine, listing->digests, sighting.image_id, &target, err)) {
        return false;
    }
    struct target *added = targets_add(listing->out);
    if (!added) {
        return err_set(err, ERR_BUG, "out of memory");
    }
    *added = target;
    return true;
}

bool list_targets(const struct platform_session *session, const struct ref *repository,
                  struct targets *out, struct err *err) {
    CLEANUP(json_release) json_t *list = NULL;
    CLEANUP(json_release) json_t *digests = json_object();
    struct listing listing = {
        .session = session, .repository = repository, .digests = digests, .out = out};
    const size_t before = out->count;
    size_t i = 0;
    json_t *entry = NULL;
    if (!engine_open(session, &listing.engine, err) ||
        !list_shared(&listing.engine, session->shared, &list, err)) {
        return false;
    }
    json_array_foreach(list, i, entry) {
        if (!list_add(&listing, entry, err)) {
            out->count = before;
            return false;
        }
    }
    return true;
}

bool list_find(const struct platform_session *session, const char *target, struct target *out,
               struct err *err) {
    CLEANUP(json_release) json_t *inspect = NULL;
    CLEANUP(json_release) json_t *digests = json_object();
    struct engine engine;
    const size_t prefix = strlen(LIST_TARGET_PREFIX);
    if (strncmp(target, LIST_TARGET_PREFIX, prefix) != 0) {
        return err_set(err, ERR_GONE, "%s is not a container", target);
    }
    const char *name = target + prefix;
    if (!engine_open(session, &engine, err) || !sift_container(&engine, name, &inspect, err)) {
        return false;
    }
    const struct list_sighting sighting = {
        .id = container_id(inspect),
        .name = container_name(inspect),
        .image = container_image_name(inspect),
        .image_id = container_image_id(inspect),
        .status = container_status(inspect),
        .labels = json_object_member(json_object_member(inspect, "Config"), "Labels"),
        .fault = sift_fault(inspect)};
    /* The engine also accepts the beginning of an id as a name. */
    if (strcmp(sighting.name, name) != 0 || list_ignored(&sighting)) {
        return err_set(err, ERR_GONE, "there is no container named %s", name);
    }
    struct target found = {0};
    list_target(session->config, &sighting, &found);
    if (!list_running(&engine, digests, sighting.image_id, &found, err)) {
        return false;
    }
    *out = found;
    return true;
}

/* Those that are opted in have their problem as a finding already. */
static bool list_faulty(const struct config *config, const json_t *entry) {
    return sift_fault(entry) && !list_opted_in(config, json_object_member(entry, "Labels"));
}

static void list_tell(const json_t *entry, json_t *report) {
    char about[TARGET_NAME_SIZE];
    const char *name = list_name(entry);
    (void)snprintf(about, sizeof about, LIST_TARGET_PREFIX "%.300s",
                   name[0] ? name : list_text(entry, "Id"));
    finding_add(report,
                &(struct finding){FINDING_NOTE, about,
                                  "correct or remove the container; no other one is affected"},
                "a part of it cannot be read, so pushes do not update it: %s", sift_fault(entry));
}

void list_examine(const struct platform_session *session, json_t *report) {
    CLEANUP(json_release) json_t *list = NULL;
    struct engine engine;
    size_t i = 0;
    size_t count = 0;
    json_t *entry = NULL;
    if (!engine_open(session, &engine, NULL) || !list_containers(&engine, &list, NULL)) {
        return; /* the doctor tells of this already */
    }
    json_array_foreach(list, i, entry) {
        if (list_faulty(session->config, entry) && count++ < LIST_FAULTS_TOLD_MAX) {
            list_tell(entry, report);
        }
    }
    if (count > LIST_FAULTS_TOLD_MAX) {
        finding_add(report, &(struct finding){FINDING_NOTE, "docker", "correct or remove them"},
                    "%zu more containers cannot be read", count - LIST_FAULTS_TOLD_MAX);
    }
}
