// SPDX-License-Identifier: GPL-2.0
/* Which changes of Kconfig files configure nothing. */
#include "compile.h"

#include "build/kconfig.h"

#define OPTION "config A\n\tbool \"a\"\n\tdepends on B\n"

static void test_help_and_comments(void **state)
{
	assert_true(kconfig_same(OPTION, OPTION));
	assert_true(kconfig_same(OPTION "\thelp\n\t  One.\n", OPTION "\thelp\n\t  Two.\n\n\t  More.\n\n"));
	assert_true(kconfig_same(OPTION "\n" OPTION, "# a\n" OPTION "\thelp\n\t  default y\n\n" OPTION));
	assert_true(kconfig_same(OPTION "\thelp \n\t  One.\n\tdefault y\n", OPTION "\thelp\n\t  Two.\n\tdefault y\n"));
}

static void test_what_configures(void **state)
{
	assert_false(kconfig_same(OPTION, OPTION "\tdefault y\n"));
	assert_false(kconfig_same(OPTION, OPTION OPTION));
	assert_false(kconfig_same(OPTION "\thelp\n\t  One.\n", OPTION "\thelp\n\t  One.\n\tdefault y\n"));
	assert_false(kconfig_same(OPTION "\thelp\n\t  One.\nsource \"x\"\n", OPTION "\thelp\n\t  One.\nsource \"y\"\n"));
	/* What looks like help and is none. */
	assert_false(kconfig_same(OPTION, OPTION "\thelpful\n\t  default y\n"));
	assert_false(kconfig_same(OPTION "\thelp\nOne.\n", OPTION "\thelp\nTwo.\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_help_and_comments),
		cmocka_unit_test(test_what_configures),
	};

	return cmocka_run_group_tests(tests, make_test_folder, remove_test_folder);
}
