/* Ownership: cleanup at the end of a scope, and moving a value out.
 *
 * Every type that owns something has a `foo_release(struct foo *)` (on the stack) or a
 * `foo_free(struct foo *)` (on the heap) that takes half-built objects; CLEANUP names the function
 * to run at the end of the variable's scope. */
#ifndef LANDWAITER_BASE_OWN_H
#define LANDWAITER_BASE_OWN_H

#include <stdlib.h>
#include <unistd.h>

/* `CLEANUP(buf_release) struct buf b = BUF_INIT(4096);` */
#define CLEANUP(function) __attribute__((cleanup(function)))

/* The caller must check the result. */
#define MUST_USE __attribute__((warn_unused_result))

#define PRINTF_LIKE(format_at, first_at) __attribute__((format(printf, format_at, first_at)))

/* Moves a pointer out of a variable that has a cleanup: `*out = TAKE(p);` */
#define TAKE(pointer)                                                                              \
    __extension__({                                                                                \
        __typeof__(pointer) taken_ = (pointer);                                                    \
        (pointer) = NULL;                                                                          \
        taken_;                                                                                    \
    })

#define ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* For `CLEANUP(own_free) char *text = NULL;` */
static inline void own_free(void *pointer_to_pointer) {
    free(*(void **)pointer_to_pointer);
}

/* For `CLEANUP(own_close) int fd = -1;` */
static inline void own_close(int *fd) {
    if (*fd >= 0) {
        (void)close(*fd);
    }
    *fd = -1;
}

#endif
