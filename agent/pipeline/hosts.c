/* A short memory of hosts in trouble. Asks none. */
#include "agent/pipeline/hosts.h"

#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/ref.h"
#include "base/thread.h"

#define HOSTS_KEPT 64
#define HOSTS_SLOW_MS 5000 /* a failure that takes longer has held a place for nothing */
#define HOSTS_FIRST_MS 5000
#define HOSTS_DOUBLINGS 16

/* A failed fetch holds its place for minutes: it is tried again after at least as long. */
static const int64_t hosts_most_ms[] = {
    [HOSTS_RESOLVE] = INT64_C(5) * 60 * 1000, [HOSTS_FETCH] = INT64_C(60) * 60 * 1000};

struct hosts_entry {
    char host[REF_HOST_MAX + 1]; /* "" unused */
    enum hosts_work work;
    unsigned failures; /* in a row */
    int64_t until_boot_ms;
    struct err why;
};

struct hosts {
    pthread_mutex_t mutex;
    struct hosts_entry entries[HOSTS_KEPT];
};

struct hosts *hosts_new(void) {
    struct hosts *hosts = calloc(1, sizeof *hosts);
    if (hosts) {
        (void)pthread_mutex_init(&hosts->mutex, NULL);
    }
    return hosts;
}

void hosts_free(struct hosts *hosts) {
    if (hosts) {
        (void)pthread_mutex_destroy(&hosts->mutex);
        free(hosts);
    }
}

static struct hosts_entry *hosts_find(struct hosts *hosts, const char *host, enum hosts_work work) {
    for (size_t i = 0; i < HOSTS_KEPT; i++) {
        struct hosts_entry *entry = &hosts->entries[i];
        if (entry->host[0] && entry->work == work && strcmp(entry->host, host) == 0) {
            return entry;
        }
    }
    return NULL;
}

/* A free entry, else the one that may be asked first. */
static struct hosts_entry *hosts_place(struct hosts *hosts) {
    struct hosts_entry *place = &hosts->entries[0];
    for (size_t i = 0; i < HOSTS_KEPT && place->host[0]; i++) {
        struct hosts_entry *entry = &hosts->entries[i];
        place = !entry->host[0] || entry->until_boot_ms < place->until_boot_ms ? entry : place;
    }
    return place;
}

static void hosts_fail(struct hosts *hosts, const struct hosts_exchange *exchange) {
    struct hosts_entry *entry = hosts_find(hosts, exchange->host, exchange->work);
    if (!entry) {
        entry = hosts_place(hosts);
        *entry = (struct hosts_entry){.work = exchange->work};
        (void)snprintf(entry->host, sizeof entry->host, "%s", exchange->host);
    }
    int64_t first = exchange->work == HOSTS_FETCH && exchange->took_ms > HOSTS_FIRST_MS
                        ? exchange->took_ms
                        : HOSTS_FIRST_MS;
    int64_t most = hosts_most_ms[exchange->work];
    int64_t delay = first < most ? first << entry->failures : most;
    delay = delay < most ? delay : most;
    delay = exchange->err->retry_after_ms > delay ? exchange->err->retry_after_ms : delay;
    entry->failures += entry->failures < HOSTS_DOUBLINGS ? 1 : 0;
    entry->until_boot_ms = clock_boot_ms() + delay;
    entry->why = *exchange->err;
}

void hosts_note(struct hosts *hosts, const struct hosts_exchange *exchange) {
    if (!hosts) {
        return;
    }
    thread_lock(&hosts->mutex);
    struct hosts_entry *entry = hosts_find(hosts, exchange->host, exchange->work);
    if (exchange->err && exchange->err->kind == ERR_TRANSIENT &&
        exchange->took_ms >= HOSTS_SLOW_MS) {
        hosts_fail(hosts, exchange);
    } else if (entry) {
        entry->host[0] = '\0';
    }
    thread_unlock(&hosts->mutex);
}

int64_t hosts_wait_ms(struct hosts *hosts, const char *host, enum hosts_work work,
                      struct err *why) {
    int64_t wait = 0;
    if (!hosts) {
        return 0;
    }
    thread_lock(&hosts->mutex);
    const struct hosts_entry *entry = hosts_find(hosts, host, work);
    if (entry) {
        wait = entry->until_boot_ms - clock_boot_ms();
        *why = entry->why;
    }
    thread_unlock(&hosts->mutex);
    return wait > 0 ? wait : 0;
}

bool hosts_in_trouble(struct hosts *hosts, const char *host, enum hosts_work work) {
    if (!hosts) {
        return false;
    }
    thread_lock(&hosts->mutex);
    bool trouble = hosts_find(hosts, host, work) != NULL;
    thread_unlock(&hosts->mutex);
    return trouble;
}

void hosts_forget(struct hosts *hosts) {
    if (!hosts) {
        return;
    }
    thread_lock(&hosts->mutex);
    for (size_t i = 0; i < HOSTS_KEPT; i++) {
        hosts->entries[i].host[0] = '\0';
    }
    thread_unlock(&hosts->mutex);
}
