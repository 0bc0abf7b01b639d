/* Reads /proc/meminfo, which shows the host's memory in containers too. Decides nothing. */
#include "agent/platforms/docker/memory.h"

#include <stdio.h>
#include <string.h>

int64_t memory_parse(const char *text) {
    static const char name[] = "MemAvailable:";
    const char *line = text;
    while (line && strncmp(line, name, sizeof name - 1) != 0) {
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
    if (!line) {
        return -1;
    }
    line += sizeof name - 1;
    line += strspn(line, " \t");
    size_t digits = strspn(line, "0123456789");
    if (digits == 0 || digits > 15 || strncmp(line + digits, " kB", 3) != 0) {
        return -1;
    }
    int64_t kib = 0;
    for (size_t i = 0; i < digits; i++) {
        kib = kib * 10 + (line[i] - '0');
    }
    return kib * 1024;
}

bool memory_available(const struct platform_session *session, const char *target, int64_t *out,
                      struct err *err) {
    (void)target;
    (void)err;
    *out = -1;
    if (strncmp(session->config->docker.host, "unix:", 5) != 0) {
        return true;
    }
    FILE *file = fopen("/proc/meminfo", "re");
    if (!file) {
        return true;
    }
    char text[8192];
    size_t len = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    text[len] = '\0';
    *out = memory_parse(text);
    return true;
}
