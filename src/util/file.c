// SPDX-License-Identifier: GPL-2.0
#include "util/file.h"
#include "util/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

/* The folder that @path is in. */
static char *parent_dir(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return xstrdup(".");
	return xstrndup(path, slash == path ? 1 : slash - path);
}

/* Reads to the end into *@data; *@size is what was read, more than @max where there is more. */
static int read_all(int fd, size_t first, size_t max, char **data, size_t *size)
{
	size_t capacity = first + 2, used = 0;
	char *buffer = xmalloc(capacity);
	ssize_t n;

	for (;;) {
		n = read(fd, buffer + used, capacity - used - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			n = errno;
			free(buffer);
			return n;
		}
		used += n;
		if (!n || used > max)
			break;
		if (used == capacity - 1) {
			capacity *= 2;
			buffer = xreallocarray(buffer, capacity, 1);
		}
	}
	buffer[used] = '\0';
	*data = buffer;
	*size = used;
	return 0;
}

static struct error *read_open(int fd, const char *path, size_t max, void **data, size_t *size)
{
	_cleanup_free_ char *buffer = NULL;
	struct stat st;
	size_t used = 0;
	int err;

	if (fd < 0 || fstat(fd, &st))
		return system_error(errno, "cannot open %s", path);
	if (S_ISREG(st.st_mode) && (uintmax_t)st.st_size > max)
		return system_error(EFBIG, "cannot read %s", path);
	/* A file of unknown size starts with 4 KiB; one of a known size gets room to see its end, and for what ends the text. */
	err = read_all(fd, st.st_size > 0 ? (size_t)st.st_size + 2 : 4096, max, &buffer, &used);
	if (!err && used > max)
		err = EFBIG;
	if (err)
		return system_error(err, "cannot read %s", path);
	*data = take_ptr(buffer);
	*size = used;
	return NULL;
}

struct error *file_read(const char *path, size_t max, void **data, size_t *size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	return read_open(fd, path, max, data, size);
}

struct error *file_read_plain(const char *path, const char *code, size_t max, void **data, size_t *size)
{
	/* Not to wait for whoever may write to a pipe. */
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	/* Of a folder read(2) tells. */
	if (fd >= 0 && !fstat(fd, &st) && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return refuse(code, "%s is no plain file", path);
	return read_open(fd, path, max, data, size);
}

const char *file_foreign(const struct stat *st)
{
	if (st->st_uid && st->st_uid != geteuid())
		return "belongs to neither root nor this user";
	return st->st_mode & (S_IWGRP | S_IWOTH) ? "can be written by others" : NULL;
}

static struct error *check_own(const char *path, const struct stat *st)
{
	const char *why = file_foreign(st);

	return why ? system_error(0, "%s %s, and what is in it may be of others", path, why) : NULL;
}

struct error *file_check_own(const char *path)
{
	_cleanup_free_ char *dir = parent_dir(path);
	struct stat st;

	/* Once others cannot change what is in the folder, what is found there stays. */
	if (!stat(dir, &st))
		TRY(check_own(dir, &st));
	if (lstat(path, &st))
		return errno == ENOENT || errno == ENOTDIR ? NULL : system_error(errno, "cannot look at %s", path);
	if (!S_ISREG(st.st_mode))
		return system_error(0, "%s is no plain file, and may be of others", path);
	return check_own(path, &st);
}

struct error *file_read_own(const char *path, size_t max, void **data, size_t *size)
{
	*data = NULL;
	*size = 0;
	TRY(file_check_own(path));
	return file_exists(path) ? file_read(path, max, data, size) : NULL;
}

static int write_all(int fd, const char *data, size_t size)
{
	while (size) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		data += n;
		size -= n;
	}
	return 0;
}

static int sync_dir(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	/* EINVAL: a file system that has nothing to bring to a disk. */
	if (fd < 0 || (fsync(fd) && errno != EINVAL))
		return errno;
	return 0;
}

static int write_beside(const char *aside, const char *path, const void *data, size_t size,
			mode_t mode)
{
	int fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	int err;

	if (fd < 0)
		return errno;
	err = write_all(fd, data, size);
	if (!err && fsync(fd) && errno != EINVAL)
		err = errno;
	if (close(fd) && !err)
		err = errno;
	if (!err && rename(aside, path))
		err = errno;
	if (err)
		unlink(aside);
	return err;
}

struct error *file_write(const char *path, const void *data, size_t size, mode_t mode)
{
	_cleanup_free_ char *dir = parent_dir(path);
	_cleanup_free_ char *aside = NULL;
	sigset_t fatal, before;
	uint64_t random;
	int err;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return system_error(errno, "no random number");
	aside = xasprintf("%s/" FILE_BESIDE "%016jx", dir, (uintmax_t)random);

	/* So that none of these leaves the file beside. */
	sigemptyset(&fatal);
	sigaddset(&fatal, SIGHUP);
	sigaddset(&fatal, SIGINT);
	sigaddset(&fatal, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &fatal, &before);
	err = write_beside(aside, path, data, size, mode);
	pthread_sigmask(SIG_SETMASK, &before, NULL);

	if (!err)
		err = sync_dir(dir);
	return err ? system_error(err, "cannot write %s", path) : NULL;
}

static int make_dir(const char *path)
{
	struct stat st;

	if (!mkdir(path, 0777))
		return 0;
	if (errno != EEXIST)
		return errno;
	if (stat(path, &st))
		return errno;
	return S_ISDIR(st.st_mode) ? 0 : ENOTDIR;
}

struct error *make_dirs(const char *path)
{
	_cleanup_free_ char *part = xstrdup(path);
	char *slash = part;
	int err = 0;

	while (!err && (slash = strchr(slash + 1, '/'))) {
		*slash = '\0';
		err = make_dir(part);
		*slash = '/';
	}
	if (!err)
		err = make_dir(part);
	return err ? system_error(err, "cannot create the folder %s", path) : NULL;
}

struct error *dir_sync_above(const char *path)
{
	_cleanup_free_ char *dir = parent_dir(path);
	int err = sync_dir(dir);

	if (err)
		return system_error(err, "cannot sync the folder %s", dir);
	return strcmp(dir, path) && strcmp(dir, ".") ? dir_sync_above(dir) : NULL;
}

struct error *remove_tree(const char *path)
{
	int err = remove_tree_at(AT_FDCWD, path);

	return err ? system_error(err, "cannot remove %s", path) : NULL;
}

bool file_exists(const char *path)
{
	return !access(path, F_OK);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

struct error *dir_list(const char *path, char ***names, size_t *count)
{
	size_t used = 0, capacity = 0;
	char **list = NULL;
	struct dirent *entry;
	DIR *dir = opendir(path);
	int err;

	if (!dir)
		return system_error(errno, "cannot read the folder %s", path);
	while (errno = 0, (entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		array_grow(list, used, capacity);
		list[used++] = xstrdup(entry->d_name);
	}
	err = errno;
	closedir(dir);
	if (err) {
		names_free(list, used);
		return system_error(err, "cannot read the folder %s", path);
	}
	if (used)
		qsort(list, used, sizeof(*list), compare_names);
	*names = list;
	*count = used;
	return NULL;
}

void names_free(char **names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
}

struct error *file_lock(const char *path, int *fd)
{
	int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int err = 0;

	if (lock < 0)
		return system_error(errno, "cannot open %s", path);
	while (flock(lock, LOCK_EX)) {
		err = errno;
		if (err != EINTR)
			break;
		err = 0;
	}
	if (err) {
		close(lock);
		return system_error(err, "cannot lock %s", path);
	}
	*fd = lock;
	return NULL;
}

char *path_join(const char *dir, const char *name)
{
	size_t len = strlen(dir);

	if (!len || name[0] == '/')
		return xstrdup(name);
	return xasprintf("%s%s%s", dir, dir[len - 1] == '/' ? "" : "/", name);
}

const char *file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

bool path_has_tail(const char *path, const char *part, size_t len)
{
	size_t n = strlen(path);

	return n >= len && !strncmp(path + n - len, part, len) && (n == len || path[n - len - 1] == '/');
}

char *path_normal(const char *path)
{
	char *normal = xstrdup(path), *at;

	while ((at = strstr(normal, "/./")))
		memmove(at, at + 2, strlen(at + 2) + 1);
	for (at = normal; (at = strstr(at, "/../"));) {
		char *from = at;

		while (from > normal && from[-1] != '/')
			from--;
		/* Nothing to go back from. */
		if (from == at || !strncmp(from, "../", 3)) {
			at++;
			continue;
		}
		memmove(from, at + 4, strlen(at + 4) + 1);
		at = from > normal ? from - 1 : normal;
	}
	return normal;
}

char *cache_dir(void)
{
	const char *own = getenv("KMEND_CACHE");
	const char *xdg = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");

	if (own && own[0])
		return xstrdup(own);
	/* The XDG base directory specification has relative paths ignored. */
	if (xdg && xdg[0] == '/')
		return path_join(xdg, "kmend");
	if (home && home[0] == '/')
		return path_join(home, ".cache/kmend");
	return xstrdup("/var/cache/kmend");
}
