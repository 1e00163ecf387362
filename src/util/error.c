// SPDX-License-Identifier: GPL-2.0
#include "util/error.h"
#include "util/memory.h"

#include <stdio.h>
#include <string.h>

static struct error *error_new(enum error_kind kind, const char *code, char *message)
{
	struct error *err = xcalloc(1, sizeof(*err));

	err->kind = kind;
	err->code = code;
	err->message = message;
	return err;
}

struct error *refuse(const char *code, const char *fmt, ...)
{
	char *message;
	va_list args;

	va_start(args, fmt);
	message = xvasprintf(fmt, args);
	va_end(args);
	return error_new(ERROR_REFUSED, code, message);
}

struct error *usage_error(const char *fmt, ...)
{
	char *message;
	va_list args;

	va_start(args, fmt);
	message = xvasprintf(fmt, args);
	va_end(args);
	return error_new(ERROR_USAGE, NULL, message);
}

struct error *system_error(int errnum, const char *fmt, ...)
{
	char *message, *whole;
	va_list args;

	va_start(args, fmt);
	message = xvasprintf(fmt, args);
	va_end(args);
	if (!errnum)
		return error_new(ERROR_SYSTEM, NULL, message);
	whole = xasprintf("%s: %s", message, strerror(errnum));
	free(message);
	return error_new(ERROR_SYSTEM, NULL, whole);
}

struct error *error_prefix(struct error *err, const char *fmt, ...)
{
	char *prefix, *whole;
	va_list args;

	if (!err)
		return NULL;
	va_start(args, fmt);
	prefix = xvasprintf(fmt, args);
	va_end(args);
	whole = xasprintf("%s: %s", prefix, err->message);
	free(prefix);
	free(err->message);
	err->message = whole;
	return err;
}

struct error *error_copy(const struct error *err)
{
	struct error *copy = xmemdup(err, sizeof(*err));

	copy->message = xstrdup(err->message);
	return copy;
}

void error_free(struct error *err)
{
	if (!err)
		return;
	free(err->message);
	free(err);
}

int error_is(const struct error *err, const char *code)
{
	return err && err->code && !strcmp(err->code, code);
}
