// SPDX-License-Identifier: GPL-2.0
#include "build/tree.h"

#include "build/kconfig.h"
#include "build/patch.h"
#include "build/tool.h"
#include "util/file.h"
#include "util/log.h"
#include "util/memory.h"
#include "util/sha256.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* The number changes with what is kept there and how it is compiled. */
#define PRE_FOLDER "pre-3"

/*
 * MAKEFLAGS and the like come from a make that runs kmend; the KBUILD_ values
 * would put the time and the user into what is built.
 */
const char *const build_environment[] = {
	"LC_ALL=C",		"MAKEFLAGS=",
	"MFLAGS=",		"MAKELEVEL=",
	"KBUILD_BUILD_USER=kmend", "KBUILD_BUILD_HOST=kmend",
	"KBUILD_BUILD_TIMESTAMP=1970-01-01", "KCFLAGS=",
	"KAFLAGS=",		"KBUILD_OUTPUT=",
	"KCPPFLAGS=",		"ARCH=x86",
	"CROSS_COMPILE=",	"V=",
	"SOURCE_DATE_EPOCH=",	"KCONFIG_CONFIG=.config",
	"KBUILD_EXTMOD=",	"LLVM=",
	NULL
};

/* The end of what a tool printed, for a message. */
static const char *tail_of(const char *output)
{
	size_t len = strlen(output);

	return len > 2000 ? output + len - 2000 : output;
}

static void hash_text(struct sha256 *hash, const char *text)
{
	sha256_add(hash, text, strlen(text) + 1);
}

/* Folds the names, sizes and times of all files under @path into @hash. */
static struct error *hash_folder(struct sha256 *hash, const char *path)
{
	size_t count, i;
	char **names;

	TRY(dir_list(path, &names, &count));
	for (i = 0; i < count; i++) {
		_cleanup_free_ char *entry = path_join(path, names[i]);
		_cleanup_free_ char *line = NULL;
		struct error *err = NULL;
		struct stat st;

		if (lstat(entry, &st)) {
			names_free(names, count);
			return system_error(0, "%s cannot be looked at", entry);
		}
		if (!S_ISDIR(st.st_mode)) {
			line = xasprintf("%s %lld %lld.%09ld", names[i], (long long)st.st_size,
					 (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
			hash_text(hash, line);
		} else if (strcmp(names[i], ".git")) {
			hash_text(hash, names[i]);
			err = hash_folder(hash, entry);
		}
		if (err) {
			names_free(names, count);
			return err;
		}
	}
	names_free(names, count);
	return NULL;
}

/* A tarball is known by its path, size and time: its content is not read for this. */
static struct error *tree_key(const struct kit *kit, char **key)
{
	_cleanup_free_ void *config = NULL;
	uint8_t digest[SHA256_SIZE];
	struct sha256 hash;
	struct stat st;
	size_t size;

	sha256_begin(&hash);
	if (stat(kit->source, &st))
		return system_error(0, "%s cannot be looked at", kit->source);
	hash_text(&hash, kit->source);
	if (kit->source_is_tarball) {
		_cleanup_free_ char *line = xasprintf("%lld %lld.%09ld", (long long)st.st_size,
						      (long long)st.st_mtim.tv_sec,
						      st.st_mtim.tv_nsec);
		hash_text(&hash, line);
	} else {
		TRY(hash_folder(&hash, kit->source));
	}
	TRY(file_read(kit->config, CONFIG_MAX, &config, &size));
	hash_text(&hash, config);
	hash_text(&hash, kit->compiler_text);
	if (kit->toolchain)
		hash_text(&hash, kit->toolchain);
	sha256_end(&hash, digest);
	*key = xmalloc(2 * SHA256_SIZE + 1);
	hex_encode(digest, SHA256_SIZE, *key);
	(*key)[24] = '\0';
	return NULL;
}

/* @kit: NULL for a program of this machine, which also sees what a toolchain hides (/usr/src). */
static struct error *run_tool(const struct kit *kit, const char *const *argv, const char *what)
{
	struct process_options opts = { .argv = argv, .env_add = build_environment,
					.merge_stderr = true };
	_cleanup_free_ char *output = NULL;
	int status;

	TRY(kit ? tool_run(kit, &opts, &status, &output) : process_run(&opts, &status, &output, NULL));
	if (status)
		return system_error(0, "%s failed: %s", what, tail_of(output));
	return NULL;
}

static struct error *copy_source(const struct tree *tree)
{
	const struct kit *kit = tree->kit;
	_cleanup_free_ char *dot = xasprintf("%s/.", kit->source);
	_cleanup_free_ char *config = path_join(tree->source, ".config");
	_cleanup_free_ char *generated = path_join(tree->source, "include/config");
	const char *untar[] = { "tar",	   "-x",	 "-f", kit->source, "-C",
				tree->source, "--strip-components=1", "--no-same-owner", NULL };
	const char *copy[] = { "cp", "-a", "--reflink=auto", "--no-preserve=ownership", dot,
			       tree->source, NULL };
	const char *clean[] = { "make", "-s", "-C", tree->source, "mrproper", NULL };

	TRY(make_dirs(tree->source));
	if (kit->source_is_tarball)
		return run_tool(NULL, untar, "unpacking the kernel source");
	TRY(run_tool(NULL, copy, "copying the kernel source"));
	/* kbuild builds elsewhere only from a source that nothing was built in. */
	if (file_exists(config) || file_exists(generated))
		return run_tool(kit, clean, "cleaning the copy of the kernel source");
	return NULL;
}

static char *prepared_path(const struct tree *tree)
{
	return path_join(tree->path, "prepared");
}

struct error *tree_unprepare(const struct tree *tree)
{
	_cleanup_free_ char *path = prepared_path(tree);

	return remove_tree(path);
}

struct error *tree_make(const struct tree *tree, const char *const *goals, const char *flags, int jobs,
			int *status, char **output)
{
	_cleanup_free_ char *cc = xasprintf("CC=%s", tree->kit->compiler);
	_cleanup_free_ char *j = xasprintf("-j%d", jobs);
	_cleanup_free_ char *kcflags = xasprintf("KCFLAGS=%s", flags);
	/* UTS_RELEASE is in code; the source alone does not tell what the distribution called it. */
	_cleanup_free_ char *release = xasprintf("KERNELRELEASE=%s", tree->kit->release);
	_cleanup_free_ char *o = xasprintf("O=%s", tree->build);
	_cleanup_free_ char *is_prepared = prepared_path(tree);
	/*
	 * "prepare" is a goal of every other one, and takes longer than an object.  The option -o is
	 * not handed on from make to make, so the one that is given it must be the one in the build folder.
	 */
	const char *const all[] = { "make", "-k", "-C", tree->source, o, cc, j, kcflags, release };
	const char *const prepared[] = { "make", "-k", "-C", tree->build, "-oprepare", cc, j, kcflags, release };
	const char *const *fixed = file_exists(is_prepared) ? prepared : all;
	_cleanup_free_ const char **argv = NULL;
	struct process_options opts = { .env_add = build_environment, .merge_stderr = true };
	size_t n = ARRAY_SIZE(all), count;

	for (count = 0; goals[count]; count++)
		;
	argv = xcalloc(n + count + 1, sizeof(*argv));
	memcpy(argv, fixed, sizeof(all));
	memcpy(argv + n, goals, count * sizeof(*argv));
	opts.argv = argv;
	return tool_run(tree->kit, &opts, status, output);
}

static struct error *make_goal(const struct tree *tree, const char *goal)
{
	/* Silently, or what went wrong is lost among what did not. */
	const char *goals[] = { "-s", goal, NULL };
	_cleanup_free_ char *output = NULL;
	int status;

	TRY(tree_make(tree, goals, "", 2, &status, &output));
	if (status)
		return refuse("PREPARE-FAILED", "make %s failed in the copy of the kernel source:\n%s",
			      goal, tail_of(output));
	return NULL;
}

static struct error *make_prepared(const struct tree *tree)
{
	_cleanup_free_ char *path = prepared_path(tree);

	TRY(make_goal(tree, "prepare"));
	return file_write(path, "", 0, 0644);
}

/*
 * The tools of this machine must give the configuration that the kernel had: a
 * value that was set must still be set to the same.  What is only new has no
 * say (Debian takes the names of its signing keys out of /boot/config).
 */
static struct error *check_config(const struct tree *tree)
{
	_cleanup_free_ char *path = path_join(tree->build, ".config");
	_cleanup_free_ void *want = NULL, *have = NULL;
	const char *lost;
	size_t size;

	TRY(file_read(tree->kit->config, CONFIG_MAX, &want, &size));
	TRY(file_read(path, CONFIG_MAX, &have, &size));
	lost = kconfig_set_only_in(want, have);
	if (!lost)
		return NULL;
	return refuse("CONFIG-CHANGED",
		      "with the tools of this machine the kernel's configuration cannot be kept: %.*s changes (CONFIG_PAHOLE_VERSION and CONFIG_DEBUG_INFO_BTF need the package dwarves)",
		      (int)strcspn(lost, "\n"), lost);
}

static struct error *prepare(struct tree *tree)
{
	_cleanup_free_ char *config = path_join(tree->build, ".config");
	_cleanup_free_ char *ready = path_join(tree->path, "ready");
	_cleanup_free_ void *data = NULL;
	size_t size;

	TRY(remove_tree(tree->path));
	log_progress("copying the kernel source");
	TRY(copy_source(tree));
	TRY(make_dirs(tree->build));
	TRY(file_read(tree->kit->config, CONFIG_MAX, &data, &size));
	TRY(file_write(config, data, size, 0644));
	log_progress("preparing the kernel source");
	TRY(make_goal(tree, "olddefconfig"));
	TRY(check_config(tree));
	TRY(make_prepared(tree));
	return file_write(ready, "", 0, 0644);
}

/* Puts right what whoever had the tree open left. */
static struct error *reopen(const struct tree *tree)
{
	_cleanup_free_ char *path = prepared_path(tree);

	TRY(patch_restore(tree));
	return file_exists(path) ? NULL : make_prepared(tree);
}

struct error *tree_open(const struct kit *kit, struct tree **out)
{
	struct tree *tree = xcalloc(1, sizeof(*tree));
	_cleanup_free_ char *cache = cache_dir();
	_cleanup_free_ char *trees = path_join(cache, "trees");
	_cleanup_free_ char *key = NULL, *lock = NULL, *ready = NULL;
	struct error *err;

	tree->kit = kit;
	tree->lock = -1;
	err = tree_key(kit, &key);
	if (!err)
		err = make_dirs(trees);
	if (!err) {
		tree->path = path_join(trees, key);
		tree->source = path_join(tree->path, "source");
		tree->build = path_join(tree->path, "build");
		tree->kept = path_join(tree->path, PRE_FOLDER);
		lock = xasprintf("%s.lock", tree->path);
		ready = path_join(tree->path, "ready");
		err = file_lock(lock, &tree->lock);
	}
	if (!err)
		err = file_exists(ready) ? reopen(tree) : prepare(tree);
	if (err) {
		tree_close(tree);
		return err;
	}
	*out = tree;
	return NULL;
}

struct error *tree_use_base(struct tree *tree, const struct patches *base)
{
	free(take_ptr(tree->kept));
	TRY(temp_dir_new(&tree->kept));
	return patch_set_base(tree, base);
}

void tree_close(struct tree *tree)
{
	if (!tree)
		return;
	/* If it fails, the next one to open it tries again. */
	if (tree->base)
		error_free(patch_set_base(tree, NULL));
	if (tree->lock >= 0)
		close(tree->lock);
	free(tree->path);
	free(tree->source);
	free(tree->build);
	free(tree->kept);
	free(tree);
}
