/* Places at what updates ask: each registry has a few, so that one that hangs holds up its own
 * updates only; each platform leaves some workers to the others. Also the turns of the parties that
 * share the workers. Guarded by the workers' mutex. */
#ifndef LANDWAITER_AGENT_WORK_PLACES_H
#define LANDWAITER_AGENT_WORK_PLACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/pipeline/hosts.h"
#include "agent/store/store.h"
#include "base/buf.h"

/* A running update's place. */
struct place {
    int64_t update; /* 0: none */
    enum stage stage;
    char host[REF_HOST_MAX + 1]; /* of its image */
    char platform[16];
};
void place_take(const struct update *update, struct place *out);

struct places {
    const struct place *const *taken; /* NULLs are skipped */
    size_t count;
    struct hosts *hosts;
    unsigned at_platform; /* limit of updates that ask one platform; 0: none */
};
/* Writes the full places as struct store_due wants them: "" if there are none. */
#define PLACES_TEXT_MAX ((size_t)32 * 1024)
void places_full(const struct places *places, struct buf *out);
/* Is that one full? The text of places_full may be older. */
bool places_have(const struct places *places, const struct place *place) MUST_USE;
/* The number of updates at registries. */
size_t places_at_registries(const struct places *places);

/* The turns of parties: the one whose last turn is longest ago comes first. */
#define PLACES_PARTIES 128
struct parties {
    struct {
        uint64_t party, turn;
    } kept[PLACES_PARTIES];
    uint64_t turns;
};
/* A number that grows with each turn; 0: no turn yet, or one forgotten. */
uint64_t parties_last(const struct parties *parties, uint64_t party);
void parties_take(struct parties *parties, uint64_t party);

#endif
