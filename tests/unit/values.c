// SPDX-License-Identifier: GPL-2.0
/* Macros that number things, and are numbered anew. */
#include "build/values.h"

#include "util/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

static void assert_renumbered(const char *before, const char *after, const char *want)
{
	_cleanup_free_ char *all = xstrdup("");
	struct changed_values found = { 0 };
	size_t i;

	values_compare(&found, before, after, "a.h");
	for (i = 0; i < found.count; i++) {
		char *longer = xasprintf("%s%s ", all, found.list[i].renumbered ? found.list[i].name : "");

		free(all);
		all = longer;
	}
	changed_values_fini(&found);
	assert_string_equal(all + strspn(all, " "), want);
}

static void test_changed(void **state)
{
	struct changed_values found = { 0 };

	values_compare(&found, "#define SHIFT 16\n#define SIZE (1 << 4)\n#define B 3\n#define S\n",
		       "#define SHIFT 20\n#define SIZE ( 1 << 6 )\n#define B 3\n#define S 4\n", "a.h");
	assert_int_equal(found.count, 2);
	assert_string_equal(found.list[0].name, "SHIFT");
	assert_string_equal(found.list[0].path, "a.h");
	assert_string_equal(found.list[1].before, "(1<<4)");
	assert_string_equal(found.list[1].after, "(1<<6)");
	assert_false(found.list[1].renumbered);
	changed_values_fini(&found);
}

/* What lives may have the bit that was another's. */
static void test_bits(void **state)
{
	assert_renumbered("#define CF_STOP 9\n#define CF_UP 10\n#define CF_EOF 11\n",
			  "#define CF_UP 9\n#define CF_EOF 10\n", "CF_UP CF_EOF ");
	assert_renumbered("#define F_A BIT(0)\n#define F_B BIT(1)\n",
			  "#define F_A BIT(0)\n#define F_X BIT(1)\n#define F_B BIT(2)\n", "F_B ");
	assert_renumbered("# define F_A (1 << 0)\n# define F_B\t(1 << 1) /* b */\n",
			  "#define F_A (1 << 1)\n#define F_B (1 << 0)\n", "F_A F_B ");
}

/* A bit that was free is another one than what lives may hold, too. */
static void test_free_bits(void **state)
{
	assert_renumbered("#define F_A BIT(0)\n#define F_B BIT(1)\n", "#define F_A BIT(0)\n#define F_B BIT(5)\n", "F_B ");
	assert_renumbered("#define F_A (1 << 0)\n#define F_B (1UL << 1)\n", "#define F_A (1 << 0)\n#define F_B BIT(5)\n", "F_B ");
	/* The same one in other words; a limit; one that has no others beside it. */
	assert_renumbered("#define F_A BIT(0)\n#define F_B (1 << 1)\n", "#define F_A BIT(0)\n#define F_B BIT(1)\n", "");
	assert_renumbered("#define F_A BIT(0)\n#define F_MAX (1 << 8)\n", "#define F_A BIT(0)\n#define F_MAX (1 << 9)\n", "");
	assert_renumbered("#define F_A 7\n#define F_B (1 << 8)\n", "#define F_A 7\n#define F_B (1 << 9)\n", "");
}

static void test_what_is_new_or_gone(void **state)
{
	assert_renumbered("#define F_A 1\n#define F_B 2\n", "#define F_A 1\n#define F_B 2\n#define F_C 4\n", "");
	assert_renumbered("#define F_A 1\n#define F_B 2\n", "#define F_B 2\n", "");
	/* The bit of one that is gone is given to a new one: that is for other names to tell. */
	assert_renumbered("#define F_A 1\n", "#define F_B 1\n", "");
}

/* Limits grow, and what has that number already has nothing to do with it. */
static void test_limits(void **state)
{
	assert_renumbered("#define Q_MAX 16\n#define Q_ALIGN 32\n", "#define Q_MAX 32\n#define Q_ALIGN 32\n", "");
	assert_renumbered("#define MAX_A 1\n#define SIZE 2\n", "#define MAX_A 2\n", "");
	assert_renumbered("#define X_SIZE sizeof(int)\n#define X_N 4\n", "#define X_SIZE 4\n", "");
	assert_renumbered("#define F_A(x) 1\n#define F_B 2\n", "#define F_A(x) 2\n#define F_B 1\n", "");
}

/* Which of them counts is not known. */
static void test_conditions(void **state)
{
	assert_renumbered("#ifdef X\n#define F_A 1\n#else\n#define F_A 2\n#endif\n#define F_B 3\n",
			  "#ifdef X\n#define F_A 3\n#else\n#define F_A 2\n#endif\n#define F_B 1\n", "F_B ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_bits),
		cmocka_unit_test(test_free_bits),
		cmocka_unit_test(test_what_is_new_or_gone),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_conditions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
