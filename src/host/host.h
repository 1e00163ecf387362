/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The machine that is updated: loading and unloading modules, the engine's
 * interface in sysfs (include/kmend/engine.h), and a record of each installed
 * update in /run/kmend, which like the update is gone after a reboot.
 */
#ifndef KMEND_HOST_HOST_H
#define KMEND_HOST_HOST_H

#include "kmend/engine.h"
#include "pack/manifest.h"
#include "util/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The name of the engine's module. */
#define HOST_ENGINE "kmend"

/*
 * Looks for /sys, /proc and /run below @root instead, for tests; "" is the
 * machine itself.  @root must stay.
 */
void host_set_root(const char *root);

/* Refuses with NOT-ROOT when not root; @what completes "only root may ...". */
struct error *host_require_root(const char *what) __must_use;

/*
 * Takes the lock that keeps apply and undo to one at a time, and waits for
 * another that holds it.  Closing *@fd releases it.  From here on, what the
 * process makes is for nobody else to write, whatever its umask was.
 */
struct error *host_lock(int *fd) __must_use;

/*
 * Loads the module in @image (@size bytes) with the name @name, for messages.
 * Where the kernel takes only signed modules it is signed with the machine's key.
 * Errors: the refusals MODULE-SIGNATURE, MODULES-LOCKDOWN, MODULES-DISABLED,
 * MODULE-EXISTS, KEY-INVALID; system errors.
 */
struct error *host_load_module(const void *image, size_t size, const char *name) __must_use;

/*
 * Refuses where it is clear beforehand that no module will be taken: the kernel
 * wants signatures, and there is no key to make them (MODULE-SIGNATURE,
 * KEY-INVALID).
 */
struct error *host_check_signing(void) __must_use;

/*
 * Unloads the module @name, waiting two seconds at most for those who use it; one that
 * is not loaded is no error.
 * Errors: the refusal MODULE-IN-USE; system errors.
 */
struct error *host_unload_module(const char *name) __must_use;

/* The ABI of the engine that is loaded (KMEND_ABI is the program's); 0 where none is. */
unsigned int host_engine_abi(void);

/* That no engine of another ABI is loaded.  Errors: the refusal ENGINE-ABI. */
struct error *host_check_engine(void) __must_use;

struct host_function {
	char *name;
	char *target;		/* "vmlinux" or a module's name */
	uint64_t old_addr;
	uint64_t new_addr;
};

/* What stood in the way of the last switch: a thread, another update, or a hook of its own. */
#define HOST_OTHER_UPDATE (-1)
#define HOST_HOOK (-2)
#define HOST_MORE (-3)
struct host_blocker {
	long tid;		/* 0: an idle task; or one of the above */
	char *name;		/* of the thread; the other update's id; what the hook returned, in words */
	char *function;		/* of HOST_MORE, which has nothing else: how many are not named */
	char *why;
};

/* A module that an update changes, and that may load and unload while it is applied. */
struct host_late {
	char *module;
	bool in;		/* the update's part for it is switched in */
	bool loaded;		/* or is being loaded */
};

/* An update whose modules are loaded. All is owned by it. */
struct host_update {
	char id[KMEND_ID_LEN + 1];
	bool applied;
	bool details_hidden;	/* functions and blockers are shown to root only */
	uint64_t pause_ns;	/* how long its last switch stopped the machine */
	struct host_function *functions;
	size_t function_count;
	size_t more_functions;	/* that the engine does not list */
	struct host_blocker *blockers;
	size_t blocker_count;
	char **modules;		/* the names of its modules, the newest first */
	size_t module_count;
	struct host_late *late;
	size_t late_count;
};

struct host_updates {
	struct host_update *updates;	/* sorted by id */
	size_t count;
};

/*
 * Reads all updates that the engine knows; none where no engine is loaded.
 * *@out is to be given to host_updates_free() whatever is returned.
 * Errors: system errors, also where the engine has another ABI.
 */
struct error *host_updates_read(struct host_updates *out) __must_use;
void host_updates_free(struct host_updates *updates);

/* The update @id of them, or NULL; whether it is there and applied. */
const struct host_update *host_updates_get(const struct host_updates *updates, const char *id);
bool host_updates_applied(const struct host_updates *updates, const char *id);

/* What a switch took. */
struct host_switch_report {
	unsigned int attempts;		/* tries of the engine */
};

/*
 * Applies or undoes @count updates in one stop of the machine.  While threads
 * are in the functions the engine tries again, and moves those that sleep there
 * out of them, for at most @timeout seconds (0: one try; a day at most).
 * @report may be NULL.
 * Errors, nothing changed: the refusals BLOCKED (its message lists the
 * threads), NOT-ROOT, TEXT-CHANGED, MODULE-MOVED, ALREADY-APPLIED, NOT-APPLIED,
 * FUNCTION-REPLACED, ORDER, NOT-INSTALLED; system errors.
 */
struct error *host_switch(bool apply, const char *const *ids, size_t count, unsigned int timeout,
			  struct host_switch_report *report) __must_use;

/*
 * Whether the engine is at a switch.  It goes on with one whose program was
 * killed; only afterwards is it known what came of it.
 */
struct error *host_switch_running(bool *running) __must_use;

/*
 * Modules that load later (kmend/engine.h tells the rules).  host_late_begin()
 * tells the engine to ask this program; host_late_await() that update @id, not
 * yet applied, awaits @module, host_late_forget() that it awaits none any more;
 * host_late_done() answers for @module.
 */
struct error *host_late_begin(void) __must_use;
struct error *host_late_await(const char *id, const char *module) __must_use;
struct error *host_late_forget(const char *id) __must_use;
struct error *host_late_done(const char *module) __must_use;

/*
 * Loads a module of an applied update, which the engine then switches in.
 * Errors: those of host_load_module() and host_switch().
 */
struct error *host_late_load(const char *id, const void *image, size_t size, const char *name) __must_use;

/* Notes why @module could not be switched, or, where @why is NULL, that it could. */
struct error *host_late_note(const char *id, const char *module, const struct error *why) __must_use;

/* *@why: what was noted, the caller's to free, or NULL. */
struct error *host_late_read_note(const char *id, const char *module, char **why) __must_use;

/* What apply leaves behind for status and undo. */
struct host_record {
	struct manifest *manifest;	/* owned; NULL where there is no record */
	char *signed_by;		/* the key's id or name, plain; owned; NULL: unsigned */
};

/* Writes the record of update @id; @signed_by as in struct host_record. */
struct error *host_record_write(const char *id, const char *manifest_json, size_t manifest_size,
				const char *signed_by) __must_use;

/*
 * Reads the record of update @id.  *@record is to be given to
 * host_record_free() whatever is returned.
 */
struct error *host_record_read(const char *id, struct host_record *record) __must_use;
void host_record_free(struct host_record *record);

/* Whether the record of update @id tells that it was made on top of update @below. */
bool host_record_is_onto(const char *id, const char *below);

/* Its manifest as it stood in the pack; *@json is the caller's to free. */
struct error *host_record_manifest(const char *id, void **json, size_t *size) __must_use;

/* Removes the record of update @id; none is no error. */
struct error *host_record_remove(const char *id) __must_use;

/* Removes the records of what is not installed: a command that was killed may have left them. */
struct error *host_records_prune(void) __must_use;

/* *@enabled: whether the kernel's command line has no kmend.enable=0. */
struct error *host_boot_enabled(bool *enabled) __must_use;

/* Whether this kernel was booted to save the memory of one that crashed (kdump; fs/proc/vmcore.c). */
bool host_saves_crash(void);

/* Notes why the installed update @id could not be applied at this boot. */
struct error *host_refusal_write(const char *id, const struct error *why) __must_use;

/*
 * Reads that: the code of a refusal, or NULL, and the sentence, both the
 * caller's to free; both NULL where nothing was noted.
 */
struct error *host_refusal_read(const char *id, char **code, char **message) __must_use;

/* Forgets it; nothing noted is no error. */
struct error *host_refusal_remove(const char *id) __must_use;

#endif
