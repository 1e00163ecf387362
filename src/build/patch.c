// SPDX-License-Identifier: GPL-2.0
#include "build/patch.h"

#include "build/kconfig.h"
#include "build/lines.h"
#include "build/unified.h"
#include "util/file.h"
#include "util/memory.h"
#include "util/process.h"
#include "util/string.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define PATCH_MAX (64ul << 20)	/* bytes of a patch file */

/* Below arch/, all but x86's own folder is other kernels' (arch/x86/um with ARCH=um). */
static bool is_foreign(const char *path)
{
	if (strncmp(path, "arch/", 5) || !strchr(path + 5, '/'))
		return false;
	return strncmp(path, "arch/x86/", 9) || !strncmp(path, "arch/x86/um/", 12);
}

/* What nobody compiles: texts, and what git and editors read (.gitignore). */
static bool is_text(const char *name)
{
	static const char *const names[] = { "README", "TODO", "MAINTAINERS", "CREDITS", "COPYING" };
	static const char *const ends[] = { ".rst", ".txt", ".yaml", ".md" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	for (i = 0; i < ARRAY_SIZE(ends); i++)
		if (ends_with(name, ends[i]))
			return true;
	return *name == '.';
}

/* The sources of a library outside of the kernel that it compiles into itself (kernel/bpf/Makefile). */
static bool is_borrowed(const char *path)
{
	static const char *const names[] = { "relo_core.c", "btf_iter.c", "btf_relocate.c" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (starts_with(path, "tools/lib/bpf/") && !strcmp(file_name(path), names[i]))
			return true;
	return false;
}

static enum patched_kind kind_of(const char *path)
{
	static const char *const outside[] = { "Documentation/", "tools/", "samples/", "scripts/",
					       "LICENSES/", "usr/" };
	const char *name = strrchr(path, '/');
	size_t i;

	name = name ? name + 1 : path;
	if (is_foreign(path))
		return PATCHED_NOTHING;
	/* Some of these folders have Kconfig files that the kernel's own read, and one has sources of its own. */
	if (kconfig_is(path) || is_borrowed(path))
		return PATCHED_BUILD;
	for (i = 0; i < ARRAY_SIZE(outside); i++)
		if (!strncmp(path, outside[i], strlen(outside[i])))
			return PATCHED_NOTHING;
	/* The table of the kernel's own decoder is made of it. */
	if (!strcmp(path, "arch/x86/lib/x86-opcode-map.txt"))
		return PATCHED_BUILD;
	if (!strncmp(name, "Makefile", 8) || !strncmp(name, "Kbuild", 6) ||
	    ends_with(name, ".lds") || ends_with(name, ".lds.h") ||
	    ends_with(name, ".lds.S"))
		return PATCHED_BUILD;
	if (ends_with(name, ".c") || ends_with(name, ".S"))
		return PATCHED_SOURCE;
	if (ends_with(name, ".h"))
		return PATCHED_HEADER;
	return is_text(name) ? PATCHED_NOTHING : PATCHED_BUILD;
}

/* The path behind "--- " or "+++ ", its first part taken off (-p1); NULL for /dev/null. */
static char *path_of(const char *line)
{
	size_t len = strcspn(line, "\t\r\n");
	const char *slash = memchr(line, '/', len);

	if (!strncmp(line, "/dev/null", 9) || !slash)
		return NULL;
	return xstrndup(slash + 1, len - (slash + 1 - line));
}

static bool path_is_safe(const char *path)
{
	return *path && *path != '/' && strcmp(path, "..") && strncmp(path, "../", 3) && !strstr(path, "/../") &&
	       !ends_with(path, "/..");
}

static struct error *add_file(struct patches *p, const char *from, char *path)
{
	size_t i;

	if (!path_is_safe(path)) {
		struct error *err = refuse("PATCH-INVALID", "%s touches %s, which is outside the source",
					   from, path);
		free(path);
		return err;
	}
	for (i = 0; i < p->file_count; i++) {
		if (!strcmp(p->files[i].path, path)) {
			free(path);
			return NULL;
		}
	}
	p->files = xreallocarray(p->files, p->file_count + 1, sizeof(*p->files));
	p->files[p->file_count++] = (struct patched_file){ path, kind_of(path) };
	return NULL;
}

/* What git says of a file that comes or goes. */
static bool is_mode_of_file(const char *line)
{
	return !strncmp(line, "new file mode ", 14) || !strncmp(line, "deleted file mode ", 18);
}

/* Whether the names of a file come, behind "index", before another one does. */
static bool names_file(const char *line)
{
	if (!strncmp(line, "index ", 6))
		line = unified_next(line);
	return !strncmp(line, "--- ", 4) || !strncmp(line, "GIT binary patch", 16) || !strncmp(line, "Binary files ", 13);
}

static struct error *find_files(struct patches *p, const char *from, const char *text)
{
	size_t files = 0, hunks = 0;
	const char *line, *next;

	for (line = text; *line; line = next) {
		next = unified_next(line);
		if (!strncmp(line, "@@ -", 4))
			hunks++;
		/* patch(1) would do these, and nothing here names the file. */
		if (!strncmp(line, "similarity index 100%", 21))
			return refuse("PATCH-INVALID",
				      "%s renames or copies a file without changing it (make it with git diff --no-renames)",
				      from);
		if (is_mode_of_file(line) && !names_file(next))
			return refuse("PATCH-INVALID", "%s adds or deletes an empty file", from);
		if (strncmp(line, "--- ", 4) || strncmp(next, "+++ ", 4))
			continue;
		for (int side = 0; side < 2; side++) {
			char *path = path_of((side ? next : line) + 4);

			if (!path)
				continue;
			TRY(add_file(p, from, path));
			files++;
		}
	}
	if (strstr(text, "GIT binary patch"))
		return refuse("PATCH-INVALID", "%s holds a binary change", from);
	if (!files || !hunks)
		return refuse("PATCH-INVALID", "%s is no unified diff (patch -p1 form)", from);
	return NULL;
}

static int file_order(const void *a, const void *b)
{
	return strcmp(((const struct patched_file *)a)->path, ((const struct patched_file *)b)->path);
}

/* @text, which ends with a NUL, is taken over. */
static struct error *add_patch(struct patches *p, const char *name, void *text, size_t size)
{
	bool other_form;

	p->paths = xreallocarray(p->paths, p->count + 1, sizeof(*p->paths));
	p->texts = xreallocarray(p->texts, p->count + 1, sizeof(*p->texts));
	p->sizes = xreallocarray(p->sizes, p->count + 1, sizeof(*p->sizes));
	p->diffs = xreallocarray(p->diffs, p->count + 1, sizeof(*p->diffs));
	p->paths[p->count] = xstrdup(name);
	p->texts[p->count] = text;
	p->sizes[p->count] = size;
	p->diffs[p->count++] = unified_only(text, &other_form);
	if (strlen(text) != size)
		return refuse("PATCH-INVALID", "%s is no text", name);
	if (other_form)
		return refuse("PATCH-INVALID", "%s holds a context diff, or one of a merge: make it with git diff, or diff -u", name);
	TRY(find_files(p, name, p->diffs[p->count - 1]));
	qsort(p->files, p->file_count, sizeof(*p->files), file_order);
	return NULL;
}

struct error *patches_add(struct patches **p, const char *name, const void *text, size_t size)
{
	char *copy = xmalloc(size + 1);

	memcpy(copy, text, size);
	copy[size] = '\0';
	if (!*p)
		*p = xcalloc(1, sizeof(**p));
	return add_patch(*p, name, copy, size);
}

struct error *patches_read(char *const *paths, size_t count, struct patches **out)
{
	struct patches *p = xcalloc(1, sizeof(*p));
	struct error *err = NULL;
	size_t i, size;

	for (i = 0; i < count && !err; i++) {
		void *text;

		err = file_read(paths[i], PATCH_MAX, &text, &size);
		if (!err)
			err = add_patch(p, paths[i], text, size);
	}
	if (err) {
		patches_free(p);
		return err;
	}
	*out = p;
	return NULL;
}

void patches_free(struct patches *p)
{
	size_t i;

	if (!p)
		return;
	for (i = 0; i < p->count; i++) {
		free(p->paths[i]);
		free(p->texts[i]);
		free(p->diffs[i]);
	}
	for (i = 0; i < p->file_count; i++)
		free(p->files[i].path);
	free(p->paths);
	free(p->texts);
	free(p->sizes);
	free(p->diffs);
	free(p->files);
	free(p);
}

static struct error *make_dirs_above(const char *path)
{
	_cleanup_free_ char *dir = xstrdup(path);
	char *slash = strrchr(dir, '/');

	if (slash)
		*slash = '\0';
	return make_dirs(dir);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) ? 0644 : st.st_mode & 0777;
}

static struct error *copy_file(const char *from, const char *to)
{
	_cleanup_free_ void *data = NULL;
	size_t size;

	TRY(make_dirs_above(to));
	TRY(file_read(from, SOURCE_MAX, &data, &size));
	return file_write(to, data, size, mode_of(from));
}

/*
 * The undo folder: "files" with the originals, "list" with a line for each
 * path, "+" where it existed and "-" where it did not.  The list is written
 * last, so a folder without one means that nothing was changed yet.
 */
static struct error *save_files(const struct tree *tree, const struct patches *p, const char *undo, char **list)
{
	size_t i;

	for (i = 0; p && i < p->file_count; i++) {
		_cleanup_free_ char *path = path_join(tree->source, p->files[i].path);
		_cleanup_free_ char *copy = xasprintf("%s/files/%s", undo, p->files[i].path);
		bool exists = file_exists(path);
		char *longer;

		longer = xasprintf("%s%c%s\n", *list, exists ? '+' : '-', p->files[i].path);
		free(*list);
		*list = longer;
		if (exists)
			TRY(copy_file(path, copy));
	}
	return NULL;
}

static struct error *save_originals(const struct tree *tree, const struct patches *p)
{
	_cleanup_free_ char *undo = path_join(tree->path, "undo");
	_cleanup_free_ char *list_path = path_join(undo, "list");
	_cleanup_free_ char *list = xstrdup("");

	TRY(remove_tree(undo));
	TRY(make_dirs(undo));
	TRY(save_files(tree, tree->base, undo, &list));
	TRY(save_files(tree, p, undo, &list));
	return file_write(list_path, list, strlen(list), 0644);
}

static struct error *restore_file(const struct tree *tree, const char *undo, const char *line)
{
	_cleanup_free_ char *path = path_join(tree->source, line + 1);
	_cleanup_free_ char *copy = xasprintf("%s/files/%s", undo, line + 1);
	_cleanup_free_ char *reject = xasprintf("%s.rej", path);
	_cleanup_free_ void *data = NULL;
	size_t size;

	TRY(remove_tree(reject));
	if (*line == '-')
		return remove_tree(path);
	TRY(file_read(copy, SOURCE_MAX, &data, &size));
	/* patch(1) removes folders that become empty. */
	TRY(make_dirs_above(path));
	/* The time is now, so that make sees what was built from the patched file as stale. */
	return file_write(path, data, size, mode_of(copy));
}

static struct error *restore_originals(const struct tree *tree)
{
	_cleanup_free_ char *undo = path_join(tree->path, "undo");
	_cleanup_free_ char *list_path = path_join(undo, "list");
	_cleanup_free_ void *list = NULL;
	char *line, *save = NULL;
	size_t size;

	if (file_exists(list_path)) {
		TRY(file_read(list_path, PATCH_MAX, &list, &size));
		for (line = strtok_r(list, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
			TRY(restore_file(tree, undo, line));
	}
	return remove_tree(undo);
}

static struct error *apply_one(const char *dir, const char *path, const char *diff)
{
	const char *argv[] = { "patch", "-p1", "--forward", "--batch", "--fuzz=0",
			       "--no-backup-if-mismatch", "-r", "-", "-s", NULL };
	struct process_options opts = { .argv = argv, .dir = dir,
					.env_add = build_environment, .input = diff,
					.input_size = strlen(diff), .merge_stderr = true };
	_cleanup_free_ char *output = NULL;
	int status;

	TRY(process_run(&opts, &status, &output, NULL));
	if (status)
		return refuse("PATCH-REJECTED", "%s does not apply to this source:\n%s", path, output);
	return NULL;
}

/* Gives what stands behind each change of one file its old line numbers. */
static struct error *keep_lines(const struct tree *tree, const char *name)
{
	_cleanup_free_ char *undo = xasprintf("%s/undo/files/%s", tree->path, name);
	_cleanup_free_ char *path = path_join(tree->source, name);
	_cleanup_free_ struct line_number *marks = NULL;
	_cleanup_free_ char *output = NULL, *out = NULL;
	_cleanup_free_ void *text = NULL;
	const char *argv[] = { "diff", "-a", "-U0", undo, path, NULL };
	struct process_options opts = { .argv = argv, .env_add = build_environment };
	size_t size, count;
	int status;

	if (!file_exists(undo) || !file_exists(path))
		return NULL;
	TRY(process_run(&opts, &status, &output, NULL));
	if (status > 1)
		return system_error(0, "diff failed on %s", path);
	count = lines_from_diff(output, &marks);
	if (!count)
		return NULL;
	TRY(file_read(path, SOURCE_MAX, &text, &size));
	out = lines_insert(text, size, marks, count, &size);
	return file_write(path, out, size, 0644);
}

struct error *patch_apply_in(const char *dir, const struct patches *p)
{
	size_t i;

	for (i = 0; i < p->count; i++)
		TRY(apply_one(dir, p->paths[i], p->diffs[i]));
	return NULL;
}

static bool is_in(const struct patches *base, const char *path)
{
	size_t i;

	for (i = 0; base && i < base->file_count; i++)
		if (!strcmp(base->files[i].path, path))
			return true;
	return false;
}

/* Of all files of @p but those that @done has, too. */
static struct error *keep_all_lines(const struct tree *tree, const struct patches *p, const struct patches *done)
{
	size_t i;

	for (i = 0; p && i < p->file_count; i++)
		if ((p->files[i].kind == PATCHED_HEADER || ends_with(p->files[i].path, ".c")) &&
		    !is_in(done, p->files[i].path))
			TRY(keep_lines(tree, p->files[i].path));
	return NULL;
}

/* What they configure is settled (build/kconfig.h); changed, they would have make ask about options that are new. */
static struct error *put_kconfig_back(const struct tree *tree, const struct patches *p)
{
	_cleanup_free_ char *undo = path_join(tree->path, "undo");
	size_t i;

	for (i = 0; p && i < p->file_count; i++) {
		const char *path = p->files[i].path;
		_cleanup_free_ char *saved = xasprintf("%s/files/%s", undo, path);
		_cleanup_free_ char *line = xasprintf("%c%s", file_exists(saved) ? '+' : '-', path);

		if (kconfig_is(path))
			TRY(restore_file(tree, undo, line));
	}
	return NULL;
}

static struct error *apply_all(const struct tree *tree, const struct patches *p)
{
	if (tree->base)
		TRY(patch_apply_in(tree->source, tree->base));
	if (p)
		TRY(patch_apply_in(tree->source, p));
	TRY(put_kconfig_back(tree, tree->base));
	TRY(put_kconfig_back(tree, p));
	TRY(keep_all_lines(tree, tree->base, NULL));
	return keep_all_lines(tree, p, tree->base);
}

/*
 * Whether what "make prepare" makes can come out differently: all but sources
 * and what is known to be others' may be read for it, and of sources the ones that it makes headers of, which tell
 * offsets and sizes (the Kbuild at the top of the source).
 */
static bool concerns_prepare(const struct patches *p)
{
	size_t i;

	for (i = 0; p && i < p->file_count; i++) {
		const char *path = p->files[i].path;

		if (p->files[i].kind == PATCHED_NOTHING && (is_foreign(path) || !strncmp(path, "Documentation/", 14)))
			continue;
		if (p->files[i].kind != PATCHED_SOURCE || strstr(path, "-offsets") ||
		    !strcmp(path, "kernel/bounds.c"))
			return true;
	}
	return false;
}

/* The base, if there is one, and @p, if there is one, on the original source. */
static struct error *apply(const struct tree *tree, const struct patches *p)
{
	struct error *err;

	if (concerns_prepare(tree->base) || concerns_prepare(p))
		TRY(tree_unprepare(tree));
	TRY(save_originals(tree, p));
	err = apply_all(tree, p);
	/* The next tree_open() tries again; the first error is the one to tell. */
	if (err)
		error_free(restore_originals(tree));
	return err;
}

struct error *patch_apply(const struct tree *tree, const struct patches *p)
{
	TRY(restore_originals(tree));
	return apply(tree, p);
}

struct error *patch_restore(const struct tree *tree)
{
	TRY(restore_originals(tree));
	return tree->base ? apply(tree, NULL) : NULL;
}

struct error *patch_set_base(struct tree *tree, const struct patches *base)
{
	tree->base = base;
	return patch_restore(tree);
}

/* Of all files of @p but those that @done has, too. */
static struct error *copy_originals(const struct tree *tree, const struct patches *p, const struct patches *done,
				    const char *dir)
{
	size_t i;

	for (i = 0; i < p->file_count; i++) {
		_cleanup_free_ char *path = path_join(tree->source, p->files[i].path);
		_cleanup_free_ char *copy = path_join(dir, p->files[i].path);
		_cleanup_free_ char *saved = xasprintf("%s/undo/files/%s", tree->path, p->files[i].path);
		bool changed = is_in(tree->base, p->files[i].path);

		if (!is_in(done, p->files[i].path) && file_exists(changed ? saved : path))
			TRY(copy_file(changed ? saved : path, copy));
	}
	return NULL;
}

struct error *patch_copy_plain(const struct tree *tree, const struct patches *p, const char *dir)
{
	if (tree->base) {
		TRY(copy_originals(tree, tree->base, NULL, dir));
		TRY(patch_apply_in(dir, tree->base));
	}
	return copy_originals(tree, p, tree->base, dir);
}
