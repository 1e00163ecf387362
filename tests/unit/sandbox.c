// SPDX-License-Identifier: GPL-2.0
/* What a process in the sandbox cannot do, and that its answers are not trusted. */
#include "pack/pack.h"
#include "util/file.h"
#include "util/memory.h"
#include "util/privilege.h"
#include "util/sandbox.h"
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char *folder;	/* of this test program */
static char *path;	/* of a file in it */
static int fd;		/* that file, open for reading and writing */

static void assert_system(struct error *err, const char *part)
{
	assert_non_null(err);
	assert_int_equal(err->kind, ERROR_SYSTEM);
	if (!strstr(err->message, part))
		fail_msg("%s", err->message);
	error_free(err);
}

#define DENIED(call) (errno = 0, (call) == -1 && errno == EPERM)

/* The line of the first thing that is possible and should not be, or the other way round; 0: none. */
static int try_everything(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	char *const argv[] = { (char *)"true", NULL };
	char text[4];
	void *memory;

#define CHECK(what)                      \
	do {                             \
		if (!(what))             \
			return __LINE__; \
	} while (0)
	CHECK(!syscall(SYS_capget, &header, data) && !data[0].effective && !data[0].permitted && !data[1].permitted);
	CHECK(DENIED(open("/dev/null", O_RDONLY)));
	CHECK(DENIED(open("/etc/passwd", O_RDONLY | O_CLOEXEC)));
	CHECK(DENIED(open(path, O_WRONLY)));
	CHECK(DENIED(syscall(SYS_open, path, O_RDONLY)));
	CHECK(DENIED(syscall(SYS_openat2, AT_FDCWD, path, NULL, 0)));
	CHECK(DENIED(unlink(path)));
	CHECK(DENIED(rename(path, folder)));
	CHECK(DENIED(chmod(path, 0777)));
	CHECK(DENIED(ftruncate(fd, 0)));
	CHECK(DENIED(write(fd, "bad", 3)));
	CHECK(DENIED(pwrite(fd, "bad", 3, 0)));
	CHECK(DENIED(dup2(fd, STDERR_FILENO)));
	CHECK(DENIED(fcntl(fd, F_SETFL, O_APPEND)));
	CHECK(DENIED(syscall(SYS_ioctl, STDERR_FILENO, 0x5412 /* TIOCSTI */, "x")));
	CHECK(DENIED(socket(AF_UNIX, SOCK_DGRAM, 0)));
	CHECK(DENIED(syscall(SYS_fork)));
	CHECK(DENIED(syscall(SYS_vfork)));
	CHECK(DENIED(syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL)));
	CHECK(DENIED(syscall(SYS_clone3, NULL, 0)));
	CHECK(DENIED(execv("/bin/true", argv)));
	CHECK(DENIED(kill(getppid(), 0)) || DENIED(kill(getpid(), 0)));
	CHECK(DENIED(syscall(SYS_tgkill, getpid(), getpid(), 0)));
	CHECK(DENIED(ptrace(PTRACE_TRACEME, 0, NULL, NULL)));
	CHECK(DENIED(syscall(SYS_process_vm_writev, getpid(), NULL, 0, NULL, 0, 0)));
	CHECK(DENIED(syscall(SYS_init_module, text, 0, "")));
	CHECK(DENIED(syscall(SYS_finit_module, fd, "", 0)));
	CHECK(DENIED(syscall(SYS_delete_module, "kmend", 0)));
	CHECK(DENIED(syscall(SYS_bpf, 0, NULL, 0)));
	CHECK(DENIED(syscall(SYS_perf_event_open, NULL, 0, 0, 0, 0)));
	CHECK(DENIED(syscall(SYS_io_uring_setup, 1, NULL)));
	CHECK(DENIED(syscall(SYS_userfaultfd, 0)));
	CHECK(DENIED(syscall(SYS_unshare, 0)));
	CHECK(DENIED(syscall(SYS_mount, "", "", "", 0, NULL)));
	CHECK(DENIED(syscall(SYS_setuid, 0)));
	CHECK(DENIED(syscall(SYS_capset, &header, data)));
	CHECK(DENIED(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0)));
	CHECK(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
	memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(memory != MAP_FAILED);
	CHECK(DENIED(mprotect(memory, 4096, PROT_READ | PROT_EXEC)));
	/* What it is for. */
	CHECK(pread(fd, text, 4, 0) == 4 && !memcmp(text, "text", 4));
	memory = malloc(50 << 20);
	CHECK(memory);
	memset(memory, 1, 50 << 20);
	free(memory);
	return 0;
#undef CHECK
}

static struct error *try_in_sandbox(void *arg, struct answer *out)
{
	answer_add_number(out, try_everything());
	return NULL;
}

static void nothing_else_is_possible(void **state)
{
	_cleanup_(answer_fini) struct answer out;
	uint64_t line;

	assert_ok(sandbox_run(try_in_sandbox, NULL, 100, &out));
	assert_true(answer_take_number(&out, &line));
	if (line)
		fail_msg("in line %ju", (uintmax_t)line);
	/* And here nothing has changed. */
	assert_int_equal(prctl(PR_GET_SECCOMP, 0, 0, 0, 0), SECCOMP_MODE_DISABLED);
}

static void enters_for_good(void **state)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		sandbox_enter();
		if (access(path, F_OK))
			_exit(1);
		privilege_begin(true);
		sandbox_enter();
		_exit(try_everything() ? 2 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static struct error *answer_much(void *arg, struct answer *out)
{
	char *changed = arg;

	*changed = 'x';
	answer_add_number(out, 7);
	answer_add(out, "a\0b", 3);
	answer_add(out, "", 0);
	return NULL;
}

static void answers(void **state)
{
	_cleanup_(answer_fini) struct answer out;
	char here = 'h';
	void *data;
	size_t size;
	uint64_t n;

	assert_ok(sandbox_run(answer_much, &here, 200, &out));
	assert_int_equal(here, 'h');
	assert_true(answer_take_number(&out, &n));
	assert_int_equal(n, 7);
	assert_true(answer_take(&out, &data, &size));
	assert_int_equal(size, 3);
	assert_memory_equal(data, "a\0b", 4);
	free(data);
	assert_true(answer_take(&out, &data, &size));
	assert_int_equal(size, 0);
	free(data);
	assert_false(answer_take(&out, &data, &size));
	assert_false(answer_take_number(&out, &n));
}

static struct error *refuse_it(void *arg, struct answer *out)
{
	return refuse("TEXT-CHANGED", "100 %% no: %s", (char *)arg);
}

static struct error *fail_it(void *arg, struct answer *out)
{
	return system_error(ENOSPC, "no");
}

static struct error *die_of_it(void *arg, struct answer *out)
{
	_exit(arg ? 0 : 5);
}

static struct error *crash(void *arg, struct answer *out)
{
	__builtin_trap();
}

static struct error *answer_too_much(void *arg, struct answer *out)
{
	_cleanup_free_ char *much = xcalloc(1, 1 << 20);

	answer_add(out, much, 1 << 20);
	return NULL;
}

static void errors_come_back(void **state)
{
	struct answer out;
	struct error *err;
	void (*before)(int);
	int i;

	for (i = 0; i < 3; i++) {
		err = sandbox_run(refuse_it, (void *)"%s%n", 200, &out);
		assert_true(error_is(err, "TEXT-CHANGED"));
		assert_string_equal(err->message, "100 % no: %s%n");
		error_free(err);
	}
	assert_system(sandbox_run(fail_it, NULL, 200, &out), "no: No space");
	assert_system(sandbox_run(die_of_it, NULL, 200, &out), "died");
	assert_system(sandbox_run(die_of_it, &i, 200, &out), "died");
	/* cmocka's own would go on with the next test. */
	before = signal(SIGILL, SIG_DFL);
	assert_system(sandbox_run(crash, NULL, 200, &out), "died");
	signal(SIGILL, before);
	assert_system(sandbox_run(answer_too_much, NULL, 1000, &out), "too large");
	assert_null(out.data);
}

static struct error *work_for_ever(void *arg, struct answer *out)
{
	for (;;)
		getpid();
	return NULL;
}

/* Else it would go on, with memory in its hand and nobody to answer to. */
static void ends_with_its_parent(void **state)
{
	int ends[2];
	struct answer out;
	char c;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (!pid)
		_exit(sandbox_run(work_for_ever, NULL, 100, &out) != NULL);
	close(ends[1]);
	usleep(200000);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	/* The end of the file: all who had the other end are gone. */
	assert_int_equal(read(ends[0], &c, 1), 0);
	close(ends[0]);
}

/* Sizes that lie, and an end at any place. */
static void answers_are_not_trusted(void **state)
{
	static const uint64_t lies[] = { 1, 9, 1ull << 32, INT64_MAX, UINT64_MAX - 8, UINT64_MAX };
	struct answer a = { 0 };
	void *data;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lies); i++) {
		answer_add_number(&a, lies[i]);
		assert_false(answer_take(&a, &data, NULL));
		answer_fini(&a);
	}
	for (i = 0; i < 12; i++) {
		answer_add(&a, "text", 4);
		a.size = i;
		assert_false(answer_take(&a, &data, NULL));
		answer_fini(&a);
	}
}

static struct pack *open_sample(void)
{
	_cleanup_free_ char *file = path_join(folder, "a.kmend");
	struct pack *p = pack_new();

	strcpy(p->manifest->id, "0123456789abcdef");
	p->manifest->release = xstrdup("6.1");
	pack_add(p, "patch/a", "one", 3);
	pack_add(p, "patch/b", "two", 3);
	assert_ok(pack_write(p, file, NULL));
	pack_free(p);
	assert_ok(pack_open(file, &p));
	return p;
}

static void assert_not_understood(struct pack *p, const char *code)
{
	struct error *err = pack_understand(p, "P");

	if (!error_is(err, code))
		fail_msg("not %s: %s", code, err ? err->message : "understood");
	error_free(err);
	pack_free(p);
}

/* Somebody found a way into the process that takes the archive apart, and sends what the manifest does not tell. */
static void a_pack_is_what_its_manifest_tells(void **state)
{
	struct pack *p = open_sample();
	char *name;

	/* Not looked at before its signature is judged. */
	assert_null(p->manifest);
	assert_ok(pack_understand(p, "P"));
	assert_string_equal(p->manifest->id, "0123456789abcdef");
	pack_free(p);

	p = open_sample();
	*(char *)p->files[1].data = 'T';
	assert_not_understood(p, "PACK-CORRUPT");
	p = open_sample();
	p->files[0].size--;
	assert_not_understood(p, "PACK-CORRUPT");
	p = open_sample();
	p->files[1].name[6] = 'c';
	assert_not_understood(p, "PACK-INVALID");
	p = open_sample();
	p->files[1].name[6] = 'a';
	assert_not_understood(p, "PACK-INVALID");
	p = open_sample();
	name = p->files[0].name;
	p->files[0].name = p->files[1].name;
	p->files[1].name = name;
	assert_not_understood(p, "PACK-CORRUPT");
	p = open_sample();
	p->file_count--;
	free(p->files[1].name);
	free(p->files[1].data);
	assert_not_understood(p, "PACK-CORRUPT");
	p = open_sample();
	*p->manifest_json = '[';
	assert_not_understood(p, "PACK-INVALID");
}

static int set_up(void **state)
{
	struct error *err = temp_dir_new(&folder);

	assert_ok(err);
	path = path_join(folder, "file");
	assert_ok(file_write(path, "text", 4, 0644));
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0;
}

static int tear_down(void **state)
{
	_cleanup_free_ void *text = NULL;
	size_t size;

	/* What the sandbox tried to do to it. */
	assert_ok(file_read(path, 100, &text, &size));
	assert_string_equal(text, "text");
	close(fd);
	free(path);
	free(folder);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_else_is_possible),
		cmocka_unit_test(enters_for_good),
		cmocka_unit_test(answers),
		cmocka_unit_test(errors_come_back),
		cmocka_unit_test(ends_with_its_parent),
		cmocka_unit_test(answers_are_not_trusted),
		cmocka_unit_test(a_pack_is_what_its_manifest_tells),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
