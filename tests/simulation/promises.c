/* Checks the promises. Reads the store between the steps, through the agent's own connection. */
#include "tests/simulation/promises.h"

#include <sqlite3.h>
#include <stdlib.h>

#include "agent/model/id.h"
#include "agent/pipeline/gate_facts.h"
#include "agent/store/internal.h"
#include "base/clock.h"
#include "base/json.h"
#include "tests/simulation/agent.h"
#include "tests/simulation/disk.h"
#include "tests/simulation/machine.h"
#include "tests/simulation/story.h"
#include "tests/simulation/world.h"

enum { ENDS = 1, ALLOWED, OLD_OR_NEW, AWAKE, NEWER, RECORD };

static bool target_named(const struct update_other *other, const char *name) {
    return strcmp(other->target, name) == 0;
}

/* ---- 2: nothing is applied that must wait ---- */

static void allowed_among(const struct world_target *target, const struct settings *settings,
                          const struct update *update) {
    CLEANUP(update_others_release) struct update_others others = {0};
    struct err err = ERR_INIT;
    unsigned applying = 1;
    unsigned own = 1; /* of its sender's pushes */
    if (!store_list_others(agent.store, update->id, &others, &err)) {
        return;
    }
    for (size_t i = 0; i < others.count; i++) {
        const struct update_other *other = &others.items[i];
        applying += stage_applying(other->stage) ? 1 : 0;
        own += stage_applying(other->stage) && strcmp(other->sender, update->sender) == 0 ? 1 : 0;
        if (stage_applying(other->stage) && settings->group[0] &&
            strcmp(other->order.group, settings->group) == 0 &&
            world.reloaded_at < target->found[machine_self()].at) {
            story_broken(ALLOWED, "%s is applied beside %s of its group", update->target,
                         other->target);
        }
        if (stage_applying(other->stage) && target_named(other, update->target)) {
            story_broken(ALLOWED, "two updates of %s are applied at once", update->target);
        }
        for (size_t d = 0; d < settings->depends_on.count; d++) {
            char name[96];
            (void)snprintf(name, sizeof name, "dry/%s", settings->depends_on.items[d]);
            if (target_named(other, name) &&
                other->created_ms < target->found[machine_self()].wall_ms &&
                other->id < update->id && world.clock_set_at < 2 &&
                world.reloaded_at < target->found[machine_self()].at) {
                story_broken(ALLOWED, "%s is applied before %s, which it depends on",
                             update->target, name);
            }
        }
    }
    /* Another sender may have one place more. */
    if (applying > world.most_at_once + world.senders - 1 || own > world.most_at_once) {
        story_broken(ALLOWED, "%u updates are applied at once, %u may", applying,
                     world.most_at_once);
    }
}

static void before_stop(const struct world_target *target, const struct platform_task *task) {
    struct update update = {0};
    struct settings settings;
    struct err err = ERR_INIT;
    int64_t id = 0;
    if (!id_parse("upd", task->update, &id) || !store_update_find(agent.store, id, &update, &err)) {
        return;
    }
    world_settings(target, &settings);
    if (world.reloaded_at < target->found[machine_self()].at) {
        struct schedule_verdict schedule =
            config_schedule(world.config, &settings.windows, target->found[machine_self()].wall_ms);
        if (!schedule.may_start && world.clock_set_at < target->found[machine_self()].at) {
            story_broken(ALLOWED, "%s is applied outside of its windows: %s", update.target,
                         schedule.because);
        }
        if (settings.approval_required && strcmp(update.approved, task->digest) != 0) {
            story_broken(ALLOWED, "%s is applied without an approval of that digest",
                         update.target);
        }
    }
    size_t own = (size_t)(target - world.targets);
    uint64_t held = world.hold_at[own] ? world.hold_at[own] : world.hold_at[WORLD_TARGETS];
    if (held && held < target->found[machine_self()].at) {
        story_broken(ALLOWED, "%s is applied though it is on hold", update.target);
    }
    allowed_among(target, &settings, &update);
    update_release(&update);
}

/* ---- 5: only newer ones, and none that was refused ---- */

static void after_start(const struct world_target *target, const struct platform_task *task) {
    unsigned number = world_number(task->digest);
    if (number < target->touched_from) {
        story_broken(NEWER, "%s gets digest %u in place of the newer %u", target->name, number,
                     target->touched_from);
    }
    if (target->refused[number % WORLD_DIGESTS]) {
        story_broken(NEWER, "%s gets digest %u again, which was rolled back there", target->name,
                     number);
    }
}

/* ---- 4: no update sleeps while nothing that it waits for is true ---- */

static void awake(const struct update *update) {
    const struct world_target *target = world_target(update->target);
    struct target now;
    CLEANUP(notes_release) struct notes notes;
    struct gate_verdict verdict = {0};
    struct err err = ERR_INIT;
    struct pipeline pipeline = {.store = agent.store, .session = {.config = world.config}};
    notes_init(&notes);
    if (!target || !notes_load(update, &notes, &err)) {
        return;
    }
    world_fill(target, &now);
    now.settings.min_free_memory = 0;
    const struct gate_question question = {.update = update, .notes = &notes, .target = &now};
    if (gate_ask(&pipeline, &question, &verdict, &err) && verdict.answer != GATE_WAIT) {
        char id[ID_TEXT_SIZE];
        story_broken(AWAKE, "%s of %s sleeps (\"%s\"), and nothing holds it up",
                     id_text("upd", update->id, id), update->target, update->reason);
    }
}

static void sleepers(void) {
    CLEANUP(updates_release) struct updates open = {0};
    const struct store_filter filter = {.open_only = true, .limit = STORE_LIST_MAX};
    struct err err = ERR_INIT;
    if (!store_update_list(agent.store, &filter, &open, &err)) {
        return;
    }
    for (size_t i = 0; i < open.count; i++) {
        const struct update *update = &open.items[i];
        if (update->not_before_ms <= machine_wall_ms() && agent_next_ms() == INT64_MAX) {
            story_broken(AWAKE, "%s is due in stage %s, and nobody is woken for it", update->target,
                         stage_text(update->stage));
        }
        if (update->stage == STAGE_GATE && update->not_before_ms >= UPDATE_UNTIL_WOKEN) {
            awake(update);
        }
    }
}

/* ---- 3: old or new, and the result says which ---- */

static void ended(int64_t id, struct world_target *target, enum result result) {
    struct update update = {0};
    struct err err = ERR_INIT;
    if (!store_update_find(agent.store, id, &update, &err)) {
        return;
    }
    unsigned to = world_number(update.to);
    bool touched = target->touched_by == id && !target->meddled;
    bool new_one = target->running == to;
    if (result == RESULT_ROLLED_BACK) {
        target->refused[to % WORLD_DIGESTS] = true;
    }
    if (result == RESULT_UPDATED && touched && (!new_one || !target->up || target->old)) {
        story_broken(OLD_OR_NEW, "%s is \"updated\" to %u and %s %u", target->name, to,
                     target->up ? "runs" : "does not run", target->running);
    }
    if (result == RESULT_ROLLED_BACK && touched &&
        (target->running != target->touched_from || !target->up || target->old)) {
        story_broken(OLD_OR_NEW, "%s is \"rolled-back\" to %u and %s %u", target->name,
                     target->touched_from, target->up ? "runs" : "does not run", target->running);
    }
    if (touched && result == RESULT_FAILED && !strstr(update.reason, "rollback is off") &&
        (target->running != target->touched_from || !target->up)) {
        story_broken(OLD_OR_NEW, "%s has \"failed\" (%s) and %s %u", target->name, update.reason,
                     target->up ? "runs" : "does not run", target->running);
    }
    if (touched && !target->up && result != RESULT_FAILED) {
        story_broken(OLD_OR_NEW, "%s is down after \"%s\"", target->name, result_text(result));
    }
    update_release(&update);
}

static void new_ends(void) {
    static const char sql[] = "SELECT id, target, result FROM updates WHERE result IS NOT NULL "
                              "ORDER BY id";
    static uint64_t writes;
    sqlite3_stmt *rows = NULL;
    if (writes == disk_writes()) {
        return;
    }
    writes = disk_writes();
    if (sqlite3_prepare_v2(agent.store->db, sql, -1, &rows, NULL) != SQLITE_OK) {
        return;
    }
    while (sqlite3_step(rows) == SQLITE_ROW) {
        struct world_target *target = world_target((const char *)sqlite3_column_text(rows, 1));
        int64_t id = sqlite3_column_int64(rows, 0);
        if (target && target->touched_by == id && target->checked != id) {
            target->checked = id;
            ended(id, target, result_parse((const char *)sqlite3_column_text(rows, 2)));
        }
    }
    (void)sqlite3_finalize(rows);
}

/* ---- 6: the record ---- */

static void history_of(const struct update *update) {
    CLEANUP(json_release) json_t *lines = store_history(agent.store, update->id);
    size_t i = 0;
    json_t *line = NULL;
    int64_t before = 0;
    enum stage stage = STAGE_POLICY;
    json_array_foreach(lines, i, line) {
        const char *event = json_text(line, "event");
        enum stage said = stage_parse(json_text(line, "stage"));
        int64_t at = 0;
        if (!clock_parse(json_text(line, "at"), &at) || (at < before && world.clock_set_at == 0)) {
            story_broken(RECORD, "the history of %s goes back in time", update->target);
        }
        before = at;
        if (said != STAGE_UNKNOWN && strcmp(event, "next") == 0 && said < stage &&
            world.clock_set_at == 0 && said != STAGE_POLICY && said != STAGE_GATE) {
            story_broken(RECORD, "the history of %s tells of %s after %s", update->target,
                         stage_text(said), stage_text(stage));
        }
        if ((strcmp(event, "step") == 0 && said != STAGE_APPLY) ||
            (strcmp(event, "undo") == 0 && said < STAGE_APPLY)) {
            story_broken(RECORD, "the history of %s tells of a step in %s", update->target,
                         stage_text(said));
        }
        stage = strcmp(event, "next") == 0 ? said : stage;
        stage = strcmp(event, "retried") == 0 || strcmp(event, "wait") == 0 ? STAGE_POLICY : stage;
    }
}

static void record(void) {
    struct err err = ERR_INIT;
    int64_t broken = 0;
    size_t count = 0;
    if (!store_audit_verify(agent.store, &broken, &count, &err)) {
        story_broken(RECORD, "the audit trail: %s", err.message);
    }
    CLEANUP(updates_release) struct updates all = {0};
    const struct store_filter filter = {.limit = STORE_LIST_MAX};
    if (store_update_list(agent.store, &filter, &all, &err)) {
        for (size_t i = 0; i < all.count; i++) {
            history_of(&all.items[i]);
        }
    }
}

/* ---- 1: all ends ---- */

static int64_t number_of(const char *sql) {
    sqlite3_stmt *row = NULL;
    int64_t number = -1;
    if (sqlite3_prepare_v2(agent.store->db, sql, -1, &row, NULL) == SQLITE_OK &&
        sqlite3_step(row) == SQLITE_ROW) {
        number = sqlite3_column_int64(row, 0);
    }
    (void)sqlite3_finalize(row);
    return number;
}

void promises_at_end(void) {
    promises_at_rest();
    if (number_of("SELECT count(*) FROM updates WHERE result IS NULL") != 0) {
        story_broken(ENDS, "updates are open for ever");
    }
    if (number_of("SELECT (SELECT ifnull(max(id), 0) FROM pushes) > (SELECT through FROM platforms "
                  "WHERE name = 'dry')") != 0) {
        story_broken(ENDS, "a push is never looked at");
    }
    if (number_of("SELECT count(*) FROM (SELECT 1 FROM updates GROUP BY push, target HAVING "
                  "count(*) > 1)") != 0) {
        story_broken(ENDS, "a push has two results for one target");
    }
    record();
}

void promises_at_rest(void) {
    new_ends();
    sleepers();
}

void promises_begin(void) {
    world_before_stop = before_stop;
    world_after_start = after_start;
}
