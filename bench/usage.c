// SPDX-License-Identifier: GPL-2.0
/*
 * usage COMMAND [ARG...]: runs it without its output, and prints the microseconds of CPU time that it and its processes took
 * and the most KiB of memory that one of them had. Its exit status is that of the command.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static long long microseconds(struct timeval t)
{
	return t.tv_sec * 1000000ll + t.tv_usec;
}

int main(int argc, char **argv)
{
	struct rusage usage;
	int status, null;
	pid_t pid;

	if (argc < 2)
		errx(2, "usage: usage COMMAND [ARG...]");
	pid = fork();
	if (pid < 0)
		err(2, "fork");
	if (!pid) {
		null = open("/dev/null", O_WRONLY);
		if (null < 0 || dup2(null, STDOUT_FILENO) < 0)
			err(2, "/dev/null");
		execvp(argv[1], argv + 1);
		err(2, "%s", argv[1]);
	}
	/* What the command waited for is part of it. */
	if (wait4(pid, &status, 0, &usage) < 0)
		err(2, "wait4");
	printf("%lld %ld\n", microseconds(usage.ru_utime) + microseconds(usage.ru_stime), usage.ru_maxrss);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}
