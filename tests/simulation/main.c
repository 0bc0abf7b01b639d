/* tests/run simulation: the real pipeline, gate, matcher, workers and store in one thread, with
 * everything else drawn from a seed, and the promises checked after each step.
 *
 *   simulation [--seeds N] [--from SEED] [--steps N]   N seeds, or seeds until N steps
 *   simulation --seed SEED                             one, with its story
 *   --jobs N                                           in so many processes
 *   --plant N                                          with a fault that breaks promise N */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/control/orders.h"
#include "agent/model/id.h"
#include "base/clock.h"
#include "base/log.h"
#include "tests/simulation/agent.h"
#include "tests/simulation/connections.h"
#include "tests/simulation/disk.h"
#include "tests/simulation/machine.h"
#include "tests/simulation/plant.h"
#include "tests/simulation/promises.h"
#include "tests/simulation/story.h"
#include "tests/simulation/world.h"

#define STEPS_EACH 1500
#define END_STEPS 60000
#define STATE_DIRECTORY "/dev/shm/landwaiter-simulation.XXXXXX"

static unsigned long steps_done;

/* ---- people, CI, and accidents ---- */

static void act_push(void) {
    struct world_push push;
    char text[256];
    world_push_image(&push);
    (void)snprintf(text, sizeof text, "%s%s%s", push.image, push.digest[0] ? "@" : "", push.digest);
    story("push %s", text);
    (void)agent_accept(world.senders > 1 && machine_chance(500) ? "cd" : "ci", text);
}

/* A random open or ended update. 0: none. */
static int64_t some_update(bool open) {
    struct updates list = {0};
    const struct store_filter filter = {.open_only = open, .limit = 20};
    struct err err = ERR_INIT;
    int64_t id = 0;
    if (store_update_list(agent.store, &filter, &list, &err) && list.count > 0) {
        id = list.items[machine_draw((unsigned)list.count)].id;
    }
    updates_release(&list);
    return id;
}

static void act_decide(void) {
    struct err err = ERR_INIT;
    unsigned which = machine_draw(10);
    int64_t id = some_update(which < 8);
    if (!id) {
        return;
    }
    bool done = false;
    if (which < 7) {
        done = orders_approve(agent.store, id, "uid 0", &err);
    } else if (which == 7) {
        done = orders_cancel(agent.store, id, "uid 0", &err);
    } else {
        struct update update = {0};
        done = orders_retry(agent.store, id, "uid 0", &err);
        if (done && store_update_find(agent.store, id, &update, &err)) {
            struct world_target *target = world_target(update.target);
            memset(target->refused, 0, sizeof target->refused);
            update_release(&update);
        }
    }
    story("%s %lld: %s",
          which < 7    ? "approve"
          : which == 7 ? "cancel"
                       : "retry",
          (long long)id, done ? "done" : err.message);
    agent_decided();
}

static void act_hold(void) {
    struct err err = ERR_INIT;
    unsigned at = machine_draw(world.target_count + 1);
    for (unsigned i = 0; i < world.target_count && machine_chance(500); i++) {
        at = world.targets[i].created ? i : at; /* in the middle of an update */
    }
    bool all = at == world.target_count;
    size_t place = all ? WORLD_TARGETS : at;
    const char *name = all ? "all" : world.targets[at].name;
    if (world.hold_at[place]) {
        (void)!orders_release(agent.store, name, "uid 0", &err);
        world.hold_at[place] = 0;
        story("release %s", name);
    } else {
        struct hold hold = {.reason = "by hand"};
        (void)snprintf(hold.target, sizeof hold.target, "%s", name);
        if (orders_hold(agent.store, &hold, "uid 0", &err)) {
            world.hold_at[place] = world.sequence;
            story("hold %s", name);
        }
    }
    agent_decided();
}

static void act_reload(void) {
    story("another configuration");
    world_reconfigure();
    workers_reload(agent.workers, world.config);
    agent_look_again();
}

static void act_clock(void) {
    int64_t by = machine_chance(500) ? -(int64_t)machine_draw(7200000) : machine_draw(7200000);
    story("the clock is set by %lld ms", (long long)by);
    machine_set_wall(by);
    world.clock_set_at = world.sequence;
    agent_look_again();
}

static void act_meddle(void) {
    struct world_target *target = &world.targets[machine_draw(world.target_count)];
    if (!target->old && !target->created) {
        target->instance++;
        story("%s is created anew by hand", target->name);
    }
}

static void act_memory(void) {
    world.memory = !world.memory;
    story("memory is %s", world.memory ? "free" : "short");
}

static void act(void) {
    static const struct {
        unsigned weight;
        void (*act)(void);
    } acts[] = {{40, act_push}, {25, act_decide}, {25, act_hold},  {6, act_reload},
                {2, act_clock}, {3, act_meddle},  {5, act_memory}, {0, NULL}};
    unsigned all = 0;
    for (size_t i = 0; acts[i].act; i++) {
        all += acts[i].weight;
    }
    unsigned drawn = machine_draw(all);
    for (size_t i = 0; acts[i].act; i++) {
        if (drawn < acts[i].weight) {
            acts[i].act();
            return;
        }
        drawn -= acts[i].weight;
    }
}

static void crash(void) {
    story("kill -9, and started again");
    machine_crash();
    agent_forget();
    world_forget();
    agent_start();
}

/* ---- one seed ---- */

/* The time between actions of people and CI: seconds in some seeds, hours in others. */
static int64_t pace_ms, next_act_ms;

static void draw_pace(void) {
    static const int64_t paces[] = {3000, 30000, 300000, 3600000};
    pace_ms = paces[machine_draw(ARRAY_LENGTH(paces))];
    next_act_ms = machine_boot_ms();
}

static void pass_time(bool acts) {
    int64_t next = machine_next_ms();
    int64_t timer = agent_next_ms();
    next = timer < next ? timer : next;
    if (acts && next_act_ms - machine_boot_ms() < next) {
        next = next_act_ms - machine_boot_ms();
    }
    next = next > 3600000 ? 3600000 : next;
    machine_pass(next > 0 ? next : 1);
}

static void step(bool acts) {
    world.sequence++;
    steps_done++;
    if (machine_dead()) {
        crash();
        return;
    }
    if (acts && machine_boot_ms() >= next_act_ms) {
        next_act_ms = machine_boot_ms() + 1 + machine_draw((unsigned)pace_ms * 2);
        act();
        return;
    }
    if (agent_timers() || machine_run()) {
        return;
    }
    if (machine_idle()) {
        promises_at_rest();
    }
    pass_time(acts);
}

/* Stops all failures, and approves everything. */
static void bring_to_an_end(void) {
    struct err err = ERR_INIT;
    world.healthy = world.memory = true;
    machine_crash_at(0);
    for (size_t i = 0; i <= WORLD_TARGETS; i++) {
        const char *name = i == WORLD_TARGETS ? "all" : world.targets[i].name;
        if (world.hold_at[i]) {
            (void)!orders_release(agent.store, name, "uid 0", &err);
            world.hold_at[i] = 0;
        }
    }
    act_reload();
    for (unsigned i = 0; i < END_STEPS && !story_which(); i++) {
        struct updates open = {0};
        const struct store_filter filter = {.open_only = true, .limit = 100};
        step(false);
        if (i % 50 == 0 && machine_idle() && store_update_list(agent.store, &filter, &open, &err)) {
            for (size_t u = 0; u < open.count; u++) {
                if (orders_approve(agent.store, open.items[u].id, "uid 0", &err)) {
                    agent_decided();
                }
            }
            bool ended = open.count == 0 && !store_has_unmatched(agent.store, "dry");
            updates_release(&open);
            if (ended) {
                break;
            }
        }
    }
}

/* Makes the database once; every seed begins with a copy. */
static void make_database(const char *directory) {
    struct store *store = NULL;
    struct err err = ERR_INIT;
    disk_begin();
    if (!store_open(directory, &store, &err)) {
        (void)fprintf(stderr, "simulation: %s\n", err.message);
        exit(1);
    }
    store_free(store);
    connections_end(); /* the last close merges the log into the database */
    disk_keep();
}

/* directory: a template of mkdtemp. */
static void begin(char *directory) {
    if (!mkdtemp(directory)) {
        perror("simulation");
        exit(1);
    }
    (void)setenv("SIMULATION_STATE", directory, 1);
    make_database(directory);
}

static void end(const char *directory) {
    char path[256];
    connections_end();
    (void)snprintf(path, sizeof path, "%s/landwaiter.db", directory);
    (void)unlink(path);
    (void)rmdir(directory);
}

/* Returns the number of the broken promise; 0: none. */
static unsigned play(uint64_t seed, bool loud) {
    disk_restore();
    story_begin(loud);
    machine_begin(seed);
    world_begin();
    promises_begin();
    plant_begin();
    agent_start();
    static const unsigned crashes[] = {0, 1, 5, 25};
    machine_crash_at(crashes[machine_draw(ARRAY_LENGTH(crashes))]);
    draw_pace();
    for (unsigned i = 0; i < STEPS_EACH && !story_which(); i++) {
        step(true);
    }
    if (!story_which()) {
        bring_to_an_end();
    }
    if (!story_which()) {
        promises_at_end();
    }
    machine_crash();
    agent_forget();
    world_end();
    machine_end();
    return story_which();
}

struct series {
    unsigned long from, by; /* the first seed, and the step to the next */
    unsigned long seeds, steps;
};

static unsigned long seeds_done;

/* False: a promise was broken; its story is printed. */
static bool play_series(const struct series *series) {
    for (seeds_done = 0; seeds_done < series->seeds || steps_done < series->steps; seeds_done++) {
        unsigned long seed = series->from + seeds_done * series->by;
        if (play(seed, false)) {
            story_tell();
            (void)printf("seed %lu\n", seed);
            return false;
        }
    }
    return true;
}

/* The seeds of one job: every jobs-th one. */
static struct series share(const struct series *all, unsigned long job, unsigned long jobs) {
    return (struct series){.from = all->from + job,
                           .by = jobs,
                           .seeds = all->seeds / jobs + (job < all->seeds % jobs ? 1 : 0),
                           .steps = all->steps / jobs};
}

static int play_job(const struct series *series, int out) {
    char directory[] = STATE_DIRECTORY;
    begin(directory);
    bool good = play_series(series);
    end(directory);
    const unsigned long done[] = {seeds_done, steps_done};
    bool told = write(out, done, sizeof done) == (ssize_t)sizeof done;
    return good && told ? 0 : 1;
}

static int play_jobs(const struct series *all, unsigned long jobs) {
    int ends[2];
    unsigned long seeds = 0;
    unsigned long steps = 0;
    bool good = true;
    if (pipe(ends) != 0) {
        perror("simulation");
        return 1;
    }
    for (unsigned long i = 0; i < jobs; i++) {
        const struct series one = share(all, i, jobs);
        pid_t child = fork();
        if (child == 0) {
            exit(play_job(&one, ends[1]));
        }
        good = good && child > 0;
    }
    (void)close(ends[1]);
    unsigned long done[2];
    while (read(ends[0], done, sizeof done) == (ssize_t)sizeof done) {
        seeds += done[0];
        steps += done[1];
    }
    int status = 0;
    while (wait(&status) > 0) {
        good = good && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    if (good) {
        (void)printf("%lu seeds, %lu steps: every promise held\n", seeds, steps);
    }
    return good ? 0 : 1;
}

static int play_one(unsigned long seed) {
    char directory[] = STATE_DIRECTORY;
    begin(directory);
    int status = play(seed, true) ? 1 : 0;
    end(directory);
    story_tell();
    return status;
}

static unsigned long number(const char *text) {
    char *end = NULL;
    unsigned long value = text ? strtoul(text, &end, 10) : 0;
    if (!text || end == text || *end) {
        (void)fprintf(stderr, "simulation: a number is expected\n");
        exit(2);
    }
    return value;
}

int main(int argc, char **argv) {
    struct series all = {.from = 1};
    unsigned long jobs = 1;
    unsigned long plant = 0;
    unsigned long seed = 0;
    const struct {
        const char *name;
        unsigned long *out;
    } options[] = {{"--seeds", &all.seeds}, {"--steps", &all.steps}, {"--from", &all.from},
                   {"--seed", &seed},       {"--jobs", &jobs},       {"--plant", &plant}};
    for (int i = 1; i < argc; i += 2) {
        size_t k = 0;
        while (k < ARRAY_LENGTH(options) && strcmp(argv[i], options[k].name) != 0) {
            k++;
        }
        if (k == ARRAY_LENGTH(options)) {
            (void)fprintf(stderr, "simulation: no option %s\n", argv[i]);
            return 2;
        }
        *options[k].out = number(argv[i + 1]);
    }
    log_configure(LOG_ERROR, LOG_JSON);
    plant_choose((unsigned)plant);
    all.seeds = all.seeds || all.steps ? all.seeds : 100;
    return seed ? play_one(seed) : play_jobs(&all, jobs ? jobs : 1);
}
