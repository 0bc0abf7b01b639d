/* The rules of a Lease. Owns no time and no connection. */
#include "agent/replicas/lease.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"

#define LEASE_RELEASED_MS 1000 /* as other clients write it when they release a Lease */

struct lease_timing lease_timing(int64_t lease_ms) {
    return (struct lease_timing){
        .lease_ms = lease_ms, .renew_ms = lease_ms * 2 / 3, .retry_ms = lease_ms * 2 / 15};
}

static bool lease_mine(const struct lease *lease) {
    return lease->known && strcmp(lease->record.holder, lease->identity) == 0;
}

static bool lease_same(const struct lease_record *a, const struct lease_record *b) {
    return strcmp(a->holder, b->holder) == 0 && a->duration_ms == b->duration_ms &&
           a->transitions == b->transitions && strcmp(a->acquired, b->acquired) == 0 &&
           strcmp(a->renewed, b->renewed) == 0;
}

enum lease_action lease_begin(const struct lease *lease) {
    return lease_mine(lease) && lease->record.version[0] ? LEASE_WRITE : LEASE_READ;
}

enum lease_action lease_read(struct lease *lease, const struct lease_record *record,
                             int64_t now_ms) {
    if (!record) {
        lease->known = false;
        lease->until_ms = 0;
        return LEASE_CREATE;
    }
    if (!lease->known || !lease_same(&lease->record, record)) {
        lease->seen_ms = now_ms;
    }
    lease->known = true;
    lease->record = *record; /* its version may differ even so */
    if (lease_mine(lease)) {
        return LEASE_WRITE;
    }
    lease->until_ms = 0;
    bool held = record->holder[0] && lease->seen_ms + record->duration_ms > now_ms;
    return held ? LEASE_WAIT : LEASE_WRITE;
}

void lease_written(struct lease *lease, const struct lease_record *record, int64_t asked_ms) {
    lease->known = true;
    lease->record = *record;
    lease->seen_ms = asked_ms;
    lease->until_ms = lease_mine(lease) ? asked_ms + lease->timing.renew_ms : 0;
}

void lease_lost_sight(struct lease *lease) {
    lease->record.version[0] = '\0';
}

bool lease_leads(const struct lease *lease, int64_t now_ms) {
    return now_ms < lease->until_ms;
}

/* MicroTime needs six digits. */
static json_t *lease_time(int64_t wall_ms) {
    char text[CLOCK_TEXT_SIZE];
    char micro[40];
    (void)clock_format(wall_ms, text);
    (void)snprintf(micro, sizeof micro, "%.*s000Z", (int)strcspn(text, "Z"), text);
    return json_string(micro);
}

static json_t *lease_seconds(int64_t ms) {
    return json_integer((ms + 999) / 1000);
}

json_t *lease_object(const struct lease *lease, const struct lease_wish *wish) {
    bool mine = lease_mine(lease);
    int64_t transitions = lease->known ? lease->record.transitions + (mine ? 0 : 1) : 0;
    json_t *acquired = mine ? json_string(lease->record.acquired) : lease_time(wish->wall_ms);
    json_t *object = json_pack(
        "{ss ss s{ss ss} s{ss so so so sI}}", "apiVersion", "coordination.k8s.io/v1", "kind",
        "Lease", "metadata", "name", wish->name, "namespace", wish->namespace_, "spec",
        "holderIdentity", wish->release ? "" : lease->identity, "leaseDurationSeconds",
        lease_seconds(wish->release ? LEASE_RELEASED_MS : lease->timing.lease_ms), "acquireTime",
        acquired, "renewTime", lease_time(wish->wall_ms), "leaseTransitions",
        (json_int_t)transitions);
    if (object && lease->known) {
        (void)json_object_set_new(json_object_member(object, "metadata"), "resourceVersion",
                                  json_string(lease->record.version));
    }
    return object;
}

static void lease_text(const json_t *spec, const char *member, char *out, size_t size) {
    const char *text = json_text(spec, member);
    (void)snprintf(out, size, "%s", text ? text : "");
}

bool lease_parse(const json_t *object, struct lease_record *out, struct err *err) {
    const json_t *metadata = json_object_member(object, "metadata");
    const json_t *spec = json_object_member(object, "spec");
    struct lease_record record = {
        .duration_ms = json_int(spec, "leaseDurationSeconds", 0) * 1000,
        .transitions = json_int(spec, "leaseTransitions", 0),
    };
    lease_text(metadata, "resourceVersion", record.version, sizeof record.version);
    lease_text(spec, "holderIdentity", record.holder, sizeof record.holder);
    lease_text(spec, "acquireTime", record.acquired, sizeof record.acquired);
    lease_text(spec, "renewTime", record.renewed, sizeof record.renewed);
    if (!metadata || !record.version[0]) {
        return err_set(err, ERR_INVALID, "the API server's answer is no Lease");
    }
    *out = record;
    return true;
}
