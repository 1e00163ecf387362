// SPDX-License-Identifier: GPL-2.0
#include "compile.h"

#include "extract/output.h"

#include <gelf.h>
#include <libelf.h>

static struct object *read_back(struct output *out)
{
	struct object *obj;
	void *image;
	size_t size;

	output_link(out);
	assert_ok(output_image(out, &image, &size));
	assert_ok(object_parse(image, size, "out.o", &obj));
	output_free(out);
	return obj;
}

static void writes_an_object(void **state)
{
	static const uint8_t code[] = { 0xe8, 0, 0, 0, 0, 0xc3 };
	struct output *out = output_new();
	size_t text = output_section(out, ".text.f", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, 16, 0, code, sizeof(code));
	size_t bss = output_section(out, ".bss.n", SHT_NOBITS, SHF_ALLOC | SHF_WRITE, 8, 0, NULL, 24);
	struct object *obj;

	output_define(out, "f", text, 0, sizeof(code), STT_FUNC, STB_GLOBAL);
	output_define(out, "n", bss, 8, 16, STT_OBJECT, STB_LOCAL);
	output_reloc(out, text, 1, R_X86_64_PLT32, output_undefined(out, "elsewhere"), -4);
	assert_int_equal(output_undefined(out, "elsewhere"), output_undefined(out, "elsewhere"));
	output_undefined(out, "never_used");
	obj = read_back(out);

	assert_int_equal(object_section(obj, ".text.f")->align, 16);
	assert_memory_equal(object_section(obj, ".text.f")->data, code, sizeof(code));
	assert_int_equal(object_section(obj, ".bss.n")->size, 24);
	assert_null(object_section(obj, ".bss.n")->data);
	assert_int_equal(object_symbol(obj, "n")->value, 8);
	assert_int_equal(object_symbol(obj, "n")->size, 16);
	assert_true(object_symbol(obj, "n")->index < object_symbol(obj, "f")->index);
	assert_true(symbol_is_undefined(object_symbol(obj, "elsewhere")));
	assert_null(object_symbol(obj, "never_used"));
	assert_ptr_equal(atom_called(obj, "f")->relocs[0].symbol, object_symbol(obj, "elsewhere"));
	object_free(obj);
}

/* Alignment counts between the pieces only as far as their sizes do. */
static void appends(void **state)
{
	struct output *out = output_new();
	size_t section, again;
	struct object *obj;

	assert_int_equal(output_append(out, "table", SHF_ALLOC, 4, 0, "abcd", 4, &section), 0);
	assert_int_equal(output_append(out, "table", SHF_ALLOC, 4, 0, "efghijkl", 8, &again), 4);
	assert_int_equal(section, again);
	output_append(out, "empty", SHF_ALLOC, 4, 0, "", 0, &section);
	assert_int_equal(output_append(out, "empty", SHF_ALLOC, 4, 0, "x", 1, &again), 0);
	obj = read_back(out);
	assert_int_equal(object_section(obj, "table")->size, 12);
	assert_memory_equal(object_section(obj, "table")->data, "abcdefghijkl", 12);
	object_free(obj);
}

/* What one part of the update defines, another one's reference finds; local symbols do not count. */
static void links_inside(void **state)
{
	struct output *out = output_new();
	size_t a = output_section(out, ".data.a", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, 8, 0, "01234567", 8);
	size_t b = output_section(out, ".data.b", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, 8, 0, "0123456789abcdef", 16);
	const struct reloc *r;
	struct object *obj;

	output_define(out, "shared", a, 0, 8, STT_OBJECT, STB_GLOBAL);
	output_define(out, "private", a, 0, 8, STT_OBJECT, STB_LOCAL);
	output_reloc(out, b, 0, R_X86_64_64, output_undefined(out, "shared"), 0);
	output_reloc(out, b, 8, R_X86_64_64, output_undefined(out, "private"), 0);
	obj = read_back(out);
	r = object_section(obj, ".data.b")->relocs;
	assert_string_equal(r[0].target->section->name, ".data.a");
	assert_null(r[1].target);
	assert_true(symbol_is_undefined(r[1].symbol));
	object_free(obj);
}

static struct error *count(void *arg, const char *name)
{
	++*(size_t *)arg;
	return strcmp(name, "wanted") ? refuse("NAME", "%s", name) : NULL;
}

static void tells_what_is_undefined(void **state)
{
	struct output *out = output_new();
	size_t a = output_section(out, ".data", SHT_PROGBITS, SHF_ALLOC, 8, 0, "0123456789abcdef", 16), n = 0;

	output_define(out, "defined", a, 0, 8, STT_OBJECT, STB_GLOBAL);
	output_reloc(out, a, 0, R_X86_64_64, output_undefined(out, "wanted"), 0);
	output_reloc(out, a, 8, R_X86_64_64, output_undefined(out, "defined"), 0);
	output_undefined(out, "unused");
	output_link(out);
	assert_ok(output_each_undefined(out, count, &n));
	assert_int_equal(n, 1);
	output_free(out);
}

/* Tools that are not ours read it too. */
static void other_tools_read_it(void **state)
{
	_cleanup_free_ char *path = path_join(test_folder, "out.o");
	const char *argv[] = { "ld", "-r", "-o", "/dev/null", path, NULL };
	struct process_options opts = { .argv = argv, .merge_stderr = true };
	struct output *out = output_new();
	_cleanup_free_ char *output = NULL;
	_cleanup_free_ void *image = NULL;
	size_t size, text;
	int status;

	text = output_section(out, ".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, 16, 0, "\xe8\0\0\0\0", 5);
	output_reloc(out, text, 1, R_X86_64_PLT32, output_undefined(out, "dir/file.o:name"), -4);
	output_link(out);
	assert_ok(output_image(out, &image, &size));
	assert_ok(file_write(path, image, size, 0644));
	assert_ok(process_run(&opts, &status, &output, NULL));
	if (status || *output)
		fail_msg("ld: %s", output);
	output_free(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_an_object), cmocka_unit_test(appends), cmocka_unit_test(links_inside),
		cmocka_unit_test(tells_what_is_undefined), cmocka_unit_test(other_tools_read_it),
	};

	return cmocka_run_group_tests(tests, make_test_folder, remove_test_folder);
}
