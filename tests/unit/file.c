// SPDX-License-Identifier: GPL-2.0
#include "util/file.h"
#include "util/memory.h"
#include "util/process.h"
#include "util/sha256.h"
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

static char *dir; /* of this test program */

static char *in_dir(const char *name)
{
	return path_join(dir, name);
}

static void assert_fails(struct error *err, const char *part)
{
	assert_non_null(err);
	assert_int_equal(err->kind, ERROR_SYSTEM);
	if (!strstr(err->message, part))
		fail_msg("\"%s\" lacks \"%s\"", err->message, part);
	error_free(err);
}

static size_t entries(const char *path)
{
	char **names;
	size_t count;

	assert_ok(dir_list(path, &names, &count));
	names_free(names, count);
	return count;
}

static void test_read_and_write(void **state)
{
	_cleanup_free_ char *path = in_dir("a");
	_cleanup_free_ char *data = NULL;
	struct stat st;
	size_t size;

	umask(022);
	assert_ok(file_write(path, "one\0two", 7, 0666));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_ok(file_read(path, 7, (void **)&data, &size));
	assert_int_equal(size, 7);
	assert_memory_equal(data, "one\0two", 8);
	free(data);

	assert_ok(file_write(path, "", 0, 0600));
	assert_ok(file_read(path, 0, (void **)&data, &size));
	assert_int_equal(size, 0);
	assert_int_equal(data[0], 0);
	assert_int_equal(entries(dir), 1);
	assert_ok(remove_tree(path));
}

static void test_read_without_a_size(void **state)
{
	_cleanup_free_ char *data = NULL;
	size_t size;

	assert_ok(file_read("/proc/self/maps", 1 << 20, (void **)&data, &size));
	assert_true(size > 4096 / 2);
	assert_int_equal(strlen(data), size);
	assert_non_null(strstr(data, "[stack]"));
}

static void test_read_too_much(void **state)
{
	_cleanup_free_ char *path = in_dir("big");
	void *data = NULL;
	size_t size;

	assert_ok(file_write(path, "12345", 5, 0600));
	assert_fails(file_read(path, 4, &data, &size), path);
	assert_fails(file_read("/proc/self/maps", 100, &data, &size), "File too large");
	assert_fails(file_read("/no/such", 100, &data, &size), "/no/such: No such file");
	assert_fails(file_read(dir, 1 << 20, &data, &size), "Is a directory");
	assert_null(data);
	assert_ok(remove_tree(path));
}

/* A folder cannot be replaced by a file: the rename fails after the writing. */
static void test_failed_write_leaves_nothing(void **state)
{
	_cleanup_free_ char *path = in_dir("folder");

	assert_ok(make_dirs(path));
	assert_fails(file_write(path, "x", 1, 0600), path);
	assert_int_equal(entries(dir), 1);
	assert_fails(file_write("/no/such/file", "x", 1, 0600), "/no/such/file");
	assert_ok(remove_tree(path));
}

static void test_folders(void **state)
{
	_cleanup_free_ char *deep = in_dir("x/y//z/");
	_cleanup_free_ char *top = in_dir("x");
	_cleanup_free_ char *link = in_dir("x/y/link");
	_cleanup_free_ char *target = in_dir("kept");
	_cleanup_free_ char *inside = in_dir("kept/inside");
	_cleanup_free_ char *below_file = in_dir("kept/inside/no");
	char **names;
	size_t count;

	assert_ok(make_dirs(deep));
	assert_ok(make_dirs(deep));
	assert_ok(make_dirs(target));
	assert_ok(file_write(inside, "", 0, 0600));
	assert_fails(make_dirs(below_file), "Not a directory");
	assert_int_equal(symlink(target, link), 0);

	assert_ok(dir_list(dir, &names, &count));
	assert_int_equal(count, 2);
	assert_string_equal(names[0], "kept");
	assert_string_equal(names[1], "x");
	names_free(names, count);

	assert_ok(remove_tree(top));
	assert_false(file_exists(top));
	assert_true(file_exists(inside));
	assert_ok(remove_tree(top));
	assert_ok(remove_tree(target));
	assert_fails(dir_list(target, &names, &count), target);
}

static void test_remove_many(void **state)
{
	_cleanup_free_ char *top = in_dir("many");

	assert_ok(make_dirs(top));
	for (int i = 0; i < 500; i++) {
		_cleanup_free_ char *path = xasprintf("%s/a-name-of-some-length-%d", top, i);

		assert_ok(i % 5 ? file_write(path, "", 0, 0600) : make_dirs(path));
	}
	assert_ok(remove_tree(top));
	assert_false(file_exists(top));
}

static void test_paths(void **state)
{
	static const char *const cases[][3] = {
		{ "a", "b", "a/b" }, { "a/", "b", "a/b" }, { "", "b", "b" },
		{ "/", "b", "/b" },  { "a", "/b", "/b" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *path = path_join(cases[i][0], cases[i][1]);

		assert_string_equal(path, cases[i][2]);
	}
}

static void test_normal_paths(void **state)
{
	static const char *const cases[][2] = {
		{ "a/b.h", "a/b.h" }, { "/s/a/b/../c.h", "/s/a/c.h" }, { "a/b/c/../../d.h", "a/d.h" },
		{ "a/../b.h", "b.h" }, { "../a/b.h", "../a/b.h" }, { "../../a/../b.h", "../../b.h" },
		{ "a/./b/././c.h", "a/b/c.h" }, { "/../a", "/../a" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *path = path_normal(cases[i][0]);

		assert_string_equal(path, cases[i][1]);
	}
}

static void expect_cache(const char *own, const char *xdg, const char *home, const char *expected)
{
	_cleanup_free_ char *path = NULL;

	setenv("KMEND_CACHE", own, 1);
	setenv("XDG_CACHE_HOME", xdg, 1);
	setenv("HOME", home, 1);
	path = cache_dir();
	assert_string_equal(path, expected);
}

static void test_cache_dir(void **state)
{
	expect_cache("/own", "/xdg", "/home/u", "/own");
	expect_cache("", "/xdg", "/home/u", "/xdg/kmend");
	expect_cache("", "relative", "/home/u", "/home/u/.cache/kmend");
	expect_cache("", "", "", "/var/cache/kmend");
}

static void test_lock(void **state)
{
	_cleanup_free_ char *path = in_dir("lock");
	int fd, other;

	assert_ok(file_lock(path, &fd));
	other = open(path, O_RDWR);
	assert_int_equal(flock(other, LOCK_EX | LOCK_NB), -1);
	assert_int_equal(errno, EWOULDBLOCK);
	close(fd);
	assert_int_equal(flock(other, LOCK_EX | LOCK_NB), 0);
	close(other);
	assert_ok(remove_tree(path));
	assert_fails(file_lock("/no/such", &fd), "/no/such");
}

static void test_sha256(void **state)
{
	/* FIPS 180-4's example "abc". */
	static const char expected[] =
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
	_cleanup_free_ char *path = in_dir("abc");
	uint8_t digest[SHA256_SIZE], again[SHA256_SIZE];
	char hex[SHA256_HEX_SIZE];
	struct sha256 s;

	sha256("abc", 3, digest);
	hex_encode(digest, sizeof(digest), hex);
	assert_string_equal(hex, expected);

	sha256_begin(&s);
	sha256_add(&s, "a", 1);
	sha256_add(&s, "bc", 2);
	sha256_end(&s, again);
	assert_memory_equal(digest, again, sizeof(digest));

	assert_ok(file_write(path, "abc", 3, 0600));
	assert_ok(sha256_file(path, again));
	assert_memory_equal(digest, again, sizeof(digest));
	assert_ok(remove_tree(path));
	assert_fails(sha256_file(path, again), path);
}

static void test_hex(void **state)
{
	uint8_t out[2];

	assert_true(hex_decode("00fF", out, 2));
	assert_int_equal(out[1], 0xff);
	assert_false(hex_decode("00f", out, 2));
	assert_false(hex_decode("00ff0", out, 2));
	assert_false(hex_decode("00fg", out, 2));
	assert_false(hex_decode(" 0ff", out, 2));
}

/* In a child: makes a temporary folder with content, tells it, and ends as it is told. */
static void temp_dir_user(int tell, int sig)
{
	static const char *const sleeper[] = { "sleep", "1000", NULL };
	_cleanup_free_ char *path = NULL, *file = NULL, *sub = NULL;
	struct process *p;

	alarm(20);
	if (temp_dir_new(&path))
		_exit(9);
	file = path_join(path, "file");
	sub = path_join(path, "sub/sub");
	if (make_dirs(sub) || file_write(file, "x", 1, 0600) ||
	    process_start(&(struct process_options){ .argv = sleeper }, &p))
		_exit(9);
	if (write(tell, path, strlen(path)) < 0)
		_exit(9);
	close(tell);
	if (sig)
		raise(sig);
	process_kill(p);
}

/* Runs temp_dir_user(); gives its folder's path. */
static char *run_temp_dir_user(int sig, int *status)
{
	char path[4096];
	ssize_t n;
	int tell[2];
	pid_t pid;

	assert_int_equal(pipe2(tell, O_CLOEXEC), 0);
	pid = fork();
	if (!pid) {
		/* Who runs the tests in the background may have it ignored. */
		if (sig)
			signal(sig, SIG_DFL);
		temp_dir_user(tell[1], sig);
		exit(7);
	}
	close(tell[1]);
	n = read(tell[0], path, sizeof(path) - 1);
	assert_true(n > 0);
	path[n] = '\0';
	assert_int_equal(waitpid(pid, status, 0), pid);
	close(tell[0]);
	return xstrdup(path);
}

static void test_temp_dir_goes_away(void **state)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };
	int status;

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		_cleanup_free_ char *path = run_temp_dir_user(signals[i], &status);

		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), signals[i]);
		assert_false(file_exists(path));
	}
}

static void test_temp_dir_at_exit(void **state)
{
	int status;
	_cleanup_free_ char *path = run_temp_dir_user(0, &status);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
	assert_memory_equal(path, dir, strlen(dir));
	assert_false(file_exists(path));
}

static void test_leftovers(void **state)
{
	int status;
	_cleanup_free_ char *killed = run_temp_dir_user(SIGKILL, &status);
	_cleanup_free_ char *other_name = in_dir("kmend-notours");
	_cleanup_free_ char *alive = xasprintf("%s/kmend-%d-abcdef", dir, (int)getpid());
	_cleanup_free_ char *locked = xasprintf("%s/kmend-999999999-abcdef", dir);
	_cleanup_free_ char *link = xasprintf("%s/kmend-999999998-abcdef", dir);
	_cleanup_free_ char *clean = NULL, *within = NULL;
	int fd;

	assert_int_equal(WTERMSIG(status), SIGKILL);
	assert_true(file_exists(killed));
	assert_ok(make_dirs(other_name));
	assert_ok(make_dirs(alive));
	assert_ok(make_dirs(locked));
	fd = open(locked, O_RDONLY | O_DIRECTORY);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	/* Made by somebody who wants another folder to be emptied. */
	assert_int_equal(symlink(other_name, link), 0);
	within = path_join(other_name, "within");
	assert_ok(file_write(within, "x", 1, 0644));

	clean = run_temp_dir_user(0, &status);
	assert_false(file_exists(killed));
	assert_true(file_exists(within));
	assert_true(file_exists(alive));
	assert_true(file_exists(locked));
	close(fd);
	assert_ok(remove_tree(link));
	assert_ok(remove_tree(other_name));
	assert_ok(remove_tree(alive));
	assert_ok(remove_tree(locked));
}

static void put_mode(const char *path, mode_t mode)
{
	assert_ok(file_write(path, "ours", 4, 0644));
	assert_int_equal(chmod(path, mode), 0);
}

static void assert_not_ours(const char *path, const char *about)
{
	void *data = NULL;
	struct error *err;
	size_t size;

	err = file_read_own(path, 100, &data, &size);
	assert_non_null(err);
	assert_null(data);
	assert_int_equal(err->kind, ERROR_SYSTEM);
	if (!strstr(err->message, about) || !strstr(err->message, "others"))
		fail_msg("%s", err->message);
	error_free(err);
}

static void test_what_is_ours(void **state)
{
	_cleanup_free_ char *folder = path_join(dir, "own"), *path = path_join(folder, "a"), *link = path_join(folder, "l");
	_cleanup_free_ char *missing = path_join(dir, "no/such");
	_cleanup_free_ void *data = NULL;
	size_t size = 1;

	assert_ok(file_read_own(missing, 100, &data, &size));
	assert_null(data);
	assert_int_equal(size, 0);
	assert_ok(make_dirs(folder));
	assert_int_equal(chmod(folder, 0755), 0);
	assert_ok(file_read_own(path, 100, &data, &size));
	assert_null(data);
	put_mode(path, 0644);
	assert_ok(file_read_own(path, 100, &data, &size));
	assert_string_equal(data, "ours");

	put_mode(path, 0664);
	assert_not_ours(path, path);
	put_mode(path, 0646);
	assert_not_ours(path, path);
	put_mode(path, 0644);
	assert_int_equal(symlink("a", link), 0);
	assert_not_ours(link, link);
	assert_int_equal(unlink(link), 0);
	assert_int_equal(mkfifo(link, 0644), 0);
	assert_not_ours(link, link);
	assert_not_ours(folder, folder);
	assert_int_equal(chmod(folder, 01777), 0);
	assert_not_ours(path, folder);
	assert_not_ours(link, folder);
	assert_int_equal(chmod(folder, 0755), 0);
	if (!getuid()) {
		assert_int_equal(chown(path, 1, 0), 0);
		assert_not_ours(path, path);
		assert_int_equal(chown(path, 0, 0), 0);
		assert_int_equal(chown(folder, 1, 0), 0);
		assert_not_ours(path, folder);
	}
	assert_ok(remove_tree(folder));
}

static void test_plain_files(void **state)
{
	_cleanup_free_ char *path = path_join(dir, "plain"), *pipe = path_join(dir, "pipe");
	const char *const others[] = { pipe, "/dev/zero" };
	_cleanup_free_ void *data = NULL;
	size_t size, i;

	put_mode(path, 0644);
	assert_ok(file_read_plain(path, "X", 100, &data, &size));
	assert_string_equal(data, "ours");
	/* Nobody writes to it: whoever waited would do so for ever. */
	assert_int_equal(mkfifo(pipe, 0644), 0);
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		struct error *err = file_read_plain(others[i], "X", 100, &data, &size);

		assert_true(error_is(err, "X"));
		error_free(err);
	}
	assert_ok(remove_tree(path));
	assert_ok(remove_tree(pipe));
}

static int make_dir_of_test(void **state)
{
	dir = xstrdup("/tmp/test-file-XXXXXX");
	return mkdtemp(dir) && !setenv("TMPDIR", dir, 1) ? 0 : -1;
}

static int remove_dir_of_test(void **state)
{
	size_t left = entries(dir);
	struct error *err = remove_tree(dir);

	free(dir);
	return left || err ? -1 : 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read_and_write),
		cmocka_unit_test(test_read_without_a_size),
		cmocka_unit_test(test_read_too_much),
		cmocka_unit_test(test_failed_write_leaves_nothing),
		cmocka_unit_test(test_folders),
		cmocka_unit_test(test_remove_many),
		cmocka_unit_test(test_paths), cmocka_unit_test(test_normal_paths),
		cmocka_unit_test(test_cache_dir),
		cmocka_unit_test(test_lock),
		cmocka_unit_test(test_sha256),
		cmocka_unit_test(test_hex),
		cmocka_unit_test(test_temp_dir_goes_away),
		cmocka_unit_test(test_temp_dir_at_exit),
		cmocka_unit_test(test_leftovers),
		cmocka_unit_test(test_what_is_ours),
		cmocka_unit_test(test_plain_files),
	};

	return cmocka_run_group_tests(tests, make_dir_of_test, remove_dir_of_test);
}
