/* The queue of log lines: owns its thread and two buffers, one that is filled while the other is
 * written. Never looks into a line. */
#include "base/log_queue.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>

#include "base/buf.h"
#include "base/thread.h"

#define STACK ((size_t)64 * 1024)
#define KEPT_MAX 4096 /* memory of an idle queue */

struct log_queue {
    int fd;
    void (*lost)(size_t lines);
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t filled, written;
    struct buf waiting; /* under the lock */
    size_t dropped;     /* lines, since `lost` was called; under the lock */
    bool writing;       /* under the lock */
    bool stopping;      /* under the lock */
    bool ended;         /* under the lock */
};

/* ---- writing ---- */

/* The length of the next piece: as many whole lines as are atomic on a pipe, or one line. */
static size_t piece(const char *lines, size_t len) {
    if (len <= PIPE_BUF) {
        return len;
    }
    size_t end = PIPE_BUF;
    while (end > 0 && lines[end - 1] != '\n') {
        end--;
    }
    if (end > 0) {
        return end;
    }
    const char *newline = memchr(lines, '\n', len);
    return newline ? (size_t)(newline - lines) + 1 : len;
}

static bool write_piece(int fd, const char *bytes, size_t len) {
    while (len > 0) {
        ssize_t written = write(fd, bytes, len);
        if (written < 0 && errno == EAGAIN) {
            struct pollfd one = {.fd = fd, .events = POLLOUT};
            (void)poll(&one, 1, -1);
        } else if (written < 0 && errno != EINTR) {
            return false; /* nowhere to report it */
        }
        bytes += written > 0 ? written : 0;
        len -= written > 0 ? (size_t)written : 0;
    }
    return true;
}

void log_queue_write(int fd, const char *lines, size_t len) {
    while (len > 0) {
        size_t next = piece(lines, len);
        if (!write_piece(fd, lines, next)) {
            return;
        }
        lines += next;
        len -= next;
    }
}

/* ---- the thread ---- */

static void empty(struct buf *lines) {
    if (lines->capacity > KEPT_MAX) {
        buf_release(lines);
    } else {
        buf_clear(lines);
    }
}

/* Moves the waiting lines into taken, which is empty. False: the queue ends. */
static bool take(struct log_queue *queue, struct buf *taken, size_t *dropped) {
    thread_lock(&queue->lock);
    queue->writing = false;
    thread_broadcast(&queue->written);
    while (queue->waiting.len == 0 && queue->dropped == 0 && !queue->stopping) {
        thread_wait(&queue->filled, &queue->lock);
    }
    const struct buf swapped = queue->waiting;
    queue->waiting = *taken;
    *taken = swapped;
    *dropped = queue->dropped;
    queue->dropped = 0;
    queue->writing = taken->len > 0 || *dropped > 0;
    const bool more = queue->writing;
    queue->ended = !more;
    thread_broadcast(&queue->written);
    thread_unlock(&queue->lock);
    return more;
}

static void *run(void *argument) {
    struct log_queue *queue = argument;
    CLEANUP(buf_release) struct buf taken = BUF_INIT(LOG_QUEUE_SIZE / 2);
    size_t dropped = 0;
    (void)pthread_setname_np(pthread_self(), "log");
    while (take(queue, &taken, &dropped)) {
        log_queue_write(queue->fd, taken.data, taken.len);
        empty(&taken);
        if (dropped > 0) {
            queue->lost(dropped);
        }
    }
    return NULL;
}

/* ---- for the other threads ---- */

struct log_queue *log_queue_new(int fd, void (*lost)(size_t lines)) {
    struct log_queue *queue = calloc(1, sizeof *queue);
    if (!queue) {
        return NULL;
    }
    queue->fd = fd;
    queue->lost = lost;
    queue->waiting = (struct buf)BUF_INIT(LOG_QUEUE_SIZE / 2);
    (void)pthread_mutex_init(&queue->lock, NULL);
    thread_condition_init(&queue->filled);
    thread_condition_init(&queue->written);
    if (!thread_start(&queue->thread, STACK, run, queue)) {
        log_queue_free(queue);
        return NULL;
    }
    return queue;
}

static size_t count_lines(const char *lines, size_t len) {
    size_t count = 0;
    for (size_t i = 0; i < len; i++) {
        count += lines[i] == '\n' ? 1 : 0;
    }
    return count;
}

void log_queue_put(struct log_queue *queue, const char *lines, size_t len, bool important) {
    thread_lock(&queue->lock);
    const size_t max = queue->waiting.max;
    const size_t room = (important ? max : max - max / 4) - queue->waiting.len;
    bool fits = queue->waiting.len < (important ? max : max - max / 4) && len <= room;
    if (fits) {
        const size_t before = queue->waiting.len;
        buf_append(&queue->waiting, lines, len);
        if (queue->waiting.overflow) { /* out of memory */
            queue->waiting.overflow = false;
            queue->waiting.len = before;
            fits = false;
        }
    }
    if (!fits) {
        queue->dropped += count_lines(lines, len);
    }
    if (!queue->writing) {
        thread_signal(&queue->filled);
    }
    thread_unlock(&queue->lock);
}

static bool idle(const struct log_queue *queue) {
    return !queue->writing && queue->waiting.len == 0 && queue->dropped == 0;
}

/* The lock must be held. False: the deadline has passed. */
static bool wait_for(struct log_queue *queue, bool end, int64_t ms) {
    const struct timespec until = thread_after(ms);
    bool in_time = true;
    while (in_time && !(end ? queue->ended : idle(queue))) {
        in_time = thread_wait_until(&queue->written, &queue->lock, &until);
    }
    return end ? queue->ended : idle(queue);
}

bool log_queue_drain(struct log_queue *queue, int64_t ms) {
    thread_lock(&queue->lock);
    const bool drained = wait_for(queue, false, ms);
    thread_unlock(&queue->lock);
    return drained;
}

bool log_queue_stop(struct log_queue *queue, int64_t ms) {
    thread_lock(&queue->lock);
    queue->stopping = true;
    thread_signal(&queue->filled);
    const bool ended = wait_for(queue, true, ms);
    thread_unlock(&queue->lock);
    if (ended) {
        thread_join(queue->thread);
    }
    return ended;
}

void log_queue_free(struct log_queue *queue) {
    if (!queue) {
        return;
    }
    buf_release(&queue->waiting);
    (void)pthread_mutex_destroy(&queue->lock);
    (void)pthread_cond_destroy(&queue->filled);
    (void)pthread_cond_destroy(&queue->written);
    free(queue);
}
