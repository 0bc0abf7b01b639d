/* The roster: owns the form of senders in a frame. Each writer has its reader below it, with the
 * same members in the same order. */
#include "agent/listener/roster.h"

#include "webhook/oidc/policy.h"
#include "webhook/sources/table.h"

#define SENDERS_MAX 1000
#define ITEMS_MAX 100000

/* ---- lists of texts that end with NULL ---- */

static void put_texts(struct buf *frame, char *const *texts) {
    size_t count = 0;
    while (texts && texts[count]) {
        count++;
    }
    frame_put_int(frame, (int64_t)count);
    for (size_t i = 0; i < count; i++) {
        frame_put_text(frame, texts[i]);
    }
}

static char *take_text(struct frame *frame) {
    const char *text = frame_text(frame);
    char *copy = text ? strdup(text) : NULL;
    frame->bad = frame->bad || (text && !copy);
    return copy;
}

/* NULL only if the frame is bad. */
static void *take_room(struct frame *frame, size_t count, size_t size) {
    void *room = frame->bad ? NULL : calloc(count + 1, size);
    frame->bad = frame->bad || !room;
    return room;
}

static char **take_texts(struct frame *frame) {
    const size_t count = frame_count(frame, ITEMS_MAX);
    char **texts = take_room(frame, count, sizeof *texts);
    for (size_t i = 0; texts && i < count; i++) {
        texts[i] = take_text(frame);
        frame->bad = frame->bad || !texts[i];
        if (frame->bad) {
            break;
        }
    }
    return texts;
}

/* ---- policies of tokens ---- */

static void put_policy(struct buf *frame, const struct oidc_policy *policy) {
    frame_put_int(frame, policy != NULL);
    if (!policy) {
        return;
    }
    frame_put_text(frame, policy->issuer);
    frame_put_text(frame, policy->audience);
    frame_put_int(frame, policy->algorithms);
    frame_put_int(frame, policy->leeway_ms);
    frame_put_text(frame, policy->jwks_url);
    frame_put_text(frame, policy->jwks_file);
    frame_put_int(frame, (int64_t)policy->claim_count);
    for (size_t i = 0; i < policy->claim_count; i++) {
        frame_put_text(frame, policy->claims[i].name);
        put_texts(frame, policy->claims[i].values);
    }
}

static struct oidc_policy *take_policy(struct frame *frame) {
    if (frame_count(frame, 1) == 0) {
        return NULL;
    }
    struct oidc_policy *policy = take_room(frame, 0, sizeof *policy);
    if (!policy) {
        return NULL;
    }
    policy->issuer = take_text(frame);
    policy->audience = take_text(frame);
    policy->algorithms = (unsigned)frame_int(frame);
    policy->leeway_ms = frame_int(frame);
    policy->jwks_url = take_text(frame);
    policy->jwks_file = take_text(frame);
    const size_t count = frame_count(frame, ITEMS_MAX);
    policy->claims = take_room(frame, count, sizeof *policy->claims);
    for (size_t i = 0; !frame->bad && i < count; i++) {
        policy->claim_count++;
        policy->claims[i].name = take_text(frame);
        policy->claims[i].values = take_texts(frame);
        frame->bad = frame->bad || !policy->claims[i].name;
    }
    frame->bad = frame->bad || !policy->issuer || !policy->audience;
    return policy;
}

/* ---- images of builds ---- */

static void put_implications(struct buf *frame, const struct sender *sender) {
    frame_put_int(frame, (int64_t)sender->implies_count);
    for (size_t i = 0; i < sender->implies_count; i++) {
        frame_put_text(frame, sender->implies[i].repository);
        frame_put_text(frame, sender->implies[i].workflow);
        frame_put_text(frame, sender->implies[i].branch);
        put_texts(frame, sender->implies[i].images);
    }
}

static void take_implications(struct frame *frame, struct sender *sender) {
    const size_t count = frame_count(frame, ITEMS_MAX);
    sender->implies = take_room(frame, count, sizeof *sender->implies);
    for (size_t i = 0; !frame->bad && i < count; i++) {
        struct sender_implication *implication = &sender->implies[sender->implies_count++];
        implication->repository = take_text(frame);
        implication->workflow = take_text(frame);
        implication->branch = take_text(frame);
        implication->images = take_texts(frame);
        frame->bad = frame->bad || !implication->repository;
    }
}

/* ---- proofs ---- */

static void put_proof(struct buf *frame, const struct sender *sender) {
    frame_put_int(frame, sender->auth);
    frame_put_int(frame, (int64_t)sender->secret_count);
    for (size_t i = 0; i < sender->secret_count; i++) {
        frame_put_bytes(frame, sender->secrets[i].bytes, sender->secrets[i].len);
    }
    frame_put_text(frame, sender->hmac_header);
    frame_put_int(frame, sender->hmac_algorithm);
    frame_put_text(frame, sender->hmac_prefix);
    frame_put_text(frame, sender->username);
    frame_put_text(frame, sender->header_name);
    put_policy(frame, sender->oidc);
    frame_put_text(frame, sender->topic);
    frame_put_text(frame, sender->certificate);
}

static void take_secrets(struct frame *frame, struct sender *sender) {
    const size_t count = frame_count(frame, ITEMS_MAX);
    sender->secrets = take_room(frame, count, sizeof *sender->secrets);
    for (size_t i = 0; !frame->bad && i < count; i++) {
        size_t len = 0;
        const void *bytes = frame_bytes(frame, &len);
        struct err ignored = ERR_INIT;
        frame->bad = frame->bad || !secret_set(&sender->secrets[sender->secret_count++],
                                               bytes ? bytes : "", len, &ignored);
    }
}

static void take_proof(struct frame *frame, struct sender *sender) {
    sender->auth = (enum sender_auth)frame_count(frame, SENDER_NONE);
    take_secrets(frame, sender);
    sender->hmac_header = take_text(frame);
    sender->hmac_algorithm = (enum digest_mac)frame_count(frame, DIGEST_MAC_SHA1);
    sender->hmac_prefix = take_text(frame);
    sender->username = take_text(frame);
    sender->header_name = take_text(frame);
    sender->oidc = take_policy(frame);
    sender->topic = take_text(frame);
    sender->certificate = take_text(frame);
}

/* ---- senders ---- */

static void put_sender(struct buf *frame, const struct sender *sender) {
    frame_put_text(frame, sender->name);
    frame_put_text(frame, sender->source->name);
    put_proof(frame, sender);
    frame_put_text(frame, sender->registry);
    put_implications(frame, sender);
    put_texts(frame, sender->images);
    frame_put_int(frame, sender->rate_count);
    frame_put_int(frame, sender->rate_period_ms);
    frame_put_int(frame, sender->quota);
}

static void take_sender(struct frame *frame, struct sender *sender) {
    sender->name = take_text(frame);
    sender->source = source_find(frame_name(frame));
    take_proof(frame, sender);
    sender->registry = take_text(frame);
    take_implications(frame, sender);
    sender->images = take_texts(frame);
    sender->rate_count = frame_int(frame);
    sender->rate_period_ms = frame_int(frame);
    sender->quota = frame_int(frame);
    frame->bad = frame->bad || !sender->name || !sender->source;
}

/* ---- the whole ---- */

void roster_put(struct buf *frame, const struct sender_set *senders,
                const struct peer_networks *proxies) {
    frame_put_int(frame, (int64_t)senders->count);
    for (size_t i = 0; i < senders->count; i++) {
        put_sender(frame, &senders->items[i]);
    }
    frame_put_int(frame, (int64_t)proxies->count);
    for (size_t i = 0; i < proxies->count; i++) {
        frame_put_bytes(frame, &proxies->items[i].address, sizeof proxies->items[i].address);
        frame_put_int(frame, proxies->items[i].prefix);
    }
}

static void take_proxies(struct frame *frame, struct peer_networks *proxies) {
    const size_t count = frame_count(frame, ITEMS_MAX);
    proxies->items = take_room(frame, count, sizeof *proxies->items);
    for (size_t i = 0; !frame->bad && i < count; i++) {
        size_t len = 0;
        const void *address = frame_bytes(frame, &len);
        if (len != sizeof proxies->items[i].address) {
            frame->bad = true;
            return;
        }
        memcpy(&proxies->items[i].address, address, len);
        proxies->items[i].prefix = (unsigned)frame_count(frame, 128);
        proxies->count++;
    }
}

struct roster *roster_take(struct frame *frame) {
    struct roster *roster = calloc(1, sizeof *roster);
    if (!roster) {
        return NULL;
    }
    const size_t count = frame_count(frame, SENDERS_MAX);
    roster->senders.items = take_room(frame, count, sizeof *roster->senders.items);
    for (size_t i = 0; !frame->bad && i < count; i++) {
        take_sender(frame, &roster->senders.items[roster->senders.count++]);
    }
    take_proxies(frame, &roster->proxies);
    if (frame->bad) {
        roster_free(roster);
        return NULL;
    }
    return roster;
}

void roster_free(struct roster *roster) {
    if (!roster) {
        return;
    }
    for (size_t i = 0; i < roster->senders.count; i++) {
        sender_release(&roster->senders.items[i]);
    }
    free(roster->senders.items);
    free(roster->proxies.items);
    free(roster);
}
