// SPDX-License-Identifier: GPL-2.0
/* What may stand where the kernel rewrites a function's entry, and the calls that it makes. */
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

/* A template of code that counts calls, and the function one() with @padding in front. */
#define COUNTING(variable, shift) ".byte 0x65, 0x48, 0xc1, 0x3d; .long " variable " - . - 5; .byte " shift "\\n "
#define COUNTED                                                                                    \
	"extern void one(void), two(void), __SCT__c(void); int depth[2]; void (*__SCK__c)(void) = one;\n" \
	"void (*pv_ops[2])(void) = { two, one };\n"                                               \
	"asm(\".pushsection .rodata.counting,\\\"a\\\"\\n .globl %s, skl_call_thunk_tail\\n %s: "       \
	"%s skl_call_thunk_tail: .quad 0\\n .popsection\\n"                      \
	" .pushsection .text.one,\\\"ax\\\"\\n .balign 16\\n .skip 7, 0x90\\n %s .globl one\\n"           \
	" .type one,@function\\n one: ret\\n .size one, .-one\\n .popsection\");\n"

static bool accepts_template(const char *template, const char *code, const char *padding, const char *original,
			     const char *table, const char *running)
{
	_cleanup_free_ char *run = xasprintf(COUNTED SITE("%s", "") "void all(void) { two(); __SCT__c(); }",
					     template, template, code, padding, running);
	_cleanup_free_ char *pre = xasprintf("extern void *pv_ops[2];\n" SITE("%s", "%s"), original, table);

	boot(run);
	prove(pre);
	return state_of("f") == MATCH_PROVED;
}

static bool accepts_counted(const char *template, const char *padding, const char *original, const char *table,
			    const char *running)
{
	return accepts_template(template, COUNTING("depth", "5"), padding, original, table, running);
}

static void counted_calls(void **state)
{
	static const char name[] = "skl_call_thunk_template", call[] = "call one", counted[] = "call one - 9";
	static const char counting[] = COUNTING("depth", "5");

	assert_true(accepts_counted(name, counting, call, "", call));
	assert_true(accepts_counted(name, counting, call, "", counted));
	/* The function is known of it, and not the code in front. */
	assert_address("one", kernel_address(&kernel, "one"));
	assert_true(accepts_counted(name, counting, "nop; nop; nop; nop; nop", ALT("5, 5", "call one"), counted));
	assert_true(accepts_counted(name, counting, "call *pv_ops+8(%rip)", ALT("6, 5", "call BUG_func"), "call one - 9; nop"));
	assert_true(accepts_counted(name, counting, "call __SCT__c", "", counted));
	assert_false(accepts_counted(name, counting, "call two", "", counted));
	assert_false(accepts_counted(name, counting, call, "", "call one - 8"));
	assert_false(accepts_counted(name, counting, call, "", ".byte 0x2e; call one - 9"));
	/* No jump is counted. */
	assert_false(accepts_counted(name, counting, "jmp one", "", "jmp one - 9"));
	assert_false(accepts_counted(name, counting, "jmp __SCT__c", "", "jmp one - 9"));
	/* Other code in front, another variable, a kernel that has no such code. */
	assert_false(accepts_counted(name, COUNTING("depth", "6"), call, "", counted));
	assert_false(accepts_counted(name, COUNTING("depth + 4", "5"), call, "", counted));
	assert_false(accepts_counted(name, ".skip 9, 0x90\\n", call, "", counted));
	assert_false(accepts_counted(name, ".skip 9, 0x90\\n", "call __SCT__c", "", counted));
	assert_false(accepts_counted("other_template", counting, call, "", counted));
	/* The template must not do anything else, though it stands in front of every function. */
	assert_true(accepts_template(name, counting, counting, call, "", counted));
	assert_false(accepts_template(name, COUNTING("depth", "6"), COUNTING("depth", "6"), call, "", counted));
	assert_false(accepts_template(name, ".skip 9, 0x90\\n", ".skip 9, 0x90\\n", call, "", counted));
	assert_false(accepts_template(name, "movb $1, 0xffffffff81008000\\n nop\\n", "movb $1, 0xffffffff81008000\\n nop\\n",
				      call, "", counted));
	/* A function that begins so itself is what is called. */
	assert_false(accepts_counted(name, COUNTING("depth", "5") " .globl third\\n .set third, . - 9\\n", call, "", counted));
}

/* Whether a call of @thunk may go to @name, whose address is that of @array as well. */
static bool accepts_first(const char *thunk, const char *array, const char *name)
{
	_cleanup_free_ char *pre = xasprintf(SITE("call %s", ""), thunk);
	_cleanup_free_ char *run = xasprintf(SITE("call %s", ""), name);
	struct object *obj = compile(run);

	reset(NULL);
	kernel_list(&kernel, array, KERNEL_BASE + 0x7000, 'T');
	kernel_list(&kernel, name, KERNEL_BASE + 0x7000, 'T');
	kernel.names[kernel.name_count].addr = KERNEL_BASE + 0x7000;
	kernel.names[kernel.name_count++].name = xstrdup(name);
	kernel_add(&kernel, obj);
	object_free(obj);
	kernel_boot(&kernel);
	prove(pre);
	return state_of("f") == MATCH_PROVED;
}

/* The symbol of an array of thunks comes before that of the first of them. */
static void first_thunks(void **state)
{
	static const char rax[] = "__x86_indirect_thunk_rax", rcx[] = "__x86_indirect_thunk_rcx";
	static const char its[] = "__x86_indirect_its_thunk_array", counted[] = "__x86_indirect_call_thunk_array";

	assert_true(accepts_first(rax, its, "__x86_indirect_its_thunk_rax"));
	assert_true(accepts_first(rax, counted, "__x86_indirect_call_thunk_rax"));
	assert_false(accepts_first(rcx, counted, "__x86_indirect_call_thunk_rax"));
	assert_false(accepts_first(rax, "__x86_indirect_jump_thunk_array", "__x86_indirect_jump_thunk_rax"));
}

/* Whether a static call may go to @target; a module has a trampoline of the same name, which is `elsewhere`. */
static bool accepts_trampoline(const char *target)
{
	_cleanup_free_ char *run = xasprintf("extern void one(void), __SCT__c(void); void (*__SCK__c)(void) = one;\n"
					     SITE("call %s", "") "void all(void) { one(); __SCT__c(); }", target);
	struct object *obj = compile(run);

	reset(NULL);
	kernel_list(&kernel, "__SCT__c\t[some]", KERNEL_BASE + 0x7000, 't');
	kernel.names[kernel.name_count].addr = KERNEL_BASE + 0x7000;
	kernel.names[kernel.name_count++].name = xstrdup("elsewhere");
	kernel_add(&kernel, obj);
	object_free(obj);
	kernel_boot(&kernel);
	prove(SITE("call __SCT__c", ""));
	return state_of("f") == MATCH_PROVED;
}

/* Names of the kernel's own that a module has as well. */
static void names_of_others(void **state)
{
	static const char jump[] = SITE("jmp srso_return_thunk", "");
	struct object *thunk = compile("extern void srso_return_thunk(void); void *x86_return_thunk = srso_return_thunk;");
	struct object *obj = compile(jump);

	kernel.module = "some";
	kernel_add(&kernel, thunk);
	kernel.module = NULL;
	kernel_add(&kernel, obj);
	kernel_boot(&kernel);
	object_free(thunk);
	object_free(obj);
	prove(SITE("jmp __x86_return_thunk", ""));
	assert_int_equal(state_of("f"), MATCH_DIFFERS);
	prove(jump);
	assert_proved("f");

	assert_true(accepts_trampoline("__SCT__c"));
	assert_true(accepts_trampoline("one"));
	assert_false(accepts_trampoline("elsewhere"));
}

/*
 * Code apart and a table that refer into a function whose parts the kernel's
 * linker put nearer together than the object has them.
 */
#define INSIDE(jump)                                                                               \
	"asm(\".pushsection .text.f,\\\"ax\\\"\\n .globl f\\n .type f,@function\\n"                  \
	" f: cmp t(%rip), %rdi\\n je 2f\\n lea 2f(%rip), %rax\\n " jump "\\n 2: xor %eax, %eax\\n ret\\n .size f, . - f\\n"    \
	" .globl g\\n .type g,@function\\n g: mov $1,%eax\\n ret\\n .size g, .-g\\n .popsection\\n"     \
	" .pushsection .rodata.t,\\\"a\\\"\\n .balign 8\\n .type t,@object\\n t: .quad 2b\\n .size t, 8\\n" \
	" .popsection\\n .pushsection .text.h,\\\"ax\\\"\\n .globl h\\n .type h,@function\\n"         \
	" h: inc %edi\\n .byte 0xe9; .long 2b - . - 4\\n .size h, . - h\\n .popsection\");\n"

static void places_inside_of_others(void **state)
{
	static const char near[] = INSIDE(".byte 0xe9; .long g - . - 4"), brief[] = INSIDE("jmp.d8 g");
	uint64_t jump, table, place;
	int32_t distance;

	boot(brief);
	prove(near);
	assert_proved("f");
	assert_proved("g");
	assert_proved("h");
	/* Where the object's offset is, is other code here. What needs no relocation: */
	place = kernel_address(&kernel, "f") + 12;
	assert_memory_equal(kernel.image + (place - 3 - KERNEL_BASE), "\x48\x8d\x05\x02\0\0\0", 7);
	kernel_poke(&kernel, place, "\x05", 1);
	prove(near);
	assert_int_equal(state_of("f"), MATCH_DIFFERS);
	kernel_poke(&kernel, place, "\x02", 1);
	/* A jump: */
	jump = kernel_address(&kernel, "h") + 3;
	memcpy(&distance, kernel.image + (jump - KERNEL_BASE), 4);
	distance += 3;
	kernel_poke(&kernel, jump, &distance, 4);
	prove(near);
	assert_proved("f");
	assert_int_equal(state_of("h"), MATCH_DIFFERS);
	distance -= 3;
	kernel_poke(&kernel, jump, &distance, 4);
	/* A table: */
	table = kernel_address(&kernel, "t");
	memcpy(&place, kernel.image + (table - KERNEL_BASE), 8);
	place += 3;
	kernel_poke(&kernel, table, &place, 8);
	prove(near);
	assert_int_equal(state_of("f"), MATCH_DIFFERS);
}

#define T(f) cmocka_unit_test_teardown(f, reset)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(ftrace_sites), T(sealed_entries), T(counted_calls), T(first_thunks),
		T(names_of_others), T(places_inside_of_others),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
