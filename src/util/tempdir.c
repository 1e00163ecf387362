// SPDX-License-Identifier: GPL-2.0
/*
 * Temporary folders that go away with the process, however it ends.  What is
 * called at a signal is async-signal-safe: system calls on static data.
 *
 * A folder is called kmend-PID-RANDOM and is locked while its process lives.
 * Both are looked at before another process removes it: the process id alone
 * says nothing where a container shares /tmp, the lock alone nothing between
 * the folder's creation and its locking.
 */
#include "util/file.h"
#include "util/memory.h"
#include "util/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define MAX_TEMP_DIRS 16
#define MAX_DEPTH     128

static struct {
	char path[PATH_MAX];
} temp_dirs[MAX_TEMP_DIRS];
static volatile sig_atomic_t temp_dir_count;
static pid_t owner; /* a forked child inherits the handlers but not the folders */

static int remove_entry(int dir_fd, const char *name, int depth);

/* As the kernel writes it (include/linux/dirent.h). */
struct linux_dirent64 {
	uint64_t d_ino;
	int64_t d_off;
	unsigned short d_reclen;
	unsigned char d_type;
	char d_name[];
};

/* readdir() allocates, so this reads the folder by the system call beneath it. */
static int remove_children(int fd, int depth)
{
	_Alignas(struct linux_dirent64) char buffer[2048];
	long n, at;

	while ((n = syscall(SYS_getdents64, fd, buffer, sizeof(buffer))) > 0) {
		for (at = 0; at < n;) {
			struct linux_dirent64 *entry = (void *)(buffer + at);
			int err = 0;

			if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
				err = remove_entry(fd, entry->d_name, depth);
			if (err)
				return err;
			at += entry->d_reclen;
		}
	}
	return n < 0 ? errno : 0;
}

static int remove_dir(int dir_fd, const char *name, int depth)
{
	int fd, err, tries;

	if (depth == MAX_DEPTH)
		return ELOOP;
	/* A dying child may still create files, and a listing may miss some after removals. */
	for (tries = 0; tries < 50; tries++) {
		if (tries > 1)
			poll(NULL, 0, 10);
		fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			return errno == ENOENT ? 0 : errno;
		err = remove_children(fd, depth + 1);
		close(fd);
		if (err)
			return err;
		if (!unlinkat(dir_fd, name, AT_REMOVEDIR) || errno == ENOENT)
			return 0;
		if (errno != ENOTEMPTY && errno != EEXIST)
			return errno;
	}
	return ENOTEMPTY;
}

static int remove_entry(int dir_fd, const char *name, int depth)
{
	if (!unlinkat(dir_fd, name, 0) || errno == ENOENT)
		return 0;
	/* EISDIR is Linux's answer for a folder, EPERM that of POSIX. */
	if (errno != EISDIR && errno != EPERM)
		return errno;
	return remove_dir(dir_fd, name, depth);
}

int remove_tree_at(int dir_fd, const char *name)
{
	return remove_entry(dir_fd, name, 0);
}

static void remove_temp_dirs(void)
{
	if (getpid() != owner)
		return;
	process_kill_all();
	for (int i = 0; i < temp_dir_count; i++)
		remove_tree_at(AT_FDCWD, temp_dirs[i].path);
}

static void on_fatal_signal(int sig)
{
	remove_temp_dirs();
	/* SA_RESETHAND: delivered when this returns, and fatal then. */
	raise(sig);
}

static void catch_fatal_signals(void)
{
	static const int signals[] = { SIGHUP, SIGINT, SIGTERM, SIGPIPE };
	struct sigaction action = { .sa_handler = on_fatal_signal, .sa_flags = SA_RESETHAND };
	struct sigaction before;
	size_t i;

	sigemptyset(&action.sa_mask);
	for (i = 0; i < ARRAY_SIZE(signals); i++)
		sigaddset(&action.sa_mask, signals[i]);
	for (i = 0; i < ARRAY_SIZE(signals); i++) {
		/* nohup and its like ignore a signal for us. */
		if (!sigaction(signals[i], NULL, &before) && before.sa_handler == SIG_DFL)
			sigaction(signals[i], &action, NULL);
	}
}

/* Opens and locks the folder; -1 where another process has it or it is gone. */
static int lock_dir(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return -1;
	if (flock(fd, LOCK_EX | LOCK_NB) || fstat(fd, &st) || !st.st_nlink ||
	    st.st_uid != geteuid()) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool process_is_dead(const char *name)
{
	int pid, end = 0;

	if (sscanf(name, "kmend-%d-%n", &pid, &end) != 1 || !end || pid <= 0)
		return false;
	return kill(pid, 0) && errno == ESRCH;
}

/* Best effort: what cannot be removed now is tried again by the next process. */
static void remove_leftovers(const char *dir)
{
	_cleanup_close_ int parent = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char **names = NULL;
	size_t count = 0;

	error_free(dir_list(dir, &names, &count));
	for (size_t i = 0; i < count; i++) {
		int fd;

		if (!process_is_dead(names[i]))
			continue;
		fd = lock_dir(parent, names[i]);
		if (fd < 0)
			continue;
		remove_tree_at(parent, names[i]);
		close(fd);
	}
	names_free(names, count);
}

/* The lock is kept until the process ends. */
static struct error *create_locked(const char *dir, char *path)
{
	for (int tries = 0; tries < 10; tries++) {
		if (snprintf(path, PATH_MAX, "%s/kmend-%d-XXXXXX", dir, (int)getpid()) >= PATH_MAX)
			return system_error(ENAMETOOLONG, "no temporary folder in %s", dir);
		if (!mkdtemp(path))
			return system_error(errno, "cannot create %s", path);
		if (lock_dir(AT_FDCWD, path) >= 0)
			return NULL;
	}
	return system_error(EBUSY, "cannot lock %s", path);
}

static char *leftovers_in; /* the folder of the first temporary folder */

/*
 * What children of a killed process still wrote to its folder when this one
 * began has come to rest by now.
 */
static void remove_all(void)
{
	remove_temp_dirs();
	if (owner == getpid() && leftovers_in)
		remove_leftovers(leftovers_in);
	free(leftovers_in);
	leftovers_in = NULL;
}

struct error *temp_dir_new(char **path)
{
	const char *dir = getenv("TMPDIR");
	_cleanup_free_ char *absolute = NULL;

	if (!dir || !dir[0])
		dir = "/tmp";
	absolute = realpath(dir, NULL);
	if (!absolute)
		return system_error(errno, "cannot use %s for temporary files", dir);
	if (temp_dir_count == MAX_TEMP_DIRS)
		return system_error(0, "more than %d temporary folders", MAX_TEMP_DIRS);
	if (owner != getpid()) {
		owner = getpid();
		temp_dir_count = 0;
		catch_fatal_signals();
		leftovers_in = xstrdup(absolute);
		atexit(remove_all);
		remove_leftovers(absolute);
	}
	TRY(create_locked(absolute, temp_dirs[temp_dir_count].path));
	*path = xstrdup(temp_dirs[temp_dir_count].path);
	temp_dir_count++;
	return NULL;
}
