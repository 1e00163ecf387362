/* SPDX-License-Identifier: GPL-2.0 */
/* What tests ask of an error; each takes it. */
#ifndef KMEND_TESTS_CHECK_H
#define KMEND_TESTS_CHECK_H

#include "util/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

static inline void assert_ok(struct error *err)
{
	if (err)
		fail_msg("[%s] %s", err->code ? err->code : "", err->message);
}

/* A refusal with @code, in whose sentence @part is. */
static inline void assert_refused(struct error *err, const char *code, const char *part)
{
	assert_non_null(err);
	if (!error_is(err, code) || !strstr(err->message, part))
		fail_msg("not %s with \"%s\": [%s] %s", code, part, err->code ? err->code : "", err->message);
	error_free(err);
}

#endif
