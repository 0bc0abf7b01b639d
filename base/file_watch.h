/* Tells when files may have changed: by whatever way a tool replaces them, renames and exchanged
 * links (Kubernetes) included. Never polls. */
#ifndef LANDWAITER_BASE_FILE_WATCH_H
#define LANDWAITER_BASE_FILE_WATCH_H

#include <stdbool.h>

/* The descriptor to wait on (inotify, non-blocking); -1: it cannot be had. */
int file_watch_open(void);
/* Watches the folder that a file is in, instead of nothing or besides others. False: it cannot be
 * watched. */
bool file_watch_add(int fd, const char *path);
/* Reads what happened; true: something did. */
bool file_watch_read(int fd);

#endif
