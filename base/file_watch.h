/* Reports possible changes of files, however a tool replaces them, including renames and exchanged
 * links (Kubernetes). Never polls. */
#ifndef LANDWAITER_BASE_FILE_WATCH_H
#define LANDWAITER_BASE_FILE_WATCH_H

#include <stdbool.h>

/* The descriptor to poll (inotify, non-blocking); -1: inotify is not available. */
int file_watch_open(void);
/* Adds the directory of a file. False: it cannot be watched. */
bool file_watch_add(int fd, const char *path);
/* Drains the events. True: there were some. */
bool file_watch_read(int fd);

#endif
