/* Shares answers of registries. Owns a small ring of them; asks through the caller's client. */
#include "agent/pipeline/resolver.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/thread.h"

#define RESOLVER_ENTRIES 64

struct resolver_entry {
    char image[REF_TEXT_SIZE]; /* "" unused */
    bool asking;               /* a thread is asking */
    int64_t asked_ms;          /* wall clock */
    int64_t answered_boot_ms;
    bool good;
    char digest[DIGEST_TEXT_SIZE];
    struct err err;
};

struct resolver {
    pthread_mutex_t mutex;
    pthread_cond_t answered;
    struct resolver_entry entries[RESOLVER_ENTRIES];
    size_t next;
};

struct resolver *resolver_new(void) {
    struct resolver *resolver = calloc(1, sizeof *resolver);
    if (resolver) {
        (void)pthread_mutex_init(&resolver->mutex, NULL);
        (void)pthread_cond_init(&resolver->answered, NULL);
    }
    return resolver;
}

void resolver_free(struct resolver *resolver) {
    if (resolver) {
        (void)pthread_cond_destroy(&resolver->answered);
        (void)pthread_mutex_destroy(&resolver->mutex);
        free(resolver);
    }
}

static struct resolver_entry *resolver_find(struct resolver *resolver, const char *image) {
    for (size_t i = 0; i < RESOLVER_ENTRIES; i++) {
        if (strcmp(resolver->entries[i].image, image) == 0) {
            return &resolver->entries[i];
        }
    }
    return NULL;
}

/* Finds an entry to fill: the image's own, or the oldest that no thread is filling. NULL: none. */
static struct resolver_entry *resolver_claim(struct resolver *resolver, const char *image) {
    struct resolver_entry *entry = resolver_find(resolver, image);
    for (size_t i = 0; !entry && i < RESOLVER_ENTRIES; i++) {
        struct resolver_entry *candidate = &resolver->entries[resolver->next];
        resolver->next = (resolver->next + 1) % RESOLVER_ENTRIES;
        entry = candidate->asking ? NULL : candidate;
    }
    if (entry) {
        (void)snprintf(entry->image, sizeof entry->image, "%s", image);
        entry->asking = true;
        entry->asked_ms = clock_now_ms();
    }
    return entry;
}

static bool resolver_fresh(const struct resolver_entry *entry,
                           const struct resolver_question *question) {
    return entry && !entry->asking && entry->asked_ms >= question->since_ms &&
           clock_boot_ms() - entry->answered_boot_ms <= question->age_ms;
}

static bool resolver_answer(const struct resolver_entry *entry, char out_digest[DIGEST_TEXT_SIZE],
                            struct err *err) {
    if (!entry->good) {
        *err = entry->err;
        return false;
    }
    memcpy(out_digest, entry->digest, DIGEST_TEXT_SIZE);
    return true;
}

/* Waits while another thread asks the same. True: there is an answer for this question too, or the
 * host did not answer that thread in time. The mutex must be held. */
static bool resolver_share(struct resolver *resolver, const struct resolver_question *question,
                           const char *image) {
    const struct resolver_entry *entry = resolver_find(resolver, image);
    bool waited = false;
    while (entry && entry->asking) {
        thread_wait(&resolver->answered, &resolver->mutex);
        entry = resolver_find(resolver, image);
        waited = true;
    }
    struct err why = ERR_INIT;
    return resolver_fresh(entry, question) ||
           (waited && entry && !entry->good &&
            hosts_wait_ms(question->hosts, question->ref->host, HOSTS_RESOLVE, &why) > 0);
}

/* Asks the registry, whatever is known of it. */
static bool resolver_ask(const struct resolver_question *question, char digest[DIGEST_TEXT_SIZE],
                         struct err *why) {
    struct registry_query query = {.host = config_registry(question->config, question->ref->host),
                                   .ref = question->ref};
    int64_t began_ms = clock_boot_ms();
    bool good = registry_resolve(question->client, &query, digest, why);
    const struct hosts_exchange exchange = {.host = question->ref->host,
                                            .work = HOSTS_RESOLVE,
                                            .took_ms = clock_boot_ms() - began_ms,
                                            .err = good ? NULL : why};
    hosts_note(question->hosts, &exchange);
    return good;
}

bool resolver_resolve(struct resolver *resolver, const struct resolver_question *question,
                      char out_digest[DIGEST_TEXT_SIZE], struct err *err) {
    char image[REF_TEXT_SIZE];
    (void)ref_text(question->ref, image);
    thread_lock(&resolver->mutex);
    if (resolver_share(resolver, question, image)) {
        bool good = resolver_answer(resolver_find(resolver, image), out_digest, err);
        thread_unlock(&resolver->mutex);
        return good;
    }
    struct resolver_entry *entry = resolver_claim(resolver, image);
    thread_unlock(&resolver->mutex);

    char digest[DIGEST_TEXT_SIZE] = "";
    struct err why = ERR_INIT;
    bool good = resolver_ask(question, digest, &why);

    thread_lock(&resolver->mutex);
    if (entry) {
        entry->asking = false;
        entry->answered_boot_ms = clock_boot_ms();
        entry->good = good;
        entry->err = why;
        memcpy(entry->digest, digest, sizeof digest);
    }
    thread_broadcast(&resolver->answered);
    thread_unlock(&resolver->mutex);
    if (!good) {
        *err = why;
        return false;
    }
    memcpy(out_digest, digest, DIGEST_TEXT_SIZE);
    return true;
}

void resolver_forget(struct resolver *resolver) {
    thread_lock(&resolver->mutex);
    for (size_t i = 0; i < RESOLVER_ENTRIES; i++) {
        resolver->entries[i].asked_ms = -1; /* older than every question */
    }
    thread_unlock(&resolver->mutex);
}
