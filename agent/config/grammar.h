/* Names as the configuration writes them: the checks that several readers share. Pure. */
#ifndef LANDWAITER_AGENT_CONFIG_GRAMMAR_H
#define LANDWAITER_AGENT_CONFIG_GRAMMAR_H

#include <stdbool.h>

#include "base/err.h"

/* NULL is the same as NULL only. */
bool config_text_same(const char *a, const char *b);
/* A DNS label, as most things in a cluster are named. */
bool config_label_valid(const char *text);
/* ERR_INVALID: no namespace of a cluster. */
bool config_check_namespace(const char *text, struct err *err);

#endif
