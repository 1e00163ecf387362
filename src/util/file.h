/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Files and folders.  Errors are system errors that name the path.  Every
 * descriptor is opened with O_CLOEXEC.
 */
#ifndef KMEND_UTIL_FILE_H
#define KMEND_UTIL_FILE_H

#include "util/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

/*
 * Reads the whole file, whose size may be unknown as in /proc.  A file of more
 * than @max bytes is an error (EFBIG).  *@data is the caller's to free; a NUL
 * that *@size does not count follows its last byte.
 */
struct error *file_read(const char *path, size_t max, void **data, size_t *size) __must_use;

/*
 * The same of a file that somebody else chose: a refusal @code where it is not a
 * plain file.  It waits for nobody.
 */
struct error *file_read_plain(const char *path, const char *code, size_t max, void **data, size_t *size)
	__must_use;

/*
 * The same of a file that only this program writes: a system error where it, or
 * the folder that it is in, is of another user than root and this one, or can be
 * written by others.  *@data is NULL where there is none.
 */
struct error *file_read_own(const char *path, size_t max, void **data, size_t *size) __must_use;

/* Only looks at that; it is no error that there is no file. */
struct error *file_check_own(const char *path) __must_use;

/* Why others than root and this user could have written what @st tells of: a part of a sentence; NULL: they could not. */
const char *file_foreign(const struct stat *st);

/* So begin the names of what file_write() writes: where it was killed, one may be left. */
#define FILE_BESIDE ".kmend-"

/*
 * Replaces or creates @path with @size bytes: written beside it under another
 * name, brought to the disk, renamed.  On failure @path is as it was and
 * nothing is left beside it.  @mode is subject to the umask.  A symbolic link
 * at @path is replaced, not followed.
 */
struct error *file_write(const char *path, const void *data, size_t size, mode_t mode) __must_use;

/* Creates the folder @path and what is missing above it, mode 0777 less the umask. */
struct error *make_dirs(const char *path) __must_use;

/* Brings to the disk that @path and the folders above it are where they are: make_dirs() alone does not. */
struct error *dir_sync_above(const char *path) __must_use;

/*
 * Removes the file or folder @path with all that is in it, following no link.
 * It is no error that it does not exist.
 */
struct error *remove_tree(const char *path) __must_use;

/* Whether something is at @path, links followed, that this process may look up. */
bool file_exists(const char *path);

/*
 * The names in the folder @path but "." and "..", sorted by their bytes.
 * *@names, to be given to names_free(), has *@count of them.
 */
struct error *dir_list(const char *path, char ***names, size_t *count) __must_use;
void names_free(char **names, size_t count);

/*
 * Takes the lock file @path for this process alone, creating it where it is
 * missing, and waits for another that holds it.  Closing *@fd releases it.
 */
struct error *file_lock(const char *path, int *fd) __must_use;

/* "@dir/@name", the caller's to free; @name alone where @dir is empty or @name absolute. */
char *path_join(const char *dir, const char *name);

/* What stands behind the last slash of @path, which it points into. */
const char *file_name(const char *path);

/* Whether @path ends with the @len bytes of @part, whole parts of it. */
bool path_has_tail(const char *path, const char *part, size_t len);

/* @path without "." and ".." between its parts ("a/./b/../c" as "a/c"), as far as they have one to go back; the caller's to free. */
char *path_normal(const char *path);

/*
 * Where kmend keeps what it can make again: $KMEND_CACHE, or kmend in
 * $XDG_CACHE_HOME, ~/.cache or, for a service without a home, /var/cache.
 * The path is the caller's to free; the folder may not exist yet.
 */
char *cache_dir(void);

/*
 * A new folder of this process alone (mode 0700) under $TMPDIR or /tmp.  It is
 * removed when the process exits or dies of SIGHUP, SIGINT, SIGTERM or
 * SIGPIPE, after the children of util/process.h were killed; the next process
 * removes those of one that was killed.  *@path is the caller's to free.
 * For the main thread.
 */
struct error *temp_dir_new(char **path) __must_use;

/*
 * Part of remove_tree() for signal handlers: calls only async-signal-safe
 * functions.  Returns 0 or an errno.
 */
int remove_tree_at(int dir_fd, const char *name);

#endif
