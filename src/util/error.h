/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Errors are values: a function that can fail returns struct error *, NULL
 * for success.  The command prints it once; nothing deeper prints.
 */
#ifndef KMEND_UTIL_ERROR_H
#define KMEND_UTIL_ERROR_H

#include <stdarg.h>

/* The kinds are the exit statuses of the program (docs/refusals.md). */
enum error_kind {
	ERROR_REFUSED = 1,	/* what was asked for cannot or must not be done; nothing changed */
	ERROR_USAGE = 2,	/* the command line is wrong */
	ERROR_SYSTEM = 3,	/* memory, disk, a tool, the kernel */
};

struct error {
	enum error_kind kind;
	const char *code;	/* a stable code such as "PATCH-REJECTED", static storage; NULL but for a refusal */
	char *message;		/* one sentence for a person, further lines are detail; owned */
};

#define __must_use __attribute__((warn_unused_result))

/* A refusal. @code: one of those listed in docs/refusals.md, static storage. */
struct error *refuse(const char *code, const char *fmt, ...)
	__must_use __attribute__((format(printf, 2, 3)));

/* A wrong command line. */
struct error *usage_error(const char *fmt, ...) __must_use __attribute__((format(printf, 1, 2)));

/* The system failed; @errnum is an errno whose text is appended, or 0. */
struct error *system_error(int errnum, const char *fmt, ...)
	__must_use __attribute__((format(printf, 2, 3)));

/* Puts "prefix: " before the message of @err; NULL stays NULL. Returns @err. */
struct error *error_prefix(struct error *err, const char *fmt, ...)
	__must_use __attribute__((format(printf, 2, 3)));

/* Another one that says the same, the caller's to free. */
struct error *error_copy(const struct error *err) __must_use;

/* Frees; NULL is allowed. */
void error_free(struct error *err);

/* Whether @err is a refusal with this code. */
int error_is(const struct error *err, const char *code);

/* Returns from the calling function when @call fails. */
#define TRY(call)                                                                                  \
	do {                                                                                       \
		struct error *__err = (call);                                                      \
		if (__err)                                                                         \
			return __err;                                                              \
	} while (0)

#endif
