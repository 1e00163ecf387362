// SPDX-License-Identifier: GPL-2.0
#include "kernel.h"

#include "bind/bind.h"
#include "extract/extract.h"
#include "kmend/engine.h"

#define CODE(limit, factor) \
	"static int state; int shared; unsigned long limit;\n" \
	"noinline int g(int x) { return external(x) + state++; }\n" \
	"int f(int x) { if (unlikely(x > " limit ")) { fail(x); fail(x + 1); } return g(x) + state + shared; }\n" \
	"int unused(int x) { return g(x) * 2; }\n" \
	"unsigned long h(unsigned long x) { unsigned long r; asm(\"movabs $0x123456789abcdef, %0\\n 1:\\n" \
	" .pushsection runtime_ptr_limit,\\\"a\\\"\\n .long 1b - 8 - .\\n .popsection\" : \"=r\" (r)); return r + x * " factor "; }\n"
#define FIXED(value) "static const int fixed[] = { 1, 2, " value " }; int look(int i) { return fixed[i]; }\n"
static const char pre[] = CODE("5", "1") FIXED("3");
static const char post[] = CODE("6", "1") FIXED("3");

static struct kernel kernel;
static struct match *match;
static struct extraction *extraction;
static struct manifest_target target;
static struct manifest_object object = { "dir/file.o", "pre/dir/file.o" };
static struct bound bound;

static struct error *add_symbol(void *arg, const char *name)
{
	const char *colon = strchr(name, ':');

	target.symbols = xreallocarray(target.symbols, target.symbol_count + 1, sizeof(*target.symbols));
	target.symbols[target.symbol_count++] = (struct manifest_symbol){
		xstrdup(name), xstrdup(colon ? colon + 1 : name), xstrdup("dir/file.o")
	};
	return NULL;
}

static int set_up(void **state)
{
	struct object *running;

	if (make_test_folder(state))
		return -1;
	kernel_init(&kernel);
	running = compile(pre);
	kernel_add(&kernel, running);
	object_free(running);
	kernel_boot(&kernel);
	target = (struct manifest_target){ .name = "vmlinux", .module = "kmend_x", .file = "new/vmlinux.ko",
					   .objects = &object, .object_count = 1 };
	extraction = extraction_new();
	return 0;
}

static int tear_down(void **state)
{
	size_t i;

	for (i = 0; i < target.symbol_count; i++) {
		free(target.symbols[i].symbol);
		free(target.symbols[i].name);
		free(target.symbols[i].object);
	}
	free(target.symbols);
	extraction_free(extraction);
	match_free(match);
	match = NULL;
	bound_fini(&bound);
	kernel_fini(&kernel);
	return remove_test_folder(state);
}

/* The update module from the old code to @changed, for the target @name, and the proof of the old code. */
static void *make_update(const char *changed, const char *name, size_t *size)
{
	static const uint64_t uses[KMEND_USES];
	struct kmend_target kt = { .base = 0 };
	struct change change = { .pre = compile(pre), .post = compile(changed) };
	void *image;

	snprintf(kt.name, sizeof(kt.name), "%s", name);
	assert_ok(diff_objects(&change));
	assert_ok(extract_change(extraction, &change));
	extract_finish(extraction);
	assert_ok(output_each_undefined(extraction->out, add_symbol, NULL));
	output_section(extraction->out, ".kmend.target", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, 8, 0, &kt,
		       sizeof(kt));
	output_section(extraction->out, ".kmend.uses", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, 8, 0, uses,
		       sizeof(uses));
	assert_ok(output_image(extraction->out, &image, size));
	object_free(change.pre);
	object_free(change.post);
	change_fini(&change);
	assert_ok(match_object(kernel.live, "vmlinux", compile(pre), &match));
	return image;
}

static struct error *bind(const char *changed, const char *name)
{
	size_t size;
	_cleanup_free_ void *image = make_update(changed, name, &size);

	return bind_update(&target, image, size, &match, kernel.live, &bound);
}

static void assert_bound(const struct object *obj, const char *name, uint64_t addr)
{
	const struct symbol *s = object_symbol(obj, name);

	assert_non_null(s);
	assert_int_equal(s->shndx, SHN_ABS);
	if (s->value != addr)
		fail_msg("%s is bound to %#jx instead of %#jx", name, (uintmax_t)s->value, (uintmax_t)addr);
}

/* A new global function in place of one that others are linked to is called by nobody else. */
static void refuses_what_overrides(void **state)
{
#define WITH(kind, type, name) CODE("6", "1") FIXED("3") kind type " " name "(int x) { external(x * 3); }\n"
	struct manifest_function added = { (char *)"fail", (char *)"dir/file.o", MANIFEST_ADD };

	target.functions = &added;
	target.function_count = 1;
	assert_refused(bind(WITH("", "void", "fail"), "vmlinux"), "FUNCTION-OVERRIDES");
}

static void adds_what_is_new(void **state)
{
	struct manifest_function added = { (char *)"fresh", (char *)"dir/file.o", MANIFEST_ADD };

	target.functions = &added;
	target.function_count = 1;
	assert_ok(bind(WITH("", "void", "fresh"), "vmlinux"));
	bound_fini(&bound);
}

static void binds_an_update(void **state)
{
	const struct kmend_function *f;
	const struct kmend_range *range;
	struct object *obj;
	size_t i;

	assert_ok(bind(post, "vmlinux"));
	assert_ok(object_parse(xmemdup(bound.image, bound.size), bound.size, "bound.ko", &obj));
	assert_bound(obj, "dir/file.o:f", kernel_address(&kernel, "f"));
	assert_bound(obj, "dir/file.o:g", kernel_address(&kernel, "g"));
	assert_bound(obj, "dir/file.o:state", kernel_address(&kernel, "state"));
	assert_bound(obj, "dir/file.o:shared", kernel_address(&kernel, "shared"));
	assert_bound(obj, "fail", kernel_address(&kernel, "fail"));
	for (i = 1; i < obj->symbol_count; i++)
		assert_false(symbol_is_undefined(obj->symbols[i]));

	f = (const void *)object_section(obj, ".kmend.functions")->data;
	assert_int_equal(object_section(obj, ".kmend.functions")->size, sizeof(*f));
	assert_int_equal(f->old_size, match_function(match, "f")->run_size);
	assert_int_equal(f->new_size, atom_size(atom_called(obj, "f")));
	assert_int_equal(f->jump_offset, 0);
	assert_memory_equal(f->expected, kernel_bytes(&kernel, "f"), sizeof(f->expected));
	range = (const void *)object_section(obj, ".kmend.ranges")->data;
	assert_int_equal(range->size, match_function(match, "f.cold")->run_size);
	assert_true(range->size > 0);
	/* Nothing of a module. */
	assert_int_equal(*(const uint64_t *)object_section(obj, ".kmend.uses")->data, 0);
	object_free(obj);
}

/* The module loader does not write runtime constants: they are written when the update is bound. */
static void writes_runtime_constants(void **state)
{
	static const uint8_t original[] = { 0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01 };
	static const uint64_t value = 0x7ffffffff000;
	const uint8_t *at = memmem(kernel_bytes(&kernel, "h"), 32, original, 8);
	struct object *obj;

	kernel_poke(&kernel, kernel_address(&kernel, "limit"), &value, 8);
	kernel_poke(&kernel, KERNEL_BASE + (at - kernel.image), &value, 8);
	assert_ok(bind(CODE("5", "2"), "vmlinux"));
	assert_ok(object_parse(xmemdup(bound.image, bound.size), bound.size, "bound.ko", &obj));
	assert_null(memmem(atom_data(atom_called(obj, "h")), atom_size(atom_called(obj, "h")), original, 8));
	assert_non_null(memmem(atom_data(atom_called(obj, "h")), atom_size(atom_called(obj, "h")), &value, 8));
	object_free(obj);
}

static void refuses_what_is_not_proved(void **state)
{
	uint8_t bad = kernel_bytes(&kernel, "f")[3] ^ 1;

	kernel_poke(&kernel, kernel_address(&kernel, "f") + 3, &bad, 1);
	assert_refused(bind(post, "vmlinux"), "FUNCTION-DIFFERS");
	assert_null(bound.image);
}

/* A function that is not replaced and that nobody refers to may be anything. */
static void other_functions_do_not_matter(void **state)
{
	uint8_t bad = kernel_bytes(&kernel, "unused")[0] ^ 1;

	kernel_poke(&kernel, kernel_address(&kernel, "unused"), &bad, 1);
	assert_ok(bind(post, "vmlinux"));
}

static void refuses_another_target(void **state)
{
	assert_refused(bind(post, "dummy"), "PACK-INVALID");
}

static void refuses_a_module_that_is_not_loaded(void **state)
{
	target.name = "dummy";
	assert_refused(bind(post, "dummy"), "MODULE-MISSING");
}

/* An update that is changed in any byte is bound or refused, and nothing beyond it is written. */
static void survives_damage(void **state)
{
	size_t size, i, k, refused = 0;
	_cleanup_free_ uint8_t *image = make_update(post, "vmlinux", &size);

	for (i = 0; i < size; i++) {
		static const uint8_t values[] = { 0x00, 0x02, 0xff };
		uint8_t old = image[i];

		for (k = 0; k < ARRAY_SIZE(values); k++) {
			struct error *err;

			image[i] = values[k];
			err = bind_update(&target, image, size, &match, kernel.live, &bound);
			refused += err != NULL;
			error_free(err);
			bound_fini(&bound);
		}
		image[i] = old;
	}
	assert_true(refused > 100);
}

/* Two symbol tables: what is read from one must not be written to the other. */
static void survives_two_symbol_tables(void **state)
{
	size_t size, i;
	_cleanup_free_ uint8_t *image = make_update(post, "vmlinux", &size);
	Elf64_Ehdr *eh = (Elf64_Ehdr *)image;
	Elf64_Shdr *sh = (Elf64_Shdr *)(image + eh->e_shoff);
	uint64_t last = size - 24;

	for (i = 1; i < eh->e_shnum; i++)
		if (!strcmp((char *)image + sh[eh->e_shstrndx].sh_offset + sh[i].sh_name, ".note.GNU-stack"))
			break;
	assert_true(i < eh->e_shnum);
	sh[i].sh_type = SHT_SYMTAB;
	sh[i].sh_offset = last;
	sh[i].sh_size = sh[i].sh_entsize = 24;
	error_free(bind_update(&target, image, size, &match, kernel.live, &bound));
}

static void binds_the_engine(void **state)
{
	static const char versions[] = "\1\2\3\4\0\0\0\0exported";
	struct output *out = output_new();
	uint8_t version[64] = { 0 };
	struct object *obj;
	size_t section, size;
	_cleanup_free_ void *image = NULL;

	memcpy(version, versions, sizeof(versions));
	section = output_section(out, ".data", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, 8, 0, "12345678", 8);
	output_section(out, "__versions", SHT_PROGBITS, SHF_ALLOC, 8, 0, version, sizeof(version));
	output_reloc(out, section, 0, R_X86_64_64, output_undefined(out, "g"), 0);
	output_reloc(out, section, 0, R_X86_64_64, output_undefined(out, "exported"), 0);
	output_link(out);
	assert_ok(output_image(out, &image, &size));
	assert_ok(bind_engine(image, size, kernel.live, &bound));
	assert_ok(object_parse(xmemdup(bound.image, bound.size), bound.size, "kmend.ko", &obj));
	assert_bound(obj, "g", kernel_address(&kernel, "g"));
	assert_true(symbol_is_undefined(object_symbol(obj, "exported")));
	object_free(obj);
	output_reloc(out, section, 0, R_X86_64_64, output_undefined(out, "no_such_symbol"), 0);
	output_link(out);
	free(image);
	assert_ok(output_image(out, &image, &size));
	assert_refused(bind_engine(image, size, kernel.live, &bound), "ENGINE-SYMBOL");
	output_free(out);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

static void binds_what_is_overwritten(void **state)
{
	static const char changed[] = CODE("5", "1") FIXED("4") DECLARE("overwrite", "fixed");
	struct object *obj;

	assert_ok(bind(changed, "vmlinux"));
	assert_ok(object_parse(xmemdup(bound.image, bound.size), bound.size, "bound.ko", &obj));
	assert_bound(obj, "dir/file.o:fixed", kernel_address(&kernel, "fixed"));
	object_free(obj);
}

static void refuses_to_overwrite_what_was_changed(void **state)
{
	static const char changed[] = CODE("5", "1") FIXED("4") DECLARE("overwrite", "fixed");
	static const int other[] = { 1, 2, 5 };

	kernel_poke(&kernel, kernel_address(&kernel, "fixed"), other, sizeof(other));
	assert_refused(bind(changed, "vmlinux"), "DATA-DIFFERS");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(binds_an_update), T(refuses_what_overrides), T(adds_what_is_new), T(writes_runtime_constants), T(refuses_what_is_not_proved), T(other_functions_do_not_matter),
		T(refuses_another_target), T(refuses_a_module_that_is_not_loaded), T(survives_damage),
		T(survives_two_symbol_tables), T(binds_the_engine), T(binds_what_is_overwritten),
		T(refuses_to_overwrite_what_was_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
