/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Allocation that cannot fail, and ownership by scope.  Where memory runs out
 * the program says so and exits with ERROR_SYSTEM; exit handlers remove its
 * temporary files.  Sizes that come from a file are bounded by their reader
 * before they get here.
 */
#ifndef KMEND_UTIL_MEMORY_H
#define KMEND_UTIL_MEMORY_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xreallocarray(void *ptr, size_t count, size_t size);
void *xmemdup(const void *data, size_t size);

/*
 * For megabytes that are read all over: in large pages where the system has them, as the faults of small ones take longer
 * than what is done with them.
 */
void *xmalloc_large(size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
char *xvasprintf(const char *fmt, va_list args) __attribute__((format(printf, 1, 0)));

/*
 * Makes room for one more element in a growing array: @array an lvalue
 * pointer, @count the elements in use, @capacity an lvalue that this updates.
 */
#define array_grow(array, count, capacity)                                                         \
	do {                                                                                       \
		if ((count) == (capacity)) {                                                       \
			(capacity) = (capacity) ? 2 * (capacity) : 16;                             \
			(array) = xreallocarray((array), (capacity), sizeof(*(array)));            \
		}                                                                                  \
	} while (0)

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_fclose(FILE **f)
{
	if (*f)
		fclose(*f);
}

#define _cleanup_(f)	__attribute__((cleanup(f)))
#define _cleanup_free_	 _cleanup_(cleanup_free)
#define _cleanup_close_	 _cleanup_(cleanup_close)
#define _cleanup_fclose_ _cleanup_(cleanup_fclose)

/* Takes the pointer out of a scope-owned variable, so that it outlives it. */
#define take_ptr(p)                                                                                \
	({                                                                                         \
		__typeof__(p) __p = (p);                                                           \
		(p) = NULL;                                                                        \
		__p;                                                                               \
	})

#endif
