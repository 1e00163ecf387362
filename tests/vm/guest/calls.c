// SPDX-License-Identifier: GPL-2.0
/*
 * calls itimer SECONDS: sets and clears an interval timer; prints "done" or the error.
 * calls capget VERSION: reads the capabilities in a version of the interface (1 or 3).
 * calls open ADDRESS: opens /proc/version by a path that lies at an address with these last 16 bits.
 * calls waitid NUMBER: waits for a thread of this number; prints the status that it is told.
 * calls fault NUMBER: the same with an address that cannot be written to.
 * calls rdmsr NUMBER, calls wrmsr NUMBER: reads a register of a processor, and what else came back; or writes a value that
 *   has all bits.
 * calls nobody COMMAND...: runs it as a user without any rights.
 * calls watch COMMAND...: runs it, and looks without a break for a filter of system calls and no capability; prints "self"
 *   and "child" for those that had it, and ends with the command's status.
 */
#include <asm/msr.h>
#include <error.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static int itimer(long seconds)
{
	struct itimerval value = { .it_value.tv_sec = seconds }, none = { 0 };
	int err = setitimer(ITIMER_REAL, &value, NULL) ? errno : 0;

	setitimer(ITIMER_REAL, &none, NULL);
	return err;
}

static int capget(long version)
{
	struct __user_cap_header_struct header = { 0 };
	struct __user_cap_data_struct value[2];

	header.version = version == 1 ? _LINUX_CAPABILITY_VERSION_1 : _LINUX_CAPABILITY_VERSION_3;
	return syscall(SYS_capget, &header, value) ? errno : 0;
}

static int open_path(long bits)
{
	static char paths[3 << 16];
	char *path = (char *)(((uintptr_t)paths + 0xffff) & ~(uintptr_t)0xffff) + (bits & 0xffff);
	int fd;

	strcpy(path, "/proc/version");
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

/* The C library's waitid() would look at the result. */
static int wait_for(long number, bool fault)
{
	siginfo_t info = { 0 };
	void *to = fault ? (void *)16 : &info;

	if (syscall(SYS_waitid, P_PID, number, to, WEXITED | WNOHANG, NULL) && (fault || errno != ECHILD))
		return errno;
	printf("%d ", info.si_status);
	return 0;
}

static int use_msr(long number, bool write)
{
	/* eax, ecx, edx, ebx, esp, ebp, esi, edi */
	uint32_t registers[8] = { write ? ~0u : 0, number, write ? ~0u : 0 };
	int fd = open("/dev/cpu/0/msr", O_RDWR), err;

	if (fd < 0)
		error(2, errno, "/dev/cpu/0/msr");
	err = ioctl(fd, write ? X86_IOC_WRMSR_REGS : X86_IOC_RDMSR_REGS, registers) ? errno : 0;
	close(fd);
	if (!err)
		printf("edi %u ", registers[7]);
	return err;
}

static void run_as_nobody(char **argv)
{
	if (setgid(65534) || setuid(65534))
		error(2, errno, "cannot become nobody");
	execvp(argv[0], argv);
	error(2, errno, "%s", argv[0]);
}

/* Reads a file of /proc/PID; "" where it is gone. */
static void read_proc(int pid, const char *name, char *text, size_t size)
{
	char path[64];
	ssize_t n = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY);
	if (fd >= 0)
		n = read(fd, text, size - 1);
	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
}

static bool is_confined(int pid)
{
	char text[4096];

	read_proc(pid, "status", text, sizeof(text));
	return strstr(text, "\nCapPrm:\t0000000000000000\n") && strstr(text, "\nSeccomp:\t2\n");
}

static void watch(char **argv)
{
	bool self = false, child = false;
	char children[64], list[256];
	int status, pid = fork();
	char *next, *end;

	if (!pid) {
		execvp(argv[0], argv);
		error(2, errno, "%s", argv[0]);
	}
	snprintf(children, sizeof(children), "task/%d/children", pid);
	while (!waitpid(pid, &status, WNOHANG)) {
		self |= is_confined(pid);
		read_proc(pid, children, list, sizeof(list));
		for (next = list; strtol(next, &end, 10) && end != next; next = end)
			child |= is_confined(strtol(next, NULL, 10));
	}
	printf("%s%s\n", self ? "self" : "", child ? "child" : "");
	exit(WIFEXITED(status) ? WEXITSTATUS(status) : 2);
}

int main(int argc, char **argv)
{
	long number;
	int err;

	if (argc > 2 && !strcmp(argv[1], "nobody"))
		run_as_nobody(argv + 2);
	if (argc > 2 && !strcmp(argv[1], "watch"))
		watch(argv + 2);
	if (argc != 3)
		error(2, 0, "usage: calls itimer SECONDS | capget VERSION | open ADDRESS | "
		      "waitid|fault|rdmsr|wrmsr NUMBER | nobody|watch COMMAND...");
	number = strtol(argv[2], NULL, 0);
	if (!strcmp(argv[1], "open"))
		err = open_path(number);
	else if (!strcmp(argv[1], "waitid") || !strcmp(argv[1], "fault"))
		err = wait_for(number, argv[1][0] == 'f');
	else if (!strcmp(argv[1], "rdmsr") || !strcmp(argv[1], "wrmsr"))
		err = use_msr(number, argv[1][0] == 'w');
	else
		err = !strcmp(argv[1], "itimer") ? itimer(number) : capget(number);
	puts(err ? strerror(err) : "done");
	return 0;
}
