/* Owns the notes "boot" and "process" of a watched target. */
#include "agent/platforms/watched.h"

#include <ctype.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"

/* Identifies this process within this boot of the host: the time when it began to watch. */
static pthread_once_t watched_once = PTHREAD_ONCE_INIT;
static int64_t watched_process;

static void watched_set_process(void) {
    watched_process = clock_boot_ms();
}

const char *watched_boot(char out[static WATCHED_BOOT_SIZE]) {
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
    out[0] = '\0';
    if (!file) {
        return out;
    }
    if (!fgets(out, WATCHED_BOOT_SIZE, file)) {
        out[0] = '\0';
    }
    (void)fclose(file);
    out[strcspn(out, "\n")] = '\0';
    return out;
}

bool watched_note(json_t *notes, const char *boot) {
    (void)pthread_once(&watched_once, watched_set_process);
    return json_object_set_new(notes, "boot", json_string(boot)) == 0 &&
           json_object_set_new(notes, "process", json_integer(watched_process)) == 0;
}

bool watched_gap(const json_t *notes, const char *boot) {
    const char *noted = json_text(notes, "boot");
    (void)pthread_once(&watched_once, watched_set_process);
    return !noted || strcmp(noted, boot) != 0 || json_int(notes, "process", -1) != watched_process;
}

void watched_clean(const char *text, char *out, size_t size) {
    size_t len = 0;
    while (*text && (unsigned char)*text <= ' ') {
        text++;
    }
    for (; text[len] && text[len] != '\n' && len < size - 1; len++) {
        out[len] = (char)(iscntrl((unsigned char)text[len]) ? ' ' : text[len]);
    }
    if (len == size - 1) {
        while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80) {
            len--;
        }
    }
    while (len > 0 && out[len - 1] == ' ') {
        len--;
    }
    out[len] = '\0';
}
