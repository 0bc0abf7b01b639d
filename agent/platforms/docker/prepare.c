/* Reads the old container and both images. Changes nothing on the engine. */
#include "agent/platforms/docker/prepare.h"

#include "agent/platforms/docker/container.h"
#include "agent/platforms/docker/engine.h"
#include "agent/platforms/docker/image.h"
#include "agent/platforms/docker/swap.h"
#include "base/json.h"

/* The local tag of the new image: the name as the owner wrote it, with the tag that was pushed. */
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

static bool prepare_note(struct platform_task *task, const json_t *old, const char *image,
                         const json_t *images[2]) {
    int64_t stop_ms = task->settings.stop_timeout_ms;
    const char *before = image_id(images[1]);
    CLEANUP(json_release)
    json_t *notes = json_pack(
        "{s:s, s:s, s:s, s:s, s:o, s:o*, s:I}", SWAP_HOST, task->session->config->docker.host,
        SWAP_NAME, container_name(old), SWAP_IMAGE, image, SWAP_IMAGE_ID, image_id(images[0]),
        SWAP_TAG_BEFORE, *before ? json_string(before) : json_null(), SWAP_RESTART,
        swap_restart_policy(old), SWAP_STOP_MS,
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

bool prepare_run(struct platform_task *task, struct err *err) {
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
