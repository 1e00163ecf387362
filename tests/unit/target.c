// SPDX-License-Identifier: GPL-2.0
/* What create makes of several objects. */
#include "compile.h"

#include "cmd/target.h"

static struct compiled object_of(const char *name, const char *pre, const char *post)
{
	struct compiled o = { .source = xstrdup(name), .name = xstrdup(name), .built = true,
			      .target = xstrdup("vmlinux") };

	o.pre = pre ? compile(pre) : NULL;
	o.post = post ? compile(post) : NULL;
	return o;
}

/* Where its code changes, debug information is read: of nothing here. */
static struct compiled that_acts(struct compiled o)
{
	o.pre_debug = compile_debug("pre.o", "int x;");
	o.post_debug = compile_debug("post.o", "int x;");
	return o;
}

static void assert_targets(struct compiled a, struct compiled b, const char *code)
{
	struct compilation c = { .objects = xcalloc(2, sizeof(*c.objects)), .count = 2 };
	struct accepted none = { 0 };
	struct target_list list;

	c.objects[0] = a;
	c.objects[1] = b;
	assert_refused(targets_extract(&c, &none, &list), code);
	targets_fini(&list);
	compilation_fini(&c);
}

#define KEEP "int keep(void) { return 1; }\n"

static void test_moved_function(void **state)
{
	assert_targets(object_of("a.o", KEEP "int moved(void) { return 1; }\n", KEEP),
		       object_of("b.o", KEEP, KEEP "int moved(void) { return 2; }\n"), "FUNCTION-MOVED");
}

/* As the function above, also where something is static, and what it holds would be lost. */
static void test_moved_data(void **state)
{
#define USES(name) "int " name "(void) { return external(v++); }\n"
	assert_targets(that_acts(object_of("a.o", KEEP "int v = 3;" USES("f"), KEEP "extern int v;" USES("f"))),
		       object_of("b.o", KEEP, KEEP "int v = 3;" USES("g")), "DATA-MOVED");
	assert_targets(object_of("a.o", KEEP "static int v;" USES("f"), KEEP),
		       that_acts(object_of("b.o", KEEP, "static int v;" USES("g") "int keep(void) { return g(); }\n")), "DATA-MOVED");
	assert_targets(object_of("a.o", KEEP "static int v;" USES("f"), KEEP),
		       object_of("b.o", KEEP, KEEP "int v;" USES("g")), "DATA-MOVED");
	assert_targets(object_of("a.o", KEEP "int f(void) { static int v; return external(v++); }", KEEP),
		       that_acts(object_of("b.o", KEEP, "int keep(void) { static int v; return external(v++); }\n")),
		       "DATA-MOVED");
	/* What is read only is the same anywhere; a flag of a message may start anew. */
	assert_targets(object_of("a.o", KEEP "const int v[] = { 3, 4 }; int f(int i) { return v[i]; }", KEEP),
		       object_of("b.o", KEEP, KEEP "const int v[] = { 3, 4 }; int g(int i) { return v[i]; }"),
		       "NOTHING-CHANGED");
	assert_targets(object_of("a.o", KEEP "static char v __section(\".data.once\");" USES("f"), KEEP),
		       object_of("b.o", KEEP, KEEP "static char v __section(\".data.once\");" USES("g")), "NOTHING-CHANGED");
	/* Nothing that was there before in both is moved. */
	assert_targets(object_of("a.o", KEEP "static int v;" USES("f"), KEEP),
		       object_of("b.o", KEEP "static int v;" USES("g"), KEEP "static int v;" USES("g")), "NOTHING-CHANGED");
}

static void test_new_function_alone(void **state)
{
	assert_targets(object_of("a.o", KEEP, KEEP), object_of("b.o", KEEP, KEEP "int fresh(void) { return 2; }\n"),
		       "NOTHING-CHANGED");
}

static void test_files_that_come_and_go(void **state)
{
	/* A new file alone is called by nobody. */
	assert_targets(object_of("a.o", KEEP, KEEP), object_of("b.o", "", "int fresh(void) { return 2; }\n"),
		       "NOTHING-CHANGED");
	assert_targets(object_of("a.o", KEEP, KEEP), object_of("b.o", KEEP, NULL), "FILE-DELETED");
}

#define INIT "__attribute__((section(\".init.text\"))) "

/* Boot code of a new file never runs: what the other code needs of it is not there. */
static void test_boot_code_of_new_file(void **state)
{
	char *accepted[] = { (char *)"create" };
	size_t i;

	for (i = 0; i < 2; i++) {
		struct compilation c = { .objects = xcalloc(2, sizeof(*c.objects)), .count = 2 };
		struct accepted all = { .init = accepted, .init_count = i };
		struct target_list list;
		struct error *err;

		c.objects[0] = object_of("a.o", KEEP, "int fresh(void); int keep(void) { return fresh(); }\n");
		c.objects[0].pre_debug = compile_debug("pre.o", KEEP);
		c.objects[0].post_debug = compile_debug("post.o", "int keep(void) { return 2; }\n");
		c.objects[1] = object_of("b.o", "", "int cache; int fresh(void) { return cache; }\n"
					 INIT "int create(void) { return cache = 1; }\n");
		names_add(&c.touched, "create", strlen("create"));
		err = targets_extract(&c, &all, &list);
		if (!i)
			assert_refused(err, "INIT-CHANGED");
		else
			assert_ok(err);
		targets_fini(&list);
		compilation_fini(&c);
	}
}

/* Nothing lives that a file which is new could have had another layout of. */
static void test_hooks_in_a_new_file(void **state)
{
	static const char post[] = "static int first(void) { return external(1); }\n" HOOK("pre_apply", "first");
	_cleanup_free_ char *with_externals = xasprintf(PROLOGUE "%s", post);
	struct compilation c = { .objects = xcalloc(1, sizeof(*c.objects)), .count = 1 };
	struct accepted none = { 0 };
	struct target_list list;

	c.objects[0] = object_of("a.o", "", post);
	c.objects[0].post_debug = compile_debug("post.o", with_externals);
	assert_ok(targets_extract(&c, &none, &list));
	assert_int_equal(list.targets[0].extraction->hook_count, 1);
	targets_fini(&list);
	compilation_fini(&c);
}

/* Bits that get other numbers: refused where the code of that file changes, and is not accepted. */
static void test_renumbered_macros(void **state)
{
	static const char *const paths[] = { "a.o", "other.c", "x.h" };
	static const bool refused[] = { true, false, true };
	char *accepted[] = { (char *)"F_B" };
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(paths); i++)
		for (k = 0; k < 2; k++) {
			struct compilation c = { .objects = xcalloc(1, sizeof(*c.objects)), .count = 1 };
			struct accepted all = { .layouts = accepted, .layout_count = k };
			struct target_list list;
			struct error *err;

			c.objects[0] = object_of("a.o", KEEP, "int keep(void) { return 2; }\n");
			values_compare(&c.numbers, "#define F_A 1\n#define F_B 2\n",
				       "#define F_A 1\n#define F_X 2\n#define F_B 3\n", paths[i]);
			c.objects[0].pre_debug = compile_debug("pre.o", KEEP);
			c.objects[0].post_debug = compile_debug("post.o", KEEP);
			err = targets_extract(&c, &all, &list);
			if (refused[i] && !k)
				assert_refused(err, "LAYOUT-CHANGED");
			else
				assert_ok(err);
			targets_fini(&list);
			compilation_fini(&c);
		}
}

/* What a number sizes is for a person to judge. */
static void test_changed_numbers(void **state)
{
	static const struct accepted none;
	struct compilation c = { .objects = xcalloc(1, sizeof(*c.objects)), .count = 1 };
	struct target_list list;

	c.objects[0] = object_of("a.o", KEEP, "int keep(void) { return 2; }\n");
	c.objects[0].pre_debug = compile_debug("pre.o", KEEP);
	c.objects[0].post_debug = compile_debug("post.o", KEEP);
	values_compare(&c.numbers, "#define SHIFT 16\n", "#define SHIFT 20\n", "x.h");
	values_compare(&c.numbers, "#define BITS 16\n", "#define BITS 20\n", "other.c");
	assert_ok(targets_extract(&c, &none, &list));
	assert_int_equal(list.note_count, 1);
	assert_non_null(strstr(list.notes[0], "SHIFT in x.h was 16 and is 20"));
	targets_fini(&list);
	compilation_fini(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_moved_function),
		cmocka_unit_test(test_moved_data),
		cmocka_unit_test(test_new_function_alone),
		cmocka_unit_test(test_files_that_come_and_go),
		cmocka_unit_test(test_boot_code_of_new_file),
		cmocka_unit_test(test_hooks_in_a_new_file),
		cmocka_unit_test(test_renumbered_macros),
		cmocka_unit_test(test_changed_numbers),
	};

	return cmocka_run_group_tests(tests, make_test_folder, remove_test_folder);
}
