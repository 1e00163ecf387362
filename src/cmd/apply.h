/* SPDX-License-Identifier: GPL-2.0 */
/* Applying updates, for the commands that do: apply and boot. */
#ifndef KMEND_CMD_APPLY_H
#define KMEND_CMD_APPLY_H

#include "util/error.h"

#include <stdbool.h>
#include <stddef.h>

#define APPLY_TIMEOUT 10	/* seconds, where nobody says otherwise */

struct apply_options {
	bool dry_run;
	bool until_reboot;
	bool at_boot;		/* the packs are those that are installed; nothing is printed */
	unsigned int timeout;	/* seconds */
	char **packs;
	size_t count;
	bool *allow_unsigned;	/* of each pack */
};

/*
 * Proves, loads and switches the packs, all in one stop; installs them, puts
 * them on probation, and records what came of it in the journal.  Under
 * host_lock().
 */
struct error *apply_packs(const struct apply_options *opts) __must_use;

#endif
