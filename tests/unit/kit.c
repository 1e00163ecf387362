// SPDX-License-Identifier: GPL-2.0
#include "compile.h"

#include "build/kit.h"

static char *compiler_text; /* of the compiler of this machine */

static void put(const char *name, const char *text)
{
	_cleanup_free_ char *path = path_join(test_folder, name), *dir = xstrdup(path);

	*strrchr(dir, '/') = '\0';
	assert_ok(make_dirs(dir));
	assert_ok(file_write(path, text, strlen(text), 0644));
}

static void put_config(const char *text)
{
	_cleanup_free_ char *config = xasprintf("#\n# Automatically generated\n#\nCONFIG_CC_VERSION_TEXT=\"%s\"\nCONFIG_X=y\n", text);

	put("kit/config", config);
}

static int set_up(void **state)
{
	const char *argv[] = { "gcc", "--version", NULL };
	struct process_options opts = { .argv = argv };
	int status;

	if (make_test_folder(state))
		return -1;
	assert_ok(process_run(&opts, &status, &compiler_text, NULL));
	compiler_text[strcspn(compiler_text, "\n")] = '\0';
	put("kit/release", "6.1.0-56-cloud-amd64\n");
	put("kit/version", "#1 SMP Debian 6.1.192-2\n");
	put("kit/headers/Module.symvers", "");
	put("kit/source/Makefile", "");
	put_config(compiler_text);
	return 0;
}

static int tear_down(void **state)
{
	free(compiler_text);
	return remove_test_folder(state);
}

static struct error *open_kit(struct kit **kit)
{
	_cleanup_free_ char *folder = path_join(test_folder, "kit");
	const struct kit_options options = { .kernel = folder };

	return kit_open(&options, kit);
}

static void opens_a_kit(void **state)
{
	struct kit *kit;

	assert_ok(open_kit(&kit));
	assert_string_equal(kit->release, "6.1.0-56-cloud-amd64");
	assert_string_equal(kit->version, "#1 SMP Debian 6.1.192-2");
	assert_string_equal(kit->compiler_text, compiler_text);
	assert_string_equal(kit->compiler, "gcc");
	assert_false(kit->source_is_tarball);
	kit_free(kit);
}

static void assert_incomplete(const char *missing, const char *package)
{
	_cleanup_free_ char *path = path_join(test_folder, missing);
	struct kit *kit = NULL;
	struct error *err;

	assert_ok(remove_tree(path));
	err = open_kit(&kit);
	assert_non_null(err);
	if (!strstr(err->message, package))
		fail_msg("\"%s\" does not name %s", err->message, package);
	assert_refused(err, "KIT-INCOMPLETE");
	assert_null(kit);
}

static void names_what_is_missing(void **state)
{
	assert_incomplete("kit/headers/Module.symvers", "linux-headers-6.1.0-56-cloud-amd64");
	assert_incomplete("kit/source", "linux-source-6.1");
	assert_incomplete("kit/config", "linux-image-6.1.0-56-cloud-amd64");
	assert_incomplete("kit/release", "tools/kernel fetch");
}

static void the_source_may_be_a_tarball(void **state)
{
	_cleanup_free_ char *source = path_join(test_folder, "kit/source");
	struct kit *kit;

	assert_ok(remove_tree(source));
	put("kit/source.tar.xz", "x");
	assert_ok(open_kit(&kit));
	assert_true(kit->source_is_tarball);
	kit_free(kit);
}

static void options_win(void **state)
{
	_cleanup_free_ char *folder = path_join(test_folder, "kit"), *other = path_join(test_folder, "other");
	const struct kit_options options = { .kernel = folder, .source = other };
	struct kit *kit;

	put("other/Makefile", "");
	assert_ok(kit_open(&options, &kit));
	assert_string_equal(kit->source, other);
	kit_free(kit);
}

static void the_compiler_must_be_the_kernels(void **state)
{
	struct kit *kit;

	put_config("gcc (Debian 1.0-1) 1.0");
	assert_refused(open_kit(&kit), "COMPILER-MISMATCH");
	put_config("gcc-nobody-has (Debian 99-1) 99");
	assert_refused(open_kit(&kit), "COMPILER-MISSING");
	put("kit/config", "CONFIG_X=y\n");
	assert_refused(open_kit(&kit), "KIT-INCOMPLETE");
	put("kit/config", "CONFIG_CC_VERSION_TEXT=\"gcc");
	assert_refused(open_kit(&kit), "KIT-INCOMPLETE");
	put("kit/config", "CONFIG_CC_VERSION_TEXT=\"\"\n");
	assert_refused(open_kit(&kit), "COMPILER-MISSING");
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(opens_a_kit), T(names_what_is_missing), T(the_source_may_be_a_tarball), T(options_win),
		T(the_compiler_must_be_the_kernels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
