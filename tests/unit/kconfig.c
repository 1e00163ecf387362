// SPDX-License-Identifier: GPL-2.0
/* What tells two configurations apart. */
#include "build/kconfig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define CONFIG "# CONFIG_A is not set\nCONFIG_B=m\nCONFIG_C=\"x\"\n"

static void test_names(void **state)
{
	assert_true(kconfig_is("Kconfig"));
	assert_true(kconfig_is("net/Kconfig"));
	assert_true(kconfig_is("lib/Kconfig.debug"));
	assert_false(kconfig_is("Kconfig/a.c"));
	assert_false(kconfig_is("net/kconfig"));
}

static void test_same(void **state)
{
	assert_null(kconfig_set_only_in(CONFIG, CONFIG));
	assert_null(kconfig_set_only_in("", CONFIG));
	/* An option that is not set, or not known; another order; no end of line. */
	assert_null(kconfig_set_only_in("# CONFIG_D is not set\nCONFIG_C=\"x\"\n\nCONFIG_B=m", CONFIG));
	assert_null(kconfig_set_only_in("CONFIG_RUSTC_VERSION=1\nCONFIG_BINDGEN_VERSION=1\n", CONFIG));
}

static void assert_first(const char *line, const char *a)
{
	const char *first = kconfig_set_only_in(a, CONFIG);

	assert_non_null(first);
	assert_string_equal(first, line);
}

static void test_different(void **state)
{
	assert_first("CONFIG_A=y", CONFIG "CONFIG_A=y");
	assert_first("CONFIG_B=y\n", "CONFIG_B=y\n");
	/* A part of a line is none. */
	assert_first("CONFIG_C=\"x\n" CONFIG, "CONFIG_C=\"x\n" CONFIG);
	assert_first("CONFIG_RUST=y", "CONFIG_RUST=y");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_different),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
