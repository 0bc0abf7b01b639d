/* Nearest words: owns the distance between two words. Never allocates: words of more than
 * SUGGEST_WORD_MAX letters are near to none. */
#include "agent/model/suggest.h"

#include <stdbool.h>
#include <string.h>

#define SUGGEST_WORD_MAX ((size_t)40)
#define SUGGEST_FAR (SUGGEST_WORD_MAX * 2)

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

/* Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours. Three
 * rows of the table are enough, because a swap looks back two. */
static size_t suggest_distance(const char *a, const char *b) {
    size_t a_len = strlen(a), b_len = strlen(b);
    if (a_len > SUGGEST_WORD_MAX || b_len > SUGGEST_WORD_MAX) {
        return SUGGEST_FAR;
    }
    size_t rows[3][SUGGEST_WORD_MAX + 1];
    for (size_t j = 0; j <= b_len; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a_len; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t change = above[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = least(change, least(above[j], row[j - 1]) + 1);
            bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped) {
                row[j] = least(row[j], two_above[j - 2] + 1);
            }
        }
    }
    return rows[a_len % 3][b_len];
}

void suggest_offer(struct suggest *suggest, const char *candidate) {
    size_t allowed = strlen(suggest->word) <= 3 ? 1 : 2;
    size_t distance = suggest_distance(suggest->word, candidate);
    if (distance <= allowed && (!suggest->nearest || distance < suggest->distance)) {
        suggest->nearest = candidate;
        suggest->distance = distance;
    }
}
