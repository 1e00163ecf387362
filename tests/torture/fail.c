// SPDX-License-Identifier: GPL-2.0
/*
 * Does something while the kernel fails one allocation that a thread makes for
 * it (Documentation/fault-injection, "fail-nth").
 *
 *	fail N load FILE	loads a module
 *	fail N unload NAME	unloads one
 *	fail N write FILE TEXT	writes, with one write
 *	fail N switch TEXT	writes to the engine's "switch" and waits for its
 *				outcome; it is the engine's thread that must do
 *				without its Nth allocation
 *
 * Prints "done" or the name of the errno, and "hit" where there was an Nth
 * allocation and it failed, else "through" and how many there were.
 */
#include <dirent.h>
#include <errno.h>
#include <error.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define die(...) error(2, errno, __VA_ARGS__)
#define SYS "/sys/kernel/kmend/"

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die("%s", path);
	close(fd);
}

static void read_file(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

	if (n < 0)
		die("%s", path);
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	close(fd);
}

/* The kernel thread of this name. */
static int find_thread(const char *name)
{
	DIR *proc = opendir("/proc");
	char path[64], comm[64];
	struct dirent *entry;
	int pid = 0;

	while (proc && !pid && (entry = readdir(proc))) {
		if (!atoi(entry->d_name))
			continue;
		snprintf(path, sizeof(path), "/proc/%d/comm", atoi(entry->d_name));
		read_file(path, comm, sizeof(comm));
		if (!strcmp(comm, name))
			pid = atoi(entry->d_name);
	}
	if (!pid)
		error(2, 0, "there is no thread %s", name);
	closedir(proc);
	return pid;
}

/* What is opened and read before and after is not to fail. */
static int begin(const char *fail_nth, const char *n)
{
	int fd = open(fail_nth, O_RDWR);

	if (fd < 0 || write(fd, n, strlen(n)) < 0)
		die("%s", fail_nth);
	return fd;
}

/* Return: how many allocations were left until one would have failed, 0 where it did. */
static int end(int fd)
{
	char left[16] = "";

	if (pread(fd, left, sizeof(left) - 1, 0) < 0 || pwrite(fd, "0", 1, 0) < 0)
		die("fail-nth");
	close(fd);
	return atoi(left);
}

static int one_call(char **argv, int *left)
{
	int fail, err = 0, fd = -1;

	if (strcmp(argv[2], "unload"))
		fd = open(argv[3], strcmp(argv[2], "write") ? O_RDONLY : O_WRONLY);
	if (fd < 0 && strcmp(argv[2], "unload"))
		die("%s", argv[3]);
	fail = begin("/proc/thread-self/fail-nth", argv[1]);
	if (!strcmp(argv[2], "load"))
		err = syscall(SYS_finit_module, fd, "", 0);
	else if (!strcmp(argv[2], "unload"))
		err = syscall(SYS_delete_module, argv[3], O_NONBLOCK);
	else
		err = write(fd, argv[4], strlen(argv[4]));
	err = err < 0 ? errno : 0;
	*left = end(fail);
	return err;
}

static int one_switch(char **argv, int *left)
{
	char path[64], outcome[64];
	int fail;

	snprintf(path, sizeof(path), "/proc/%d/fail-nth", find_thread("kmend"));
	fail = begin(path, argv[1]);
	write_file(SYS "switch", argv[3]);
	do {
		usleep(20000);
		read_file(SYS "outcome", outcome, sizeof(outcome));
	} while (!strncmp(outcome, "running", 7));
	*left = end(fail);
	return atoi(outcome);
}

int main(int argc, char **argv)
{
	int err, left;

	if (argc < 4 || (!strcmp(argv[2], "write") && argc != 5))
		error(2, 0, "usage: fail N load|unload|write|switch WHAT [TEXT]");
	err = strcmp(argv[2], "switch") ? one_call(argv, &left) : one_switch(argv, &left);
	printf("%s ", err ? strerrorname_np(err) : "done");
	if (left)
		printf("through %d\n", atoi(argv[1]) - left);
	else
		puts("hit");
	return 0;
}
