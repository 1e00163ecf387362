// SPDX-License-Identifier: GPL-2.0
/*
 * steps N HOOK COMMAND...: runs a command until it is about to change something for the Nth time, by a system call on
 *   files or modules; then the shell runs HOOK, and the command is killed.  Status 99; where the command ends before,
 *   its own.  What is written to a file of its own name counts no more than bringing it to the disk does: the file shows
 *   when it is renamed.
 * steps open PATH HOOK COMMAND...: runs HOOK when the command opens PATH, and lets it go on; status 98 where it never did.
 */
#include <errno.h>
#include <error.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define KILLED	   99
#define NOT_OPENED 98

static const char *path;	/* that is waited for, or NULL */

static bool opens(pid_t pid, unsigned long address)
{
	char name[256] = "";
	struct iovec here = { name, sizeof(name) - 1 }, there = { (void *)address, sizeof(name) - 1 };

	if (process_vm_readv(pid, &here, 1, &there, 1, 0) <= 0) {
		/* The name may be near the end of what is mapped. */
		here.iov_len = there.iov_len = strlen(path) + 1;
		if (process_vm_readv(pid, &here, 1, &there, 1, 0) <= 0)
			return false;
	}
	return !strcmp(name, path);
}

/* A command to the kernel is done when it is written. */
static bool is_in_sysfs(pid_t pid, unsigned long long fd)
{
	char link[64], name[256] = "";

	snprintf(link, sizeof(link), "/proc/%d/fd/%llu", (int)pid, fd);
	return readlink(link, name, sizeof(name) - 1) > 0 && !strncmp(name, "/sys/", 5);
}

static bool changes(pid_t pid, const struct user_regs_struct *regs)
{
	switch (regs->orig_rax) {
	case SYS_openat:
		return regs->rdx & O_CREAT;
	case SYS_open:
		return regs->rsi & O_CREAT;
	case SYS_write:
		return is_in_sysfs(pid, regs->rdi);
	case SYS_rename:
	case SYS_renameat:
	case SYS_renameat2:
	case SYS_unlink:
	case SYS_unlinkat:
	case SYS_mkdir:
	case SYS_mkdirat:
	case SYS_rmdir:
	case SYS_ftruncate:
	case SYS_init_module:
	case SYS_finit_module:
	case SYS_delete_module:
		return true;
	default:
		return false;
	}
}

static void run(const char *hook)
{
	if (*hook && system(hook))
		error(2, 0, "%s: failed", hook);
}

static int status_of(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	bool waits_open = argc > 4 && !strcmp(argv[1], "open"), entry = false, found = false;
	char **command = argv + 3 + waits_open;
	const char *hook = argv[2 + waits_open];
	long left = argc > 3 ? strtol(argv[1], NULL, 10) : 0;
	int status, sig;
	pid_t pid;

	if (argc < 4 + waits_open || (!waits_open && left < 1))
		error(2, 0, "usage: steps N HOOK COMMAND... | steps open PATH HOOK COMMAND...");
	path = waits_open ? argv[2] : NULL;
	pid = fork();
	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		execvp(command[0], command);
		error(2, errno, "%s", command[0]);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		error(2, errno, "cannot run %s", command[0]);
	ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
	for (sig = 0;;) {
		struct user_regs_struct regs;

		if (ptrace(PTRACE_SYSCALL, pid, 0, sig) || waitpid(pid, &status, 0) != pid)
			error(2, errno, "cannot trace");
		if (!WIFSTOPPED(status))
			return path && !found ? NOT_OPENED : status_of(status);
		sig = WSTOPSIG(status) == (SIGTRAP | 0x80) ? 0 : WSTOPSIG(status);
		entry = !sig && !entry;
		if (sig || !entry || ptrace(PTRACE_GETREGS, pid, 0, &regs))
			continue;
		if (path && !found && regs.orig_rax == SYS_openat && opens(pid, regs.rsi)) {
			found = true;
			run(hook);
		}
		if (path || !changes(pid, &regs) || --left)
			continue;
		run(hook);
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		return KILLED;
	}
}
