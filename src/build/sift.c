// SPDX-License-Identifier: GPL-2.0
#include "build/private.h"

#include "build/preprocessed.h"
#include "util/file.h"
#include "util/log.h"
#include "util/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* More objects are not compiled for one update. */
#define COMPILE_MAX 600

/* Texts that are kept at a time: a few megabytes each, twice. */
#define AT_ONCE 150

#define TEXT_MAX (256ul << 20)

/* What the preprocessor makes of the object's source, as kbuild names it. */
static char *text_name(const struct compiled *o)
{
	bool c = o->source[strlen(o->source) - 1] == 'c';

	return xasprintf("%.*s%c", (int)strlen(o->name) - 1, o->name, c ? 'i' : 's');
}

/* Takes the objects out that are not @kept. */
static void drop(struct compilation *c, const bool *kept)
{
	size_t i, n = 0;

	for (i = 0; i < c->count; i++) {
		if (kept[i])
			c->objects[n++] = c->objects[i];
		else
			compiled_fini(&c->objects[i]);
	}
	c->count = n;
}

static struct error *file_is_empty(const char *path, bool *empty)
{
	_cleanup_free_ void *data = NULL;
	size_t size;

	TRY(file_read(path, CMD_MAX, &data, &size));
	*empty = !size;
	return NULL;
}

/* Whether the object is no part of this kernel, or known from earlier not to include what changes. */
static struct error *is_unreached(const struct tree *tree, const struct patches *p, const struct compiled *o,
				  bool *unreached)
{
	_cleanup_free_ char *target = cached_path(tree, o->name, ".target");
	_cleanup_free_ char *includes = cached_path(tree, o->name, ".includes");
	bool reached = true;

	*unreached = false;
	if (!o->reached_only)
		return NULL;
	if (file_exists(target))
		TRY(file_is_empty(target, unreached));
	if (*unreached || !file_exists(includes))
		return NULL;
	TRY(includes_patched(p, includes, &reached));
	*unreached = !reached;
	return NULL;
}

/* What no update can change, and nothing else tells of: kbuild does not list it with the kernel's objects. */
static void note_outside(const struct compilation *c)
{
	const char *noted = "";
	size_t i, k, others;

	for (i = 0; i < c->count; i++) {
		const char *place = c->objects[i].reached_only ? outside_place(c->objects[i].source) : NULL;

		/* They are sorted: those of one place follow each other. */
		if (!place || !strcmp(place, noted))
			continue;
		noted = place;
		for (k = i + 1, others = 0; k < c->count; k++)
			others += outside_place(c->objects[k].source) == place;
		log_info("note: %s%s may use what the patch changes elsewhere, and stays as it is: it is part of %s",
			 c->objects[i].source, others ? " (and others with it)" : "", place);
	}
}

static struct error *drop_unreached(const struct tree *tree, const struct patches *p, struct compilation *c)
{
	_cleanup_free_ bool *kept = xcalloc(c->count, sizeof(*kept));
	_cleanup_free_ char **names = xcalloc(c->count, sizeof(*names));
	size_t i, n = 0;

	for (i = 0; i < c->count; i++) {
		_cleanup_free_ char *target = cached_path(tree, c->objects[i].name, ".target");

		if (c->objects[i].reached_only && !file_exists(target))
			names[n++] = c->objects[i].name;
	}
	TRY(drop_unbuilt(tree, names, &n));
	for (i = 0; i < c->count; i++) {
		bool unreached;

		TRY(is_unreached(tree, p, &c->objects[i], &unreached));
		kept[i] = !unreached;
	}
	drop(c, kept);
	return NULL;
}

/* Some of the objects, with what tells whether they are kept. */
struct batch {
	struct compiled *objects;
	bool *kept;
	size_t count;
};

static bool is_open(const struct batch *b, size_t i)
{
	return b->kept[i] && b->objects[i].reached_only;
}

static struct error *make_texts(const struct tree *tree, const struct batch *b, int jobs)
{
	_cleanup_free_ char **names = xcalloc(b->count, sizeof(*names));
	_cleanup_free_ char *output = NULL;
	struct error *err = NULL;
	size_t i, n = 0;

	for (i = 0; i < b->count; i++)
		if (is_open(b, i))
			names[n++] = text_name(&b->objects[i]);
	if (n)
		err = make_goals(tree, names, n, jobs, OBJECT_FLAGS, &output);
	for (i = 0; i < n; i++)
		free(names[i]);
	return err;
}

/* Keeps the text aside, and what it includes for good; drops the object where that does not change. */
static struct error *keep_pre(const struct tree *tree, const struct patches *p, const struct compiled *o,
			      bool *kept)
{
	_cleanup_free_ char *name = text_name(o), *text = path_join(tree->build, name);
	_cleanup_free_ char *pre = xasprintf("%s.pre", text), *cmd = cmd_path(tree, name);
	_cleanup_free_ char *includes = cached_path(tree, o->name, ".includes");
	_cleanup_free_ void *data = NULL;
	size_t size;

	/* What cannot be made into a text is left to the compiler to complain of. */
	if (!file_exists(text) || !file_exists(cmd))
		return NULL;
	TRY(file_read(cmd, CMD_MAX, &data, &size));
	TRY(make_parent(includes));
	TRY(file_write(includes, data, size, 0644));
	TRY(includes_patched(p, includes, kept));
	if (!*kept)
		return remove_tree(text);
	return rename(text, pre) ? system_error(errno, "%s cannot be renamed", text) : NULL;
}

static struct error *compare_texts(const char *pre_path, const char *post_path, bool exact, bool *kept)
{
	_cleanup_free_ void *pre = NULL, *post = NULL;
	size_t size;

	TRY(file_read(pre_path, TEXT_MAX, &pre, &size));
	TRY(file_read(post_path, TEXT_MAX, &post, &size));
	*kept = exact ? !preprocessed_equal(pre, post) : preprocessed_may_differ(pre, post);
	return NULL;
}

/* Drops the object where its two texts tell that it does not differ. */
static struct error *compare(const struct tree *tree, const struct compiled *o, bool exact, bool *kept)
{
	_cleanup_free_ char *name = text_name(o), *text = path_join(tree->build, name);
	_cleanup_free_ char *pre = xasprintf("%s.pre", text);

	/* What only declarations tell of C means nothing in assembly. */
	exact |= name[strlen(name) - 1] == 's';
	if (file_exists(pre) && file_exists(text))
		TRY(compare_texts(pre, text, exact, kept));
	TRY(remove_tree(pre));
	return remove_tree(text);
}

static struct error *sift_post(const struct tree *tree, const struct patches *p,
			       const struct compile_options *opts, struct batch *b)
{
	size_t i;

	TRY(patch_apply(tree, p));
	TRY(make_texts(tree, b, opts->jobs));
	for (i = 0; i < b->count; i++)
		if (is_open(b, i))
			TRY(compare(tree, &b->objects[i], opts->others > 0, &b->kept[i]));
	return NULL;
}

static struct error *sift_batch(const struct tree *tree, const struct patches *p,
				const struct compile_options *opts, struct batch *b)
{
	struct error *err, *worse;
	size_t i;

	TRY(make_texts(tree, b, opts->jobs));
	for (i = 0; i < b->count; i++)
		if (is_open(b, i))
			TRY(keep_pre(tree, p, &b->objects[i], &b->kept[i]));
	err = sift_post(tree, p, opts, b);
	worse = patch_restore(tree);
	if (!err)
		return worse;
	error_free(worse);
	return err;
}

static size_t count_reached(const struct compilation *c)
{
	size_t i, count = 0;

	for (i = 0; i < c->count; i++)
		count += c->objects[i].reached_only;
	return count;
}

static struct error *check_width(const struct compilation *c, const struct compile_options *opts, size_t max)
{
	if (opts->others || count_reached(c) <= max)
		return NULL;
	return refuse("HEADER-WIDE",
		      "what the patch changes in headers reaches %zu objects, too many to compile for one update (%zu at most)",
		      count_reached(c), max);
}

struct error *sift_objects(const struct tree *tree, const struct patches *p,
			   const struct compile_options *opts, struct compilation *c)
{
	_cleanup_free_ bool *kept = xcalloc(c->count, sizeof(*kept));
	size_t i;

	note_outside(c);
	TRY(drop_unreached(tree, p, c));
	TRY(check_width(c, opts, SIFT_MAX));
	if (!count_reached(c))
		return NULL;
	log_progress("preprocessing %zu files without and with the patch", count_reached(c));
	memset(kept, true, c->count * sizeof(*kept));
	for (i = 0; i < c->count; i += AT_ONCE) {
		struct batch b = { c->objects + i, kept + i, c->count - i < AT_ONCE ? c->count - i : AT_ONCE };

		TRY(sift_batch(tree, p, opts, &b));
	}
	drop(c, kept);
	return check_width(c, opts, COMPILE_MAX);
}
