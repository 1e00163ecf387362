// SPDX-License-Identifier: GPL-2.0
/*
 * Threads that wait, each in a system call of its own, until a line comes on standard input; then each gets what it
 * waits for.  Prints "ready" when all wait, and for each at the end its name and what the call returned, or the errno.
 */
#include <err.h>
#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define NAP_S 30

static int fds[2];		/* a pipe that all wait for and nobody reads */
static int eaten[2], pair[2];	/* a pipe and a socket that are read */
static unsigned int word;
static struct timespec start;

static long wait_read(void)
{
	char c;

	return read(eaten[0], &c, 1);
}

static long wait_recv(void)
{
	struct timeval limit = { .tv_sec = 120 };
	char c;

	setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	return recv(pair[0], &c, 1, 0);
}

static long wait_poll(void)
{
	struct pollfd p = { .fd = fds[0], .events = POLLIN };

	return poll(&p, 1, 120000);
}

static long wait_select(void)
{
	fd_set set;

	FD_ZERO(&set);
	FD_SET(fds[0], &set);
	return select(fds[0] + 1, &set, NULL, NULL, NULL);
}

static long wait_epoll(void)
{
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(0);

	epoll_ctl(epoll, EPOLL_CTL_ADD, fds[0], &event);
	return epoll_wait(epoll, &event, 1, 120000);
}

static long wait_futex(void)
{
	return syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0);
}

static long wait_signal(void)
{
	struct timespec limit = { .tv_sec = 120 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	return sigtimedwait(&set, NULL, &limit) == SIGUSR1;
}

/* 0 only where it took its time, and not much more. */
static long wait_nap(void)
{
	struct timespec nap = { .tv_sec = NAP_S }, now;
	int result = nanosleep(&nap, NULL);

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!result && (now.tv_sec - start.tv_sec < NAP_S || now.tv_sec - start.tv_sec > NAP_S + 10))
		return now.tv_sec - start.tv_sec;
	return result;
}

static struct waiter {
	const char *name;
	long (*wait)(void);
	long result;
	int error;
	pthread_t thread;
} waiters[] = {
	{ .name = "read", .wait = wait_read },	   { .name = "recv", .wait = wait_recv },
	{ .name = "poll", .wait = wait_poll },	   { .name = "select", .wait = wait_select },
	{ .name = "epoll", .wait = wait_epoll },   { .name = "futex", .wait = wait_futex },
	{ .name = "signal", .wait = wait_signal }, { .name = "nap", .wait = wait_nap },
};

#define for_each_waiter(w) for (w = waiters; w < waiters + sizeof(waiters) / sizeof(waiters[0]); w++)

static void *run(void *arg)
{
	struct waiter *w = arg;

	w->result = w->wait();
	w->error = errno;
	return NULL;
}

static void wake_all(void)
{
	word = 1;
	if (write(fds[1], "x", 1) != 1 || write(eaten[1], "x", 1) != 1 || write(pair[1], "x", 1) != 1 ||
	    syscall(SYS_futex, &word, FUTEX_WAKE, 1, NULL, NULL, 0) != 1 || kill(getpid(), SIGUSR1))
		err(1, "what they wait for");
}

int main(void)
{
	struct waiter *w;
	sigset_t set;
	char line[16];

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (pipe(fds) || pipe(eaten) || socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		err(1, "pipes");
	clock_gettime(CLOCK_MONOTONIC, &start);
	for_each_waiter(w)
		if (pthread_create(&w->thread, NULL, run, w))
			errx(1, "threads");
	sleep(1);
	puts("ready");
	fflush(stdout);
	if (read(0, line, sizeof(line)) < 1)
		err(1, "standard input");
	wake_all();
	for_each_waiter(w) {
		pthread_join(w->thread, NULL);
		printf("%s %ld%s%s\n", w->name, w->result, w->result < 0 ? " " : "",
		       w->result < 0 ? strerrorname_np(w->error) : "");
	}
	return 0;
}
