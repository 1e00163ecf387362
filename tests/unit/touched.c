// SPDX-License-Identifier: GPL-2.0
/* What a patch touches, by its own words or by the value of a macro. */
#include "compile.h"

#include "build/reach.h"

static void put(const char *path, const char *text)
{
	_cleanup_free_ char *whole = path_join(test_folder, path);
	_cleanup_free_ char *parent = xstrdup(whole);

	*strrchr(parent, '/') = '\0';
	assert_ok(make_dirs(parent));
	assert_ok(file_write(whole, text, strlen(text), 0644));
}

/* Whether the patch @text touches @name in a source file. */
static bool touches(const char *text, const char *name)
{
	_cleanup_free_ char *path = path_join(test_folder, "test.patch");
	struct tree tree = { .source = test_folder, .path = test_folder };
	char *paths[] = { path };
	struct patches *p;
	struct reach r;
	bool found;

	put("test.patch", text);
	assert_ok(patches_read(paths, 1, &p));
	assert_ok(reach_find(&tree, p, 0, &r));
	found = names_has(&r.touched, name, strlen(name));
	reach_fini(&r);
	patches_free(p);
	return found;
}

/* All of a file that comes, or goes. */
static void test_touched_in_new_file(void **state)
{
	static const char added[] = "--- /dev/null\n+++ b/mm/new.c\n@@ -0,0 +1,3 @@\n+#include <linux/a.h>\n"
				    "+static int __init create(void) { return 0; }\n+fs_initcall(create);\n";

	put("mm/old.c", "int old;\n");
	assert_true(touches(added, "create"));
	assert_true(touches("--- a/mm/old.c\n+++ /dev/null\n@@ -1 +0,0 @@\n-int old;\n", "old"));
}

#define DEFINE(path, from, to) "--- a/" path "\n+++ b/" path "\n@@ -1 +1 @@\n-" from "\n+" to "\n"

/* A macro with another value: who uses it in the same file, by another macro or an inline function, or not at all. */
static void test_touched_by_macro(void **state)
{
	static const char users[] = "#define BYTES (SIZE * 8)\n"
				    "static inline int mask(int i) { return i & (SIZE - 1); }\n"
				    "static int __init set_up(void) { t = kmalloc(BYTES, GFP_KERNEL); return 0; }\n"
				    "int run(int i) { return t[mask(i)]; }\n"
				    "int tell(void) { return run(0); }\n"
				    "int apart(void) { return 0; }\n";
	static const char *const no_values[][2] = {
		{ "#define SIZE \"64\"", "#define SIZE \"128\"" }, { "#define SIZE", "#define SIZE " },
		{ "#define SIZE(x) do { f(x); } while (0)", "#define SIZE(x) do { g(x); } while (0)" },
	};
	_cleanup_free_ char *text = xasprintf("#define SIZE 64\n%s", users);
	static const char patch[] = DEFINE("mm/size.c", "#define SIZE 64", "#define SIZE 128");
	size_t i;

	put("mm/size.c", text);
	assert_true(touches(patch, "set_up"));
	assert_true(touches(patch, "run"));
	assert_false(touches(patch, "tell"));
	assert_false(touches(patch, "apart"));
	for (i = 0; i < ARRAY_SIZE(no_values); i++) {
		_cleanup_free_ char *before = xasprintf("%s\n%s", no_values[i][0], users);
		_cleanup_free_ char *edit = xasprintf(DEFINE("mm/size.c", "%s", "%s"), no_values[i][0],
						      no_values[i][1]);

		put("mm/size.c", before);
		assert_false(touches(edit, "set_up"));
	}
}

static void test_touched_by_macro_of_header(void **state)
{
	static const char user[] = "#include <linux/table.h>\n#include \"limit.h\"\nstatic int __init %s(void) { return BYTES(TABLE_MAX); }\n";
	_cleanup_free_ char *global = xasprintf(user, "global"), *local = xasprintf(user, "local");

	put("include/linux/table.h", "#define TABLE_MAX 64\n");
	put("include/linux/bytes.h", "#define TABLE_BYTES (TABLE_MAX * 8)\n");
	put("mm/limit.h", "#define BYTES(n) ((n) * 8)\n");
	put("mm/global.c", global);
	put("mm/local.c", local);
	put("mm/through.c", "#include <linux/table.h>\n#include <linux/bytes.h>\n"
			    "static int __init through(void) { return TABLE_BYTES; }\n");
	assert_true(touches(DEFINE("include/linux/table.h", "#define TABLE_MAX 64", "#define TABLE_MAX 128"), "global"));
	assert_true(touches(DEFINE("include/linux/table.h", "#define TABLE_MAX 64", "#define TABLE_MAX 128"), "through"));
	assert_true(touches(DEFINE("mm/limit.h", "#define BYTES(n) ((n) * 8)", "#define BYTES(n) ((n) * 16)"), "local"));
	assert_false(touches(DEFINE("mm/limit.h", "#define BYTES(n) ((n) * 8)", "#define BYTES(n) ((n) * 16)"), "through"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_touched_in_new_file),
		cmocka_unit_test(test_touched_by_macro),
		cmocka_unit_test(test_touched_by_macro_of_header),
	};

	return cmocka_run_group_tests(tests, make_test_folder, remove_test_folder);
}
