/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of this folder share. */
#ifndef KMEND_HOST_PRIVATE_H
#define KMEND_HOST_PRIVATE_H

#include "host/host.h"

/* The engine's folder in sysfs. */
#define SYSFS "/sys/kernel/kmend"

/* No file that is read here is longer, in bytes. */
#define HOST_TEXT_MAX (16u << 20)

/* The path below the root that host_set_root() set; the caller's to free. */
char *host_path(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Whether host_set_root() set another root than the machine's own. */
bool host_has_root(void);

/* What tells this boot from others; the caller's to free. */
struct error *host_boot_id(char **id) __must_use;

/*
 * Loads a module, with the signature of the machine's key where the kernel wants
 * one; *@errnum is 0, or why the kernel did not take it.  Errors: those of
 * signer_open().
 */
struct error *host_insert_module(const void *image, size_t size, int *errnum) __must_use;

/* Why init_module() failed with @errnum for the module @name. */
struct error *host_module_error(const char *name, int errnum) __must_use;

/* Why a part of update @id was not switched in: the refusal for an errno of the engine's. */
struct error *host_late_error(const char *id, int errnum) __must_use;

/* The blockers of update @id, appended to *@blockers, both to be freed. */
struct error *host_blockers_read(const char *id, struct host_blocker **blockers, size_t *count)
	__must_use;
void host_blockers_free(struct host_blocker *blockers, size_t count);

/* The kernel live patch that is enabled for @function, "NAME" or "NAME+0x0"; the caller's to free; NULL: none is known. */
char *host_live_patch_of(const char *function);

/*
 * Writes @command to the engine's switch at @path in one write(2); returns 0
 * or an errno.  A variable, for tests: a file refuses nothing.
 */
extern int (*host_write_switch)(const char *path, const char *command);

#endif
