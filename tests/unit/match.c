// SPDX-License-Identifier: GPL-2.0
#include "prove.h"

static const char plain[] =
	"static int state; int shared = 5; static const int table[4] = { 1, 2, 3, 4 };\n"
	"noinline static int first(int x) { return table[x & 3] + state++; }\n"
	"int second(int x) { if (unlikely(x > 5)) { fail(x); fail(x + 1); } return first(x) + shared; }\n"
	"void third(int x) { do { report(\"some string\", x); } while (external(x) > 3 && x--); }\n"
	"__section(\".sched.text\") noinline static int inner(int x) { return external(x) * 3; }\n"
	"__section(\".sched.text\") int outer(int x) { return inner(x) + 1; }\n"
	"__section(\".sched.text\") int tail(int x) { return inner(x + 1); }\n";

static void proves_what_runs(void **state)
{
	static const char *const names[] = { "first", "second", "second.cold", "third", "inner",
					     "outer", "tail" };
	size_t i;

	boot(plain);
	prove(plain);
	for (i = 0; i < ARRAY_SIZE(names); i++)
		assert_proved(names[i]);
	assert_int_equal(match->function_count, ARRAY_SIZE(names));
	assert_address("state", kernel_address(&kernel, "state"));
	assert_address("shared", kernel_address(&kernel, "shared"));
	assert_address("external", kernel_address(&kernel, "external"));
	assert_address("second", kernel_address(&kernel, "second"));
}

/* Code apart that jumps back, and variables that only their place in a section tells apart. */
static const char parts[] =
	"int a(void) { static int __section(\".data.once\") n; return n++; }\n"
	"int b(void) { static int __section(\".data.once\") n; return n += 2; }\n"
	"int f(int x) { if (unlikely(x > 5)) fail(x); return external(x) + 1; }\n"
	"int g(int x) { static int alone = 5; return x ? alone++ : a() + b(); }\n";

/* No byte of a function may be another one; bytes that several of them share count for one. */
static void prove_every_byte(const char *source)
{
	static const uint8_t bits[] = { 0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff };
	size_t i, k, n, count;

	boot(source);
	prove(source);
	count = match->function_count;
	for (n = 0; n < count; n++) {
		_cleanup_free_ char *name = xstrdup(match->functions[n].pre->symbol->name);
		uint64_t addr = match->functions[n].addr;
		uint32_t size = match->functions[n].run_size;

		assert_true(size > 0);
		for (i = 0; i < size; i++) {
			uint8_t old = kernel.image[addr + i - KERNEL_BASE];

			for (k = 0; k < ARRAY_SIZE(bits); k++) {
				uint8_t bad = old ^ bits[k];

				kernel_poke(&kernel, addr + i, &bad, 1);
				prove(source);
				if (state_of(name) == MATCH_PROVED)
					fail_msg("%s+%#zx: %#x for %#x is taken for the same", name, i,
						 bad, old);
			}
			kernel_poke(&kernel, addr + i, &old, 1);
		}
	}
	prove(source);
	for (n = 0; n < count; n++)
		assert_int_equal(match->functions[n].state, MATCH_PROVED);
}

static void every_byte_is_proved(void **state)
{
	prove_every_byte(plain);
	prove_every_byte(parts);
}

static void tells_what_differs(void **state)
{
	static const uint8_t breakpoint = 0xcc;
	uint8_t jump[5] = { 0xe9 };
	int32_t distance;

	/* Whoever changed it is named. */
	boot("int f(int x) { return external(x) + 1; }");
	kernel_poke(&kernel, kernel_address(&kernel, "f") + 4, &breakpoint, 1);
	prove("int f(int x) { return external(x) + 1; }");
	assert_refused(match_require(match, match_function(match, "f")), "FUNCTION-PROBED");
	boot("int f(int x) { return external(x) + 1; }");
	kernel_list(&kernel, "page\t[__builtin__kprobes]", KERNEL_BASE + 0x7000, 't');
	kernel_list(&kernel, "new_f\t[other]", KERNEL_BASE + 0x7100, 't');
	kernel_boot(&kernel);
	distance = KERNEL_BASE + 0x7010 - kernel_address(&kernel, "f") - 5;
	memcpy(jump + 1, &distance, 4);
	kernel_poke(&kernel, kernel_address(&kernel, "f"), jump, 5);
	prove("int f(int x) { return external(x) + 1; }");
	assert_refused(match_require(match, match_function(match, "f")), "FUNCTION-PROBED");
	distance += 0x100;
	memcpy(jump + 1, &distance, 4);
	kernel_poke(&kernel, kernel_address(&kernel, "f"), jump, 5);
	prove("int f(int x) { return external(x) + 1; }");
	assert_refused(match_require(match, match_function(match, "f")), "FUNCTION-REPLACED");
	/* Where most of it differs, it is not one function's fault. */
	boot("int f(int x) { return x * 3; } int g(int x) { return x * 5; } int h(int x) { return x * 7; } int i(int x) { return x; }");
	prove("int f(int x) { return x / 3; } int g(int x) { return x / 5; } int h(int x) { return x / 7; } int i(int x) { return x; }");
	assert_refused(match_require(match, match_function(match, "g")), "SOURCE-DIFFERS");

	boot("int f(int x) { return external(x) + 1; }");
	prove("int f(int x) { return external(x) + 2; }");
	assert_int_equal(state_of("f"), MATCH_DIFFERS);
	assert_refused(match_require(match, match_function(match, "f")), "FUNCTION-DIFFERS");
	prove("int g(int x) { return external(x) + 2; }");
	assert_refused(match_require(match, match_function(match, "g")), "FUNCTION-ABSENT");
	prove("int other(int); int f(int x) { return other(x) + 1; }");
	assert_int_equal(state_of("f"), MATCH_DIFFERS); /* all functions are listed, and this one is not */
	boot("int other(int); int f(int x) { return external(x) + 1; } int g(int x) { return other(x); }");
	prove("int other(int); int f(int x) { return other(x) + 1; }");
	assert_int_equal(state_of("f"), MATCH_DIFFERS);
	/* Other strings and constants. */
	boot("void f(void) { report(\"one\", 1); }");
	prove("void f(void) { report(\"two\", 1); }");
	assert_int_equal(state_of("f"), MATCH_DIFFERS);
	prove("void f(void) { report(\"on\", 1); }");
	assert_int_equal(state_of("f"), MATCH_DIFFERS);
	boot("static const int t[] = { 1, 2 }; int f(int i) { return t[i]; }");
	prove("static const int t[] = { 1, 3 }; int f(int i) { return t[i]; }");
	assert_int_equal(state_of("f"), MATCH_DIFFERS);
	boot("void w(void *); void f(void) { w(u\"one\"); }");
	prove("void w(void *); void f(void) { w(u\"ons\"); }");
	assert_int_equal(state_of("f"), MATCH_DIFFERS);
}

/* Two functions of one name in different files. */
static void boot_two(const char *a, const char *b)
{
	struct object *first = compile(a), *second = compile(b);

	reset(NULL);
	kernel_add(&kernel, first);
	kernel_add(&kernel, second);
	kernel_boot(&kernel);
	object_free(first);
	object_free(second);
}

#define TWIN(what) "noinline static void twin(int x) { report(" what ", x); }\n"

static void candidates_of_one_name(void **state)
{
	uint64_t addr;

	/* What they say tells them apart. */
	boot_two(TWIN("\"one\"") "void a(int x) { twin(x); }", TWIN("\"two\"") "void b(int x) { twin(x); }");
	prove(TWIN("\"two\"") "void b(int x) { twin(x); }");
	assert_int_equal(state_of("twin"), MATCH_PROVED);
	assert_true(match_function(match, "twin")->addr > kernel_address(&kernel, "a"));
	/* Nothing but who calls them does. */
	boot_two(TWIN("\"one\"") "void a(int x) { twin(x); }", TWIN("\"one\"") "void b(int x) { twin(x); }");
	prove(TWIN("\"one\"") "void b(int x) { twin(x); }");
	assert_int_equal(state_of("twin"), MATCH_PROVED);
	assert_true(match_function(match, "twin")->addr > kernel_address(&kernel, "twin"));
	/* That of this object was changed: the other one is not it, though it is equal. */
	prove(TWIN("\"one\"") "void b(int x) { twin(x); }");
	addr = match_function(match, "twin")->addr;
	kernel_poke(&kernel, addr, "\xcc", 1);
	prove(TWIN("\"one\"") "void b(int x) { twin(x); }");
	assert_int_not_equal(state_of("twin"), MATCH_PROVED);
	/* Nothing at all. */
	boot_two(TWIN("\"one\"") "void a(int x) { twin(x); }", TWIN("\"one\"") "void b(int x) { twin(x); }");
	prove("__attribute__((used)) " TWIN("\"one\""));
	assert_int_equal(state_of("twin"), MATCH_AMBIGUOUS);
	assert_refused(match_require(match, match_function(match, "twin")), "FUNCTION-AMBIGUOUS");
	assert_refused(match_address(match, "twin", &addr), "FUNCTION-AMBIGUOUS");
}

/* An object's functions lie together: that tells apart what nothing refers to. */
static void candidates_beside_others(void **state)
{
#define USED_TWIN "__attribute__((used)) " TWIN("\"one\"")
	static const char a[] = USED_TWIN "int a(int x) { return x + 1; }";
	static const char b[] = USED_TWIN "int b(int x) { return x + 2; } int c(int x) { return x + 3; }";
	static const char *const sorted[] = { "int b(int x) { return x + 2; }", "int foreign(int x) { return x; }",
					      "int c(int x) { return x + 3; }", USED_TWIN, a };
	size_t i;

	boot_two(a, b);
	prove(b);
	assert_int_equal(state_of("twin"), MATCH_PROVED);
	assert_true(match_function(match, "twin")->addr > kernel_address(&kernel, "a"));
	/* One function besides does not show that they are together. */
	prove(a);
	assert_int_equal(state_of("twin"), MATCH_AMBIGUOUS);
	/* The object in front of one with the same names: that of this one was changed, and both lie beside. */
	boot_two(b, b);
	prove(b);
	kernel_poke(&kernel, kernel_address(&kernel, "twin"), "\xcc", 1);
	prove(b);
	assert_int_not_equal(state_of("twin"), MATCH_PROVED);
	/* A linker that sorts them. */
	reset(NULL);
	for (i = 0; i < ARRAY_SIZE(sorted); i++) {
		struct object *obj = compile(sorted[i]);

		kernel_add(&kernel, obj);
		object_free(obj);
	}
	kernel_boot(&kernel);
	prove(b);
	assert_int_equal(state_of("b"), MATCH_PROVED);
	assert_int_equal(state_of("twin"), MATCH_AMBIGUOUS);
}

#define OPS(function, text)                                                                        \
	"struct ops { int n; int (*f)(int); const char *name; const struct ops *next; };\n"        \
	"extern const struct ops last; noinline static int one(int x) { return x + 1; }\n"         \
	"noinline static int two(int x) { return x + 2; } extern void use(const struct ops *);\n"  \
	"const struct ops first = { 1, one, \"first\", &last };\n"                                 \
	"const struct ops last = { 2, " function ", \"" text "\", &first };\n"                      \
	"void f(void) { use(&first); } int g(int x) { return one(x) + two(x); }\n"

/* Tables of functions, strings and other tables, in a circle. */
static void tables_that_refer(void **state)
{
	boot(OPS("two", "last"));
	prove(OPS("two", "last"));
	assert_proved("f");
	assert_address("first", kernel_address(&kernel, "first"));
	assert_address("last", kernel_address(&kernel, "last"));
	prove(OPS("two", "lost"));
	assert_int_equal(state_of("f"), MATCH_DIFFERS);
	prove(OPS("one", "last"));
	assert_int_equal(state_of("f"), MATCH_DIFFERS);
	/* Nothing but the table tells which of several functions it is. */
	boot_two(TWIN("\"one\"") "void (*const a[])(int) = { twin }; void f(int i) { a[i](i); }",
		 TWIN("\"one\"") "void (*const b[])(int) = { twin }; void g(int i) { b[i](i + 1); }");
	prove(TWIN("\"one\"") "void (*const b[])(int) = { twin }; void g(int i) { b[i](i + 1); }");
	assert_int_equal(state_of("twin"), MATCH_PROVED);
	assert_true(match_function(match, "twin")->addr > kernel_address(&kernel, "f"));
}

/* The address behind a string's end, where the linker put another string than the object has. */
static void ends_of_strings(void **state)
{
#define ENDS(strings)                                                                              \
	"asm(\".pushsection .rodata.str1.1,\\\"aMS\\\",@progbits,1\\n " strings "\\n .popsection\");\n"    \
	"void f(char *p) { asm volatile(\"cmp $s + 3, %0\" : : \"r\"(p)); }\n"

	boot(ENDS("s: .asciz \\\"ab\\\"; .asciz \\\"other\\\""));
	prove(ENDS("s: .asciz \\\"ab\\\"; .asciz \\\"string\\\""));
	assert_proved("f");
	prove(ENDS("s: .asciz \\\"ac\\\"; .asciz \\\"other\\\""));
	assert_int_equal(state_of("f"), MATCH_DIFFERS);
}

/* vmlinux' exit code is freed after boot; a module's stays. */
static void exit_code(void **state)
{
	static const char source[] = "__section(\".exit.text\") int leave(int x) { return x; } int f(int x) { return x + 1; }";

	boot(source);
	prove(source);
	assert_null(match_function(match, "leave"));
	assert_proved("f");
}

/* A name that many statics have is only known where proved code refers to it. */
static void statics_of_one_name(void **state)
{
	uint64_t addr;

	boot_two("static int n; int a(void) { return n++; }", "static int n; int b(void) { return n += 2; }");
	prove("static int n; int b(void) { return n += 2; }");
	assert_proved("b");
	assert_address("n", live_find(kernel.live, "n", NULL, live_find(kernel.live, "n", NULL, NULL))->addr);
	prove("static int n; int b(void) { return n += 3; }");
	assert_int_equal(state_of("b"), MATCH_DIFFERS);
	assert_refused(match_address(match, "n", &addr), "SYMBOL-UNKNOWN");
}

/* The architecture's own function of the name is called, and the weak one is not there. */
static void weak_functions(void **state)
{
	static const char pre[] = "int __attribute__((weak)) hook(int x) { return x; }\n"
				  "int f(int x) { return hook(x) + 1; }";
	struct object *strong = compile("int hook(int x) { return x * 7; }");
	struct object *user = compile("int hook(int); int f(int x) { return hook(x) + 1; }");
	struct error *err;
	uint64_t hook;
	size_t i;

	kernel_add(&kernel, strong);
	/* The linker knows where it is. */
	kernel.names[kernel.name_count].name = xstrdup("hook");
	kernel_boot(&kernel);
	hook = kernel_address(&kernel, "hook");
	kernel.names[kernel.name_count++].addr = hook;
	kernel_add(&kernel, user);
	kernel_boot(&kernel);
	object_free(strong);
	object_free(user);
	prove(pre);
	assert_proved("f");
	assert_int_equal(state_of("hook"), MATCH_DIFFERS);
	assert_address("hook", hook);
	err = match_require(match, match_function(match, "hook"));
	assert_non_null(strstr(err->message, "another object's function may stand in for it"));
	assert_refused(err, "FUNCTION-DIFFERS");
	for (i = 0; i < match->function_count; i++)
		assert_int_equal(match->functions[i].pre->section->flags & SHF_ALLOC, SHF_ALLOC);
}

/* Where the kernel's linker put things nearer than the object knows, a jump has two bytes. */
static void short_and_long_jumps(void **state)
{
#define JUMPS(jump)                                                                                \
	"asm(\".pushsection .text.f,\\\"ax\\\"\\n .globl f\\n .type f,@function\\n f: test %edi,%edi\\n"  \
	" je 2f\\n 1: mov %edi, %eax\\n dec %edi\\n jne 1b\\n " jump "\\n 2: xor %eax, %eax\\n ret\\n"   \
	" .size f, . - f\\n .globl g\\n .type g,@function\\n g: mov $1,%eax\\n ret\\n .size g, .-g\\n .popsection\");\n"
	static const char near[] = JUMPS(".byte 0xe9; .long g - . - 4"), brief[] = JUMPS("jmp.d8 g");
	uint32_t size;

	boot(near);
	prove(near);
	assert_proved("f");
	size = match_function(match, "f")->run_size;
	boot(brief);
	prove(near);
	assert_proved("f");
	assert_int_equal(match_function(match, "f")->run_size, size - 3);
	boot(near);
	prove(brief);
	assert_proved("f");
	/* A branch that does not follow the shift. */
	boot(brief);
	kernel_bytes(&kernel, "f")[3]++;
	kernel_boot(&kernel);
	prove(near);
	assert_int_equal(state_of("f"), MATCH_DIFFERS);
}

static void alternatives(void **state)
{
	TRIES(true, "mov %ecx, %edx; nop", ALT("3, 2", "inc %eax"), "mov %ecx, %edx; nop");
	TRIES(true, "mov %ecx, %edx; nop", ALT("3, 2", "inc %eax"), "inc %eax; nop");
	TRIES(false, "mov %ecx, %edx; nop", ALT("3, 2", "inc %eax"), "inc %ecx; nop");
	TRIES(false, "mov %ecx, %edx; nop", ALT("3, 2", "inc %eax"), "inc %eax; int3");
	TRIES(false, "mov %ecx, %edx; nop", ALT("3, 2", "inc %eax"), ".byte 0x0f, 0x1f, 0x00");
	/* A NOP that neither the kernel nor the assembler writes. */
	TRIES(false, "mov %ecx, %edx; nop", ALT("3, 2", "inc %eax"), ".byte 0x0f, 0x1f, 0x01");
	TRIES(true, "nop; nop; nop; nop", ALT("4, 4", "nop"), ".byte 0x0f, 0x1f, 0x40, 0x00");
	TRIES(false, "nop; nop; nop; nop", ALT("4, 4", "nop"), ".byte 0x0f, 0x1f, 0x40, 0x08");
	TRIES(false, "nop; nop; nop; nop", ALT("4, 4", "nop"), ".byte 0x2e, 0x0f, 0x1f, 0x00");
	TRIES(true, "nop; nop; nop", ALT("3, 3", "lfence"), "lfence");
	TRIES(true, "nop; nop; nop", ALT("3, 3", "lfence"), ".byte 0x0f, 0x1f, 0x00");
	TRIES(false, "nop; nop; nop", ALT("3, 3", "lfence"), "mfence");
	TRIES(true, "call one", ALT("5, 5", "call two"), "call one");
	TRIES(true, "call one", ALT("5, 5", "call two"), "call two");
	/* Two that can stand there, and none. */
	TRIES(true, "call one", ALT("5, 5", "call two") ALT("5, 3", "xor %ebx, %ebx; nop"), "xor %ebx, %ebx; nop; nop; nop");
	/* A jump made shorter, and what cannot be reached behind it. */
	TRIES(true, "jmp.d32 663f", ALT("5, 0", ""), "jmp.d8 663f; nop; nop; nop");
	TRIES(true, "jmp.d32 663f", ALT("5, 0", ""), "jmp.d8 663f; int3; int3; int3");
	TRIES(true, "nop; nop; nop; nop; nop", ALT("5, 5", ".byte 0xe9; .long 663f - . - 4"), "jmp.d8 663f; int3; int3; int3");
	TRIES(false, "nop; nop; nop; nop; nop", ALT("5, 5", ".byte 0xe9; .long 663f - . - 4"), "jmp.d8 662f; int3; int3; int3");
	TRIES(false, "nop; nop; nop; nop; nop", ALT("5, 5", ".byte 0xe9; .long 663f - . - 4"), "jmp.d8 663f; int3; ret; int3");
	TRIES(false, "nop; nop; nop; nop; nop; nop", ALT("6, 5", ".byte 0xe9; .long 663f - . - 4"), ".byte 0xe9; .long 663f - . - 4; int3");
	/* Nothing goes any more to what stands beside alternatives. */
	TRIES(false, "jmp.d32 .Lbeside", ALT("5, 5", "call two") ".pushsection .altinstr_aux,\\\"ax\\\"\\n .Lbeside: nop\\n .popsection\\n", ".byte 0xe9; .long 0x100");
	/* Nine NOPs and more are a jump over INT3. */
	TRIES(true, ".fill 12, 1, 0x90", ALT("12, 5", "call two"), "jmp.d8 662f; .fill 10, 1, 0xcc");
	TRIES(true, ".fill 12, 1, 0x90", ALT("12, 2", "inc %eax"), "inc %eax; jmp.d8 662f; .fill 8, 1, 0xcc");
	TRIES(true, ".fill 200, 1, 0x90", ALT("200, 5", "call two"), ".byte 0xe9; .long 662f - . - 4; .fill 195, 1, 0xcc");
	TRIES(false, ".fill 12, 1, 0x90", ALT("12, 5", "call two"), "jmp.d8 662f; .fill 9, 1, 0xcc; ret");
	TRIES(false, ".fill 12, 1, 0x90", ALT("12, 5", "call two"), "jmp.d8 662f; .fill 10, 1, 0x90");
	TRIES(false, ".fill 12, 1, 0x90", ALT("12, 5", "call two"), "jmp.d8 662f + 1; .fill 10, 1, 0xcc");
	TRIES(false, ".fill 12, 1, 0x90", ALT("12, 5", "call two"), "jmp.d8 663f; .fill 10, 1, 0xcc");
	TRIES(false, ".fill 8, 1, 0x90", ALT("8, 5", "call two"), "jmp.d8 662f; .fill 6, 1, 0xcc");
	TRIES(false, "lfence; .fill 9, 1, 0x90", ALT("12, 5", "call two"), "jmp.d8 662f; .fill 10, 1, 0xcc");
	/* Nothing of length nothing does not go on for ever. */
	TRIES(true, "nop", ALT("0, 0", ""), "nop");
	TRIES(false, "nop", ALT("200, 0", ""), "nop");
	TRIES(false, "nop", ALT("1, 200", "nop"), "ret");
}

/* What was tried and is not there must not be learnt from. */
static void alternatives_that_call(void **state)
{
	boot("void one(void), two(void); void three(void); void f(int x) { asm volatile(\"call one\"); } void g(void) { two(); three(); }");
	prove("void f(int x) { asm volatile(\"661: call one\\n " ALT("5, 5", "call two") ALT("5, 5", "call three") "\"); }");
	assert_proved("f");
	assert_address("one", kernel_address(&kernel, "one"));
	assert_address("two", kernel_address(&kernel, "two"));
	assert_address("three", kernel_address(&kernel, "three"));
}

static void jump_labels(void **state)
{
	static const char nop[] = ".byte 0x0f, 0x1f, 0x44, 0x00, 0x00", jump[] = ".byte 0xe9; .long 663f - . - 4";

	TRIES(true, nop, LABEL, nop);
	TRIES(true, nop, LABEL, jump);
	TRIES(true, jump, LABEL, nop);
	TRIES(true, jump, LABEL, jump);
	TRIES(true, "jmp.d8 663f", LABEL, ".byte 0x66, 0x90");
	TRIES(true, ".byte 0x66, 0x90", LABEL, "jmp.d8 663f");
	TRIES(false, nop, LABEL, ".byte 0xe9; .long 663f - . - 3");
	TRIES(false, nop, LABEL, ".byte 0xe9; .long 662f - . - 4");
	TRIES(false, nop, LABEL, ".byte 0xe8; .long 663f - . - 4");
	TRIES(false, nop, "", jump);
	TRIES(false, nop, LABEL, "mov $1, %eax");
	/* Nothing but the bytes that the kernel writes, of two lengths. */
	TRIES(true, nop, LABEL, "jmp.d8 663f");
	TRIES(false, nop, LABEL, ".byte 0x66, 0xeb; .byte 663f - . - 1");
	TRIES(false, nop, LABEL, ".byte 0x2e, 0xe9; .long 663f - . - 4");
	TRIES(false, nop, LABEL, ".byte 0x3e, 0xeb; .byte 663f - . - 1");
	TRIES(false, nop, LABEL, ".byte 0x66, 0x66, 0x66, 0x66, 0x90");
	TRIES(false, nop, LABEL, ".byte 0x0f, 0x1f, 0x00");
}

#define PV ".pushsection .parainstructions,\\\"a\\\"\\n .balign 8\\n .quad 661b\\n .byte 1, 7\\n .balign 8\\n .popsection\\n"

/* @held: what the kernel's table of functions holds at the call's place. */
static bool accepts_paravirt(const char *running, const char *held)
{
	_cleanup_free_ char *run = xasprintf("extern void one(void), two(void), _paravirt_nop(void);\n"
					     "void (*pv_ops[2])(void) = { two, %s };\n" SITE("%s", "")
					     "void all(void) { one(); two(); _paravirt_nop(); }", held, running);

	boot(run);
	prove("extern void *pv_ops[2];\n" SITE("call *pv_ops+8", PV));
	return state_of("f") == MATCH_PROVED;
}

static void paravirt_calls(void **state)
{
	assert_true(accepts_paravirt("call *pv_ops+8", "one"));
	assert_true(accepts_paravirt("call one; nop; nop", "one"));
	assert_false(accepts_paravirt("call two; nop; nop", "one"));
	assert_false(accepts_paravirt("call *pv_ops", "one"));
	assert_false(accepts_paravirt("call one; int3; int3", "one"));
	assert_true(accepts_paravirt(".byte 0x0f, 0x1f, 0x80, 0, 0, 0, 0", "_paravirt_nop"));
	assert_false(accepts_paravirt(".byte 0x0f, 0x1f, 0x80, 0, 0, 0, 0", "one"));
}

/* From 6.8 on they are alternatives. */
static bool accepts_direct_call(const char *running, const char *held)
{
	_cleanup_free_ char *run = xasprintf("extern void one(void), two(void), nop_func(void);\n"
					     "void (*pv_ops[2])(void) = { two, %s };\n" SITE("%s", "")
					     "void all(void) { one(); two(); nop_func(); }", held, running);

	boot(run);
	prove("extern void *pv_ops[2];\n" SITE("call *pv_ops+8(%rip)", ALT("6, 5", "call BUG_func")));
	return state_of("f") == MATCH_PROVED;
}

static void direct_calls(void **state)
{
	assert_true(accepts_direct_call("call *pv_ops+8(%rip)", "one"));
	assert_true(accepts_direct_call("call one; nop", "one"));
	assert_false(accepts_direct_call("call two; nop", "one"));
	assert_false(accepts_direct_call("jmp one; nop", "one"));
	assert_false(accepts_direct_call("call one; int3", "one"));
	assert_true(accepts_direct_call(".byte 0x66, 0x0f, 0x1f, 0x44, 0, 0", "nop_func"));
	assert_false(accepts_direct_call(".byte 0x66, 0x0f, 0x1f, 0x44, 0, 0", "one"));
}

/* The one byte may be a prefix that does nothing on one processor, where the object says so. */
static void lock_prefixes(void **state)
{
#define LOCKS ".pushsection .smp_locks,\\\"a\\\"\\n .balign 4\\n .long 661b - .\\n .popsection\\n"
	TRIES(true, "lock incl (%rdi)", LOCKS, "lock incl (%rdi)");
	TRIES(true, "lock incl (%rdi)", LOCKS, ".byte 0x3e; incl (%rdi)");
	TRIES(false, "lock incl (%rdi)", LOCKS, ".byte 0x2e; incl (%rdi)");
	TRIES(false, "lock incl (%rdi)", "", ".byte 0x3e; incl (%rdi)");
}

/* The kernel writes the values of variables into the code at boot. */
static void runtime_constants(void **state)
{
	static const char code[] = "unsigned long limit = 0x7ffffffff000; unsigned int bits = 19;\n"
		"unsigned long f(unsigned long x) { unsigned long r; asm(\"movabs $0x123456789abcdef, %0\\n 1:\\n"
		" .pushsection runtime_ptr_limit,\\\"a\\\"\\n .long 1b - 8 - .\\n .popsection\" : \"=r\" (r)); return r + x; }\n"
		"unsigned int g(unsigned int x) { asm(\"shrl $12, %0\\n 1:\\n .pushsection runtime_shift_bits,\\\"a\\\"\\n"
		" .long 1b - 1 - .\\n .popsection\" : \"+r\" (x)); return x; }";
	static const uint64_t limit = 0x7ffffffff000, other = 0x7fffffffe000;
	static const uint8_t original[] = { 0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01 }, bits = 19;
	uint8_t *at;
	uint64_t f, g;

	boot(code);
	prove(code);
	assert_int_equal(state_of("f"), MATCH_DIFFERS);	/* not written yet */
	at = memmem(kernel_bytes(&kernel, "f"), 32, original, 8);
	assert_non_null(at);
	f = KERNEL_BASE + (at - kernel.image);
	at = memchr(kernel_bytes(&kernel, "g"), 12, 16);
	assert_non_null(at);
	g = KERNEL_BASE + (at - kernel.image);
	kernel_poke(&kernel, f, &limit, 8);
	kernel_poke(&kernel, g, &bits, 1);
	prove(code);
	assert_proved("f");
	assert_proved("g");
	kernel_poke(&kernel, f, &other, 8);
	prove(code);
	assert_int_equal(state_of("f"), MATCH_DIFFERS);
	assert_proved("g");
}

static void returns(void **state)
{
	static const char thunk[] = "jmp __x86_return_thunk";

	TRIES(true, thunk, "", thunk);
	TRIES(true, thunk, "", "ret; int3; int3; int3; int3");
	TRIES(false, thunk, "", "ret; int3; int3; int3; nop");
	TRIES(false, thunk, "", "ret; int3; int3; .byte 0x2e, 0xcc");
	TRIES(false, thunk, "", "jmp srso_return_thunk");
	/* The one that this processor needs, which a variable holds. */
	boot("extern void srso_return_thunk(void); void *x86_return_thunk = srso_return_thunk;\n"
	     SITE("jmp srso_return_thunk", ""));
	prove(SITE("jmp __x86_return_thunk", ""));
	assert_proved("f");
	TRIES(false, thunk, "", "call __x86_return_thunk");
	TRIES(false, "call __x86_return_thunk", "", "ret; int3; int3; int3; int3");
	TRIES(false, thunk, "", "ret; int3; int3; int3; ret");
	TRIES(false, thunk, "", "jmp external");
	TRIES(false, "jmp external", "", "ret; int3; int3; int3; int3");
	/* The kernel's own code that compares addresses with it. */
	TRIES(true, "cmp $__x86_return_thunk, %rax", "", "cmp $__x86_return_thunk, %rax");
}

/* A call of __x86_indirect_thunk_rcx that goes to @code at the offset @place of the kernel. */
static bool accepts_made_thunk(uint64_t place, const char *code)
{
	static const char source[] = "asm(\".pushsection .text.f,\\\"ax\\\"\\n .globl f\\n .type f,@function\\n f: call __x86_indirect_thunk_rcx\\n"
		" ret\\n .size f, . - f\\n .popsection\");";
	int32_t distance;

	boot(source);
	distance = KERNEL_BASE + place - kernel_address(&kernel, "f") - 5;
	kernel_poke(&kernel, kernel_address(&kernel, "f") + 1, &distance, 4);
	kernel_poke(&kernel, KERNEL_BASE + place, code, 3);
	prove(source);
	return state_of("f") == MATCH_PROVED;
}

static void indirect_calls(void **state)
{
	static const char call[] = "call __x86_indirect_thunk_rcx", jump[] = "jmp __x86_indirect_thunk_r9";
	static const char with_cs[] = ".byte 0x2e; call __x86_indirect_thunk_r9";

	TRIES(true, call, "", call);
	TRIES(true, call, "", "call *%rcx; nop; nop; nop");
	TRIES(true, call, "", "lfence; call *%rcx");
	TRIES(true, call, "", "call __x86_indirect_its_thunk_rcx");
	TRIES(false, call, "", "call __x86_indirect_its_thunk_rdx");
	TRIES(false, call, "", "call __x86_indirect_thunk_rdx");
	TRIES(false, call, "", "call *%rdx; nop; nop; nop");
	TRIES(false, call, "", "call *%rcx; int3; int3; int3");
	TRIES(false, call, "", "call *(%rcx); nop; nop; nop");
	TRIES(false, call, "", "jmp *%rcx; nop; nop; nop");
	TRIES(true, jump, "", "jmp *%r9; int3; nop");
	TRIES(false, jump, "", "jmp *%r9; nop; int3");
	TRIES(false, call, "", ".byte 0x40; call *%rcx; nop; nop");
	/* In a page that has no symbols, in the upper half of a cache line. */
	assert_true(accepts_made_thunk(0x7820, "\xff\xe1\xcc"));
	assert_false(accepts_made_thunk(0x7840, "\xff\xe1\xcc"));
	assert_false(accepts_made_thunk(0x7820, "\xff\xe2\xcc"));
	assert_false(accepts_made_thunk(0x7820, "\xff\xd1\xcc"));
	assert_false(accepts_made_thunk(0x7820, "\xff\xe1\x90"));
	TRIES(false, jump, "", "jmp *%rcx; int3; nop; nop");
	/* The compiler's prefix stays. */
	TRIES(true, with_cs, "", with_cs);
	TRIES(true, with_cs, "", ".byte 0x2e; call __x86_indirect_its_thunk_r9");
	TRIES(true, with_cs, "", "call *%r9; nop; nop; nop");
	TRIES(false, with_cs, "", "call __x86_indirect_thunk_r9; nop");
	/* Where the depth of calls is counted. */
	TRIES(true, call, "", "call __x86_indirect_call_thunk_rcx");
	TRIES(true, with_cs, "", ".byte 0x2e; call __x86_indirect_call_thunk_r9");
	TRIES(true, jump, "", "jmp __x86_indirect_jump_thunk_r9");
	TRIES(false, call, "", "call __x86_indirect_call_thunk_rdx");
	TRIES(false, call, "", "call __x86_indirect_jump_thunk_rcx");
	TRIES(false, jump, "", "jmp __x86_indirect_call_thunk_r9");
	TRIES(false, jump, "", "jmp __x86_indirect_jump_thunk_r10");
	TRIES(false, jump, "", "call __x86_indirect_call_thunk_r9");
}

static bool accepts_static_call(const char *pre_code, const char *running, const char *held)
{
	_cleanup_free_ char *run = xasprintf("extern void one(void), two(void), __static_call_return0(void), __SCT__c(void);\n"
					     "void (*__SCK__c)(void) = %s;\n" SITE("%s", "")
					     "void all(void) { one(); two(); __static_call_return0(); __SCT__c(); }", held, running);
	_cleanup_free_ char *pre = xasprintf(SITE("%s", ""), pre_code);

	boot(run);
	prove(pre);
	return state_of("f") == MATCH_PROVED;
}

static void static_calls(void **state)
{
	static const char call[] = "call __SCT__c", jump[] = "jmp __SCT__c";

	assert_true(accepts_static_call(call, call, "one"));
	assert_true(accepts_static_call(call, "call one", "one"));
	assert_false(accepts_static_call(call, "call two", "one"));
	assert_false(accepts_static_call(call, "jmp one", "one"));
	assert_false(accepts_static_call(call, "call __SCT__c + 1", "one"));
	assert_true(accepts_static_call(call, ".byte 0x0f, 0x1f, 0x44, 0, 0", "0"));
	assert_false(accepts_static_call(call, ".byte 0x0f, 0x1f, 0x44, 0, 0", "one"));
	assert_true(accepts_static_call(call, ".byte 0x2e, 0x2e, 0x2e, 0x31, 0xc0", "__static_call_return0"));
	assert_false(accepts_static_call(call, ".byte 0x2e, 0x2e, 0x2e, 0x31, 0xc0", "one"));
	assert_true(accepts_static_call(jump, "ret; int3; int3; int3; int3", "0"));
	assert_true(accepts_static_call(jump, "jmp one", "one"));
	assert_false(accepts_static_call(call, "ret; int3; int3; int3; int3", "0"));
	/* Where returns go through a thunk, so does a jump of nothing. */
	assert_true(accepts_static_call(jump, "jmp __x86_return_thunk", "0"));
	assert_false(accepts_static_call(jump, "jmp __x86_return_thunk", "one"));
	assert_false(accepts_static_call(jump, "jmp external", "0"));
	assert_false(accepts_static_call(jump, "call __x86_return_thunk", "0"));
	assert_false(accepts_static_call(call, "call __x86_return_thunk", "0"));
	/* What stands for a call would run on behind a jump. */
	assert_false(accepts_static_call(jump, ".byte 0x0f, 0x1f, 0x44, 0, 0", "0"));
	assert_false(accepts_static_call(jump, ".byte 0x2e, 0x2e, 0x2e, 0x31, 0xc0", "__static_call_return0"));
	assert_false(accepts_static_call(jump, ".byte 0x66, 0x66, 0x48, 0x31, 0xc0", "__static_call_return0"));
	assert_true(accepts_static_call(call, ".byte 0x66, 0x66, 0x48, 0x31, 0xc0", "__static_call_return0"));
	assert_true(accepts_static_call(jump, "jmp __static_call_return0", "__static_call_return0"));
}

static const struct match_function *prove_entry(const char *pre, const char *running)
{
	boot(running);
	prove(pre);
	assert_proved("f");
	return match_function(match, "f");
}

static void where_a_jump_can_be_written(void **state)
{
	static const char traced[] = FUNCTION("call __fentry__; mov %edi, %eax; add $3, %eax; ret", "16");
	const struct match_function *f;

	f = prove_entry(traced, FUNCTION(".byte 0x0f, 0x1f, 0x44, 0, 0; mov %edi, %eax; add $3, %eax; ret", "16"));
	assert_int_equal(f->jump_offset, 5);
	assert_null(f->blocked);
	f = prove_entry(traced, FUNCTION("call ftrace_caller; mov %edi, %eax; add $3, %eax; ret", "16"));
	assert_int_equal(f->jump_offset, 5);
	f = prove_entry(FUNCTION("endbr64; mov %edi, %eax; add $3, %eax; ret", "16"),
			FUNCTION(".byte 0x66, 0x0f, 0x1f, 0x00; mov %edi, %eax; add $3, %eax; ret", "16"));
	assert_int_equal(f->jump_offset, 4);
	assert_null(f->blocked);
	/* Filling behind a short function serves; the beginning of the next one does not. */
	f = prove_entry(FUNCTION("inc %eax; ret", "16"), FUNCTION("inc %eax; ret", "16"));
	assert_int_equal(f->jump_offset, 0);
	assert_null(f->blocked);
	f = prove_entry(FUNCTION("inc %eax; ret", "1"), FUNCTION("inc %eax; ret", "1"));
	assert_non_null(f->blocked);
	boot(FUNCTION("call external; mov %edi, %eax; ret", "16"));
	prove(traced);
	assert_int_equal(state_of("f"), MATCH_DIFFERS);
}

/* The kernel writes these places again whenever it likes. */
static void where_a_jump_would_be_overwritten(void **state)
{
	static const char label[] = "int key;\n" FUNCTION("661: .byte 0x0f, 0x1f, 0x44, 0, 0; mov %edi, %eax; 664: ret\\n"
		".pushsection __jump_table,\\\"aw\\\"\\n .balign 8\\n .long 661b - ., 664b - .; .quad key - .\\n .popsection\\n", "16");
	static const char call[] = "extern void __SCT__c(void), one(void); void (*__SCK__c)(void) = one;\n"
		FUNCTION("call __fentry__; jmp __SCT__c", "16");
	static const char later[] = "extern void __SCT__c(void), one(void); void (*__SCK__c)(void) = one;\n"
		FUNCTION("call __fentry__; mov $1, %edi; jmp __SCT__c", "16");

	assert_non_null(prove_entry(label, label)->blocked);
	assert_non_null(prove_entry(call, call)->blocked);
	assert_null(prove_entry(later, later)->blocked);
}

/* A lock prefix that is none on one processor becomes one where a second one can come. */
static void where_a_lock_may_come(void **state)
{
#define UP(list, lock) list FUNCTION("call __fentry__; 661: " lock "incl (%rdi); mov %edi, %eax; ret\\n" LOCKS, "16")
	static const char object[] = UP("", "lock "), none[] = UP("", ".byte 0x3e; ");
	static const char can[] = UP("void *other, *smp_alt_modules = &other;\n", ".byte 0x3e; ");
	static const char cannot[] = UP("void *smp_alt_modules = &smp_alt_modules;\n", ".byte 0x3e; ");

	assert_null(prove_entry(object, object)->blocked);
	assert_non_null(prove_entry(object, none)->blocked);
	assert_non_null(prove_entry(object, can)->blocked);
	assert_null(prove_entry(object, cannot)->blocked);
}

/* Prefixes that an older processor takes as another instruction are not the same branch. */
static void branches_with_prefixes(void **state)
{
	TRIES(true, "jmp.d8 663f", "", "jmp.d8 663f");
	TRIES(false, "jmp.d8 663f", "", ".byte 0x66, 0xeb; .byte 663f - . - 1");
}

/* The object comes from a pack: whatever is in it, the outcome is a proof or none. */
static void survives_damaged_objects(void **state)
{
	static const char tables[] = "int key; void f(int x) { external(x); asm volatile(\"661: call *pv_ops+8\\n 662: .byte 0x0f, 0x1f, 0x44, 0x00, 0x00\\n "
		ALT("7, 5", "call two") PV LOCKS LABEL "\"); external(x + 1); asm volatile(\"663: nop\"); }";
	static const uint8_t values[] = { 0x00, 0x08, 0x7f, 0xff };
	uint8_t *image;
	size_t size, i, k;

	boot(tables);
	object_free(compile(tables));
	image = last_compiled.data;
	size = last_compiled.size;
	for (i = 0; i < size; i++) {
		uint8_t old = image[i];

		for (k = 0; k < ARRAY_SIZE(values); k++) {
			struct object *obj;
			struct match *m;
			struct error *err;

			image[i] = values[k];
			err = object_parse(xmemdup(image, size), size, "bad.o", &obj);
			if (!err) {
				err = match_object(kernel.live, "vmlinux", obj, &m);
				if (!err)
					match_free(m);
			}
			error_free(err);
		}
		image[i] = old;
	}
}

#define T(f) cmocka_unit_test_teardown(f, reset)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(proves_what_runs), T(every_byte_is_proved), T(tells_what_differs),
		T(candidates_of_one_name), T(candidates_beside_others), T(tables_that_refer),
		T(ends_of_strings), T(exit_code), T(statics_of_one_name), T(weak_functions),
		T(short_and_long_jumps), T(alternatives), T(alternatives_that_call), T(jump_labels),
		T(paravirt_calls), T(direct_calls), T(lock_prefixes), T(runtime_constants), T(returns), T(indirect_calls), T(static_calls),
		T(where_a_jump_can_be_written), T(where_a_jump_would_be_overwritten), T(where_a_lock_may_come),
		T(branches_with_prefixes), T(survives_damaged_objects),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
