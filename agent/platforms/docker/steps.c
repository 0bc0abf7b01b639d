/* The steps of a swap: owns their order, their undoing and what is noted between them. It never
 * removes, renames, starts or stops anything but OLD and NEW, and never guesses: a step that fails
 * looks at what is there.
 *
 * From `stop` to `start` each step is one bare call on the straight way, because the target is down
 * meanwhile; everything that has to be known for them is read before, in `prepare`. */
#include "agent/platforms/docker/steps.h"

#include "agent/platforms/docker/container.h"
#include "agent/platforms/docker/create.h"
#include "agent/platforms/docker/engine.h"
#include "agent/platforms/docker/image.h"
#include "agent/platforms/docker/list.h"
#include "agent/platforms/docker/swap.h"
#include "base/json.h"

#define STEPS_STOP_SLACK_MS 30000
#define STEPS_POLICY_SIZE 32 /* "unless-stopped" */

/* Is a container there, and what is its name? False: no answer. *name is "" when it is gone. */
static bool swap_name_of(struct swap *swap, const char *id, char name[static CONTAINER_NAME_SIZE],
                         struct err *err) {
    CLEANUP(json_release) json_t *inspect = NULL;
    struct err failed = ERR_INIT;
    name[0] = '\0';
    if (container_inspect(&swap->engine, id, &inspect, &failed)) {
        (void)snprintf(name, CONTAINER_NAME_SIZE, "%s", container_name(inspect));
        return true;
    }
    if (failed.kind == ERR_GONE) {
        return true;
    }
    if (err) {
        *err = failed;
    }
    return false;
}

/* The way back needs OLD: without it the new container, good or bad, is all that there is. */
static bool swap_old_there(struct swap *swap, struct err *err) {
    char name[CONTAINER_NAME_SIZE];
    if (!swap_name_of(swap, swap->old_id, name, err)) {
        return false;
    }
    return name[0] != '\0' ||
           err_set(err, ERR_GONE,
                   "the old container of %s was removed by somebody; the new one was left as it is",
                   swap->name);
}

/* ---- prepare ---- */

/* The tag that the new image gets here: as the owner wrote the image, with the tag pushed. */
static bool prepare_image_name(const struct platform_task *task, const char *written, char *out,
                               size_t size) {
    struct ref ref;
    if (!ref_parse(written, &ref, NULL)) {
        return false;
    }
    ref_default_tag(&ref);
    if (task->image.tag[0] == '\0' || strcmp(ref.tag, task->image.tag) == 0) {
        return (size_t)snprintf(out, size, "%s", written) < size;
    }
    return image_name_with_tag(written, task->image.tag, out, size);
}

/* The restart policy, and nothing else that an engine may show there: the journal is bounded. NULL:
 * it has none. */
static json_t *prepare_policy(const json_t *inspect) {
    const json_t *policy =
        json_object_member(json_object_member(inspect, "HostConfig"), "RestartPolicy");
    const char *written = json_text(policy, "Name");
    char name[STEPS_POLICY_SIZE];
    if (!policy) {
        return NULL;
    }
    (void)snprintf(name, sizeof name, "%s", written ? written : "");
    return json_pack("{s:s, s:I}", "Name", name, "MaximumRetryCount",
                     (json_int_t)json_int(policy, "MaximumRetryCount", 0));
}

static bool prepare_note(struct platform_task *task, const json_t *old, const char *image,
                         const json_t *images[2]) {
    int64_t stop_ms = task->settings.stop_timeout_ms;
    const char *before = image_id(images[1]);
    CLEANUP(json_release)
    json_t *notes = json_pack(
        "{s:s, s:s, s:s, s:s, s:o, s:o*, s:I}", STEPS_HOST, task->session->config->docker.host,
        STEPS_NAME, container_name(old), STEPS_IMAGE, image, STEPS_IMAGE_ID, image_id(images[0]),
        STEPS_TAG_BEFORE, *before ? json_string(before) : json_null(), STEPS_RESTART,
        prepare_policy(old), STEPS_STOP_MS,
        (json_int_t)(stop_ms >= 0 ? stop_ms : container_stop_timeout_ms(old)));
    return notes && json_object_clear(task->journal) == 0 &&
           json_object_update(task->journal, notes) == 0;
}

static bool prepare_new_image(struct engine *engine, const struct platform_task *task, json_t **out,
                              struct err *err) {
    char name[REF_NAME_SIZE];
    char text[REF_NAME_SIZE + DIGEST_TEXT_SIZE + 1];
    (void)snprintf(text, sizeof text, "%s@%s", ref_name(&task->image, name), task->digest);
    if (image_inspect(engine, text, out, err)) {
        return true;
    }
    if (err && err->kind == ERR_GONE) {
        return err_set(err, ERR_GONE, "%s was removed from this machine after it was fetched",
                       text);
    }
    return false;
}

/* Reads only: what the way back will need is in the journal before anything is touched. */
static bool prepare_run(struct platform_task *task, struct err *err) {
    CLEANUP(json_release) json_t *old = NULL;
    CLEANUP(json_release) json_t *image = NULL;
    CLEANUP(json_release) json_t *tagged = NULL;
    struct swap swap;
    char written[REF_TEXT_SIZE];
    struct err missing = ERR_INIT;
    if (!swap_open(task, &swap, err) || !container_inspect(&swap.engine, swap.old_id, &old, err)) {
        return false;
    }
    if (strcmp(container_name(old), swap.name) != 0) {
        return err_set(err, ERR_GONE, "the container was renamed to %s", container_name(old));
    }
    if (!prepare_image_name(task, container_image_name(old), written, sizeof written)) {
        return err_set(err, ERR_INVALID, "its image's name is not usable");
    }
    if (!prepare_new_image(&swap.engine, task, &image, err)) {
        return false;
    }
    if (!image_inspect(&swap.engine, written, &tagged, &missing) && missing.kind != ERR_GONE) {
        if (err) {
            *err = missing;
        }
        return false;
    }
    if (!prepare_note(task, old, written, (const json_t *[2]){image, tagged})) {
        return err_set(err, ERR_BUG, "out of memory");
    }
    return true;
}

/* ---- tag ---- */

static bool tag_move(struct engine *engine, const char *id, const char *image, struct err *err) {
    CLEANUP(buf_release) struct buf path = BUF_INIT(ENGINE_PATH_SIZE);
    CLEANUP(buf_release) struct buf repository = BUF_INIT(REF_TEXT_SIZE);
    size_t len = ref_written_length(image);
    buf_append(&repository, image, len);
    buf_printf(&path, "/images/%s/tag?repo=", id);
    buf_put_url(&path, buf_text(&repository));
    buf_puts(&path, "&tag=");
    buf_put_url(&path, image[len] == ':' ? image + len + 1 : "latest");
    if (path.overflow || repository.overflow) {
        return err_set(err, ERR_INVALID, "the image's name is too long");
    }
    return engine_do(engine, "POST", err, "%s", buf_text(&path));
}

static bool tag_run(struct platform_task *task, struct err *err) {
    const char *image = json_text(task->journal, STEPS_IMAGE);
    const char *id = json_text(task->journal, STEPS_IMAGE_ID);
    struct swap swap;
    if (!image || !id) {
        return err_set(err, ERR_BUG, "the new image's id is not known");
    }
    return swap_open(task, &swap, err) && tag_move(&swap.engine, id, image, err);
}

/* Takes the tag off again. An image that is in use keeps it; that does no harm. */
static bool tag_remove(struct engine *engine, const char *image, struct err *err) {
    CLEANUP(engine_answer_release) struct engine_answer answer = ENGINE_ANSWER_INIT;
    char path[ENGINE_PATH_SIZE];
    bool tagged = image[ref_written_length(image)] == ':';
    (void)snprintf(path, sizeof path, "/images/%s%s?noprune=1", image, tagged ? "" : ":latest");
    const struct engine_call call = {.method = "DELETE", .path = path};
    return engine_call(engine, &call, &answer, err) || answer.status == 404 || answer.status == 409;
}

/* Does the tag name that image? *ours false: it is gone, or somebody moved it on. */
static bool tag_is(struct engine *engine, const char *image, const char *id, bool *ours,
                   struct err *err) {
    CLEANUP(json_release) json_t *now = NULL;
    struct err failed = ERR_INIT;
    bool there = image_inspect(engine, image, &now, &failed);
    if (!there && failed.kind != ERR_GONE) {
        if (err) {
            *err = failed;
        }
        return false;
    }
    *ours = there && strcmp(image_id(now), id) == 0;
    return true;
}

static bool tag_undo(struct platform_task *task, struct err *err) {
    const char *image = json_text(task->journal, STEPS_IMAGE);
    const char *id = json_text(task->journal, STEPS_IMAGE_ID);
    const char *before = json_text(task->journal, STEPS_TAG_BEFORE);
    struct swap swap;
    struct err failed = ERR_INIT;
    bool ours = false;
    if (!image || !id || (before && strcmp(before, id) == 0)) {
        return true;
    }
    if (!swap_open(task, &swap, err) || !tag_is(&swap.engine, image, id, &ours, err)) {
        return false;
    }
    if (!ours) {
        return true;
    }
    if (!before) {
        return tag_remove(&swap.engine, image, err);
    }
    if (tag_move(&swap.engine, before, image, &failed) || failed.kind == ERR_GONE) {
        return true;
    }
    if (err) {
        *err = failed;
    }
    return false;
}

/* ---- create ---- */

static bool create_run(struct platform_task *task, struct err *err) {
    struct swap swap;
    struct create_order order = {.image = json_text(task->journal, STEPS_IMAGE),
                                 .image_id = json_text(task->journal, STEPS_IMAGE_ID)};
    if (!order.image || !order.image_id) {
        return err_set(err, ERR_BUG, "the new image's id is not known");
    }
    if (!swap_open(task, &swap, err)) {
        return false;
    }
    order.old_id = swap.old_id;
    order.name = swap.new_name;
    if (!create_container(&swap.engine, &order, err)) {
        /* E.g. the way back of another container with the same tag: put right for the next try. */
        struct err ignored = ERR_INIT;
        if (order.tag_moved) {
            (void)!tag_move(&swap.engine, order.image_id, order.image, &ignored);
        }
        return false;
    }
    return json_object_set_new(task->journal, STEPS_NEW, json_string(order.id)) == 0 ||
           err_set(err, ERR_BUG, "out of memory");
}

static bool create_undo(struct platform_task *task, struct err *err) {
    struct swap swap;
    char name[CONTAINER_NAME_SIZE] = "";
    if (!swap_open(task, &swap, err)) {
        return false;
    }
    if (swap.new_id && !swap_name_of(&swap, swap.new_id, name, err)) {
        return false;
    }
    if (name[0] != '\0' && strcmp(name, swap.new_name) != 0) {
        return err_set(err, ERR_INVALID,
                       "the new container is named %s now and was left as it is; remove it by hand",
                       name);
    }
    /* By its name: the answer that had its id may have been lost. */
    return create_remove(&swap.engine, swap.new_name, err);
}

/* ---- stop ---- */

static bool stop_container(struct platform_task *task, struct swap *swap, const char *id,
                           struct err *err) {
    CLEANUP(engine_answer_release) struct engine_answer answer = ENGINE_ANSWER_INIT;
    char path[ENGINE_PATH_SIZE];
    int64_t own = json_int(task->journal, STEPS_STOP_MS, 10000);
    int64_t asked = task->settings.stop_timeout_ms;
    int length = snprintf(path, sizeof path, "/containers/%s/stop", id);
    if (asked >= 0 && length > 0) {
        (void)snprintf(path + length, sizeof path - (size_t)length, "?t=%lld",
                       (long long)((asked + 999) / 1000));
    }
    const struct engine_call call = {
        .method = "POST", .path = path, .timeout_ms = own < 0 ? -1 : own + STEPS_STOP_SLACK_MS};
    if (engine_call(&swap->engine, &call, &answer, err)) {
        return true;
    }
    return answer.status == 404
               ? err_set(err, ERR_GONE, "the container was removed by somebody meanwhile")
               : false;
}

static bool stop_run(struct platform_task *task, struct err *err) {
    struct swap swap;
    return swap_open(task, &swap, err) && stop_container(task, &swap, swap.old_id, err);
}

static bool stop_set_restart(struct swap *swap, const char *id, json_t *policy, struct err *err) {
    CLEANUP(engine_answer_release) struct engine_answer answer = ENGINE_ANSWER_INIT;
    CLEANUP(json_release) json_t *body = json_pack("{s:O}", "RestartPolicy", policy);
    char path[ENGINE_PATH_SIZE];
    (void)snprintf(path, sizeof path, "/containers/%s/update", id);
    const struct engine_call call = {.method = "POST", .path = path, .body = body};
    return engine_call(&swap->engine, &call, &answer, err);
}

/* No restart of the engine shall bring it up again. */
static bool stop_park(struct platform_task *task, struct swap *swap, const char *id,
                      struct err *err) {
    const char *policy = json_text(json_object_member(task->journal, STEPS_RESTART), "Name");
    CLEANUP(json_release)
    json_t *none = json_pack("{s:s, s:i}", "Name", "no", "MaximumRetryCount", 0);
    if (!policy || *policy == '\0' || strcmp(policy, "no") == 0) {
        return true;
    }
    return stop_set_restart(swap, id, none, err);
}

/* Stops it, and for good: an `always` that is stopped runs again when the engine is restarted. */
static bool stop_for_good(struct platform_task *task, struct swap *swap, const char *id,
                          struct err *err) {
    struct err ignored = ERR_INIT;
    bool parked = stop_park(task, swap, id, &ignored);
    if (!stop_container(task, swap, id, err)) {
        return false;
    }
    /* Some engines change what does not run only; stop_undo looks for what still comes up. */
    if (!parked) {
        (void)!stop_park(task, swap, id, &ignored);
    }
    return true;
}

/* OLD's restart policy is what it was before `park`. */
static bool stop_restore_policy(struct platform_task *task, struct swap *swap, struct err *err) {
    CLEANUP(json_release) json_t *old = NULL;
    json_t *policy = json_object_member(task->journal, STEPS_RESTART);
    if (!policy) {
        return true;
    }
    if (!container_inspect(&swap->engine, swap->old_id, &old, err)) {
        return false;
    }
    CLEANUP(json_release) json_t *now = prepare_policy(old);
    return (now && json_equal(now, policy)) || stop_set_restart(swap, swap->old_id, policy, err);
}

/* Has the owner given NAME to a third container? */
static bool stop_taken(struct swap *swap, bool *taken, struct err *err) {
    CLEANUP(json_release) json_t *holder = NULL;
    struct err failed = ERR_INIT;
    if (!container_inspect(&swap->engine, swap->name, &holder, &failed)) {
        *taken = false;
        if (failed.kind != ERR_GONE && err) {
            *err = failed;
        }
        return failed.kind == ERR_GONE;
    }
    const char *id = container_id(holder);
    /* The engine also finds a container by the first digits of its id: that has no name of ours. */
    *taken = strcmp(container_name(holder), swap->name) == 0 && strcmp(id, swap->old_id) != 0 &&
             (!swap->new_id || strcmp(id, swap->new_id) != 0);
    return true;
}

/* OLD would run beside the owner's container, on the same volumes. Under another name than the
 * step's it is the owner's as well, and not even looked at. */
static bool stop_leave(struct platform_task *task, struct swap *swap, struct err *err) {
    char now[CONTAINER_NAME_SIZE];
    if (!swap_name_of(swap, swap->old_id, now, err)) {
        return false;
    }
    if (now[0] == '\0') {
        return err_set(err, ERR_GONE, "%s was replaced by somebody meanwhile", swap->name);
    }
    bool aside = strcmp(now, swap->aside) == 0;
    if (aside && !stop_for_good(task, swap, swap->old_id, err)) {
        return false;
    }
    return err_set(err, ERR_INVALID,
                   "%s was given to another container meanwhile; the old one was left %s %s",
                   swap->name, aside ? "stopped as" : "as it is, named", now);
}

/* What NEW holds, OLD cannot have: it may have been started again by a restart of the engine. */
static void stop_new_again(struct platform_task *task, struct swap *swap) {
    const char *id = swap->new_id ? swap->new_id : swap->new_name;
    char now[CONTAINER_NAME_SIZE];
    struct err ignored = ERR_INIT;
    if (swap_name_of(swap, id, now, &ignored) && strcmp(now, swap->new_name) == 0) {
        (void)!stop_for_good(task, swap, id, &ignored);
    }
}

static bool stop_undo(struct platform_task *task, struct err *err) {
    CLEANUP(engine_answer_release) struct engine_answer answer = ENGINE_ANSWER_INIT;
    struct swap swap;
    bool taken = false;
    if (!swap_open(task, &swap, err) || !stop_taken(&swap, &taken, err)) {
        return false;
    }
    if (taken) {
        return stop_leave(task, &swap, err);
    }
    if (!swap_start_container(&swap, swap.old_id, &answer, err)) {
        if (answer.status == 404) {
            return err_set(err, ERR_GONE, "the old container of %s was removed by somebody",
                           swap.name);
        }
        /* Whatever it is (a port not free yet, an address taken), OLD has to come up again. */
        if (answer.status) {
            stop_new_again(task, &swap);
        }
        return answer.status ? err_set(err, ERR_TRANSIENT, "starting the old container of %s: %s",
                                       swap.name, answer.message)
                             : false;
    }
    return stop_restore_policy(task, &swap, err);
}

/* ---- rename-old, rename-new ---- */

struct renaming {
    const char *id, *from, *to;
    const char *which; /* "old", "new" */
};

/* One bare call; looks only when that fails, as it may have been done before a crash. */
static bool rename_container(struct swap *swap, const struct renaming *wish, struct err *err) {
    struct err failed = ERR_INIT;
    char now[CONTAINER_NAME_SIZE];
    if (engine_do(&swap->engine, "POST", &failed, "/containers/%s/rename?name=%s", wish->id,
                  wish->to)) {
        return true;
    }
    if (failed.kind == ERR_TRANSIENT || !swap_name_of(swap, wish->id, now, &failed)) {
        if (err) {
            *err = failed;
        }
        return false;
    }
    if (strcmp(now, wish->to) == 0) {
        return true;
    }
    if (now[0] == '\0') {
        return err_set(err, ERR_GONE, "the %s container of %s was removed by somebody meanwhile",
                       wish->which, swap->name);
    }
    return err_set(err, ERR_INVALID, "the %s container of %s could not be named %s: %.250s",
                   wish->which, swap->name, wish->to, failed.message);
}

/* The way back: only from the name that the step gave it. */
static bool rename_back(struct swap *swap, const struct renaming *wish, struct err *err) {
    char now[CONTAINER_NAME_SIZE];
    if (!swap_name_of(swap, wish->id, now, err)) {
        return false;
    }
    if (now[0] == '\0' || strcmp(now, wish->to) == 0) {
        return true;
    }
    if (strcmp(now, wish->from) != 0) {
        return err_set(err, ERR_INVALID, "the %s container of %s was renamed to %s by somebody",
                       wish->which, swap->name, now);
    }
    return rename_container(swap, wish, err);
}

static bool rename_old_run(struct platform_task *task, struct err *err) {
    struct swap swap;
    if (!swap_open(task, &swap, err)) {
        return false;
    }
    const struct renaming wish = {swap.old_id, swap.name, swap.aside, "old"};
    return rename_container(&swap, &wish, err);
}

static bool rename_old_undo(struct platform_task *task, struct err *err) {
    struct swap swap;
    if (!swap_open(task, &swap, err) || !swap_old_there(&swap, err)) {
        return false;
    }
    const struct renaming wish = {swap.old_id, swap.aside, swap.name, "old"};
    return rename_back(&swap, &wish, err);
}

static bool rename_new_run(struct platform_task *task, struct err *err) {
    struct swap swap;
    if (!swap_open_both(task, &swap, err)) {
        return false;
    }
    const struct renaming wish = {swap.new_id, swap.new_name, swap.name, "new"};
    return rename_container(&swap, &wish, err);
}

static bool rename_new_undo(struct platform_task *task, struct err *err) {
    struct swap swap;
    if (!swap_open_both(task, &swap, err) || !swap_old_there(&swap, err)) {
        return false;
    }
    const struct renaming wish = {swap.new_id, swap.name, swap.new_name, "new"};
    return rename_back(&swap, &wish, err);
}

/* ---- start ---- */

static bool start_undo(struct platform_task *task, struct err *err) {
    struct swap swap;
    struct err failed = ERR_INIT;
    if (!swap_open_both(task, &swap, err) || !swap_old_there(&swap, err)) {
        return false;
    }
    if (stop_for_good(task, &swap, swap.new_id, &failed) || failed.kind == ERR_GONE) {
        return true;
    }
    if (err) {
        *err = failed;
    }
    return false;
}

/* ---- park ---- */

/* A reboot would start OLD next to NEW, and both would fight for the ports. */
static bool park_run(struct platform_task *task, struct err *err) {
    struct swap swap;
    struct err failed = ERR_INIT;
    if (!swap_open(task, &swap, err)) {
        return false;
    }
    if (stop_park(task, &swap, swap.old_id, &failed) || failed.kind == ERR_GONE) {
        return true; /* gone: then there is nothing that a reboot could start */
    }
    if (err) {
        *err = failed;
    }
    return false;
}

/* ---- commit ---- */

bool steps_commit(struct platform_task *task, struct err *err) {
    CLEANUP(json_release) json_t *old = NULL;
    CLEANUP(engine_answer_release) struct engine_answer answer = ENGINE_ANSWER_INIT;
    struct swap swap;
    struct err failed = ERR_INIT;
    char path[ENGINE_PATH_SIZE];
    if (!swap_open(task, &swap, err)) {
        return false;
    }
    if (!container_inspect(&swap.engine, swap.old_id, &old, &failed)) {
        if (failed.kind == ERR_GONE) {
            return true;
        }
        if (err) {
            *err = failed;
        }
        return false;
    }
    /* Somebody gave it another name, to keep it: it is theirs now. */
    if (strcmp(container_name(old), swap.aside) != 0) {
        return true;
    }
    /* A reboot before `park` may have started it. */
    if (strcmp(container_status(old), "exited") != 0 &&
        !stop_container(task, &swap, swap.old_id, err)) {
        return false;
    }
    (void)snprintf(path, sizeof path, "/containers/%s?v=0", swap.old_id);
    const struct engine_call call = {.method = "DELETE", .path = path, .timeout_ms = 120000};
    if (engine_call(&swap.engine, &call, &answer, err) || answer.status == 404) {
        return true;
    }
    return answer.status == 409 ? err_set(err, ERR_TRANSIENT, "%s", answer.message) : false;
}

const struct platform_step steps_table[] = {
    {.name = "prepare", .what = "note what is there", .run = prepare_run},
    {.name = "tag",
     .what = "move the local tag to the new image",
     .run = tag_run,
     .undo = tag_undo},
    {.name = "create",
     .what = "create the new container beside the old one",
     .run = create_run,
     .undo = create_undo},
    {.name = "stop",
     .what = "stop the old container",
     .run = stop_run,
     .undo = stop_undo,
     .down = true},
    {.name = "rename-old",
     .what = "take the name from the old container",
     .run = rename_old_run,
     .undo = rename_old_undo,
     .down = true},
    {.name = "rename-new",
     .what = "give the name to the new container",
     .run = rename_new_run,
     .undo = rename_new_undo,
     .down = true},
    {.name = "start",
     .what = "start the new container",
     .run = swap_start,
     .undo = start_undo,
     .down = true},
    {.name = "park", .what = "keep a reboot from starting the old container", .run = park_run},
    {.name = NULL},
};
