/* Files of time zones: owns the allowed names and the search path. Never parses a file. */
#include "policies/zone_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char database[] = "/usr/share/zoneinfo";

static bool letter_good(char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
           c == '-' || c == '+' || c == '/';
}

/* Other files of the database, and copies of zones with another count of seconds. */
static bool name_is_other(const char *name) {
    static const char *const files[] = {"localtime", "posixrules", "Factory"};
    for (size_t i = 0; i < ARRAY_LENGTH(files); i++) {
        if (strcmp(name, files[i]) == 0) {
            return true;
        }
    }
    return strncmp(name, "right/", 6) == 0 || strncmp(name, "posix/", 6) == 0;
}

static bool name_check(const char *name, struct err *err) {
    size_t len = strlen(name);
    if (len == 0) {
        return err_set(err, ERR_INVALID, "it is empty; write an IANA name such as Europe/Berlin");
    }
    bool good = len <= ZONE_NAME_MAX && name[0] != '/' && name[len - 1] != '/' &&
                !strstr(name, "//") && !name_is_other(name);
    for (size_t i = 0; i < len && good; i++) {
        good = letter_good(name[i]);
    }
    return good || err_set(err, ERR_INVALID,
                           "\"%.64s\" is not the name of a time zone; write an IANA name such as "
                           "Europe/Berlin",
                           name);
}

/* Reads the whole file. -1: unreadable, or too large. */
static ssize_t read_all(int fd, uint8_t *into, size_t size) {
    size_t len = 0;
    while (len < size) {
        ssize_t n = read(fd, into + len, size - len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n < 0 ? -1 : (ssize_t)len;
        }
        len += (size_t)n;
    }
    return -1;
}

enum found { MISSING, READ, FAILED };

struct bytes {
    uint8_t *bytes;
    size_t len;
};

static enum found read_file(const char *directory, const char *name, struct bytes *out,
                            struct err *err) {
    char path[512];
    int len = snprintf(path, sizeof path, "%s/%s", directory, name);
    if (len < 0 || (size_t)len >= sizeof path) {
        return MISSING;
    }
    CLEANUP(own_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
        return MISSING;
    }
    struct stat info;
    if (fd < 0 || fstat(fd, &info) != 0) {
        (void)err_set(err, ERR_INVALID,
                      "time zone \"%.64s\" cannot be read: look at the permissions of %.200s", name,
                      path);
        return FAILED;
    }
    if (!S_ISREG(info.st_mode)) {
        (void)err_set(err, ERR_INVALID,
                      "\"%.64s\" is a folder of time zones; write one of them, such as "
                      "Europe/Berlin",
                      name);
        return FAILED;
    }
    CLEANUP(own_free) uint8_t *bytes = malloc(ZONE_FILE_MAX);
    ssize_t size = bytes ? read_all(fd, bytes, ZONE_FILE_MAX) : -1;
    if (size < 0) {
        (void)err_set(err, ERR_INVALID, "time zone \"%.64s\" cannot be read", name);
        return FAILED;
    }
    *out = (struct bytes){.bytes = TAKE(bytes), .len = (size_t)size};
    return READ;
}

/* Debian 13 and Ubuntu 24.04 moved deprecated names, such as this one, to another package, so an
 * upgrade may remove a configured zone. */
static const char *missing_names(void) {
    return access("/usr/share/zoneinfo/US/Eastern", F_OK) == 0
               ? ""
               : ", or install the package with the older names (tzdata-legacy)";
}

bool zone_file_read(const char *name, const char *extra_directory, uint8_t **out, size_t *out_len,
                    struct err *err) {
    if (!name_check(name, err)) {
        return false;
    }
    const char *const directories[] = {database, extra_directory};
    bool any = false;
    for (size_t i = 0; i < ARRAY_LENGTH(directories); i++) {
        if (!directories[i]) {
            continue;
        }
        struct bytes read = {.bytes = NULL};
        enum found found = read_file(directories[i], name, &read, err);
        if (found == READ) {
            *out = read.bytes;
            *out_len = read.len;
        }
        if (found != MISSING) {
            return found == READ;
        }
        any = any || access(directories[i], F_OK) == 0;
    }
    if (!any) {
        return err_set(err, ERR_GONE,
                       "there is no time zone database in %s: install tzdata, or name its folder "
                       "with `zoneinfo`",
                       database);
    }
    return err_set(err, ERR_INVALID,
                   "\"%.64s\" is not a known time zone; write an IANA name such as "
                   "Europe/Berlin%s",
                   name, missing_names());
}
