// SPDX-License-Identifier: GPL-2.0
/* What is installed, in a made-up root. */
#include "host/store.h"
#include "root.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ONE "0123456789abcdef"
#define TWO "0123fedcba987654"
#define THREE "ffffffffffffffff"

static const char *const one[] = { ONE }, *const two[] = { TWO }, *const three[] = { THREE };
static const char *const all[] = { ONE, TWO, THREE };

static void put(const char *id, bool until_reboot)
{
	assert_ok(store_put(id, id, strlen(id), until_reboot));
}

static void install(const char *const *ids, size_t count, bool until_reboot)
{
	size_t i;

	for (i = 0; i < count; i++)
		put(ids[i], until_reboot);
	assert_ok(store_install(ids, count, until_reboot, NULL));
}

/* "ID:ORDER" of all that is installed, "~" before what goes with a reboot, "!" before what is set aside. */
static void assert_installed(const char *wanted)
{
	_cleanup_(store_free) struct store store;
	_cleanup_free_ char *got = xstrdup("");
	size_t i;

	assert_ok(store_read(&store));
	for (i = 0; i < store.count; i++) {
		const struct store_update *u = &store.updates[i];
		_cleanup_free_ void *pack = NULL;
		size_t size;
		char *longer = xasprintf("%s%s%s%s%.4s:%u", got, *got ? " " : "",
					 u->until_reboot ? "~" : "", u->set_aside ? "!" : "", u->id,
					 u->order);

		free(got);
		got = longer;
		assert_ok(file_read(u->path, 100, &pack, &size));
		assert_string_equal(pack, u->id);
		assert_true(u->since > 0);
	}
	assert_string_equal(got, wanted);
}

/* The files below the root_folder @name of the root, in one line. */
static void assert_files(const char *name, const char *wanted)
{
	_cleanup_free_ char *path = path_join(root_folder, name), *got = xstrdup("");
	size_t count, i;
	char **names;

	assert_ok(dir_list(path, &names, &count));
	for (i = 0; i < count; i++) {
		char *longer = xasprintf("%s%s%s", got, *got ? " " : "", names[i]);

		free(got);
		got = longer;
	}
	names_free(names, count);
	assert_string_equal(got, wanted);
}

static void starts_with_nothing(void **state)
{
	assert_installed("");
	assert_null(store_find(ONE));
	assert_ok(store_drop(all, 3));
	assert_ok(store_prune(NULL, 0));
	assert_files(".", "");
}

static void keeps_the_order(void **state)
{
	install(three, 1, false);
	install(one, 1, false);
	install(two, 1, false);
	assert_installed("ffff:1 0123:2 0123:3");
	/* Applied once more: now it is the last one. */
	install(three, 1, false);
	assert_installed("0123:2 0123:3 ffff:4");
	assert_files("var/lib/kmend", "installed.json packs");
	assert_files("var/lib/kmend/packs", ONE ".kmend " TWO ".kmend " THREE ".kmend");
}

static void keeps_what_one_stop_applied_together(void **state)
{
	install(three, 1, false);
	install(all, 2, false);
	assert_installed("ffff:1 0123:2 0123:2");
}

static void tells_both_places_apart(void **state)
{
	_cleanup_free_ char *passing = NULL, *kept = NULL;

	install(one, 1, false);
	install(two, 1, true);
	install(three, 1, false);
	assert_installed("0123:1 ~0123:2 ffff:3");
	passing = store_find(TWO);
	assert_non_null(strstr(passing, "/run/kmend/packs/" TWO ".kmend"));
	kept = store_find(ONE);
	assert_non_null(strstr(kept, "/var/lib/kmend/packs/" ONE ".kmend"));
	/* From one to the other. */
	install(one, 1, true);
	assert_installed("~0123:2 ffff:3 ~0123:4");
	install(two, 1, false);
	assert_installed("ffff:3 ~0123:4 0123:5");
	assert_files("var/lib/kmend/packs", TWO ".kmend " THREE ".kmend");
	assert_files("run/kmend/packs", ONE ".kmend");
}

static void a_pack_is_not_installed_before_it_is_listed(void **state)
{
	_cleanup_free_ char *found = NULL;

	put(ONE, false);
	assert_installed("");
	found = store_find(ONE);
	assert_non_null(found);
	assert_ok(store_prune(one, 1));
	assert_files("var/lib/kmend/packs", ONE ".kmend");
	install(two, 1, false);
	assert_ok(store_prune(NULL, 0));
	assert_files("var/lib/kmend/packs", TWO ".kmend");
	assert_installed("0123:1");
}

static void removes_what_a_killed_command_left(void **state)
{
	_cleanup_free_ char *rest = NULL;

	install(one, 1, true);
	rest = path_join(root_folder, "run/kmend/packs/.kmend-0123456789abcdef");
	assert_ok(file_write(rest, "", 0, 0644));
	assert_ok(store_prune(NULL, 0));
	assert_files("run/kmend/packs", ONE ".kmend");
}

static void drops(void **state)
{
	install(all, 3, false);
	install(two, 1, true);
	assert_ok(store_drop(two, 1));
	assert_installed("0123:1 ffff:1");
	assert_ok(store_drop(all, 3));
	assert_installed("");
	assert_files("var/lib/kmend/packs", "");
	assert_files("run/kmend/packs", "");
}

static void sets_aside(void **state)
{
	install(one, 1, false);
	install(two, 1, true);
	install(three, 1, false);
	assert_ok(store_set_aside(all, 2));
	assert_installed("!0123:1 ~0123:2 ffff:3");
	put("00000000000000ff", false);
	assert_ok(store_set_aside((const char *const[]){ "00000000000000ff", "00000000000000fe" }, 2));
	assert_installed("!0123:1 ~0123:2 ffff:3 !0000:4");
	/* Applied again by somebody: it is not set aside any more. */
	install(one, 1, false);
	assert_installed("~0123:2 ffff:3 !0000:4 0123:5");
}

static void remembers_what_was_allowed(void **state)
{
	_cleanup_(store_free) struct store store;

	put(ONE, false);
	assert_ok(store_install(one, 1, false, (bool[]){ true }));
	install(two, 1, false);
	assert_ok(store_read(&store));
	assert_true(store_get(&store, ONE)->allow_unsigned);
	assert_false(store_get(&store, TWO)->allow_unsigned);
	assert_null(store_get(&store, THREE));
}

static void does_not_guess_what_a_bad_list_means(void **state)
{
	static const char *const bad[] = {
		"", "{", "[]", "{}", "{\"format\":2,\"updates\":[]}", "{\"format\":1,\"updates\":{}}",
		"{\"format\":1,\"updates\":[{}]}",
		"{\"format\":1,\"updates\":[{\"id\":\"../../etc/passwd\",\"order\":1,\"since\":1,"
		"\"set_aside\":false,\"allow_unsigned\":false}]}",
		"{\"format\":1,\"updates\":[{\"id\":\"" ONE "\",\"order\":-1,\"since\":1,"
		"\"set_aside\":false,\"allow_unsigned\":false}]}",
	};
	_cleanup_free_ char *path = path_join(root_folder, "var/lib/kmend/installed.json");
	struct store store;
	struct error *err;
	size_t i;

	install(one, 1, false);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_ok(file_write(path, bad[i], strlen(bad[i]), 0644));
		err = store_read(&store);
		assert_non_null(err);
		assert_int_equal(err->kind, ERROR_SYSTEM);
		assert_non_null(strstr(err->message, "installed.json"));
		error_free(err);
		store_free(&store);
		/* Nothing is written over it, either. */
		err = store_install(two, 1, false, NULL);
		assert_non_null(err);
		error_free(err);
	}
}

static void assert_foreign(const char *name, mode_t mode)
{
	_cleanup_free_ char *path = path_join(root_folder, name);
	struct store store;
	struct stat st;
	struct error *err;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(chmod(path, mode), 0);
	err = store_read(&store);
	assert_non_null(err);
	assert_int_equal(err->kind, ERROR_SYSTEM);
	if (!strstr(err->message, name) || !strstr(err->message, "others"))
		fail_msg("%s", err->message);
	error_free(err);
	store_free(&store);
	assert_int_equal(chmod(path, st.st_mode), 0);
}

/* A list that others can write says that a pack may be unsigned, and a root_folder of theirs has
 * another pack in its place. */
static void relies_on_nothing_that_others_could_have_written(void **state)
{
	static const char *const files[] = { "var/lib/kmend/installed.json", "var/lib/kmend/packs/" ONE ".kmend",
					     "run/kmend/installed.json", "run/kmend/packs/" TWO ".kmend" };
	static const char *const folders[] = { "var/lib/kmend", "var/lib/kmend/packs", "run/kmend", "run/kmend/packs" };
	size_t i;

	install(one, 1, false);
	install(two, 1, true);
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		assert_foreign(files[i], 0666);
		assert_foreign(files[i], 0664);
	}
	for (i = 0; i < ARRAY_SIZE(folders); i++) {
		assert_foreign(folders[i], 0777);
		assert_foreign(folders[i], 01777);
	}
	assert_installed("0123:1 ~0123:2");
}

static void removes_parts_of_files(void **state)
{
	_cleanup_free_ char *list = path_join(root_folder, "var/lib/kmend/" FILE_BESIDE "12"),
			    *pack = path_join(root_folder, "run/kmend/packs/" FILE_BESIDE "34");

	install(one, 1, false);
	install(two, 1, true);
	assert_ok(file_write(list, "{", 1, 0644));
	assert_ok(file_write(pack, "x", 1, 0644));
	assert_ok(store_prune(NULL, 0));
	assert_files("var/lib/kmend", "installed.json packs");
	assert_files("run/kmend/packs", TWO ".kmend");
	assert_installed("0123:1 ~0123:2");
}

/* Killed at any time while it installs and drops: what is listed has its pack, and is wholly what it was. */
static void is_whole_whenever_it_is_killed(void **state)
{
	int round, status;
	pid_t pid;

	install(three, 1, false);
	for (round = 0; round < 60; round++) {
		_cleanup_(store_free) struct store store;
		size_t i;

		pid = fork();
		if (!pid) {
			for (;;) {
				if (store_put(ONE, ONE, 16, false) || store_put(TWO, TWO, 16, false) ||
				    store_install(all, 2, false, NULL) || store_drop(all, 2))
					_exit(1);
			}
		}
		usleep(1000 + 331 * round);
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		assert_ok(store_read(&store));
		assert_true(store.count == 1 || store.count == 3);
		for (i = 0; i < store.count; i++)
			assert_true(file_exists(store.updates[i].path));
		assert_string_equal(store.updates[0].id, THREE);
	}
	assert_ok(store_drop(all, 2));
	assert_ok(store_prune(NULL, 0));
	assert_files("var/lib/kmend/packs", THREE ".kmend");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(starts_with_nothing, set_up_root, tear_down_root),
		cmocka_unit_test_setup_teardown(keeps_the_order, set_up_root, tear_down_root),
		cmocka_unit_test_setup_teardown(keeps_what_one_stop_applied_together, set_up_root,
						tear_down_root),
		cmocka_unit_test_setup_teardown(tells_both_places_apart, set_up_root,
						tear_down_root),
		cmocka_unit_test_setup_teardown(a_pack_is_not_installed_before_it_is_listed, set_up_root,
						tear_down_root),
		cmocka_unit_test_setup_teardown(removes_what_a_killed_command_left, set_up_root,
						tear_down_root),
		cmocka_unit_test_setup_teardown(drops, set_up_root, tear_down_root),
		cmocka_unit_test_setup_teardown(sets_aside, set_up_root, tear_down_root),
		cmocka_unit_test_setup_teardown(remembers_what_was_allowed, set_up_root,
						tear_down_root),
		cmocka_unit_test_setup_teardown(does_not_guess_what_a_bad_list_means, set_up_root,
						tear_down_root),
		cmocka_unit_test_setup_teardown(relies_on_nothing_that_others_could_have_written,
						set_up_root, tear_down_root),
		cmocka_unit_test_setup_teardown(removes_parts_of_files, set_up_root,
						tear_down_root),
		cmocka_unit_test_setup_teardown(is_whole_whenever_it_is_killed, set_up_root,
						tear_down_root),
	};

	return cmocka_run_group_tests(tests, set_up_temp, tear_down_temp);
}
