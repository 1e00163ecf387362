/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The running kernel, as the stages after this one see it: its identity,
 * symbols, modules and memory.  It is read from the files that the kernel
 * offers in /proc, or from a snapshot of them; the symbols and modules once,
 * when it is opened.
 */
#ifndef KMEND_LIVE_LIVE_H
#define KMEND_LIVE_LIVE_H

#include "util/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct live;

/*
 * A line of /proc/kallsyms (kernel/kallsyms.c, s_show()).  Per-CPU symbols of
 * vmlinux have low addresses, the offset in the per-CPU area.
 */
struct live_symbol {
	uint64_t addr;
	const char *name;
	const char *module;	/* "" for vmlinux */
	char type;		/* as nm prints it: 't' and 'T' are code */
};

/* A line of /proc/modules (kernel/module/procfs.c, m_show()). */
struct live_module {
	const char *name;
	uint64_t base;		/* where its code starts */
	uint64_t size;		/* bytes of all its parts together */
	long refcount;		/* -1 where the kernel cannot unload modules, or just unloads it */
	const char *state;	/* "Live", "Loading" or "Unloading" */
};

/*
 * Opens the running kernel.  On success *@out is to be given to live_close();
 * all strings and symbols belong to it.
 * Errors: the refusals NOT-ROOT, KALLSYMS-MISSING, KALLSYMS-HIDDEN,
 * KCORE-MISSING, KCORE-LOCKDOWN; system errors.
 */
struct error *live_open(struct live **out) __must_use;

/*
 * The same from a folder that holds what /proc holds (kallsyms, modules,
 * kcore, sys/kernel/osrelease and sys/kernel/version), or from a snapshot of
 * it (live/snapshot.h), which needs no root.
 * Errors, also: SNAPSHOT-INVALID where a snapshot is damaged.
 */
struct error *live_open_at(const char *folder, struct live **out) __must_use;

/*
 * What live_release() and live_version() would tell, alone.  *@release and
 * *@version are the caller's to free, whatever is returned.
 */
struct error *live_identity(const char *folder, char **release, char **version) __must_use;

/* Frees; NULL is allowed. */
void live_close(struct live *live);

const char *live_release(const struct live *live);	/* uname -r */
const char *live_version(const struct live *live);	/* uname -v */

/* All symbols, sorted by address, those of equal address as the kernel lists them. */
const struct live_symbol *live_symbols(const struct live *live, size_t *count);

/*
 * Iterates over the symbols called @name, by ascending address: @prev is what
 * the last call returned, NULL at first.  @module: "vmlinux", a module's name,
 * or NULL for all.  Returns NULL after the last.
 *
 *	for (sym = NULL; (sym = live_find(live, name, "vmlinux", sym));)
 */
const struct live_symbol *live_find(const struct live *live, const char *name, const char *module,
				    const struct live_symbol *prev);

/* Whether @sym is of @module: "vmlinux" or a module's name. */
bool live_symbol_in(const struct live_symbol *sym, const char *module);

/*
 * The symbol with the greatest address that is not above @addr, the first of
 * several at one address; NULL below the first.  *@offset (may be NULL) is set
 * to @addr minus its address.
 */
const struct live_symbol *live_symbol_at(const struct live *live, uint64_t addr, uint64_t *offset);

/*
 * The address of the next symbol above @addr, whoever owns it: what starts at
 * @addr ends there at the latest.  UINT64_MAX after the last.
 */
uint64_t live_next_symbol_addr(const struct live *live, uint64_t addr);

/* vmlinux' code, from _stext to _etext; false where the symbols are missing. */
bool live_text_bounds(const struct live *live, uint64_t *start, uint64_t *end);

/* Modules, in the kernel's order. */
const struct live_module *live_modules(const struct live *live, size_t *count);

/* The module called @name, or NULL. */
const struct live_module *live_module(const struct live *live, const char *name);

/*
 * Copies @len bytes of kernel memory at @addr to @buf, through a cache: it may
 * return what was there when its surroundings were first read.
 * Errors: a system error where the range is not inside one segment of
 * /proc/kcore, or cannot be read; SNAPSHOT-INVALID where a snapshot is damaged.
 * The kernel returns zeros for memory that is mapped to nothing.
 */
struct error *live_read(struct live *live, uint64_t addr, void *buf, size_t len) __must_use;

#endif
