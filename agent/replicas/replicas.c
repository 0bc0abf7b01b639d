/* Wires the parts of a replica, and owns its connection to the cluster. */
#include "agent/replicas/replicas.h"

#include "agent/model/id.h"
#include "agent/platforms/kubernetes/access.h"
#include "agent/platforms/kubernetes/api.h"
#include "agent/replicas/election.h"
#include "agent/replicas/ledger.h"
#include "agent/store/share.h"

struct replicas {
    struct replicas_options options;
    struct api *api;
    char namespace_[64];
    struct election *election;
    struct ledger *ledger;
    struct inbox *inbox;
};

static void replicas_turned(void *context, bool leads) {
    struct replicas *replicas = context;
    (void)leads;
    ledger_turn(replicas->ledger);
}

static bool replicas_connect(struct replicas *replicas, struct err *err) {
    const struct config *config = replicas->options.config;
    struct access_options where = {.kubeconfig = config->kubernetes.kubeconfig,
                                   .context = config->kubernetes.context};
    struct access *access = NULL;
    if (!access_open(&where, &access, err)) {
        return false;
    }
    const char *namespace_ = access_namespace(access);
    (void)snprintf(replicas->namespace_, sizeof replicas->namespace_, "%s",
                   namespace_[0] ? namespace_ : "default");
    replicas->api = api_new(access);
    return replicas->api || err_set(err, ERR_BUG, "out of memory");
}

static bool replicas_build(struct replicas *replicas, struct err *err) {
    const struct replicas_options *options = &replicas->options;
    struct election_options election = {.api = replicas->api,
                                        .namespace_ = replicas->namespace_,
                                        .name = options->config->kubernetes.lease,
                                        .lease_ms = options->config->kubernetes.lease_ms,
                                        .turned = replicas_turned,
                                        .context = replicas};
    if (!election_new(&election, &replicas->election, err)) {
        return false;
    }
    struct records records = {.api = replicas->api,
                              .namespace_ = replicas->namespace_,
                              .writer = election_identity(replicas->election)};
    struct ledger_options ledger = {.records = records,
                                    .election = replicas->election,
                                    .state = options->config->state,
                                    .history_ms = options->config->history_ms,
                                    .lead = options->lead,
                                    .room = options->room,
                                    .changed = options->changed,
                                    .context = options->context};
    struct inbox_options inbox = {.records = records,
                                  .state = options->config->state,
                                  .changed = options->changed,
                                  .context = options->context};
    return ledger_new(&ledger, &replicas->ledger, err) && inbox_new(&inbox, &replicas->inbox, err);
}

bool replicas_new(const struct replicas_options *options, struct store *store,
                  struct replicas **out, struct err *err) {
    bool several = options->config->kubernetes.enabled && options->config->kubernetes.lease;
    *out = NULL;
    if (!store_share(store, several, err)) {
        return false;
    }
    if (!several) {
        return true;
    }
    struct replicas *replicas = calloc(1, sizeof *replicas);
    if (!replicas) {
        return err_set(err, ERR_BUG, "out of memory");
    }
    replicas->options = *options;
    id_spread();
    if (!replicas_connect(replicas, err) || !replicas_build(replicas, err)) {
        replicas_free(replicas);
        return err_wrap(err, "replicas");
    }
    *out = replicas;
    return true;
}

bool replicas_start(struct replicas *replicas, struct err *err) {
    return !replicas || (ledger_start(replicas->ledger, err) && inbox_start(replicas->inbox, err) &&
                         election_start(replicas->election, err));
}

void replicas_hurry(struct replicas *replicas) {
    if (replicas) {
        ledger_hurry(replicas->ledger);
    }
}

void replicas_stop(struct replicas *replicas) {
    if (!replicas) {
        return;
    }
    if (replicas->inbox) {
        inbox_stop(replicas->inbox);
    }
    if (replicas->ledger) {
        ledger_stop(replicas->ledger);
    }
    if (replicas->election) {
        election_stop(replicas->election);
    }
}

void replicas_free(struct replicas *replicas) {
    if (!replicas) {
        return;
    }
    replicas_stop(replicas);
    inbox_free(replicas->inbox);
    ledger_free(replicas->ledger);
    election_free(replicas->election);
    api_free(replicas->api);
    free(replicas);
}

struct inbox *replicas_inbox(struct replicas *replicas) {
    return replicas->inbox;
}

bool replicas_ready(struct replicas *replicas, struct buf *why) {
    return ledger_ready(replicas->ledger, why);
}

unsigned replicas_reading(const struct replicas *replicas) {
    return replicas ? ledger_reading(replicas->ledger) : 0;
}

bool replicas_leads(struct replicas *replicas, struct err *err) {
    char leader[LEASE_HOLDER_SIZE];
    if (ledger_leads(replicas->ledger)) {
        return true;
    }
    election_leader(replicas->election, leader);
    if (!leader[0] || strcmp(leader, election_identity(replicas->election)) == 0) {
        return err_set(err, ERR_TRANSIENT, "no replica leads now: try again in a moment");
    }
    return err_set(err, ERR_TRANSIENT,
                   "this replica follows: replica %.*s leads and decides; ask that one",
                   (int)strcspn(leader, "_"), leader);
}

bool replicas_flush(struct replicas *replicas, struct err *err) {
    return ledger_flush(replicas->ledger, err);
}

bool replicas_may_act(const struct replicas *replicas) {
    return ledger_leads(replicas->ledger);
}

void replicas_poke(struct replicas *replicas) {
    if (replicas) {
        ledger_poke(replicas->ledger);
    }
}
