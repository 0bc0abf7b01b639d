/* Checks of names that several sections share. Pure. */
#ifndef LANDWAITER_AGENT_CONFIG_GRAMMAR_H
#define LANDWAITER_AGENT_CONFIG_GRAMMAR_H

#include <stdbool.h>

#include "base/err.h"

/* NULL equals NULL only. */
bool config_text_same(const char *a, const char *b);
/* Is text a DNS label, like most names in a cluster? */
bool config_label_valid(const char *text);
/* ERR_INVALID: not the name of a namespace. */
bool config_check_namespace(const char *text, struct err *err);

#endif
