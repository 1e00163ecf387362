// SPDX-License-Identifier: GPL-2.0
#include "compile.h"

#include "arch/arch.h"
#include "object/tables.h"

static const char mixed[] =
	"static int state; int shared = 5; static const int table[4] = { 1, 2, 3, 4 };\n"
	"noinline int first(int x) { return table[x & 3] + state++; }\n"
	"int second(int x) { if (unlikely(x > 5)) { fail(x); fail(x + 1); } return first(x) + shared; }\n"
	"void third(void) { report(\"some string\", 1); report(\"another string\", 2); }\n"
	"__section(\".sched.text\") static noinline int inner(int x) { return external(x) * 3; }\n"
	"__section(\".sched.text\") int outer(int x) { return inner(x) + 1; }\n"
	"asm(\".pushsection __bug_table,\\\"aw\\\"\\n 1: .long first - 1b, .LC0 - 1b; .long 7; .popsection\\n\"\n"
	"    \".pushsection .rodata.str1.1,\\\"aMS\\\",@progbits,1\\n .LC0: .asciz \\\"f.c\\\"\\n.popsection\");\n";

static void every_byte_has_one_atom(void **state)
{
	struct object *obj = compile(mixed);
	size_t i, k;

	for (i = 0; i < obj->section_count; i++) {
		const struct section *sec = obj->sections[i];

		for (k = 0; k < sec->atom_count; k++) {
			const struct atom *a = sec->atoms[k];

			assert_ptr_equal(a->section, sec);
			assert_true(a->start <= a->end && a->end <= sec->size);
			if (k)
				assert_true(sec->atoms[k - 1]->end <= a->start);
			if (a->end > a->start)
				assert_ptr_equal(section_atom(sec, a->end - 1), a);
		}
		for (k = 0; sec->atom_count && k < sec->reloc_count; k++)
			assert_non_null(section_atom(sec, sec->relocs[k].offset));
	}
	assert_true(atom_is_function(atom_called(obj, "first")));
	assert_false(atom_is_function(atom_called(obj, "state")));
	assert_int_equal(atom_size(atom_called(obj, "table")), 16);
	assert_string_equal(atom_name(atom_called(obj, "second.cold")), "second.cold");
	object_free(obj);
}

static const struct reloc *reloc_to(const struct atom *from, const struct atom *to)
{
	const struct reloc *found = NULL;
	size_t i;

	for (i = 0; i < from->reloc_count; i++) {
		if (from->relocs[i].target != to)
			continue;
		if (!found)
			found = &from->relocs[i];
	}
	assert_non_null(found);
	return found;
}

/* However the assembler wrote it: with a symbol, a section and an offset, or not at all. */
static void references_know_their_target(void **state)
{
	struct object *obj = compile(mixed);
	const struct reloc *r;

	r = reloc_to(atom_called(obj, "first"), atom_called(obj, "table"));
	assert_int_equal(r->delta, 0);
	assert_false(r->branch);
	r = reloc_to(atom_called(obj, "second"), atom_called(obj, "second.cold"));
	assert_int_equal(r->delta, 0);
	assert_true(r->branch);
	r = reloc_to(atom_called(obj, "second.cold"), atom_called(obj, "second"));
	assert_true(r->delta > 0 && r->delta < (int64_t)atom_size(atom_called(obj, "second")));
	r = reloc_to(atom_called(obj, "outer"), atom_called(obj, "inner"));
	assert_int_equal(r->delta, 0);
	assert_true(r->branch);
	object_free(obj);
}

/* An immediate behind the field counts: the processor adds the end of the instruction. */
static void immediates_behind_the_field(void **state)
{
	struct object *obj = compile("static int pair[2]; static int other;\n"
				     "void f(void) { asm volatile(\"movl $7, pair+4(%rip)\"); }\n"
				     "void *p[] = { pair, &other };");
	const struct reloc *r = reloc_to(atom_called(obj, "f"), atom_called(obj, "pair"));

	assert_int_equal(r->delta, 4);
	assert_int_equal(r->bias, 8);
	object_free(obj);
}

/* objtool makes a jump label's relocation one that does nothing. */
static void passes_over_empty_relocations(void **state)
{
	struct object *obj = compile("void f(void) { asm(\".byte 0x0f, 0x1f, 0x44, 0, 0; .reloc .-4, R_X86_64_NONE, f\"); }");

	assert_int_equal(atom_called(obj, "f")->reloc_count, 0);
	object_free(obj);
}

static void weak_functions_and_aliases(void **state)
{
	struct object *obj = compile("int __attribute__((weak)) w(int x) { return x; }\n"
				     "int real(int x) { return w(x) + 1; }\n"
				     "int other(int) __attribute__((alias(\"real\")));\n"
				     "struct {} nothing; int *q(void) { return (int *)&nothing; }");

	assert_ptr_equal(atom_called(obj, "real"), atom_called(obj, "other"));
	assert_int_equal(atom_size(atom_called(obj, "nothing")), 0);
	assert_ptr_not_equal(atom_called(obj, "real"), atom_called(obj, "w"));
	assert_int_equal(reloc_to(atom_called(obj, "q"), atom_called(obj, "nothing"))->delta, 0);
	object_free(obj);
}

static void cuts_tables(void **state)
{
	struct object *obj = compile(mixed);
	const struct table_entry *e;
	struct tables *t;
	size_t n;

	assert_ok(tables_read(obj, &t));
	e = tables_of(t, atom_called(obj, "first"), &n);
	assert_int_equal(n, 1);
	assert_int_equal(e->size, 12);
	assert_string_equal(e->table->section, "__bug_table");
	tables_of(t, atom_called(obj, "third"), &n);
	assert_int_equal(n, 0);
	tables_free(t);
	object_free(obj);
}

static void assert_table_unknown(const char *source)
{
	struct object *obj = compile(source);
	struct tables *t;

	assert_refused(tables_read(obj, &t), "TABLE-UNKNOWN");
	object_free(obj);
}

static void refuses_tables_it_does_not_know(void **state)
{
	/* Three relocations where two are expected, and entries of two sizes. */
	assert_table_unknown("int f(void) { return 1; }\n"
			     "asm(\".pushsection __ex_table,\\\"a\\\"\\n .long f-., f-., f-. \\n .popsection\");");
	assert_table_unknown("int f(void) { return 1; }\n"
			     "asm(\".pushsection __ex_table,\\\"a\\\"\\n .long f-., f-., 0, f-., f-. \\n .popsection\");");
}

/* Everything that later stages do with a parsed object, so that a sanitizer sees it. */
static void use(struct object *obj)
{
	volatile uint64_t sum = 0;
	struct tables *t = NULL;
	size_t i, k, n;

	for (i = 0; i < obj->atom_count; i++) {
		const struct atom *a = &obj->atoms[i];
		const uint8_t *data = atom_data(a);

		sum += strlen(atom_name(a)) + atom_is_function(a);
		for (k = 0; data && k < atom_size(a); k++)
			sum += data[k];
		for (k = 0; k < a->reloc_count; k++) {
			sum += a->relocs[k].delta + strlen(a->relocs[k].symbol->name);
			if (a->relocs[k].target)
				sum += atom_size(a->relocs[k].target);
		}
	}
	for (i = 0; i < obj->symbol_count; i++)
		sum += strlen(obj->symbols[i]->name);
	error_free(tables_read(obj, &t));
	for (i = 0; t && i < obj->atom_count; i++)
		tables_of(t, &obj->atoms[i], &n);
	tables_free(t);
}

/* Parses a copy with nothing behind it; refused is fine, but only by its own code. */
static bool try_image(const uint8_t *image, size_t size)
{
	struct object *obj;
	struct error *err = object_parse(xmemdup(image, size), size, "bad.o", &obj);

	if (err) {
		assert_int_equal(err->kind, ERROR_REFUSED);
		error_free(err);
		return false;
	}
	use(obj);
	object_free(obj);
	return true;
}

/* The configuration can leave out all of a file: its object has not even symbols. */
static void an_object_of_nothing(void **state)
{
	struct object *obj;
	uint8_t *image;
	Elf64_Shdr *sh;
	size_t i;

	object_free(compile("int x;"));
	image = xmemdup(last_compiled.data, last_compiled.size);
	sh = (Elf64_Shdr *)(image + ((Elf64_Ehdr *)image)->e_shoff);
	for (i = 0; i < ((Elf64_Ehdr *)image)->e_shnum; i++)
		if (sh[i].sh_type == SHT_SYMTAB)
			sh[i].sh_type = SHT_PROGBITS;
	assert_ok(object_parse(image, last_compiled.size, "numa.o", &obj));
	assert_int_equal(obj->symbol_count, 0);
	assert_null(object_symbol(obj, "x"));
	object_free(obj);
}

static void survives_cut_images(void **state)
{
	_cleanup_free_ char *text = xasprintf("%s%s", PROLOGUE, mixed);
	size_t size, i;
	_cleanup_free_ uint8_t *image = compile_bytes("c", text, &size);

	assert_true(try_image(image, size));
	for (i = 0; i < size; i += i < 256 ? 1 : 7)
		assert_false(try_image(image, i));
}

/* Every byte of what tells the rest its place: header, section headers, symbols, relocations. */
static void survives_changed_bytes(void **state)
{
	static const uint8_t values[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };
	_cleanup_free_ char *text = xasprintf("%s%s", PROLOGUE, mixed);
	size_t size, i, k, refused = 0;
	_cleanup_free_ uint8_t *image = compile_bytes("c", text, &size);

	for (i = 0; i < size; i++) {
		uint8_t old = image[i];

		for (k = 0; k < ARRAY_SIZE(values); k++) {
			image[i] = values[k];
			refused += !try_image(image, size);
		}
		image[i] = old ^ 1 << i % 8;
		refused += !try_image(image, size);
		image[i] = old;
	}
	assert_true(refused > 100);
}

/* Several damages at once, the same at each run. */
static void survives_random_damage(void **state)
{
	_cleanup_free_ char *text = xasprintf("%s%s", PROLOGUE, mixed);
	size_t size, i, k;
	_cleanup_free_ uint8_t *image = compile_bytes("c", text, &size);
	_cleanup_free_ uint8_t *bad = xmalloc(size);
	uint64_t seed = 88172645463325252ull;

	for (i = 0; i < 3000; i++) {
		memcpy(bad, image, size);
		for (k = 0; k <= i % 5; k++) {
			seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
			/* Half of them in the last third, where the headers are. */
			bad[seed & 1 ? seed / 4 % size : size - 1 - seed / 4 % (size / 3)] = seed >> 56;
		}
		try_image(bad, size);
	}
}

/* Code that takes no room in the file would have to be read from nowhere. */
static void refuses_code_without_content(void **state)
{
	struct object *obj;
	size_t size;
	void *image = compile_bytes("assembler", ".section .text.f,\"ax\",@nobits\n .skip 32\n .globl g\n"
				    ".type g,@function\ng: .skip 16\n.size g,16\n", &size);

	assert_refused(object_parse(image, size, "bad.o", &obj), "OBJECT-INVALID");
}

static void refuses_far_addends(void **state)
{
	static const char *const addends[] = { "0x7fffffffffffffff", "-0x8000000000000000" };
	size_t i, size;

	for (i = 0; i < 2; i++) {
		_cleanup_free_ char *text = xasprintf(".data\nx: .quad x + 8\n .text\n f: nop\n .skip 15\n"
						      ".reloc f+1, R_X86_64_PC32, f + %s\n", addends[i]);
		_cleanup_free_ void *image = compile_bytes("assembler", text, &size);

		try_image(image, size);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_byte_has_one_atom),
		cmocka_unit_test(references_know_their_target),
		cmocka_unit_test(immediates_behind_the_field),
		cmocka_unit_test(passes_over_empty_relocations),
		cmocka_unit_test(weak_functions_and_aliases),
		cmocka_unit_test(cuts_tables),
		cmocka_unit_test(refuses_tables_it_does_not_know),
		cmocka_unit_test(an_object_of_nothing),
		cmocka_unit_test(survives_cut_images),
		cmocka_unit_test(survives_changed_bytes),
		cmocka_unit_test(survives_random_damage),
		cmocka_unit_test(refuses_code_without_content),
		cmocka_unit_test(refuses_far_addends),
	};

	return cmocka_run_group_tests(tests, make_test_folder, remove_test_folder);
}
