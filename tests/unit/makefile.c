// SPDX-License-Identifier: GPL-2.0
/* Which changes of makefiles are no more than a list of what the patch adds. */
#include "compile.h"

#include "build/makefile.h"

#define MAKEFILE(lines) "--- a/net/x/Makefile\n+++ b/net/x/Makefile\n@@ -1,2 +1,3 @@\n" lines
#define ADDED(file) "--- /dev/null\n+++ b/net/x/" file "\n@@ -0,0 +1 @@\n+int x;\n"

static bool only_lists(const char *text)
{
	_cleanup_free_ char *path = path_join(test_folder, "test.patch");
	struct tree tree = { .source = test_folder, .path = test_folder, .build = test_folder };
	char *paths[] = { path };
	struct patches *p;
	bool lists;

	assert_ok(file_write(path, text, strlen(text), 0644));
	assert_ok(patches_read(paths, 1, &p));
	lists = makefile_only_lists_added(&tree, p, "net/x/Makefile");
	patches_free(p);
	return lists;
}

static void test_lists(void **state)
{
	assert_true(only_lists(MAKEFILE(" # a\n+obj-y += new.o\n b\n") ADDED("new.c")));
	assert_true(only_lists(ADDED("new.c") MAKEFILE(" # a\n+x-$(CONFIG_X) := new.o\n b\n-- \n2.39\n")));
	assert_true(only_lists(MAKEFILE("-x-objs := a.o b.o\n+x-objs := a.o b.o \\\n+\tnew.o # new\n b\n")
			       ADDED("new.S")));
}

static void test_others(void **state)
{
	assert_false(only_lists(MAKEFILE(" # a\n+obj-y += new.o\n b\n") ADDED("other.c")));
	assert_false(only_lists(MAKEFILE(" # a\n+obj-y += new/\n b\n") ADDED("new.c")));
	assert_false(only_lists(MAKEFILE(" # a\n+ccflags-y += -DX\n b\n") ADDED("new.c")));
	assert_false(only_lists(MAKEFILE(" # a\n+CFLAGS_new.o = -DX\n b\n") ADDED("new.c")));
	assert_false(only_lists(MAKEFILE(" # a\n+ifdef X\n b\n") ADDED("new.c")));
	assert_false(only_lists(MAKEFILE("-x-y := a.o b.o\n+x-y := a.o new.o\n b\n") ADDED("new.c")));
}

/* Comments, and what belongs to an option that is not set. */
static void test_without_effect(void **state)
{
	_cleanup_free_ char *dir = path_join(test_folder, "include/config"), *file = path_join(dir, "ON");

	assert_ok(make_dirs(dir));
	assert_ok(file_write(file, "", 0, 0644));
	assert_true(only_lists(MAKEFILE(" # a\n-# x = 1\n+ # y = 2\n b\n")));
	assert_false(only_lists(MAKEFILE(" # a\n+# y = 2 \\\n b\n")));
	assert_true(only_lists(MAKEFILE(" # a\n+obj-$(CONFIG_OFF) += x/\n b\n")));
	assert_true(only_lists(MAKEFILE(" # a\n-x-$(CONFIG_OFF) += old.o\n b\n")));
	assert_false(only_lists(MAKEFILE(" # a\n+obj-$(CONFIG_OFF) += x/ \\\n b\n")));
	assert_false(only_lists(MAKEFILE(" # a\n+obj-$(CONFIG_ON) += x/\n b\n")));
	assert_false(only_lists(MAKEFILE(" # a\n+obj-$(CONFIG_OFF)$(CONFIG_ON) += x/\n b\n")));
}

/* A source that is there and was not listed is code that did not run. */
static void test_listed_only_now(void **state)
{
	_cleanup_free_ char *dir = path_join(test_folder, "net/x"), *file = path_join(dir, "old.c");

	assert_ok(make_dirs(dir));
	assert_ok(file_write(file, "int x;\n", 7, 0644));
	assert_false(only_lists(MAKEFILE(" # a\n+obj-y += old.o\n b\n") ADDED("old.c")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_without_effect),
		cmocka_unit_test(test_listed_only_now),
	};

	return cmocka_run_group_tests(tests, make_test_folder, remove_test_folder);
}
