// SPDX-License-Identifier: GPL-2.0
/* What headers define, and who is reached by a change of them. */
#include "compile.h"

#include "build/names.h"
#include "build/paste.h"
#include "build/private.h"
#include "build/reach.h"

static struct defined found;

static int forget(void **state)
{
	defined_fini(&found);
	return 0;
}

/* @expected: "a b ", in the order in which they were found. */
static void assert_names(const char *expected)
{
	_cleanup_free_ char *all = xstrdup("");
	size_t i;

	for (i = 0; i < found.names.count; i++) {
		char *longer = xasprintf("%s%s ", all, found.names.list[i]);

		free(all);
		all = longer;
	}
	assert_string_equal(all, expected);
}

/* The names of what lies in lines @first to @last of @text; whether their reach cannot be told. */
static bool names_of(const char *text, unsigned long first, unsigned long last)
{
	struct line_range range = { first, last };
	bool whole = false, includes = false;

	defined_fini(&found);
	names_of_ranges(text, &range, 1, &found, &whole, &includes);
	return whole || includes;
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
	assert_names("second ");
	assert_false(names_of(header, 18, 18));
	assert_names("tick ");
}

static void test_conditionals_reach_their_group(void **state)
{
	static const char text[] = "int before;\n"		/* 1 */
				   "#ifdef A\n"		/* 2 */
				   "int a;\n"			/* 3 */
				   "#if B\n"			/* 4 */
				   "int b;\n"			/* 5 */
				   "#endif\n"			/* 6 */
				   "#else\n"			/* 7 */
				   "#include <c.h>\n"		/* 8 */
				   "#endif\n"			/* 9 */
				   "int behind;\n"		/* 10 */
				   "#pragma pack(1)\n"		/* 11 */
				   "#if OPEN\n"		/* 12 */
				   "int last;\n";		/* 13 */

	assert_false(names_of(header, 19, 19));
	assert_names("H LIMIT f point color RED GREEN counter other hook second tick ");
	assert_false(names_of(header, 5, 5));
	assert_names("");
	assert_false(names_of(text, 4, 4));
	assert_names("b ");
	assert_false(names_of(text, 6, 6));
	assert_names("b ");
	assert_true(names_of(text, 7, 7));	/* what is included */
	assert_names("a b ");
	assert_false(names_of(text, 10, 10));
	assert_true(names_of(text, 11, 11));
}

static void test_users(void **state)
{
	static const char text[] = "#define CALL(x) f(x)\n"
				   "static inline int wrap(void) { return CALL(0); }\n"
				   "static inline int apart(void) { return ff(0); }\n"
				   "struct point { int x; };\n";

	names_add(&found.names, "f", 1);
	assert_true(names_of_users(text, &found.names, &found));
	assert_names("f CALL wrap ");
	assert_false(names_of_users(text, &found.names, &found));
}

/* What each text, one declaration, gives names to. */
static void test_declarators(void **state)
{
	static const char *const cases[][2] = {
		{ "typedef int (*handler_t)(struct s *);", "handler_t " },
		{ "typedef void (fn_t)(int);", "fn_t " },
		{ "extern int (*hook)(int a, int *b);", "hook " },
		{ "extern int table[4] __read_mostly, limit __read_mostly;", "table limit " },
		{ "typedef struct s s_t __attribute__((aligned(8)));", "s_t " },
		{ "struct __aligned(8) wide { int x; } __packed;", "wide " },
		{ "typedef struct __attribute__((packed)) { int x; } packed_t;", "packed_t " },
		{ "struct outer { enum kind { A, B = 2 } k; struct inner { int y; } i; };",
		  "outer kind A B inner " },
		{ "static inline enum kind f(int a, int b)\n{\n\tint c = 1, d;\n\treturn c;\n}", "f " },
		{ ".macro FILL reg:req\n\tmov \\reg, %rax\n.endm", "FILL " },
		{ "struct sk_buff *alloc(unsigned int n);", "alloc " },
		{ "typedef unsigned int u32;", "u32 " },
		{ "struct mutex { int x; };", "mutex " },
		{ "static inline be16_t __f(int a)\n{\n\treturn a;\n}", "__f " },
		{ "be16_t __f(int a);", "__f " },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_false(names_of(cases[i][0], 1, 1));
		assert_names(cases[i][1]);
	}
}

/* A brace that #ifdef left open does not hide what comes behind. */
static void test_unbalanced_braces(void **state)
{
	static const char text[] = "#ifdef A\nstatic int f(void) {\n#else\nstatic int f(int a) {\n#endif\n"
				   "\treturn 1;\n}\nstatic int g(void)\n{\n\treturn 2;\n}\n";

	assert_false(names_of(text, 10, 10));
	assert_names("g ");
}

/* What stands or falls with a macro that changed. */
static void test_users_by_condition(void **state)
{
	static const char text[] = "#ifdef FLAG\nstatic inline int with(void) { return 1; }\n"
				   "#else\nstatic inline int without(void) { return 0; }\n#endif\n"
				   "static inline int apart(void) { return 2; }\n"
				   "struct s {\n\tint a;\n#ifdef FLAG\n\tint b;\n#endif\n};\n";

	names_add(&found.names, "FLAG", 4);
	assert_true(names_of_users(text, &found.names, &found));
	assert_names("FLAG with without s ");
}

static void test_includes(void **state)
{
	static const char text[] = "#include <a.h>\n#ifdef X\n#include <b.h>\n#endif\nint x;\n";
	struct line_range range = { 2, 2 };
	bool whole = false, includes = false;

	assert_true(names_of(text, 1, 1));
	names_of_ranges(text, &range, 1, &found, &whole, &includes);
	assert_true(includes);
	assert_false(names_of(text, 5, 5));
}

/* Reads @text as a header; what a file with @use makes of the name. */
static bool is_made(const char *text, const char *name, const char *use)
{
	struct pastes *p = pastes_new();
	struct names names = { 0 }, callers = { 0 };
	bool made;

	pastes_read(p, text, NULL);
	names_add(&names, name, strlen(name));
	pastes_of_name(p, name, &callers);
	made = pastes_make(p, "a.c", use, &names);
	pastes_free(p);
	names_fini(&names);
	names_fini(&callers);
	return made;
}

static void test_pastes(void **state)
{
	static const char text[] = "#define FLAG_OF(x) test_flag_##x\n"
				   "#define WITH_LOCK(x) { lock(); FLAG_OF(x); }\n"
				   "#define DASHED(x) __##x\n"
				   "#define PASTE_(a, b) a##b\n#define PASTE(a, b) PASTE_(a, b)\n"
				   "#define LOG(f, a...) log(f, ##a)\n";

	assert_true(is_made(text, "test_flag_up", "int f(void) { return FLAG_OF(up); }"));
	assert_true(is_made(text, "test_flag_up", "int f(void) { WITH_LOCK(up) }"));
	assert_false(is_made(text, "test_flag_up", "int f(void) { return FLAG_OF(down); }"));
	assert_false(is_made(text, "test_flag_up", "int f(void) { return up; }"));
	assert_true(is_made(text, "__up", "int f(void) { return DASHED(up); }"));
	assert_true(is_made(text, "get_up", "int f(void) { return PASTE(get_, up); }"));
	assert_false(is_made(text, "get_up", "int f(void) { return LOG(get_, up); }"));
}

/* What a call defines by a macro that calls another. */
static void test_expansion(void **state)
{
	struct pastes *p = pastes_new();

	pastes_read(p, "#define TEST(u, l) static int Page##u(void); static int folio_test_##l(void);\n"
		       "#define FLAG(u, l, policy) TEST(u, l)\n"
		       "#define HOOK(RET, DEFAULT, NAME, ...) RET bpf_lsm_##NAME(__VA_ARGS__);\n"
		       "#define REST(a...) rest_##a\n#define APPLY(M, x) M(x, 0)\n#define ONE(x, n) one_##x##_##n\n",
		    NULL);
	pastes_expand(p, "FLAG Up up -", &found.names);
	assert_names("PageUp folio_test_up ");
	/* Only the argument that stands for the parameter. */
	pastes_expand(p, "HOOK void LSM_RET_VOID grafted sock", &found.names);
	assert_names("PageUp folio_test_up bpf_lsm_grafted ");
	/* All of them where it is not known which. */
	pastes_expand(p, "REST a b", &found.names);
	assert_names("PageUp folio_test_up bpf_lsm_grafted rest_a rest_b ");
	/* A macro that is an argument, and a word of the body. */
	pastes_expand(p, "APPLY ONE two", &found.names);
	assert_names("PageUp folio_test_up bpf_lsm_grafted rest_a rest_b one_two_0 ");
	pastes_free(p);
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
		cmocka_unit_test_teardown(test_macro, forget),
		cmocka_unit_test_teardown(test_function, forget),
		cmocka_unit_test_teardown(test_types, forget),
		cmocka_unit_test_teardown(test_variables, forget),
		cmocka_unit_test_teardown(test_macro_lists, forget),
		cmocka_unit_test_teardown(test_conditionals_reach_their_group, forget),
		cmocka_unit_test_teardown(test_users, forget),
		cmocka_unit_test_teardown(test_declarators, forget),
		cmocka_unit_test_teardown(test_unbalanced_braces, forget),
		cmocka_unit_test_teardown(test_users_by_condition, forget),
		cmocka_unit_test_teardown(test_includes, forget),
		cmocka_unit_test_teardown(test_pastes, forget),
		cmocka_unit_test_teardown(test_expansion, forget),
		cmocka_unit_test(test_reach),
		cmocka_unit_test(test_reach_of_local_header),
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
