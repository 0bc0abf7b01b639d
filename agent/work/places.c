/* Counts places. Claims no update. */
#include "agent/work/places.h"

#include <string.h>

#include "agent/pipeline/stages.h"

/* All registries in trouble together get so many places of a stage. */
#define PLACES_IN_TROUBLE 2

void place_take(const struct update *update, struct place *out) {
    *out = (struct place){.update = update->id, .stage = update->stage};
    (void)snprintf(out->host, sizeof out->host, "%s", update->image.host);
    (void)snprintf(out->platform, sizeof out->platform, "%.*s", (int)strcspn(update->target, "/"),
                   update->target);
}

/* ---- registries ---- */

/* The places of one stage. */
struct counted {
    unsigned all;     /* taken */
    unsigned trouble; /* taken by hosts in trouble */
};

static struct counted places_count(const struct places *places, const struct stage_row *row) {
    struct counted counted = {0};
    for (size_t i = 0; i < places->count; i++) {
        const struct place *one = places->taken[i];
        if (one && one->update && one->stage == row->stage) {
            counted.all++;
            counted.trouble += hosts_in_trouble(places->hosts, one->host, row->work) ? 1 : 0;
        }
    }
    return counted;
}

static unsigned places_at(const struct places *places, const struct stage_row *row,
                          const char *host) {
    unsigned taken = 0;
    for (size_t i = 0; i < places->count; i++) {
        const struct place *one = places->taken[i];
        taken += one && one->update && one->stage == row->stage && strcmp(one->host, host) == 0;
    }
    return taken;
}

/* A second place only while half of all are free, so that hosts that hang for the first time leave
 * some. */
static bool places_host_full(const struct places *places, const struct stage_row *row,
                             const char *host) {
    const struct counted counted = places_count(places, row);
    const unsigned taken = places_at(places, row, host);
    if (counted.all >= row->in_all) {
        return true;
    }
    if (hosts_in_trouble(places->hosts, host, row->work)) {
        return taken > 0 || counted.trouble >= PLACES_IN_TROUBLE;
    }
    return taken >= (counted.all * 2 <= row->in_all ? row->at_most : 1);
}

/* ---- platforms ---- */

/* All stages but resolve ask the target's platform; a fetch has its places at the registry. */
static bool places_asks_platform(enum stage stage) {
    return stage != STAGE_RESOLVE && stage != STAGE_FETCH;
}

static bool places_platform_full(const struct places *places, const char *platform) {
    unsigned taken = 0;
    for (size_t i = 0; i < places->count; i++) {
        const struct place *one = places->taken[i];
        taken += one && one->update && places_asks_platform(one->stage) &&
                 strcmp(one->platform, platform) == 0;
    }
    return places->at_platform && taken >= places->at_platform;
}

/* ---- both ---- */

bool places_have(const struct places *places, const struct place *place) {
    const struct stage_row *row = stages_row(place->stage);
    return row->at_most ? !places_host_full(places, row, place->host)
                        : !places_platform_full(places, place->platform);
}

static void places_write(const struct places *places, const struct place *place, struct buf *out) {
    const struct stage_row *row = stages_row(place->stage);
    if (places_have(places, place)) {
        return;
    }
    if (row->at_most) {
        buf_printf(out, " %s@%s ", stage_text(place->stage), place->host);
    } else {
        buf_printf(out, " @%s ", place->platform);
    }
}

/* Only a host with a place can be full, unless all places of the stage are taken. */
void places_full(const struct places *places, struct buf *out) {
    for (size_t i = 0; i < STAGES_COUNT; i++) {
        const struct stage_row *row = &stages_table[i];
        if (row->at_most && places_count(places, row).all >= row->in_all) {
            buf_printf(out, " %s@* ", stage_text(row->stage));
        }
    }
    for (size_t i = 0; i < places->count; i++) {
        if (places->taken[i] && places->taken[i]->update) {
            places_write(places, places->taken[i], out);
        }
    }
}

size_t places_at_registries(const struct places *places) {
    size_t at = 0;
    for (size_t i = 0; i < places->count; i++) {
        const struct place *one = places->taken[i];
        at += one && one->update && stages_row(one->stage)->at_most ? 1 : 0;
    }
    return at;
}

/* ---- parties ---- */

uint64_t parties_last(const struct parties *parties, uint64_t party) {
    for (size_t i = 0; i < PLACES_PARTIES; i++) {
        if (parties->kept[i].turn && parties->kept[i].party == party) {
            return parties->kept[i].turn;
        }
    }
    return 0;
}

void parties_take(struct parties *parties, uint64_t party) {
    size_t place = 0;
    for (size_t i = 0; i < PLACES_PARTIES; i++) {
        if (parties->kept[i].turn && parties->kept[i].party == party) {
            place = i;
            break;
        }
        place = parties->kept[i].turn < parties->kept[place].turn ? i : place;
    }
    parties->kept[place].party = party;
    parties->kept[place].turn = ++parties->turns;
}
