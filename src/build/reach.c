// SPDX-License-Identifier: GPL-2.0
#include "build/reach.h"

#include "build/grep.h"
#include "build/includers.h"
#include "build/names.h"
#include "build/paste.h"
#include "build/private.h"
#include "util/file.h"
#include "util/log.h"
#include "util/memory.h"
#include "util/process.h"
#include "util/string.h"

#include <limits.h>
#include <string.h>

/* The files found so far. */
struct search {
	const struct tree *tree;
	struct defined changed;		/* what stands for the change */
	struct defined touched;		/* what changes in source files */
	struct defined values;		/* macros of headers that become another expression, and what is made of them */
	size_t grepped;			/* how many of its names were looked for */
	size_t expanded;		/* how many of its calls */
	struct pastes *pastes;
	struct names makers;		/* macros that may make one of the names */
	struct names headers, sources;	/* paths */
	struct includers local;		/* changed files all of whose includers count */
	struct names wide;		/* changed headers that many include, looked for by names */
	struct changed_values numbers;	/* macros of the patched files */
	char *copies;			/* a folder with the patched files: */
	char *before, *after;		/* without and with the patches */
};

/* The line ranges of both sides of "diff -U0"; the caller's to free. */
static size_t read_ranges(const char *diff, struct line_range **before, struct line_range **after)
{
	size_t count = 0, room = 0, room_after = 0;
	const char *p = diff;

	*before = *after = NULL;
	for (; p; p = strchr(p, '\n'), p = p ? p + 1 : NULL) {
		unsigned long start[2], lines[2];
		char *at = (char *)p + 4;

		if (strncmp(p, "@@ -", 4))
			continue;
		for (int side = 0; side < 2; side++) {
			start[side] = strtoul(at, &at, 10);
			lines[side] = *at == ',' ? strtoul(at + 1, &at, 10) : 1;
			at += strspn(at, " +");
		}
		array_grow(*before, count, room);
		array_grow(*after, count, room_after);
		/* What was only added has an empty range on the other side. */
		(*before)[count] = (struct line_range){ start[0] + !lines[0], start[0] + lines[0] - !!lines[0] };
		(*after)[count] = (struct line_range){ start[1] + !lines[1], start[1] + lines[1] - !!lines[1] };
		count++;
	}
	return count;
}

static struct error *names_of_side(const char *path, const struct line_range *ranges, size_t count,
				   struct defined *out, bool *includes)
{
	static const struct line_range all = { 1, ULONG_MAX };
	_cleanup_free_ void *text = NULL;
	bool whole = false, ignored;
	size_t size;

	TRY(file_read(path, SOURCE_MAX, &text, &size));
	names_of_ranges(text, ranges, count, out, &whole, includes);
	if (whole)
		names_of_ranges(text, &all, 1, out, &ignored, &ignored);
	return NULL;
}

/* The names of all that differs between two files, of which one may be missing; *@includes is set where they include something else. */
static struct error *changed_names(const char *a, const char *b, struct defined *out, bool *includes)
{
	_cleanup_free_ struct line_range *before = NULL, *after = NULL;
	_cleanup_free_ char *output = NULL;
	const char *argv[] = { "diff", "-a", "-U0", a, b, NULL };
	struct process_options opts = { .argv = argv, .env_add = build_environment };
	static const struct line_range all = { 1, ULONG_MAX };
	size_t count;
	int status;

	if (!file_exists(a))
		return file_exists(b) ? names_of_side(b, &all, 1, out, includes) : NULL;
	if (!file_exists(b))
		return names_of_side(a, &all, 1, out, includes);
	TRY(process_run(&opts, &status, &output, NULL));
	if (status > 1)
		return system_error(0, "diff failed on %s", a);
	count = read_ranges(output, &before, &after);
	TRY(names_of_side(a, before, count, out, includes));
	return names_of_side(b, after, count, out, includes);
}

static struct error *names_of_header(struct search *s, const char *name, const char *a, const char *b)
{
	bool includes = false;

	/* Only files of the patch can include a new header; a deleted one is theirs as well. */
	if (!file_exists(a) || !file_exists(b))
		return NULL;
	TRY(changed_names(a, b, &s->changed, &includes));
	/* What it includes has names as well: too many to look for. */
	names_add(includes ? &s->local.files : &s->wide, name, strlen(name));
	return NULL;
}

/*
 * Headers outside of the include folders are included by few: all of them are
 * looked at.  So are those of trace events, which make functions in the one file
 * that defines CREATE_TRACE_POINTS, and source files.
 */
static bool is_local(const char *path)
{
	return (strncmp(path, "include/", 8) && strncmp(path, "arch/x86/include/", 17)) ||
	       !strncmp(path, "include/trace/events/", 21) || ends_with(path, ".c");
}

/* Notes the macros of the file @name that have the number of another one, before or after the patch. */
static struct error *compare_values(struct search *s, const char *name, const char *a, const char *b)
{
	_cleanup_free_ void *before = NULL, *after = NULL;
	size_t size;

	if (!file_exists(a) || !file_exists(b))
		return NULL;
	TRY(file_read(a, SOURCE_MAX, &before, &size));
	TRY(file_read(b, SOURCE_MAX, &after, &size));
	values_compare(&s->numbers, before, after, name);
	return NULL;
}

static struct error *copy_patched(struct search *s, const struct patches *p)
{
	TRY(temp_dir_new(&s->copies));
	s->before = path_join(s->copies, "before");
	s->after = path_join(s->copies, "after");
	TRY(make_dirs(s->before));
	TRY(make_dirs(s->after));
	TRY(patch_copy_plain(s->tree, p, s->before));
	TRY(patch_copy_plain(s->tree, p, s->after));
	return patch_apply_in(s->after, p);
}

static void add_all(struct names *to, const struct names *from)
{
	size_t i;

	for (i = 0; i < from->count; i++)
		names_add(to, from->list[i], strlen(from->list[i]));
}

/* The macros of a local header, whose other names nobody looks for. */
static struct error *values_of_local(struct search *s, const char *a, const char *b)
{
	struct defined changed = { 0 };
	struct error *err;
	bool ignored;

	err = changed_names(a, b, &changed, &ignored);
	add_all(&s->values.names, &changed.values);
	defined_fini(&changed);
	return err;
}

/* So many that to look at each of them takes no longer than to look for names. */
#define FEW 40

/* A header that few source files include is a local one, wherever it is. */
static struct error *add_few_includers(struct search *s, const char *path)
{
	struct includers found = { 0 };
	struct error *err;

	names_add(&found.files, path, strlen(path));
	err = includers_find(s->tree, &found, FEW);
	if (!err && found.sources.count <= FEW && !includers_are_all(&found))
		add_all(&s->local.files, &found.files);
	includers_fini(&found);
	return err;
}

static struct error *try_patches(struct search *s, const struct patches *p)
{
	bool ignored;
	size_t i;

	TRY(copy_patched(s, p));
	for (i = 0; i < p->file_count; i++) {
		_cleanup_free_ char *a = path_join(s->before, p->files[i].path);
		_cleanup_free_ char *b = path_join(s->after, p->files[i].path);

		if (p->files[i].kind != PATCHED_HEADER && p->files[i].kind != PATCHED_SOURCE)
			continue;
		TRY(compare_values(s, p->files[i].path, a, b));
		if (is_local(p->files[i].path))
			names_add(&s->local.files, p->files[i].path, strlen(p->files[i].path));
		else
			TRY(add_few_includers(s, p->files[i].path));
		if (p->files[i].kind == PATCHED_SOURCE)
			TRY(changed_names(a, b, &s->touched, &ignored));
		else if (names_has(&s->local.files, p->files[i].path, strlen(p->files[i].path)))
			TRY(values_of_local(s, a, b));
		else
			TRY(names_of_header(s, p->files[i].path, a, b));
	}
	add_all(&s->values.names, &s->changed.values);
	return NULL;
}

static struct error *grep_words(struct search *s, const struct names *names, size_t from)
{
	static const char *const word[] = { "-w", NULL };
	_cleanup_free_ char *patterns = NULL;
	size_t size, i;
	FILE *f = open_memstream(&patterns, &size);

	if (!f)
		return system_error(0, "out of memory");
	for (i = from; i < names->count; i++)
		fprintf(f, "%s\n", names->list[i]);
	if (fclose(f))
		return system_error(0, "out of memory");
	return grep_source(s->tree, word, patterns, &s->headers, &s->sources);
}

static struct error *read_source(const struct search *s, const char *name, void **text)
{
	_cleanup_free_ char *path = path_join(s->tree->source, name);
	size_t size;

	return file_read(path, SOURCE_MAX, text, &size);
}

/* Reads the macros of all files that put names together. */
static struct error *read_pastes(struct search *s)
{
	static const char *const plain[] = { NULL };
	struct names headers = { 0 }, sources = { 0 };
	struct error *err;
	size_t i;

	s->pastes = pastes_new();
	err = grep_source(s->tree, plain, "##\n", &headers, &sources);
	for (i = 0; i < headers.count + sources.count && !err; i++) {
		const char *source = i < headers.count ? NULL : sources.list[i - headers.count];
		_cleanup_free_ void *text = NULL;

		err = read_source(s, source ? source : headers.list[i], &text);
		if (!err)
			pastes_read(s->pastes, text, source);
	}
	names_fini(&headers);
	names_fini(&sources);
	return err;
}

/* Adds what macros make of the names that were not looked for yet, and what makes them. */
static struct error *follow_pastes(struct search *s)
{
	size_t i;

	if (!s->pastes)
		TRY(read_pastes(s));
	for (; s->expanded < s->changed.calls.count; s->expanded++)
		pastes_expand(s->pastes, s->changed.calls.list[s->expanded], &s->changed.names);
	for (i = s->grepped; i < s->changed.names.count; i++)
		pastes_of_name(s->pastes, s->changed.names.list[i], &s->makers);
	return NULL;
}

/* So many names that the search would find the whole kernel. */
#define NAMES_MAX 8000

static struct error *refuse_wide(void)
{
	return refuse("HEADER-WIDE",
		      "what the patch changes in headers is used by so much of the kernel that too many files would have to be compiled for one update");
}

/* What other headers define with what changed is changed with it. */
static struct error *follow_names(struct search *s)
{
	while (s->grepped < s->changed.names.count || s->expanded < s->changed.calls.count) {
		size_t i, from;

		TRY(follow_pastes(s));
		if (s->changed.names.count > NAMES_MAX)
			return refuse_wide();
		from = s->grepped;
		s->grepped = s->changed.names.count;
		log_detail("looking for %zu names", s->grepped - from);
		TRY(grep_words(s, &s->changed.names, from));
		for (i = 0; i < s->headers.count; i++) {
			_cleanup_free_ void *text = NULL;

			TRY(read_source(s, s->headers.list[i], &text));
			names_of_users(text, &s->changed.names, &s->changed);
		}
	}
	return NULL;
}

/* Who makes one of the names with such a macro. */
static struct error *follow_makers(struct search *s, const struct search *found)
{
	size_t i;

	for (i = 0; i < found->headers.count; i++) {
		const char *path = found->headers.list[i];
		_cleanup_free_ void *text = NULL;

		TRY(read_source(s, path, &text));
		pastes_makers(s->pastes, path, text, &s->changed.names, &s->changed);
	}
	for (i = 0; i < found->sources.count; i++) {
		const char *path = found->sources.list[i];
		_cleanup_free_ void *text = NULL;

		if (names_has(&s->sources, path, strlen(path)))
			continue;
		TRY(read_source(s, path, &text));
		if (pastes_make(s->pastes, path, text, &s->changed.names))
			names_add(&s->sources, path, strlen(path));
	}
	return NULL;
}

static struct error *follow_headers(struct search *s)
{
	struct error *err = NULL;

	while (!err && (s->grepped < s->changed.names.count || s->expanded < s->changed.calls.count)) {
		struct search found = { .tree = s->tree };

		err = follow_names(s);
		if (!err && s->makers.count)
			err = grep_words(&found, &s->makers, 0);
		if (!err)
			err = follow_makers(s, &found);
		names_fini(&found.headers);
		names_fini(&found.sources);
	}
	return err;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_patched(const struct patches *p, const char *path)
{
	size_t i;

	for (i = 0; i < p->file_count; i++)
		if (!strcmp(p->files[i].path, path))
			return true;
	return false;
}

/* By names; where these are too many, by who includes the headers, where those are not. */
static struct error *follow_wide(struct search *s)
{
	struct error *err = follow_headers(s), *worse;

	if (!err || err->kind != ERROR_REFUSED)
		return err;
	names_fini(&s->headers);
	names_fini(&s->sources);
	add_all(&s->local.files, &s->wide);
	worse = includers_find(s->tree, &s->local, SIFT_MAX);
	if (!worse && (s->local.sources.count > SIFT_MAX || includers_are_all(&s->local)))
		return err;
	error_free(err);
	return worse;
}

static bool has_header(const struct patches *p)
{
	size_t i;

	for (i = 0; i < p->file_count; i++)
		if (p->files[i].kind == PATCHED_HEADER)
			return true;
	return false;
}

static struct error *search(struct search *s, const struct patches *p)
{
	TRY(try_patches(s, p));
	if (has_header(p))
		log_progress("looking for what the headers reach");
	TRY(includers_find(s->tree, &s->local, SIZE_MAX));
	if (includers_are_all(&s->local))
		return refuse_wide();
	TRY(follow_wide(s));
	add_all(&s->sources, &s->local.sources);
	return NULL;
}

/* The file as the patches leave it. */
static struct error *read_after(const struct search *s, const char *name, void **text)
{
	_cleanup_free_ char *path = path_join(s->after, name);
	size_t size;

	return file_exists(path) ? file_read(path, SOURCE_MAX, text, &size) : read_source(s, name, text);
}

/* What these headers make of the macros that become another expression. */
static struct error *follow_values_in(struct search *s, const struct names *headers)
{
	bool more = true;
	size_t i;

	while (more) {
		more = false;
		for (i = 0; i < headers->count; i++) {
			_cleanup_free_ void *text = NULL;

			if (!ends_with(headers->list[i], ".h"))
				continue;
			TRY(read_after(s, headers->list[i], &text));
			more |= names_follow(text, &s->values);
		}
	}
	return NULL;
}

/*
 * Any header may use what one of the include folders defines, without including it.  What
 * others define, headers near by may use.
 */
static struct error *follow_values(struct search *s, bool anywhere)
{
	struct search found = { .tree = s->tree };
	struct error *err;
	size_t done = 0;

	add_all(&found.headers, &s->headers);
	add_all(&found.headers, &s->local.files);
	add_all(&found.headers, &s->wide);
	err = follow_values_in(s, &found.headers);
	while (anywhere && !err && done < s->values.names.count) {
		size_t from = done;

		done = s->values.names.count;
		err = done > NAMES_MAX ? refuse_wide() : grep_words(&found, &s->values.names, from);
		if (!err)
			err = follow_values_in(s, &found.headers);
	}
	names_fini(&found.headers);
	names_fini(&found.sources);
	return err;
}

/* Whom such a macro reaches in a source file, which may have some of its own: @own. */
static struct error *touch_users_in(struct search *s, const char *name, const struct names *own)
{
	struct defined used = { 0 };
	_cleanup_free_ void *text = NULL;

	if (!s->values.names.count && !own->count)
		return NULL;
	TRY(read_after(s, name, &text));
	add_all(&used.names, &s->values.names);
	add_all(&used.names, own);
	while (names_follow(text, &used))
		;
	names_of_users(text, &used.names, &s->touched);
	defined_fini(&used);
	return NULL;
}

/*
 * A macro that becomes another expression touches what uses it: code that ran
 * with the one goes with code that will run with the other no better than if
 * the patch had named it.
 */
static struct error *touch_users(struct search *s, const struct patches *p)
{
	const struct names none = { 0 };
	bool anywhere = false;
	size_t i;

	for (i = 0; i < p->file_count; i++)
		anywhere |= p->files[i].kind == PATCHED_HEADER && !is_local(p->files[i].path);
	TRY(follow_values(s, anywhere));
	for (i = 0; i < p->file_count; i++) {
		_cleanup_free_ char *a = path_join(s->before, p->files[i].path);
		_cleanup_free_ char *b = path_join(s->after, p->files[i].path);
		struct defined own = { 0 };
		struct error *err;
		bool ignored;

		if (p->files[i].kind != PATCHED_SOURCE || !file_exists(a) || !file_exists(b))
			continue;
		err = changed_names(a, b, &own, &ignored);
		if (!err)
			err = touch_users_in(s, p->files[i].path, &own.values);
		defined_fini(&own);
		if (err)
			return err;
	}
	for (i = 0; i < s->sources.count; i++)
		if (ends_with(s->sources.list[i], ".c") && !is_patched(p, s->sources.list[i]))
			TRY(touch_users_in(s, s->sources.list[i], &none));
	return NULL;
}

/* A number by which files can be put into an order that has nothing to do with what they are. */
static unsigned long lot(const char *path)
{
	unsigned long n = 5381;

	for (; *path; path++)
		n = (n ^ (unsigned char)*path) * 0x100000001b3ul;
	return n ^ n >> 29;
}

static int by_lot(const void *a, const void *b)
{
	unsigned long x = lot(*(char *const *)a), y = lot(*(char *const *)b);

	return x < y ? -1 : x > y ? 1 : by_text(a, b);
}

/* Adds @count source files that were not found, or all. */
static struct error *add_others(struct search *s, size_t count)
{
	static const char *const plain[] = { NULL };
	struct names headers = { 0 }, sources = { 0 };
	struct error *err = grep_source(s->tree, plain, "\n", &headers, &sources);
	size_t i;

	if (!err)
		qsort(sources.list, sources.count, sizeof(*sources.list), by_lot);
	for (i = 0; i < sources.count && count && !err; i++)
		count -= names_add(&s->sources, sources.list[i], strlen(sources.list[i]));
	names_fini(&headers);
	names_fini(&sources);
	return err;
}

struct error *reach_find(const struct tree *tree, const struct patches *p, size_t others, struct reach *r)
{
	struct search s = { .tree = tree };
	struct error *err;
	size_t i;

	*r = (struct reach){ 0 };
	err = others == REACH_ALL ? try_patches(&s, p) : search(&s, p);
	if (!err && others)
		err = add_others(&s, others);
	if (!err)
		err = touch_users(&s, p);
	if (!err)
		err = remove_tree(s.copies);
	r->sources = xcalloc(s.sources.count, sizeof(*r->sources));
	for (i = 0; i < s.sources.count && !err; i++)
		if (!is_patched(p, s.sources.list[i]))
			r->sources[r->count++] = xstrdup(s.sources.list[i]);
	qsort(r->sources, r->count, sizeof(*r->sources), by_text);
	r->touched = s.touched.names;
	r->numbers = s.numbers;
	names_fini(&s.touched.calls);
	names_fini(&s.touched.values);
	defined_fini(&s.changed);
	defined_fini(&s.values);
	pastes_free(s.pastes);
	names_fini(&s.makers);
	names_fini(&s.headers);
	names_fini(&s.sources);
	includers_fini(&s.local);
	names_fini(&s.wide);
	free(s.copies);
	free(s.before);
	free(s.after);
	return err;
}

void reach_fini(struct reach *r)
{
	size_t i;

	for (i = 0; i < r->count; i++)
		free(r->sources[i]);
	free(r->sources);
	names_fini(&r->touched);
	changed_values_fini(&r->numbers);
	*r = (struct reach){ 0 };
}
