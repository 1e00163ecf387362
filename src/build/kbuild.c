// SPDX-License-Identifier: GPL-2.0
#include "build/kbuild.h"

#include "build/tool.h"
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
	char *modules;	/* " a.o b.o ", with paths: what each is linked to */
	char *parts;	/* " a:x.o a:y.o ", with paths: of modules that are made of several */
	bool failed;	/* make, on its makefile: it may be one that others include */
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
	"$(info @modules $(sort $(obj-m)) @)\n"
	"$(info @parts $(foreach m,$(patsubst %.o,%,$(notdir $(obj-m))),"
	"$(patsubst %,$(m):$(obj)/%,$(sort $($(m)-objs) $($(m)-y) $($(m)-m)))) @)\n"
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
	/* Makefiles include others by paths in the source, as the top one lets them. */
	const char *argv[] = { "make", "-s", "--no-print-directory", "-I", tree->source, "-f", "-", "SRCARCH=x86",
			       "BITS=64", "objtree=.", srctree, folder, cc, "kmend-probe", NULL };
	struct process_options opts = { .argv = argv, .dir = tree->build, .env_add = build_environment,
					.input = probe, .input_size = sizeof(probe) - 1,
					.merge_stderr = true };
	_cleanup_free_ char *output = NULL;
	int status;

	if (f->objects)
		return NULL;
	TRY(tool_run(tree->kit, &opts, &status, &output));
	f->failed = status;
	f->objects = read_list(output, "@objects");
	f->folders = read_list(output, "@folders");
	f->modules = read_list(output, "@modules");
	f->parts = read_list(output, "@parts");
	return NULL;
}

/* The same of a folder that kbuild goes to, where lists that are cut short would be taken for whole ones. */
static struct error *ask_descended(struct kbuild *k, size_t index)
{
	TRY(ask(k, index));
	if (k->folders[index].failed)
		return system_error(0, "make cannot read what is to be built in %s of %s", k->folders[index].path,
				    k->tree->source);
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
		TRY(ask_descended(k, index));
		*descended = lists(k->folders[index].folders, path);
	}
	k->folders[self].known = true;
	k->folders[self].descended = *descended;
	return NULL;
}

static struct error *builds_as_named(struct kbuild *k, const char *object, bool *builds)
{
	_cleanup_free_ char *path = xstrdup(object);

	*builds = false;
	/* A makefile may list objects of the folders below it (svm/svm.o in arch/x86/kvm/). */
	while (!*builds && to_parent(path)) {
		size_t index = find_folder(k, path);
		bool there;

		TRY(is_descended(k, path, &there));
		if (there) {
			TRY(ask_descended(k, index));
			*builds = lists(k->folders[index].objects, object);
		}
		if (is_top(path))
			break;
	}
	return NULL;
}

/* The folders whose makefiles may list objects of elsewhere, as "../misc/x.o", or by what they include. */
static struct error *find_foreign(struct kbuild *k)
{
	const char *argv[] = { "grep", "-rlE", "^include |\\.\\./.*\\.o", "--include=Makefile", "--include=Kbuild",
			       "arch/x86", "block", "crypto", "drivers", "fs", "kernel", "lib", "mm", "net",
			       "security", "sound", "virt", NULL };
	struct process_options opts = { .argv = argv, .dir = k->tree->source, .env_add = build_environment };
	int status;

	if (k->foreign)
		return NULL;
	TRY(process_run(&opts, &status, &k->foreign, NULL));
	return NULL;
}

/* The word of @list that stands for @object, where another folder's makefile lists it. */
static char *find_word(const char *list, const char *object)
{
	_cleanup_free_ char *words = xstrdup(list);
	char *word, *save = NULL;

	for (word = strtok_r(words, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		_cleanup_free_ char *normal = path_normal(word);

		if (strstr(word, "/../") && !strcmp(normal, object))
			return xstrdup(word);
	}
	return NULL;
}

static struct error *find_goal(struct kbuild *k, const char *object, char **goal)
{
	_cleanup_free_ char *paths = NULL;
	char *path, *save = NULL;

	TRY(find_foreign(k));
	paths = xstrdup(k->foreign);
	for (path = strtok_r(paths, "\n", &save); path && !*goal; path = strtok_r(NULL, "\n", &save)) {
		size_t index;
		bool there;

		if (!to_parent(path))
			continue;
		TRY(is_descended(k, path, &there));
		if (!there)
			continue;
		index = find_folder(k, path);
		TRY(ask_descended(k, index));
		*goal = find_word(k->folders[index].objects, object);
	}
	return NULL;
}

struct error *kbuild_goal(struct kbuild *k, const char *object, char **goal)
{
	bool builds;

	*goal = NULL;
	TRY(builds_as_named(k, object, &builds));
	if (!builds)
		return find_goal(k, object, goal);
	*goal = xstrdup(object);
	return NULL;
}

/* Whether @list has "folder/name.o" for the module @name, in whose name a dash is an underscore. */
static bool lists_module(const char *list, const char *name)
{
	_cleanup_free_ char *names = xstrdup(list);
	char *word, *save = NULL;

	for (word = strtok_r(names, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		char *slash = strrchr(word, '/'), *p;

		word = slash ? slash + 1 : word;
		for (p = word; (p = strchr(p, '-'));)
			*p = '_';
		if (!strncmp(word, name, strlen(name)) && !strcmp(word + strlen(name), ".o"))
			return true;
	}
	return false;
}

struct error *kbuild_has_module(struct kbuild *k, const char *object, const char *name, bool *has)
{
	_cleanup_free_ char *path = xstrdup(object);

	*has = false;
	while (!*has && to_parent(path)) {
		size_t index = find_folder(k, path);

		TRY(ask(k, index));
		*has = lists_module(k->folders[index].modules, name);
		if (is_top(path))
			break;
	}
	return NULL;
}

/* Adds the module to those whose names, joined with a colon, are in *@names. */
static void add_module(char **names, const char *name, size_t size)
{
	char *before = *names, *p;

	*names = xasprintf("%s%s%.*s", before ? before : "", before ? ":" : "", (int)size, name);
	for (p = *names; *p; p++)
		if (*p == '-' || *p == ',')
			*p = '_';
	free(before);
}

/* The modules that the folder's makefile makes of @object, alone or among others. */
static void find_modules(const struct kbuild_folder *f, const char *object, char **names)
{
	_cleanup_free_ char *words = xstrdup(f->parts);
	char *word, *save = NULL;

	for (word = strtok_r(words, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		size_t size = strcspn(word, ":");

		if (word[size] && !strcmp(word + size + 1, object))
			add_module(names, word, size);
	}
	if (!*names && lists(f->modules, object)) {
		const char *name = strrchr(object, '/') + 1;

		add_module(names, name, strlen(name) - 2);
	}
}

struct error *kbuild_modules(struct kbuild *k, const char *object, char **names)
{
	_cleanup_free_ char *path = xstrdup(object);

	*names = NULL;
	while (!*names && to_parent(path)) {
		size_t index = find_folder(k, path);

		TRY(ask(k, index));
		find_modules(&k->folders[index], object, names);
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
		free(k->folders[i].modules);
		free(k->folders[i].parts);
	}
	free(k->folders);
	free(k->foreign);
	*k = (struct kbuild){ 0 };
}
