// SPDX-License-Identifier: GPL-2.0
#include "util/memory.h"
#include "util/error.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define LARGE_PAGE (2u << 20)

static void *checked(void *p)
{
	if (!p) {
		fputs("kmend: out of memory\n", stderr);
		exit(ERROR_SYSTEM);
	}
	return p;
}

void *xmalloc(size_t size)
{
	return checked(malloc(size ? size : 1));
}

void *xcalloc(size_t count, size_t size)
{
	return checked(calloc(count ? count : 1, size ? size : 1));
}

void *xreallocarray(void *ptr, size_t count, size_t size)
{
	return checked(reallocarray(ptr, count ? count : 1, size ? size : 1));
}

void *xmemdup(const void *data, size_t size)
{
	void *copy = xmalloc(size);

	if (size)
		memcpy(copy, data, size);
	return copy;
}

void *xmalloc_large(size_t size)
{
	size_t whole = (size + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE;
	void *p;

	if (whole < size || size < LARGE_PAGE / 2)
		return xmalloc(size);
	p = checked(aligned_alloc(LARGE_PAGE, whole));
	/* It is an advice: without, the pages are small. */
	(void)madvise(p, whole, MADV_HUGEPAGE);
	return p;
}

char *xstrdup(const char *s)
{
	return checked(strdup(s));
}

char *xstrndup(const char *s, size_t n)
{
	return checked(strndup(s, n));
}

char *xvasprintf(const char *fmt, va_list args)
{
	char *s;

	return checked(vasprintf(&s, fmt, args) < 0 ? NULL : s);
}

char *xasprintf(const char *fmt, ...)
{
	va_list args;
	char *s;

	va_start(args, fmt);
	s = xvasprintf(fmt, args);
	va_end(args);
	return s;
}
