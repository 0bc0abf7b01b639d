/* Up to three lines that may be versions, and a fourth that may be a range: the order must be
 * total, and the range consistent. */
#include <stdint.h>

#include "policies/range.h"
#include "policies/version.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool condition) {
    if (!condition) {
        abort();
    }
}

static void check_order(const struct version v[3]) {
    int ab = version_compare(&v[0], &v[1]);
    int bc = version_compare(&v[1], &v[2]);
    int ac = version_compare(&v[0], &v[2]);
    demand(version_compare(&v[0], &v[0]) == 0);
    demand(version_compare(&v[1], &v[0]) == -ab);
    if (ab <= 0 && bc <= 0) {
        demand(ac <= 0 && (ac < 0 || (ab == 0 && bc == 0)));
    }
    if (ab >= 0 && bc >= 0) {
        demand(ac >= 0 && (ac > 0 || (ab == 0 && bc == 0)));
    }
}

static void check_parts(const struct version *version, struct version_part text) {
    const struct version_part parts[] = {version->prerelease, version->variant, version->build};
    size_t len = 0;
    for (size_t i = 0; i < 3; i++) {
        len += parts[i].len;
        demand(parts[i].len == 0 ||
               (parts[i].at >= text.at && parts[i].at + parts[i].len <= text.at + text.len));
    }
    demand(len < text.len);
    demand(version->numbers >= 1 && version->numbers <= VERSION_NUMBERS_MAX);
}

static void check_range(const char *text, const struct version *versions) {
    struct range range;
    struct err err = ERR_INIT;
    bool good = range_parse(text, &range, &err);
    demand(good == (err.kind == ERR_NONE));
    for (size_t i = 0; good && i < 3; i++) {
        /* A range that contains a version without pre-releases contains it with them, too. */
        demand(!range_holds(&range, &versions[i], false) ||
               range_holds(&range, &versions[i], true));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1);
    if (!text) {
        return 0;
    }
    memcpy(text, data, size);
    text[size] = '\0';
    struct version versions[3];
    size_t count = 0;
    char *rest = text;
    for (char *line; count < 3 && (line = strsep(&rest, "\n"));) {
        struct version_part part = version_part_of(line);
        if (!version_parse(part, &versions[count])) {
            break;
        }
        check_parts(&versions[count++], part);
    }
    if (count == 3) {
        check_order(versions);
        check_range(rest ? rest : "", versions);
    } else {
        struct range range;
        struct err err = ERR_INIT;
        demand(range_parse(text, &range, &err) == (err.kind == ERR_NONE));
    }
    free(text);
    return 0;
}
