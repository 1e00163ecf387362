// SPDX-License-Identifier: GPL-2.0
#include "compile.h"

#include "build/lines.h"

static void reads_hunks(void **state)
{
	static const char diff[] = "--- a\n+++ b\n@@ -3,0 +4,2 @@ f(\n+x\n+@@ -9 +9,9 @@\n@@ -10,3 +12 @@\n-x\n-y\n-z\n+w\n"
				   "@@ -20 +20 @@\n-a\n+b\n@@ -30,2 +29,0 @@\n-a\n-b\n";
	static const struct line_number expected[] = { { 6, 4 }, { 13, 13 }, { 30, 32 } };
	struct line_number *marks;
	size_t i;

	assert_int_equal(lines_from_diff(diff, &marks), ARRAY_SIZE(expected));
	for (i = 0; i < ARRAY_SIZE(expected); i++) {
		assert_int_equal(marks[i].line, expected[i].line);
		assert_int_equal(marks[i].number, expected[i].number);
	}
	free(marks);
	assert_int_equal(lines_from_diff("", &marks), 0);
	free(marks);
}

/* Inserts "#line 100" from line @line on and compares. */
static void assert_inserted(const char *text, unsigned long line, const char *expected)
{
	const struct line_number mark = { line, 100 };
	size_t size;
	_cleanup_free_ char *out = lines_insert(text, strlen(text), &mark, 1, &size);

	assert_string_equal(out, expected);
	assert_int_equal(size, strlen(out));
}

static void marks_a_line(void **state)
{
	assert_inserted("a;\nb;\nc;\n", 2, "a;\n#line 100\nb;\nc;\n");
	assert_inserted("a;\nb;", 1, "#line 100\na;\nb;");
	assert_inserted("a;\nb;\n", 5, "a;\nb;\n");
	assert_inserted("", 1, "");
}

/* Where no directive may stand it waits, and the number counts on. */
static void waits_for_a_place(void **state)
{
	assert_inserted("/* a\n b\n */\nc;\n", 2, "/* a\n b\n */\n#line 102\nc;\n");
	assert_inserted("#define A \\\n b\nc;\n", 2, "#define A \\\n b\n#line 101\nc;\n");
	assert_inserted("f(a,\n  b);\nc;\n", 2, "f(a,\n  b);\n#line 101\nc;\n");
	assert_inserted("f(\"(\");\nb;\n", 2, "f(\"(\");\n#line 100\nb;\n");
	assert_inserted("f('(', '\\'', '\"');\nb;\n", 2, "f('(', '\\'', '\"');\n#line 100\nb;\n");
	assert_inserted("a; // (\nb;\n", 2, "a; // (\n#line 100\nb;\n");
	assert_inserted("a; /* ( */\nb;\n", 2, "a; /* ( */\n#line 100\nb;\n");
	assert_inserted("f(\"/*\");\nb;\n", 2, "f(\"/*\");\n#line 100\nb;\n");
	assert_inserted("#error don't (\nb;\n", 2, "#error don't (\n#line 100\nb;\n");
	/* One branch of an #ifdef opened what both close. */
	assert_inserted("#ifdef A\nif (a &&\n#else\nif (\n#endif\nb)\n{\n}\nc;\n}\nd;\n", 9,
			"#ifdef A\nif (a &&\n#else\nif (\n#endif\nb)\n{\n}\n#line 100\nc;\n}\nd;\n");
	assert_inserted("f(\"a ( \\\n b\",\n c);\nd;\n}\ne;\n", 2, "f(\"a ( \\\n b\",\n c);\n#line 102\nd;\n}\ne;\n");
}

/* The compiler does not see a directive in code that is left out. */
static void says_it_again_behind_conditions(void **state)
{
	assert_inserted("#if 0\na;\n#else\nb;\n# endif\nc;\n#endif\n", 2,
			"#if 0\n#line 100\na;\n#else\n#line 102\nb;\n# endif\n#line 104\nc;\n#endif\n");
	assert_inserted("#if 0\n#endif\na;\n#if 0\n#endif\n", 3, "#if 0\n#endif\n#line 100\na;\n#if 0\n#endif\n");
	assert_inserted("#if 0\na;\n#endif\nf(\nx);\nc;\n", 2,
			"#if 0\n#line 100\na;\n#endif\n#line 102\nf(\nx);\nc;\n");
}

static void the_last_of_several_counts(void **state)
{
	static const struct line_number marks[] = { { 2, 10 }, { 3, 20 }, { 5, 30 } };
	static const char text[] = "f(a,\nb,\nc);\nd;\ne;\n";
	size_t size;
	_cleanup_free_ char *out = lines_insert(text, strlen(text), marks, 3, &size);

	assert_string_equal(out, "f(a,\nb,\nc);\n#line 21\nd;\n#line 30\ne;\n");
}

/* Any text, any mark: the directive is an addition, the rest is as it was. */
static void changes_nothing_else(void **state)
{
	static const char bytes[] = "\n\n\n\"'\\()/*{}#a \t";
	uint64_t seed = 88172645463325252ull;
	size_t i, k;

	for (i = 0; i < 3000; i++) {
		char text[64];
		struct line_number mark = { 1 + i % 7, 1000 };
		size_t len = i % sizeof(text), size;
		_cleanup_free_ char *out = NULL;
		char *at;

		for (k = 0; k < len; k++) {
			seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
			text[k] = bytes[seed % (sizeof(bytes) - 1)];
		}
		out = lines_insert(text, len, &mark, 1, &size);
		while ((at = strstr(out, "#line 10"))) {
			char *eol = strchr(at, '\n');

			memmove(at, eol + 1, size - (eol + 1 - out) + 1);
			size -= eol + 1 - at;
		}
		assert_int_equal(size, len);
		assert_memory_equal(out, text, len);
	}
}

/* The diff of two texts, as patch.c runs it. */
static char *diff_of(const char *pre, const char *post)
{
	_cleanup_free_ char *a = path_join(test_folder, "a.c"), *b = path_join(test_folder, "b.c");
	const char *argv[] = { "diff", "-a", "-U0", a, b, NULL };
	struct process_options opts = { .argv = argv };
	char *output;
	int status;

	assert_ok(file_write(a, pre, strlen(pre), 0644));
	assert_ok(file_write(b, post, strlen(post), 0644));
	assert_ok(process_run(&opts, &status, &output, NULL));
	assert_int_equal(status, 1);
	return output;
}

/* Functions behind the change, which compile their own line numbers in, stay equal. */
static void assert_lines_kept(const char *change_pre, const char *change_post)
{
	static const char after[] = "int after(int x)\n{\n\treport(\"x\", __LINE__);\n\treturn external(x +\n\t\t__LINE__);\n}\n";
	_cleanup_free_ char *pre = xasprintf("%s%s", change_pre, after);
	_cleanup_free_ char *post = xasprintf("%s%s", change_post, after);
	_cleanup_free_ char *diff = diff_of(pre, post), *marked = NULL;
	_cleanup_free_ struct line_number *marks = NULL;
	struct object *a, *b, *plain;
	size_t count, size;

	count = lines_from_diff(diff, &marks);
	assert_true(count > 0);
	marked = lines_insert(post, strlen(post), marks, count, &size);
	a = compile(pre);
	b = compile(marked);
	plain = compile(post);
	assert_int_equal(atom_size(atom_called(a, "after")), atom_size(atom_called(b, "after")));
	assert_memory_equal(atom_data(atom_called(a, "after")), atom_data(atom_called(b, "after")),
			    atom_size(atom_called(a, "after")));
	/* Without the marks they differ, or this shows nothing. */
	assert_memory_not_equal(atom_data(atom_called(a, "after")), atom_data(atom_called(plain, "after")),
				atom_size(atom_called(a, "after")));
	object_free(a);
	object_free(b);
	object_free(plain);
}

static void line_numbers_are_kept(void **state)
{
	assert_lines_kept("int a;\n", "int a;\nint b;\n");
	assert_lines_kept("int a;\nint b;\nint c;\n", "int c;\n");
	assert_lines_kept("/* one\n */\n", "/* one\n * two\n * three\n */\n");
	assert_lines_kept("int f(int x)\n{\n\treturn external(\n\t\tx);\n}\n",
			  "int f(int x)\n{\n\tif (x)\n\t\treturn 1;\n\treturn external(\n\t\tx +\n\t\t1);\n}\n");
	assert_lines_kept("#define M(a) \\\n\t(a)\nint v;\n", "#define M(a) \\\n\t(a) + \\\n\t1\nint v;\n");
	assert_lines_kept("static const char *s = \"it's\";\n", "static const char *s = \"it's\"\n\t\"(more\"\n\t\"'\";\n");
	assert_lines_kept("#ifdef X\n#error don't\n#endif\n", "#ifdef X\n#error don't\n#error can't (\n#endif\n");
	assert_lines_kept("int f(void)\n{\n#ifdef X\n\tif (external(1) ||\n#else\n\tif (\n#endif\n\t    external(2))\n\t\treturn 1;\n\treturn 0;\n}\n",
			  "int f(void)\n{\n#ifdef X\n\tif (external(1) ||\n#else\n\tif (\n#endif\n\t    external(3) ||\n\t    external(2))\n\t\treturn 1;\n\treturn 0;\n}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_hunks), cmocka_unit_test(marks_a_line),
		cmocka_unit_test(waits_for_a_place),
		cmocka_unit_test(says_it_again_behind_conditions), cmocka_unit_test(the_last_of_several_counts),
		cmocka_unit_test(changes_nothing_else), cmocka_unit_test(line_numbers_are_kept),
	};

	return cmocka_run_group_tests(tests, make_test_folder, remove_test_folder);
}
