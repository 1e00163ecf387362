// SPDX-License-Identifier: GPL-2.0
/* Updates on updates: what an earlier update changed is proved where it runs now, and changed again. */
#include "kernel.h"

#include "bind/bind.h"
#include "extract/extract.h"
#include "kmend/engine.h"

#define ONE "1111111111111111"
#define TWO "2222222222222222"

static char *const ids[] = { ONE, TWO };

/*
 * What the patches change: f twice, g is new in the first one, with a variable
 * and a string of its own.  A table has f's address, f passes its own on, h calls
 * it.  The names of what h passes on count on from what stands before.
 */
#define CODE(fresh, f, h)                                                                          \
	"#define CAT2(a, b) a##b\n#define CAT(a, b) CAT2(a, b)\n"                                  \
	"#define NOTE(n, said) ({ static struct { const char *text; int flags; } n = { said, 0 }; use(&n); })\n" \
	"static int state; static const char *const names[] = { \"x\", \"y\" };\n"                 \
	"extern void use(const void *);\n" fresh                                                   \
	"noinline static int f(int x) { static const int sizes[] = { 5, 6, 7 };\n"                 \
	"if (unlikely(x > 9)) { fail(x); fail(x + 1); }\n"                                         \
	"use(f); report(names[x & 1], sizes[x & 3]); return state++ + " f "; }\n"                  \
	"noinline static int e(int x) { static const int sizes[] = { 8, 9, 10, 11 };\n"            \
	"report(names[x & 1], sizes[x & 3]); return x; }\n"                                        \
	"static int (*const table[])(int) = { f, e };\n"                                           \
	"int h(int x) { use(table); NOTE(CAT(__UNIQUE_ID_note, __COUNTER__), \"one\");\n"           \
	"NOTE(CAT(__UNIQUE_ID_note, __COUNTER__), \"two\"); return e(f(x)) + " h "; }\n"
#define FRESH(what)                                                                                \
	"enum { counted = __COUNTER__ }; static int fresh = 3; noinline static int g(int x) { report(\"new\", fresh++); return x * " what "; }\n"

static const char original[] = CODE("", "x", "1");
static const char first[] = CODE(FRESH("7"), "g(x)", "1");
static const char second[] = CODE(FRESH("7"), "g(x) + 5", "1");
static const char beside[] = CODE(FRESH("7"), "g(x)", "g(x)");
static const char of_new[] = CODE(FRESH("8"), "g(x)", "1");

static struct kernel kernel;
static struct match *match;
static struct manifest_target target;
static struct manifest_object object = { "dir/file.o", "pre/dir/file.o" };

static void forget_symbols(void)
{
	size_t i;

	for (i = 0; i < target.symbol_count; i++) {
		free(target.symbols[i].symbol);
		free(target.symbols[i].name);
		free(target.symbols[i].object);
	}
	free(target.symbols);
	target = (struct manifest_target){ .name = "vmlinux", .module = "kmend_x", .file = "new/vmlinux.ko",
					   .objects = &object, .object_count = 1 };
}

static void boot(void)
{
	struct object *obj = compile(original);

	kernel_fini(&kernel);
	kernel_init(&kernel);
	kernel_add(&kernel, obj);
	object_free(obj);
	kernel_boot(&kernel);
}

static int set_up(void **state)
{
	kernel_init(&kernel);
	forget_symbols();
	return make_test_folder(state);
}

static int tear_down(void **state)
{
	forget_symbols();
	match_free(match);
	match = NULL;
	kernel_fini(&kernel);
	return remove_test_folder(state);
}

static void prove(const char *pre, size_t onto)
{
	match_free(match);
	match = NULL;
	assert_ok(match_object_onto(kernel.live, "vmlinux", compile(pre), ids, onto, &match));
}

/* The address of @name in @module, "vmlinux" or an update's. */
static uint64_t address_in(const char *name, const char *module)
{
	const struct live_symbol *s = live_find(kernel.live, name, module, NULL);

	if (!s)
		fail_msg("%s has no %s", module, name);
	return s->addr;
}

static const struct match_function *function(const char *name)
{
	const struct match_function *f = match_function(match, name);

	assert_non_null(f);
	return f;
}

static void assert_proved(const char *name, const char *entry, const char *code)
{
	const struct match_function *f = function(name);

	if (f->state != MATCH_PROVED)
		fail_msg("%s: state %d, %s at +%#jx (running +%#jx)", name, f->state, f->why ? f->why : "",
			 (uintmax_t)f->pre_offset, (uintmax_t)f->run_offset);
	assert_int_equal(f->entry, address_in(name, entry));
	assert_int_equal(f->addr, address_in(name, code));
}

static struct error *add_symbol(void *arg, const char *name)
{
	const char *colon = strchr(name, ':');

	target.symbols = xreallocarray(target.symbols, target.symbol_count + 1, sizeof(*target.symbols));
	target.symbols[target.symbol_count++] = (struct manifest_symbol){
		xstrdup(name), xstrdup(colon ? colon + 1 : name), xstrdup("dir/file.o")
	};
	return NULL;
}

/* The bound update from @pre to @post, which is made onto so many others. */
static struct error *make_update(const char *pre, const char *post, size_t onto, struct bound *bound)
{
	static const uint64_t uses[KMEND_USES];
	struct kmend_target kt = { .name = "vmlinux" };
	struct change change = { .pre = compile(pre), .post = compile(post) };
	struct extraction *x = extraction_new();
	_cleanup_free_ void *image = NULL;
	struct error *err;
	size_t size;

	forget_symbols();
	assert_ok(diff_objects(&change));
	assert_ok(extract_change(x, &change));
	extract_finish(x);
	assert_ok(output_each_undefined(x->out, add_symbol, NULL));
	output_section(x->out, ".kmend.target", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, 8, 0, &kt, sizeof(kt));
	output_section(x->out, ".kmend.uses", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, 8, 0, uses, sizeof(uses));
	assert_ok(output_image(x->out, &image, &size));
	extraction_free(x);
	object_free(change.pre);
	object_free(change.post);
	change_fini(&change);
	prove(pre, onto);
	err = bind_update(&target, image, size, &match, kernel.live, bound);
	return err;
}

/* Does what the engine does: writes the jumps. */
static void write_jumps(const char *module)
{
	uint64_t list = address_in("kmend_functions", module), count = address_in("kmend_function_count", module);
	uint32_t i, n;

	memcpy(&n, kernel.image + (count - KERNEL_BASE), sizeof(n));
	for (i = 0; i < n; i++) {
		uint8_t jump[KMEND_JUMP_LEN] = { 0xe9 };
		struct kmend_function f;
		int32_t distance;

		memcpy(&f, kernel.image + (list - KERNEL_BASE) + i * sizeof(f), sizeof(f));
		assert_memory_equal(kernel.image + (f.old_addr + f.jump_offset - KERNEL_BASE), f.expected, 5);
		distance = f.new_addr - (f.old_addr + f.jump_offset + sizeof(jump));
		memcpy(jump + 1, &distance, sizeof(distance));
		kernel_poke(&kernel, f.old_addr + f.jump_offset, jump, sizeof(jump));
	}
}

/* Loads the update as kmend_ID, and switches it in. */
static void apply(const char *pre, const char *post, size_t onto, const char *id)
{
	_cleanup_free_ char *module = xasprintf("kmend_%s", id), *lines = NULL;
	struct bound bound = { 0 };
	struct object *obj;

	assert_ok(make_update(pre, post, onto, &bound));
	assert_ok(object_parse(bound.image, bound.size, "bound.ko", &obj));
	kernel.text = (kernel.text + KMEND_USES_PAGE - 1) / KMEND_USES_PAGE * KMEND_USES_PAGE;
	lines = xasprintf("%s%s 8192 1 - Live 0x%llx\n", kernel.modules ? kernel.modules : "", module,
			  KERNEL_BASE + kernel.text);
	free(kernel.modules);
	kernel.modules = take_ptr(lines);
	kernel.module = module;
	kernel_add(&kernel, obj);
	kernel.module = NULL;
	object_free(obj);
	kernel_boot(&kernel);
	write_jumps(module);
}

static void assert_address(const char *name, const char *module)
{
	uint64_t addr;

	assert_ok(match_address(match, name, &addr));
	assert_int_equal(addr, address_in(name, module));
}

static void all_are_proved(void)
{
	size_t i;

	for (i = 0; i < match->function_count; i++)
		if (match->functions[i].state != MATCH_PROVED)
			fail_msg("%s is not proved: state %d, %s", match->functions[i].pre->symbol->name,
				 match->functions[i].state, match->functions[i].why);
}

static void proves_what_runs_now(void **state)
{
	boot();
	apply(original, first, 0, ONE);
	/* The original is not there any more, and who replaced it is told. */
	prove(original, 0);
	assert_int_equal(function("f")->state, MATCH_DIFFERS);
	assert_refused(match_require(match, function("f")), "FUNCTION-REPLACED");
	assert_int_equal(function("h")->state, MATCH_PROVED);
	prove(first, 0);
	assert_refused(match_require(match, function("f")), "FUNCTION-REPLACED");

	prove(first, 1);
	all_are_proved();
	assert_proved("f", "vmlinux", "kmend_" ONE);
	assert_proved("f.cold", "kmend_" ONE, "kmend_" ONE);
	assert_proved("g", "kmend_" ONE, "kmend_" ONE);
	assert_proved("e", "vmlinux", "vmlinux");
	assert_proved("h", "vmlinux", "vmlinux");
	/* To all others it is where it was. */
	assert_address("f", "vmlinux");
	assert_address("g", "kmend_" ONE);
	assert_address("fresh", "kmend_" ONE);
	assert_address("state", "vmlinux");
	assert_address("table", "vmlinux");
	assert_address("report", "vmlinux");

	/* It is the newest version that counts. */
	prove(original, 1);
	assert_refused(match_require(match, function("f")), "FUNCTION-DIFFERS");
	prove(second, 1);
	assert_refused(match_require(match, function("f")), "FUNCTION-DIFFERS");
	assert_int_equal(function("g")->state, MATCH_PROVED);
}

static void every_byte_of_an_update_is_proved(void **state)
{
	static const char *const names[] = { "f", "f.cold", "g", "h" };
	uint64_t addr[ARRAY_SIZE(names)], at;
	uint32_t size[ARRAY_SIZE(names)];
	size_t i;

	boot();
	apply(original, first, 0, ONE);
	prove(first, 1);
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		addr[i] = function(names[i])->addr;
		size[i] = function(names[i])->run_size;
	}
	for (i = 0; i < ARRAY_SIZE(names); i++)
		for (at = addr[i]; at < addr[i] + size[i]; at++) {
			uint8_t old = kernel.image[at - KERNEL_BASE], bad = old ^ 0x10;

			kernel_poke(&kernel, at, &bad, 1);
			prove(first, 1);
			if (function(names[i])->state == MATCH_PROVED)
				fail_msg("%s+%#jx is not looked at", names[i], (uintmax_t)(at - addr[i]));
			kernel_poke(&kernel, at, &old, 1);
		}
	/* The jump to it, too. */
	for (at = 0; at < KMEND_JUMP_LEN; at++) {
		uint64_t jump = address_in("f", "vmlinux") + at;
		uint8_t old = kernel.image[jump - KERNEL_BASE], bad = old ^ 0x10;

		kernel_poke(&kernel, jump, &bad, 1);
		prove(first, 1);
		assert_int_not_equal(function("f")->state, MATCH_PROVED);
		kernel_poke(&kernel, jump, &old, 1);
	}
	/* Loaded, and not applied: nothing tells that it runs. */
	kernel_poke(&kernel, address_in("f", "vmlinux"), "\xcc\xcc\xcc\xcc\xcc", 5);
	prove(first, 1);
	assert_int_not_equal(function("f")->state, MATCH_PROVED);
}

/* Whether the list of pages that the bound update uses has that of @addr. */
static bool uses(const struct bound *bound, uint64_t addr)
{
	const struct section *sec;
	struct object *obj;
	bool found = false;
	uint64_t page;
	size_t i;

	assert_ok(object_parse(xmemdup(bound->image, bound->size), bound->size, "bound.ko", &obj));
	sec = object_section(obj, ".kmend.uses");
	for (i = 0; i < KMEND_USES; i++) {
		memcpy(&page, sec->data + i * sizeof(page), sizeof(page));
		found |= page == addr / KMEND_USES_PAGE * KMEND_USES_PAGE;
	}
	object_free(obj);
	return found;
}

static void changes_it_again(void **state)
{
	struct bound bound = { 0 };

	boot();
	kernel_list(&kernel, "_end", KERNEL_BASE + 0x1000, 'D');
	kernel_boot(&kernel);
	apply(original, first, 0, ONE);
	assert_ok(make_update(first, second, 1, &bound));
	assert_true(uses(&bound, address_in("f", "kmend_" ONE)));
	bound_fini(&bound);
	apply(first, second, 1, TWO);
	/* Behind the jump to the first version is one to the second. */
	prove(second, 2);
	all_are_proved();
	assert_proved("f", "vmlinux", "kmend_" TWO);
	assert_proved("g", "kmend_" ONE, "kmend_" ONE);
	assert_address("fresh", "kmend_" ONE);
	prove(first, 1);
	assert_refused(match_require(match, function("f")), "FUNCTION-REPLACED");
}

static void changes_what_is_new(void **state)
{
	boot();
	apply(original, first, 0, ONE);
	apply(first, of_new, 1, TWO);
	prove(of_new, 2);
	all_are_proved();
	assert_proved("g", "kmend_" ONE, "kmend_" TWO);
	assert_proved("f", "vmlinux", "kmend_" ONE);
	assert_address("fresh", "kmend_" ONE);
}

static void uses_what_is_new(void **state)
{
	struct bound bound = { 0 };

	boot();
	kernel_list(&kernel, "_end", KERNEL_BASE + 0x1000, 'D');
	kernel_boot(&kernel);
	apply(original, first, 0, ONE);
	assert_ok(make_update(first, beside, 1, &bound));
	assert_true(uses(&bound, address_in("g", "kmend_" ONE)));
	bound_fini(&bound);
	apply(first, beside, 1, TWO);
	prove(beside, 2);
	all_are_proved();
	assert_proved("h", "vmlinux", "kmend_" TWO);
	assert_proved("f", "vmlinux", "kmend_" ONE);
}

/* What each update's module has of its own is no function of the object. */
static void has_a_frame(void **state)
{
#define FRAME "int __pfx_cleanup_module(void) { return 4; } int cleanup_module(void) { return 5; }"
	struct object *obj;

	boot();
	apply(original, first, 0, ONE);
	obj = compile(FRAME);
	kernel_add(&kernel, obj);
	kernel.module = "kmend_" ONE;
	kernel_add(&kernel, obj);
	kernel.module = NULL;
	object_free(obj);
	kernel_boot(&kernel);
	prove(FRAME, 1);
	assert_proved("cleanup_module", "vmlinux", "vmlinux");
	assert_proved("__pfx_cleanup_module", "vmlinux", "vmlinux");
}

/* A function that does nothing but go on to one that an earlier update brought is no jump of an update. */
static void goes_on_elsewhere(void **state)
{
#define WRAP(more) "noinline int work(int x) { return external(x) + " more "; } int old(int x) { return x; }\n"
#define NEW "noinline int deep(int x) { return external(x) * 3; } noinline int wrap(int x) { return deep(x); }\n"
	static const char before[] = WRAP("1"), one[] = WRAP("wrap(2)") NEW;
	static const char two[] = WRAP("wrap(2)") NEW "noinline int way(int x) { return deep(x); }\n";
	struct object *obj = compile(before);

	kernel_fini(&kernel);
	kernel_init(&kernel);
	kernel_add(&kernel, obj);
	object_free(obj);
	kernel_boot(&kernel);
	apply(before, one, 0, ONE);
	prove(one, 1);
	all_are_proved();
	assert_proved("wrap", "kmend_" ONE, "kmend_" ONE);
	apply(one, two, 1, TWO);
	prove(two, 2);
	all_are_proved();
	assert_proved("way", "kmend_" TWO, "kmend_" TWO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(proves_what_runs_now, set_up, tear_down),
		cmocka_unit_test_setup_teardown(every_byte_of_an_update_is_proved, set_up, tear_down),
		cmocka_unit_test_setup_teardown(changes_it_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(changes_what_is_new, set_up, tear_down),
		cmocka_unit_test_setup_teardown(uses_what_is_new, set_up, tear_down),
		cmocka_unit_test_setup_teardown(has_a_frame, set_up, tear_down),
		cmocka_unit_test_setup_teardown(goes_on_elsewhere, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
