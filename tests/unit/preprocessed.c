// SPDX-License-Identifier: GPL-2.0
/* What two preprocessed texts tell of the objects. */
#include "compile.h"

#include "build/preprocessed.h"

#define HEADER                                                                                     \
	"# 1 \"a.h\"\ntypedef unsigned int u32;\nstruct s { u32 a; struct s *next; };\n"              \
	"extern struct s *get(int);\n"                                                            \
	"static inline __attribute__((unused)) u32 used(struct s *s) { return s->a; }\n"           \
	"static inline u32 outer(struct s *s) { return used(s) + 1; }\n"                           \
	"static inline u32 idle(struct s *s) { return s->a + 3; }\n"                               \
	"enum { ONE = 1, TWO = 2 };\ntypedef int (*fn_t)(int);\n"

#define USER "# 5 \"a.c\"\nu32 f(struct s *s) { return outer(s) + TWO; }\n"

/* What becomes of the text with @from changed to @to. */
static char *changed(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);

	if (!at)
		fail_msg("%s is not there", from);
	return xasprintf("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

static bool differs(const char *from, const char *to)
{
	_cleanup_free_ char *post = changed(HEADER USER, from, to);

	/* Whoever was there first. */
	assert_int_equal(preprocessed_may_differ(HEADER USER, post), preprocessed_may_differ(post, HEADER USER));
	return preprocessed_may_differ(HEADER USER, post);
}

static void test_equal(void **state)
{
	_cleanup_free_ char *lines = changed(HEADER USER, "# 5 \"a.c\"", "# 77 \"a.c\" 2 3");
	_cleanup_free_ char *space = changed(HEADER USER, "{ return used(s) + 1; }", "{\n\n\treturn used(s) +1;\n}");
	_cleanup_free_ char *other = changed(HEADER USER, "s->a + 3", "s->a + 4");

	assert_true(preprocessed_equal(HEADER USER, lines));
	assert_true(preprocessed_equal(HEADER USER, space));
	assert_false(preprocessed_equal(HEADER USER, other));
}

static void test_idle(void **state)
{
	assert_false(differs("s->a + 3", "s->a + 4"));
	assert_false(differs("static inline u32 idle(struct s *s) { return s->a + 3; }", ""));
	assert_false(differs("typedef int (*fn_t)(int);", "typedef int (*fn_t)(long);"));
	assert_false(differs("typedef int (*fn_t)(int);", "extern int more(void); struct none { int x; };"));
}

static void test_used(void **state)
{
	assert_true(differs("return s->a; }", "return s->a + 1; }"));
	assert_true(differs("u32 a;", "u32 b, a;"));
	assert_true(differs("TWO = 2", "TWO = 3"));
	assert_true(differs("unsigned int u32", "unsigned long u32"));
	assert_true(differs("return outer(s)", "return idle(s)"));
	assert_true(differs("# 5", "int more(void) { return 1; }\n# 5"));
	assert_true(differs("# 5", "int more;\n# 5"));
	assert_true(differs("# 5", "static const int more = 1;\n# 5"));
	assert_true(differs("# 5", "extern int more __attribute__((alias(\"f\")));\n# 5"));
	assert_true(differs("# 5", "asm(\".globl x\");\n# 5"));
	assert_true(differs("# 5", "static char room[sizeof(struct s)];\n# 5"));
	assert_true(differs("# 5", "#pragma pack(1)\n# 5"));
}

/* What makes a function an inline one stands before its body. */
static void test_inline(void **state)
{
	static const char text[] = "static int f(int a) { asm __inline volatile(\"\"); return a; }\n"
				   "int g(void) { static int x; asm __inline (\"\"); return f(x); }\n";
	_cleanup_free_ char *post = changed(text, "return f(x)", "return f(1)");
	_cleanup_free_ char *inner = changed(text, "return a", "return 2");

	assert_true(preprocessed_may_differ(text, post));
	assert_true(preprocessed_may_differ(text, inner));
}

/* By a pointer to a function, by the other order of two things. */
static void test_roundabout(void **state)
{
	static const char text[] = "typedef int (*fn_t)(int);\nstruct ops { fn_t f; };\n"
				   "extern struct ops *ops(void);\nint call(void) { return ops()->f(1); }\n";
	_cleanup_free_ char *type = changed(text, "(int);", "(long);");

	assert_true(preprocessed_may_differ(text, type));
	assert_true(preprocessed_may_differ("int a;\nint b;\n", "int b;\nint a;\n"));
}

/* That there is such a type makes no code, whoever uses the type, and however often it is said. */
static void test_announced_types(void **state)
{
	_cleanup_free_ char *none = changed(HEADER USER, "# 5", "struct s;\n# 5");
	_cleanup_free_ char *more = changed(none, "typedef unsigned", "struct s;\nunion u;\ntypedef unsigned");

	assert_false(preprocessed_may_differ(HEADER USER, none));
	assert_false(preprocessed_may_differ(more, HEADER USER));
	assert_false(preprocessed_may_differ(none, more));
	assert_false(preprocessed_equal(HEADER USER, none));
	assert_true(differs("# 5", "struct s it;\n# 5"));
	assert_true(differs("struct s { u32 a; struct s *next; };", "struct s;"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_used),
		cmocka_unit_test(test_inline),
		cmocka_unit_test(test_roundabout),
		cmocka_unit_test(test_announced_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
