// SPDX-License-Identifier: GPL-2.0
#include "util/memory.h"
#include "util/process.h"
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#define ARGV(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void expect(const struct process_options *options, int expected_status,
		   const char *expected_output)
{
	_cleanup_free_ char *output = NULL;
	size_t size;
	int status;

	assert_ok(process_run(options, &status, &output, &size));
	assert_int_equal(status, expected_status);
	assert_string_equal(output, expected_output);
	assert_int_equal(size, strlen(expected_output));
}

static void test_output_and_status(void **state)
{
	expect(&(struct process_options){ .argv = ARGV("echo", "a b", "$HOME") }, 0, "a b $HOME\n");
	expect(&(struct process_options){ .argv = ARGV("sh", "-c", "exit 3") }, 3, "");
	expect(&(struct process_options){ .argv = ARGV("sh", "-c", "kill -TERM $$") },
	       128 + SIGTERM, "");
	expect(&(struct process_options){ .argv = ARGV("sh", "-c", "echo o; echo e >&2; echo p"),
					  .merge_stderr = true },
	       0, "o\ne\np\n");
	expect(&(struct process_options){ .argv = ARGV("sh", "-c",
						       "echo a; echo b >>/dev/stderr; echo c"),
					  .merge_stderr = true },
	       0, "a\nb\nc\n");
	expect(&(struct process_options){ .argv = ARGV("pwd"), .dir = "/usr" }, 0, "/usr\n");
	expect(&(struct process_options){ .argv = ARGV("cat") }, 0, "");
}

static void test_environment(void **state)
{
	setenv("KMEND_TEST_A", "1", 1);
	setenv("KMEND_TEST_AB", "2", 1);
	expect(
		&(struct process_options){
			.argv = ARGV("sh", "-c", "echo $KMEND_TEST_A $KMEND_TEST_AB $KMEND_TEST_C"),
			.env_add = ARGV("KMEND_TEST_A=x y", "KMEND_TEST_C=3") },
		0, "x y 2 3\n");
}

/* More in both directions than any pipe holds. */
static void test_much_input_and_output(void **state)
{
	size_t size = 4 << 20, got;
	_cleanup_free_ char *input = xmalloc(size);
	_cleanup_free_ char *output = NULL;
	int status;

	memset(input, 'x', size);
	input[size / 2] = '\0';
	assert_ok(process_run(&(struct process_options){ .argv = ARGV("cat"),
							 .input = input,
							 .input_size = size },
			      &status, &output, &got));
	assert_int_equal(status, 0);
	assert_int_equal(got, size);
	assert_memory_equal(input, output, size);
}

static void expect_failure(const struct process_options *options, const char *message)
{
	struct error *err;
	int status;

	err = process_run(options, &status, NULL, NULL);
	assert_non_null(err);
	assert_int_equal(err->kind, ERROR_SYSTEM);
	assert_string_equal(err->message, message);
	error_free(err);
	/* The child that could not run was waited for. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void test_cannot_run(void **state)
{
	expect_failure(&(struct process_options){ .argv = ARGV("no-such-program") },
		       "cannot run no-such-program: No such file or directory");
	expect_failure(&(struct process_options){ .argv = ARGV("true"), .dir = "/no/such" },
		       "cannot run true in /no/such: No such file or directory");
	expect_failure(&(struct process_options){ .argv = ARGV("/dev/null") },
		       "cannot run /dev/null: Permission denied");
}

static void test_side_by_side(void **state)
{
	struct process *list[3] = { NULL };
	_cleanup_free_ char *output = NULL;
	size_t index;
	int status;

	assert_ok(process_start(&(struct process_options){ .argv = ARGV("sleep", "1000") },
				&list[0]));
	assert_ok(process_start(
		&(struct process_options){ .argv = ARGV("sh", "-c", "echo second; exit 2") },
		&list[2]));
	assert_ok(process_wait_any(list, 3, &index));
	assert_int_equal(index, 2);
	assert_ok(process_wait(list[2], &status, &output, NULL));
	assert_int_equal(status, 2);
	assert_string_equal(output, "second\n");
	process_kill(list[0]);
	process_kill(NULL);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void test_many(void **state)
{
	struct process *list[40];
	size_t i, left = ARRAY_SIZE(list), index;
	int status, sum = 0;

	for (i = 0; i < ARRAY_SIZE(list); i++) {
		_cleanup_free_ char *code = xasprintf("exit %zu", i);

		assert_ok(process_start(&(struct process_options){ .argv = ARGV("sh", "-c", code) },
					&list[i]));
	}
	while (left--) {
		assert_ok(process_wait_any(list, ARRAY_SIZE(list), &index));
		assert_ok(process_wait(list[index], &status, NULL, NULL));
		assert_int_equal(status, (int)index);
		list[index] = NULL;
		sum += status;
	}
	assert_int_equal(sum, 40 * 39 / 2);
}

/*
 * A pipe's write end, inherited by a sleeping child and its own sleeping
 * child, closes only when both are dead.
 */
static struct process *start_sleepers(int pipe_fd)
{
	struct process *p;

	fcntl(pipe_fd, F_SETFD, 0);
	assert_ok(process_start(
		&(struct process_options){ .argv = ARGV("sh", "-c", "sleep 1000 & sleep 1000") },
		&p));
	close(pipe_fd);
	return p;
}

static void test_kill_all(void **state)
{
	struct process *p;
	int fds[2];
	char c;

	alarm(20);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	p = start_sleepers(fds[1]);
	process_kill_all();
	assert_int_equal(read(fds[0], &c, 1), 0);
	close(fds[0]);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	process_kill(p);
	alarm(0);
}

static void test_children_die_with_us(void **state)
{
	struct process *p;
	int fds[2];
	pid_t pid;
	char c;

	alarm(20);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	if (!pid) {
		fcntl(fds[1], F_SETFD, 0);
		if (process_start(&(struct process_options){ .argv = ARGV("sleep", "1000") }, &p))
			_exit(1);
		raise(SIGKILL);
	}
	close(fds[1]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(read(fds[0], &c, 1), 0);
	close(fds[0]);
	alarm(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_output_and_status),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_much_input_and_output),
		cmocka_unit_test(test_cannot_run),
		cmocka_unit_test(test_side_by_side),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_kill_all),
		cmocka_unit_test(test_children_die_with_us),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
