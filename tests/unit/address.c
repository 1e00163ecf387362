// SPDX-License-Identifier: GPL-2.0
/* What several proved functions say about one address. */
#include "kernel.h"

#include "match/match.h"

static struct kernel kernel;
static struct match *match;

static int set_up(void **state)
{
	kernel_init(&kernel);
	return make_test_folder(state);
}

static int tear_down(void **state)
{
	match_free(match);
	kernel_fini(&kernel);
	return remove_test_folder(state);
}

static void add(const char *source)
{
	struct object *obj = compile(source);

	kernel_add(&kernel, obj);
	object_free(obj);
}

/* A kernel made of two files, the second one maybe of none. */
static void boot(const char *first, const char *second)
{
	kernel_fini(&kernel);
	kernel_init(&kernel);
	add(first);
	if (second)
		add(second);
	kernel_boot(&kernel);
}

static void prove_in(const char *target, const char *pre)
{
	match_free(match);
	match = NULL;
	assert_ok(match_object(kernel.live, target, compile(pre), &match));
}

/* Matches @pre with a kernel made of @running. */
static void prove(const char *running, const char *pre)
{
	boot(running, NULL);
	prove_in("vmlinux", pre);
}

static enum match_state state_of(const char *name)
{
	const struct match_function *f = match_function(match, name);

	assert_non_null(f);
	return f->state;
}

#define REFERRERS(by_f, by_g)                                                                      \
	"extern int one, two, hidden; void *f(void) { return &" by_f "; } void *g(void) { return &" by_g "; }\n" \
	"int h(int x) { return x * 3; }"

/* kallsyms does not list "hidden", as some do not list data: only who refers to it tells where it is. */
static void code_that_agrees(void **state)
{
	uint64_t addr;

	prove(REFERRERS("one", "one"), REFERRERS("hidden", "hidden"));
	assert_int_equal(state_of("f"), MATCH_PROVED);
	assert_int_equal(state_of("g"), MATCH_PROVED);
	assert_ok(match_address(match, "hidden", &addr));
	assert_true(addr == kernel_address(&kernel, "one"));
}

/* Where they refer to it at different places, none of them is believed, and what has no part in it stays proved. */
static void code_that_disagrees(void **state)
{
	uint64_t addr;

	prove(REFERRERS("one", "two"), REFERRERS("hidden", "hidden"));
	assert_refused(match_address(match, "hidden", &addr), "SYMBOL-CONFLICT");
	assert_refused(match_require(match, match_function(match, "f")), "FUNCTION-DIFFERS");
	assert_refused(match_require(match, match_function(match, "g")), "FUNCTION-DIFFERS");
	assert_int_equal(state_of("h"), MATCH_PROVED);
}

/* A function of assembly, so that they stand in the object as they are written here; @bind: globl or local. */
#define CODE(bind, name, body)                                                                           \
	"asm(\".pushsection .text." name ",\\\"ax\\\"\\n ." bind " " name "\\n .type " name ",@function\\n "  \
	name ": " body "\\n ret\\n .size " name ", . - " name "\\n .popsection\");\n"

#define REFER(name) "lea " name "(%rip), %rax"

/*
 * The kernel's f calls part.1, which has a name that the object's part.0 may
 * have got there; but then part.0 is proved to be elsewhere.
 */
#define RUNNING_PARTS(calls)                                                                             \
	CODE("globl", "f", "call part.1; " calls) CODE("globl", "part.0", "mov $3, %eax")                  \
	CODE("globl", "part.1", "mov $3, %eax")
#define PARTS(calls) CODE("globl", "f", "call part.0; " calls) CODE("globl", "part.0", "mov $3, %eax")

/* A later proof disproves an earlier one, and what was learnt from that does not count. */
static void later_proofs(void **state)
{
	const struct match_function *f;
	uint64_t addr;

	prove(RUNNING_PARTS(REFER("one")), PARTS(REFER("hidden")));
	f = match_function(match, "f");
	assert_int_equal(f->state, MATCH_DIFFERS);
	assert_string_equal(f->why, "it refers to something else");
	assert_int_equal(f->pre_offset, 1);
	assert_int_equal(state_of("part.0"), MATCH_PROVED);
	assert_ok(match_address(match, "part.0", &addr));
	assert_true(addr == kernel_address(&kernel, "part.0"));
	assert_refused(match_address(match, "f", &addr), "FUNCTION-DIFFERS");
	assert_refused(match_address(match, "hidden", &addr), "SYMBOL-UNKNOWN");
}

/* What is disproved does not raise doubts about others. */
static void doubts_of_the_disproved(void **state)
{
	uint64_t addr;

	prove(RUNNING_PARTS(REFER("one")) CODE("globl", "h", REFER("two")),
	      PARTS(REFER("hidden")) CODE("globl", "h", REFER("hidden")));
	assert_int_equal(state_of("f"), MATCH_DIFFERS);
	assert_int_equal(state_of("h"), MATCH_PROVED);
	assert_ok(match_address(match, "hidden", &addr));
	assert_true(addr == kernel_address(&kernel, "two"));
	/* Two that are still proved disagree all the same. */
	prove(RUNNING_PARTS(REFER("one")) CODE("globl", "h", REFER("two")) CODE("globl", "i", REFER("three")),
	      PARTS(REFER("hidden")) CODE("globl", "h", REFER("hidden")) CODE("globl", "i", REFER("hidden")));
	assert_int_equal(state_of("h"), MATCH_DIFFERS);
	assert_int_equal(state_of("i"), MATCH_DIFFERS);
	assert_int_equal(state_of("part.0"), MATCH_PROVED);
	assert_refused(match_address(match, "hidden", &addr), "SYMBOL-CONFLICT");
}

/* Nor does it tell which of several functions of one name is that of the object. */
static void choices_of_the_disproved(void **state)
{
#define TWIN(name) CODE("local", name, "mov $5, %eax")
	uint64_t addr;

	boot(TWIN("twin") CODE("globl", "a", "call twin"), RUNNING_PARTS("call twin") TWIN("twin"));
	prove_in("vmlinux", PARTS("call twin") TWIN("twin"));
	assert_int_equal(state_of("f"), MATCH_DIFFERS);
	assert_int_equal(state_of("twin"), MATCH_AMBIGUOUS);
	assert_refused(match_address(match, "twin", &addr), "FUNCTION-AMBIGUOUS");
	/* One is equal, but nothing shows that it is the one; what it refers to is not known then. */
	boot(CODE("local", "twin", REFER("one")), CODE("local", "twin", REFER("two") "; inc %eax"));
	prove_in("vmlinux", CODE("local", "twin", REFER("hidden")));
	assert_int_equal(state_of("twin"), MATCH_AMBIGUOUS);
	assert_refused(match_address(match, "hidden", &addr), "SYMBOL-UNKNOWN");
}

/* Several are equal, and proved code refers to none of them. */
static void none_that_agrees(void **state)
{
	const struct match_function *f;

	boot(TWIN("twin.0") CODE("globl", "b", "call twin.0"),
	     CODE("globl", "a", "call twin.5") TWIN("twin.5") TWIN("twin.0"));
	prove_in("vmlinux", CODE("globl", "a", "call twin.0") TWIN("twin.0"));
	assert_int_equal(state_of("a"), MATCH_PROVED);
	f = match_function(match, "twin.0");
	assert_int_equal(f->state, MATCH_DIFFERS);
	assert_non_null(f->why);
	assert_refused(match_require(match, f), "FUNCTION-DIFFERS");
}

/* Whether f, which calls @called, may be one that refers to "wanted". */
static enum match_state calls_wanted(const char *called)
{
	_cleanup_free_ char *running = xasprintf(CODE("globl", "f", "call %s"), called);
	_cleanup_free_ char *lines = xstrdup(kernel.kallsyms);
	struct object *obj = compile(running);

	kernel_add(&kernel, obj);
	object_free(obj);
	kernel_boot(&kernel);
	prove_in(kernel.module ? kernel.module : "vmlinux", CODE("globl", "f", "call wanted"));
	free(kernel.kallsyms);
	kernel.kallsyms = take_ptr(lines);
	return state_of("f");
}

static void list_wanted(const char *module, uint64_t addr, char type)
{
	_cleanup_free_ char *name = module ? xasprintf("wanted\t[%s]", module) : xstrdup("wanted");

	kernel_list(&kernel, name, addr, type);
}

/* The linker takes a global symbol for a name that an object does not define, of vmlinux for vmlinux. */
static void undefined_in_vmlinux(void **state)
{
	kernel_fini(&kernel);
	kernel_init(&kernel);
	assert_int_equal(calls_wanted("one"), MATCH_DIFFERS);	/* kallsyms does not list it, and does all functions */
	list_wanted("mod", kernel_symbol(&kernel, "one"), 't');
	assert_int_equal(calls_wanted("one"), MATCH_DIFFERS);
	assert_int_equal(calls_wanted("two"), MATCH_DIFFERS);
	/* Hidden ones are local where they are linked. */
	list_wanted(NULL, kernel_symbol(&kernel, "two"), 't');
	assert_int_equal(calls_wanted("two"), MATCH_PROVED);
	assert_int_equal(calls_wanted("three"), MATCH_DIFFERS);
	list_wanted(NULL, kernel_symbol(&kernel, "three"), 'W');
	assert_int_equal(calls_wanted("one"), MATCH_DIFFERS);
	assert_int_equal(calls_wanted("two"), MATCH_DIFFERS);
	assert_int_equal(calls_wanted("three"), MATCH_PROVED);
	/* An alias, also where a static one has both its name and its place. */
	list_wanted(NULL, kernel_symbol(&kernel, "three"), 't');
	assert_int_equal(calls_wanted("three"), MATCH_PROVED);
}

/* For a module it is one of its own, a global one of vmlinux, or what another module exports. */
static void undefined_in_a_module(void **state)
{
	kernel_fini(&kernel);
	kernel_init(&kernel);
	kernel.module = "mod";
	kernel_list(&kernel, "some_data\t[mod]", kernel_symbol(&kernel, "six"), 'd');
	list_wanted(NULL, kernel_symbol(&kernel, "one"), 't');
	list_wanted(NULL, kernel_symbol(&kernel, "two"), 'T');
	list_wanted("other", kernel_symbol(&kernel, "three"), 't');
	list_wanted("other", kernel_symbol(&kernel, "four"), 'T');
	list_wanted("mod", kernel_symbol(&kernel, "five"), 't');
	assert_int_equal(calls_wanted("one"), MATCH_DIFFERS);
	assert_int_equal(calls_wanted("two"), MATCH_PROVED);
	assert_int_equal(calls_wanted("three"), MATCH_DIFFERS);
	assert_int_equal(calls_wanted("four"), MATCH_PROVED);
	assert_int_equal(calls_wanted("five"), MATCH_PROVED);
	assert_int_equal(calls_wanted("six"), MATCH_DIFFERS);
	/* Exported to some modules only: its list tells. */
	kernel_list(&kernel, "__ksymtab_wanted\t[other]", kernel_symbol(&kernel, "six"), 'r');
	assert_int_equal(calls_wanted("three"), MATCH_PROVED);
}

/* No proved code tells where it is: the one that a module exports it is, whoever else has one of this name. */
static void exports_of_another_module(void **state)
{
	uint64_t addr, three;

	kernel_fini(&kernel);
	kernel_init(&kernel);
	kernel.module = "mod";
	three = kernel_symbol(&kernel, "three");
	kernel_list(&kernel, "some_data\t[mod]", kernel_symbol(&kernel, "six"), 'd');
	list_wanted("other", three, 't');
	list_wanted("third", kernel_symbol(&kernel, "four"), 't');
	list_wanted(NULL, kernel_symbol(&kernel, "five"), 't');
	assert_int_equal(calls_wanted("five"), MATCH_DIFFERS);
	assert_refused(match_address(match, "wanted", &addr), "SYMBOL-UNKNOWN");
	kernel_list(&kernel, "__ksymtab_wanted\t[other]", kernel_symbol(&kernel, "six"), 'r');
	assert_int_equal(calls_wanted("five"), MATCH_DIFFERS);
	assert_ok(match_address(match, "wanted", &addr));
	assert_int_equal(addr, three);
	kernel_list(&kernel, "__ksymtab_wanted\t[third]", kernel_symbol(&kernel, "seven"), 'r');
	assert_int_equal(calls_wanted("five"), MATCH_DIFFERS);
	assert_refused(match_address(match, "wanted", &addr), "SYMBOL-UNKNOWN");
}

/* Bytes that nobody could read are not told as if they had been. */
static void memory_that_cannot_be_read(void **state)
{
	static const char source[] = "int h(int x) { return x * 3; }";
	struct error *err;

	prove(source, source);
	assert_int_equal(state_of("h"), MATCH_PROVED);
	kernel_list(&kernel, "f", KERNEL_BASE + 0x40000000, 't');
	kernel_boot(&kernel);
	match_free(match);
	match = NULL;
	assert_ok(match_object(kernel.live, "vmlinux", compile("int f(int x) { return x * 5; }"), &match));
	err = match_require(match, match_function(match, "f"));
	assert_true(error_is(err, "FUNCTION-DIFFERS"));
	assert_non_null(strstr(err->message, "the memory there cannot be read"));
	assert_non_null(strstr(err->message, "unreadable"));
	error_free(err);
}

/* A pack can say that code stands where there are no bytes, or before them. */
static void replacements_without_code(void **state)
{
#define REPLACED(section, fill, place)                                                                   \
	"int f(int x) { asm volatile(\"661: .byte 0x0f, 0x1f, 0x44, 0x00, 0x00\\n\"\n"              \
	"\".pushsection .altinstructions,\\\"a\\\"\\n .long 661b - ., " place " - .; .word 9, 0; .byte 5, 5\\n\"\n" \
	"\".popsection; .pushsection " section "\\n 664: .skip 16" fill "\\n .popsection\"); return x; }"

	prove("int f(int x) { asm volatile(\".byte 0x0f, 0x1f, 0x44, 0x00, 0x00\"); return x; }",
	      REPLACED(".bss.r,\\\"aw\\\",@nobits", "", "664f + 3"));
	assert_int_equal(state_of("f"), MATCH_PROVED);
	prove("int f(int x) { asm volatile(\".byte 1, 2, 3, 4, 5\"); return x; }",
	      REPLACED(".bss.r,\\\"aw\\\",@nobits", "", "664f + 3"));
	assert_int_equal(state_of("f"), MATCH_DIFFERS);
	prove("int f(int x) { asm volatile(\".byte 0x66, 0x66, 0x66, 0x66, 0x90\"); return x; }",
	      REPLACED(".altinstr_replacement,\\\"ax\\\"", ", 0x90", "664f - 3"));
	assert_int_equal(state_of("f"), MATCH_DIFFERS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(code_that_agrees),
		cmocka_unit_test(code_that_disagrees),
		cmocka_unit_test(later_proofs),
		cmocka_unit_test(doubts_of_the_disproved),
		cmocka_unit_test(choices_of_the_disproved),
		cmocka_unit_test(none_that_agrees),
		cmocka_unit_test(undefined_in_vmlinux),
		cmocka_unit_test(undefined_in_a_module),
		cmocka_unit_test(exports_of_another_module),
		cmocka_unit_test(memory_that_cannot_be_read),
		cmocka_unit_test(replacements_without_code),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
