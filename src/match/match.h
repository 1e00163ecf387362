/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Run-pre matching: proving that the running code is what the pre object
 * holds, and learning from it the address of everything the object refers to.
 */
#ifndef KMEND_MATCH_MATCH_H
#define KMEND_MATCH_MATCH_H

#include "live/live.h"
#include "object/object.h"
#include "object/tables.h"

enum match_state {
	MATCH_ABSENT,		/* the running kernel has no function of this name */
	MATCH_DIFFERS,		/* none of those that it has is this one */
	MATCH_AMBIGUOUS,	/* more than one could be */
	MATCH_PROVED,
};

struct match_function {
	const struct atom *pre;
	enum match_state state;
	uint64_t addr;		/* where it runs; where MATCH_DIFFERS the last one looked at, 0 for none */
	uint64_t entry;		/* its address to all others; another one where an update's jump leads to addr */
	bool disproved;		/* it was taken for proved, and others showed that it is not */
	bool in_update;		/* that is in an update's module: an earlier update brought it */
	uint32_t run_size;	/* bytes of the running function */
	uint32_t jump_offset;	/* where a jump can be written, from addr */
	const char *blocked;	/* why it cannot, or NULL */
	struct finding *findings;	/* where proved: what it refers to; match.c's own */
	size_t finding_count;
	uint32_t *map;		/* where proved and shifted against the object: as that of struct arch_walk */
	bool guessed;		/* it refers into a function that was not proved then */
	/* MATCH_DIFFERS: where and how; static storage. */
	const char *why;
	uint64_t pre_offset, run_offset;
};

struct match {
	struct live *live;
	const char *target;	/* "vmlinux" or a module's name */
	char *const *onto;	/* ids of the updates that are part of @pre, in the order of application */
	size_t onto_count;
	struct object *pre;
	struct tables *tables;
	struct match_function *functions;	/* one for each function of the object */
	size_t function_count;
	struct match_function **by_name;	/* the same, sorted by name */
	struct place *atoms;	/* by atom index: what was learnt; match.c's own */
	struct place *symbols;	/* by symbol index */
	bool lists_data;	/* kallsyms has the target's data, not its functions alone */
	struct place *sections;	/* by section index: where its start would be */
};

/*
 * Matches all functions of @pre (taken over) with the running @target.  That
 * some do not match is told in the functions; errors are system errors, and
 * refusals where the object is not usable or a snapshot is damaged.
 */
struct error *match_object(struct live *live, const char *target, struct object *pre,
			   struct match **out) __must_use;

/*
 * The same where @pre is made of source with the patches of the @onto_count
 * updates whose ids are in @onto, which must stay: what they replaced is
 * compared where it runs now, in their modules.
 */
struct error *match_object_onto(struct live *live, const char *target, struct object *pre,
				char *const *onto, size_t onto_count, struct match **out) __must_use;
void match_free(struct match *m);

/* The function of this name, or NULL. */
const struct match_function *match_function(const struct match *m, const char *name);

/*
 * The running address of what the pre object calls @name: proved where it is a
 * function of the object, else learnt from what was proved, else the only
 * symbol of this name that it can be in the running kernel.
 * Errors: refusals FUNCTION-DIFFERS, FUNCTION-ABSENT, FUNCTION-AMBIGUOUS,
 * FUNCTION-REPLACED, FUNCTION-PROBED, SOURCE-DIFFERS, SYMBOL-UNKNOWN,
 * SYMBOL-CONFLICT.
 */
struct error *match_address(const struct match *m, const char *name, uint64_t *addr) __must_use;

/*
 * The refusal for a function that is not proved, NULL for one that is.
 */
struct error *match_require(const struct match *m, const struct match_function *f) __must_use;

#endif
