/* SPDX-License-Identifier: GPL-2.0 */
/* What verify and apply do alike: a pack is read, judged, proved and bound. */
#ifndef KMEND_CMD_PROVE_H
#define KMEND_CMD_PROVE_H

#include "bind/bind.h"
#include "match/match.h"
#include "pack/pack.h"
#include "pack/trust.h"

struct proof_target {
	const struct manifest_target *target;
	struct match **matches;		/* by the target's objects */
	struct bound module;		/* ready to be loaded */
	bool absent;			/* the module is not loaded: nothing of this is known */
};

struct proof {
	struct pack *pack;
	struct trust_result trust;
	struct proof_target *targets;	/* by the manifest's targets */
};

/*
 * Reads the pack at @path and judges its signature, kernel and terms; @kernel: the
 * folder of a snapshot, NULL for the running kernel.
 * Errors: those of pack_read(), trust_check() and proof_check_terms(); KERNEL-OTHER.
 */
struct error *proof_open(const char *path, bool allow_unsigned, const char *kernel, struct proof *p)
	__must_use;

/*
 * Refuses what its makers do not want applied any more: PACK-EXPIRED,
 * PACK-WITHDRAWN, SERIAL-OLD; for a snapshot (@kernel) only the first, as it is
 * no judgement of this machine.  That a later one of its channel was applied
 * is no hindrance for what is installed, which came before it.
 */
struct error *proof_check_terms(const char *path, const struct proof *p, const char *kernel) __must_use;

/* The id of the trusted key that signed it, or NULL. */
const char *proof_signer(const struct proof *p);

/*
 * Refusal ORDER where an update is not applied that the pack was made on top
 * of.  @live: a snapshot, NULL for the running kernel.
 */
struct error *proof_require_onto(const struct proof *p, const struct live *live) __must_use;

/*
 * Matches every object with the running kernel, but those of modules that are
 * not loaded.  That functions differ is no error here; see match_require().
 */
struct error *proof_match(struct proof *p, struct live *live) __must_use;

/* Binds the update's modules: an error where anything that it needs is not proved. */
struct error *proof_bind(struct proof *p, struct live *live) __must_use;

/*
 * Both for all of @proofs, and proof_require_needed(), in a sandbox (util/sandbox.h): only modules come back, and
 * whether their target is there.  @engine, where it is not NULL, is bound, too, into *@bound_engine.
 */
struct error *proof_run(struct proof *const *proofs, size_t count, struct live *live, const struct pack_file *engine,
			struct bound *bound_engine) __must_use;

/* The same for one target alone, which may be a module that is being loaded. */
struct error *proof_target(struct proof *p, struct live *live, const char *target,
			   const struct proof_target **out) __must_use;

/* Refusal MODULE-MISSING where a module is not loaded. */
struct error *proof_require_loaded(const struct proof *p) __must_use;

/* The same only where other parts of the update need what it brings to this module. */
struct error *proof_require_needed(const struct proof *p) __must_use;

void proof_fini(struct proof *p);

/* A clock that only goes forward, in milliseconds, and how many have passed since @start of it. */
double clock_milliseconds(void);
double milliseconds_since(double start);

#endif
