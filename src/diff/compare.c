// SPDX-License-Identifier: GPL-2.0
#include "diff/diff.h"

#include "util/memory.h"
#include "util/string.h"

#include <string.h>

enum section_class section_classify(const struct section *sec, bool module)
{
	static const char *const ignored[] = { ".discard.", ".comment", ".note", ".eh_frame",
					       ".modinfo", ".printk_index", "__versions" };
	static const char *const init[] = { ".init.", ".initcall", ".con_initcall", ".meminit.",
					    ".devinit.", ".cpuinit.", "__param" };
	const char *name = sec->name;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ignored); i++)
		if (starts_with(name, ignored[i]))
			return CLASS_IGNORED;
	if (!(sec->flags & SHF_ALLOC))
		return CLASS_IGNORED;
	if (section_is_table(sec))
		return CLASS_TABLE;
	for (i = 0; i < ARRAY_SIZE(init); i++)
		if (starts_with(name, init[i]))
			return CLASS_INIT;
	if (starts_with(name, ".kmend."))
		return CLASS_DECLARED;
	if (starts_with(name, ".exit.") || starts_with(name, ".exitcall"))
		return module && section_is_text(sec) ? CLASS_TEXT : CLASS_INIT;
	if (starts_with(name, "___ksymtab") || starts_with(name, "___kcrctab") ||
	    starts_with(name, "__ksymtab") || starts_with(name, "__kcrctab") ||
	    starts_with(name, ".export_symbol"))
		return CLASS_EXPORT;
	if (section_is_text(sec))
		return CLASS_TEXT;
	if (starts_with(name, ".rodata") || !strcmp(name, ".ref.rodata"))
		return CLASS_RODATA;
	if (starts_with(name, ".data") || starts_with(name, ".bss") ||
	    starts_with(name, ".ref.data") || !strcmp(name, "__dyndbg"))
		return CLASS_DATA;
	return CLASS_OTHER;
}

enum home { HOME_WRITABLE, HOME_CONSTANT, HOME_PER_CPU, HOME_INIT };

static enum home home_of(const struct atom *a)
{
	enum section_class class = section_classify(a->section, true);
	const char *name = a->section->name;

	if (class == CLASS_INIT)
		return HOME_INIT;
	if (starts_with(name, ".data..percpu"))
		return HOME_PER_CPU;
	if (class == CLASS_RODATA || starts_with(name, ".data..ro_after_init") ||
	    starts_with(name, ".data.rel.ro"))
		return HOME_CONSTANT;
	return HOME_WRITABLE;
}

bool same_home(const struct atom *pre, const struct atom *post)
{
	enum home a = home_of(pre), b = home_of(post);

	return a == b || (a == HOME_WRITABLE && b == HOME_CONSTANT);
}

bool atom_is_read_only(const struct atom *a)
{
	return home_of(a) == HOME_CONSTANT;
}

bool atom_is_content(const struct atom *a)
{
	const char *name = a->section->name;

	if (a->symbol)
		return false;
	return section_is_strings(a->section) || section_is_text(a->section) ||
	       starts_with(name, ".rodata");
}

/* Bytes of the string at @at with what ends it, 0 where nothing does. */
static size_t string_size(const struct atom *a, int64_t at)
{
	static const uint8_t zero[8];
	uint64_t width = a->section->entsize ? a->section->entsize : 1, end;

	if (at < 0 || !atom_data(a) || width > sizeof(zero))
		return 0;
	for (end = at; end < atom_size(a) && width <= atom_size(a) - end; end += width)
		if (!memcmp(atom_data(a) + end, zero, width))
			return end + width - at;
	return 0;
}

/* Two strings in sections that the linker merges: only the characters matter. */
static bool same_string(const struct reloc *pre, const struct reloc *post)
{
	size_t size = string_size(pre->target, pre->delta);

	return size && size == string_size(post->target, post->delta) &&
	       !memcmp(atom_data(pre->target) + pre->delta, atom_data(post->target) + post->delta, size);
}

/* A constant in a section of constants of one size. */
static bool same_constant(const struct reloc *pre, const struct reloc *post)
{
	const struct section *s = pre->target->section, *t = post->target->section;
	int64_t at = pre->delta + (int64_t)pre->target->start;
	int64_t bt = post->delta + (int64_t)post->target->start;

	if (s->entsize != t->entsize || !s->entsize || !s->data || !t->data || at < 0 || bt < 0 ||
	    (uint64_t)at + s->entsize > s->size || (uint64_t)bt + t->entsize > t->size)
		return false;
	return !memcmp(s->data + at, t->data + bt, s->entsize);
}

static bool same_content(const struct change *c, const struct reloc *pre, const struct reloc *post,
			 enum compare_mode mode)
{
	struct atom *a = pre->target, *b = post->target;
	bool same;

	if (!atom_is_content(a) || (a->section->flags ^ b->section->flags) & ~SHF_GROUP)
		return false;
	if (section_is_strings(a->section))
		return same_string(pre, post);
	if (a->section->flags & SHF_MERGE)
		return same_constant(pre, post);
	if (pre->delta != post->delta)
		return false;
	/* What refers to itself is equal where the rest of it is. */
	if (a->against)
		return a->against == b;
	a->against = b;
	same = compare_atoms(c, a, b, mode);
	a->against = NULL;
	return same;
}

static bool same_base(const struct atom *a, const struct atom *b)
{
	_cleanup_free_ char *x = a->symbol ? base_name(a->symbol->name) : NULL;
	_cleanup_free_ char *y = b->symbol ? base_name(b->symbol->name) : NULL;

	return x && y && !strcmp(x, y);
}

bool compare_targets(const struct change *c, const struct reloc *pre, const struct reloc *post,
		     enum compare_mode mode)
{
	const struct atom *a = pre->target, *b = post->target;

	if (pre->type != post->type || !a != !b)
		return false;
	if (!a)
		return pre->delta == post->delta && !strcmp(pre->symbol->name, post->symbol->name);
	if (atom_is_content(b))
		return same_content(c, pre, post, mode);
	if (pre->delta != post->delta)
		return false;
	if (b->twin || a->twin)
		return b->twin == a;
	if (mode == COMPARE_STRICT || !same_base(a, b))
		return false;
	/* An object's content does not change with its number; code may. */
	return mode == COMPARE_SHALLOW || section_is_text(a->section) ||
	       compare_atoms(c, a, b, COMPARE_SHALLOW);
}

static bool same_relocs(const struct change *c, const struct reloc *pre, uint64_t pre_start,
			const struct reloc *post, uint64_t post_start, size_t count, enum compare_mode mode)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (pre[i].offset - pre_start != post[i].offset - post_start ||
		    !compare_targets(c, &pre[i], &post[i], mode))
			return false;
	return true;
}

/* Entries that are made from the code say nothing that the code does not. */
static size_t next_compared(const struct table_entry *e, size_t count, size_t i)
{
	while (i < count && (e[i].table->kind == ARCH_TABLE_DERIVED || e[i].table->kind == ARCH_TABLE_UNWIND))
		i++;
	return i;
}

static bool same_tables(const struct change *c, const struct atom *pre, const struct atom *post,
			enum compare_mode mode)
{
	size_t n, m, i = 0, k = 0;
	const struct table_entry *a = tables_of(c->pre_tables, pre, &n);
	const struct table_entry *b = tables_of(c->post_tables, post, &m);

	for (;; i++, k++) {
		i = next_compared(a, n, i);
		k = next_compared(b, m, k);
		if (i == n || k == m)
			return i == n && k == m;
		if (strcmp(a[i].section->name, b[k].section->name) || a[i].size != b[k].size ||
		    a[i].relocs[0].delta != b[k].relocs[0].delta ||
		    memcmp(a[i].section->data + a[i].offset, b[k].section->data + b[k].offset,
			   a[i].size) ||
		    !same_relocs(c, a[i].relocs + 1, a[i].offset, b[k].relocs + 1, b[k].offset,
				 a[i].table->relocs - 1, mode))
			return false;
	}
}

bool compare_atoms(const struct change *c, const struct atom *pre, const struct atom *post, enum compare_mode mode)
{
	const uint8_t *a = atom_data(pre), *b = atom_data(post);

	if (atom_size(pre) != atom_size(post) || pre->reloc_count != post->reloc_count || !a != !b)
		return false;
	if (a && atom_size(pre) && memcmp(a, b, atom_size(pre)))
		return false;
	if (!same_relocs(c, pre->relocs, pre->start, post->relocs, post->start, pre->reloc_count,
			 mode))
		return false;
	return !section_is_text(post->section) || same_tables(c, pre, post, mode);
}
