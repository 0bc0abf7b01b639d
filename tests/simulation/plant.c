/* Planted faults. The linker puts these functions in place of the real ones (--wrap), which they
 * call unless their fault is planted. */
#include "tests/simulation/plant.h"

#include <sqlite3.h>

#include "agent/pipeline/gate.h"
#include "agent/store/internal.h"
#include "tests/simulation/machine.h"
#include "tests/simulation/world.h"

static unsigned planted;
static unsigned calls;

void plant_choose(unsigned promise) {
    planted = promise;
}

void plant_begin(void) {
    calls = 0;
    world.forgets_undo = planted == 3;
}

/* True now and then, but never for a call by the checks. */
static bool plants(unsigned promise, unsigned each) {
    return planted == promise && machine_inside() && ++calls % each == 0;
}

bool __real_store_has_unmatched(struct store *store, const char *platform);
bool __wrap_store_has_unmatched(struct store *store, const char *platform);
struct gate_verdict __real_gate_decide(const struct gate_facts *facts);
struct gate_verdict __wrap_gate_decide(const struct gate_facts *facts);
void __real_store_wake_gate(struct store *store, enum store_wake which);
void __wrap_store_wake_gate(struct store *store, enum store_wake which);
bool __real_store_rejected(struct store *store, const char *target, const char *digest,
                           int64_t *out_update);
bool __wrap_store_rejected(struct store *store, const char *target, const char *digest,
                           int64_t *out_update);
bool __real_store_audit_add(struct store *store, const struct store_audit_entry *entry,
                            struct err *err);
bool __wrap_store_audit_add(struct store *store, const struct store_audit_entry *entry,
                            struct err *err);

/* 1: pushes are not matched. */
bool __wrap_store_has_unmatched(struct store *store, const char *platform) {
    return planted != 1 && __real_store_has_unmatched(store, platform);
}

/* 2: the gate opens without a reason. */
struct gate_verdict __wrap_gate_decide(const struct gate_facts *facts) {
    struct gate_verdict verdict = __real_gate_decide(facts);
    if (verdict.answer == GATE_WAIT && plants(2, 5)) {
        verdict.answer = GATE_OPEN;
    }
    return verdict;
}

/* 4: the end of an update wakes no other. */
void __wrap_store_wake_gate(struct store *store, enum store_wake which) {
    if (which != STORE_WAKE_WAITING_FOR_OTHERS || !plants(4, 3)) {
        __real_store_wake_gate(store, which);
    }
}

/* 5: a digest that was rolled back is tried again. */
bool __wrap_store_rejected(struct store *store, const char *target, const char *digest,
                           int64_t *out_update) {
    return planted != 5 && __real_store_rejected(store, target, digest, out_update);
}

/* 6: somebody edits an entry of the audit trail. */
bool __wrap_store_audit_add(struct store *store, const struct store_audit_entry *entry,
                            struct err *err) {
    bool good = __real_store_audit_add(store, entry, err);
    if (good && plants(6, 20)) {
        (void)sqlite3_exec(store->db,
                           "UPDATE audit SET actor = 'nobody' WHERE seq = (SELECT max(seq) FROM "
                           "audit)",
                           NULL, NULL, NULL);
    }
    return good;
}
