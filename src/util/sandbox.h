/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Work on what others made, in a process that can do nothing else: it has no
 * capability, and of the system calls those that need memory, read what is
 * open already, tell the time and answer.  Any other fails with EPERM.
 */
#ifndef KMEND_UTIL_SANDBOX_H
#define KMEND_UTIL_SANDBOX_H

#include "util/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the child tells, and the parent takes apart: whoever is in the child may tell anything. */
struct answer {
	uint8_t *data;
	size_t size;
	size_t capacity;
	size_t at;	/* what was taken already */
};

void answer_fini(struct answer *a);

/* Appends a number, bytes: their size goes before them. */
void answer_add_number(struct answer *a, uint64_t value);
void answer_add(struct answer *a, const void *data, size_t size);

/* Take what was added, in its order; false where it is not there.  @data, followed by a NUL, is the caller's to free. */
bool answer_take_number(struct answer *a, uint64_t *value) __must_use;
bool answer_take(struct answer *a, void **data, size_t *size) __must_use;

/*
 * Calls @work with @arg in a child; what it answers is in *@out, of @max bytes
 * at most, its error is returned as if it had come to be here.  What it changes in memory
 * is lost.  For a program with one thread.
 * Errors: system errors, also where the child died.
 */
struct error *sandbox_run(struct error *(*work)(void *arg, struct answer *out), void *arg, size_t max,
			  struct answer *out) __must_use;

/*
 * Puts this process into the same state for good: it may write to its standard output and errors only.  Does nothing
 * in a program that did not call privilege_begin(): one that goes on with something else, as tests do.
 */
void sandbox_enter(void);

#endif
