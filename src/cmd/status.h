/* SPDX-License-Identifier: GPL-2.0 */
/* The model that all of kmend status's outputs show; docs/status.md explains it to those who read them. */
#ifndef KMEND_CMD_STATUS_H
#define KMEND_CMD_STATUS_H

#include "host/host.h"
#include "host/probation.h"
#include "host/store.h"

/* In the order in which the outputs count them. */
enum status_state {
	STATUS_APPLIED,
	STATUS_LOADED,		/* its modules are loaded, and its code does not run */
	STATUS_PENDING,		/* installed; nobody tried to apply it since the boot, or its module is not loaded */
	STATUS_REFUSED,		/* installed, and could not be applied at boot */
	STATUS_SET_ASIDE,	/* installed; the machine crashed soon after it was applied */
	STATUS_OTHER_KERNEL,	/* installed, for another kernel than the one that runs */
	STATUS_STATES
};

extern const char *const status_names[STATUS_STATES];

struct status_update {
	const char *id;
	enum status_state state;
	const struct host_update *loaded;	/* NULL: it is not */
	const struct store_update *stored;	/* NULL: it is not installed */
	struct manifest *manifest;		/* NULL where nothing tells it; owned */
	char *signed_by;			/* the key; NULL: unsigned, or not known; owned */
	bool recorded;				/* that is known */
	bool on_probation;
	bool withdrawn;				/* by its makers */
	char *code;				/* of the refusal, or NULL; owned */
	char *message;				/* why it is not applied, or NULL; owned */
};

struct status {
	char *release;
	char *version;
	bool boot_enabled;		/* no kmend.enable=0 */
	unsigned int engine_abi;	/* 0: it is not loaded */
	struct host_updates loaded;
	struct store store;
	struct probation probation;
	struct status_update *updates;	/* the installed ones in their order, then the others */
	size_t count;
	size_t counts[STATUS_STATES];
};

/*
 * Reads all of it.  *@out is to be given to status_free() whatever is returned.
 */
struct error *status_read(struct status *out) __must_use;
void status_free(struct status *s);

/* The exit statuses of `kmend status`; that it cannot tell is ERROR_SYSTEM. */
enum {
	STATUS_ALL_APPLIED = 0,
	STATUS_NONE_INSTALLED = 1,
	STATUS_NOT_ALL_APPLIED = 2,
};
int status_exit(const struct status *s);

/* The kernel's release, and what was applied to it: one word, the caller's to free. */
char *status_level(const struct status *s);

/* The CVEs that the applied updates repair, no one twice; *@cves is to be freed, and nothing in it. */
void status_cves(const struct status *s, const char ***cves, size_t *count);

/* Seconds since the update was installed, 0 where it is not. */
uint64_t status_age(const struct status_update *u);

void status_print_json(const struct status *s);

/*
 * Writes metrics in Prometheus's text format to @path, in one step; @s NULL:
 * only that nothing can be told.
 */
struct error *status_write_metrics(const struct status *s, const char *path) __must_use;

#endif
