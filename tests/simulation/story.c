/* A ring of lines. */
#include "tests/simulation/story.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"

#define LINES 400
#define WIDTH 256

static struct {
    char lines[LINES][WIDTH];
    unsigned long count;
    bool loud;
    unsigned promise;
    char broken[512];
} told;

void story_begin(bool loud) {
    told.count = 0;
    told.loud = loud;
    told.promise = 0;
}

void story(const char *format, ...) {
    char *line = told.lines[told.count++ % LINES];
    char now[CLOCK_TEXT_SIZE];
    int used = snprintf(line, WIDTH, "%s  ", clock_format(clock_now_ms(), now));
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line + used, WIDTH - (size_t)used, format, arguments);
    va_end(arguments);
    if (told.loud) {
        (void)printf("%s\n", line);
    }
}

void story_broken(unsigned promise, const char *format, ...) {
    if (told.promise) {
        return;
    }
    told.promise = promise;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(told.broken, sizeof told.broken, format, arguments);
    va_end(arguments);
}

unsigned story_which(void) {
    return told.promise;
}

void story_tell(void) {
    unsigned long from = told.count > LINES ? told.count - LINES : 0;
    for (unsigned long i = from; !told.loud && i < told.count; i++) {
        (void)printf("%s\n", told.lines[i % LINES]);
    }
    if (told.promise) {
        (void)printf("promise %u is broken: %s\n", told.promise, told.broken);
    }
}
