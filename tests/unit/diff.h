/* SPDX-License-Identifier: GPL-2.0 */
/* Comparing two snippets. Include it in one file of a test program. */
#ifndef KMEND_TESTS_DIFF_H
#define KMEND_TESTS_DIFF_H

#include "compile.h"

#include "diff/diff.h"

static struct change change;

static int reset(void **state)
{
	object_free(change.pre);
	object_free(change.post);
	change_fini(&change);
	memset(&change, 0, sizeof(change));
	return 0;
}

static inline struct error *compare(const char *pre, const char *post)
{
	reset(NULL);
	change.pre = compile(pre);
	change.post = compile(post);
	return diff_objects(&change);
}

/* @names: "f g ", in the order of the object; "" for none. */
static inline void assert_replaced(const char *names)
{
	_cleanup_free_ char *all = xstrdup("");
	size_t i;

	for (i = 0; i < change.replaced_count; i++) {
		char *longer = xasprintf("%s%s ", all, change.replaced[i]->symbol->name);

		free(all);
		all = longer;
	}
	assert_string_equal(all, names);
}

static inline enum atom_state state_of(const char *name)
{
	return atom_called(change.post, name)->state;
}

#define T(f) cmocka_unit_test_teardown(f, reset)

#endif
