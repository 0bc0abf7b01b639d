/* Links: owns the list of a server's connections. Closes none itself: libmicrohttpd does, when it
 * sees that one was shut down. */
#include "agent/control/links.h"

#include <sys/socket.h>

#include "base/clock.h"
#include "base/thread.h"
#include "webhook/intercept.h"

void links_init(struct links *links) {
    *links = (struct links){.newest = NULL};
    (void)pthread_mutex_init(&links->lock, NULL);
}

void links_release(struct links *links) {
    (void)pthread_mutex_destroy(&links->lock);
}

/* The lock must be held. */
static void let_go_of_one(const struct links *links, const struct link *but) {
    const struct link *oldest = NULL;
    for (const struct link *link = links->newest; link; link = link->older) {
        oldest = link != but && !link->proven ? link : oldest;
    }
    if (oldest) {
        (void)shutdown(oldest->fd, SHUT_RDWR);
    }
}

struct link *link_new(struct links *links, int fd, size_t max) {
    struct link *link = calloc(1, sizeof *link);
    if (!link) {
        return NULL;
    }
    link->fd = fd;
    wire_init(&link->wire);
    link_renew(link);
    if (!intercept_enter(fd, &link->wire, INTERCEPT_LEVEL)) {
        free(link);
        return NULL;
    }
    thread_lock(&links->lock);
    link->older = links->newest;
    if (links->newest) {
        links->newest->newer = link;
    }
    links->newest = link;
    links->count++;
    if (links->count > max) {
        let_go_of_one(links, link);
    }
    thread_unlock(&links->lock);
    return link;
}

void link_free(struct links *links, struct link *link) {
    if (!link) {
        return;
    }
    thread_lock(&links->lock);
    if (link->newer) {
        link->newer->older = link->older;
    } else {
        links->newest = link->older;
    }
    if (link->older) {
        link->older->newer = link->newer;
    }
    links->count--;
    thread_unlock(&links->lock);
    intercept_leave(link->fd);
    wire_release(&link->wire);
    free(link);
}

void link_renew(struct link *link) {
    link->wire.until_ms = clock_boot_ms() + LINK_REQUEST_MS;
}

void link_prove(struct links *links, struct link *link, bool proven) {
    thread_lock(&links->lock);
    link->proven = proven;
    thread_unlock(&links->lock);
}
