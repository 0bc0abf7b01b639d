/* A short memory of repositories; forgets the oldest turn. */
#include "agent/pipeline/turns.h"

#include <pthread.h>
#include <string.h>

#define TURNS_KEPT 64

struct turns {
    pthread_mutex_t mutex;
    uint64_t count;
    struct {
        struct ref repository;
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

/* Finds the repository's place, or the one to forget. */
static size_t turns_place(const struct turns *turns, const struct ref *repository) {
    size_t oldest = 0;
    for (size_t i = 0; i < TURNS_KEPT; i++) {
        if (turns->kept[i].turn && ref_same_repository(&turns->kept[i].repository, repository)) {
            return i;
        }
        oldest = turns->kept[i].turn < turns->kept[oldest].turn ? i : oldest;
    }
    return oldest;
}

uint64_t turns_last(struct turns *turns, const struct ref *repository) {
    if (!turns) {
        return 0;
    }
    (void)pthread_mutex_lock(&turns->mutex);
    size_t place = turns_place(turns, repository);
    bool same =
        turns->kept[place].turn && ref_same_repository(&turns->kept[place].repository, repository);
    uint64_t turn = same ? turns->kept[place].turn : 0;
    (void)pthread_mutex_unlock(&turns->mutex);
    return turn;
}

void turns_take(struct turns *turns, const struct ref *repository) {
    if (!turns) {
        return;
    }
    (void)pthread_mutex_lock(&turns->mutex);
    size_t place = turns_place(turns, repository);
    turns->kept[place].repository = *repository;
    turns->kept[place].turn = ++turns->count;
    (void)pthread_mutex_unlock(&turns->mutex);
}
