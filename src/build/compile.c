// SPDX-License-Identifier: GPL-2.0
#include "build/compile.h"

#include "build/kbuild.h"
#include "build/kconfig.h"
#include "build/makefile.h"
#include "build/private.h"
#include "build/reach.h"
#include "build/source.h"
#include "build/tool.h"
#include "util/file.h"
#include "util/log.h"
#include "util/memory.h"
#include "util/string.h"

#include <string.h>

static char *object_name(const char *source)
{
	return xasprintf("%.*so", (int)strlen(source) - 1, source);
}

char *cmd_path(const struct tree *tree, const char *name)
{
	const char *slash = strrchr(name, '/');
	int dir = slash ? slash + 1 - name : 0;

	return xasprintf("%s/%.*s.%s.cmd", tree->build, dir, name, name + dir);
}

/* Some kernels (6.1) do not tell the module when they compile assembly. */
static struct error *ask_for_target(const struct tree *tree, const char *name, char **target)
{
	struct kbuild k = { .tree = tree };
	struct error *err = kbuild_modules(&k, name, target);

	kbuild_fini(&k);
	return err;
}

/*
 * What the object is linked into.  kbuild tells with -DMODULE and
 * -DKBUILD_MODNAME (scripts/Makefile.lib); an object of several modules has
 * their names joined with a colon.
 */
static struct error *read_target(const struct tree *tree, const char *name, char **target)
{
	static const char key[] = "-DKBUILD_MODNAME='\"";
	_cleanup_free_ char *path = cmd_path(tree, name);
	_cleanup_free_ void *data = NULL;
	const char *module, *eol;
	size_t size;

	TRY(file_read(path, CMD_MAX, &data, &size));
	eol = strchr(data, '\n');
	if (eol)
		*(char *)eol = '\0';
	if (!strstr(data, " -DMODULE ")) {
		*target = xstrdup("vmlinux");
		return NULL;
	}
	module = strstr(data, key);
	if (module) {
		module += sizeof(key) - 1;
		*target = xstrndup(module, strcspn(module, "\""));
	} else {
		TRY(ask_for_target(tree, name, target));
	}
	if (!*target)
		return refuse("TARGET-UNKNOWN", "%s: kbuild does not tell which module it belongs to", name);
	if (strchr(*target, ':'))
		return refuse("TARGET-UNKNOWN", "%s belongs to several modules (%s)", name, *target);
	return NULL;
}

/* The compiler's complaints out of make's output: from its first word on. */
static const char *complaints(const char *output)
{
	const char *error = strstr(output, "error:");

	if (!error)
		return output;
	while (error > output && error[-1] != '\n')
		error--;
	return error;
}

/* kbuild's name for "dir/file.o" or "dir/file.i"; see drop_unbuilt(). */
static struct error *goal_of(const struct tree *tree, const char *name, char **goal)
{
	_cleanup_free_ char *object = xasprintf("%.*so", (int)strlen(name) - 1, name);
	_cleanup_free_ char *path = cached_path(tree, object, ".goal");
	void *data;
	size_t size;

	if (!file_exists(path)) {
		*goal = xstrdup(name);
		return NULL;
	}
	TRY(file_read(path, CMD_MAX, &data, &size));
	*goal = data;
	(*goal)[size - 1] = name[strlen(name) - 1];
	return NULL;
}

/*
 * kbuild makes a single goal below these folders twice, once by arch/x86 and
 * once by the folder, as the top makefile lists both: never at the same time.
 */
static bool is_made_twice(const char *goal)
{
	static const char *const folders[] = { "lib", "pci", "power", "video", "ras", "math-emu" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(folders); i++) {
		_cleanup_free_ char *start = xasprintf("arch/x86/%s/", folders[i]);

		if (!strncmp(goal, start, strlen(start)))
			return true;
	}
	return false;
}

/* Makes those of the goals that are @twice, or that are not; *@output grows by what make says. */
static struct error *make_some(const struct tree *tree, char *const *goals, size_t count, bool twice, int jobs,
			       const char *flags, char **output)
{
	_cleanup_free_ const char **some = xcalloc(count + 1, sizeof(*some));
	_cleanup_free_ char *said = NULL, *before = *output;
	size_t i, n = 0;
	int status;

	*output = NULL;
	for (i = 0; i < count; i++)
		if (is_made_twice(goals[i]) == twice)
			some[n++] = goals[i];
	/* Its status says little: one goal that is not built at all fails it. */
	if (n)
		TRY(tree_make(tree, some, flags, jobs, &status, &said));
	*output = xasprintf("%s%s", before ? before : "", said ? said : "");
	return NULL;
}

struct error *make_goals(const struct tree *tree, char *const *names, size_t count, int jobs,
			 const char *flags, char **output)
{
	_cleanup_free_ char **goals = xcalloc(count + 1, sizeof(*goals));
	struct error *err = NULL;
	size_t i;

	*output = NULL;
	for (i = 0; i < count && !err; i++) {
		_cleanup_free_ char *path = path_join(tree->build, names[i]);

		err = remove_tree(path);
		if (!err)
			err = goal_of(tree, names[i], &goals[i]);
	}
	if (!err)
		err = make_some(tree, goals, count, true, 1, flags, output);
	if (!err)
		err = make_some(tree, goals, count, false, jobs, flags, output);
	for (i = 0; i < count; i++)
		free(goals[i]);
	return err;
}

char *cached_path(const struct tree *tree, const char *name, const char *suffix)
{
	return xasprintf("%s/%s%s", tree->kept, name, suffix);
}

struct error *make_parent(const char *path)
{
	_cleanup_free_ char *dir = xstrdup(path);

	*strrchr(dir, '/') = '\0';
	return make_dirs(dir);
}

/* Writes the object @from without its debug information to @to. */
static struct error *strip_debug(const struct kit *kit, const char *from, const char *to)
{
	const char *argv[] = { "objcopy", "--strip-debug", "-R", ".comment", from, to, NULL };
	struct process_options opts = { .argv = argv, .env_add = build_environment,
					.merge_stderr = true };
	_cleanup_free_ char *output = NULL;
	int status;

	TRY(tool_run(kit, &opts, &status, &output));
	return status ? system_error(0, "objcopy failed on %s: %s", from, output) : NULL;
}

static struct error *move_file(const char *from, const char *to)
{
	void *data;
	size_t size;
	struct error *err;

	/* Not a rename: the cache and the temporary folder may be on different disks. */
	TRY(file_read(from, OBJECT_MAX_SIZE, &data, &size));
	err = file_write(to, data, size, 0644);
	free(data);
	return err ? err : remove_tree(from);
}

/* Keeps what was just built as the pre object; the target's file is written last and completes it. */
static struct error *cache_pre(const struct tree *tree, const struct compiled *o)
{
	_cleanup_free_ char *built = path_join(tree->build, o->name);
	_cleanup_free_ char *kept = cached_path(tree, o->name, "");
	_cleanup_free_ char *target_path = cached_path(tree, o->name, ".target");
	_cleanup_free_ char *deps_path = cached_path(tree, o->name, ".deps");
	_cleanup_free_ char *cmd = cmd_path(tree, o->name);
	_cleanup_free_ char *target = NULL;
	_cleanup_free_ char *debug = cached_path(tree, o->name, ".debug");
	_cleanup_free_ void *deps = NULL;
	size_t deps_size;

	TRY(make_parent(kept));
	if (!file_exists(built))
		return file_write(target_path, "", 0, 0644);
	TRY(read_target(tree, o->name, &target));
	TRY(strip_debug(tree->kit, built, kept));
	TRY(move_file(built, debug));
	TRY(file_read(cmd, CMD_MAX, &deps, &deps_size));
	TRY(file_write(deps_path, deps, deps_size, 0644));
	return file_write(target_path, target, strlen(target), 0644);
}

/*
 * An object whose source is there but that kbuild knows no way to make is not part
 * of this kernel.  Whatever else keeps it from being made, as too little memory, is
 * an error.
 */
static bool is_compiled(const char *output, const struct compiled *o)
{
	_cleanup_free_ char *no_rule = xasprintf("No rule to make target '%s'", o->name);

	return !strstr(output, no_rule);
}

static struct error *compile_failed(const char *output, const char *when, const struct compiled *o)
{
	return refuse("COMPILE-FAILED", "%s does not compile %s the patch:\n%.3000s", o->source, when,
		      *output ? complaints(output) : "make ended without a word; was it killed?");
}

/* Remembers what kbuild calls the object, or that it does not know it. */
static struct error *keep_goal(const struct tree *tree, const char *name, const char *goal)
{
	_cleanup_free_ char *path = cached_path(tree, name, goal ? ".goal" : ".target");

	if (goal && !strcmp(goal, name))
		return NULL;
	TRY(make_parent(path));
	return file_write(path, goal ? goal : "", goal ? strlen(goal) : 0, 0644);
}

struct error *drop_unbuilt(const struct tree *tree, char **names, size_t *count)
{
	struct kbuild k = { .tree = tree };
	struct error *err = NULL;
	size_t i, n = 0;

	for (i = 0; i < *count && !err; i++) {
		_cleanup_free_ char *goal = NULL;

		err = kbuild_goal(&k, names[i], &goal);
		if (!err)
			err = keep_goal(tree, names[i], goal);
		if (goal)
			names[n++] = names[i];
	}
	kbuild_fini(&k);
	*count = n;
	return err;
}

static bool mention_headers(const struct patches *p)
{
	size_t i;

	for (i = 0; p && i < p->count; i++)
		if (strstr(p->diffs[i], "kmend/"))
			return true;
	return false;
}

/* The headers for patches (include/kmend) are for those that mention them.  @p: NULL without the patches. */
static struct error *make_flags(const struct tree *tree, const struct patches *p, char **flags)
{
	_cleanup_free_ char *work = NULL;

	if (!mention_headers(tree->base) && !mention_headers(p)) {
		*flags = xstrdup(OBJECT_FLAGS);
		return NULL;
	}
	TRY(temp_dir_new(&work));
	*flags = xasprintf(OBJECT_FLAGS " -I%s/include", work);
	return source_unpack(work);
}

static struct error *compile_pre(const struct tree *tree, struct compilation *c, int jobs)
{
	_cleanup_free_ char **names = xcalloc(c->count, sizeof(*names));
	_cleanup_free_ char *output = NULL, *flags = NULL;
	size_t i, n = 0;

	for (i = 0; i < c->count; i++) {
		_cleanup_free_ char *source = path_join(tree->source, c->objects[i].source);
		_cleanup_free_ char *target = cached_path(tree, c->objects[i].name, ".target");

		if (file_exists(source) && !file_exists(target))
			names[n++] = c->objects[i].name;
	}
	TRY(drop_unbuilt(tree, names, &n));
	if (!n)
		return NULL;
	TRY(make_flags(tree, NULL, &flags));
	log_progress("compiling %zu object%s without the patch", n, n > 1 ? "s" : "");
	TRY(make_goals(tree, names, n, jobs, flags, &output));
	for (i = 0; i < c->count; i++) {
		struct compiled *o = &c->objects[i];
		_cleanup_free_ char *built = path_join(tree->build, o->name);
		size_t k = 0;

		while (k < n && names[k] != o->name)
			k++;
		if (k == n)
			continue;
		if (!file_exists(built) && is_compiled(output, o))
			return compile_failed(output, "without", o);
		TRY(cache_pre(tree, o));
	}
	return NULL;
}

/* Whether @word, "/path/of/source/net/a/../b.h", is the file @path of the source. */
static bool is_file(const char *word, const char *path)
{
	_cleanup_free_ char *normal = path_normal(word);

	return path_has_tail(normal, path, strlen(path));
}

struct error *includes_patched(const struct patches *p, const char *path, bool *reached)
{
	_cleanup_free_ void *deps = NULL;
	char *word, *save = NULL;
	size_t size, i;

	TRY(file_read(path, CMD_MAX, &deps, &size));
	*reached = false;
	for (word = strtok_r(deps, " \t\n", &save); word && !*reached; word = strtok_r(NULL, " \t\n", &save))
		for (i = 0; i < p->file_count; i++)
			*reached |= ends_with(word, file_name(p->files[i].path)) && is_file(word, p->files[i].path);
	return NULL;
}

const char *outside_place(const char *source)
{
	static const char *const places[][2] = {
		{ "arch/x86/boot/", "the code that unpacks the kernel" },
		{ "arch/x86/realmode/rm/", "the code that starts processors" },
		{ "arch/x86/entry/vdso/", "the vDSO, which is mapped into every program" },
		{ "lib/vdso/", "the vDSO, which is mapped into every program" },
		{ "arch/x86/purgatory/", "the code between two kernels (kexec)" },
		{ "drivers/firmware/efi/libstub/", "the code that firmware starts" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(places); i++)
		if (!strncmp(source, places[i][0], strlen(places[i][0])))
			return places[i][1];
	return NULL;
}

/* What is only reached was noted when it was dropped. */
static struct error *check_outside(const struct compiled *o)
{
	const char *place = outside_place(o->source);

	if (!place || o->reached_only)
		return NULL;
	return refuse("OUTSIDE-KERNEL", "%s is part of %s, not of the running kernel's text", o->source, place);
}

static struct error *load_pre(const struct tree *tree, const struct patches *p, struct compilation *c)
{
	size_t i, size;

	for (i = 0; i < c->count; i++) {
		struct compiled *o = &c->objects[i];
		_cleanup_free_ char *source = path_join(tree->source, o->source);
		_cleanup_free_ char *path = cached_path(tree, o->name, "");
		_cleanup_free_ char *target_path = cached_path(tree, o->name, ".target");
		_cleanup_free_ char *deps = cached_path(tree, o->name, ".deps");
		void *target;

		if (!file_exists(source))
			continue;
		TRY(file_read(target_path, CMD_MAX, &target, &size));
		o->target = target;
		o->built = size > 0;
		if (o->built && o->reached_only)
			TRY(includes_patched(p, deps, &o->built));
		if (!o->built)
			TRY(check_outside(o));
		if (!o->built)
			continue;
		TRY(file_read(path, OBJECT_MAX_SIZE, &o->pre_image, &o->pre_size));
		TRY(object_parse(xmemdup(o->pre_image, o->pre_size), o->pre_size, o->name, &o->pre));
		o->pre_debug = cached_path(tree, o->name, ".debug");
	}
	return NULL;
}

static struct error *load_post(const struct tree *tree, const char *work, size_t number,
			       struct compiled *o, const char *output)
{
	_cleanup_free_ char *stripped = xasprintf("%s/%zu.o", work, number);
	_cleanup_free_ char *source = path_join(tree->source, o->source);
	_cleanup_free_ char *built = path_join(tree->build, o->name);

	if (!file_exists(source))
		return NULL; /* the patch deletes it */
	if (!file_exists(built)) {
		if (o->pre || is_compiled(output, o))
			return compile_failed(output, "with", o);
		return NULL;
	}
	if (!o->target)
		TRY(read_target(tree, o->name, &o->target));
	o->built = true;
	o->post_debug = xasprintf("%s/%zu.debug", work, number);
	TRY(strip_debug(tree->kit, built, stripped));
	/* What was built from patched files must not be taken for anything else. */
	TRY(move_file(built, o->post_debug));
	return object_open(stripped, o->name, &o->post);
}

/* Whether the patched tree has the source, and its makefiles list it. */
static struct error *is_made_post(struct kbuild *k, const struct compiled *o, bool *made)
{
	_cleanup_free_ char *source = path_join(k->tree->source, o->source);
	_cleanup_free_ char *goal = NULL;

	*made = o->built && file_exists(source);
	if (o->target || !file_exists(source))
		return NULL;
	TRY(kbuild_goal(k, o->name, &goal));
	*made = goal != NULL;
	return NULL;
}

static struct error *compile_post(const struct tree *tree, const struct patches *p,
				  struct compilation *c, int jobs)
{
	_cleanup_free_ char **names = xcalloc(c->count, sizeof(*names));
	_cleanup_free_ bool *made = xcalloc(c->count, sizeof(*made));
	_cleanup_free_ char *output = NULL, *work = NULL, *flags = NULL;
	struct kbuild k = { .tree = tree };
	struct error *err = NULL;
	size_t i, n = 0;

	TRY(temp_dir_new(&work));
	TRY(make_flags(tree, p, &flags));
	TRY(patch_apply(tree, p));
	for (i = 0; i < c->count && !err; i++) {
		err = is_made_post(&k, &c->objects[i], &made[i]);
		if (made[i])
			names[n++] = c->objects[i].name;
	}
	kbuild_fini(&k);
	if (err || !n)
		return err;
	log_progress("compiling %zu object%s with the patch", n, n > 1 ? "s" : "");
	TRY(make_goals(tree, names, n, jobs, flags, &output));
	for (i = 0; i < c->count; i++)
		if (made[i])
			TRY(load_post(tree, work, i, &c->objects[i], output));
	return NULL;
}

/* What was there of a file before the patch adds it: an object of nothing. */
static struct error *make_empty_pre(const struct tree *tree, struct compiled *o)
{
	_cleanup_free_ char *work = NULL, *path = NULL, *output = NULL;
	const char *argv[] = { tree->kit->compiler, "-fno-ident", "-x", "c", "-c", "/dev/null", "-o", NULL, NULL };
	struct process_options opts = { .argv = argv, .env_add = build_environment, .merge_stderr = true };
	int status;

	TRY(temp_dir_new(&work));
	argv[7] = path = path_join(work, "empty.o");
	TRY(tool_run(tree->kit, &opts, &status, &output));
	if (status)
		return system_error(0, "%s does not compile an empty file: %s", tree->kit->compiler, output);
	TRY(file_read(path, OBJECT_MAX_SIZE, &o->pre_image, &o->pre_size));
	return object_parse(xmemdup(o->pre_image, o->pre_size), o->pre_size, o->name, &o->pre);
}

/* A file that the patch adds can only become a part of what runs. */
static struct error *complete_added(const struct tree *tree, struct compilation *c)
{
	struct kbuild k = { .tree = tree };
	struct error *err = NULL;
	size_t i;

	for (i = 0; i < c->count && !err; i++) {
		struct compiled *o = &c->objects[i];
		bool known = true;

		if (!o->built || o->pre)
			continue;
		if (strcmp(o->target, "vmlinux"))
			err = kbuild_has_module(&k, o->name, o->target, &known);
		if (!err && !known)
			err = refuse("FILE-ADDED", "the patch adds %s, which becomes a module of its own, %s",
				     o->source, o->target);
		if (!err)
			err = make_empty_pre(tree, o);
	}
	kbuild_fini(&k);
	return err;
}

static void add_source(struct compilation *c, const char *source, bool reached_only)
{
	c->objects[c->count++] = (struct compiled){ .source = xstrdup(source), .name = object_name(source),
						    .reached_only = reached_only };
}

/* What no compiler for it was asked to compile: kbuild makes a file for each option that is set. */
static bool is_unused_rust(const struct tree *tree, const char *path)
{
	_cleanup_free_ char *file = path_join(tree->build, "include/config/RUST");
	size_t len = strlen(path);

	return len > 3 && !strcmp(path + len - 3, ".rs") && !file_exists(file);
}

static struct error *check_config_in(const char *dir, const struct tree *tree, const struct patches *p, const char *paths)
{
	TRY(make_dirs(dir));
	TRY(patch_copy_plain(tree, p, dir));
	TRY(patch_apply_in(dir, p));
	return kconfig_check(tree, dir, paths);
}

/* In the tree's folder, where programs are run anyway. */
static struct error *check_config(const struct tree *tree, const struct patches *p, const char *paths)
{
	_cleanup_free_ char *dir = path_join(tree->path, "config");
	struct error *err, *worse;

	/* A create that was killed may have left one. */
	TRY(remove_tree(dir));
	err = check_config_in(dir, tree, p, paths);
	worse = remove_tree(dir);
	if (!err)
		return worse;
	error_free(worse);
	return err;
}

static struct error *check_build(const struct tree *tree, const struct patches *p)
{
	_cleanup_free_ char *kconfig = NULL;
	size_t i;

	for (i = 0; i < p->file_count; i++) {
		const char *path = p->files[i].path;
		char *longer;

		if (p->files[i].kind != PATCHED_BUILD || makefile_only_lists_added(tree, p, path) ||
		    is_unused_rust(tree, path))
			continue;
		if (!kconfig_is(path))
			return refuse("BUILD-CHANGED",
				      "the patch changes %s, which says how the kernel is built, or what its sources are made of: a running kernel cannot be rebuilt",
				      path);
		longer = xasprintf("%s%s%s", kconfig ? kconfig : "", kconfig ? ", " : "", path);
		free(kconfig);
		kconfig = longer;
	}
	return kconfig ? check_config(tree, p, kconfig) : NULL;
}

static struct error *list_objects(const struct tree *tree, const struct patches *p,
				  const struct compile_options *opts, struct compilation *c)
{
	struct reach r;
	size_t i;

	TRY(check_build(tree, p));
	TRY(reach_find(tree, p, opts->others, &r));
	c->objects = xcalloc(p->file_count + r.count, sizeof(*c->objects));
	for (i = 0; i < p->file_count; i++)
		if (p->files[i].kind == PATCHED_SOURCE)
			add_source(c, p->files[i].path, false);
	for (i = 0; i < r.count; i++)
		add_source(c, r.sources[i], true);
	c->touched = r.touched;
	r.touched = (struct names){ 0 };
	c->numbers = r.numbers;
	r.numbers = (struct changed_values){ 0 };
	reach_fini(&r);
	if (!c->count)
		return refuse("NOTHING-COMPILED", "the patch touches no source code of this kernel");
	return NULL;
}

static struct error *check_any_built(const struct compilation *c)
{
	size_t i;

	for (i = 0; i < c->count; i++)
		if (c->objects[i].built)
			return NULL;
	/* What only a header reaches is dropped where it is not compiled. */
	if (!c->count)
		return refuse("NOTHING-COMPILED", "the patch touches no code that this kernel's configuration compiles");
	return refuse("NOTHING-COMPILED",
		      "the patch touches no code that this kernel's configuration compiles: %s%s",
		      c->objects[0].source, c->count > 1 ? " and others" : "");
}

struct error *compile_unpatched(const struct tree *tree, const struct patches *p,
				const struct compile_options *opts, struct compilation *c)
{
	*c = (struct compilation){ 0 };
	TRY(list_objects(tree, p, opts, c));
	TRY(sift_objects(tree, p, opts, c));
	TRY(compile_pre(tree, c, opts->jobs));
	return load_pre(tree, p, c);
}

struct error *compile_patches(const struct tree *tree, const struct patches *p,
			      const struct compile_options *opts, struct compilation *c)
{
	struct error *err, *worse;

	TRY(compile_unpatched(tree, p, opts, c));
	err = compile_post(tree, p, c, opts->jobs);
	worse = patch_restore(tree);
	if (!err)
		err = worse;
	else
		error_free(worse);
	if (!err)
		err = complete_added(tree, c);
	return err ? err : check_any_built(c);
}

void compiled_fini(struct compiled *o)
{
	object_free(o->pre);
	object_free(o->post);
	free(o->pre_image);
	free(o->pre_debug);
	free(o->post_debug);
	free(o->source);
	free(o->name);
	free(o->target);
}

void compilation_fini(struct compilation *c)
{
	size_t i;

	for (i = 0; i < c->count; i++)
		compiled_fini(&c->objects[i]);
	names_fini(&c->touched);
	changed_values_fini(&c->numbers);
	free(c->objects);
	*c = (struct compilation){ 0 };
}
