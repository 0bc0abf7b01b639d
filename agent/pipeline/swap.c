/* Walks the table of a swap's steps. Runs none. */
#include "agent/pipeline/swap.h"

const struct outcome_backoff swap_backoff = {.first_ms = 500, .most_ms = 30 * 1000};

size_t swap_index(const struct platform *platform, const char *step) {
    size_t i = 0;
    while (platform->steps[i].name && strcmp(platform->steps[i].name, step) != 0) {
        i++;
    }
    return platform->steps[i].name ? i : 0;
}

size_t swap_first_down(const struct platform *platform) {
    size_t i = 0;
    while (platform->steps[i].name && !platform->steps[i].down) {
        i++;
    }
    return i;
}

struct outcome swap_turn_back(const struct pipeline *pipeline, const struct update *update,
                              const struct outcome *back) {
    int64_t other = 0;
    struct err err = ERR_INIT;
    if (back->verdict != VERDICT_BACK) {
        return *back;
    }
    if (!store_find_other(pipeline->store, update, &other, &err)) {
        return outcome_again(update, &swap_backoff, &err);
    }
    if (other > update->id) {
        return outcome_drop(RESULT_SUPERSEDED, "a newer push of it came meanwhile");
    }
    return *back;
}
