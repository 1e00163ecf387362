// SPDX-License-Identifier: GPL-2.0
/* Who is reached by a change of a header, and of a file that others include. */
#include "compile.h"

#include "build/private.h"
#include "build/reach.h"

static void put(const char *path, const char *text)
{
	_cleanup_free_ char *whole = path_join(test_folder, path);
	_cleanup_free_ char *parent = xstrdup(whole);

	*strrchr(parent, '/') = '\0';
	assert_ok(make_dirs(parent));
	assert_ok(file_write(whole, text, strlen(text), 0644));
}

/* More source files that include @name, as <@name>, than are all looked at. */
static void include_often(const char *name)
{
	_cleanup_free_ char *text = xasprintf("#include <%s>\n", name);
	int i;

	for (i = 0; i < 50; i++) {
		_cleanup_free_ char *path = xasprintf("sound/%zu/%d.c", strlen(name), i);

		put(path, text);
	}
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
	assert_ok(reach_find(&tree, p, 0, &r));
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
	include_often("linux/a.h");
	put("include/linux/b.h", "#include <linux/a.h>\n#define ONE one()\n");
	put("kernel/direct.c", "int direct(void) { return one(); }\n");
	put("net/through.c", "int through(void) { return ONE; }\n");
	put("fs/apart.c", "int apart(void) { return two(); }\n");
	assert_reach("--- a/include/linux/a.h\n+++ b/include/linux/a.h\n@@ -1,5 +1,5 @@\n"
		     " static inline int one(void)\n {\n-\treturn 1;\n+\treturn 11;\n }\n"
		     " static inline int two(void)\n",
		     "kernel/direct.c net/through.c ");
}

/*
 * A header beside its users: all that include it, those who may by -I, and nobody
 * who includes one of the same name.
 */
static void test_reach_of_local_header(void **state)
{
	put("net/x/flow.h", "#define FLOW 1\n");
	put("net/x/deep.h", "#include \"flow.h\"\n");
	put("net/x/user.c", "#include \"deep.h\"\n");
	put("net/x/y/below.c", "#include \"../flow.h\"\n");
	put("net/other/flow.h", "#define FLOW 2\n");
	put("drivers/net/z.c", "#include \"flow.h\"\n");
	put("net/other/z.c", "#include \"flow.h\"\n");
	put("fs/w.c", "#include <net/flow.h>\n");
	assert_reach("--- a/net/x/flow.h\n+++ b/net/x/flow.h\n@@ -1 +1 @@\n-#define FLOW 1\n+#define FLOW 3\n",
		     "drivers/net/z.c net/x/user.c net/x/y/below.c ");
}

/* A header that few include, wherever it is: these, and not who says the same names. */
static void test_reach_of_few(void **state)
{
	put("include/net/port.h", "struct port {\n\tint n;\n};\n");
	put("include/net/switch.h", "#include <net/port.h>\n");
	put("net/switch.c", "#include <net/switch.h>\nint ports;\n");
	put("net/apart.c", "struct port *port;\n");
	assert_reach("--- a/include/net/port.h\n+++ b/include/net/port.h\n@@ -1,3 +1,3 @@\n struct port {\n-\tint n;\n+\tlong n;\n };\n",
		     "net/switch.c ");
}

/* Of more names than anybody looks for, in a header that not too many include. */
static void test_reach_of_many_names(void **state)
{
	struct tree tree = { .source = test_folder, .path = test_folder };
	_cleanup_free_ char *text = NULL;
	struct patches *p = NULL;
	size_t size, i;
	struct reach r;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	fputs("static inline int base(void) { return 1; }\n", f);
	for (i = 0; i < 8100; i++)
		fprintf(f, "static inline int n%zu(void) { return base(); }\n", i);
	assert_int_equal(fclose(f), 0);
	put("include/linux/manynames.h", text);
	include_often("linux/manynames.h");
	put("fs/none.c", "int n(void) { return n1(); }\n");
	free(text);
	text = xstrdup("--- a/include/linux/manynames.h\n+++ b/include/linux/manynames.h\n@@ -1,2 +1,2 @@\n"
		       "-static inline int base(void) { return 1; }\n+static inline int base(void) { return 2; }\n"
		       " static inline int n0(void) { return base(); }\n");
	assert_ok(patches_add(&p, "x", text, strlen(text)));
	assert_ok(reach_find(&tree, p, 0, &r));
	assert_int_equal(r.count, 50);
	for (i = 0; i < r.count; i++)
		assert_int_equal(strncmp(r.sources[i], "sound/", 6), 0);
	reach_fini(&r);
	patches_free(p);
}

/* What the compiler says that it read. */
static void test_files_that_were_included(void **state)
{
	static const char deps[] = "source_net/a/b.o := /src/net/a/b.c\n\ndeps_net/a/b.o := \\\n"
				   "  /src/net/a/../x/flow.h \\\n  /src/include/./linux/b.h \\\n";
	static const struct {
		const char *file;
		bool reached;
	} cases[] = { { "net/x/flow.h", true }, { "include/linux/b.h", true }, { "net/a/b.c", true },
		      { "net/flow.h", false }, { "net/a/x/flow.h", false } };
	_cleanup_free_ char *path = path_join(test_folder, "deps");
	size_t i;

	put("deps", deps);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = xasprintf("--- a/%s\n+++ b/%s\n@@ -1 +1 @@\n-x\n+y\n", cases[i].file, cases[i].file);
		struct patches *p = NULL;
		bool reached;

		assert_ok(patches_add(&p, "x", text, strlen(text)));
		assert_ok(includes_patched(p, path, &reached));
		assert_int_equal(reached, cases[i].reached);
		patches_free(p);
	}
}

static void test_reach_of_included_source(void **state)
{
	put("kernel/sched/rt.c", "int rt;\n");
	put("kernel/sched/build.c", "#include \"rt.c\"\n");
	assert_reach("--- a/kernel/sched/rt.c\n+++ b/kernel/sched/rt.c\n@@ -1 +1 @@\n-int rt;\n+int rt2;\n",
		     "kernel/sched/build.c ");
}

/* By what a header defines, through names that are put together, in both directions. */
static void test_reach_of_pasted_names(void **state)
{
	put("include/linux/flags.h", "#define TEST(u) static inline int Page##u(void) { return bit_##u; }\n"
				     "TEST(Up)\nTEST(Down)\nenum { bit_Up = 1 };\nenum { bit_Down = 2 };\n"
				     "#define HAS(u) Page##u()\n");
	include_often("linux/flags.h");
	put("mm/up.c", "int up(void) { return PageUp(); }\n");
	put("mm/has.c", "int up(void) { return HAS(Up); }\n");
	put("mm/down.c", "int down(void) { return PageDown(); }\n");
	assert_reach("--- a/include/linux/flags.h\n+++ b/include/linux/flags.h\n@@ -1,4 +1,4 @@\n"
		     " #define TEST(u) static inline int Page##u(void) { return bit_##u; }\n"
		     "-TEST(Up)\n+TEST(Up) \n TEST(Down)\n enum { bit_Up = 1 };\n",
		     "mm/has.c mm/up.c ");
}

/* Generic headers by the wrappers that the build makes, uapi headers, included ones of other folders. */
static void test_reach_of_new_include(void **state)
{
	static const char patch[] = "--- a/include/%s\n+++ b/include/%s\n@@ -1 +1,2 @@\n+#include <linux/new.h>\n"
				    " #define %s 1\n";
	_cleanup_free_ char *generic = xasprintf(patch, "asm-generic/g.h", "asm-generic/g.h", "G");
	_cleanup_free_ char *uapi = xasprintf(patch, "uapi/linux/u.h", "uapi/linux/u.h", "U");

	put("include/asm-generic/g.h", "#define G 1\n");
	put("include/uapi/linux/u.h", "#define U 1\n");
	put("include/linux/u2.h", "#include <linux/u.h>\n");
	put("crypto/g.c", "#include <asm/g.h>\n");
	put("crypto/u.c", "#include <uapi/linux/u.h>\n");
	put("crypto/u2.c", "#include <linux/u2.h>\n");
	put("crypto/none.c", "#include <linux/u3.h>\n");
	assert_reach(generic, "crypto/g.c ");
	assert_reach(uapi, "crypto/u.c crypto/u2.c ");
}

/* Who makes the functions of trace events mentions none of them. */
static void test_reach_of_trace_header(void **state)
{
	put("include/trace/events/x.h", "TRACE_EVENT(x_done, TP_printk(\"1\"));\n");
	put("net/core/traces.c", "#define CREATE_TRACE_POINTS\n#include <trace/events/x.h>\n");
	put("drivers/x/trace.h", "#define TRACE_INCLUDE_FILE trace\n");
	put("drivers/x/x.c", "#define FILE_OF \"trace.h\"\n#include FILE_OF\n");
	assert_reach("--- a/include/trace/events/x.h\n+++ b/include/trace/events/x.h\n@@ -1 +1 @@\n"
		     "-TRACE_EVENT(x_done, TP_printk(\"1\"));\n+TRACE_EVENT(x_done, TP_printk(\"2\"));\n",
		     "net/core/traces.c ");
	assert_reach("--- a/drivers/x/trace.h\n+++ b/drivers/x/trace.h\n@@ -1 +1 @@\n"
		     "-#define TRACE_INCLUDE_FILE trace\n+#define TRACE_INCLUDE_FILE trace \n",
		     "drivers/x/x.c ");
}

static void test_reach_of_source_in_folder(void **state)
{
	put("ipc/sub/part.c", "int part;\n");
	put("ipc/whole.c", "#include \"sub/part.c\"\n");
	put("ipc/other/again.c", "#include \"../whole.c\"\n");
	assert_reach("--- a/ipc/sub/part.c\n+++ b/ipc/sub/part.c\n@@ -1 +1 @@\n-int part;\n+int part2;\n",
		     "ipc/other/again.c ipc/whole.c ");
}

/* What every file includes without saying so. */
static void test_reach_of_everything(void **state)
{
	_cleanup_free_ char *path = path_join(test_folder, "test.patch");
	struct tree tree = { .source = test_folder, .path = test_folder };
	char *paths[] = { path };
	struct patches *p;
	struct reach r;

	put("include/linux/kconfig.h", "#define K 1\n");
	put("test.patch", "--- a/include/linux/kconfig.h\n+++ b/include/linux/kconfig.h\n@@ -1 +1,2 @@\n"
			  "+#include <linux/new.h>\n #define K 1\n");
	assert_ok(patches_read(paths, 1, &p));
	assert_refused(reach_find(&tree, p, 0, &r), "HEADER-WIDE");
	reach_fini(&r);
	assert_ok(reach_find(&tree, p, REACH_ALL, &r));
	assert_true(r.count > 10);
	reach_fini(&r);
	assert_refused(reach_find(&tree, p, 3, &r), "HEADER-WIDE");
	reach_fini(&r);
	patches_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reach),
		cmocka_unit_test(test_reach_of_local_header),
		cmocka_unit_test(test_reach_of_few),
		cmocka_unit_test(test_reach_of_many_names),
		cmocka_unit_test(test_files_that_were_included),
		cmocka_unit_test(test_reach_of_included_source),
		cmocka_unit_test(test_reach_of_pasted_names),
		cmocka_unit_test(test_reach_of_new_include),
		cmocka_unit_test(test_reach_of_trace_header),
		cmocka_unit_test(test_reach_of_source_in_folder),
		cmocka_unit_test(test_reach_of_everything),
	};

	return cmocka_run_group_tests(tests, make_test_folder, remove_test_folder);
}
