/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Taking the changed and the new code out of post objects, with everything
 * that the module loader needs for it, into one object for each target.
 */
#ifndef KMEND_EXTRACT_EXTRACT_H
#define KMEND_EXTRACT_EXTRACT_H

#include "diff/diff.h"
#include "extract/output.h"

/*
 * Symbols of the update that are bound when it is loaded.  "kernel/fork.o:foo"
 * stands for what the pre object kernel/fork.o calls foo; a name without a
 * colon for the global symbol of that name.
 */
#define EXTRACT_SEPARATOR ':'

struct extracted_function {
	char *name;		/* as the source calls it; owned */
	const char *object;	/* the post object's name, which must outlive this */
	bool added;		/* it is new; else it is replaced */
};

struct extracted_hook {
	char *name;		/* of the function; owned */
	const char *object;	/* the post object's name, which must outlive this */
	uint32_t kind;		/* enum kmend_hook_kind */
};

struct extraction {
	struct output *out;
	struct extracted_function *functions;
	size_t function_count, function_capacity;
	struct extracted_hook *hooks;
	size_t hook_count, hook_capacity;	/* entries of kmend_hooks[], too */
	uint32_t replaced;	/* entries of kmend_functions[] */
	uint32_t ranges;	/* entries of kmend_ranges[] */
	uint32_t objects;	/* entries of kmend_objects[] */
	bool escapes;		/* addresses of new code or data may be kept by the kernel */
};

struct extraction *extraction_new(void);
void extraction_free(struct extraction *x);

/*
 * Adds what @c changes.  Errors: refusals INIT-REFERENCE, SYMBOL-NAMELESS,
 * SECTION-UNKNOWN that name the function and what it refers to;
 * DECLARATION-INVALID where a hook is no new function.
 */
struct error *extract_change(struct extraction *x, const struct change *c) __must_use;

/* Completes the object: the tables kmend_functions[] and so on (kmend/engine.h). */
void extract_finish(struct extraction *x);

#endif
