// SPDX-License-Identifier: GPL-2.0
#include "compile.h"

#include "build/patch.h"

#include <sys/stat.h>

static struct patches *patches;
static struct tree tree;

static void put(const char *name, const char *text, mode_t mode)
{
	_cleanup_free_ char *path = path_join(test_folder, name), *dir = xstrdup(path);

	*strrchr(dir, '/') = '\0';
	assert_ok(make_dirs(dir));
	assert_ok(file_write(path, text, strlen(text), mode));
}

static char *get(const char *name)
{
	_cleanup_free_ char *path = path_join(test_folder, name);
	void *data;
	size_t size;

	assert_ok(file_read(path, 1 << 20, &data, &size));
	return data;
}

static bool exists(const char *name)
{
	_cleanup_free_ char *path = path_join(test_folder, name);

	return file_exists(path);
}

static void assert_text(const char *name, const char *expected)
{
	_cleanup_free_ char *text = get(name);

	assert_string_equal(text, expected);
}

#define FORK "int a;\nint b;\nint c;\nint d;\nint e;\nint f;\n"
#define EDIT "--- a/kernel/fork.c\n+++ b/kernel/fork.c\n@@ -1,6 +1,7 @@ x\n int a;\n int b;\n int c;\n+int new;\n int d;\n int e;\n int f;\n"

static int set_up(void **state)
{
	if (make_test_folder(state))
		return -1;
	tree.path = test_folder;
	tree.source = path_join(test_folder, "source");
	put("source/kernel/fork.c", FORK, 0644);
	put("source/kernel/old.c", "int old;\n", 0644);
	put("source/scripts/run.sh", "true\n", 0755);
	put("source/include/x.h", "#define X 1\n", 0644);
	return 0;
}

static int tear_down(void **state)
{
	patches_free(patches);
	patches = NULL;
	free(tree.source);
	return remove_test_folder(state);
}

static struct error *read_patch(const char *text)
{
	_cleanup_free_ char *path = path_join(test_folder, "the.patch");
	char *paths[] = { path };

	patches_free(patches);
	patches = NULL;
	put("the.patch", text, 0644);
	return patches_read(paths, 1, &patches);
}

static void lists_what_is_touched(void **state)
{
	static const struct {
		const char *path;
		enum patched_kind kind;
	} expected[] = {
		{ "Documentation/a.rst", PATCHED_NOTHING }, { "arch/x86/kernel/vmlinux.lds.S", PATCHED_BUILD },
		{ "fs/Kconfig", PATCHED_BUILD }, { "fs/Makefile", PATCHED_BUILD },
		{ "include/asm-generic/vmlinux.lds.h", PATCHED_BUILD }, { "include/x.h", PATCHED_HEADER },
		{ "kernel/fork.c", PATCHED_SOURCE }, { "lib/new.S", PATCHED_SOURCE },
	};
	static const char *const names[] = { "lib/new.S", "kernel/fork.c", "fs/Makefile", "fs/Kconfig",
					     "include/x.h", "include/asm-generic/vmlinux.lds.h",
					     "arch/x86/kernel/vmlinux.lds.S", "Documentation/a.rst", "kernel/fork.c" };
	_cleanup_free_ char *text = xstrdup("Subject: x\n\n");
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		char *longer = xasprintf("%s--- a/%s\t2020-01-01\n+++ b/%s\n@@ -1 +1 @@\n-a\n+b\n", text,
					 names[i], names[i]);

		free(text);
		text = longer;
	}
	assert_ok(read_patch(text));
	assert_int_equal(patches->file_count, ARRAY_SIZE(expected));
	for (i = 0; i < ARRAY_SIZE(expected); i++) {
		assert_string_equal(patches->files[i].path, expected[i].path);
		assert_int_equal(patches->files[i].kind, expected[i].kind);
	}
}

/* One path for each kind of thing. */
static void knows_what_is_not_compiled(void **state)
{
	static const struct {
		const char *path;
		enum patched_kind kind;
	} cases[] = {
		{ "arch/arm64/Kconfig", PATCHED_NOTHING }, { "arch/arm64/mm/Makefile", PATCHED_NOTHING },
		{ "arch/arm64/include/asm/tlb.h", PATCHED_NOTHING }, { "arch/s390/mm/fault.c", PATCHED_NOTHING },
		{ "arch/arm/boot/dts/a.dts", PATCHED_NOTHING }, { "arch/riscv/kernel/vmlinux.lds.S", PATCHED_NOTHING },
		{ "arch/x86/um/asm/elf.h", PATCHED_NOTHING }, { "arch/Kconfig", PATCHED_BUILD },
		{ "arch/x86/Kconfig", PATCHED_BUILD }, { "arch/x86/mm/fault.c", PATCHED_SOURCE },
		{ "arch/x86/include/asm/tlb.h", PATCHED_HEADER }, { "arch/x86/entry/syscalls/syscall_64.tbl", PATCHED_BUILD },
		{ "tools/testing/selftests/x/Makefile", PATCHED_NOTHING }, { "samples/x/Kconfig", PATCHED_BUILD },
		{ "MAINTAINERS", PATCHED_NOTHING }, { "kernel/.gitignore", PATCHED_NOTHING },
		{ ".mailmap", PATCHED_NOTHING }, { "drivers/x/README", PATCHED_NOTHING }, { "fs/x/a.rst", PATCHED_NOTHING },
		{ "certs/default_x509.genkey", PATCHED_BUILD }, { "lib/gen.pl", PATCHED_BUILD },
		{ "usr/Kconfig", PATCHED_BUILD }, { "tools/lib/bpf/relo_core.c", PATCHED_BUILD },
		{ "tools/lib/bpf/btf.c", PATCHED_NOTHING },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = xasprintf("--- a/%s\n+++ b/%s\n@@ -1 +1 @@\n-a\n+b\n", cases[i].path,
						      cases[i].path);

		assert_ok(read_patch(text));
		if (patches->files[0].kind != cases[i].kind)
			fail_msg("%s is taken for %d", cases[i].path, patches->files[0].kind);
	}
}

static void refuses_what_is_no_patch(void **state)
{
	static const char *const bad[] = {
		"", "hello\n", "--- a/x.c\n+++ b/x.c\n", "@@ -1 +1 @@\n-a\n+b\n", "*** a/x.c\n--- b/x.c\n",
		EDIT "diff --git a/x b/x\nGIT binary patch\nliteral 0\n",
		"diff --git a/kernel/old.c b/kernel/b.c\nsimilarity index 100%\nrename from kernel/old.c\nrename to kernel/b.c\n" EDIT,
		"diff --git a/kernel/old.c b/kernel/b.c\nsimilarity index 100%\ncopy from kernel/old.c\ncopy to kernel/b.c\n" EDIT,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_refused(read_patch(bad[i]), "PATCH-INVALID");
}

static void refuses_paths_that_leave_the_source(void **state)
{
	static const char *const bad[] = { "../x.c", "kernel/../../x.c", "kernel/..", "..", "/etc/x.c", "" };
	size_t i, side;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		for (side = 0; side < 2; side++) {
			_cleanup_free_ char *text =
				xasprintf("--- a/%s\n+++ b/%s\n@@ -1 +1 @@\n-a\n+b\n",
					  side ? bad[i] : "kernel/fork.c", side ? "kernel/fork.c" : bad[i]);

			assert_refused(read_patch(text), "PATCH-INVALID");
		}
	}
}

static void applies_and_restores(void **state)
{
	assert_ok(read_patch(EDIT "--- /dev/null\n+++ b/kernel/sub/new.c\n@@ -0,0 +1 @@\n+int brand_new;\n"
			     "--- a/kernel/old.c\n+++ /dev/null\n@@ -1 +0,0 @@\n-int old;\n"
			     "--- a/scripts/run.sh\n+++ b/scripts/run.sh\n@@ -1 +1 @@\n-true\n+false\n"));
	assert_ok(patch_apply(&tree, patches));
	assert_text("source/kernel/fork.c", "int a;\nint b;\nint c;\nint new;\n#line 4\nint d;\nint e;\nint f;\n");
	assert_text("source/kernel/sub/new.c", "int brand_new;\n");
	assert_false(exists("source/kernel/old.c"));
	assert_ok(patch_restore(&tree));
	assert_text("source/kernel/fork.c", FORK);
	assert_text("source/kernel/old.c", "int old;\n");
	assert_false(exists("source/kernel/sub/new.c"));
	assert_text("source/scripts/run.sh", "true\n");
	assert_false(exists("undo"));
	assert_ok(patch_restore(&tree));
}

/* Scripts that the build runs are still programs afterwards. */
static void restores_modes(void **state)
{
	_cleanup_free_ char *path = path_join(test_folder, "source/scripts/run.sh");
	struct stat st;

	assert_ok(read_patch("--- a/scripts/run.sh\n+++ b/scripts/run.sh\n@@ -1 +1 @@\n-true\n+false\n"));
	assert_ok(patch_apply(&tree, patches));
	assert_ok(patch_restore(&tree));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0755);
}

static void a_rejected_patch_changes_nothing(void **state)
{
	assert_ok(read_patch("--- a/kernel/old.c\n+++ b/kernel/old.c\n@@ -1 +1 @@\n-int old;\n+int newer;\n"
			     "--- a/kernel/fork.c\n+++ b/kernel/fork.c\n@@ -1,6 +1,7 @@\n int a;\n int b;\n int z;\n+int new;\n int d;\n int e;\n int f;\n"));
	assert_refused(patch_apply(&tree, patches), "PATCH-REJECTED");
	assert_text("source/kernel/fork.c", FORK);
	assert_text("source/kernel/old.c", "int old;\n");
	assert_false(exists("undo"));
	assert_false(exists("source/kernel/fork.c.rej"));
	assert_false(exists("source/kernel/fork.c.orig"));
	/* Applied already. */
	assert_ok(read_patch("--- a/kernel/old.c\n+++ b/kernel/old.c\n@@ -1 +1 @@\n-int older;\n+int old;\n"));
	assert_refused(patch_apply(&tree, patches), "PATCH-REJECTED");
	assert_text("source/kernel/old.c", "int old;\n");
}

/* Lines moved by others are found, but nothing is guessed. */
static void offsets_but_no_fuzz(void **state)
{
	assert_ok(read_patch("--- a/kernel/fork.c\n+++ b/kernel/fork.c\n@@ -12,6 +12,7 @@\n int a;\n int b;\n int c;\n+int new;\n int d;\n int e;\n int f;\n"));
	assert_ok(patch_apply(&tree, patches));
	assert_ok(patch_restore(&tree));
	assert_ok(read_patch("--- a/kernel/fork.c\n+++ b/kernel/fork.c\n@@ -1,6 +1,7 @@\n int other;\n int b;\n int c;\n+int new;\n int d;\n int e;\n int f;\n"));
	assert_refused(patch_apply(&tree, patches), "PATCH-REJECTED");
}

/* Killed in the middle: the next one puts back what the list names. */
static void restores_after_a_crash(void **state)
{
	assert_ok(read_patch(EDIT "--- /dev/null\n+++ b/kernel/new.c\n@@ -0,0 +1 @@\n+int brand_new;\n"));
	assert_ok(patch_apply(&tree, patches));
	put("source/kernel/fork.c", "half writ", 0644);
	put("source/kernel/fork.c.rej", "x", 0644);
	assert_ok(patch_restore(&tree));
	assert_text("source/kernel/fork.c", FORK);
	assert_false(exists("source/kernel/new.c"));
	assert_false(exists("source/kernel/fork.c.rej"));
	/* Killed while the copies were made: nothing had been changed. */
	put("undo/files/kernel/fork.c", "half a co", 0644);
	assert_ok(patch_restore(&tree));
	assert_text("source/kernel/fork.c", FORK);
	assert_false(exists("undo"));
}

static void several_patches_of_one_file(void **state)
{
	_cleanup_free_ char *a = path_join(test_folder, "1.patch"), *b = path_join(test_folder, "2.patch");
	char *paths[] = { a, b };

	put("1.patch", EDIT, 0644);
	put("2.patch", "--- a/kernel/fork.c\n+++ b/kernel/fork.c\n@@ -2,6 +2,7 @@\n int b;\n int c;\n int new;\n+int newer;\n int d;\n int e;\n int f;\n", 0644);
	assert_ok(patches_read(paths, 2, &patches));
	assert_int_equal(patches->file_count, 1);
	assert_ok(patch_apply(&tree, patches));
	assert_text("source/kernel/fork.c", "int a;\nint b;\nint c;\nint new;\nint newer;\n#line 4\nint d;\nint e;\nint f;\n");
	assert_ok(patch_restore(&tree));
	assert_text("source/kernel/fork.c", FORK);
}

/* What a mail says of a change is none. */
static void takes_diffs_alone(void **state)
{
	static const char quoted[] = "    --- a/kernel/fork.c\n    +++ b/kernel/fork.c\n    @@ -1,2 +1,2 @@\n    -int a;\n    +int hack;\n     int b;\n";
	_cleanup_free_ char *mail = xasprintf("From: x\nSubject: [PATCH] x\n\nIt is seen with\n\n%s\nand\n> --- a/x\n> +++ b/x\n---\n"
					      " kernel/fork.c | 1 +\n\ndiff --git a/kernel/fork.c b/kernel/fork.c\nindex 1..2 100644\n" EDIT
					      "-- \n2.39\n\n%s", quoted, quoted);

	assert_ok(patches_add(&patches, "mail", mail, strlen(mail)));
	assert_int_equal(patches->file_count, 1);
	assert_ok(patch_apply(&tree, patches));
	assert_text("source/kernel/fork.c", "int a;\nint b;\nint c;\nint new;\n#line 4\nint d;\nint e;\nint f;\n");
	assert_ok(patch_restore(&tree));
}

/* What would be left out, or not be undone. */
static void refuses_parts_of_other_forms(void **state)
{
	static const char *const parts[] = {
		"diff --cc a.c\nindex 1,2..3\n--- a/a.c\n+++ b/a.c\n@@@ -1,1 -1,1 +1,1 @@@\n++x\n",
		"*** a/y.c\n--- b/y.c\n***************\n*** 1 ****\n! x\n--- 1 ----\n! y\n",
		"diff --git a/new.h b/new.h\nnew file mode 100644\nindex 0000000..e69de29\n",
		"diff --git a/old.h b/old.h\ndeleted file mode 100644\nindex e69de29..0000000\n",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		_cleanup_free_ char *text = xasprintf("%sdiff --git a/kernel/fork.c b/kernel/fork.c\n" EDIT, parts[i]);

		assert_refused(patches_add(&patches, "text", text, strlen(text)), "PATCH-INVALID");
		patches_free(patches);
		patches = NULL;
	}
}

/* A line that goes and looks like a name of a file. */
static void lines_that_look_like_names(void **state)
{
	static const char text[] = "--- a/kernel/fork.c\n+++ b/kernel/fork.c\n@@ -1,4 +1,3 @@\n int x;\n--- a/b.c\n+++ b/b.c\n-int c;\n";

	put("source/kernel/fork.c", "int x;\n-- a/b.c\nint c;\n", 0644);
	assert_ok(patches_add(&patches, "text", text, strlen(text)));
	assert_int_equal(patches->file_count, 1);
	assert_string_equal(patches->files[0].path, "kernel/fork.c");
}

/* Patches on top of others: these are in before and after, and out at the end. */
static void applies_on_top(void **state)
{
#define BASE "--- a/kernel/fork.c\n+++ b/kernel/fork.c\n@@ -1,3 +1,4 @@ x\n int a;\n+int base;\n int b;\n int c;\n"
#define ADDS "--- /dev/null\n+++ b/kernel/fresh.c\n@@ -0,0 +1 @@\n+int fresh;\n"
#define TOP "--- a/kernel/fork.c\n+++ b/kernel/fork.c\n@@ -1,4 +1,5 @@ x\n int a;\n int base;\n+int top;\n int b;\n int c;\n" \
	    "--- a/kernel/fresh.c\n+++ b/kernel/fresh.c\n@@ -1 +1 @@\n-int fresh;\n+int fresher;\n"
	_cleanup_free_ char *plain = path_join(test_folder, "plain");
	struct patches *base = NULL;

	assert_ok(patches_add(&base, "one.patch", BASE, strlen(BASE)));
	assert_ok(patches_add(&base, "two.patch", ADDS, strlen(ADDS)));
	assert_ok(read_patch(TOP));
	assert_refused(patch_apply(&tree, patches), "PATCH-REJECTED");
	assert_text("source/kernel/fork.c", FORK);
	assert_ok(patch_set_base(&tree, base));
	assert_text("source/kernel/fork.c", "int a;\nint base;\n#line 2\nint b;\nint c;\nint d;\nint e;\nint f;\n");
	assert_text("source/kernel/fresh.c", "int fresh;\n");
	assert_ok(patch_copy_plain(&tree, patches, plain));
	assert_text("plain/kernel/fork.c", "int a;\nint base;\nint b;\nint c;\nint d;\nint e;\nint f;\n");
	assert_text("plain/kernel/fresh.c", "int fresh;\n");
	assert_ok(patch_apply(&tree, patches));
	assert_text("source/kernel/fork.c",
		    "int a;\nint base;\nint top;\n#line 2\nint b;\nint c;\nint d;\nint e;\nint f;\n");
	assert_text("source/kernel/fresh.c", "int fresher;\n");
	assert_ok(patch_restore(&tree));
	assert_text("source/kernel/fork.c", "int a;\nint base;\n#line 2\nint b;\nint c;\nint d;\nint e;\nint f;\n");
	assert_text("source/kernel/fresh.c", "int fresh;\n");
	assert_ok(patch_set_base(&tree, NULL));
	assert_text("source/kernel/fork.c", FORK);
	assert_false(exists("source/kernel/fresh.c"));
	assert_false(exists("undo"));
	/* What was in the way of the base, or of what is on it, leaves nothing. */
	assert_ok(patch_set_base(&tree, base));
	assert_ok(read_patch(BASE));
	assert_refused(patch_apply(&tree, patches), "PATCH-REJECTED");
	assert_ok(patch_set_base(&tree, NULL));
	assert_text("source/kernel/fork.c", FORK);
	patches_free(base);
}

/* patch(1) removes a folder whose last file goes; Kconfig files stay as they were, whatever the patch does to them. */
static void restores_folders(void **state)
{
#define GOES "--- a/lone/%s\n+++ /dev/null\n@@ -1 +0,0 @@\n-config A\n"
	static const char *const names[] = { "only.h", "Kconfig" };
	_cleanup_free_ char *folder = path_join(test_folder, "source/lone");
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *path = path_join(folder, names[i]), *text = xasprintf(GOES, names[i]);
		_cleanup_free_ char *name = xasprintf("source/lone/%s", names[i]);

		assert_ok(remove_tree(folder));
		assert_ok(make_dirs(folder));
		assert_ok(file_write(path, "config A\n", 9, 0644));
		assert_ok(read_patch(text));
		assert_ok(patch_apply(&tree, patches));
		assert_int_equal(exists(name), !strcmp(names[i], "Kconfig"));
		assert_ok(patch_restore(&tree));
		assert_text(name, "config A\n");
		assert_false(exists("undo"));
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(lists_what_is_touched), T(knows_what_is_not_compiled), T(refuses_what_is_no_patch),
		T(refuses_paths_that_leave_the_source), T(applies_and_restores), T(restores_modes),
		T(a_rejected_patch_changes_nothing), T(offsets_but_no_fuzz), T(restores_after_a_crash),
		T(several_patches_of_one_file), T(takes_diffs_alone), T(refuses_parts_of_other_forms), T(lines_that_look_like_names),
		T(applies_on_top), T(restores_folders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
