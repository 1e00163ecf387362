// SPDX-License-Identifier: GPL-2.0
/*
 * calls itimer SECONDS: sets and clears an interval timer; prints "done" or the error.
 * calls capget VERSION: reads the capabilities in a version of the interface (1 or 3).
 * calls nobody COMMAND...: runs it as a user without any rights.
 */
#include <error.h>
#include <errno.h>
#include <linux/capability.h>
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

static void run_as_nobody(char **argv)
{
	if (setgid(65534) || setuid(65534))
		error(2, errno, "cannot become nobody");
	execvp(argv[0], argv);
	error(2, errno, "%s", argv[0]);
}

int main(int argc, char **argv)
{
	int err;

	if (argc > 2 && !strcmp(argv[1], "nobody"))
		run_as_nobody(argv + 2);
	if (argc != 3)
		error(2, 0, "usage: calls itimer SECONDS | capget VERSION | nobody COMMAND...");
	err = !strcmp(argv[1], "itimer") ? itimer(atol(argv[2])) : capget(atol(argv[2]));
	puts(err ? strerror(err) : "done");
	return 0;
}
