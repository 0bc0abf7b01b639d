/* Keeps a Lease by the rules of lease.h, in rounds. */
#include "agent/replicas/election.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/http.h"
#include "base/json.h"
#include "base/log.h"
#include "base/thread.h"

#define ELECTION_STACK (256 * 1024)
#define ELECTION_LEAST_MS 200 /* the least limit of a call or a pause */

struct election {
    struct election_options options;
    pthread_t thread;
    bool started;
    pthread_mutex_t mutex; /* guards stop and leader */
    pthread_cond_t wake;
    bool stop;
    char leader[LEASE_HOLDER_SIZE];
    /* Private to the thread: */
    struct http_client *http;
    struct lease lease;
    bool led;     /* as `turned` was last called */
    bool trouble; /* as it was last logged */
    /* For all threads: */
    atomic_int_fast64_t until_ms;
};

const char *election_identity(const struct election *election) {
    return election->lease.identity;
}

bool election_leads(const struct election *election) {
    return clock_boot_ms() < atomic_load(&election->until_ms);
}

void election_leader(struct election *election, char out[LEASE_HOLDER_SIZE]) {
    (void)pthread_mutex_lock(&election->mutex);
    memcpy(out, election->leader, sizeof election->leader);
    (void)pthread_mutex_unlock(&election->mutex);
}

/* Limits each call and pause of a leader to the end of its lead, so that it notices the end at
 * once. */
static int64_t election_at_most(const struct election *election, int64_t ms) {
    int64_t left = election->lease.until_ms - clock_boot_ms();
    if (!election->led || left >= ms) {
        return ms;
    }
    return left > ELECTION_LEAST_MS ? left : ELECTION_LEAST_MS;
}

/* ---- calls ---- */

static void election_path(const struct election *election, bool named, char out[API_PATH_SIZE]) {
    (void)snprintf(out, API_PATH_SIZE, "/apis/coordination.k8s.io/v1/namespaces/%s/leases%s%s",
                   election->options.namespace_, named ? "/" : "",
                   named ? election->options.name : "");
}

static bool election_call(struct election *election, const char *method, const json_t *body,
                          struct api_answer *answer, struct err *err) {
    char path[API_PATH_SIZE];
    int64_t renew = election->lease.timing.renew_ms;
    election_path(election, strcmp(method, "POST") != 0, path);
    struct api_call call = {.method = method,
                            .path = path,
                            .body = body,
                            .timeout_ms = election_at_most(election, renew / 2),
                            .unlimited = true};
    return api_call(election->options.api, election->http, &call, answer, err);
}

static bool election_write(struct election *election, enum lease_action action, bool release,
                           struct err *err) {
    struct lease_wish wish = {.name = election->options.name,
                              .namespace_ = election->options.namespace_,
                              .wall_ms = clock_now_ms(),
                              .release = release};
    CLEANUP(json_release) json_t *body = lease_object(&election->lease, &wish);
    CLEANUP(api_answer_release) struct api_answer answer = API_ANSWER_INIT;
    struct lease_record record = {0};
    int64_t asked_ms = clock_boot_ms();
    if (!body) {
        return err_set(err, ERR_BUG, "out of memory");
    }
    const char *method = action == LEASE_CREATE ? "POST" : "PUT";
    if (!election_call(election, method, body, &answer, err)) {
        /* Even a call that timed out may have written it. */
        lease_lost_sight(&election->lease);
        return false;
    }
    if (!lease_parse(answer.json, &record, err)) {
        return false;
    }
    lease_written(&election->lease, &record, asked_ms);
    return true;
}

static bool election_read(struct election *election, enum lease_action *out, struct err *err) {
    CLEANUP(api_answer_release) struct api_answer answer = API_ANSWER_INIT;
    struct lease_record record = {0};
    bool found = election_call(election, "GET", NULL, &answer, err);
    if (!found && answer.status != 404) {
        return false;
    }
    if (found && !lease_parse(answer.json, &record, err)) {
        return false;
    }
    *out = lease_read(&election->lease, found ? &record : NULL, clock_boot_ms());
    return true;
}

/* ---- rounds ---- */

static void election_tell(struct election *election) {
    const struct lease *lease = &election->lease;
    atomic_store(&election->until_ms, lease->until_ms);
    (void)pthread_mutex_lock(&election->mutex);
    memcpy(election->leader, lease->record.holder, sizeof election->leader);
    (void)pthread_mutex_unlock(&election->mutex);
    bool leads = lease_leads(lease, clock_boot_ms());
    if (leads != election->led) {
        election->led = leads;
        log_event(LOG_INFO, leads ? "lease.acquired" : "lease.lost", "lease",
                  election->options.name, "replica", lease->identity, "holder",
                  lease->record.holder, NULL);
        election->options.turned(election->options.context, leads);
    }
}

static void election_round(struct election *election) {
    struct err err = ERR_INIT;
    enum lease_action action = lease_begin(&election->lease);
    bool good = action != LEASE_READ || election_read(election, &action, &err);
    if (good && action != LEASE_WAIT) {
        good = election_write(election, action, false, &err);
    }
    if (!good && !election->trouble) {
        log_event(LOG_WARNING, "lease.trouble", "lease", election->options.name, "reason",
                  err.message, NULL);
    }
    election->trouble = !good;
    election_tell(election);
}

/* A leader renews at even intervals; followers pause at random up to 2.2 times as long, so that
 * they do not all ask at the same time. */
static int64_t election_pause(const struct election *election) {
    int64_t retry = election->lease.timing.retry_ms;
    unsigned char random = 0;
    if (election->led || !digest_random(&random, sizeof random)) {
        return election_at_most(election, retry);
    }
    return retry + retry * 12 * random / 2550;
}

static bool election_wait(struct election *election, int64_t ms) {
    struct timespec until = thread_after(ms);
    (void)pthread_mutex_lock(&election->mutex);
    int timed_out = 0;
    while (!election->stop && !timed_out) {
        timed_out = pthread_cond_timedwait(&election->wake, &election->mutex, &until);
    }
    bool on = !election->stop;
    (void)pthread_mutex_unlock(&election->mutex);
    return on;
}

static void *election_main(void *argument) {
    struct election *election = argument;
    struct err ignored = ERR_INIT;
    do {
        election_round(election);
    } while (election_wait(election, election_pause(election)));
    if (election->led) {
        (void)!election_write(election, LEASE_WRITE, true, &ignored);
        election_tell(election);
    }
    return NULL;
}

/* ---- starting and stopping ---- */

static bool election_name(struct lease *lease) {
    unsigned char random[8];
    char hex[2 * sizeof random + 1];
    char host[256] = "landwaiter";
    if (!digest_random(random, sizeof random)) {
        return false;
    }
    digest_hex(random, sizeof random, hex);
    (void)gethostname(host, sizeof host - 1);
    (void)snprintf(lease->identity, sizeof lease->identity, "%s_%s", host, hex);
    return true;
}

bool election_new(const struct election_options *options, struct election **out, struct err *err) {
    struct election *election = calloc(1, sizeof *election);
    if (!election) {
        return err_set(err, ERR_BUG, "out of memory");
    }
    election->options = *options;
    election->lease.timing = lease_timing(options->lease_ms);
    (void)pthread_mutex_init(&election->mutex, NULL);
    thread_condition_init(&election->wake);
    /* Never cancelled: it releases the Lease at the stop, and its calls are short. */
    election->http = http_client_new(NULL);
    if (!election->http || !election_name(&election->lease)) {
        election_free(election);
        return err_set(err, ERR_BUG, "out of memory");
    }
    *out = election;
    return true;
}

bool election_start(struct election *election, struct err *err) {
    election->started = thread_start(&election->thread, ELECTION_STACK, election_main, election);
    return election->started || err_set(err, ERR_BUG, "the election's thread cannot be started");
}

void election_stop(struct election *election) {
    if (!election->started) {
        return;
    }
    (void)pthread_mutex_lock(&election->mutex);
    election->stop = true;
    (void)pthread_cond_signal(&election->wake);
    (void)pthread_mutex_unlock(&election->mutex);
    (void)pthread_join(election->thread, NULL);
    election->started = false;
}

void election_free(struct election *election) {
    if (!election) {
        return;
    }
    election_stop(election);
    http_client_free(election->http);
    (void)pthread_cond_destroy(&election->wake);
    (void)pthread_mutex_destroy(&election->mutex);
    free(election);
}
