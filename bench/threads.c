// SPDX-License-Identifier: GPL-2.0
/*
 * threads COUNT [MS]: starts COUNT threads that sleep for ever, or that wake every MS milliseconds, prints "ready" when
 * all of them have begun, and ends when its input does.
 */
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define STACK_SIZE 16384

static atomic_uint begun;
static unsigned int period_ms;

static void *sleeper(void *unused)
{
	struct timespec period = { .tv_sec = period_ms / 1000, .tv_nsec = period_ms % 1000 * 1000000 };

	begun++;
	for (;;) {
		if (period_ms)
			nanosleep(&period, NULL);
		else
			pause();
	}
	return unused;
}

int main(int argc, char **argv)
{
	unsigned int count = argc > 1 ? atoi(argv[1]) : 0, i;
	pthread_attr_t attr;
	pthread_t thread;
	char *stacks, c;
	int error;

	period_ms = argc > 2 ? atoi(argv[2]) : 0;
	/* One mapping: each thread's own would be more than a process may have. */
	stacks = mmap(NULL, (size_t)count * STACK_SIZE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (stacks == MAP_FAILED)
		err(1, "stacks");
	pthread_attr_init(&attr);
	for (i = 0; i < count; i++) {
		pthread_attr_setstack(&attr, stacks + (size_t)i * STACK_SIZE, STACK_SIZE);
		error = pthread_create(&thread, &attr, sleeper, NULL);
		if (error) {
			errno = error;
			err(1, "thread %u", i);
		}
	}
	while (begun != count)
		usleep(1000);
	puts("ready");
	fflush(stdout);
	while (read(0, &c, 1) > 0)
		;
	return 0;
}
