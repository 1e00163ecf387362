// SPDX-License-Identifier: GPL-2.0
/*
 * The pre objects of many source files, for bench/proof and bench/mutate.
 *
 *   objects KIT LIST FOLDER    compiles the sources that the file LIST names, one a line, as create
 *                              does, and puts the objects into FOLDER, with a line "TARGET NAME" for
 *                              each in FOLDER/index; those that the configuration does not compile,
 *                              or that belong to several modules, are left out
 */
#include "build/compile.h"
#include "util/file.h"
#include "util/log.h"
#include "util/memory.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* So many at a time, that a run which is stopped loses no more. */
#define AT_ONCE 40
#define LIST_MAX (1u << 20)

static struct error *put(const struct compiled *o, const char *folder, FILE *index)
{
	_cleanup_free_ char *path = path_join(folder, o->name);
	_cleanup_free_ char *dir = xstrdup(path);

	*strrchr(dir, '/') = '\0';
	TRY(make_dirs(dir));
	TRY(file_write(path, o->pre_image, o->pre_size, 0644));
	fprintf(index, "%s %s\n", o->target, o->name);
	return NULL;
}

static struct error *compile(const struct tree *tree, struct patched_file *files, size_t count,
			     const char *folder, FILE *index)
{
	struct patches p = { .files = files, .file_count = count };
	struct compilation c;
	struct compile_options opts = { .jobs = sysconf(_SC_NPROCESSORS_ONLN) };
	struct error *err = compile_unpatched(tree, &p, &opts, &c);
	size_t i;

	for (i = 0; i < c.count && !err; i++)
		if (c.objects[i].built)
			err = put(&c.objects[i], folder, index);
	compilation_fini(&c);
	return err;
}

/* In a process of its own, as temporary folders stay until its end; false where it fails. */
static bool compile_apart(const struct tree *tree, struct patched_file *files, size_t count,
			  const char *folder, FILE *index)
{
	struct error *err;
	pid_t child;
	int status;

	fflush(NULL);
	child = fork();
	if (child)
		return child > 0 && waitpid(child, &status, 0) == child && !status;
	err = compile(tree, files, count, folder, index);
	if (err && count == 1)
		log_info("left out: %s", err->message);
	exit(err != NULL);
}

/* One that belongs to several modules stops them all: then each is tried alone. */
static void compile_some(const struct tree *tree, struct patched_file *files, size_t count,
			 const char *folder, FILE *index)
{
	size_t i;

	if (compile_apart(tree, files, count, folder, index))
		return;
	for (i = 0; i < count; i++)
		compile_apart(tree, files + i, 1, folder, index);
}

static struct error *compile_all(const char *kernel, const char *list, const char *folder)
{
	_cleanup_free_ char *index_path = path_join(folder, "index");
	_cleanup_fclose_ FILE *index = NULL;
	_cleanup_free_ void *text = NULL;
	struct patched_file files[AT_ONCE];
	struct kit_options options = { .kernel = kernel };
	struct tree *tree;
	struct kit *kit;
	char *line, *save = NULL;
	size_t n, size;

	TRY(file_read(list, LIST_MAX, &text, &size));
	TRY(make_dirs(folder));
	index = fopen(index_path, "we");
	if (!index)
		return system_error(0, "%s cannot be written", index_path);
	TRY(kit_open(&options, &kit));
	TRY(tree_open(kit, &tree));
	line = strtok_r(text, "\n", &save);
	while (line) {
		for (n = 0; n < AT_ONCE && line; n++, line = strtok_r(NULL, "\n", &save))
			files[n] = (struct patched_file){ line, PATCHED_SOURCE };
		compile_some(tree, files, n, folder, index);
	}
	tree_close(tree);
	kit_free(kit);
	return NULL;
}

int main(int argc, char **argv)
{
	struct error *err;

	if (argc != 4) {
		fprintf(stderr, "usage: objects KIT LIST FOLDER\n");
		return 2;
	}
	err = compile_all(argv[1], argv[2], argv[3]);
	if (!err)
		return 0;
	fprintf(stderr, "objects: %s\n", err->message);
	error_free(err);
	return 1;
}
