/* A short memory of turns; forgets the oldest turn. */
#include "agent/pipeline/turns.h"

#include <pthread.h>
#include <string.h>

#define TURNS_KEPT 128

struct turns {
    pthread_mutex_t mutex;
    uint64_t count;
    struct {
        char key[TURNS_KEY_SIZE];
        uint64_t turn; /* 0: free */
    } kept[TURNS_KEPT];
};

struct turns *turns_new(void) {
    struct turns *turns = calloc(1, sizeof *turns);
    if (turns) {
        (void)pthread_mutex_init(&turns->mutex, NULL);
    }
    return turns;
}

void turns_free(struct turns *turns) {
    if (turns) {
        (void)pthread_mutex_destroy(&turns->mutex);
        free(turns);
    }
}

/* Finds the key's place, or the one to forget. */
static size_t turns_place(const struct turns *turns, const char *key) {
    size_t oldest = 0;
    for (size_t i = 0; i < TURNS_KEPT; i++) {
        if (turns->kept[i].turn && strcmp(turns->kept[i].key, key) == 0) {
            return i;
        }
        oldest = turns->kept[i].turn < turns->kept[oldest].turn ? i : oldest;
    }
    return oldest;
}

uint64_t turns_last(struct turns *turns, const char *key) {
    if (!turns) {
        return 0;
    }
    (void)pthread_mutex_lock(&turns->mutex);
    size_t place = turns_place(turns, key);
    bool same = turns->kept[place].turn && strcmp(turns->kept[place].key, key) == 0;
    uint64_t turn = same ? turns->kept[place].turn : 0;
    (void)pthread_mutex_unlock(&turns->mutex);
    return turn;
}

void turns_take(struct turns *turns, const char *key) {
    if (!turns) {
        return;
    }
    (void)pthread_mutex_lock(&turns->mutex);
    size_t place = turns_place(turns, key);
    (void)snprintf(turns->kept[place].key, sizeof turns->kept[place].key, "%s", key);
    turns->kept[place].turn = ++turns->count;
    (void)pthread_mutex_unlock(&turns->mutex);
}
