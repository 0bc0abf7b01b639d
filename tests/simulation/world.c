/* Targets, registry and configuration. Never reads the agent's store. */
#include "tests/simulation/world.h"

#include <stdio.h>
#include <stdlib.h>

#include "agent/model/id.h"
#include "base/json.h"

struct world world;
void (*world_before_stop)(const struct world_target *target, const struct platform_task *task);
void (*world_after_start)(const struct world_target *target, const struct platform_task *task);

void world_digest(unsigned number, char out[DIGEST_TEXT_SIZE]) {
    (void)snprintf(out, DIGEST_TEXT_SIZE, "sha256:%064x", number);
}

unsigned world_number(const char *digest) {
    return strncmp(digest, "sha256:", 7) == 0 ? (unsigned)strtoul(digest + 7, NULL, 16) : 0;
}

struct world_target *world_target(const char *name) {
    for (unsigned i = 0; i < world.target_count; i++) {
        if (strcmp(world.targets[i].name, name) == 0) {
            return &world.targets[i];
        }
    }
    return NULL;
}

static unsigned new_digest(void) {
    world.digests++;
    unsigned kind = machine_draw(10);
    world.quality[world.digests % WORLD_DIGESTS] = kind < 7   ? QUALITY_GOOD
                                                   : kind < 9 ? QUALITY_SICK
                                                              : QUALITY_UNSTARTABLE;
    return world.digests;
}

/* ---- calls ---- */

/* Takes some time, and sometimes fails, before or after doing its work. */
enum trouble { FINE, NOT_DONE, DONE_UNHEARD };

static enum trouble call(struct err *err) {
    machine_sleep(machine_chance(world.slow) ? 20000 : (int64_t)machine_draw(400));
    if (world.healthy || !machine_chance(world.trouble)) {
        return FINE;
    }
    (void)err_set(err, ERR_TRANSIENT, "no answer (%u)", machine_draw(3));
    return machine_chance(500) ? NOT_DONE : DONE_UNHEARD;
}

void world_settings(const struct world_target *target, struct settings *out) {
    CLEANUP(json_release) json_t *labels = json_object();
    struct settings_labels said = {0};
    struct ref image = {0};
    char text[64];
    (void)snprintf(text, sizeof text, "r.example/a%u:%s", target->repository, target->tag);
    (void)!ref_parse(text, &image, NULL);
    const struct config_subject subject = {
        .name = target->name + 4, .platform = "dry", .image = &image, .labels = labels};
    config_settings(world.config, &subject, out, &said);
}

void world_fill(const struct world_target *target, struct target *out) {
    char text[64];
    *out = (struct target){.enabled = true};
    memcpy(out->name, target->name, sizeof target->name);
    (void)snprintf(out->instance, sizeof out->instance, "i%u", target->instance);
    (void)snprintf(text, sizeof text, "r.example/a%u:%s", target->repository, target->tag);
    (void)!ref_parse(text, &out->image, NULL);
    world_digest(target->running, out->running);
    world_settings(target, &out->settings);
}

/* ---- the platform ---- */

static bool play_list(const struct platform_session *session, const struct ref *repository,
                      struct targets *out, struct err *err) {
    (void)session;
    if (call(err) != FINE) {
        return false;
    }
    for (unsigned i = 0; i < world.target_count; i++) {
        struct target target;
        world_fill(&world.targets[i], &target);
        if (!repository || ref_same_repository(&target.image, repository)) {
            struct target *added = targets_add(out);
            if (!added) {
                return err_set(err, ERR_BUG, "out of memory");
            }
            *added = target;
        }
    }
    return true;
}

static bool play_find(const struct platform_session *session, const char *name, struct target *out,
                      struct err *err) {
    (void)session;
    if (call(err) != FINE) {
        return false;
    }
    struct world_target *target = world_target(name);
    if (!target) {
        return err_set(err, ERR_GONE, "no such target");
    }
    world_fill(target, out);
    target->found[machine_self()].at = world.sequence;
    target->found[machine_self()].wall_ms = machine_wall_ms();
    return true;
}

static bool play_check(struct platform_task *task, struct err *err) {
    (void)task;
    return call(err) == FINE;
}

static bool play_fetch(struct platform_task *task, enum platform_fetched *out, struct err *err) {
    (void)task;
    *out = PLATFORM_FETCHED;
    return call(err) == FINE;
}

static void step_forward(struct world_target *target, const struct platform_task *task,
                         enum dry_step step) {
    unsigned number = world_number(task->digest);
    switch (step) {
    case DRY_PREPARE:
        (void)json_object_set_new(task->journal, "old", json_integer(target->running));
        break;
    case DRY_CREATE:
        target->created = number;
        break;
    case DRY_STOP:
        if (!target->old && target->running != number) {
            (void)!id_parse("upd", task->update, &target->touched_by);
            memcpy(target->old_tag, target->tag, sizeof target->old_tag);
            target->old = target->running;
            target->touched_from = target->running;
            target->checked = 0;
            target->meddled = false;
        }
        target->up = false;
        break;
    case DRY_START:
        if (target->running != number || !target->up) {
            target->started_ms = machine_boot_ms();
        }
        target->running = number;
        (void)snprintf(target->tag, sizeof target->tag, "%.31s", task->image.tag);
        target->up = true;
        break;
    case DRY_STEPS:
        break;
    }
}

static void step_back(struct world_target *target, enum dry_step step) {
    switch (step) {
    case DRY_CREATE:
        target->created = 0;
        break;
    case DRY_STOP:
        target->up = true;
        target->old = 0;
        break;
    case DRY_START:
        if (target->old && !world.forgets_undo) {
            target->running = target->old;
            memcpy(target->tag, target->old_tag, sizeof target->tag);
            target->up = false;
        }
        break;
    case DRY_PREPARE:
    case DRY_STEPS:
        break;
    }
}

static bool play_step(struct platform_task *task, const struct dry_call *what, struct err *err) {
    struct world_target *target = world_target(task->target);
    if (!target) {
        return err_set(err, ERR_GONE, "no such target");
    }
    bool forward = !what->undo;
    int64_t update = 0;
    (void)!id_parse("upd", task->update, &update);
    if (forward && what->step == DRY_STOP && !target->old && target->stopped_by != update &&
        world_before_stop) {
        world_before_stop(target, task);
    }
    target->stopped_by = !forward ? 0 : what->step == DRY_STOP ? update : target->stopped_by;
    enum trouble trouble = call(err);
    if (trouble == NOT_DONE) {
        return false;
    }
    if (forward && what->step == DRY_START &&
        world.quality[world_number(task->digest) % WORLD_DIGESTS] == QUALITY_UNSTARTABLE) {
        return err_set(err, ERR_INVALID, "it cannot be started");
    }
    bool starts =
        forward && what->step == DRY_START && target->running != world_number(task->digest);
    if (forward) {
        step_forward(target, task, what->step);
    } else {
        step_back(target, what->step);
    }
    if (starts && world_after_start) {
        world_after_start(target, task);
    }
    return trouble == FINE;
}

static bool play_observe(struct platform_task *task, struct platform_observation *out,
                         struct err *err) {
    if (call(err) != FINE) {
        return false;
    }
    const struct world_target *target = world_target(task->target);
    unsigned number = world_number(task->digest);
    *out = (struct platform_observation){.health = PLATFORM_PENDING, .again_ms = 1000};
    if (!target || target->running != number) {
        *out = (struct platform_observation){.health = PLATFORM_OVERTAKEN,
                                             .result = RESULT_SUPERSEDED,
                                             .reason = "somebody else changed it"};
        return true;
    }
    int64_t up_ms = machine_boot_ms() - target->started_ms;
    if (world.quality[number % WORLD_DIGESTS] != QUALITY_GOOD) {
        out->health = up_ms > 2000 ? PLATFORM_UNHEALTHY : PLATFORM_PENDING;
        (void)snprintf(out->reason, sizeof out->reason, "sick");
    } else if (up_ms >= task->settings.soak_ms) {
        out->health = PLATFORM_HEALTHY;
        (void)snprintf(out->reason, sizeof out->reason, "healthy");
    } else {
        (void)snprintf(out->reason, sizeof out->reason, "starting");
    }
    return true;
}

static bool play_memory(const struct platform_session *session, const char *name, int64_t *out,
                        struct err *err) {
    (void)session;
    (void)name;
    *out = world.memory ? INT64_C(1) << 32 : INT64_C(1) << 20;
    return call(err) == FINE;
}

static bool play_commit(struct platform_task *task, struct err *err) {
    struct world_target *target = world_target(task->target);
    enum trouble trouble = call(err);
    if (trouble != NOT_DONE && target) {
        target->old = target->created = 0;
        target->instance++;
    }
    return trouble == FINE;
}

/* ---- the registry ---- */

/* Moves tags whose time has come. */
static void settle_tags(void) {
    for (unsigned r = 0; r < WORLD_REPOSITORIES; r++) {
        for (unsigned t = 0; t < WORLD_TAGS; t++) {
            if (world.pending[r][t] && world.pending_ms[r][t] <= machine_boot_ms()) {
                world.served[r][t] = world.pending[r][t];
                world.pending[r][t] = 0;
            }
        }
    }
}

static unsigned answer_of(const char *url) {
    const char *place = strstr(url, "/v2/a");
    const char *what = strstr(url, "/manifests/");
    if (!place || !what) {
        return 0;
    }
    unsigned repository = (unsigned)(place[5] - '0') % WORLD_REPOSITORIES;
    what += strlen("/manifests/");
    settle_tags();
    if (strncmp(what, "sha256:", 7) == 0) {
        unsigned number = world_number(what);
        bool pushed = number <= world.digests;
        return pushed && number != world.pending[repository][0] &&
                       number != world.pending[repository][1]
                   ? number
                   : 0;
    }
    return world.served[repository][strcmp(what, "stable") == 0 ? 0 : 1];
}

static bool registry_perform(struct http_client *client, const struct http_request *request,
                             struct http_response *response, struct err *err) {
    (void)client;
    machine_sleep(machine_chance(world.slow) ? 30000 : (int64_t)machine_draw(600));
    if (!world.healthy && machine_chance(world.trouble)) {
        return err_set(err, ERR_TRANSIENT, "r.example is unreachable");
    }
    if (!world.healthy && machine_chance(world.trouble)) {
        response->status = machine_chance(500) ? 503 : 429;
        buf_printf(&response->headers, "Retry-After: %u\n", machine_draw(120));
        return true;
    }
    unsigned number = answer_of(request->url);
    response->status = number ? 200 : 404;
    char digest[DIGEST_TEXT_SIZE];
    world_digest(number, digest);
    buf_printf(&response->headers,
               "Content-Type: application/vnd.oci.image.index.v1+json\n"
               "Docker-Content-Digest: %s\n",
               digest);
    return true;
}

static void registry_release(struct http_client *client) {
    free(client);
}

static struct http_client *registry_client(const atomic_bool *cancel) {
    struct http_client *client = calloc(1, sizeof *client);
    if (client) {
        client->perform = registry_perform;
        client->release = registry_release;
        client->cancel = cancel;
    }
    return client;
}

void world_push_image(struct world_push *out) {
    unsigned r = machine_draw(WORLD_REPOSITORIES);
    unsigned t = machine_draw(WORLD_TAGS);
    settle_tags();
    bool again = machine_chance(200); /* announced again */
    unsigned number = !again                ? new_digest()
                      : world.pending[r][t] ? world.pending[r][t]
                                            : world.served[r][t];
    world.version[r] += t == 1 && !again ? 1 : 0;
    world.pending[r][t] = number;
    world.pending_ms[r][t] =
        machine_boot_ms() + (machine_chance(300) ? (int64_t)machine_draw(60000) : 0);
    settle_tags();
    char tag[32] = "stable";
    if (t == 1) {
        (void)snprintf(tag, sizeof tag, "1.%u.0", world.version[r]);
    }
    (void)snprintf(out->image, sizeof out->image, "r.example/a%u:%s", r, tag);
    out->digest[0] = '\0';
    if (machine_chance(600)) {
        world_digest(number, out->digest);
    }
}

/* ---- the configuration ---- */

static void draw_rule(struct buf *out, unsigned i) {
    static const char *const windows[] = {"night", "noon", "night, noon"};
    buf_printf(out, "  - match: {name: t%u}\n", i);
    buf_printf(out, "    policy: %s\n", world.targets[i].versions ? "minor" : "digest");
    if (machine_chance(300)) {
        buf_printf(out, "    windows: [%s]\n", windows[machine_draw(3)]);
    }
    if (machine_chance(200)) {
        buf_puts(out, "    approval: required\n");
    }
    if (machine_chance(300)) {
        buf_printf(out, "    group: g%u\n", machine_draw(2));
    }
    if (i > 0 && machine_chance(250)) {
        buf_printf(out, "    depends_on: [t%u]\n", machine_draw(i));
    }
    if (machine_chance(100)) {
        buf_puts(out, "    rollback: false\n");
    }
    if (machine_chance(150)) {
        buf_puts(out, "    min_free_memory: 512MiB\n");
    }
    buf_printf(out, "    health: {timeout: 60s, soak: %us}\n", 1 + machine_draw(20));
}

void world_reconfigure(void) {
    CLEANUP(buf_release) struct buf text = BUF_INIT(64 * 1024);
    unsigned at_once = 1 + machine_draw(3);
    buf_printf(&text,
               "state: %s\nsenders:\n  - {name: ci, format: native, auth: {bearer: {secret: "
               "simulation-token}}, "
               "images: ['**']}\nplatforms: {}\ndefaults: {concurrency: %u}\n"
               "windows:\n  night: {start: '02:00', end: '05:00', tz: Europe/Berlin}\n"
               "  noon: {start: '11:30', duration: 2h, tz: UTC}\n",
               getenv("SIMULATION_STATE"), at_once);
    if (!world.healthy && machine_chance(300)) { /* could close a window forever */
        buf_printf(&text, "freezes:\n  - {name: rest, start: '%02u:00', duration: 3h, tz: UTC}\n",
                   machine_draw(24));
    }
    buf_puts(&text, "rules:\n");
    for (unsigned i = 0; i < world.target_count; i++) {
        draw_rule(&text, i);
    }
    struct config *config = NULL;
    struct config_faults faults = {0};
    if (!config_parse(buf_text(&text), text.len, &config, &faults)) {
        (void)fprintf(stderr, "simulation: %s\n%s\n",
                      faults.count ? faults.items[0].message : "no configuration", buf_text(&text));
        abort();
    }
    config_faults_release(&faults);
    config_drop(world.config);
    world.config = config;
    world.most_at_once = at_once > world.most_at_once ? at_once : world.most_at_once;
    world.reloaded_at = world.sequence;
}

static void draw_targets(void) {
    world.target_count = 2 + machine_draw(WORLD_TARGETS - 1);
    for (unsigned r = 0; r < WORLD_REPOSITORIES; r++) {
        for (unsigned t = 0; t < WORLD_TAGS; t++) {
            world.served[r][t] = new_digest();
            world.quality[world.digests] = QUALITY_GOOD;
        }
    }
    for (unsigned i = 0; i < world.target_count; i++) {
        struct world_target *target = &world.targets[i];
        (void)snprintf(target->name, sizeof target->name, "dry/t%u", i);
        target->repository = machine_draw(WORLD_REPOSITORIES);
        target->versions = machine_chance(300);
        (void)snprintf(target->tag, sizeof target->tag, "%s",
                       target->versions ? "1.0.0" : "stable");
        target->running = world.served[target->repository][target->versions ? 1 : 0];
        target->up = true;
        target->instance = 1;
    }
}

void world_begin(void) {
    static const struct dry_script script = {.list = play_list,
                                             .find = play_find,
                                             .check = play_check,
                                             .fetch = play_fetch,
                                             .step = play_step,
                                             .observe = play_observe,
                                             .available_memory = play_memory,
                                             .commit = play_commit};
    static const unsigned troubles[] = {0, 10, 40, 150};
    world = (struct world){.memory = true,
                           .sequence = 1,
                           .trouble = troubles[machine_draw(ARRAY_LENGTH(troubles))],
                           .slow = troubles[machine_draw(ARRAY_LENGTH(troubles))]};
    dry_play(&script);
    http_client_replace(registry_client);
    world.senders = 1 + machine_draw(2);
    draw_targets();
    world_reconfigure();
}

void world_forget(void) {
    for (size_t i = 0; i < ARRAY_LENGTH(world.targets); i++) {
        memset(world.targets[i].found, 0, sizeof world.targets[i].found);
    }
}

void world_end(void) {
    config_drop(world.config);
    world.config = NULL;
    dry_play(NULL);
    http_client_replace(NULL);
}
