// SPDX-License-Identifier: GPL-2.0
#include "util/sandbox.h"
#include "util/memory.h"
#include "util/privilege.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- what goes from one to the other ---- */

void answer_fini(struct answer *a)
{
	free(a->data);
	*a = (struct answer){ 0 };
}

static void append(struct answer *a, const void *data, size_t size)
{
	while (a->capacity - a->size < size) {
		a->capacity = a->capacity ? 2 * a->capacity : 4096;
		a->data = xreallocarray(a->data, a->capacity, 1);
	}
	if (size)
		memcpy(a->data + a->size, data, size);
	a->size += size;
}

void answer_add_number(struct answer *a, uint64_t value)
{
	append(a, &value, sizeof(value));
}

void answer_add(struct answer *a, const void *data, size_t size)
{
	answer_add_number(a, size);
	append(a, data, size);
}

bool answer_take_number(struct answer *a, uint64_t *value)
{
	if (a->size - a->at < sizeof(*value))
		return false;
	memcpy(value, a->data + a->at, sizeof(*value));
	a->at += sizeof(*value);
	return true;
}

bool answer_take(struct answer *a, void **data, size_t *size)
{
	uint64_t count;

	if (!answer_take_number(a, &count) || a->size - a->at < count)
		return false;
	*data = xmalloc(count + 1);
	memcpy(*data, a->data + a->at, count);
	((char *)*data)[count] = '\0';
	a->at += count;
	if (size)
		*size = count;
	return true;
}

/* ---- the child ---- */

/* What must not fail did: to go on would be worse. */
static void die(const char *what, int errnum)
{
	fprintf(stderr, "kmend: cannot %s: %s\n", what, strerror(errnum));
	_exit(ERROR_SYSTEM);
}

static int allow(scmp_filter_ctx filter)
{
	static const int calls[] = {
		SCMP_SYS(read), SCMP_SYS(pread64), SCMP_SYS(lseek), SCMP_SYS(fstat), SCMP_SYS(close),
		SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk), SCMP_SYS(futex),
		SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(getrandom), SCMP_SYS(sysinfo),
		SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(capget), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
		SCMP_SYS(sigaltstack), SCMP_SYS(restart_syscall), SCMP_SYS(sched_yield), SCMP_SYS(exit),
		SCMP_SYS(exit_group),
	};
	size_t i;
	int err = 0;

	for (i = 0; i < ARRAY_SIZE(calls) && !err; i++)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
	return err;
}

/* Where the argument @arg, from 0, compares like that. */
static int allow_where(scmp_filter_ctx filter, int call, unsigned int arg, enum scmp_compare op, uint64_t a, uint64_t b)
{
	const struct scmp_arg_cmp where = { .arg = arg, .op = op, .datum_a = a, .datum_b = b };

	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &where);
}

/* @out: where it may write, beside its standard errors. */
static void confine(int out)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	const int writable[] = { out, STDERR_FILENO };
	int err = filter ? 0 : -ENOMEM;
	size_t i;

	if (!err)
		err = allow(filter);
	/* No memory that is code. */
	if (!err)
		err = allow_where(filter, SCMP_SYS(mmap), 2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
	if (!err)
		err = allow_where(filter, SCMP_SYS(mprotect), 2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
	for (i = 0; i < ARRAY_SIZE(writable) && !err; i++)
		err = allow_where(filter, SCMP_SYS(write), 0, SCMP_CMP_EQ, writable[i], 0);
	if (!err && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		err = -errno;
	if (!err)
		err = seccomp_load(filter);
	if (err)
		die("confine the process", -err);
	seccomp_release(filter);
}

void sandbox_enter(void)
{
	if (!privilege_has_begun())
		return;
	fflush(stdout);
	privilege_drop();
	confine(STDOUT_FILENO);
}

static void write_all(int fd, const void *data, size_t size)
{
	const char *at = data;
	ssize_t n;

	for (; size; at += n, size -= n) {
		n = write(fd, at, size);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n < 0)
			_exit(ERROR_SYSTEM);
	}
}

/* First how it ended, then what it found. */
static void child(struct error *(*work)(void *arg, struct answer *out), void *arg, int fd, pid_t parent)
{
	struct answer head = { 0 }, out = { 0 };
	struct error *err;

	/* It must not outlive a parent that is killed, which may have been while this was said. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
		_exit(ERROR_SYSTEM);
	privilege_drop();
	confine(fd);
	err = work(arg, &out);
	answer_add_number(&head, err ? err->kind : 0);
	answer_add(&head, err && err->code ? err->code : "", err && err->code ? strlen(err->code) : 0);
	answer_add(&head, err ? err->message : "", err ? strlen(err->message) : 0);
	write_all(fd, head.data, head.size);
	if (!err)
		write_all(fd, out.data, out.size);
	_exit(0);
}

/* ---- the parent ---- */

static int read_answer(int fd, size_t max, struct answer *out)
{
	char buffer[8192];
	ssize_t n;

	while ((n = read(fd, buffer, sizeof(buffer)))) {
		if (n < 0 && errno != EINTR)
			return errno;
		if (n > 0)
			append(out, buffer, n);
		if (out->size > max)
			return EFBIG;
	}
	return 0;
}

/* Codes live as long as the program: these are few. */
static const char *keep_code(void *code)
{
	static char *known[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known) && known[i] && strcmp(known[i], code); i++)
		;
	if (i == ARRAY_SIZE(known))
		return code;
	if (known[i])
		free(code);
	else
		known[i] = code;
	return known[i];
}

static struct error *take_error(struct answer *a)
{
	_cleanup_free_ void *message = NULL;
	struct error *err = NULL;
	void *code = NULL;
	uint64_t kind;

	if (!answer_take_number(a, &kind) || !answer_take(a, &code, NULL) || !answer_take(a, &message, NULL)) {
		free(code);
		return system_error(0, "the process that looks at the update died");
	}
	if (kind == ERROR_REFUSED)
		return refuse(keep_code(code), "%s", (char *)message);
	if (kind)
		err = system_error(0, "%s", (char *)message);
	free(code);
	return err;
}

struct error *sandbox_run(struct error *(*work)(void *arg, struct answer *out), void *arg, size_t max,
			  struct answer *out)
{
	pid_t parent = getpid(), pid;
	int fds[2], errnum, status;
	struct error *err;

	*out = (struct answer){ 0 };
	if (pipe2(fds, O_CLOEXEC))
		return system_error(errno, "no pipe");
	/* What is not written yet would be written twice. */
	fflush(NULL);
	pid = fork();
	if (!pid) {
		close(fds[0]);
		child(work, arg, fds[1], parent);
	}
	errnum = pid < 0 ? errno : 0;
	close(fds[1]);
	if (!errnum)
		errnum = read_answer(fds[0], max, out);
	close(fds[0]);
	if (pid > 0 && errnum)
		kill(pid, SIGKILL);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (errnum)
		err = system_error(errnum, "no process to look at the update");
	else if (status)
		err = system_error(0, "the process that looks at the update died (%d)", status);
	else
		err = take_error(out);
	if (err)
		answer_fini(out);
	return err;
}
