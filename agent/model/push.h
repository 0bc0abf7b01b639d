/* A push: a sender's authenticated and normalised statement that an image was pushed. */
#ifndef LANDWAITER_AGENT_MODEL_PUSH_H
#define LANDWAITER_AGENT_MODEL_PUSH_H

#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/ref.h"

#define PUSH_SENDER_SIZE 64

struct push {
    int64_t id;
    int64_t lead; /* the id of the first push of the same delivery */
    char sender[PUSH_SENDER_SIZE];
    struct ref image;              /* with tag, without digest */
    char digest[DIGEST_TEXT_SIZE]; /* "": the sender named none */
    int64_t received_ms;
    int64_t superseded_by; /* a newer push of the same image, which came before a platform looked at
                              this one; 0: none */
    char *meta;            /* JSON text or NULL; freed by push_release */
};
void push_release(struct push *push);

struct pushes {
    struct push *items;
    size_t count;
};
void pushes_release(struct pushes *pushes);

#endif
