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

/* Matches @pre with a kernel made of @running. */
static void prove(const char *running, const char *pre)
{
	struct object *obj = compile(running);

	match_free(match);
	match = NULL;
	kernel_fini(&kernel);
	kernel_init(&kernel);
	kernel_add(&kernel, obj);
	object_free(obj);
	kernel_boot(&kernel);
	assert_ok(match_object(kernel.live, "vmlinux", compile(pre), &match));
}

static enum match_state state_of(const char *name)
{
	const struct match_function *f = match_function(match, name);

	assert_non_null(f);
	return f->state;
}

#define CALLERS(by_f, by_g)                                                                        \
	"void one(void), two(void), hidden(void); void f(void) { " by_f "(); } void g(void) { " by_g "(); }\n" \
	"int h(int x) { return x * 3; }"

/* kallsyms does not list "hidden": only who calls it tells where it is. */
static void code_that_agrees(void **state)
{
	uint64_t addr;

	prove(CALLERS("one", "one"), CALLERS("hidden", "hidden"));
	assert_int_equal(state_of("f"), MATCH_PROVED);
	assert_int_equal(state_of("g"), MATCH_PROVED);
	assert_ok(match_address(match, "hidden", &addr));
	assert_true(addr == kernel_address(&kernel, "one"));
}

/* Where they refer to it at different places, none of them is believed, and what has no part in it stays proved. */
static void code_that_disagrees(void **state)
{
	uint64_t addr;

	prove(CALLERS("one", "two"), CALLERS("hidden", "hidden"));
	assert_refused(match_address(match, "hidden", &addr), "SYMBOL-CONFLICT");
	assert_refused(match_require(match, match_function(match, "f")), "FUNCTION-DIFFERS");
	assert_refused(match_require(match, match_function(match, "g")), "FUNCTION-DIFFERS");
	assert_int_equal(state_of("h"), MATCH_PROVED);
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
		cmocka_unit_test(memory_that_cannot_be_read),
		cmocka_unit_test(replacements_without_code),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
