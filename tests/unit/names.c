// SPDX-License-Identifier: GPL-2.0
/* What headers define, and who is reached by a change of them. */
#include "compile.h"

#include "build/names.h"
#include "build/reach.h"

static struct names names;

static int forget(void **state)
{
	names_fini(&names);
	return 0;
}

/* @expected: "a b ", in the order in which they were found. */
static void assert_names(const char *expected)
{
	_cleanup_free_ char *all = xstrdup("");
	size_t i;

	for (i = 0; i < names.count; i++) {
		char *longer = xasprintf("%s%s ", all, names.list[i]);

		free(all);
		all = longer;
	}
	assert_string_equal(all, expected);
}

/* The names of what lies in lines @first to @last of @text; whether their reach cannot be told. */
static bool names_of(const char *text, unsigned long first, unsigned long last)
{
	struct line_range range = { first, last };
	bool whole = false;

	names_fini(&names);
	names_of_ranges(text, &range, 1, &names, &whole);
	return whole;
}

static const char header[] = "#ifndef H\n"			/* 1 */
			     "#define H\n"			/* 2 */
			     "#define LIMIT \\\n\t16\n"		/* 3, 4 */
			     "/* f( is a comment */\n"		/* 5 */
			     "static inline int f(struct s *s,\n"	/* 6 */
			     "\t\t    int n)\n"			/* 7 */
			     "{\n"				/* 8 */
			     "\treturn g(s, \"}\");\n"		/* 9 */
			     "}\n"				/* 10 */
			     "struct point {\n"			/* 11 */
			     "\tint x, y;\n"			/* 12 */
			     "} __packed;\n"			/* 13 */
			     "enum color { RED, GREEN = 2 };\n"	/* 14 */
			     "extern int counter, other[4];\n"	/* 15 */
			     "LIST(void, NONE, hook, struct s *s)\n" /* 16 */
			     "LIST(int, 0, second, int n)\n"	/* 17 */
			     "TRACE_EVENT(tick, TP_PROTO(int n));\n" /* 18 */
			     "#endif\n";			/* 19 */

static void test_macro(void **state)
{
	assert_false(names_of(header, 4, 4));
	assert_names("LIMIT ");
}

static void test_function(void **state)
{
	assert_false(names_of(header, 9, 9));
	assert_names("f ");
}

static void test_types(void **state)
{
	assert_false(names_of(header, 12, 12));
	assert_names("point ");
	assert_false(names_of(header, 14, 14));
	assert_names("color RED GREEN ");
}

static void test_variables(void **state)
{
	assert_false(names_of(header, 15, 15));
	assert_names("counter other ");
}

/* Lists of macros without semicolons: each line is a thing of its own. */
static void test_macro_lists(void **state)
{
	assert_false(names_of(header, 17, 17));
	assert_names("second trace_second ");
	assert_false(names_of(header, 18, 18));
	assert_names("tick trace_tick ");
}

static void test_conditionals_reach_everything(void **state)
{
	assert_true(names_of(header, 1, 1));
	assert_true(names_of(header, 19, 19));
	assert_false(names_of(header, 5, 5));
	assert_names("");
}

static void test_users(void **state)
{
	static const char text[] = "#define CALL(x) f(x)\n"
				   "static inline int wrap(void) { return CALL(0); }\n"
				   "static inline int apart(void) { return ff(0); }\n"
				   "struct point { int x; };\n";

	names_add(&names, "f", 1);
	assert_true(names_of_users(text, &names, &names));
	assert_names("f CALL wrap ");
	assert_false(names_of_users(text, &names, &names));
}

static void put(const char *path, const char *text)
{
	_cleanup_free_ char *whole = path_join(test_folder, path);
	_cleanup_free_ char *parent = xstrdup(whole);

	*strrchr(parent, '/') = '\0';
	assert_ok(make_dirs(parent));
	assert_ok(file_write(whole, text, strlen(text), 0644));
}

/* Whom the patch @text reaches in the tree of the test: "a.c b.c ". */
static void assert_reach(const char *text, const char *expected)
{
	_cleanup_free_ char *all = xstrdup(""), *path = path_join(test_folder, "test.patch");
	struct tree tree = { .source = test_folder, .path = test_folder };
	char *paths[] = { path };
	struct patches *p;
	struct reach r;
	size_t i;

	put("test.patch", text);
	assert_ok(patches_read(paths, 1, &p));
	assert_ok(reach_find(&tree, p, &r));
	for (i = 0; i < r.count; i++) {
		char *longer = xasprintf("%s%s ", all, r.sources[i]);

		free(all);
		all = longer;
	}
	reach_fini(&r);
	patches_free(p);
	assert_string_equal(all, expected);
}

static void test_reach(void **state)
{
	put("include/linux/a.h", "static inline int one(void)\n{\n\treturn 1;\n}\n"
				 "static inline int two(void)\n{\n\treturn 2;\n}\n");
	put("include/linux/b.h", "#include <linux/a.h>\n#define ONE one()\n");
	put("kernel/direct.c", "int direct(void) { return one(); }\n");
	put("net/through.c", "int through(void) { return ONE; }\n");
	put("fs/apart.c", "int apart(void) { return two(); }\n");
	assert_reach("--- a/include/linux/a.h\n+++ b/include/linux/a.h\n@@ -1,5 +1,5 @@\n"
		     " static inline int one(void)\n {\n-\treturn 1;\n+\treturn 11;\n }\n"
		     " static inline int two(void)\n",
		     "kernel/direct.c net/through.c ");
}

/* A header beside its users: all that include it, and nobody who includes one of the same name. */
static void test_reach_of_local_header(void **state)
{
	put("net/x/flow.h", "#define FLOW 1\n");
	put("net/x/deep.h", "#include \"flow.h\"\n");
	put("net/x/user.c", "#include \"deep.h\"\n");
	put("net/x/y/below.c", "#include \"../flow.h\"\n");
	put("net/other/flow.h", "#define FLOW 2\n");
	put("drivers/net/z.c", "#include \"flow.h\"\n");
	put("fs/w.c", "#include <net/flow.h>\n");
	assert_reach("--- a/net/x/flow.h\n+++ b/net/x/flow.h\n@@ -1 +1 @@\n-#define FLOW 1\n+#define FLOW 3\n",
		     "net/x/user.c net/x/y/below.c ");
}

static void test_reach_of_included_source(void **state)
{
	put("kernel/sched/rt.c", "int rt;\n");
	put("kernel/sched/build.c", "#include \"rt.c\"\n");
	assert_reach("--- a/kernel/sched/rt.c\n+++ b/kernel/sched/rt.c\n@@ -1 +1 @@\n-int rt;\n+int rt2;\n",
		     "kernel/sched/build.c ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_macro, forget),
		cmocka_unit_test_teardown(test_function, forget),
		cmocka_unit_test_teardown(test_types, forget),
		cmocka_unit_test_teardown(test_variables, forget),
		cmocka_unit_test_teardown(test_macro_lists, forget),
		cmocka_unit_test_teardown(test_conditionals_reach_everything, forget),
		cmocka_unit_test_teardown(test_users, forget),
		cmocka_unit_test(test_reach),
		cmocka_unit_test(test_reach_of_local_header),
		cmocka_unit_test(test_reach_of_included_source),
	};

	return cmocka_run_group_tests(tests, make_test_folder, remove_test_folder);
}
