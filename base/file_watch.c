/* Watching files: owns inotify's events. Never reads a file. */
#include "base/file_watch.h"

#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/buf.h"

#define PATH_SIZE 4096

int file_watch_open(void) {
    return inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
}

bool file_watch_add(int fd, const char *path) {
    CLEANUP(buf_release) struct buf folder = BUF_INIT(PATH_SIZE);
    const char *slash = strrchr(path, '/');
    if (slash == path) {
        buf_puts(&folder, "/");
    } else if (slash) {
        buf_append(&folder, path, (size_t)(slash - path));
    } else {
        buf_puts(&folder, ".");
    }
    /* Watches the directory, because tools replace the file rather than write it. */
    return !folder.overflow &&
           inotify_add_watch(fd, buf_text(&folder),
                             IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_ATTRIB) >= 0;
}

bool file_watch_read(int fd) {
    char events[4096];
    bool any = false;
    while (read(fd, events, sizeof events) > 0) {
        any = true;
    }
    return any;
}
