/* Coroutines and time. Owns the stacks; knows nothing of the code on them. */
#include "tests/simulation/machine.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "base/clock.h"
#include "base/crashpoint.h"
#include "base/own.h"
#include "base/thread.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#define FIBER_START(save, bottom, size) __sanitizer_start_switch_fiber(save, bottom, size)
#define FIBER_FINISH(save, bottom, size) __sanitizer_finish_switch_fiber(save, bottom, size)
#else
#define FIBER_START(save, bottom, size) ((void)(save))
#define FIBER_FINISH(save, bottom, size) ((void)(save))
#endif

#define COROUTINES MACHINE_COROUTINES
#define STACK_BYTES ((size_t)512 * 1024)
#define FIRST_WALL_MS INT64_C(1795176000000) /* 2026-11-20T12:00:00Z */
#define FIRST_BOOT_MS INT64_C(1000000)

enum state { UNUSED, READY, SLEEPING, WAITING, LOCKED, DONE };

struct coroutine {
    enum state state;
    ucontext_t context;
    void *stack; /* kept for the next coroutine */
    void *fake;  /* the sanitizer's */
    void *(*main)(void *argument);
    void *argument;
    int64_t until_ms; /* SLEEPING, boot time */
    const void *on;   /* WAITING: the condition, LOCKED: the mutex */
};

static struct {
    struct coroutine all[COROUTINES];
    struct coroutine *running; /* NULL: the machine itself */
    ucontext_t outside;
    void *outside_fake;
    const void *outside_bottom;
    size_t outside_size;
    uint64_t random;
    int64_t wall_ms, boot_ms;
    unsigned crash_per_mille;
    bool dead;
} machine;

/* ---- drawing (splitmix64) ---- */

static uint64_t draw(void) {
    machine.random += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = machine.random;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

unsigned machine_draw(unsigned below) {
    return below ? (unsigned)(draw() % below) : 0;
}

bool machine_chance(unsigned per_mille) {
    return machine_draw(1000) < per_mille;
}

/* ---- switching ---- */

static void fail(const char *why) {
    (void)fprintf(stderr, "simulation: %s\n", why);
    abort();
}

static void leave(enum state state) {
    struct coroutine *self = machine.running;
    self->state = state;
    FIBER_START(&self->fake, machine.outside_bottom, machine.outside_size);
    if (swapcontext(&self->context, &machine.outside) != 0) {
        fail("swapcontext");
    }
    FIBER_FINISH(self->fake, &machine.outside_bottom, &machine.outside_size);
}

static void coroutine_main(void) {
    struct coroutine *self = machine.running;
    FIBER_FINISH(NULL, &machine.outside_bottom, &machine.outside_size);
    (void)self->main(self->argument);
    leave(DONE);
}

static void enter(struct coroutine *next) {
    machine.running = next;
    FIBER_START(&machine.outside_fake, next->stack, STACK_BYTES);
    if (swapcontext(&machine.outside, &next->context) != 0) {
        fail("swapcontext");
    }
    FIBER_FINISH(machine.outside_fake, NULL, NULL);
    machine.running = NULL;
    if (next->state == DONE) {
        next->state = UNUSED;
    }
}

bool machine_run(void) {
    struct coroutine *ready[COROUTINES];
    unsigned count = 0;
    for (size_t i = 0; i < COROUTINES; i++) {
        struct coroutine *one = &machine.all[i];
        if (one->state == SLEEPING && one->until_ms <= machine.boot_ms) {
            one->state = READY;
        }
        if (one->state == READY) {
            ready[count++] = one;
        }
    }
    if (count == 0) {
        return false;
    }
    enter(ready[machine_draw(count)]);
    return true;
}

bool machine_idle(void) {
    for (size_t i = 0; i < COROUTINES; i++) {
        enum state state = machine.all[i].state;
        if (state == READY || state == SLEEPING || state == LOCKED) {
            return false;
        }
    }
    return true;
}

int64_t machine_next_ms(void) {
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < COROUTINES; i++) {
        const struct coroutine *one = &machine.all[i];
        if (one->state == SLEEPING && one->until_ms - machine.boot_ms < next) {
            next = one->until_ms - machine.boot_ms;
        }
    }
    return next < 0 ? 0 : next;
}

unsigned machine_self(void) {
    return machine.running ? (unsigned)(machine.running - machine.all) : 0;
}

bool machine_inside(void) {
    return machine.running != NULL;
}

void machine_sleep(int64_t ms) {
    if (machine.running) {
        machine.running->until_ms = machine.boot_ms + ms;
        leave(SLEEPING);
    }
}

/* ---- threads ---- */

static void give_stack(struct coroutine *one) {
    if (!one->stack) {
        one->stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    }
    if (one->stack == MAP_FAILED || getcontext(&one->context) != 0) {
        fail("no room for a coroutine");
    }
    one->context.uc_stack.ss_sp = one->stack;
    one->context.uc_stack.ss_size = STACK_BYTES;
    makecontext(&one->context, coroutine_main, 0);
}

static bool coroutine_start(pthread_t *out, void *(*start)(void *), void *argument) {
    size_t at = 0;
    while (at < COROUTINES && machine.all[at].state != UNUSED) {
        at++;
    }
    if (at == COROUTINES) {
        return false;
    }
    struct coroutine *new = &machine.all[at];
    give_stack(new);
    new->state = READY;
    new->main = start;
    new->argument = argument;
    *out = (pthread_t)(at + 1);
    return true;
}

/* Runs a stopping coroutine to its end; after a crash it is gone. */
static void coroutine_join(pthread_t thread) {
    struct coroutine *one = &machine.all[(size_t)thread - 1];
    while (one->state != UNUSED) {
        if (one->state == SLEEPING) {
            one->state = READY;
        }
        if (one->state != READY) {
            fail("a thread that is to end waits for nobody");
        }
        enter(one);
    }
}

static void coroutine_lock(pthread_mutex_t *mutex) {
    while (pthread_mutex_trylock(mutex) != 0) {
        if (!machine.running) {
            fail("the machine itself waits for a lock");
        }
        machine.running->on = mutex;
        leave(LOCKED);
    }
}

static void wake(enum state state, const void *on, bool all) {
    for (size_t i = 0; i < COROUTINES; i++) {
        if (machine.all[i].state == state && machine.all[i].on == on) {
            machine.all[i].state = READY;
            if (!all) {
                return;
            }
        }
    }
}

static void coroutine_unlock(pthread_mutex_t *mutex) {
    (void)pthread_mutex_unlock(mutex);
    wake(LOCKED, mutex, true);
}

static void coroutine_wait(pthread_cond_t *condition, pthread_mutex_t *mutex) {
    coroutine_unlock(mutex);
    machine.running->on = condition;
    leave(WAITING);
    coroutine_lock(mutex);
}

static void coroutine_signal(pthread_cond_t *condition) {
    wake(WAITING, condition, false);
}

static void coroutine_broadcast(pthread_cond_t *condition) {
    wake(WAITING, condition, true);
}

/* ---- crash places ---- */

static void at_crashpoint(const char *where) {
    (void)where;
    if (!machine.running) {
        return;
    }
    if (machine_chance(machine.crash_per_mille)) {
        machine.dead = true;
        leave(READY);
    } else if (machine_chance(300)) {
        leave(READY); /* lets others run first */
    }
}

void machine_crash_at(unsigned per_mille) {
    machine.crash_per_mille = per_mille;
}

bool machine_dead(void) {
    return machine.dead;
}

void machine_crash(void) {
    for (size_t i = 0; i < COROUTINES; i++) {
        machine.all[i].state = UNUSED;
    }
    machine.dead = false;
}

/* ---- time ---- */

int64_t machine_wall_ms(void) {
    return machine.wall_ms;
}

int64_t machine_boot_ms(void) {
    return machine.boot_ms;
}

void machine_set_wall(int64_t by_ms) {
    machine.wall_ms += by_ms;
}

void machine_pass(int64_t ms) {
    machine.wall_ms += ms;
    machine.boot_ms += ms;
}

void machine_begin(uint64_t seed) {
    static const struct clock_source clock = {machine_wall_ms, machine_boot_ms};
    static const struct thread_source threads = {
        .start = coroutine_start,
        .join = coroutine_join,
        .lock = coroutine_lock,
        .unlock = coroutine_unlock,
        .wait = coroutine_wait,
        .signal = coroutine_signal,
        .broadcast = coroutine_broadcast,
    };
    machine_crash();
    machine.random = seed;
    machine.wall_ms = FIRST_WALL_MS;
    machine.boot_ms = FIRST_BOOT_MS;
    machine.crash_per_mille = 0;
    clock_replace(&clock);
    thread_replace(&threads);
    crashpoint_replace(at_crashpoint);
}

void machine_end(void) {
    machine_crash();
    clock_replace(NULL);
    thread_replace(NULL);
    crashpoint_replace(NULL);
}
