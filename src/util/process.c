// SPDX-License-Identifier: GPL-2.0
/*
 * Input and output go through memfds, not pipes: a child never waits for us to
 * read, so any number of them can run without a loop that serves them.
 */
#include "util/process.h"
#include "util/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define MAX_RUNNING 256

struct process {
	pid_t pid;
	int pidfd;
	int output; /* memfd */
	size_t slot; /* its place in running[] */
};

/* What process_kill_all() kills, 0 where free. */
static volatile pid_t running[MAX_RUNNING];

/* What a child that could not run the program tells its parent. */
struct start_failure {
	int errnum;
	bool in_chdir;
};

static bool same_key(const char *a, const char *b)
{
	size_t len = strcspn(a, "=");

	return !strncmp(a, b, len) && b[len] == '=';
}

/* The strings are borrowed; the array is the caller's to free. */
static char **make_environment(const char *const *add)
{
	size_t count = 0, capacity = 0;
	char **env = NULL;

	for (char **e = environ; e && *e; e++) {
		const char *const *a = add;

		while (a && *a && !same_key(*a, *e))
			a++;
		if (a && *a)
			continue;
		array_grow(env, count, capacity);
		env[count++] = *e;
	}
	for (; add && *add; add++) {
		array_grow(env, count, capacity);
		env[count++] = (char *)*add;
	}
	array_grow(env, count, capacity);
	env[count] = NULL;
	return env;
}

static struct error *make_input(const struct process_options *options, int *fd)
{
	const char *data = options->input;
	size_t size = options->input_size;

	*fd = data ? memfd_create("kmend-input", MFD_CLOEXEC)
		   : open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (*fd < 0)
		return system_error(errno, "no input for %s", options->argv[0]);
	while (data && size) {
		ssize_t n = write(*fd, data, size);

		if (n < 0 && errno != EINTR)
			return system_error(errno, "no input for %s", options->argv[0]);
		if (n > 0) {
			data += n;
			size -= n;
		}
	}
	if (data && lseek(*fd, 0, SEEK_SET) < 0)
		return system_error(errno, "no input for %s", options->argv[0]);
	return NULL;
}

static struct error *make_output(const struct process_options *options, int *fd)
{
	*fd = memfd_create("kmend-output", MFD_CLOEXEC);
	/* Appending, so that a program that opens /dev/stderr anew has nothing written over. */
	if (*fd < 0 || fcntl(*fd, F_SETFL, O_APPEND))
		return system_error(errno, "no output for %s", options->argv[0]);
	return NULL;
}

/* In the child.  Returns only when the program cannot be run. */
static void run_program(const struct process_options *options, char **env, pid_t parent, int input,
			int output, int failure_fd)
{
	struct start_failure failure = { 0 };
	sigset_t none;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		return;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(input, STDIN_FILENO) >= 0 && dup2(output, STDOUT_FILENO) >= 0 &&
	    (!options->merge_stderr || dup2(output, STDERR_FILENO) >= 0)) {
		if (options->dir && chdir(options->dir))
			failure.in_chdir = true;
		else
			execvpe(options->argv[0], (char *const *)options->argv, env);
	}
	failure.errnum = errno;
	/* Nobody is left to tell where this fails. */
	if (write(failure_fd, &failure, sizeof(failure)) < 0)
		return;
}

/* Waits until the child runs the program or says why it cannot. */
static struct error *await_program(const struct process_options *options, int fd)
{
	struct start_failure failure;
	ssize_t n;

	do {
		n = read(fd, &failure, sizeof(failure));
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return system_error(errno, "cannot run %s", options->argv[0]);
	if (n != sizeof(failure))
		return NULL;
	if (failure.in_chdir)
		return system_error(failure.errnum, "cannot run %s in %s", options->argv[0],
				    options->dir);
	return system_error(failure.errnum, "cannot run %s", options->argv[0]);
}

/* Gives the child's pid and the pipe on which it tells why it cannot run the program. */
static struct error *fork_program(const struct process_options *options, struct process *p,
				  int input, int *failure_fd)
{
	_cleanup_free_ char **env = make_environment(options->env_add);
	pid_t parent = getpid();
	sigset_t all, before;
	int failure[2], err;

	if (pipe2(failure, O_CLOEXEC))
		return system_error(errno, "cannot run %s", options->argv[0]);
	/* So that no handler runs between the fork and the entry in running[]. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	p->pid = fork();
	err = errno;
	if (!p->pid) {
		run_program(options, env, parent, input, p->output, failure[1]);
		_exit(127);
	}
	if (p->pid > 0) {
		/* The child does it too: whoever comes first. */
		setpgid(p->pid, p->pid);
		running[p->slot] = p->pid;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	close(failure[1]);
	*failure_fd = failure[0];
	return p->pid < 0 ? system_error(err, "cannot run %s", options->argv[0]) : NULL;
}

/* Waits until @p has ended.  Its pid is given back after running[] has forgotten it. */
static struct error *reap(struct process *p, int *status)
{
	siginfo_t info;
	int raw;

	while (waitid(P_PID, p->pid, &info, WEXITED | WNOWAIT)) {
		if (errno != EINTR)
			return system_error(errno, "cannot wait for a child process");
	}
	running[p->slot] = 0;
	while (waitpid(p->pid, &raw, 0) < 0) {
		if (errno != EINTR)
			return system_error(errno, "cannot wait for a child process");
	}
	*status = WIFSIGNALED(raw) ? 128 + WTERMSIG(raw) : WEXITSTATUS(raw);
	return NULL;
}

static void process_free(struct process *p)
{
	cleanup_close(&p->pidfd);
	cleanup_close(&p->output);
	free(p);
}

void process_kill(struct process *p)
{
	int status;

	if (!p)
		return;
	/* Not where process_kill_all() was first. */
	if (p->pid > 0 && running[p->slot] == p->pid) {
		kill(-p->pid, SIGKILL);
		error_free(reap(p, &status));
	}
	process_free(p);
}

static struct error *start(const struct process_options *options, struct process *p)
{
	_cleanup_close_ int input = -1, failure = -1;

	while (p->slot < MAX_RUNNING && running[p->slot])
		p->slot++;
	if (p->slot == MAX_RUNNING)
		return system_error(0, "more than %d child processes", MAX_RUNNING);
	TRY(make_input(options, &input));
	TRY(make_output(options, &p->output));
	TRY(fork_program(options, p, input, &failure));
	TRY(await_program(options, failure));
	p->pidfd = syscall(SYS_pidfd_open, p->pid, 0);
	if (p->pidfd < 0)
		return system_error(errno, "cannot watch the child process %s", options->argv[0]);
	return NULL;
}

struct error *process_start(const struct process_options *options, struct process **p)
{
	struct process *new = xcalloc(1, sizeof(*new));
	struct error *err;

	new->pidfd = new->output = -1;
	err = start(options, new);
	if (err) {
		process_kill(new);
		return err;
	}
	*p = new;
	return NULL;
}

static struct error *take_output(int fd, char **output, size_t *size)
{
	_cleanup_free_ char *data = NULL;
	size_t used = 0;
	struct stat st;
	ssize_t n = 1;

	if (fstat(fd, &st))
		return system_error(errno, "cannot read a child's output");
	data = xmalloc(st.st_size + 1);
	while (used < (size_t)st.st_size && n) {
		n = pread(fd, data + used, st.st_size - used, used);
		if (n < 0 && errno != EINTR)
			return system_error(errno, "cannot read a child's output");
		if (n > 0)
			used += n;
	}
	data[used] = '\0';
	*output = take_ptr(data);
	if (size)
		*size = used;
	return NULL;
}

struct error *process_wait(struct process *p, int *status, char **output, size_t *output_size)
{
	struct error *err = reap(p, status);

	if (!err && output)
		err = take_output(p->output, output, output_size);
	process_free(p);
	return err;
}

struct error *process_wait_any(struct process *const *list, size_t count, size_t *index)
{
	_cleanup_free_ struct pollfd *fds = xcalloc(count, sizeof(*fds));
	size_t i;

	/* poll() passes over a descriptor below 0. */
	for (i = 0; i < count; i++)
		fds[i] = (struct pollfd){ .fd = list[i] ? list[i]->pidfd : -1, .events = POLLIN };
	while (poll(fds, count, -1) < 0) {
		if (errno != EINTR)
			return system_error(errno, "cannot wait for child processes");
	}
	for (i = 0; i + 1 < count && !fds[i].revents;)
		i++;
	*index = i;
	return NULL;
}

struct error *process_run(const struct process_options *options, int *status, char **output,
			  size_t *output_size)
{
	struct process *p;

	TRY(process_start(options, &p));
	return process_wait(p, status, output, output_size);
}

void process_kill_all(void)
{
	for (size_t i = 0; i < MAX_RUNNING; i++) {
		pid_t pid = running[i];

		if (!pid)
			continue;
		kill(-pid, SIGKILL);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		running[i] = 0;
	}
}
