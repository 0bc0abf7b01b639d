/* Senders: releases a sender, and decides which images it may push; authentication.c decides
 * whether a request is the sender's. */
#include "webhook/sender.h"

#include "policies/pattern.h"
#include "webhook/oidc/policy.h"

static void texts_free(char **texts) {
    for (size_t i = 0; texts && texts[i]; i++) {
        free(texts[i]);
    }
    free(texts);
}

static void implication_release(struct sender_implication *implication) {
    free(implication->repository);
    free(implication->workflow);
    free(implication->branch);
    texts_free(implication->images);
}

void sender_release(struct sender *sender) {
    for (size_t i = 0; sender->secrets && i < sender->secret_count; i++) {
        secret_release(&sender->secrets[i]);
    }
    for (size_t i = 0; i < sender->implies_count; i++) {
        implication_release(&sender->implies[i]);
    }
    texts_free(sender->images);
    free(sender->name);
    free(sender->secrets);
    free(sender->hmac_header);
    free(sender->hmac_prefix);
    free(sender->username);
    free(sender->header_name);
    oidc_policy_free(sender->oidc);
    free(sender->topic);
    free(sender->certificate);
    free(sender->registry);
    free(sender->implies);
    *sender = (struct sender){0};
}

bool sender_may_push(const struct sender *sender, const struct ref *image) {
    char name[REF_NAME_SIZE];
    (void)ref_name(image, name);
    for (size_t i = 0; sender->images && sender->images[i]; i++) {
        if (pattern_match(sender->images[i], name)) {
            return true;
        }
    }
    return false;
}

const struct sender *sender_find(const struct sender_set *set, const char *name) {
    for (size_t i = 0; i < set->count; i++) {
        if (strcmp(set->items[i].name, name) == 0) {
            return &set->items[i];
        }
    }
    return NULL;
}
