/* This replica's role: it follows, takes over, or leads. Owns its changes: taking over and leading
 * begin on the follower's thread only; the lead is lost on any, at once. */
#include "agent/replicas/ledger_internal.h"
#include "base/log.h"

bool ledger_leads(const struct ledger *ledger) {
    return atomic_load(&ledger->role) == LEDGER_LEADS && election_leads(ledger->options.election);
}

void ledger_resign(struct ledger *ledger) {
    (void)pthread_mutex_lock(&ledger->turning);
    int role = atomic_exchange(&ledger->role, LEDGER_FOLLOWS);
    if (role == LEDGER_LEADS) {
        log_event(LOG_INFO, "replica.follows", NULL);
        ledger->options.lead(ledger->options.context, false);
    }
    (void)pthread_mutex_unlock(&ledger->turning);
}

bool ledger_end_taking(struct ledger *ledger, enum ledger_role role) {
    int taking = LEDGER_TAKES_OVER;
    (void)pthread_mutex_lock(&ledger->turning);
    bool changed = atomic_compare_exchange_strong(&ledger->role, &taking, (int)role);
    if (changed && role == LEDGER_LEADS) {
        log_event(LOG_INFO, "replica.leads", NULL);
        ledger->options.lead(ledger->options.context, true);
    }
    (void)pthread_mutex_unlock(&ledger->turning);
    return changed;
}

void ledger_relist(struct ledger *ledger) {
    atomic_store(&ledger->follow_cancel, true);
    http_client_wake(ledger->follow_http);
}

void ledger_turn(struct ledger *ledger) {
    if (!election_leads(ledger->options.election)) {
        ledger_resign(ledger);
    }
    (void)atomic_fetch_add(&ledger->turns, 1);
    ledger_relist(ledger);
}
