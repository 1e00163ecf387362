// SPDX-License-Identifier: GPL-2.0
/* What the pre object has and the post object has not. */
#include "diff.h"

static void deleted_functions(void **state)
{
	assert_ok(compare("noinline int gone(int x) { return external(x); } int f(int x) { return gone(x) + 1; }",
			  "int f(int x) { return external(x) + 1; }"));
	assert_replaced("f ");
}

static void functions_get_new_names(void **state)
{
	assert_ok(compare("static noinline int old(int x) { return external(x) + 1; } int f(int x) { return old(x); }\n"
			  "int g(int x) { return old(x) * 2; }",
			  "static noinline int new(int x) { return external(x) + 1; } int f(int x) { return new(x); }\n"
			  "int g(int x) { return new(x) * 2; }"));
	assert_replaced("f g ");
	assert_int_equal(state_of("new"), ATOM_NEW);
}

/* What was given its address goes on calling it. */
static void functions_whose_address_is_kept(void **state)
{
#define HANDLER(name) "static int " name "(int x) { return external(x); } extern void start(int (*)(int));\n"
#define STARTS(name, more) HANDLER(name) "void f(void) { start(" name ")" more "; }"
	assert_ok(compare(STARTS("handler", ""), STARTS("other", "")));
	assert_replaced("f ");
	assert_int_equal(change.note_count, 1);
	assert_non_null(strstr(change.notes[0], "handler in "));
	assert_ok(compare(STARTS("handler", ""), STARTS("handler", "; external(1)")));
	assert_int_equal(change.note_count, 0);
	/* Boot code gave it away. */
	assert_ok(compare(HANDLER("handler") "void __section(\".init.text\") f(void) { start(handler); } int g(int x) { return x; }",
			  HANDLER("other") "void __section(\".init.text\") f(void) { start(other); } int g(int x) { return x + 1; }"));
	assert_int_equal(change.note_count, 2);
	/* One that ran at boot is nowhere any more. */
	assert_ok(compare("static int __section(\".init.text\") set(int x) { return external(x); } extern void start(int (*)(int));\n"
			  "void f(void) { start(set); }", "extern void start(int (*)(int)); void f(void) { start(0); }"));
	assert_int_equal(change.note_count, 0);
}

/* What one holds the other does not have. */
static void data_with_new_names(void **state)
{
#define COUNTS(name) "static int " name "; int f(void) { return external(++" name "); }\n"
	static const struct {
		const char *pre, *post;
	} kept[] = {
		{ COUNTS("count"), "static long calls; int f(void) { return external(++calls); }" },
		{ COUNTS("count"), "static int count, calls; int f(void) { return external(++count) + ++calls; }" },
		{ COUNTS("count"), "static const int calls[] = { 1 }; int f(int x) { return external(calls[x]); }" },
		{ COUNTS("count"), "int f(void) { return external(1); } static int calls; int g(void) { return ++calls; }" },
	};
	_cleanup_free_ char *calls = xstrdup("calls");
	size_t i;

	assert_refused(compare(COUNTS("count"), COUNTS("calls")), "DATA-MOVED");
	assert_refused(compare("int count; int f(void) { return external(++count); }",
			       "int calls; int f(void) { return external(++calls); }"), "DATA-MOVED");
	for (i = 0; i < ARRAY_SIZE(kept); i++)
		assert_ok(compare(kept[i].pre, kept[i].post));
	reset(NULL);
	change.pre = compile(COUNTS("count"));
	change.post = compile(COUNTS("calls"));
	change.accepted_data = &calls;
	change.accepted_data_count = 1;
	assert_ok(diff_objects(&change));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(deleted_functions), T(functions_get_new_names), T(functions_whose_address_is_kept),
		T(data_with_new_names),
	};

	return cmocka_run_group_tests(tests, make_test_folder, remove_test_folder);
}
