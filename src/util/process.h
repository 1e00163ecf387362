/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Child processes, run without a shell.  A child has its own process group and
 * dies when the thread that started it dies, so start children in the main
 * thread.
 */
#ifndef KMEND_UTIL_PROCESS_H
#define KMEND_UTIL_PROCESS_H

#include "util/error.h"

#include <stdbool.h>
#include <stddef.h>

struct process_options {
	const char *const *argv;	/* NULL-terminated; argv[0] is looked up in PATH */
	const char *dir;		/* where it runs; NULL: here */
	const char *const *env_add;	/* "KEY=VALUE"s, NULL-terminated, over our environment; or NULL */
	const void *input;		/* its standard input; NULL: /dev/null */
	size_t input_size;		/* bytes */
	bool merge_stderr;		/* into the output; else its standard error is ours */
};

/*
 * Runs a child to its end.  *@status is its exit status, or 128 + the signal
 * that killed it: a status that is not 0 is no error here.  *@output, where
 * @output is not NULL, is all that it wrote, NUL-terminated and the caller's
 * to free; *@output_size counts its bytes and may be NULL too.
 * Errors: system errors; a program that is missing is one that names it.
 */
struct error *process_run(const struct process_options *options, int *status, char **output,
			  size_t *output_size) __must_use;

/* A running child, or one that ended and was not waited for. */
struct process;

/* Starts a child; what @options points to may go afterwards. */
struct error *process_start(const struct process_options *options, struct process **p) __must_use;

/* Waits for @p to end, gives its results as process_run() does, and frees it. */
struct error *process_wait(struct process *p, int *status, char **output, size_t *output_size)
	__must_use;

/*
 * Waits until one of @list[0..@count - 1] has ended; NULL entries are passed
 * over, one must not be NULL.  *@index is its place; process_wait() on it does
 * not block.
 */
struct error *process_wait_any(struct process *const *list, size_t count, size_t *index)
	__must_use;

/* Kills @p with its group, waits for its end and frees it.  NULL is allowed. */
void process_kill(struct process *p);

/* Kills all running children with their groups and waits for them.  Async-signal-safe. */
void process_kill_all(void);

#endif
