/* A push: one authenticated, normalised statement of a sender. */
#ifndef LANDWAITER_AGENT_MODEL_PUSH_H
#define LANDWAITER_AGENT_MODEL_PUSH_H

#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/ref.h"

#define PUSH_SENDER_SIZE 64

struct push {
    int64_t id;
    int64_t lead; /* the first push of the same delivery; its own id where there is only one */
    char sender[PUSH_SENDER_SIZE];
    struct ref image;              /* with tag, without digest */
    char digest[DIGEST_TEXT_SIZE]; /* "" when the sender named none */
    int64_t received_ms;
    int64_t superseded_by; /* a newer push of the same image came before this one was looked at; 0:
                              no */
    char *meta;            /* JSON text or NULL; freed by push_release */
};
void push_release(struct push *push);

struct pushes {
    struct push *items;
    size_t count;
};
void pushes_release(struct pushes *pushes);

#endif
