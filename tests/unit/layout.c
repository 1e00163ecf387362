// SPDX-License-Identifier: GPL-2.0
/* Types whose layout a patch changes. */
#include "compile.h"

#include "diff/layout.h"

static const char *format = "-g";

static struct error *compare_accepting(const char *pre, const char *post, char *accepted)
{
	_cleanup_free_ char *a = compile_debug_as(format, "pre.o", pre), *b = compile_debug_as(format, "post.o", post);
	struct change change = { .pre = compile(pre), .post = compile(post) };
	struct error *err;

	err = diff_objects(&change);
	if (!err)
		err = layout_compare(&change, a, b, &accepted, accepted ? 1 : 0);
	change_fini(&change);
	object_free(change.pre);
	object_free(change.post);
	return err;
}

static struct error *compare(const char *pre, const char *post)
{
	return compare_accepting(pre, post, NULL);
}

#define USE(t) "int f(" t " *p);\nint f(" t " *p) { return !p || sizeof(*p) == 1; }\n"

static void test_same(void **state)
{
	assert_ok(compare("struct s { int a; long b; };\n" USE("struct s"),
			  "\n\nstruct s { int a; /* first */ long b; };\n" USE("struct s")));
}

static void assert_changed(const char *pre, const char *post, const char *what)
{
	struct error *err = compare(pre, post);

	assert_non_null(err);
	assert_string_equal(err->code, "LAYOUT-CHANGED");
	if (!strstr(err->message, what))
		fail_msg("no \"%s\" in: %s", what, err->message);
	error_free(err);
}

static void test_new_member(void **state)
{
	assert_changed("struct s { int a; };\n" USE("struct s"),
		       "struct s { int a; int b; };\n" USE("struct s"), "struct s");
	/* In a hole that was there: the size stays. */
	assert_changed("struct s { long a; char b; };\n" USE("struct s"),
		       "struct s { long a; char b; char c; };\n" USE("struct s"), "c at 9");
}

static void test_order_and_type(void **state)
{
	assert_changed("struct s { int a; int b; };\n" USE("struct s"),
		       "struct s { int b; int a; };\n" USE("struct s"), "a at 0");
	assert_changed("struct s { long a; };\n" USE("struct s"),
		       "struct s { void *a; };\n" USE("struct s"), "a at 0");
	assert_changed("struct s { char a[4]; };\n" USE("struct s"),
		       "struct s { char a[2][2]; };\n" USE("struct s"), "a at 0");
	assert_changed("struct s { int a : 3, b : 5; };\n" USE("struct s"),
		       "struct s { int a : 4, b : 4; };\n" USE("struct s"), "bits 3");
}

/* Each version of the format says it in its own way. */
static void test_places_of_bits(void **state)
{
	static const char *const formats[] = { "-gdwarf-4", "-gdwarf-5" };
	size_t i;

	for (i = 0; i < 2; i++) {
		format = formats[i];
		assert_changed("struct s { unsigned int a : 3, b : 3; };\n" USE("struct s"),
			       "struct s { unsigned int b : 3, a : 3; };\n" USE("struct s"), "a at 0");
	}
	format = "-g";
}

/* The bytes that live are those of the old type. */
static void test_variables(void **state)
{
#define ROOT(kind, more) "struct a { void *p; }; struct b { void *p; };\n" kind " v" more ";\n" \
	"extern int use(void *); int f(void) { return use(&v); }\n"
	assert_changed(ROOT("static struct a", ""), ROOT("static struct b", ""), "v in ");
	assert_changed(ROOT("struct a", ""), ROOT("struct b", ""), "v in ");
	assert_changed(ROOT("extern struct a v; struct a", ""), ROOT("extern struct b v; struct b", ""), "v in ");
	assert_ok(compare(ROOT("static struct a", ""), ROOT("struct a", "")));
	assert_ok(compare(ROOT("static int", "[2]"), ROOT("extern unsigned int v[]; unsigned int", "[2]")));
	assert_ok(compare(ROOT("static const struct a", " = { 0 }"), ROOT("static const struct b", " = { 0 }")));
	assert_ok(compare_accepting(ROOT("static struct a", ""), ROOT("static struct b", ""), (char *)"v"));
}

static void test_nameless_members(void **state)
{
	assert_changed("struct s { union { int a; struct { short b, c; }; }; };\n" USE("struct s"),
		       "struct s { union { int a; struct { short b; char c, d; }; }; };\n" USE("struct s"),
		       "c at 2");
}

/* Of a member that has a name and a type that has none. */
static void test_members_of_nameless_types(void **state)
{
	assert_changed("struct s { struct { int a, b; } stats; };\n" USE("struct s"),
		       "struct s { struct { int b, a; } stats; };\n" USE("struct s"), "a at 0");
	assert_changed("struct s { union { struct { short a; int b; } x[2]; } u; };\n" USE("struct s"),
		       "struct s { union { struct { short a, c; int b; } x[2]; } u; };\n" USE("struct s"), "a at 0");
	assert_changed("static struct { enum { A, B } e; } v; struct s { int i; };\n" USE("struct s") "void *g(void) { return &v; }",
		       "static struct { enum { B, A } e; } v; struct s { int i; };\n" USE("struct s") "void *g(void) { return &v; }",
		       "of A from 0 to 1");
	assert_ok(compare("struct s { enum { A, B } state; };\n" USE("struct s"),
			  "struct s { enum { A, B, C } state; };\n" USE("struct s")));
	assert_ok(compare("struct s { struct { int a, b; } stats; };\n" USE("struct s"),
			  "struct s { struct { int a, b; } stats; };\n" USE("struct s")));
}

static void test_enumerations(void **state)
{
	assert_changed("enum e { A, B };\n" USE("enum e"), "enum e { B, A };\n" USE("enum e"), "A = 0");
	assert_ok(compare("enum e { A, B };\n" USE("enum e"), "enum e { A, B, C };\n" USE("enum e")));
}

/* Bits of a flags word are often numbered by an enumeration without a name. */
static void test_nameless_enumerations(void **state)
{
#define BITS(names) "enum { " names " };\nstruct s { unsigned long flags; };\nint f(struct s *s);\n" \
	"int f(struct s *s) { return !!(s->flags & (1 << B)); }\n"
	assert_changed(BITS("A, B"), BITS("A, X, B"), "B from 1 to 2");
	assert_ok(compare(BITS("A, B"), BITS("A, B, C")));
	assert_ok(compare(BITS("A, B"), BITS("AA, B")));
	assert_ok(compare_accepting(BITS("A, B"), BITS("A, X, B"), (char *)"B"));
	/* One that has a name by a typedef is told of once, by that. */
	assert_changed("typedef enum { A, B } t;\n" USE("t"), "typedef enum { B, A } t;\n" USE("t"), "enum t");
}

/* Nothing lives that is of a type that was not there. */
static void test_new_type(void **state)
{
	assert_ok(compare("struct s { int a; };\n" USE("struct s"),
			  "struct s { int a; };\nstruct t { int b; };\n" USE("struct s")
			  "int g(struct t *p);\nint g(struct t *p) { return p->b; }\n"));
}

/* What lives points to the old one. */
static void test_pointer_to_another_type(void **state)
{
	assert_changed("struct u;\nstruct s { struct u *u; };\n" USE("struct s"),
		       "struct v;\nstruct s { struct v *u; };\n" USE("struct s"), "u at 0");
	assert_ok(compare("struct u { int a; };\nstruct s { char *u; };\n" USE("struct s"),
			  "struct u { int a; };\nstruct s { const unsigned char *u; };\n" USE("struct s")));
}

/* Who allocated it took the size of the old one. */
static void test_pointer_to_numbers(void **state)
{
	assert_changed("struct s { unsigned int *u; };\n" USE("struct s"),
		       "struct s { unsigned long *u; };\n" USE("struct s"), "u at 0");
	assert_changed("typedef struct { int c; } a;\ntypedef struct { long c; } b;\nstruct s { a *u; };\n" USE("struct s"),
		       "typedef struct { int c; } a;\ntypedef struct { long c; } b;\nstruct s { b *u; };\n" USE("struct s"),
		       "u at 0");
	assert_changed("struct v;\nstruct w;\nstruct s { struct v **u; };\n" USE("struct s"),
		       "struct v;\nstruct w;\nstruct s { struct w **u; };\n" USE("struct s"), "u at 0");
	assert_changed("struct s { struct { int a; } *u; };\n" USE("struct s"),
		       "struct s { struct { int a, b; } *u; };\n" USE("struct s"), "u at 0");
	assert_ok(compare("struct s { int *u; char *v; int (*f)(int); };\n" USE("struct s"),
			  "struct s { const unsigned int *u; void *v; int (*f)(long); };\n" USE("struct s")));
}

static void test_static_variables_of_functions(void **state)
{
#define COUNTS(type, name) "struct a { long p; }; struct b { long p; };\nextern int use(void *); int " name \
	"(int x) { if (x) { static " type " v; return use(&v); } return x; }\n"
	assert_changed(COUNTS("struct a", "f"), COUNTS("struct b", "f"), "f.v in ");
	assert_changed(COUNTS("struct a *", "f"), COUNTS("struct b *", "f"), "f.v in ");
	assert_ok(compare(COUNTS("struct a", "f"), COUNTS("struct a", "f")));
	assert_ok(compare(COUNTS("int", "f"), COUNTS("unsigned int", "f")));
	assert_ok(compare_accepting(COUNTS("struct a", "f"), COUNTS("struct b", "f"), (char *)"f.v"));
}

/* As many bits, and another unit or order. */
static void test_numbers_with_a_meaning(void **state)
{
#define TIMES "typedef long long ktime_t; typedef unsigned int __be32;\n"
	assert_changed(TIMES "struct s { long last; };\n" USE("struct s"), TIMES "struct s { ktime_t last; };\n" USE("struct s"),
		       "last at 0");
	assert_changed(TIMES "struct s { __be32 a; };\n" USE("struct s"), TIMES "struct s { unsigned int a; };\n" USE("struct s"),
		       "a at 0");
}

/* The same bits under another name. */
static void test_equal_numbers(void **state)
{
	assert_ok(compare("typedef unsigned char u8;\nstruct s { int a; unsigned char b; };\n" USE("struct s"),
			  "typedef unsigned char u8;\nstruct s { unsigned int a; u8 b; };\n" USE("struct s")));
	assert_changed("struct s { unsigned char a; };\n" USE("struct s"),
		       "struct s { _Bool a; };\n" USE("struct s"), "a at 0");
}

static void test_typedef_of_nameless(void **state)
{
	assert_changed("typedef struct { int a; } t;\n" USE("t"), "typedef struct { int a, b; } t;\n" USE("t"), "struct t");
	assert_ok(compare("typedef struct { int a; } t;\nstruct s { t a; };\n" USE("struct s"),
			  "typedef struct { int a; } t;\nstruct s { t a; };\n" USE("struct s")));
}

#define CALLED(args) "int f(" args ");\nint f(" args ") { return 1; }\n"
#define EXPORTED "asm(\".pushsection \\\"___ksymtab+f\\\", \\\"a\\\"\\n __ksymtab_f: .long f - .\\n .popsection\");\n"

/* Who calls a function that is not exported is changed with it. */
static void test_exported_functions(void **state)
{
	assert_ok(compare(CALLED("int a"), CALLED("int a, int b")));
	assert_ok(compare(CALLED("int a") EXPORTED, CALLED("unsigned int b") EXPORTED));
	assert_refused(compare(CALLED("int a") EXPORTED, CALLED("int a, int b") EXPORTED), "EXPORT-CHANGED");
	assert_refused(compare(CALLED("int a") EXPORTED, CALLED("void *a") EXPORTED), "EXPORT-CHANGED");
	assert_ok(compare_accepting(CALLED("int a") EXPORTED, CALLED("int a, int b") EXPORTED, (char *)"f"));
}

static void test_accepted(void **state)
{
	static const char pre[] = "struct s { int a; };\n" USE("struct s");
	static const char post[] = "struct s { long a; };\n" USE("struct s");

	assert_ok(compare_accepting(pre, post, (char *)"s"));
	assert_ok(compare_accepting(pre, post, (char *)"struct s"));
	assert_refused(compare_accepting(pre, post, (char *)"t"), "LAYOUT-CHANGED");
}

static void test_no_debug_information(void **state)
{
	_cleanup_free_ char *good = compile_debug("good.o", "int x;\n"), *none = path_join(test_folder, "none.o");
	struct change change = { 0 };
	struct error *err;

	err = layout_compare(&change, none, good, NULL, 0);
	assert_non_null(err);
	assert_int_equal(err->kind, ERROR_SYSTEM);
	error_free(err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_new_member),
		cmocka_unit_test(test_order_and_type),
		cmocka_unit_test(test_places_of_bits),
		cmocka_unit_test(test_variables),
		cmocka_unit_test(test_nameless_members), cmocka_unit_test(test_members_of_nameless_types),
		cmocka_unit_test(test_enumerations),
		cmocka_unit_test(test_nameless_enumerations),
		cmocka_unit_test(test_new_type),
		cmocka_unit_test(test_pointer_to_another_type),
		cmocka_unit_test(test_equal_numbers),
		cmocka_unit_test(test_pointer_to_numbers),
		cmocka_unit_test(test_static_variables_of_functions),
		cmocka_unit_test(test_numbers_with_a_meaning),
		cmocka_unit_test(test_typedef_of_nameless),
		cmocka_unit_test(test_exported_functions),
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_no_debug_information),
	};

	return cmocka_run_group_tests(tests, make_test_folder, remove_test_folder);
}
