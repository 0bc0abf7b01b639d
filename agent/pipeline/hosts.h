/* Registries that do not answer in time. Such a host is asked less and less often until it answers,
 * and its own updates wait, as rows with a time. Asking and fetching are apart: a registry may
 * answer questions and send no bytes. Remembers a bounded number of hosts. Thread-safe; hosts may
 * be NULL: no host is in trouble. */
#ifndef LANDWAITER_AGENT_PIPELINE_HOSTS_H
#define LANDWAITER_AGENT_PIPELINE_HOSTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum hosts_work { HOSTS_RESOLVE, HOSTS_FETCH };

struct hosts;
struct hosts *hosts_new(void) MUST_USE; /* NULL: out of memory */
void hosts_free(struct hosts *hosts);

/* One exchange with a host is over. */
struct hosts_exchange {
    const char *host;
    enum hosts_work work;
    int64_t took_ms;
    const struct err *err; /* NULL: it answered */
};
/* A failure is trouble if it is transient and took long: a host that refuses at once costs nobody a
 * place. Anything else ends the trouble. */
void hosts_note(struct hosts *hosts, const struct hosts_exchange *exchange);
/* The time in ms until the host may be asked again; 0: now. *why: the last failure; unchanged if
 * there is no trouble. */
int64_t hosts_wait_ms(struct hosts *hosts, const char *host, enum hosts_work work, struct err *why);
/* Did the last exchange time out? Such a host gets one place. */
bool hosts_in_trouble(struct hosts *hosts, const char *host, enum hosts_work work) MUST_USE;
/* Forgets all trouble: a person may have mended it. */
void hosts_forget(struct hosts *hosts);

#endif
