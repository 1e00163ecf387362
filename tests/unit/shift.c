// SPDX-License-Identifier: GPL-2.0
/* Functions of which a jump became shorter or longer, so that the running code is shifted against the object's. */
#include "kernel.h"

#include "match/match.h"

static struct kernel kernel;

static int set_up(void **state)
{
	kernel_init(&kernel);
	return make_test_folder(state);
}

static int tear_down(void **state)
{
	kernel_fini(&kernel);
	return remove_test_folder(state);
}

#define LONG ".byte 0xe9; .long g - . - 4"
#define SHORT "jmp.d8 g"

/* The code behind a jump that is @jump, with what tables say of it. */
#define SHIFTED(jump, code, table)                                                                       \
	"int key; void (*__SCK__c)(void);\n"                                                             \
	"asm(\".pushsection .text.f,\\\"ax\\\"\\n .globl f\\n .type f,@function\\n f: test %%edi,%%edi\\n je 1f\\n " jump  \
	"\\n 1: call external\\n 661: " code "\\n 662:\\n " table "\\n call external\\n 663: xor %%eax, %%eax\\n ret\\n"  \
	" .size f, . - f\\n .globl g\\n .type g,@function\\n g: mov $1,%%eax\\n ret\\n .size g, . - g\\n .popsection\");\n"

static bool proves(const char *jump, const char *original, const char *table, const char *run_jump,
		   const char *running)
{
	_cleanup_free_ char *pre = xasprintf(SHIFTED("%s", "%s", "%s"), jump, original, table);
	_cleanup_free_ char *run = xasprintf(SHIFTED("%s", "%s", ""), run_jump, running);
	struct object *obj = compile(run);
	struct match *m;
	bool proved;

	kernel_fini(&kernel);
	kernel_init(&kernel);
	kernel_add(&kernel, obj);
	object_free(obj);
	kernel_boot(&kernel);
	assert_ok(match_object(kernel.live, "vmlinux", compile(pre), &m));
	proved = match_function(m, "f")->state == MATCH_PROVED;
	match_free(m);
	return proved;
}

/* Shifted in one direction, in the other, and not at all. */
static void check(bool expected, const char *original, const char *table, const char *running)
{
	static const char *const jumps[][2] = { { LONG, SHORT }, { SHORT, LONG }, { LONG, LONG } };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(jumps); i++)
		if (proves(jumps[i][0], original, table, jumps[i][1], running) != expected)
			fail_msg("%s instead of %s behind %s instead of %s: %s", running, original, jumps[i][1],
				 jumps[i][0], expected ? "refused" : "accepted");
}

#define ALT(lengths, replacement)                                                                        \
	".pushsection .altinstructions,\\\"a\\\"\\n .long 661b - ., 664f - .; .word 9, 0; .byte " lengths "\\n"  \
	" .popsection\\n .pushsection .altinstr_replacement,\\\"ax\\\"\\n 664: " replacement "\\n .popsection\\n"
#define LABEL_AT(place)                                                                                  \
	".pushsection __jump_table,\\\"aw\\\"\\n .balign 8\\n .long " place " - ., 663f - .; .quad key - .\\n .popsection\\n"
#define LABEL LABEL_AT("661b")

static const char nop[] = ".byte 0x0f, 0x1f, 0x44, 0x00, 0x00", jump[] = ".byte 0xe9; .long 663f - . - 4";

/* A site may be NOPs on one side or on both: that is no filling. */
static void sites(void **state)
{
	check(true, nop, LABEL, nop);
	check(true, nop, LABEL, jump);
	check(true, jump, LABEL, nop);
	check(true, jump, LABEL, jump);
	check(false, nop, LABEL, "mov $1, %eax");
	check(false, nop, LABEL, ".byte 0xe9; .long 663f - . - 3");
	check(true, "nop; nop; nop", ALT("3, 3", "stac"), "stac");
	check(true, "nop; nop; nop", ALT("3, 3", "stac"), ".byte 0x0f, 0x1f, 0x00");
	check(false, "nop; nop; nop", ALT("3, 3", "stac"), "clac");
	check(true, "call one", ALT("5, 1", "nop"), nop);
	check(true, "call one", ALT("5, 1", "nop"), "call one");
	check(true, "call __SCT__c", "", nop);
	check(true, "endbr64", "", ".byte 0x66, 0x0f, 0x1f, 0x00");
	check(false, "endbr64", "", "xor %ebx, %ebx; nop; nop");
}

/* Several, without and with filling between them. */
static void sites_in_a_row(void **state)
{
#define TWO(between) ".byte 0x0f, 0x1f, 0x44, 0x00, 0x00; " between "; 665: .byte 0x0f, 0x1f, 0x44, 0x00, 0x00"
#define SET(first, between, second) first "; " between "; " second
#define ON ".byte 0xe9; .long 663f - . - 4"
#define OFF ".byte 0x0f, 0x1f, 0x44, 0x00, 0x00"
#define ALIGN "inc %ebx; .p2align 4"
	static const char labels[] = LABEL LABEL_AT("665b");

	check(true, TWO(""), labels, SET(OFF, "", OFF));
	check(true, TWO(""), labels, SET(ON, "", OFF));
	check(true, TWO(""), labels, SET(OFF, "", ON));
	check(true, TWO(""), labels, SET(ON, "", ON));
	check(false, TWO(""), labels, SET(ON, "", ON "; " ON));
	check(true, TWO(ALIGN), labels, SET(OFF, ALIGN, OFF));
	check(true, TWO(ALIGN), labels, SET(ON, ALIGN, OFF));
	check(true, TWO(ALIGN), labels, SET(OFF, ALIGN, ON));
	check(true, TWO(ALIGN), labels, SET(ON, ALIGN, ON));
	check(false, TWO(ALIGN), labels, SET(ON, ALIGN, "inc %eax"));
}

/* Filling before a loop, whose length is another one where the code is shifted. */
static void filling(void **state)
{
#define LOOP(code, back) ".p2align 4\\n 2: " code "\\n dec %edi\\n " back
#define BACK(off) ".byte 0x75, 2b - . - 1 + " off
	static const char loop[] = LOOP("mov %edi, %eax", "jne 2b");
	static const char label[] = LABEL_AT("2b");

	check(true, loop, "", loop);
	check(true, loop, "", LOOP("mov %edi, %eax", BACK("0")));
	check(false, loop, "", LOOP("mov %edi, %eax", BACK("-1")));
	check(false, loop, "", LOOP("mov %edi, %eax", BACK("-2")));
	check(false, loop, "", LOOP("mov %edi, %eax", BACK("2")));
	check(false, LOOP("mov %edi, %eax", BACK("-1")), "", loop);
	check(false, loop, "", ".p2align 4; inc %eax; 2: mov %edi, %eax; dec %edi; jne 2b");
	/* A loop that begins with a site. */
	check(true, LOOP(OFF, "jne 2b"), label, LOOP(OFF, "jne 2b"));
	check(true, LOOP(OFF, "jne 2b"), label, LOOP(ON, "jne 2b"));
	check(true, LOOP(ON, "jne 2b"), label, LOOP(OFF, "jne 2b"));
	check(false, LOOP(OFF, "jne 2b"), label, LOOP(OFF, BACK("-1")));
	check(false, LOOP(OFF, "jne 2b"), label, LOOP(OFF, BACK("5")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sites),
		cmocka_unit_test(sites_in_a_row),
		cmocka_unit_test(filling),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
