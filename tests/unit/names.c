// SPDX-License-Identifier: GPL-2.0
/* What headers define, and who uses that. */
#include "compile.h"

#include "build/names.h"
#include "build/paste.h"

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
		       "#define REST(a...) rest_##a\n#define APPLY(M, x) M(x, 0)\n#define ONE(x, n) one_##x##_##n\n"
		       "#define IS_MODULE(option) __is_defined(option##_MODULE)\n"
		       "#define __is_defined(x) ___is_defined(__ARG_PLACEHOLDER_##x)\n",
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
	/* What the configuration defines, no header does. */
	pastes_expand(p, "IS_MODULE CONFIG_NET", &found.names);
	assert_names("PageUp folio_test_up bpf_lsm_grafted rest_a rest_b one_two_0 ");
	pastes_free(p);
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
	};

	return cmocka_run_group_tests(tests, make_test_folder, remove_test_folder);
}
