// SPDX-License-Identifier: GPL-2.0
/*
 * Shows what tcp-filter.patch mends: attaches a packet filter to a TCP socket
 * as an ordinary user.
 * Exit status: 0 the kernel has the fix, 1 it lacks it, 2 cannot tell.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NOBODY 65534

static int cannot(const char *what)
{
	printf("cannot %s: %s\n", what, strerror(errno));
	return 2;
}

int main(void)
{
	struct sock_filter accept_all = BPF_STMT(BPF_RET | BPF_K, 0xffff);
	struct sock_fprog filter = { .len = 1, .filter = &accept_all };
	int fd;

	if (setuid(NOBODY))
		return cannot("become an ordinary user");
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0)
		return cannot("make a TCP socket");
	if (!setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter))) {
		printf("an ordinary user attached a packet filter to a TCP socket\n");
		return 1;
	}
	if (errno != EPERM)
		return cannot("attach a packet filter");
	printf("an ordinary user may not attach a packet filter to a TCP socket\n");
	return 0;
}
