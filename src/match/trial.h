/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of this folder share: trial.c compares, match.c decides,
 * address.c tells, version.c follows updates.
 */
#ifndef KMEND_MATCH_TRIAL_H
#define KMEND_MATCH_TRIAL_H

#include "match/match.h"

/* What is known of the address of an atom or a symbol. */
struct place {
	uint64_t addr;
	bool known;
	bool conflict;	/* two functions that were taken for proved disagree */
	bool disputed;	/* nothing but the other showed that one of them is not proved */
	bool proved;	/* a function that was matched there itself */
	uint64_t seen;	/* the address that the trial @trial found */
	uint64_t trial;
};

/* What one candidate would make known, and by which relocation. */
struct finding {
	struct place *place;
	uint64_t addr;
	const struct reloc *rel;
};

struct trial {
	struct match *m;
	const struct match_function *function;
	unsigned int depth;
	uint64_t serial;	/* of the trial; what was taken back begins another */
	struct finding *findings;
	size_t count, capacity;
	uint32_t *map;		/* of the last trial: struct arch_walk's */
	bool guessed;		/* in this trial code was referred to that may be shifted */
	struct arch_walk *walk;
	struct error *err;	/* the memory cannot be trusted: no outcome counts */
};

/*
 * Compares the function @f with the code at @addr and notes in @f where they
 * differ; what it refers to is left in @t.
 */
bool trial_try(struct trial *t, struct match_function *f, uint64_t addr);

/* Whether the symbol is of the target, or of an update that the object is made onto. */
bool is_ours(const struct match *m, const struct live_symbol *s);

/* Whether the symbol is of such an update. */
bool is_of_update(const struct match *m, const struct live_symbol *s);

/* Where the function at @addr runs: itself, or where the jumps of such updates lead. */
uint64_t newest_version(const struct match *m, uint64_t addr);

/* A running function that may be one of the object. */
struct candidate {
	uint64_t entry;		/* its address to all others */
	uint64_t code;		/* where its newest version is */
	bool in_update;		/* it begins in an update's module */
};

/* All functions called @name, the newest version of each, by ascending address; *@out is the caller's to free. */
size_t find_candidates(const struct match *m, const char *name, struct candidate **out);

#endif
