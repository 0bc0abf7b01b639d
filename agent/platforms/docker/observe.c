/* The health gate: owns the verdict on a new container and its wording. Never touches the
 * container, except to start it again after a stop of its engine or host, and never repeats the
 * application's log, which may contain secrets. */
#include "agent/platforms/docker/observe.h"

#include <ctype.h>

#include "agent/platforms/docker/container.h"
#include "agent/platforms/docker/swap.h"
#include "agent/platforms/watched.h"
#include "base/clock.h"
#include "base/json.h"

#define OBSERVE_OFTEN_MS 250 /* in the first 10 s, the most eventful */
#define OBSERVE_EARLY_MS 10000
#define OBSERVE_SELDOM_MS 1000
#define OBSERVE_OUTPUT_MAX 120
#define OBSERVE_TIME_SIZE 64 /* of a time in the engine's format */
#define OBSERVE_ANSWER_MS 1000
#define OBSERVE_RESUMES 5 /* do not restart a crashing container forever */
#define NS_PER_MS 1000000

/* ---- the verdict ---- */

static void observe_bad(struct platform_observation *out, const char *format, ...)
    PRINTF_LIKE(2, 3);
static void observe_bad(struct platform_observation *out, const char *format, ...) {
    va_list args;
    va_start(args, format);
    out->health = PLATFORM_UNHEALTHY;
    (void)vsnprintf(out->reason, sizeof out->reason, format, args);
    va_end(args);
}

/* The last failed check: ": OUTPUT", ": exit status 1", or "". */
static void observe_output(const json_t *health, char *out, size_t size) {
    const json_t *log = json_array_member(health, "Log");
    out[0] = '\0';
    for (size_t i = json_array_size(log); i-- > 0;) {
        const json_t *entry = json_array_get(log, i);
        int64_t code = json_int(entry, "ExitCode", 0);
        const char *text = json_text(entry, "Output");
        char line[OBSERVE_OUTPUT_MAX + 1];
        if (code == 0) {
            continue;
        }
        watched_clean(text ? text : "", line, sizeof line);
        if (line[0] != '\0') {
            (void)snprintf(out, size, ": %s", line);
        } else {
            (void)snprintf(out, size, ": exit status %lld", (long long)code);
        }
        return;
    }
}

static void observe_exit(const json_t *state, struct platform_observation *out) {
    char after[64] = "";
    char error[OBSERVE_OUTPUT_MAX + 1] = "";
    char span[CLOCK_TEXT_SIZE];
    int64_t from = 0;
    int64_t to = 0;
    const char *started = json_text(state, "StartedAt");
    const char *finished = json_text(state, "FinishedAt");
    const char *said = json_text(state, "Error");
    if (started && finished && clock_parse(started, &from) && clock_parse(finished, &to) &&
        from > 0 && to >= from) {
        (void)snprintf(after, sizeof after, " after %s", clock_duration_text(to - from, span));
    }
    watched_clean(said ? said : "", error, sizeof error);
    if (json_bool(state, "OOMKilled", false)) {
        observe_bad(out, "ran out of memory and was killed%s", after);
    } else {
        observe_bad(out, "exited with code %lld%s%s%s", (long long)json_int(state, "ExitCode", -1),
                    after, *error ? ": " : "", error);
    }
}

/* Did it crash, or is the engine about to restart it after a crash? True: *out says so. */
static bool observe_down(const json_t *inspect, struct platform_observation *out) {
    const json_t *state = json_object_member(inspect, "State");
    int64_t restarts = json_int(inspect, "RestartCount", 0);
    bool again = json_bool(state, "Restarting", false);
    if (restarts > 0 || again) {
        observe_exit(state, out);
        if (json_int(state, "ExitCode", 0) == 0 || !again) {
            observe_bad(out, "crashed and was restarted %lld %s",
                        (long long)(restarts > 0 ? restarts : 1), restarts > 1 ? "times" : "time");
        } else {
            (void)snprintf(out->reason + strlen(out->reason),
                           sizeof out->reason - strlen(out->reason), ", restarted %lld %s",
                           (long long)restarts, restarts == 1 ? "time" : "times");
        }
        return true;
    }
    if (json_bool(state, "Running", false)) {
        return false;
    }
    if (strcmp(container_status(inspect), "created") == 0) {
        observe_bad(out, "was never started");
    } else {
        observe_exit(state, out);
    }
    return true;
}

static int64_t observe_ms(const json_t *check, const char *member, int64_t fallback_ms) {
    int64_t ns = json_int(check, member, 0);
    return ns > 0 ? ns / NS_PER_MS : fallback_ms;
}

/* The configured time; by default at least the time that the image's own check may take. */
static int64_t observe_deadline(const struct observe_facts *facts) {
    const json_t *check =
        json_object_member(json_object_member(facts->inspect, "Config"), "Healthcheck");
    int64_t configured = facts->settings->health_timeout_ms;
    if (facts->settings->sources[SETTINGS_HEALTH_TIMEOUT].written) {
        return configured;
    }
    int64_t retries = json_int(check, "Retries", 0);
    retries = retries <= 0 ? 3 : retries > 1000 ? 1000 : retries;
    const int64_t day = (int64_t)24 * 3600 * 1000;
    int64_t each = observe_ms(check, "Interval", 30000) + observe_ms(check, "Timeout", 30000);
    int64_t own = observe_ms(check, "StartPeriod", 0);
    if (each > day || own > day) {
        return day;
    }
    own += each * (retries + 1);
    own = own > day ? day : own;
    return own > configured ? own : configured;
}

/* Reads a time from the notes; notes now if there is none or the clock went back (it never
 * does). */
static int64_t observe_since(json_t *notes, const char *member, int64_t now_ms) {
    int64_t since = json_int(notes, member, 0);
    if (since > 0 && since <= now_ms) {
        return since;
    }
    (void)json_object_set_new(notes, member, json_integer(now_ms));
    return now_ms;
}

static void observe_anew(json_t *notes) {
    (void)json_object_del(notes, "started_ms");
    (void)json_object_del(notes, "healthy_ms");
}

/* The noted times belong to another boot of the host. */
static void observe_rebooted(const char *boot, json_t *notes) {
    const char *noted = json_text(notes, "boot");
    if (noted && strcmp(noted, boot) == 0) {
        return;
    }
    observe_anew(notes);
    (void)json_object_set_new(notes, "boot", json_string(boot));
}

/* Somebody or the engine restarted it without a crash: begin again. */
static void observe_restarted(const json_t *inspect, json_t *notes) {
    const char *told = json_text(json_object_member(inspect, "State"), "StartedAt");
    const char *noted = json_text(notes, "started_at");
    char at[OBSERVE_TIME_SIZE];
    (void)snprintf(at, sizeof at, "%s", told ? told : "");
    if (!told || (noted && strcmp(noted, at) == 0)) {
        return;
    }
    if (noted) {
        observe_anew(notes);
    }
    (void)json_object_set_new(notes, "started_at", json_text_or_null(at));
}

static void observe_pending(struct platform_observation *out, int64_t elapsed_ms, int64_t left_ms) {
    int64_t pace = elapsed_ms < OBSERVE_EARLY_MS ? OBSERVE_OFTEN_MS : OBSERVE_SELDOM_MS;
    out->health = PLATFORM_PENDING;
    out->again_ms = left_ms > 0 && left_ms < pace ? left_ms : pace;
}

static void observe_soak(const struct observe_facts *facts, json_t *notes, bool checked,
                         struct platform_observation *out) {
    char text[CLOCK_TEXT_SIZE];
    int64_t started = observe_since(notes, "started_ms", facts->now_ms);
    int64_t good = checked ? observe_since(notes, "healthy_ms", facts->now_ms) : started;
    int64_t left = facts->settings->soak_ms - (facts->now_ms - good);
    int64_t shown = checked ? good - started : facts->now_ms - started;
    const char *how = checked ? "healthy" : "running";
    if (left <= 0) {
        out->health = PLATFORM_HEALTHY;
        (void)snprintf(out->reason, sizeof out->reason, "%s after %s", how,
                       clock_duration_text(shown > 0 ? shown : 0, text));
        return;
    }
    observe_pending(out, facts->now_ms - started, left);
    (void)snprintf(out->reason, sizeof out->reason, "%s; watching it for %s", how,
                   clock_duration_text(facts->settings->soak_ms, text));
}

static void observe_wait(const struct observe_facts *facts, json_t *notes, const char *what,
                         struct platform_observation *out) {
    const json_t *state = json_object_member(facts->inspect, "State");
    char text[CLOCK_TEXT_SIZE];
    char said[OBSERVE_OUTPUT_MAX + 8];
    int64_t started = observe_since(notes, "started_ms", facts->now_ms);
    int64_t elapsed = facts->now_ms - started;
    int64_t deadline = observe_deadline(facts);
    (void)json_object_del(notes, "healthy_ms");
    if (elapsed >= deadline) {
        observe_output(json_object_member(state, "Health"), said, sizeof said);
        observe_bad(out, "not healthy after %s%s", clock_duration_text(deadline, text), said);
        return;
    }
    observe_pending(out, elapsed, deadline - elapsed);
    (void)snprintf(out->reason, sizeof out->reason, "starting (%s)", what);
}

void observe_judge(const struct observe_facts *facts, json_t *notes,
                   struct platform_observation *out) {
    const json_t *state = json_object_member(facts->inspect, "State");
    const json_t *health = json_object_member(state, "Health");
    const char *status = json_text(health, "Status");
    char said[OBSERVE_OUTPUT_MAX + 8];
    *out = (struct platform_observation){0};
    observe_rebooted(facts->boot, notes);
    observe_restarted(facts->inspect, notes);
    if (observe_down(facts->inspect, out)) {
        return;
    }
    if (json_bool(state, "Paused", false)) {
        observe_wait(facts, notes, "paused", out);
    } else if (!status || strcmp(status, "none") == 0 || *status == '\0') {
        observe_soak(facts, notes, false, out);
    } else if (strcmp(status, "healthy") == 0) {
        observe_soak(facts, notes, true, out);
    } else if (strcmp(status, "unhealthy") == 0) {
        observe_output(health, said, sizeof said);
        observe_bad(out, "its health check failed%s", said);
    } else {
        observe_wait(facts, notes, "health check: starting", out);
    }
}

/* Is the engine shutting down? Then it stops its containers while it still answers on open
 * connections; it refuses a new connection, or systemd's socket holds it until the next start. Sets
 * *away if so. False: no answer. */
static bool observe_engine(struct engine *engine, bool *away, struct err *err) {
    CLEANUP(engine_answer_release) struct engine_answer answer = ENGINE_ANSWER_INIT;
    const struct engine_call call = {.method = "GET", .path = "/version", .own_connection = true};
    struct err failed = ERR_INIT;
    int64_t asked_ms = clock_boot_ms();
    if (!engine_call(engine, &call, &answer, &failed) && failed.kind == ERR_TRANSIENT) {
        if (err) {
            *err = failed;
        }
        return false;
    }
    *away = *away || clock_boot_ms() - asked_ms > OBSERVE_ANSWER_MS;
    return true;
}

/* Starts a container that stopped between two looks, most likely with the host or the engine, and
 * whose policy does not restart it. The stop does not count against the image. */
static bool observe_resume(struct platform_task *task, struct platform_observation *out,
                           struct err *err) {
    int64_t resumed = json_int(task->journal, "resumed", 0) + 1;
    if (json_object_set_new(task->journal, "resumed", json_integer(resumed)) != 0) {
        return err_set(err, ERR_BUG, "out of memory");
    }
    *out = (struct platform_observation){.health = PLATFORM_PENDING, .again_ms = OBSERVE_OFTEN_MS};
    (void)snprintf(out->reason, sizeof out->reason, "it stopped unobserved, and was started again");
    return swap_start(task, err);
}

/* Did it stop for another reason than its own restarts? *gone: with the host or the engine. False:
 * no answer. */
static bool observe_exit_cause(struct platform_task *task, struct engine *engine,
                               const json_t *inspect, bool *gone, struct err *err) {
    char boot[WATCHED_BOOT_SIZE];
    *gone = false;
    if (strcmp(container_status(inspect), "exited") != 0 ||
        json_int(inspect, "RestartCount", 0) != 0 ||
        json_int(task->journal, "resumed", 0) >= OBSERVE_RESUMES) {
        return true;
    }
    *gone = watched_gap(task->journal, watched_boot(boot));
    if (observe_engine(engine, gone, err)) {
        return true;
    }
    (void)json_object_del(task->journal, "process");
    return false;
}

bool observe_container(struct platform_task *task, struct platform_observation *out,
                       struct err *err) {
    CLEANUP(json_release) json_t *inspect = NULL;
    struct engine engine;
    char boot[WATCHED_BOOT_SIZE];
    const char *id = json_text(task->journal, SWAP_NEW);
    if (!id) {
        return err_set(err, ERR_BUG, "there is no new container to observe");
    }
    struct err failed = ERR_INIT;
    if (!swap_engine(task, &engine, &failed) ||
        !container_inspect(&engine, id, &inspect, &failed)) {
        (void)json_object_del(task->journal, "process");
        if (failed.kind == ERR_GONE) {
            *out = (struct platform_observation){0};
            observe_bad(out, "the new container was removed by somebody");
            return true;
        }
        if (err) {
            *err = failed;
        }
        return false;
    }
    bool gone = false;
    if (!observe_exit_cause(task, &engine, inspect, &gone, err)) {
        return false;
    }
    if (gone) {
        return observe_resume(task, out, err);
    }
    const struct observe_facts facts = {.inspect = inspect,
                                        .settings = &task->settings,
                                        .now_ms = clock_boot_ms(),
                                        .boot = watched_boot(boot)};
    observe_judge(&facts, task->journal, out);
    return watched_note(task->journal, facts.boot) || err_set(err, ERR_BUG, "out of memory");
}
