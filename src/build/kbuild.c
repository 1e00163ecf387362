// SPDX-License-Identifier: GPL-2.0
#include "build/kbuild.h"

#include "util/file.h"
#include "util/memory.h"
#include "util/process.h"

#include <string.h>

struct kbuild_folder {
	char *path;
	bool known;	/* whether the next is */
	bool descended;	/* kbuild goes there */
	char *objects;	/* " a.o b.o ", with paths; NULL where its makefile was not asked yet */
	char *folders;	/* " a b ", with paths */
};

/*
 * The makefile of one folder, read as scripts/Makefile.build reads it.  BITS
 * comes from arch/x86/Makefile otherwise.
 */
static const char probe[] =
	"include include/config/auto.conf\n"
	"obj := $(KMEND_FOLDER)\n"
	"src := $(obj)\n"
	"include $(srctree)/scripts/Kbuild.include\n"
	"include $(or $(wildcard $(srctree)/$(src)/Kbuild),$(srctree)/$(src)/Makefile)\n"
	"include $(srctree)/scripts/Makefile.lib\n"
	"$(info @objects $(sort $(real-obj-y) $(real-obj-m) $(lib-y) $(extra-y)) @)\n"
	"$(info @folders $(sort $(subdir-ym) $(subdir-y) $(subdir-m)) @)\n"
	".PHONY: kmend-probe\n"
	"kmend-probe: ;\n";

/* The list between "@key" and "@" on one line, with its blanks; empty where there is none. */
static char *read_list(const char *output, const char *key)
{
	const char *p = strstr(output, key), *end;

	p = p ? p + strlen(key) : NULL;
	end = p ? strstr(p, "@\n") : NULL;
	return end ? xstrndup(p, end - p) : xstrdup("");
}

static size_t find_folder(struct kbuild *k, const char *path)
{
	size_t i;

	for (i = 0; i < k->count; i++)
		if (!strcmp(k->folders[i].path, path))
			return i;
	k->folders = xreallocarray(k->folders, k->count + 1, sizeof(*k->folders));
	k->folders[k->count] = (struct kbuild_folder){ .path = xstrdup(path) };
	return k->count++;
}

/* Reads what the makefile of the folder lists. */
static struct error *ask(struct kbuild *k, size_t index)
{
	struct kbuild_folder *f = &k->folders[index];
	const struct tree *tree = k->tree;
	_cleanup_free_ char *srctree = xasprintf("srctree=%s", tree->source);
	_cleanup_free_ char *folder = xasprintf("KMEND_FOLDER=%s", f->path);
	_cleanup_free_ char *cc = xasprintf("CC=%s", tree->kit->compiler);
	const char *argv[] = { "make", "-s", "--no-print-directory", "-f", "-", "SRCARCH=x86", "BITS=64",
			       "objtree=.", srctree, folder, cc, "kmend-probe", NULL };
	struct process_options opts = { .argv = argv, .dir = tree->build, .env_add = build_environment,
					.input = probe, .input_size = sizeof(probe) - 1,
					.merge_stderr = true };
	_cleanup_free_ char *output = NULL;
	int status;

	if (f->objects)
		return NULL;
	TRY(process_run(&opts, &status, &output, NULL));
	f->objects = read_list(output, "@objects");
	f->folders = read_list(output, "@folders");
	return NULL;
}

static bool lists(const char *list, const char *path)
{
	_cleanup_free_ char *word = xasprintf(" %s ", path);

	return strstr(list, word) != NULL;
}

/* Cuts the last part of @path off; false where it is the only one. */
static bool to_parent(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash)
		*slash = '\0';
	return slash != NULL;
}

/* The folders that the top Makefile itself descends into, of those that it may leave out. */
static bool is_top(const char *path)
{
	return !strchr(path, '/') || !strcmp(path, "arch/x86") || !strcmp(path, "arch/x86/lib") ||
	       !strcmp(path, "arch/x86/pci") || !strcmp(path, "arch/x86/power") ||
	       !strcmp(path, "arch/x86/video") || !strcmp(path, "arch/x86/ras") ||
	       !strcmp(path, "arch/x86/math-emu");
}

/* Whether kbuild goes to the folder @path: one above it, not always the next, lists it. */
static struct error *is_descended(struct kbuild *k, const char *path, bool *descended)
{
	_cleanup_free_ char *above = xstrdup(path);
	size_t self = find_folder(k, path);

	*descended = k->folders[self].known ? k->folders[self].descended : is_top(path);
	while (!k->folders[self].known && !*descended && !is_top(above) && to_parent(above)) {
		size_t index = find_folder(k, above);
		bool there;

		TRY(is_descended(k, above, &there));
		if (!there)
			continue;
		TRY(ask(k, index));
		*descended = lists(k->folders[index].folders, path);
	}
	k->folders[self].known = true;
	k->folders[self].descended = *descended;
	return NULL;
}

struct error *kbuild_builds(struct kbuild *k, const char *object, bool *builds)
{
	_cleanup_free_ char *path = xstrdup(object);

	*builds = false;
	/* A makefile may list objects of the folders below it (svm/svm.o in arch/x86/kvm/). */
	while (!*builds && to_parent(path)) {
		size_t index = find_folder(k, path);
		bool there;

		TRY(is_descended(k, path, &there));
		if (there) {
			TRY(ask(k, index));
			*builds = lists(k->folders[index].objects, object);
		}
		if (is_top(path))
			break;
	}
	return NULL;
}

void kbuild_fini(struct kbuild *k)
{
	size_t i;

	for (i = 0; i < k->count; i++) {
		free(k->folders[i].path);
		free(k->folders[i].objects);
		free(k->folders[i].folders);
	}
	free(k->folders);
	*k = (struct kbuild){ 0 };
}
