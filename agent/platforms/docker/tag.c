/* Moves and restores the local tag. Removes no image. */
#include "agent/platforms/docker/tag.h"

#include "agent/platforms/docker/image.h"
#include "agent/platforms/docker/swap.h"
#include "base/json.h"

bool tag_move(struct engine *engine, const char *id, const char *image, struct err *err) {
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

bool tag_run(struct platform_task *task, struct err *err) {
    const char *image = json_text(task->journal, SWAP_IMAGE);
    const char *id = json_text(task->journal, SWAP_IMAGE_ID);
    struct swap swap;
    if (!image || !id) {
        return err_set(err, ERR_BUG, "the new image's id is not known");
    }
    return swap_open(task, &swap, err) && tag_move(&swap.engine, id, image, err);
}

/* Removes the tag. The engine refuses while a container uses the image; the tag may stay then. */
static bool tag_remove(struct engine *engine, const char *image, struct err *err) {
    CLEANUP(engine_answer_release) struct engine_answer answer = ENGINE_ANSWER_INIT;
    char path[ENGINE_PATH_SIZE];
    bool tagged = image[ref_written_length(image)] == ':';
    (void)snprintf(path, sizeof path, "/images/%s%s?noprune=1", image, tagged ? "" : ":latest");
    const struct engine_call call = {.method = "DELETE", .path = path};
    return engine_call(engine, &call, &answer, err) || answer.status == 404 || answer.status == 409;
}

/* Does the tag still name that image? *ours false: it is gone, or somebody moved it. */
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

bool tag_undo(struct platform_task *task, struct err *err) {
    const char *image = json_text(task->journal, SWAP_IMAGE);
    const char *id = json_text(task->journal, SWAP_IMAGE_ID);
    const char *before = json_text(task->journal, SWAP_TAG_BEFORE);
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
