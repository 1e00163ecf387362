// SPDX-License-Identifier: GPL-2.0
/*
 * calls itimer SECONDS: sets and clears an interval timer; prints "done" or the error.
 * calls capget VERSION: reads the capabilities in a version of the interface (1 or 3).
 * calls open ADDRESS: opens /proc/version by a path that lies at an address with these last 16 bits.
 * calls nobody COMMAND...: runs it as a user without any rights.
 */
#include <error.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
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

static void run_as_nobody(char **argv)
{
	if (setgid(65534) || setuid(65534))
		error(2, errno, "cannot become nobody");
	execvp(argv[0], argv);
	error(2, errno, "%s", argv[0]);
}

int main(int argc, char **argv)
{
	long number;
	int err;

	if (argc > 2 && !strcmp(argv[1], "nobody"))
		run_as_nobody(argv + 2);
	if (argc != 3)
		error(2, 0, "usage: calls itimer SECONDS | capget VERSION | open ADDRESS | nobody COMMAND...");
	number = strtol(argv[2], NULL, 0);
	if (!strcmp(argv[1], "open"))
		err = open_path(number);
	else
		err = !strcmp(argv[1], "itimer") ? itimer(number) : capget(number);
	puts(err ? strerror(err) : "done");
	return 0;
}
