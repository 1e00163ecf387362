/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a pack says of itself: manifest.json, the first member of every pack.
 *
 * All strings are owned by the manifest.  Reading checks every count, length
 * and name before use; what was read is well formed:
 * - an id is KMEND_ID_LEN lower-case hex digits; no update is made onto itself,
 *   or twice onto another;
 * - no text has control characters; the release has no "/";
 * - names of members and objects are relative paths of printable ASCII without
 *   "." or ".." parts, at most 255 bytes;
 * - names of targets and of update modules are of letters, digits, "_" and
 *   "-", shorter than KMEND_NAME_LEN;
 * - a date is one of the calendar; a serial is there with its channel only;
 * - every file that a target or an object names is a listed member;
 * - the object of each symbol, hook and declaration, and of each replaced
 *   function, is one that a target lists;
 * - no target, update module or member is there twice, no object twice in a target.
 */
#ifndef KMEND_PACK_MANIFEST_H
#define KMEND_PACK_MANIFEST_H

#include "util/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MANIFEST_FORMAT 3
#define MANIFEST_MAX_SIZE (4u << 20)	/* bytes of JSON */
#define MANIFEST_DATE_SIZE 11		/* "2027-12-31" and a NUL */
#define PACK_MAX_MEMBERS 4096		/* without the manifest and its signature */
#define PACK_MAX_SIZE (64ull << 20)	/* bytes of these members together */

/* What happens to a function. */
enum manifest_action {
	MANIFEST_REPLACE,	/* its running code is redirected to the new code */
	MANIFEST_ADD,		/* it is new */
};

struct manifest_function {
	char *name;		/* as the source calls it */
	char *object;		/* the object it is compiled into, "kernel/fork.o" */
	enum manifest_action action;
};

/* A function of the patch that is called when the update is switched (kmend/hooks.h). */
struct manifest_hook {
	char *kind;		/* "pre_apply" and so on, one of KMEND_HOOK_NAMES */
	char *name;
	char *object;
};

/* What the patch, or who made the pack, says shall happen to data (kmend/hooks.h). */
struct manifest_declaration {
	char *kind;		/* "overwrite", "keep" or "layout" */
	char *name;		/* of the object, or the type */
	char *object;
};

/* A symbol that the update module refers to and that must be given this boot's address. */
struct manifest_symbol {
	char *symbol;		/* its name in the update module's symbol table */
	char *name;		/* its name in the kernel */
	char *object;		/* the pre object that knows it, "kernel/fork.o" */
};

/* One pre object: the proof's reference for one compiled source file. */
struct manifest_object {
	char *name;		/* "kernel/fork.o" */
	char *pre;		/* member, "pre/kernel/fork.o" */
};

/* What is changed in vmlinux, or in one kernel module. */
struct manifest_target {
	char *name;		/* "vmlinux" or the module's name as in /proc/modules */
	char *module;		/* the update module's name, as it appears in /proc/modules */
	char *file;		/* member, "new/vmlinux.ko" */
	struct manifest_object *objects;
	size_t object_count;
	struct manifest_function *functions;
	size_t function_count;
	struct manifest_hook *hooks;
	size_t hook_count;
	struct manifest_declaration *declarations;
	size_t declaration_count;
	struct manifest_symbol *symbols;
	size_t symbol_count;
};

struct manifest_member {
	char *name;
	uint64_t size;		/* bytes */
	uint8_t sha256[32];
};

struct manifest {
	char id[17];		/* KMEND_ID_LEN hex digits and a NUL */
	char *description;	/* one line, may be empty */
	char **cves;		/* "CVE-2026-1234" */
	size_t cve_count;
	char *release;		/* uname -r of the kernel */
	char *version;		/* uname -v of the kernel; empty where the kit does not tell it */
	char expires[MANIFEST_DATE_SIZE]; /* the last day, in UTC, on which it may be applied; empty: always */
	char *channel;		/* the series that it is one of; empty or NULL: none */
	uint64_t serial;	/* its place in the channel: from 1 on */
	char **notes;		/* what create wants the administrator to know, one sentence each */
	size_t note_count;
	char **onto;		/* ids of the updates that must be applied before, in their order */
	size_t onto_count;
	bool stays_loaded;	/* new code's addresses may outlive an undo: its module is not unloaded */
	struct manifest_target *targets;
	size_t target_count;
	struct manifest_member *members;	/* every member but the manifest and its signature */
	size_t member_count;
};

/*
 * Writes @m as JSON: keys sorted, no time, no path of the machine, so that
 * equal manifests are equal bytes.  *@json, NUL-terminated, is the caller's
 * to free.  Errors: a refusal PACK-INVALID where a text is not UTF-8.
 */
struct error *manifest_to_json(const struct manifest *m, char **json, size_t *size) __must_use;

/*
 * Reads @size bytes of JSON, which may come from an enemy.
 * Errors: a refusal PACK-INVALID that names the field; PACK-FORMAT where the
 * format's number is another.  A field that this format does not have is
 * refused too: it could mean something that must not be passed over.
 * On success *@m is the caller's, to be given to manifest_free().
 */
struct error *manifest_from_json(const char *json, size_t size, struct manifest **m) __must_use;

/* Whether @s can be the id of an update. */
bool manifest_is_id(const char *s);

/* Whether @s is a date, "2027-12-31"; whether @s can be the name of a channel. */
bool manifest_is_date(const char *s);
bool manifest_is_channel(const char *s);

/* Whether the last day on which @m may be applied is over at the time @now, seconds since 1970. */
bool manifest_is_expired(const struct manifest *m, int64_t now);

void manifest_free(struct manifest *m);

#endif
