/* SPDX-License-Identifier: GPL-2.0 */
/* What `kmend verify` tells of the functions of one object. */
#ifndef KMEND_CMD_REPORT_H
#define KMEND_CMD_REPORT_H

#include "match/match.h"

#include <jansson.h>

/* Prints how many are what, and a line for each that is not proved. */
void report_match(const struct match *m);

/* The same as JSON, with those that are proved. */
json_t *report_match_json(const struct match *m);

#endif
