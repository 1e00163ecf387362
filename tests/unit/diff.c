// SPDX-License-Identifier: GPL-2.0
#include "diff.h"

static struct error *compare_module(const char *pre, const char *post)
{
	reset(NULL);
	change.pre = compile(pre);
	change.post = compile(post);
	change.module = true;
	return diff_objects(&change);
}

/* The first atom of the section. */
static struct atom *atom_in(struct object *obj, const char *section)
{
	struct section *sec = object_section(obj, section);

	assert_non_null(sec);
	return sec->atoms[0];
}

static void assert_twins(const char *pre, const char *post)
{
	assert_ptr_equal(atom_called(change.post, post)->twin, atom_called(change.pre, pre));
	assert_ptr_equal(atom_called(change.pre, pre)->twin, atom_called(change.post, post));
}

#define COUNTERS                                                                                   \
	"int f(void) { static int calls; return external(++calls); }\n"                            \
	"int g(void) { static int calls; return external(calls += 2); }\n"

static void nothing_changed(void **state)
{
	static const char source[] = COUNTERS
		"static const char *const names[] = { \"a\", \"b\" }; int shared;\n"
		"void h(int i) { report(names[i], 0x1234); report(__func__, ++shared); }";

	assert_ok(compare(source, source));
	assert_replaced("");
	assert_int_equal(change.note_count, 0);
	assert_int_equal(state_of("f"), ATOM_SAME);
	assert_twins("names", "names");
}

/* Only the function that changed, though all that follows moved. */
static void one_function_changed(void **state)
{
	assert_ok(compare("int f(int x) { return external(x); }\n int g(int x) { return x * 7; }\n"
			  "int h(int x) { return external(g(x)); }",
			  "int f(int x) { if (x < 0) return -22; return external(x); }\n"
			  "int g(int x) { return x * 7; }\n int h(int x) { return external(g(x)); }"));
	assert_replaced("f ");
	assert_int_equal(state_of("h"), ATOM_SAME);
}

static void another_callee(void **state)
{
	assert_ok(compare("int a(int), b(int); int f(int x) { return a(x); }",
			  "int a(int), b(int); int f(int x) { return b(x); }"));
	assert_replaced("f ");
	assert_ok(compare("noinline static int a(int x) { return external(x); }\n"
			  "noinline static int b(int x) { return external(x) + 1; }\n"
			  "int f(int x) { return a(x) + 1; } int g(int x) { return b(x); }",
			  "noinline static int a(int x) { return external(x); }\n"
			  "noinline static int b(int x) { return external(x) + 1; }\n"
			  "int f(int x) { return b(x) + 1; } int g(int x) { return a(b(x)); }"));
	assert_replaced("f g ");
}

/* Calls inside one section, where the assembler leaves no relocation. */
static void functions_that_share_a_section(void **state)
{
#define SCHED "__section(\".sched.text\") "
	static const char pre[] = SCHED "static noinline int a(int x) { return external(x); }\n"
		SCHED "static noinline int b(int x) { return external(x + 1); }\n"
		SCHED "int f(int x) { return a(x) + 1; }\n" SCHED "int g(int x) { return b(x) * 3; }";
	static const char post[] = SCHED "static noinline int a(int x) { if (x > 9) external(9); return external(x); }\n"
		SCHED "static noinline int b(int x) { return external(x + 1); }\n"
		SCHED "int f(int x) { return a(x) + 1; }\n" SCHED "int g(int x) { return b(x) * 3; }";

	assert_ok(compare(pre, post));
	assert_replaced("a ");
	/* Another callee, at the same distance. */
	assert_ok(compare(pre, SCHED "static noinline int b(int x) { return external(x); }\n"
			  SCHED "static noinline int a(int x) { return external(x + 1); }\n"
			  SCHED "int f(int x) { return b(x) + 1; }\n" SCHED "int g(int x) { return a(x) * 3; }"));
	assert_replaced("b a f g ");
}

/* A static local added before others gives all of them other numbers. */
static void renumbered_statics(void **state)
{
	assert_ok(compare(COUNTERS "int z(int x) { return x; }",
			  "int first(void) { static int calls; return external(--calls); }\n" COUNTERS
			  "int z(int x) { return x + 1; }"));
	assert_replaced("z ");
	assert_ptr_equal(atom_called(change.post, "f")->relocs[0].target->twin,
			 atom_called(change.pre, "f")->relocs[0].target);
	assert_null(atom_called(change.post, "first")->relocs[0].target->twin);
	assert_int_equal(state_of("first"), ATOM_NEW);
}

/* The function that changed keeps its own state. */
static void statics_of_a_changed_function(void **state)
{
	assert_ok(compare(COUNTERS,
			  "int e(void) { static int calls; return calls--; }\n"
			  "int f(void) { static int calls; return external(++calls + 5); }\n"
			  "int g(void) { static int calls; return external(calls += 2); }"));
	assert_replaced("f ");
	assert_ptr_equal(atom_called(change.post, "f")->relocs[0].target->twin,
			 atom_called(change.pre, "f")->relocs[0].target);
}

/* Two here, three there, nothing tells which is new: state would be lost or mixed up. */
static void ambiguous_statics(void **state)
{
	assert_refused(compare("void f(int x) { { static int n; external(n++); } { static int n; external(n++); } }",
			       "void f(int x) { { static int n; external(n++); } { static int n; external(n++); }\n"
			       " { static int n; external(n++); } external(x); }"),
		       "STATIC-AMBIGUOUS");
}

/* The function that had the state is gone, and another has something of that name. */
static void statics_of_another_function(void **state)
{
	assert_refused(compare("static noinline int old(int x) { static int n; return external(n++) + x; }\n"
			       "int f(int x) { return old(x); }",
			       "static noinline int new(int x) { static long n; return external(n++) * x; }\n"
			       "int f(int x) { return new(x); }"), "STATIC-AMBIGUOUS");
}

/* What one function loses and another one gets is not the same thing, though it is equal. */
static void statics_of_other_functions(void **state)
{
#define F(k) "int f(int x) { static int n; return external(n += x) " k "; }\n"
#define G(k) "int g(int x) { static int n; return external(n -= x) " k "; }\n"
#define NO_F "int f(int x) { return external(x); }\n"
#define NO_G "int g(int x) { return external(-x); }\n"
	assert_ok(compare(F("") NO_G, NO_F G("")));
	assert_replaced("f g ");
	assert_null(atom_called(change.post, "g")->relocs[0].target->twin);
	/* It may have gone to where the code of its function went. */
	assert_ok(compare(F(""), "static noinline int helper(int x) { static int n; return external(n += x); }\n"
			  "int f(int x) { return helper(x) + 1; }"));
	assert_twins("n.0", "n.0");
	assert_ok(compare("static noinline int helper(int x) { static int n; return external(n += x); }\n"
			  "int f(int x) { return helper(x) + 1; }", F("+ 1")));
	assert_twins("n.0", "n.0");
}

/* A once-flag that starts anew only says its message once more. */
static void ambiguous_once_flags(void **state)
{
#define ONCE "{ static char __section(\".data.once\") done; if (!done) { done = 1; external(1); } }"
	assert_ok(compare("void f(int x) { " ONCE ONCE " }", "void f(int x) { " ONCE ONCE ONCE " external(x); }"));
	assert_replaced("f ");
}

/* The limit of a message, which the macros call _rs; another thing that is limited has a name of its own. */
static void ambiguous_limits(void **state)
{
#define LIMITED(name) "{ static struct { int lock, interval, burst; long begin; } " name " = { 0, 1250, 10 }; if (external(" name ".burst--)) external(1); }"
	assert_ok(compare("void f(int x) { " LIMITED("_rs") LIMITED("_rs") " }",
			  "void f(int x) { " LIMITED("_rs") LIMITED("_rs") LIMITED("_rs") " external(x); }"));
	assert_replaced("f ");
	assert_refused(compare("void f(int x) { " LIMITED("rs") LIMITED("rs") " }",
			       "void f(int x) { " LIMITED("rs") LIMITED("rs") LIMITED("rs") " external(x); }"),
		       "STATIC-AMBIGUOUS");
}

/*
 * pr_debug(): what is switched on lives in an object of its own, which goes on living where it is the same message, also
 * where the code of another function has it now.  Another message is new, and is off.
 */
static void debug_messages(void **state)
{
#define DEBUG "struct message { const char *module, *function, *file, *format; long line, flags; };\n"
#define MESSAGE(format, line)                                                                      \
	"{ static struct message __section(\"__dyndbg\") d = { \"m\", __func__, \"file.c\", \"" format "\", " line ", 0 };" \
	" if (d.flags) report(d.format, d.flags); }"
	static const char pre[] = DEBUG "void f(int x) { " MESSAGE("enter", "7") " external(x); } int g(int x) { return external(x); }";

	assert_ok(compare(pre, DEBUG "static noinline void locked(int x) { " MESSAGE("enter", "7") " external(x); }\n"
			  "void f(int x) { external(1); locked(x); } int g(int x) { return external(x); }"));
	assert_replaced("f ");
	assert_ok(compare(pre, DEBUG "void f(int x) { external(1); " MESSAGE("enter", "8") " external(x); }"));
	assert_replaced("f ");
	assert_int_equal(atom_in(change.post, "__dyndbg")->state, ATOM_KEPT);
	assert_ptr_equal(atom_in(change.post, "__dyndbg")->twin, atom_in(change.pre, "__dyndbg"));
	assert_ok(compare(pre, DEBUG "void f(int x) { " MESSAGE("entered", "7") " external(x); } int g(int x) { return external(x); }"));
	assert_replaced("f ");
	assert_int_equal(atom_in(change.post, "__dyndbg")->state, ATOM_NEW);
	assert_int_equal(change.note_count, 1);
	/* None of them can be told from the other. */
	assert_ok(compare(DEBUG "void f(int x) { " MESSAGE("a", "7") MESSAGE("a", "7") " }",
			  DEBUG "void f(int x) { " MESSAGE("a", "7") MESSAGE("a", "7") MESSAGE("a", "7") " external(x); }"));
	assert_replaced("f ");
}

/* A new one beside those that are certain is no doubt. */
static void added_statics(void **state)
{
	assert_ok(compare("void f(int x) { static int n; external(n++); }",
			  "void f(int x) { static int n; static int m; external(n++); external(m--); }"));
	assert_replaced("f ");
	assert_int_equal(change.post->atom_count, change.pre->atom_count + 1);
}

static void changed_strings(void **state)
{
	assert_ok(compare("void f(void) { report(\"one\", 1); } void g(void) { report(\"two\", 1); }",
			  "void f(void) { report(\"one\", 1); } void g(void) { report(\"twp\", 1); }"));
	assert_replaced("g ");
	/* The end of another string, after the assembler or the linker merged them. */
	assert_ok(compare("void f(void) { report(\"a long text\", 1); report(\"text\", 2); }",
			  "void f(void) { report(\"a long text\", 1); report(\"ext\", 2); }"));
	assert_replaced("f ");
	assert_ok(compare("void f(void) { report(\"abc\", 1); }", "void f(void) { report(\"ab\", 1); }"));
	assert_replaced("f ");
	assert_ok(compare("void f(void) { report(\"ab\", 1); }", "void f(void) { report(\"abc\", 1); }"));
	assert_replaced("f ");
}

/* Of characters of two or four bytes: a zero byte does not end them. */
static void changed_wide_strings(void **state)
{
	assert_ok(compare("void w(void *); void f(void) { w(u\"SetupMode\"); } void g(void) { w(U\"x1\"); }",
			  "void w(void *); void f(void) { w(u\"SetupMide\"); } void g(void) { w(U\"x2\"); }"));
	assert_replaced("f g ");
	assert_ok(compare("void w(void *); void f(void) { w(u\"SetupMode\"); }",
			  "void w(void *); void e(void) { w(u\"Before\"); } void f(void) { w(u\"SetupMode\"); }"));
	assert_replaced("");
}

static void changed_constants(void **state)
{
#define TABLE(v) "static const int table[] = { 1, 2, " v ", 4 };\n"
	static const char users[] = "int f(int i) { return table[i]; }\n"
		"const int *h(void) { return table; } int g(int i) { return external(i); }";
	_cleanup_free_ char *pre = xasprintf(TABLE("3") "%s", users);
	_cleanup_free_ char *post = xasprintf(TABLE("5") "%s", users);

	assert_ok(compare(pre, post));
	assert_replaced("f h ");
	assert_int_equal(state_of("table"), ATOM_CHANGED);
}

/* What refers to a constant that changed has to be made anew as well, and so on. */
static void constants_that_refer_to_constants(void **state)
{
#define NESTED(v)                                                                                  \
	"struct s { const int *p; int n; }; static const int inner[] = { 1, " v " };\n"            \
	"static const struct s outer[] = { { inner, 2 }, { 0, 0 } };\n"                            \
	"int f(int i) { return outer[i].p[i]; } int g(int i) { return i + 1; }"
	assert_ok(compare(NESTED("2"), NESTED("3")));
	assert_replaced("f ");
}

static void constants_with_functions(void **state)
{
#define OPS(fn)                                                                                    \
	"static int a(int x) { return x; } static int b(int x) { return x * 5; }\n"                \
	"struct ops { int (*f)(int), (*g)(int); }; static const struct ops ops = { a, " fn " };\n" \
	"const struct ops *get(void) { return &ops; } int use(int x) { return b(a(x)); }"
	assert_refused(compare(OPS("a"), OPS("b")), "DATA-CHANGED");
	assert_ok(compare(OPS("b"), OPS("b")));
	assert_replaced("");
}

static void live_data_that_points_to_constants(void **state)
{
#define POINTED(v)                                                                                 \
	"static const int c[] = { 1, " v " }; const int *p = c; int f(int i) { return p[i]; }"
	assert_refused(compare(POINTED("2"), POINTED("3")), "DATA-CHANGED");
}

static void changed_data(void **state)
{
	assert_refused(compare("int limit = 5; int f(void) { return limit; }",
			       "int limit = 6; int f(void) { return limit; }"), "DATA-CHANGED");
	assert_refused(compare("int limit; int f(void) { return limit; }",
			       "int limit = 6; int f(void) { return limit; }"), "DATA-CHANGED");
	assert_refused(compare("int array[4]; int f(int i) { return array[i]; }",
			       "int array[5]; int f(int i) { return array[i]; }"), "DATA-CHANGED");
	assert_refused(compare("int f(void) { static int n = 1; return n++; }",
			       "int f(void) { static int n = 2; return n++; }"), "DATA-CHANGED");
}

/* @said: "kind name ", in the order of the object. */
static void assert_declared(const char *said)
{
	static const char *const kinds[] = { "overwrite", "keep", "layout" };
	_cleanup_free_ char *all = xstrdup("");
	size_t i;

	for (i = 0; i < change.declaration_count; i++) {
		char *longer = xasprintf("%s%s %s ", all, kinds[change.declarations[i].kind],
					 change.declarations[i].name);

		free(all);
		all = longer;
	}
	assert_string_equal(all, said);
}

static void overwritten_data(void **state)
{
#define LIMIT(v) "int limit = " v "; int other = 1; int f(void) { return limit++ + other++; }\n"
	assert_ok(compare(LIMIT("5"), LIMIT("6") DECLARE("overwrite", "limit")));
	assert_replaced("");
	assert_true(change_acts(&change));
	assert_int_equal(change.overwritten_count, 1);
	assert_string_equal(atom_name(change.overwritten[0]), "limit");
	assert_declared("overwrite limit ");
	/* Nothing before, and nothing now. */
	assert_ok(compare("int limit; int f(void) { return limit++; }",
			  "int limit = 6; int f(void) { return limit++; }" DECLARE("overwrite", "limit")));
	assert_int_equal(change.overwritten_count, 1);
	assert_ok(compare("int limit = 5; int f(void) { return limit++; }",
			  "int limit; int f(void) { return limit++; }" DECLARE("overwrite", "limit")));
	assert_int_equal(change.overwritten_count, 1);
	/* One that did not change needs nothing. */
	assert_ok(compare(LIMIT("5"), LIMIT("5") DECLARE("overwrite", "limit")));
	assert_false(change_acts(&change));
	assert_declared("");
	/* Another one is not meant. */
	assert_refused(compare(LIMIT("5"), LIMIT("6") DECLARE("overwrite", "other")), "DATA-CHANGED");
	assert_refused(compare(LIMIT("5"), LIMIT("6") DECLARE("overwrite", "lim")), "DATA-CHANGED");
	assert_refused(compare(LIMIT("5"), LIMIT("6") DECLARE("overwrite", "limit") DECLARE("keep", "limit")),
		       "DECLARATION-INVALID");
	/* Static variables of functions have numbers. */
	assert_ok(compare("int f(void) { static int n = 1; return n++; }",
			  "int f(void) { static int n = 2; " DECLARE("overwrite", "n") " return n++; }"));
	assert_int_equal(change.overwritten_count, 1);
}

static void data_that_cannot_be_overwritten(void **state)
{
#define ARRAY(n) "int array[" n "] = { 1 }; int f(int i) { return array[i]++; }\n"
	struct error *err = compare(ARRAY("4"), ARRAY("5") DECLARE("overwrite", "array"));

	assert_non_null(strstr(err->message, "from 16 to 20 bytes"));
	assert_refused(err, "DATA-CHANGED");
	assert_refused(compare(ARRAY("4"), ARRAY("5") DECLARE("keep", "array")), "DATA-CHANGED");
#define PER_CPU "__section(\".data..percpu\") "
	assert_refused(compare(PER_CPU "int n = 1; int f(void) { return n; }",
			       PER_CPU "int n = 2; int f(void) { return n; }" DECLARE("overwrite", "n")),
		       "DECLARATION-INVALID");
	assert_refused(compare(POINTED("2"), POINTED("3") DECLARE("overwrite", "other")), "DATA-CHANGED");
}

static void overwritten_constants(void **state)
{
	/* In its place, so that nobody else has to change. */
	assert_ok(compare(NESTED("2"), NESTED("3") DECLARE("overwrite", "inner")));
	assert_replaced("");
	assert_int_equal(change.overwritten_count, 1);
	assert_true(atom_is_read_only(change.overwritten[0]));
	assert_ok(compare(OPS("a"), OPS("b") DECLARE("overwrite", "ops")));
	assert_int_equal(change.overwritten_count, 1);
	/* The one that points to it is given the address of the new copy. */
	assert_ok(compare(POINTED("2"), POINTED("3") DECLARE("overwrite", "p")));
	assert_int_equal(state_of("c"), ATOM_CHANGED);
	assert_int_equal(state_of("p"), ATOM_OVERWRITTEN);
	assert_declared("overwrite p ");
}

static void kept_data(void **state)
{
	char *accepted[] = { "limit" };

	assert_ok(compare(LIMIT("5"), LIMIT("6") DECLARE("keep", "limit")));
	assert_false(change_acts(&change));
	assert_declared("keep limit ");
	assert_ok(compare(NESTED("2"), NESTED("3") DECLARE("keep", "inner")));
	assert_replaced("");

	reset(NULL);
	change.pre = compile(LIMIT("5"));
	change.post = compile(LIMIT("6"));
	change.accepted_data = accepted;
	change.accepted_data_count = 1;
	assert_ok(diff_objects(&change));
	assert_declared("keep limit ");
}

static void what_refusals_of_data_advise(void **state)
{
	struct error *err = compare(LIMIT("5"), LIMIT("6"));

	assert_non_null(strstr(err->message, "KMEND_OVERWRITE(limit) or KMEND_KEEP(limit)"));
	assert_non_null(strstr(err->message, "--accept data:limit"));
	error_free(err);
	err = compare(ARRAY("4"), ARRAY("5"));
	assert_non_null(strstr(err->message, "give the new one another name"));
	error_free(err);
}

/* A table with one more entry: a copy serves code that is replaced, and nobody else. */
static void tables_that_grow(void **state)
{
#define NAMES(what, entries, users)                                                                \
	what "const char *const names[] = { \"one\", \"two\"" entries " };\n"                         \
	"const char *f(unsigned i) { return i < sizeof(names) / sizeof(*names) ? names[i] : 0; }\n" users
	struct error *err;

	assert_ok(compare(NAMES("static ", "", ""), NAMES("static ", ", \"three\"", "")));
	assert_replaced("f ");
	/* Other files can refer to it. */
	err = compare(NAMES("", "", ""), NAMES("", ", \"three\"", ""));
	assert_non_null(strstr(err->message, "names (.rodata.names in dir/file.o), which code of other files can refer to"));
	assert_refused(err, "DATA-CHANGED");
	/* Code that ran gave its address away, or looked at it and that is over. */
#define SETUP(body) "__section(\".init.text\") void setup(int i) { " body " }"
	assert_refused(compare(NAMES("static ", "", SETUP("report((void *)names, 2);")),
			       NAMES("static ", ", \"three\"", SETUP("report((void *)names, 2);"))), "DATA-CHANGED");
	assert_ok(compare(NAMES("static ", "", SETUP("report(names[i], 2);")),
			  NAMES("static ", ", \"three\"", SETUP("report(names[i], 2);"))));
	/* Of another name it is new. */
	assert_ok(compare("int entries[] = { 1, 2 }; int f(int i) { return entries[i]++; } int g(int i) { return entries[i]; }",
			  "int entries[] = { 1, 2 }; int more[] = { 1, 2, 3 }; int f(int i) { return more[i]++; }\n"
			  "int g(int i) { return entries[i]; }"));
	assert_replaced("f ");
}

static void hooks(void **state)
{
	assert_ok(compare("int f(int x) { return x; }",
			  "int f(int x) { return x; } static int first(void) { return external(1); }\n"
			  HOOK("pre_apply", "first") HOOK("fail_apply", "first")));
	assert_replaced("");
	assert_true(change_acts(&change));
	assert_int_equal(change.hook_count, 2);
	/* In an order of the compiler's. */
	assert_string_not_equal(change.hooks[0]->section->name, change.hooks[1]->section->name);
}

static void declared_types(void **state)
{
	_cleanup_free_ char **list = NULL;
	size_t count = 0;

	/* The compiler turns their order round. */
	assert_ok(compare("int f(int x) { return x; }", "int f(int x) { return x + 1; }\n"
			  "static const char a[] __attribute__((used)) __section(\".kmend.layout\") = \"struct a_rather_long_name_of_a_type\";\n"
			  "static const char b[] __attribute__((used)) __section(\".kmend.layout\") = \"union b\";\n"));
	declared_layouts(change.pre, change.post, &list, &count);
	assert_int_equal(count, 2);
	assert_string_equal(list[0], "union b");
	assert_string_equal(list[1], "struct a_rather_long_name_of_a_type");
	assert_declared("layout union b layout struct a_rather_long_name_of_a_type ");
}

/* What patches say that are in both does not count again. */
static void said_before(void **state)
{
#define SAID(value, more)                                                                          \
	"int limit = " value "; int f(int x) { return x + limit" more "; } static int first(void) { return external(1); }\n" \
	HOOK("pre_apply", "first") DECLARE("keep", "limit") DECLARE("layout", "x")

	assert_ok(compare(SAID("5", ""), SAID("5", " + 1")));
	assert_replaced("f ");
	assert_int_equal(change.hook_count, 0);
	assert_declared("");
	assert_refused(compare(SAID("5", ""), SAID("6", " + 1")), "DATA-CHANGED");
	assert_ok(compare(SAID("5", ""), SAID("5", " + 1") "static int second(void) { return external(2); }\n"
			  HOOK("apply", "second")));
	assert_int_equal(change.hook_count, 1);
}

static void new_data(void **state)
{
	assert_ok(compare("int f(void) { return 1; }", "int limit = 5; int f(void) { return limit++; }"));
	assert_replaced("f ");
	assert_int_equal(state_of("limit"), ATOM_NEW);
}

/* The same name and bytes in another place of the kernel are another thing. */
static void data_that_moved(void **state)
{
	/*
	 * What becomes constant needs nothing, and of one that was dropped there can be a copy.
	 * Kept code that refers to init data is refused when it is extracted.
	 */
	static const bool allowed[5][5] = { { 1, 1, 1, 0, 1 }, { 0, 1, 1, 0, 1 }, { 0, 1, 1, 0, 1 },
					    { 0, 0, 0, 1, 1 }, { 0, 1, 0, 0, 1 } };
	static const char *const homes[] = { "", "const ", "__section(\".data..ro_after_init\") ",
					     "__section(\".data..percpu\") ", "__section(\".init.data\") " };
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(homes); i++) {
		for (k = 0; k < ARRAY_SIZE(homes); k++) {
			_cleanup_free_ char *pre = xasprintf("%sint v = 5; int f(void) { asm volatile(\"\" :: \"m\"(v)); }", homes[i]);
			_cleanup_free_ char *post = xasprintf("%sint v = 5; int f(void) { asm volatile(\"nop\" :: \"m\"(v)); }", homes[k]);

			if (allowed[i][k])
				assert_ok(compare(pre, post));
			else
				assert_refused(compare(pre, post), "DATA-CHANGED");
		}
	}
}

/* The running code of an __init function is gone. */
static void functions_that_leave_init(void **state)
{
	static const char pre[] = "__section(\".init.text\") noinline int setup(int x) { return external(x); }\n"
				  "int f(int x) { return x; }";

	assert_ok(compare(pre, "noinline int setup(int x) { return external(x); }\n"
			       "int f(int x) { return setup(x); }"));
	assert_replaced("f ");
	assert_int_equal(state_of("setup"), ATOM_NEW);
	assert_null(atom_called(change.post, "setup")->twin);
}

static void code_that_ran_already(void **state)
{
#define INIT(v) "__section(\".init.text\") int setup(int x) { return external(x + " v "); }"
	assert_ok(compare(INIT("1"), INIT("2")));
	assert_replaced("");
	assert_int_equal(change.note_count, 1);
	assert_non_null(strstr(change.notes[0], "setup"));
#define EXIT(v) "__section(\".exit.text\") int leave(int x) { return external(x + " v "); }"
	assert_ok(compare(EXIT("1"), EXIT("2")));
	assert_replaced("");
	assert_ok(compare_module(EXIT("1"), EXIT("2")));
	assert_replaced("leave ");
}

#define COLD(check) "int f(int x) { if (unlikely(x > " check ")) { fail(x); fail(x + 1); } return external(x); }\n" \
	"int g(int x) { if (unlikely(x > 3)) { fail(x); fail(x + 7); } return external(x); }"

static void cold_parts_go_with_their_function(void **state)
{
	assert_ok(compare(COLD("5"), COLD("5")));
	assert_replaced("");
	assert_ok(compare(COLD("5"), COLD("6")));
	assert_replaced("f.cold f ");
	/* Only the cold part has other bytes. */
	assert_ok(compare("int f(int x) { if (unlikely(x > 5)) { fail(x); fail(x + 1); } return external(x); }",
			  "int f(int x) { if (unlikely(x > 5)) { fail(x); fail(x + 2); } return external(x); }"));
	assert_replaced("f.cold f ");
}

/* Clones that the compiler makes have numbers too. */
static void clones(void **state)
{
#define CLONES(extra, k)                                                                           \
	extra "static noinline int helper(int x, int y) { if (y == 3) return external(x); return external(y) + x; }\n" \
	"int f(int x) { return helper(x, 3) + " k "; } int g(int x) { return helper(x, 3) * 2; }"
	assert_ok(compare(CLONES("", "1"), CLONES("", "1")));
	assert_replaced("");
	assert_ok(compare(CLONES("", "1"), CLONES("", "2")));
	assert_replaced("f ");
}

/* An alias may come first in the symbol table; the function is the same one. */
static void aliases_do_not_hide_a_change(void **state)
{
	assert_ok(compare("int f(int x) { return external(x); }",
			  "extern int a(int) __attribute__((alias(\"f\"))); int f(int x) { return external(x) + 1; }"));
	assert_int_equal(change.replaced_count, 1);
	assert_twins("f", "f");
	assert_ok(compare("static int f(int x) { return external(x); } int (*p)(int) = f;",
			  "static int f(int x) { return external(x) + 1; } int (*p)(int) = f;\n"
			  "extern int a(int) __attribute__((alias(\"f\")));"));
	assert_int_equal(change.replaced_count, 1);
	assert_twins("f", "f");
}

#define EXPORT(name)                                                                               \
	"asm(\".pushsection \\\"___ksymtab+" name "\\\", \\\"a\\\"\\n __ksymtab_" name ": .long " name " - .\\n"  \
	" .popsection\");\n"
#define EXPORT_NEW(name, license)                                                                  \
	"asm(\".pushsection .export_symbol, \\\"a\\\"\\n __export_symbol_" name ": .asciz \\\"" license "\\\"\\n" \
	" .asciz \\\"\\\"\\n .balign 8\\n .quad " name "\\n .popsection\");\n"
#define TWO "int f(int x) { return x; } int g(int x) { return x + 1; }\n"

/* Whoever imports goes on finding what was there; what is new is for this update alone. */
static void exports(void **state)
{
	static const char *const pre[] = { TWO EXPORT("f") EXPORT("g"), TWO EXPORT_NEW("f", "GPL") EXPORT_NEW("g", "GPL") };
	static const char *const post[] = { TWO EXPORT("f"), TWO EXPORT_NEW("f", "GPL") };
	size_t i;

	/* The second as from 6.4 on (include/linux/export.h). */
	for (i = 0; i < ARRAY_SIZE(pre); i++) {
		assert_ok(compare(pre[i], pre[i]));
		assert_int_equal(change.note_count, 0);
		assert_true(change_exports(&change, "g"));
		assert_ok(compare(pre[i], post[i]));
		assert_int_equal(change.note_count, 1);
		assert_non_null(strstr(change.notes[0], "g in "));
		assert_ok(compare(post[i], pre[i]));
		assert_int_equal(change.note_count, 1);
		assert_non_null(strstr(change.notes[0], "g in "));
		assert_false(change_exports(&change, "g"));
	}
	assert_refused(compare(TWO EXPORT_NEW("f", "GPL"), TWO EXPORT_NEW("f", "")), "EXPORT-CHANGED");
}

static void unknown_sections(void **state)
{
#define ODD(v) "__section(\"odd_registry\") int entry = " v "; int f(void) { return 1; }"
	assert_ok(compare(ODD("1"), ODD("1")));
	assert_refused(compare(ODD("1"), ODD("2")), "SECTION-UNKNOWN");
	assert_refused(compare("int f(void) { return 1; }", ODD("2")), "SECTION-UNKNOWN");
}

/* What a breakpoint itself may run cannot be reached by writing one. */
static void entry_code(void **state)
{
#define ENTRY(section, v) "noinline __section(\"" section "\") int f(void) { return " v "; }"
	assert_refused(compare(ENTRY(".noinstr.text", "1"), ENTRY(".noinstr.text", "2")), "ENTRY-CHANGED");
	assert_refused(compare(ENTRY(".entry.text", "1"), ENTRY(".entry.text", "2")), "ENTRY-CHANGED");
	assert_ok(compare_module(ENTRY(".noinstr.text", "1"), ENTRY(".noinstr.text", "2")));
	assert_replaced("f ");
	assert_refused(compare("int notify_die(void) { return 1; }", "int notify_die(void) { return 2; }"), "ENTRY-CHANGED");
	assert_ok(compare_module("int notify_die(void) { return 1; }", "int notify_die(void) { return 2; }"));
	assert_ok(compare(ENTRY(".noinstr.text", "1"), ENTRY(".noinstr.text", "1") " int g(void) { return 3; }"));
	/* New code is no place where a jump is written. */
	assert_ok(compare("int g(void) { return 3; }", ENTRY(".noinstr.text", "1") " int g(void) { return f(); }"));
	assert_replaced("g ");
}

static void no_longer_init(void **state)
{
#define INIT_ONCE(section, call) section " noinline int g(int x) { return external(x); } int f(int x) { return " call "; }"
	assert_ok(compare(INIT_ONCE("__section(\".init.text\")", "x"), INIT_ONCE("", "g(x)")));
	assert_replaced("f ");
	assert_int_equal(state_of("g"), ATOM_NEW);
}

/* What cannot be replaced although it is no entry code. */
static void bound_code(void **state)
{
#define BODY(name, v) "int " name "(void) { return " v "; }\n"
#define PLACED(section, v) "noinline __section(\"" section "\") " BODY("f", v)
	assert_refused(compare(BODY("__schedule", "1"), BODY("__schedule", "2")), "CODE-BOUND");
	assert_ok(compare_module(BODY("schedule", "1"), BODY("schedule", "2")));
	assert_refused(compare(PLACED(".text..__x86.thunk", "1"), PLACED(".text..__x86.thunk", "2")), "CODE-BOUND");
	/* What tracers and probes know of it is of the old one. */
#define SITE(attribute, v) "extern void __fentry__(void);\n" attribute " void g(void) { asm(\"call __fentry__\"); external(" v "); }\n"
#define NO_SITE(v) "void g(void) { external(" v "); }\n"
	assert_refused(compare(SITE("", "1"), NO_SITE("2")), "CODE-BOUND");
	assert_ok(compare(NO_SITE("1"), SITE("", "2")));
	assert_refused(compare(BODY("f", "1"), PLACED(".kprobes.text", "1")), "CODE-BOUND");
	assert_refused(compare(BODY("f", "1"), PLACED(".noinstr.text", "1")), "CODE-BOUND");
	assert_ok(compare(PLACED(".kprobes.text", "1"), PLACED(".kprobes.text", "2")));
	assert_ok(compare(BODY("f", "1"), PLACED(".sched.text", "2")));
	/* Reached by an address that nothing of the object has. */
#define HIDDEN(v) "asm(\".section .text.odd, \\\"ax\\\"\\n mov $" v ", %eax\\n ret\\n .text\");\n" BODY("f", "1")
	assert_ok(compare(HIDDEN("1"), HIDDEN("1")));
	assert_refused(compare(HIDDEN("1"), HIDDEN("2")), "SYMBOL-NAMELESS");
}

/* Code that no symbol covers is never replaced alone: those who use it get a copy. */
static void nameless_code(void **state)
{
#define NAMELESS(v)                                                                                \
	"asm(\".section .text.odd, \\\"ax\\\"\\n .Lodd: mov $" v ", %eax\\n ret\\n .text\");\n"           \
	"void f(void) { asm volatile(\"call .Lodd\"); }"
	assert_ok(compare(NAMELESS("1"), NAMELESS("1")));
	assert_replaced("");
	assert_ok(compare(NAMELESS("1"), NAMELESS("2")));
	assert_replaced("f ");
}

/* The entries of the kernel's tables are part of the function. */
static void table_entries(void **state)
{
#define BUG(line)                                                                                  \
	"void f(void) { asm volatile(\"1: ud2\\n .pushsection __bug_table,\\\"aw\\\"\\n .long 1b - ., .LCf - .\\n"  \
	" .word " line ", 0\\n .popsection\"); } void g(void) { external(1); }\n"                    \
	"asm(\".pushsection .rodata.str1.1,\\\"aMS\\\",@progbits,1\\n .LCf: .asciz \\\"f.c\\\"\\n.popsection\");\n"
#define FIXUP(target)                                                                              \
	"void f(void) { asm volatile(\"1: mov (%rdi), %rax\\n 2: nop\\n 3: nop\\n .pushsection __ex_table,\\\"a\\\"\\n"  \
	" .long 1b - ., " target "b - ., 0\\n .popsection\"); }"
	assert_ok(compare(BUG("7"), BUG("7")));
	assert_replaced("");
	assert_ok(compare(BUG("7"), BUG("8")));
	assert_replaced("f ");
	assert_ok(compare(FIXUP("2"), FIXUP("3")));
	assert_replaced("f ");
}

/* A constant without a name that points to itself must not be followed for ever. */
static void self_references(void **state)
{
	static const char source[] =
		"asm(\".pushsection .rodata, \\\"a\\\"\\n .Lself: .quad .Lself\\n .popsection\");\n"
		"void f(void) { asm volatile(\"mov $.Lself, %rax\"); } int g(int x) { return x; }";

	assert_ok(compare(source, source));
	assert_replaced("");
}

static void base_names(void **state)
{
	static const char *const names[][2] = {
		{ "f", "f" }, { "f.12", "f" }, { "f.constprop.0", "f.constprop" },
		{ "f.part.0.constprop.3.cold", "f.part.constprop.cold" }, { "f.1a", "f.1a" }, { ".12", "" },
		{ "__UNIQUE_ID_x123", "__UNIQUE_ID_x" }, { "a.b", "a.b" }, { "f.", "f." },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *base = base_name(names[i][0]);

		assert_string_equal(base, names[i][1]);
	}
}

/* BTF_ID() ends its names with __COUNTER__; the words are filled in when the kernel is linked. */
static void btf_ids(void **state)
{
	static const char id[] = "asm(\".pushsection .BTF_ids,\\\"a\\\"\\n"
				 "__BTF_ID__struct__sock__%d:\\n.zero 4\\n"
				 "__BTF_ID__struct__sock__%d:\\n.zero 4\\n.popsection\");\n"
				 "int f(void) { return %d; }\n";
	_cleanup_free_ char *pre = xasprintf(id, 12, 13, 1), *post = xasprintf(id, 14, 15, 2);

	assert_ok(compare(pre, post));
	assert_replaced("f ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(nothing_changed), T(one_function_changed), T(another_callee),
		T(functions_that_share_a_section), T(renumbered_statics),
		T(statics_of_a_changed_function), T(ambiguous_statics), T(statics_of_another_function), T(statics_of_other_functions), T(ambiguous_once_flags), T(ambiguous_limits), T(debug_messages),
		T(added_statics),
		T(changed_strings), T(changed_wide_strings), T(changed_constants),
		T(constants_that_refer_to_constants), T(constants_with_functions),
		T(live_data_that_points_to_constants), T(changed_data), T(overwritten_data), T(data_that_cannot_be_overwritten), T(overwritten_constants), T(kept_data),
		T(what_refusals_of_data_advise), T(tables_that_grow), T(hooks), T(said_before), T(declared_types), T(new_data),
		T(data_that_moved), T(functions_that_leave_init), T(code_that_ran_already),
		T(cold_parts_go_with_their_function), T(clones), T(aliases_do_not_hide_a_change), T(exports),
		T(unknown_sections), T(entry_code), T(bound_code), T(no_longer_init), T(nameless_code), T(table_entries), T(self_references), T(base_names), T(btf_ids),
	};

	return cmocka_run_group_tests(tests, make_test_folder, remove_test_folder);
}
