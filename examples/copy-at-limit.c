// SPDX-License-Identifier: GPL-2.0
/*
 * Shows what copy-at-limit.patch mends: copies a file to its end, into a file
 * that has then reached the limit of its size, and goes on until
 * copy_file_range() tells that there is no more.
 * Exit status: 0 the kernel has the fix, 1 it lacks it, 2 cannot tell.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define SIZE 4096

static const char killed[] = "copying a file to its end got the program killed by SIGXFSZ\n";

static int cannot(const char *what)
{
	printf("cannot %s: %s\n", what, strerror(errno));
	return 2;
}

static void limit_exceeded(int sig)
{
	if (write(STDOUT_FILENO, killed, strlen(killed)) < 0)
		_exit(2);
	_exit(1);
}

/* An open temporary file that has no name any more; -1: errno tells why. */
static int temporary_file(void)
{
	char name[] = "/tmp/copy-XXXXXX";
	int fd = mkstemp(name);

	if (fd >= 0)
		unlink(name);
	return fd;
}

int main(void)
{
	struct sigaction action = { .sa_handler = limit_exceeded };
	struct rlimit limit = { SIZE, SIZE };
	loff_t from = 0, to = 0;
	int in, out;

	in = temporary_file();
	out = temporary_file();
	if (in < 0 || out < 0 || ftruncate(in, SIZE))
		return cannot("make two files in /tmp");
	if (setrlimit(RLIMIT_FSIZE, &limit) || sigaction(SIGXFSZ, &action, NULL))
		return cannot("limit the size of files");
	if (copy_file_range(in, &from, out, &to, SIZE, 0) != SIZE)
		return cannot("copy a file");
	if (copy_file_range(in, &from, out, &to, SIZE, 0) != 0)
		return cannot("copy the end of a file");
	printf("copying a file to its end worked\n");
	return 0;
}
