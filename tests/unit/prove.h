/* SPDX-License-Identifier: GPL-2.0 */
/* What the tests of the comparison share: a kernel made of one source, and an object of another. */
#ifndef KMEND_TESTS_PROVE_H
#define KMEND_TESTS_PROVE_H

#include "kernel.h"

#include "match/match.h"

static struct kernel kernel;
static struct match *match;

static inline int reset(void **state)
{
	match_free(match);
	match = NULL;
	kernel_fini(&kernel);
	kernel_init(&kernel);
	return 0;
}

static inline int set_up(void **state)
{
	kernel_init(&kernel);
	return make_test_folder(state);
}

static inline int tear_down(void **state)
{
	kernel_fini(&kernel);
	return remove_test_folder(state);
}

/* A kernel made of @running. */
static inline void boot(const char *running)
{
	struct object *obj = compile(running);

	reset(NULL);
	kernel_add(&kernel, obj);
	object_free(obj);
	kernel_boot(&kernel);
}

static inline void prove(const char *pre)
{
	match_free(match);
	match = NULL;
	assert_ok(match_object(kernel.live, "vmlinux", compile(pre), &match));
}

static inline enum match_state state_of(const char *name)
{
	const struct match_function *f = match_function(match, name);

	assert_non_null(f);
	return f->state;
}

static inline void assert_proved(const char *name)
{
	const struct match_function *f = match_function(match, name);

	assert_non_null(f);
	if (f->state != MATCH_PROVED)
		fail_msg("%s: state %d, %s at +%#jx (running +%#jx)", name, f->state,
			 f->why ? f->why : "", (uintmax_t)f->pre_offset, (uintmax_t)f->run_offset);
	assert_true(f->addr == kernel_address(&kernel, name));
}

static inline void assert_address(const char *name, uint64_t expected)
{
	uint64_t addr;

	assert_ok(match_address(match, name, &addr));
	if (addr != expected)
		fail_msg("%s is taken to be at %#jx instead of %#jx", name, (uintmax_t)addr,
			 (uintmax_t)expected);
}

/*
 * A place that the kernel rewrites: @running in a function whose object has
 * @original and @table.
 */
#define SITE(code, table)                                                                          \
	"int key; void f(int x) { external(x); asm volatile(\"661: " code "\\n 662:\\n " table "\"); external(x + 1);\n"  \
	" asm volatile(\"663: nop\"); external(x + 2); }\n"

static inline bool accepts(const char *original, const char *table, const char *running)
{
	_cleanup_free_ char *pre = xasprintf(SITE("%s", "%s"), original, table);
	_cleanup_free_ char *run = xasprintf(SITE("%s", ""), running);

	boot(run);
	prove(pre);
	return state_of("f") == MATCH_PROVED;
}

#define ALT(lengths, replacement)                                                                  \
	".pushsection .altinstructions,\\\"a\\\"\\n .long 661b - ., 664f - .; .word 9, 0; .byte " lengths "\\n"  \
	" .popsection\\n .pushsection .altinstr_replacement,\\\"ax\\\"\\n 664: " replacement "\\n .popsection\\n"

/* A test of accepts(). */
#define TRIES(expected, original, table, running)                                                  \
	if (accepts(original, table, running) != (expected))                                       \
		fail_msg("%s instead of %s: %s", running, original, (expected) ? "refused" : "accepted")

#define LABEL ".pushsection __jump_table,\\\"aw\\\"\\n .balign 8\\n .long 661b - ., 663f - .; .quad key - .\\n .popsection\\n"

/* A function of assembly: @begin, @body; what follows is aligned to @align. */
#define FUNCTION(body, align)                                                                      \
	"asm(\".pushsection .text.f,\\\"ax\\\"\\n .globl f\\n .type f,@function\\n f: " body "\\n"     \
	" .size f, . - f\\n .balign " align ", 0x90\\n .globl g\\n .type g,@function\\n g: .byte 0x0f, 0x1f, 0x44, 0, 0\\n ret\\n"  \
	" .size g, .-g\\n .popsection\");\n"

#endif
