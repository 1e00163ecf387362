/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A made-up root for each test: what the program reads below / it reads below
 * root_folder.  Include it in one file of a test program.
 */
#ifndef KMEND_TESTS_ROOT_H
#define KMEND_TESTS_ROOT_H

#include "check.h"
#include "host/host.h"
#include "util/file.h"
#include "util/memory.h"

#include <stdlib.h>
#include <sys/types.h>

static char *temp_folder;	/* of the test program */
static char *root_folder;

/* Writes a file below the root, and the folders above it. */
static inline void put_bytes(const char *name, const void *data, size_t size, mode_t mode)
{
	_cleanup_free_ char *path = path_join(root_folder, name);
	_cleanup_free_ char *dir = xstrndup(path, strrchr(path, '/') - path);

	assert_ok(make_dirs(dir));
	assert_ok(file_write(path, data, size, mode));
}

static inline void put_text(const char *name, const char *text)
{
	put_bytes(name, text, strlen(text), 0644);
}

/* Set-up and tear-down of a test. */
static inline int set_up_root(void **state)
{
	root_folder = path_join(temp_folder, "root");
	error_free(make_dirs(root_folder));
	host_set_root(root_folder);
	return 0;
}

static inline int tear_down_root(void **state)
{
	host_set_root("");
	error_free(remove_tree(root_folder));
	free(root_folder);
	return 0;
}

/* Of the group of tests; the folder is gone at the end of the program. */
static inline int set_up_temp(void **state)
{
	struct error *err = temp_dir_new(&temp_folder);

	error_free(err);
	return err ? -1 : 0;
}

static inline int tear_down_temp(void **state)
{
	free(temp_folder);
	return 0;
}

#endif
