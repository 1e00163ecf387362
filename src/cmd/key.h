/* SPDX-License-Identifier: GPL-2.0 */
/* kmend key: making keys, and saying which are trusted. */
#ifndef KMEND_CMD_KEY_H
#define KMEND_CMD_KEY_H

#include "util/error.h"

/* @argv[0] is "key".  Results go to standard output. */
struct error *cmd_key(int argc, char **argv) __must_use;

#endif
