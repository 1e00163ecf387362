// SPDX-License-Identifier: GPL-2.0
/* Changes of code that ran already. */
#include "compile.h"

#include "diff/diff.h"

static struct change change;

static void find(const char *pre, const char *post)
{
	_cleanup_free_ char *debug = compile_debug("post.o", post);

	change = (struct change){ .pre = compile(pre), .post = compile(post) };
	assert_ok(diff_objects(&change));
	assert_ok(past_find(&change, debug));
}

static int tear_down(void **state)
{
	object_free(change.pre);
	object_free(change.post);
	change_fini(&change);
	change = (struct change){ 0 };
	return 0;
}

#define INIT "__attribute__((section(\".init.text\"))) "
#define NET "struct net; struct pernet_operations { void *list[2]; int (*init)(struct net *); void (*exit)(struct net *); };\n" \
	"extern int create(struct net *, int); extern void drop(struct net *);\n"
#define OPS "struct pernet_operations ops = { .init = set_up, .exit = tear_down };\n"
#define CODE(set, tear, other) NET "static int set_up(struct net *n) { return create(n, " set "); }\n" \
	"static void tear_down(struct net *n) { drop(n); create(n, " tear "); }\n" OPS \
	"int other(struct net *n) { return create(n, " other "); }\n"

static void boot_code(void **state)
{
	find(INIT "int a(int x) { return x; } " INIT "int b(int x) { return x; } int c(int x) { return x; }",
	     INIT "int a(int x) { return x + 1; } " INIT "int b(int x) { return x; } int c(int x) { return x + 1; }");
	assert_int_equal(change.past_count, 1);
	assert_string_equal(atom_name(change.past[0]), "a");
	assert_int_equal(change.replaced_count, 1);
}

static void set_up_of_namespaces(void **state)
{
	find(CODE("1", "2", "3"), CODE("4", "2", "5"));
	assert_int_equal(change.past_count, 1);
	assert_string_equal(atom_name(change.past[0]), "set_up");
	assert_int_equal(change.replaced_count, 2);
	assert_int_equal(change.note_count, 1);
}

static void what_did_not_change(void **state)
{
	find(CODE("1", "2", "3"), CODE("1", "4", "5"));
	assert_int_equal(change.past_count, 0);
	assert_int_equal(change.replaced_count, 2);
}

/* The compiler makes one function of two, and the patch names the other one. */
static void inlined_boot_code(void **state)
{
#define INLINED(v, w) "static inline int both(int x) { return external(x * " w "); }\n" \
	INIT "static int part(int x) { return both(x) + " v "; }\n" INIT "int start(int x) { return part(x) * 3; }\n" \
	"int run(int x) { return both(x) + " v "; }\n"
	find("extern int external(int);" INLINED("1", "2"), "extern int external(int);" INLINED("4", "5"));
	assert_int_equal(change.past_count, 1);
	assert_string_equal(atom_name(change.past[0]), "start");
	assert_true(names_has(&change.past_inlined, "part", 4));
	assert_false(names_has(&change.past_inlined, "both", 4));
	assert_int_equal(change.past_inlined.count, 1);
}

/* Not marked as what runs at boot alone. */
static void unmarked_boot_code(void **state)
{
#define INITCALL "static int (*const call)(void) __attribute__((used, section(\".initcall6.init\"))) = start;\n"
#define STARTS(v, w) "extern int external(int); static __attribute__((__noinline__)) int start(void) { return external(" v "); }\n" INITCALL "int g(void) { return external(" w "); }\n"
	find(STARTS("1", "3"), STARTS("2", "4"));
	assert_int_equal(change.past_count, 1);
	assert_string_equal(atom_name(change.past[0]), "start");
	assert_int_equal(change.replaced_count, 1);
	assert_string_equal(atom_name(change.replaced[0]), "g");
	tear_down(NULL);
	find(STARTS("1", "3"), STARTS("2", "3"));
	assert_false(change_acts(&change));
	tear_down(NULL);
	/* Somebody else calls it, too. */
	find(STARTS("1", "start()"), STARTS("2", "start()"));
	assert_int_equal(change.past_count, 0);
	assert_int_equal(change.replaced_count, 1);
}

static void set_up_of_cpus(void **state)
{
#define CPU "struct cpu_dev { const char *name; void (*c_early_init)(void *); void (*c_init)(void *); };\nextern void msr(int);\n"
#define VENDOR(v) CPU "static void init_one(void *c) { msr(" v "); }\n" \
	"const struct cpu_dev vendor = { .name = \"x\", .c_init = init_one };\n"
	find(VENDOR("1"), VENDOR("2"));
	assert_int_equal(change.past_count, 1);
	assert_string_equal(atom_name(change.cpu_setup), "init_one");
	tear_down(NULL);
#define HOTPLUG(v) "extern int __cpuhp_setup_state(int, int (*)(unsigned int), int);\n" \
	"static int online(unsigned int cpu) { return external(" v "); }\n" \
	INIT "int start(void) { return __cpuhp_setup_state(7, online, 1); }\n"
	find("extern int external(int);" HOTPLUG("1"), "extern int external(int);" HOTPLUG("2"));
	assert_string_equal(atom_name(change.cpu_setup), "online");
}

static void set_up_of_objects(void **state)
{
#define CACHE(v) "extern void *kmem_cache_create(const char *, int, void (*)(void *));\n" \
	"extern int external(int); static void once(void *p) { external(" v "); }\n" \
	INIT "void *start(void) { return kmem_cache_create(\"x\", 8, once); }\n"
	find(CACHE("1"), CACHE("2"));
	assert_int_equal(change.past_count, 1);
	assert_string_equal(atom_name(change.past[0]), "once");
	assert_null(change.cpu_setup);
}

#define T(f) cmocka_unit_test_teardown(f, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = { T(boot_code), T(inlined_boot_code), T(set_up_of_namespaces), T(what_did_not_change),
					    T(unmarked_boot_code), T(set_up_of_cpus), T(set_up_of_objects) };

	return cmocka_run_group_tests(tests, make_test_folder, remove_test_folder);
}
