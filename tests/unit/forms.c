// SPDX-License-Identifier: GPL-2.0
/* What may stand where the kernel rewrites a function's entry. */
#include "prove.h"

/* An ftrace site that runs as @site, @symbol of @module (NULL: vmlinux) being what it can go to. */
static bool accepts_ftrace(const char *site, const char *symbol, const char *module)
{
#define TRACED(site) FUNCTION(site "; mov %%edi, %%eax; add $3, %%eax; ret", "16")
	_cleanup_free_ char *pre = xasprintf(TRACED("%s"), "call __fentry__");
	_cleanup_free_ char *run = xasprintf(TRACED("%s"), site);
	_cleanup_free_ char *listed = xasprintf("%s%s%s%s", symbol, module ? "\t[" : "", module ? module : "",
						module ? "]" : "");
	struct object *obj = compile(run);

	reset(NULL);
	/* Where the linker puts it; kernel_symbol() would list it as vmlinux'. */
	kernel_list(&kernel, listed, KERNEL_BASE + 0x7000, 't');
	kernel.names[kernel.name_count].addr = KERNEL_BASE + 0x7000;
	kernel.names[kernel.name_count++].name = xstrdup(symbol);
	kernel_add(&kernel, obj);
	object_free(obj);
	kernel_boot(&kernel);
	prove(pre);
	return state_of("f") == MATCH_PROVED;
}

static void ftrace_sites(void **state)
{
	static const char *const callers[] = { "ftrace_caller", "ftrace_regs_caller", "__fentry__" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(callers); i++) {
		_cleanup_free_ char *call = xasprintf("call %s", callers[i]);
		_cleanup_free_ char *jump = xasprintf(".byte 0xe9; .long %s - . - 4", callers[i]);
		_cleanup_free_ char *beside = xasprintf("call %s + 1", callers[i]);

		assert_true(accepts_ftrace(call, callers[i], NULL));
		assert_false(accepts_ftrace(jump, callers[i], NULL));
		assert_false(accepts_ftrace(beside, callers[i], NULL));
		/* A module may have a function of the name. */
		assert_false(accepts_ftrace(call, callers[i], "some"));
	}
	assert_true(accepts_ftrace(".byte 0x0f, 0x1f, 0x44, 0, 0", "ftrace_caller", NULL));
	assert_false(accepts_ftrace(".byte 0x66, 0x0f, 0x1f, 0x40, 0", "ftrace_caller", NULL));
	assert_false(accepts_ftrace("call other", "other", NULL));
	/* What is made for one function: in pages that the kernel lists as a module of this name. */
	assert_true(accepts_ftrace("call ftrace_trampoline", "ftrace_trampoline", "__builtin__ftrace"));
	assert_false(accepts_ftrace("call ftrace_trampoline", "ftrace_trampoline", NULL));
	assert_false(accepts_ftrace("call ftrace_trampoline", "ftrace_trampoline", "some"));
	assert_false(accepts_ftrace("call ftrace_trampoline", "ftrace_trampoline", "__builtin__ftrace_x"));
	assert_false(accepts_ftrace(".byte 0xe9; .long ftrace_trampoline - . - 4", "ftrace_trampoline",
				    "__builtin__ftrace"));
	/* As do those of BPF. */
	assert_true(accepts_ftrace("call bpf_trampoline_6442", "bpf_trampoline_6442", "bpf"));
	assert_false(accepts_ftrace("call bpf_trampoline_6442", "bpf_trampoline_6442", "some"));
	assert_false(accepts_ftrace("call bpf_trampoline_6442", "bpf_trampoline_6442", NULL));
	assert_false(accepts_ftrace("call bpf_prog_6442", "bpf_prog_6442", "bpf"));
	assert_false(accepts_ftrace(".byte 0xe9; .long bpf_trampoline_6442 - . - 4", "bpf_trampoline_6442", "bpf"));
}

static void sealed_entries(void **state)
{
	static const char poison[] = ".byte 0x66, 0x0f, 0x1f, 0x00", nop[] = ".byte 0x0f, 0x1f, 0x40, 0x00";

	TRIES(true, "endbr64", "", "endbr64");
	TRIES(true, "endbr64", "", poison);
	TRIES(false, "endbr64", "", nop);
	TRIES(false, "endbr64", "", "nop; nop; nop; nop");
	TRIES(false, "endbr64", "", "endbr32");
	TRIES(false, "endbr64", "", ".byte 0x66, 0x0f, 0x1f, 0x01");
	/* Nothing else is overwritten. */
	TRIES(false, nop, "", poison);
	TRIES(false, "endbr32", "", poison);
	TRIES(false, poison, "", "endbr64");
	TRIES(false, "nop; nop; nop; nop", "", poison);
	TRIES(true, nop, "", nop);
}

#define T(f) cmocka_unit_test_teardown(f, reset)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(ftrace_sites), T(sealed_entries),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
