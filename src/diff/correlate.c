// SPDX-License-Identifier: GPL-2.0
/*
 * Pairing the atoms of the pre and the post object.
 *
 * Names that the source gives are certain.  Those that the compiler numbers
 * are not: a patch that adds one static local renumbers all that follow.  They
 * are paired by what refers to them, from the certain to the less certain:
 *
 *   1. identical code refers to the same things at the same places;
 *   2. what is left of a base name, one here and one there, in code that is
 *      paired, or clones of one function with equal code;
 *   3. in functions that changed, the references are aligned like the lines of
 *      a diff; a pair counts only where every best alignment has it.
 *
 * Each pair can make others certain, so this goes on until nothing changes.
 */
#include "diff/diff.h"

#include "util/memory.h"

#include <ctype.h>
#include <string.h>

struct correlation {
	struct change *c;
	char **pre_base, **post_base;	/* by atom index, NULL where the atom has no name */
	bool progress;
};

/* "__initcall__MODNAME__COUNTER_LINE_FUNCTION": takes counter and line out (include/linux/init.h). */
static void strip_initcall(char *name)
{
	char *p = name, *end;

	if (strncmp(name, "__initcall__", 12))
		return;
	for (p = strstr(name + 12, "__"); p; p = strstr(p + 1, "__")) {
		end = p + 2 + strspn(p + 2, "0123456789");
		if (end == p + 2 || *end != '_' || !isdigit((unsigned char)end[1]))
			continue;
		end += 1 + strspn(end + 1, "0123456789");
		memmove(p, end, strlen(end) + 1);
		return;
	}
}

char *base_name(const char *name)
{
	char *base = xstrdup(name), *to = base;
	const char *from = name;
	size_t len;

	while (*from) {
		if (from[0] == '.' && isdigit((unsigned char)from[1])) {
			const char *p = from + 1;

			while (isdigit((unsigned char)*p))
				p++;
			if (*p == '.' || !*p) {
				from = p;
				continue;
			}
		}
		*to++ = *from++;
	}
	*to = '\0';
	strip_initcall(base);
	/* These append __COUNTER__ (include/linux/compiler.h, btf_ids.h). */
	if (!strncmp(base, "__UNIQUE_ID_", 12) || !strncmp(base, "__BTF_ID__", 10))
		for (len = strlen(base); len && isdigit((unsigned char)base[len - 1]);)
			base[--len] = '\0';
	return base;
}

static bool pairable(const struct correlation *k, const struct atom *a, const struct atom *b)
{
	return !a->twin && !b->twin && a->symbol && b->symbol &&
	       !strcmp(k->pre_base[a->index], k->post_base[b->index]) &&
	       section_classify(a->section, true) == section_classify(b->section, true) &&
	       a->symbol->type == b->symbol->type;
}

static void pair(struct correlation *k, struct atom *a, struct atom *b)
{
	a->twin = b;
	b->twin = a;
	k->progress = true;
}

static bool is_numbered(const struct atom *a, char *const *bases)
{
	return a->symbol && strcmp(a->symbol->name, bases[a->index]);
}

static int by_name(const void *x, const void *y)
{
	const struct atom *a = *(struct atom *const *)x, *b = *(struct atom *const *)y;

	return strcmp(a->symbol->name, b->symbol->name);
}

/* The atoms with a name from the source, sorted by it. */
static struct atom **named_atoms(struct object *obj, char *const *bases, size_t *count)
{
	struct atom **list = xcalloc(obj->atom_count, sizeof(*list));
	size_t i, n = 0;

	for (i = 0; i < obj->atom_count; i++)
		if (obj->atoms[i].symbol && !is_numbered(&obj->atoms[i], bases))
			list[n++] = &obj->atoms[i];
	qsort(list, n, sizeof(*list), by_name);
	*count = n;
	return list;
}

static bool name_is_single(struct atom **list, size_t n, size_t i)
{
	return !(i && !by_name(&list[i - 1], &list[i])) &&
	       !(i + 1 < n && !by_name(&list[i + 1], &list[i]));
}

/* Code that was freed after boot is not the same as code that stays. */
static bool same_kind(const struct atom *a, const struct atom *b)
{
	return atom_is_function(a) == atom_is_function(b) &&
	       (!atom_is_function(a) || same_home(a, b));
}

static void pair_source_names(struct correlation *k)
{
	size_t n, m, i = 0, j = 0;
	_cleanup_free_ struct atom **pre = named_atoms(k->c->pre, k->pre_base, &n);
	_cleanup_free_ struct atom **post = named_atoms(k->c->post, k->post_base, &m);

	while (i < n && j < m) {
		int order = by_name(&pre[i], &post[j]);

		if (!order && name_is_single(pre, n, i) && name_is_single(post, m, j) &&
		    same_kind(pre[i], post[j]))
			pair(k, pre[i], post[j]);
		if (order <= 0)
			i++;
		if (order >= 0)
			j++;
	}
}

/* A function can have several names, of which an atom is called by one. */
static void pair_aliases(struct correlation *k)
{
	const struct object *post = k->c->post;
	size_t i;

	for (i = 0; i < post->symbol_count; i++) {
		const struct symbol *t = post->symbols[i], *s;

		if (!t->atom || t->atom->twin || t->value != t->atom->start || !atom_is_function(t->atom))
			continue;
		s = object_symbol(k->c->pre, t->name);
		if (s && s->atom && !s->atom->twin && s->value == s->atom->start &&
		    same_kind(s->atom, t->atom))
			pair(k, s->atom, t->atom);
	}
}

/* Writable bytes without a name are one thing where both sections have one piece of them. */
static void pair_nameless(struct correlation *k)
{
	struct object *post = k->c->post;
	size_t i;

	for (i = 0; i < post->section_count; i++) {
		struct section *b = post->sections[i], *a;

		if (b->atom_count != 1 || b->atoms[0]->symbol || atom_is_content(b->atoms[0]))
			continue;
		a = object_section(k->c->pre, b->name);
		if (a && a->atom_count == 1 && !a->atoms[0]->symbol)
			pair(k, a->atoms[0], b->atoms[0]);
	}
}

static void pair_references(struct correlation *k, const struct reloc *a, const struct reloc *b,
			    size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (a[i].target && b[i].target && a[i].delta == b[i].delta &&
		    pairable(k, a[i].target, b[i].target))
			pair(k, a[i].target, b[i].target);
}

/* Step 1: follows the references of atoms that are equal but for numbers. */
static void follow_equal_atoms(struct correlation *k)
{
	struct object *post = k->c->post;
	size_t i, n, m, e;

	for (i = 0; i < post->atom_count; i++) {
		struct atom *b = &post->atoms[i], *a = b->twin;
		const struct table_entry *x, *y;

		if (!a || !compare_atoms(k->c, a, b, COMPARE_LOOSE))
			continue;
		pair_references(k, a->relocs, b->relocs, b->reloc_count);
		x = tables_of(k->c->pre_tables, a, &n);
		y = tables_of(k->c->post_tables, b, &m);
		for (e = 0; n == m && e < n; e++)
			if (x[e].table == y[e].table)
				pair_references(k, x[e].relocs, y[e].relocs, x[e].table->relocs);
	}
}

/*
 * What a function, the tables about it and its .cold part refer to: the
 * compiler may move any code between the two.
 */
struct references {
	const struct reloc **list;
	size_t count, capacity;
};

static void add_references(struct references *r, const struct reloc *relocs, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		array_grow(r->list, r->count, r->capacity);
		r->list[r->count++] = &relocs[i];
	}
}

static void add_atom(struct references *r, const struct tables *tables, const struct atom *a)
{
	size_t n, i;
	const struct table_entry *e = tables_of(tables, a, &n);

	add_references(r, a->relocs, a->reloc_count);
	for (i = 0; i < n; i++)
		add_references(r, e[i].relocs + 1, e[i].table->relocs - 1);
}

static void references_of(struct references *r, const struct object *obj, const struct tables *tables,
			  const struct atom *f)
{
	_cleanup_free_ char *cold = NULL;
	const struct symbol *s = NULL;

	*r = (struct references){ 0 };
	add_atom(r, tables, f);
	if (atom_is_function(f)) {
		cold = xasprintf("%s.cold", f->symbol->name);
		s = object_symbol(obj, cold);
	}
	if (s && s->atom)
		add_atom(r, tables, s->atom);
}

/* Whether @f of @obj refers to @to. */
static bool refers_to(const struct object *obj, const struct tables *tables, const struct atom *f,
		      const struct atom *to)
{
	struct references r;
	bool found = false;
	size_t i;

	references_of(&r, obj, tables, f);
	for (i = 0; i < r.count && !found; i++)
		found = r.list[i]->target == to;
	free(r.list);
	return found;
}

/* Whether some atom that is paired refers to @a, and its twin to @b. */
static bool share_referrer(const struct change *c, const struct atom *a, const struct atom *b)
{
	size_t i;

	for (i = 0; i < c->post->atom_count; i++) {
		const struct atom *f = &c->post->atoms[i];

		if (f->twin && refers_to(c->post, c->post_tables, f, b) &&
		    refers_to(c->pre, c->pre_tables, f->twin, a))
			return true;
	}
	return false;
}

static bool referrer_is_gone(const struct change *c, const struct atom *a)
{
	size_t i;

	for (i = 0; i < c->pre->atom_count; i++) {
		const struct atom *f = &c->pre->atoms[i];

		if (!f->twin && atom_is_function(f) && refers_to(c->pre, c->pre_tables, f, a))
			return true;
	}
	return false;
}

/* Whether a function that is new, or nothing at all, refers to @b. */
static bool referrer_is_new(const struct change *c, const struct atom *b)
{
	bool any = false;
	size_t i;

	for (i = 0; i < c->post->atom_count; i++) {
		const struct atom *f = &c->post->atoms[i];

		if (!refers_to(c->post, c->post_tables, f, b))
			continue;
		if (!f->twin && atom_is_function(f))
			return true;
		any = true;
	}
	return !any;
}

/*
 * Whether @a, of which @b has the base name and the content, can have gone to
 * other code: what is in functions that go on using their own is another thing.
 */
static bool may_have_moved(const struct change *c, const struct atom *a, const struct atom *b)
{
	return section_classify(b->section, c->module) != CLASS_DATA || atom_starts_anew(b) ||
	       referrer_is_gone(c, a) || referrer_is_new(c, b);
}

const struct atom *correlate_doubt(const struct change *c, const struct atom *post)
{
	_cleanup_free_ char *base = base_name(post->symbol->name);
	size_t i;

	for (i = 0; strcmp(base, post->symbol->name) && i < c->pre->atom_count; i++) {
		const struct atom *a = &c->pre->atoms[i];
		_cleanup_free_ char *other = a->symbol && !a->twin ? base_name(a->symbol->name) : NULL;

		if (other && !strcmp(base, other) && !atom_is_function(a) && same_home(a, post) &&
		    (share_referrer(c, a, post) || referrer_is_gone(c, a)))
			return a;
	}
	return NULL;
}

const struct atom *correlate_renamed(const struct change *c, const struct atom *post)
{
	size_t i;

	for (i = 0; i < c->pre->atom_count; i++) {
		const struct atom *a = &c->pre->atoms[i];

		if (a->symbol && !a->twin && section_classify(a->section, c->module) == CLASS_DATA &&
		    atom_size(a) == atom_size(post) && same_home(a, post) && !atom_starts_anew(a) &&
		    share_referrer(c, a, post))
			return a;
	}
	return NULL;
}

/* The first unpaired atom of @obj with this base name, or NULL. */
static struct atom *first_left(struct object *obj, char *const *bases, const char *base)
{
	size_t i;

	for (i = 0; i < obj->atom_count; i++) {
		struct atom *a = &obj->atoms[i];

		if (!a->twin && a->symbol && !strcmp(bases[a->index], base))
			return a;
	}
	return NULL;
}

/* The only unpaired atom of @obj with this base name; NULL where none or several. */
static struct atom *single_left(struct object *obj, char *const *bases, const char *base)
{
	struct atom *found = NULL;
	size_t i;

	for (i = 0; i < obj->atom_count; i++) {
		struct atom *a = &obj->atoms[i];

		if (a->twin || !a->symbol || strcmp(bases[a->index], base))
			continue;
		if (found)
			return NULL;
		found = a;
	}
	return found;
}

/*
 * The only unpaired atom of @obj that can be @x of the other object and is
 * equal to it; NULL where none or several.
 */
static struct atom *single_equal(struct correlation *k, struct object *obj, struct atom *x)
{
	struct atom *found = NULL;
	size_t i;

	for (i = 0; i < obj->atom_count; i++) {
		struct atom *y = &obj->atoms[i];
		bool pre = obj == k->c->pre;
		struct atom *a = pre ? y : x, *b = pre ? x : y;

		if (!pairable(k, a, b) || !compare_atoms(k->c, a, b, COMPARE_LOOSE) ||
		    (!atom_is_function(b) && !share_referrer(k->c, a, b)))
			continue;
		if (found)
			return NULL;
		found = y;
	}
	return found;
}

/* Step 2 for one atom of the post object. */
static void pair_single(struct correlation *k, struct atom *b)
{
	const char *base = k->post_base[b->index];
	struct atom *a = single_left(k->c->pre, k->pre_base, base);

	/* resolve_btfids gives all that have the same kind and name the same number. */
	if (!strcmp(b->section->name, ".BTF_ids")) {
		a = first_left(k->c->pre, k->pre_base, base);
		if (a && pairable(k, a, b))
			pair(k, a, b);
		return;
	}
	if (a && single_left(k->c->post, k->post_base, base) == b && pairable(k, a, b) &&
	    (atom_is_function(b) || share_referrer(k->c, a, b) ||
	     (compare_atoms(k->c, a, b, COMPARE_LOOSE) && may_have_moved(k->c, a, b)))) {
		pair(k, a, b);
		return;
	}
	/* Of several, the one that is equal, where that is so from both sides. */
	a = single_equal(k, k->c->pre, b);
	if (a && single_equal(k, k->c->post, a) == b)
		pair(k, a, b);
}

/* Functions before data: what is left of them tells where the data can be from. */
static void pair_what_is_single(struct correlation *k, bool functions)
{
	size_t i;

	for (i = 0; i < k->c->post->atom_count; i++) {
		struct atom *b = &k->c->post->atoms[i];

		if (!b->twin && is_numbered(b, k->post_base) && atom_is_function(b) == functions)
			pair_single(k, b);
	}
}

/*
 * Step 3: the longest common subsequence of the references of a function that
 * changed.  best[i][j] is its length for the references from i and j on.  A
 * pair is certain where the alignment that takes each as early as possible and
 * the one that takes each as late as possible both have it.
 */
static void align(struct correlation *k, const struct references *a, const struct references *b)
{
	size_t n = a->count, m = b->count, i, j, w = m + 1;
	_cleanup_free_ uint32_t *best = xcalloc((n + 1) * w, sizeof(*best));
	_cleanup_free_ uint32_t *early = xcalloc(n + 1, sizeof(*early));

	for (i = n; i--;)
		for (j = m; j--;) {
			uint32_t skip = best[(i + 1) * w + j] > best[i * w + j + 1] ?
						best[(i + 1) * w + j] : best[i * w + j + 1];
			uint32_t take = compare_targets(k->c, a->list[i], b->list[j], COMPARE_LOOSE) ?
						best[(i + 1) * w + j + 1] + 1 : 0;

			best[i * w + j] = take > skip ? take : skip;
		}
	for (i = j = 0; i < n && j < m;) {
		if (compare_targets(k->c, a->list[i], b->list[j], COMPARE_LOOSE) &&
		    best[i * w + j] == best[(i + 1) * w + j + 1] + 1)
			early[i++] = ++j;
		else if (best[(i + 1) * w + j] >= best[i * w + j + 1])
			i++;
		else
			j++;
	}
	for (i = j = 0; i < n && j < m;) {
		/* As late as possible: step over as long as nothing is lost by it. */
		if (best[i * w + j + 1] == best[i * w + j]) {
			j++;
		} else if (best[(i + 1) * w + j] == best[i * w + j]) {
			i++;
		} else {
			if (early[i] == j + 1)
				pair_references(k, a->list[i], b->list[j], 1);
			i++, j++;
		}
	}
}

#define ALIGN_MAX (64ul << 20) /* cells; beyond it the references stay unpaired */

static bool has_unpaired(const struct references *r, char *const *bases)
{
	size_t i;

	for (i = 0; i < r->count; i++) {
		const struct atom *t = r->list[i]->target;

		if (t && !t->twin && is_numbered(t, bases))
			return true;
	}
	return false;
}

static void align_changed_functions(struct correlation *k)
{
	size_t i;

	for (i = 0; i < k->c->post->atom_count; i++) {
		struct atom *b = &k->c->post->atoms[i], *a = b->twin;
		struct references pre, post;

		if (!a || !atom_is_function(b))
			continue;
		references_of(&pre, k->c->pre, k->c->pre_tables, a);
		references_of(&post, k->c->post, k->c->post_tables, b);
		if (has_unpaired(&pre, k->pre_base) && has_unpaired(&post, k->post_base) &&
		    (pre.count + 1) * (post.count + 1) < ALIGN_MAX)
			align(k, &pre, &post);
		free(pre.list);
		free(post.list);
	}
}

static char **all_bases(const struct object *obj)
{
	char **bases = xcalloc(obj->atom_count, sizeof(*bases));
	size_t i;

	for (i = 0; i < obj->atom_count; i++)
		if (obj->atoms[i].symbol)
			bases[i] = base_name(obj->atoms[i].symbol->name);
	return bases;
}

static void free_bases(const struct object *obj, char **bases)
{
	size_t i;

	for (i = 0; i < obj->atom_count; i++)
		free(bases[i]);
	free(bases);
}

void correlate(struct change *c)
{
	struct correlation k = { .c = c };

	k.pre_base = all_bases(c->pre);
	k.post_base = all_bases(c->post);
	pair_source_names(&k);
	pair_aliases(&k);
	pair_nameless(&k);
	do {
		do {
			k.progress = false;
			follow_equal_atoms(&k);
		} while (k.progress);
		align_changed_functions(&k);
		if (!k.progress)
			pair_what_is_single(&k, true);
		if (!k.progress)
			pair_what_is_single(&k, false);
	} while (k.progress);
	free_bases(c->pre, k.pre_base);
	free_bases(c->post, k.post_base);
}
