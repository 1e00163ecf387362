// SPDX-License-Identifier: GPL-2.0
#include "compile.h"

#include "extract/extract.h"
#include "kmend/engine.h"

static struct change change;
static struct extraction *extraction;
static struct object *out;

static int reset(void **state)
{
	object_free(change.pre);
	object_free(change.post);
	change_fini(&change);
	extraction_free(extraction);
	object_free(out);
	memset(&change, 0, sizeof(change));
	extraction = NULL;
	out = NULL;
	return 0;
}

static struct error *compare_and_extract(const char *pre, const char *post)
{
	reset(NULL);
	change.pre = compile(pre);
	change.post = compile(post);
	TRY(diff_objects(&change));
	extraction = extraction_new();
	return extract_change(extraction, &change);
}

/* The same where only extracting may refuse. */
static struct error *try_extract(const char *pre, const char *post)
{
	struct error *err = compare_and_extract(pre, post);

	assert_non_null(extraction);
	return err;
}

/* What was extracted, read back. */
static void extract(const char *pre, const char *post)
{
	void *image;
	size_t size;

	assert_ok(try_extract(pre, post));
	extract_finish(extraction);
	assert_ok(output_image(extraction->out, &image, &size));
	assert_ok(object_parse(image, size, "update.o", &out));
}

static const struct atom *kept(const char *name)
{
	return atom_called(out, name);
}

static bool is_kept(const char *name)
{
	const struct symbol *s = object_symbol(out, name);

	return s && !symbol_is_undefined(s);
}

/* The relocation of @from that refers to @name, defined or not; NULL for none. */
static const struct reloc *refers(const struct atom *from, const char *name)
{
	size_t i;

	for (i = 0; i < from->reloc_count; i++) {
		const struct reloc *r = &from->relocs[i];

		if (r->target ? !strcmp(atom_name(r->target), name) : !strcmp(r->symbol->name, name))
			return r;
	}
	return NULL;
}

static const struct reloc *must_refer(const char *from, const char *name)
{
	const struct reloc *r = refers(kept(from), name);

	if (!r)
		fail_msg("%s does not refer to %s", from, name);
	return r;
}

static void assert_no_reference(const char *from, const char *name)
{
	if (refers(kept(from), name))
		fail_msg("%s refers to %s", from, name);
}

static uint64_t table_size(const char *name)
{
	const struct section *s = object_section(out, name);

	return s ? s->size : 0;
}

static void what_changed_and_no_more(void **state)
{
	extract("static int count; noinline int g(int x) { return count += x; }\n"
		"int f(int x) { return g(x) + external(x) + count; }",
		"static int count; noinline int g(int x) { return count += x; }\n"
		"int f(int x) { return g(x) + external(x) + count * 2; }");
	assert_true(is_kept("f"));
	assert_false(is_kept("g"));
	assert_false(is_kept("count"));
	must_refer("f", "dir/file.o:g");
	must_refer("f", "dir/file.o:count");
	must_refer("f", "external");
	assert_int_equal(extraction->replaced, 1);
	assert_int_equal(extraction->function_count, 1);
	assert_false(extraction->escapes);
	assert_int_equal(table_size(".kmend.functions"), sizeof(struct kmend_function));
}

static void the_list_of_functions(void **state)
{
	const struct section *sec;
	const struct kmend_function *f;

	extract("int f(int x) { return x; } int g(int x) { return x; }",
		"int f(int x) { return x + 1; } int g(int x) { return x + 2; }");
	sec = object_section(out, ".kmend.functions");
	assert_int_equal(sec->size, 2 * sizeof(*f));
	assert_int_equal(sec->reloc_count, 6);
	f = (const void *)sec->data;
	assert_int_equal(f->new_size, atom_size(kept("f")));
	assert_string_equal(sec->relocs[0].symbol->name, "dir/file.o:f");
	assert_ptr_equal(sec->relocs[1].target, kept("f"));
	assert_int_equal(sec->relocs[1].delta, 0);
	assert_string_equal((char *)sec->relocs[2].target->section->data + sec->relocs[2].delta, "f");
	assert_string_equal(sec->relocs[3].symbol->name, "dir/file.o:g");
	assert_string_equal((char *)sec->relocs[5].target->section->data + sec->relocs[5].delta, "g");
	assert_int_equal(*(uint32_t *)(object_symbol(out, "kmend_function_count")->section->data +
				       object_symbol(out, "kmend_function_count")->value), 2);
}

/* A call goes to the new code; an address that may be kept is the old one, which an undo leaves valid. */
static void calls_and_addresses(void **state)
{
	static const char users[] = "void keep(int (*)(int));\n"
		"int caller(int x) { keep(f); return f(x) + EXTRA; } int jumper(int x) { return f(x + EXTRA); }";
	_cleanup_free_ char *pre = xasprintf("#define EXTRA 1\nnoinline static int f(int x) { return external(x) * 2; } %s", users);
	_cleanup_free_ char *post = xasprintf("#define EXTRA 2\nnoinline static int f(int x) { return external(x) * 3; } %s", users);
	const struct atom *caller;
	size_t i, branches = 0, addresses = 0;

	extract(pre, post);
	caller = kept("caller");
	for (i = 0; i < caller->reloc_count; i++) {
		const struct reloc *r = &caller->relocs[i];

		if (r->target == kept("f")) {
			assert_true(r->branch);
			branches++;
		} else if (!strcmp(r->symbol->name, "dir/file.o:f")) {
			assert_false(r->branch);
			addresses++;
		}
	}
	assert_int_equal(branches, 1);
	assert_int_equal(addresses, 1);
	assert_ptr_equal(must_refer("jumper", "f")->target, kept("f"));
	assert_no_reference("jumper", "dir/file.o:f");
}

/* A timer that starts itself again: after an undo it must not run what is gone. */
static void an_own_address(void **state)
{
#define OWN(k) "void later(void (*)(int)); static void f(int x) { later(f); external(x + " k "); } void g(int x) { f(x); }"
	extract(OWN("1"), OWN("2"));
	must_refer("f", "dir/file.o:f");
	assert_false(extraction->escapes);
}

/* The new function must never get into the old one's cold part, whose stack may look otherwise. */
static void cold_parts(void **state)
{
#define COLD(check) "int f(int x) { if (unlikely(x > " check ")) { fail(x); fail(x + 1); } return external(x); }"
	extract(COLD("5"), COLD("6"));
	assert_ptr_equal(must_refer("f", "f.cold")->target, kept("f.cold"));
	assert_ptr_equal(must_refer("f.cold", "f")->target, kept("f"));
	assert_no_reference("f", "dir/file.o:f.cold");
	assert_int_equal(extraction->replaced, 1);
	assert_int_equal(extraction->ranges, 1);
	assert_string_equal(object_section(out, ".kmend.ranges")->relocs[0].symbol->name,
			    "dir/file.o:f.cold");
	/* The patch takes the unlikely path away. */
	extract(COLD("5"), "int f(int x) { return external(x); }");
	assert_int_equal(extraction->ranges, 1);
	assert_string_equal(object_section(out, ".kmend.ranges")->relocs[0].symbol->name,
			    "dir/file.o:f.cold");
	/* And the other way round. */
	extract("int f(int x) { return external(x); }", COLD("5"));
	assert_int_equal(extraction->ranges, 0);
	assert_ptr_equal(must_refer("f", "f.cold")->target, kept("f.cold"));
}

#define SCHED "__section(\".sched.text\") "

/* A call inside one section has no relocation in the file, and must have one in the update. */
static void functions_that_share_a_section(void **state)
{
#define SHARED(k)                                                                                  \
	SCHED "static noinline int a(int x) { return external(x) + 3; }\n"                         \
	SCHED "int f(int x) { return a(x) + " k "; }\n"                                            \
	SCHED "int other(int x) { return a(x) - 1; }"
	const struct reloc *r;

	extract(SHARED("1"), SHARED("2"));
	r = must_refer("f", "dir/file.o:a");
	assert_true(r->branch);
	assert_int_equal(r->delta, 0);
	assert_false(is_kept("other"));
	assert_refused(try_extract(SCHED "static noinline int a(int x) { return x * 3; }\n"
				   SCHED "int f(int x) { return a(x); }",
				   SCHED "static noinline int a(int x) { return x * 3; }\n"
				   SCHED "int f(int x) { return a(x + 1); }"), "BRANCH-SHORT");
}

static void strings_and_constants(void **state)
{
	const struct reloc *r;

	extract("static const int t[] = { 1, 2, 3 }; int f(int i) { report(\"old\", t[i]); return 1; }",
		"static const int t[] = { 1, 2, 4 }; int f(int i) { report(\"new text\", t[i]); return 1; }");
	r = must_refer("f", ".rodata.f.str1.1");
	assert_string_equal((const char *)atom_data(r->target) + r->delta, "new text");
	assert_int_equal(atom_data(must_refer("f", "t")->target)[8], 4);
	/* One that did not change is the running one. */
	extract("static const int t[] = { 1, 2, 3 }; int f(int i) { return t[i]; }",
		"static const int t[] = { 1, 2, 3 }; int f(int i) { return t[i] + 1; }");
	must_refer("f", "dir/file.o:t");
}

static void new_things(void **state)
{
	extract("int f(int x) { return x; }",
		"int shared = 7; static int zero; noinline int helper(int x) { return external(x) + zero++; }\n"
		"int f(int x) { return helper(x) + shared; }");
	assert_true(is_kept("helper"));
	assert_true(is_kept("shared"));
	assert_int_equal(kept("zero")->section->type, SHT_NOBITS);
	assert_ptr_equal(must_refer("helper", "zero")->target, kept("zero"));
	assert_int_equal(extraction->function_count, 2);
	assert_int_equal(extraction->replaced, 1);
	/* Global, so that the other objects of the update can refer to it. */
	assert_int_equal(object_symbol(out, "helper")->bind, STB_GLOBAL);
	assert_int_equal(object_symbol(out, "f")->bind, STB_LOCAL);
	extract("void keep(void *); void f(void) { keep(0); }",
		"void keep(void *); static int n; void f(void) { keep(&n); }");
	assert_true(extraction->escapes);
}

#define ENTRY(section, flags, data)                                                                \
	"asm volatile(\"1: nop\\n 2: nop\\n .pushsection " section ",\\\"" flags "\\\"\\n " data "\\n .popsection\");"

/* Of the tables, what speaks of kept code. */
/* A function that only another object of the update calls, and one without any text in its string. */
static void new_globals_and_empty_strings(void **state)
{
	extract("int f(void) { return 1; }\n",
		"int f(void) { report(\"\", 0); return 2; }\nint fresh(void) { return 3; }\n"
		"static int unused(void) { return 4; }\n");
	assert_true(is_kept("fresh"));
	assert_int_equal(object_symbol(out, "fresh")->bind, STB_GLOBAL);
	assert_false(is_kept("unused"));
}

static void table_entries(void **state)
{
#define TABLES                                                                                     \
	ENTRY("__bug_table", "aw", ".long 1b - ., .LCf - .; .word 7, 0")                           \
	ENTRY("__ex_table", "a", ".long 1b - ., 2b - ., 5")                                        \
	ENTRY("__jump_table", "aw", ".balign 8; .long 1b - ., 2b - .; .quad key - .")
#define FUNCTIONS(k)                                                                               \
	"int key; asm(\".pushsection .rodata.str1.1,\\\"aMS\\\",@progbits,1\\n .LCf: .asciz \\\"f.c\\\"\\n.popsection\");\n"  \
	"void f(int x) {" TABLES " external(" k "); } void g(int x) {" TABLES " external(x); }\n"  \
	"void h(int x) {" TABLES " external(x); external(" k "); }"
	const struct section *sec;
	size_t i;

	extract(FUNCTIONS("1"), FUNCTIONS("2"));
	assert_int_equal(table_size("__bug_table"), 2 * 12);
	assert_int_equal(table_size("__ex_table"), 2 * 12);
	assert_int_equal(table_size("__jump_table"), 2 * 16);
	sec = object_section(out, "__jump_table");
	assert_int_equal(sec->reloc_count, 6);
	for (i = 0; i < 6; i += 3) {
		assert_ptr_equal(sec->relocs[i].target, kept(i ? "h" : "f"));
		assert_ptr_equal(sec->relocs[i + 1].target, kept(i ? "h" : "f"));
		assert_int_equal(sec->relocs[i].symbol->type, STT_SECTION);
		assert_int_equal(sec->relocs[i + 1].delta - sec->relocs[i].delta, 1);
		assert_string_equal(sec->relocs[i + 2].symbol->name, "dir/file.o:key");
	}
	sec = object_section(out, "__bug_table");
	assert_string_equal((const char *)atom_data(sec->relocs[3].target) + sec->relocs[3].delta, "f.c");
}

/* The replacement code of an alternative goes with it, with what it calls. */
static void alternatives(void **state)
{
#define ALTERNATIVE(k)                                                                             \
	"void f(int x) { asm volatile(\"661: call one\\n 662:\\n .pushsection .altinstructions,\\\"a\\\"\\n" \
	" .long 661b - ., 663f - .; .word 9, 0; .byte 5, 5\\n .popsection\\n"                       \
	" .pushsection .altinstr_replacement, \\\"ax\\\"\\n 663: call two\\n .popsection\"); external(" k "); }\n"
	_cleanup_free_ char *other = xasprintf("%s", "void e(int x) { asm volatile(\"661: call one\\n 662:\\n"
		" .pushsection .altinstructions,\\\"a\\\"\\n .long 661b - ., 663f - .; .word 9, 0; .byte 5, 6\\n .popsection\\n"
		" .pushsection .altinstr_replacement, \\\"ax\\\"\\n 663: nop; call three\\n .popsection\"); }\n");
	_cleanup_free_ char *pre = xasprintf("%s" ALTERNATIVE("1"), other);
	_cleanup_free_ char *post = xasprintf("%s" ALTERNATIVE("2"), other);
	const struct section *sec;
	const struct reloc *r;

	extract(pre, post);
	sec = object_section(out, ".altinstructions");
	assert_int_equal(sec->size, 14);
	assert_ptr_equal(sec->relocs[0].target, kept("f"));
	assert_string_equal(sec->relocs[1].target->section->name, ".altinstr_replacement");
	assert_int_equal(atom_size(sec->relocs[1].target), 5);
	r = refers(sec->relocs[1].target, "two");
	assert_non_null(r);
	assert_int_equal(r->delta, 0);
	assert_null(object_symbol(out, "three"));
}

/* The end of one object is the place of the next, where both share a section and the assembler dropped their names. */
static void ends_and_beginnings(void **state)
{
#define READ_MOSTLY "__section(\".data..read_mostly\") "
#define LOOP(more) "extern void take(int *); int f(void) { int *p, s = 0;\n" \
	" for (p = array; p < &array[4]; p++) s += external(*p);\n" more " return s; }\n" \
	"int g(void) { take(array); take(&last); return external(last); }"
#define ARRAY READ_MOSTLY "static int array[4] = { 1, 2, 3, 4 };\n"
#define LAST READ_MOSTLY "static int last = 5;\n"
	static const char pre[] = LAST ARRAY LOOP("");
	const struct reloc *r;

	/* Whichever is meant, it lies there. */
	extract(pre, LAST ARRAY LOOP("s++;"));
	assert_true(is_kept("f"));
	/* What the patch puts between lies elsewhere. */
	assert_refused(try_extract(pre, LAST READ_MOSTLY "static int added[2] = { 7, 8 };\n" ARRAY
				   LOOP("take(added);")), "STATIC-AMBIGUOUS");
	/* What is read or written is no end, nor is what has a name of its own. */
	extract(pre, LAST READ_MOSTLY "static int added = 7;\n" ARRAY
		"extern void take(int *); int f(void) { take(array); return external(added); }\n"
		"int g(void) { take(array); take(&last); return external(last); }");
	assert_non_null(refers(kept("f"), "added"));
	extract(LAST ARRAY LOOP(""), LAST READ_MOSTLY "int added[2] = { 7, 8 };\n" ARRAY LOOP("take(added);"));
	assert_non_null(refers(kept("f"), "added"));
	r = refers(kept("f"), "dir/file.o:array");
	assert_non_null(r);
	assert_int_equal(r->symbol->shndx, SHN_UNDEF);
}

/* A debug message is no array of the source, and its end is never meant. */
static void messages_one_after_the_other(void **state)
{
#define MESSAGE(format) "{ static struct message __section(\"__dyndbg\") d = { \"m\", __func__, \"" format "\", 1 };" \
	" if (d.line) tell(&d, x); }"
#define MESSAGES(first, second) "struct message { const char *module, *function, *format; long line; };\n" \
	"extern void tell(struct message *, int); void f(int x) { " MESSAGE(first) MESSAGE(second) " }"
	extract(MESSAGES("a", "b"), MESSAGES("a", "c"));
	assert_true(is_kept("f"));
	assert_non_null(object_section(out, "__dyndbg"));
}

/* Places in the code that the kernel changes, for a reason that is not known, cannot be left as they are. */
static void sites_of_unknown_sections(void **state)
{
#define LIMIT(k) "unsigned long f(unsigned long x) { unsigned long r; asm(\"movabs $0x123456789abcdef, %0\\n 1:\\n"  \
	" .pushsection places_of_limit,\\\"a\\\"\\n .long 1b - 8 - .\\n .popsection\" : \"=r\" (r)); return r + " k "; }\n" \
	"unsigned long g(unsigned long x) { return x + " k "; }"
	assert_refused(try_extract(LIMIT("1"), LIMIT("2")), "SECTION-UNKNOWN");
	/* Of a function that is not replaced it says what it likes, and of a function as a whole too. */
	extract(LIMIT("1") " int h(int x) { return x; }", LIMIT("1") " int h(int x) { return x + 1; }");
	assert_true(is_kept("h"));
#define LISTED(k) "int f(int x) { return x + " k "; } asm(\".pushsection _kprobe_blacklist,\\\"aw\\\"\\n .quad f\\n .popsection\");"
	extract(LISTED("1"), LISTED("2"));
	assert_true(is_kept("f"));
	/* The first instruction is a place, too; a pointer in an object, or a quirk of a device, means the function. */
#define FIRST(k) "int f(int x) { return x + " k "; } asm(\".pushsection places_of_limit,\\\"a\\\"\\n .long f - .\\n .popsection\");"
	assert_refused(try_extract(FIRST("1"), FIRST("2")), "SECTION-UNKNOWN");
#define QUIRK(k) "int f(int x) { return x + " k "; } asm(\".pushsection .pci_fixup_final,\\\"a\\\"\\n .long f - .\\n .popsection\");"
	extract(QUIRK("1"), QUIRK("2"));
#define CLASS(k) "static int f(int x) { return x + " k "; } __section(\"__rt_sched_class\") int (*class[])(int) = { f };"
	extract(CLASS("1"), CLASS("2"));
	assert_true(is_kept("f"));
}

/* What the module loader knows about functions goes with new ones. */
static void lists_of_functions(void **state)
{
#define NOKPROBE(fn) "__section(\"_kprobe_blacklist\") unsigned long _kbl_addr_" fn " = (unsigned long)" fn ";\n"
	static const char pre[] = "int f(int x) { return x; }\n" NOKPROBE("f");
	static const char helpers[] = "noinline int helper(int x) { return external(x); }\n" NOKPROBE("helper")
				      "__section(\"_error_injection_whitelist\") struct { unsigned long addr; int type; } _eil_addr_helper = { (unsigned long)helper, 2 };\n"
				      "static noinline int unused(int x) { return external(x); }\n" NOKPROBE("unused");
	_cleanup_free_ char *post = xasprintf("%sint f(int x) { return helper(x); }\n%s", helpers, NOKPROBE("f"));

	extract(pre, post);
	assert_ptr_equal(must_refer("_kbl_addr_helper", "helper")->target, kept("helper"));
	assert_ptr_equal(must_refer("_eil_addr_helper", "helper")->target, kept("helper"));
	assert_string_equal(kept("_kbl_addr_helper")->section->name, "_kprobe_blacklist");
	assert_false(is_kept("_kbl_addr_f") || is_kept("_kbl_addr_unused"));
	assert_false(extraction->escapes);
	/* That a function which runs is on a list now would be told to nobody. */
	assert_refused(compare_and_extract("int f(int x) { return x; }", "int f(int x) { return x + 1; }\n" NOKPROBE("f")),
		       "SECTION-UNKNOWN");
}

/* Sites that the kernel writes a variable's value to at boot (since 6.11) go with their code. */
static void runtime_constants(void **state)
{
#define CONSTANTS(k) "unsigned long f(unsigned long x) { unsigned long r; asm(\"movabs $0x123456789abcdef, %0\\n 1:\\n" \
	" .pushsection runtime_ptr_limit,\\\"a\\\"\\n .long 1b - 8 - .\\n .popsection\" : \"=r\" (r)); return r + " k "; }\n" \
	"unsigned int g(unsigned int x) { asm(\"shrl $12, %0\\n 1:\\n .pushsection runtime_shift_bits,\\\"a\\\"\\n" \
	" .long 1b - 1 - .\\n .popsection\" : \"+r\" (x)); return x; }"
	const struct section *sec;

	extract(CONSTANTS("1"), CONSTANTS("2"));
	sec = object_section(out, "runtime_ptr_limit");
	assert_non_null(sec);
	assert_int_equal(sec->size, 4);
	assert_int_equal(sec->reloc_count, 1);
	assert_ptr_equal(sec->relocs[0].target, kept("f"));
	assert_memory_equal(atom_data(kept("f")) + sec->relocs[0].delta, "\xef\xcd\xab\x89\x67\x45\x23\x01", 8);
	assert_null(object_section(out, "runtime_shift_bits"));
}

/* The module loader takes static calls only where objtool, or an export, tells it their key. */
static void static_calls(void **state)
{
#define STATIC_CALL(k, table) "extern void __SCT__c(void); int f(int x) { asm volatile(\"661: call __SCT__c\\n\" " table "); return x + " k "; }"
#define SITES "\".pushsection .static_call_sites,\\\"aw\\\"\\n .long 661b - ., __SCK__c - .\\n .popsection\""
	extract(STATIC_CALL("1", SITES), STATIC_CALL("2", SITES));
	assert_non_null(refers(kept("f"), "__SCT__c"));
	extract(STATIC_CALL("1", "\"\""), STATIC_CALL("2", "\"\""));
	assert_null(refers(kept("f"), "__SCT__c"));
	assert_non_null(refers(kept("f"), "dir/file.o:__SCT__c"));
}

/* ld refuses to mix sections that have an order with others of their name. */
static void tables_with_an_order(void **state)
{
#define PATCHABLE(k) "__attribute__((patchable_function_entry(5))) int f(int x) { return external(x) + " k "; }\n" \
		     "__attribute__((patchable_function_entry(5))) int g(int x) { return external(x) * " k "; }"
	size_t i, found = 0;

	extract(PATCHABLE("1"), PATCHABLE("3"));
	for (i = 0; i < out->section_count; i++) {
		const struct section *s = out->sections[i];

		if (strcmp(s->name, "__patchable_function_entries"))
			continue;
		assert_true(s->flags & SHF_LINK_ORDER);
		assert_int_equal(s->reloc_count, 1);
		assert_ptr_equal(s->relocs[0].target, kept(found ? "g" : "f"));
		found++;
	}
	assert_int_equal(found, 2);
}

static const void *entry(const char *section, size_t i, size_t size)
{
	const struct section *sec = object_section(out, section);

	assert_true(sec && sec->size >= (i + 1) * size);
	return sec->data + i * size;
}

static void hooks(void **state)
{
#define TWO_HOOKS "static int first(void) { return external(1); } static int last(void) { return external(2); }\n"
	size_t i;

	extract("int f(int x) { return x; }", "int f(int x) { return x; }\n" TWO_HOOKS
		HOOK("pre_apply", "first") HOOK("post_reverse", "last"));
	assert_int_equal(extraction->hook_count, 2);
	for (i = 0; i < 2; i++) {
		const struct kmend_hook *h = entry(".kmend.hooks", i, sizeof(*h));
		bool first = !strcmp(extraction->hooks[i].name, "first");

		assert_int_equal(h->kind, first ? KMEND_HOOK_PRE_APPLY : KMEND_HOOK_POST_REVERSE);
		assert_int_equal(h->kind, extraction->hooks[i].kind);
	}
	assert_true(is_kept("first") && is_kept("last") && !is_kept("f"));
	must_refer("kmend_hooks", "first");
	must_refer("kmend_hooks", "last");
	assert_int_equal(extraction->replaced, 0);
	assert_false(extraction->escapes);
	/* Of the declarations themselves nothing is loaded. */
	assert_null(object_section(out, ".kmend.hooks.pre_apply"));
}

static void hooks_that_are_none(void **state)
{
	static const char pre[] = "int f(void) { return 1; }";

	/* It runs already, changed or not. */
	assert_refused(try_extract(pre, "int f(void) { return 1; }\n" HOOK("apply", "f")), "DECLARATION-INVALID");
	assert_refused(try_extract(pre, "int f(void) { return 2; }\n" HOOK("apply", "f")), "DECLARATION-INVALID");
	assert_refused(try_extract(pre, "int f(void) { return 1; }\n" HOOK("apply", "external")), "DECLARATION-INVALID");
	assert_refused(try_extract(pre, "int f(void) { return 1; }\n" TWO_HOOKS HOOK("sometimes", "first")),
		       "DECLARATION-INVALID");
	assert_refused(try_extract(pre, "int f(void) { return 1; }\n __section(\".init.text\") int setup(void) { return external(3); }\n"
				   HOOK("apply", "setup")), "DECLARATION-INVALID");
}

static void overwritten_objects(void **state)
{
	const struct kmend_object *o;
	const struct section *content;

	extract("int zero; static const int fixed[] = { 1, 2 }; int f(int i) { return fixed[i] + zero++; }",
		"int zero = 7; static const int fixed[] = { 1, 3 }; int f(int i) { return fixed[i] + zero++ + 1; }\n"
		DECLARE("overwrite", "zero") DECLARE("overwrite", "fixed"));
	assert_int_equal(extraction->objects, 2);
	o = entry(".kmend.objects", 0, sizeof(*o));
	assert_int_equal(o->size + (o + 1)->size, 12);
	assert_int_equal(o->read_only + (o + 1)->read_only, 1);
	must_refer("kmend_objects", "dir/file.o:zero");
	must_refer("kmend_objects", "dir/file.o:fixed");
	/* The new code uses the running ones. */
	must_refer("f", "dir/file.o:zero");
	must_refer("f", "dir/file.o:fixed");
	assert_false(is_kept("zero") || is_kept("fixed"));
	content = object_section(out, ".kmend.content");
	assert_non_null(content);
	assert_false(extraction->escapes);
}

/* Pointers in what is overwritten can be copied by anybody. */
static void overwritten_pointers(void **state)
{
#define TABLE_OF(fn, more)                                                                         \
	"static noinline int a(int x) { return external(x); } " more                               \
	"static int (*table[])(int) = { a, " fn " }; static void *self = &self;\n"                  \
	"int call(int i) { return table[i & 1](i) + (self != 0); } void set(int i) { table[i] = 0; self = 0; }\n"
	static const char new[] = "static noinline int b(int x) { return external(x * 2); }\n";
	_cleanup_free_ char *post = xasprintf("%s%s", new, TABLE_OF("b", "") DECLARE("overwrite", "table"));

	extract(TABLE_OF("0", ""), post);
	assert_true(is_kept("b"));
	assert_true(extraction->escapes);
	assert_int_equal(extraction->objects, 1);
	assert_false(is_kept("a"));
	/* Without anything new nothing can remain. */
	extract(TABLE_OF("0", ""), TABLE_OF("a", "") DECLARE("overwrite", "table"));
	assert_false(extraction->escapes);
}

/* What outlives the call may hold the update's own strings and constants. */
static void stored_constants(void **state)
{
#define STORES(what, k) "struct s { const char *name; void *p; }; extern void show(const char *);\n"                          \
	"void f(struct s *s) { " what " external(" k "); }"
	extract(STORES("s->name = \"tcp\";", "1"), STORES("s->name = \"tcp\";", "2"));
	assert_true(extraction->escapes);
	extract(STORES("show(\"tcp\");", "1"), STORES("show(\"tcp\");", "2"));
	assert_false(extraction->escapes);
	extract(STORES("struct s t = { \"tcp\" }; show((void *)&t);", "1"), STORES("struct s t = { \"tcp\" }; show((void *)&t);", "2"));
	assert_false(extraction->escapes);
	/* By who is given them. */
#define GIVES(what, k) "extern int show(const char *), request_thing(int, const char *, void *);\n"                              \
	"int f(void) { " what " return external(" k "); }"
	extract(GIVES("show(\"a\"); request_thing(1, \"b\", (void *)0);", "1"), GIVES("show(\"a\"); request_thing(1, \"b\", (void *)0);", "2"));
	assert_true(extraction->escapes);
	extract(GIVES("show(\"a\"); request_thing(1, (void *)0, (void *)0);", "1"),
		GIVES("show(\"a\"); request_thing(1, (void *)0, (void *)0);", "2"));
	assert_false(extraction->escapes);
}

/* The module loader gives each CPU its own of one section only; what is decrypted at boot, it does not know at all. */
static void new_per_cpu_data(void **state)
{
#define ADDED(section, align) "__section(\"" section "\") __attribute__((aligned(" align "))) int added;\n" \
	"int f(int x) { return x + added; }"
	static const char pre[] = "int f(int x) { return x; }";
	static const char *const homes[] = { ".data..percpu", ".data..percpu..shared_aligned", ".data..percpu..read_mostly",
					     ".data..percpu..page_aligned", ".data..percpu..hot.." };
	static const char *const refused[] = { ".data..decrypted", ".bss..decrypted", ".data..percpu..decrypted",
					       ".bss..brk", ".brk.x" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(homes); i++) {
		_cleanup_free_ char *post = xasprintf(ADDED("%s", "64"), homes[i]);

		extract(pre, post);
		assert_string_equal(kept("added")->section->name, ".data..percpu");
		assert_int_equal(kept("added")->section->align, 64);
		assert_non_null(refers(kept("f"), "added"));
	}
	extract(pre, ADDED(".data..percpu..page_aligned", "4096"));
	assert_int_equal(kept("added")->section->align, 4096);
	assert_refused(try_extract(pre, ADDED(".data..percpu..page_aligned", "8192")),
		       "SECTION-UNKNOWN");
	for (i = 0; i < ARRAY_SIZE(refused); i++) {
		_cleanup_free_ char *post = xasprintf(ADDED("%s", "4"), refused[i]);

		assert_refused(compare_and_extract(pre, post), "SECTION-UNKNOWN");
	}
	/* What runs already is where it is. */
	extract("__section(\".data..percpu..read_mostly\") int n = 3; int f(int x) { return x + n; }",
		"__section(\".data..percpu..read_mostly\") int n = 3; int f(int x) { return x + n + 1; }");
	must_refer("f", "dir/file.o:n");
}

static void init_code_is_refused(void **state)
{
	assert_refused(try_extract("__section(\".init.data\") int boot = 1; int f(int x) { return x; }",
				   "__section(\".init.data\") int boot = 1; int f(int x) { return x + boot; }"),
		       "INIT-REFERENCE");
}

/* What is named like a section, a file or another function's static is still itself. */
static void odd_names(void **state)
{
	_cleanup_free_ char *name = NULL;

	extract("static int calls_0; int g(void) { calls_0--; static int calls; return external(calls++); }\n"
		"int f(void) { static int calls; return external(--calls) + calls_0; }",
		"static int calls_0; int g(void) { calls_0--; static int calls; return external(calls++); }\n"
		"int f(void) { static int calls; return external(--calls) + calls_0 + 1; }");
	must_refer("f", "dir/file.o:calls_0");
	name = xasprintf("dir/file.o:%s", atom_called(change.pre, "f")->relocs[0].target->symbol->name);
	must_refer("f", name);
}

static void bytes_are_reproducible(void **state)
{
	void *images[2];
	size_t sizes[2], i;

	for (i = 0; i < 2; i++) {
		assert_ok(try_extract(FUNCTIONS("1"), FUNCTIONS("2")));
		extract_finish(extraction);
		assert_ok(output_image(extraction->out, &images[i], &sizes[i]));
	}
	assert_int_equal(sizes[0], sizes[1]);
	assert_memory_equal(images[0], images[1], sizes[0]);
	free(images[0]);
	free(images[1]);
}

#define T(f) cmocka_unit_test_teardown(f, reset)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_changed_and_no_more), T(the_list_of_functions), T(calls_and_addresses), T(an_own_address),
		T(cold_parts), T(functions_that_share_a_section), T(strings_and_constants),
		T(new_things), T(new_globals_and_empty_strings), T(table_entries), T(alternatives), T(tables_with_an_order),
		T(ends_and_beginnings), T(messages_one_after_the_other), T(sites_of_unknown_sections), T(hooks),
		T(hooks_that_are_none), T(overwritten_objects), T(overwritten_pointers), T(stored_constants), T(runtime_constants),
		T(static_calls), T(new_per_cpu_data), T(lists_of_functions), T(init_code_is_refused), T(odd_names),
		T(bytes_are_reproducible),
	};

	return cmocka_run_group_tests(tests, make_test_folder, remove_test_folder);
}
